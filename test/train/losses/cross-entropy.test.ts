import { expect, test } from "vitest";
import { crossEntropy, ohemCrossEntropy, type ScoreDims } from "../../../src/train/losses/index.ts";
import { float32, lossOf, noise, someLabels, uint8, labelledApart, unlabelledApart } from "./rig.ts";

const shape: ScoreDims = [2, 4, 5, 6];
const logits = noise(240, 1).map((value) => 3 * value);
const labels = someLabels(shape, 2);
const base = { logits: "logits", labels: "labels", dims: shape };

/** The definition, pixel by pixel. */
function reference(
  p: readonly (readonly number[])[],
  { ignore = 255, weights = [1, 1, 1, 1], smoothing = 0, keep = (at: number): boolean => at >= 0 } = {},
): number {
  let [total, weight] = [0, 0];
  for (const [i, label] of labels.entries()) {
    if (label === ignore || label === 255 || !keep(i)) continue;
    const own = p[i] ?? [];
    weight += weights[label] ?? 0;
    total -= (1 - smoothing) * (weights[label] ?? 0) * Math.log(own[label] ?? 0);
    for (const [c, value] of own.entries()) total -= (smoothing / 4) * (weights[c] ?? 0) * Math.log(value);
  }
  return total / weight;
}

test("is the mean of -log p over labelled pixels", async () => {
  expect(
    await labelledApart(
      (ops) => crossEntropy(ops, base),
      (p) => reference(p),
      shape,
      logits,
      labels,
    ),
  ).toEqual([]);
});

test("weighs classes and smooths labels", async () => {
  const weights = [0.5, 2, 0, 1.25];
  expect(
    await labelledApart(
      (ops) => crossEntropy(ops, { ...base, classWeights: weights, labelSmoothing: 0.1 }),
      (p) => reference(p, { weights, smoothing: 0.1 }),
      shape,
      logits,
      labels,
    ),
  ).toEqual([]);
});

test("leaves out a class that is to be ignored", async () => {
  expect(
    await labelledApart(
      (ops) => crossEntropy(ops, { ...base, ignore: 2 }),
      (p) => reference(p, { ignore: 2 }),
      shape,
      logits,
      labels,
    ),
  ).toEqual([]);
});

test("is 0 with gradient 0 where nothing is labelled", async () => {
  expect(await unlabelledApart((ops) => crossEntropy(ops, { ...base, labelSmoothing: 0.1 }), shape)).toEqual([]);
  expect(await unlabelledApart((ops) => ohemCrossEntropy(ops, base), shape)).toEqual([]);
});

test("stands scores whose exponentials overflow", async () => {
  const feeds = {
    logits: float32([1, 2, 1, 2], Float32Array.of(1000, -1000, 0, 0)),
    labels: uint8([1, 1, 2], Uint8Array.of(1, 1)),
  };
  const small = { logits: "logits", labels: "labels", dims: [1, 2, 1, 2] as const };
  const { value, gradients } = await lossOf((ops) => crossEntropy(ops, small), feeds, ["logits"]);
  expect(value).toBe(500);
  expect(gradients.get("logits")).toEqual([0.5, 0, -0.5, 0]);
});

test("refuses weights and smoothing out of range", async () => {
  const feeds = { logits: float32(shape, logits), labels: uint8([2, 5, 6], labels) };
  const attempt = (options: object): Promise<unknown> =>
    lossOf((ops) => crossEntropy(ops, { ...base, ...options }), feeds, ["logits"]);
  await expect(attempt({ classWeights: [1, 2] })).rejects.toThrow("expected 4 numbers");
  await expect(attempt({ classWeights: [1, 2, 3, -1] })).rejects.toThrow("at least 0");
  await expect(attempt({ labelSmoothing: 1 })).rejects.toThrow("label smoothing");
});

/** Labelled pixels, the least probable label first. */
function hardestFirst(p: readonly (readonly number[])[]): { at: number; probability: number }[] {
  return [...labels.entries()]
    .filter(([, label]) => label !== 255)
    .map(([at, label]) => ({ at, probability: p[at]?.[label] ?? 0 }))
    .sort((a, b) => a.probability - b.probability);
}

test.each([
  { threshold: 0.7, oneIn: 16, by: "threshold" },
  { threshold: 0.001, oneIn: 3, by: "count" },
])("OHEM keeps the pixels that the $by tells", async ({ threshold, oneIn, by }) => {
  expect(
    await labelledApart(
      (ops) => ohemCrossEntropy(ops, { ...base, threshold, oneIn }),
      (p) => {
        const sorted = hardestFirst(p);
        const below = sorted.filter(({ probability }) => probability < threshold);
        const least = sorted.slice(0, Math.floor(sorted.length / oneIn));
        expect(below.length > least.length).toBe(by === "threshold");
        const kept = new Set((below.length > least.length ? below : least).map(({ at }) => at));
        expect(kept.size).toBeLessThan(sorted.length);
        return reference(p, { keep: (at) => kept.has(at) });
      },
      shape,
      logits,
      labels,
    ),
  ).toEqual([]);
});
