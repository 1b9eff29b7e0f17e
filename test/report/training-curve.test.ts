// The page of a training: its plots show the values that were given, as read back from the drawn paths.

import { parseHTML } from "linkedom";
import { describe, expect, it } from "vitest";
import { trainingCurveHtml, type TrainingCurve } from "../../src/report/training-curve.ts";

const steps = Array.from({ length: 40 }, (_, index) => ({
  step: 10 * (index + 1),
  loss: 2 * Math.exp(-index / 15) + 0.1 * Math.sin(index),
  rate: 0.002 * (1 - index / 40) ** 0.9,
}));
const validations = [100, 200, 300, 400].map((step, index) => ({ step, meanIou: [21.5, 38, 47.25, 44][index] ?? 0 }));
const curve: TrainingCurve = { title: "Training of <net>", lead: "tiny & quick", steps, validations };

function pageOf(given: TrainingCurve): Document {
  return parseHTML(trainingCurveHtml(given)).document;
}

function plotOf(page: Document, label: string): Element {
  const plot = page.querySelector(`svg[aria-label="${label}"]`);
  if (plot === null) throw new Error(`no plot "${label}"`);
  return plot;
}

/** Corners of a plot's line, in pixels. */
function lineOf(plot: Element): (readonly [number, number])[] {
  const path = plot.querySelector('g[aria-label="line"] path')?.getAttribute("d") ?? "";
  return [...path.matchAll(/[ML]?(-?[\d.]+),(-?[\d.]+)/g)].map(([, x, y]) => [Number(x), Number(y)]);
}

/** The straight line through the first and the last of pairs, and how far the others are from it, in pixels. */
function farthest(pairs: readonly (readonly [value: number, px: number])[]): number {
  const [first, last] = [
    pairs.reduce((least, one) => (one[0] < least[0] ? one : least)),
    pairs.reduce((most, one) => (one[0] > most[0] ? one : most)),
  ];
  const slope = (last[1] - first[1]) / (last[0] - first[0]);
  return Math.max(...pairs.map(([value, px]) => Math.abs(px - first[1] - slope * (value - first[0]))));
}

/** Where corners are not given points on an axis of steps and one of values, larger values higher; in words. */
function misdrawn(
  corners: readonly (readonly [number, number])[],
  points: readonly (readonly [number, number])[],
): string[] {
  if (corners.length !== points.length) return [`${corners.length} corners, not ${points.length}`];
  const pairs = (axis: 0 | 1): [number, number][] =>
    points.map((point, index) => [point[axis], corners[index]?.[axis] ?? Number.NaN]);
  const heights = pairs(1).sort((a, b) => a[0] - b[0]);
  const isUpward = (heights[0]?.[1] ?? 0) > (heights.at(-1)?.[1] ?? Infinity);
  // Coordinates are rounded to a tenth.
  const far = ([0, 1] as const).map((axis) => farthest(pairs(axis))).filter((px) => !(px < 0.2));
  return [...far.map((px) => `${px} px off`), ...(isUpward ? [] : ["upside down"])];
}

describe("the page of a training", () => {
  it("draws loss, score and rate as they were given", () => {
    const page = pageOf(curve);
    const logarithms = steps.map(({ step, loss }) => [step, Math.log(loss)] as const);
    expect(misdrawn(lineOf(plotOf(page, "Loss by step")), logarithms)).toEqual([]);
    const rates = steps.map(({ step, rate }) => [step, rate] as const);
    expect(misdrawn(lineOf(plotOf(page, "Learning rate by step")), rates)).toEqual([]);
    const score = plotOf(page, "mIoU on validation by step");
    const points = validations.map(({ step, meanIou }) => [step, meanIou] as const);
    expect(misdrawn(lineOf(score), points)).toEqual([]);
    const dots = [...score.querySelectorAll('g[aria-label="dot"] circle')].map(
      (dot) => [Number(dot.getAttribute("cx")), Number(dot.getAttribute("cy"))] as const,
    );
    expect(misdrawn(dots, points)).toEqual([]);
  });

  it("has one axis of steps for all plots", () => {
    const page = pageOf(curve);
    const at = (label: string, index: number): number => lineOf(plotOf(page, label))[index]?.[0] ?? Number.NaN;
    // Step 400 is the last of all three.
    expect(at("Learning rate by step", 39)).toBeCloseTo(at("Loss by step", 39), 1);
    expect(at("mIoU on validation by step", 3)).toBeCloseTo(at("Loss by step", 39), 1);
  });

  it("names the best validation, and escapes what it is given", () => {
    const page = pageOf(curve);
    expect(page.querySelector("h1")?.textContent).toBe("Training of <net>");
    expect(page.querySelector(".lead")?.textContent).toBe("tiny & quick");
    expect(page.querySelector("header")?.textContent).toContain("47.25 % at step 300");
    expect(page.querySelector('meta[http-equiv="refresh"]')).toBeNull();
    expect(page.querySelectorAll("script").length).toBe(0);
  });

  it("has no score before the first validation, and reloads itself while training runs", () => {
    const page = pageOf({ ...curve, validations: [], refreshSec: 30 });
    expect(page.querySelectorAll("svg").length).toBe(2);
    expect(page.querySelector("header")?.textContent).toContain("No validation yet");
    expect(page.querySelector('meta[http-equiv="refresh"]')?.getAttribute("content")).toBe("30");
  });

  it("draws at most a thousand points of a long training, spread over all of it", () => {
    const long = Array.from({ length: 4500 }, (_, index) => ({
      step: index + 1,
      loss: 1 + 1 / (index + 1),
      rate: 1e-3,
    }));
    const corners = lineOf(plotOf(pageOf({ ...curve, steps: long, validations: [] }), "Loss by step"));
    expect(corners.length).toBeLessThanOrEqual(1000);
    expect(corners.length).toBeGreaterThan(800);
    const kept = long.filter((_, index) => index % 5 === 0).map(({ step, loss }) => [step, Math.log(loss)] as const);
    expect(misdrawn(corners, kept)).toEqual([]);
  });
});
