// What plots are made from: steps of long videos, histograms, the front of the best, places of names, colours.

import { describe, expect, it } from "vitest";
import { ageCounts } from "../../src/report/age-histogram.ts";
import { familyOf, readClock } from "../../src/report/family.ts";
import { difference, factor, percent, shareInPercent } from "../../src/report/figures.ts";
import { bestAtCost } from "../../src/report/front.ts";
import { placeLabels } from "../../src/report/label-places.ts";
import { latencyCounts } from "../../src/report/latency-histogram.ts";
import { countsInSteps, framesInStep, outlineOfFlags, rangesInSteps } from "../../src/report/steps.ts";
import { style } from "../../src/report/style.ts";
import { sampleEvaluation } from "./sample.ts";

const long = sampleEvaluation({ frames: 20_000, clocks: ["every", "fixed:5", "adaptive:0.25"] });

describe("steps of long videos", () => {
  const fired = long.timelines[2]?.fired.map((stages) => stages[1] === true) ?? [];
  const firings = fired.filter(Boolean).length;

  it("are single frames up to 1,500 and few hundred steps beyond", () => {
    expect(framesInStep(1500)).toBe(1);
    for (const frames of [1501, 20_000, 1_000_000]) {
      const steps = Math.ceil(frames / framesInStep(frames));
      expect(steps).toBeLessThanOrEqual(751);
      expect(steps).toBeGreaterThan(300);
    }
  });

  it("keep the number of firings", () => {
    expect(firings).toBeGreaterThan(1000);
    for (const step of [1, 7, 27, 20_001]) {
      expect(countsInSteps(fired, step).reduce((a, b) => a + b, 0)).toBe(firings);
      const outline = outlineOfFlags(fired, step);
      const area = outline.slice(1).reduce((sum, to, index) => {
        const from = outline[index] ?? to;
        return sum + from.share * (to.at - from.at);
      }, 0);
      expect(area).toBeCloseTo(firings, 6);
    }
  });

  it("keep extremes, and means between them", () => {
    const signal = long.timelines[2]?.signal ?? [];
    const steps = rangesInSteps(signal, 27);
    const known = signal.filter((value) => value !== null);
    expect(Math.max(...steps.map(({ values }) => values?.high ?? 0))).toBe(Math.max(...known));
    expect(Math.min(...steps.map(({ values }) => values?.low ?? 1))).toBe(Math.min(...known));
    for (const { values } of steps) {
      expect(values?.mean).toBeGreaterThanOrEqual(values?.low ?? Infinity);
      expect(values?.mean).toBeLessThanOrEqual(values?.high ?? -Infinity);
    }
  });

  it("know where there is nothing", () => {
    expect(rangesInSteps([null, null, 1, 3, null], 2)).toEqual([
      { at: 1, values: null },
      { at: 3, values: { low: 1, mean: 2, high: 3 } },
      { at: 4.5, values: null },
    ]);
    expect(outlineOfFlags([], 1)).toEqual([]);
  });
});

describe("histograms", () => {
  it("count every age once", () => {
    expect(ageCounts([0, 0, 3, 1, 4], 1)).toEqual([2, 1, 0, 1, 1]);
    expect(ageCounts([0, 0, 3, 1, 4], 2)).toEqual([3, 1, 1]);
  });

  it("count every frame once, fired and held apart", () => {
    const timeline = long.timelines[1];
    if (timeline === undefined) throw new Error("a timeline is missing");
    const fired = timeline.fired.filter((stages) => stages[1] === true).length;
    for (const [bins, width] of [
      [90, 1],
      [10, 0.5],
    ] as const) {
      const counts = latencyCounts(timeline, bins, width);
      expect(counts.fired.reduce((a, b) => a + b, 0)).toBe(fired);
      expect(counts.held.reduce((a, b) => a + b, 0)).toBe(20_000 - fired);
      expect(counts.beyond).toBe(timeline.ms.filter((ms) => ms >= bins * width).length);
    }
  });
});

describe("the best at each cost", () => {
  it("are those that nothing beats, by trying all pairs", () => {
    const points = Array.from({ length: 40 }, (_, index) => ({
      cost: (index * 7) % 13,
      quality: index % 11 === 0 ? null : (index * 5) % 17,
    }));
    const best = bestAtCost(points);
    for (const [index, point] of points.entries()) {
      const cheaper = points.filter(({ cost, quality }) => cost < point.cost && quality !== null);
      const same = points.filter(({ cost, quality }) => cost === point.cost && quality !== null);
      const expected =
        point.quality !== null &&
        cheaper.every(({ quality }) => (quality ?? 0) < (point.quality ?? 0)) &&
        same.every(({ quality }) => (quality ?? 0) <= (point.quality ?? 0));
      expect(best[index]).toBe(expected);
    }
    expect(best.filter(Boolean).length).toBeGreaterThan(1);
  });
});

describe("clocks", () => {
  it("tell their threshold and signal", () => {
    expect(readClock("adaptive:0.25")).toEqual({ kind: "adaptive", threshold: 0.25, signal: null });
    expect(readClock("adaptive:0.25@probe")).toEqual({ kind: "adaptive", threshold: 0.25, signal: "probe" });
    expect(readClock("adaptive:0.25@probe+flow")).toEqual({ kind: "adaptive", threshold: 0.25, signal: "probe" });
    expect(readClock("every+flow+blend:0.5")).toEqual({ kind: "every" });
    expect(readClock("adaptive:x")).toEqual({ kind: "adaptive", threshold: null, signal: null });
    expect(readClock("fixed:1,2,4")).toEqual({ kind: "fixed" });
    expect(readClock("deadline:33ms")).toEqual({ kind: "deadline" });
    expect(readClock("<b>")).toEqual({ kind: "other" });
  });

  it("of different families differ by shape or by being hollow", () => {
    const families = [
      "every",
      "skip:2",
      "fixed:2",
      "adaptive:0.2",
      "adaptive:0.2@probe",
      "adaptive:0.2@features",
      "pipeline",
    ].flatMap((clock) => [familyOf({ clock, propagate: "still" }), familyOf({ clock, propagate: "flow" })]);
    expect(new Set(families.map(({ name }) => name)).size).toBe(families.length);
    expect(new Set(families.map(({ shape, flow }) => `${shape} ${flow}`)).size).toBe(families.length);
  });
});

it("draws no line through schedules that mix in other shares", () => {
  const names = ["fixed:2+flow", "fixed:2+flow+blend:0.3", "fixed:5+flow+blend:0.3"].map(
    (clock) => familyOf({ clock, propagate: "flow" }).name,
  );
  expect(names).toEqual(["fixed+flow", "fixed+flow+blend:0.3", "fixed+flow+blend:0.3"]);
});

describe("names of points", () => {
  it("lie apart and within the plot, in a crowd", () => {
    const points = Array.from({ length: 14 }, (_, index) => ({
      x: 200 + 22 * (index % 4),
      y: 150 + 20 * Math.floor(index / 4),
      text: `fixed:${index}`,
    }));
    const bounds = { left: 40, top: 20, right: 430, bottom: 300 };
    const boxes = placeLabels(points, [], bounds).map(({ x, y }, index) => {
      const half = ((points[index]?.text.length ?? 0) * 6.5) / 2;
      return { left: x - half, right: x + half, top: y - 5, bottom: y + 5 };
    });
    for (const [a, one] of boxes.entries()) {
      expect(one.left).toBeGreaterThanOrEqual(bounds.left);
      expect(one.right).toBeLessThanOrEqual(bounds.right);
      for (const other of boxes.slice(a + 1)) {
        const width = Math.min(one.right, other.right) - Math.max(one.left, other.left);
        const height = Math.min(one.bottom, other.bottom) - Math.max(one.top, other.top);
        expect(Math.min(width, height)).toBeLessThanOrEqual(0);
      }
    }
  });
});

describe("numbers", () => {
  it("are printed in one way", () => {
    expect(percent(65.125)).toBe((65.125).toFixed(2));
    expect(percent(null)).toBe("–");
    expect(shareInPercent(0.3754)).toBe("37.5");
    expect(factor(Infinity)).toBe("–");
    expect([0.123, -0.123, -0.001, 0.001, 0].map(difference)).toEqual(["+0.12", "−0.12", "0.00", "0.00", "0.00"]);
  });
});

describe("colours", () => {
  const [light = "", dark = ""] = style.split("prefers-color-scheme: dark");

  it.each([
    ["light", light],
    ["dark", dark],
  ])("have contrast to the paper in the %s scheme (WCAG 2.2, 1.4.3 and 1.4.11)", (_, sheet) => {
    const colours = Object.fromEntries(
      [...sheet.matchAll(/--([a-z]+): (#[0-9a-f]{6});/g)].map(([, name, hex]) => [name, hex]),
    );
    const paper = colours["paper"] ?? "";
    const series = [
      "ink",
      "muted",
      "link",
      "skip",
      "fixed",
      "adaptive",
      "probe",
      "features",
      "expected",
      "pipeline",
      "deadline",
    ];
    const below = (least: number, names: readonly string[]): readonly string[] =>
      names.filter((name) => !(contrast(colours[name] ?? "", paper) >= least));
    expect(below(4.5, series)).toEqual([]);
    expect(below(3, ["fired", "held"])).toEqual([]);
    // Text on the deepest tint of the class table.
    for (const tint of ["loss", "gain"]) {
      const rgb = new RegExp(`--${tint}: (\\d+) (\\d+) (\\d+)`).exec(light)?.slice(1).map(Number) ?? [];
      const base = channels(paper);
      const mixed = rgb.map((channel, index) => 0.52 * channel + 0.48 * (base[index] ?? 0));
      expect(contrast(colours["ink"] ?? "", `#${mixed.map(hex).join("")}`)).toBeGreaterThanOrEqual(4.5);
    }
  });
});

function contrast(one: string, other: string): number {
  const [bright = 0, dim = 0] = [luminance(one), luminance(other)].sort((a, b) => b - a);
  return (bright + 0.05) / (dim + 0.05);
}

/** Relative luminance as WCAG 2.2 defines it. */
function luminance(colour: string): number {
  const [red = 0, green = 0, blue = 0] = channels(colour).map((channel) => {
    const share = channel / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function channels(colour: string): readonly number[] {
  return [1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16));
}

function hex(channel: number): string {
  return Math.round(channel).toString(16).padStart(2, "0");
}
