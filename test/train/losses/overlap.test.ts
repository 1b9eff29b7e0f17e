import { expect, test } from "vitest";
import { lovaszSoftmax, softIou, unionOverIntersection, type ScoreDims } from "../../../src/train/losses/index.ts";
import { float32, lossOf, noise, someLabels, uint8, labelledApart, unlabelledApart } from "./rig.ts";

const shape: ScoreDims = [2, 4, 3, 5];
const logits = noise(120, 3).map((value) => 2 * value);
// Class 3 is in no label.
const labels = someLabels(shape, 4).map((label) => (label === 3 ? 0 : label));
const base = { logits: "logits", labels: "labels", dims: shape };
const known = [...labels.entries()].filter(([, label]) => label !== 255);

/** I and U of each present class. */
function overlaps(p: readonly (readonly number[])[], ignore = 255): { i: number; u: number }[] {
  return [0, 1, 2].flatMap((c) => {
    if (c === ignore) return [];
    let [i, u] = [0, 0];
    for (const [at, label] of known) {
      if (label === ignore) continue;
      const own = p[at]?.[c] ?? 0;
      i += label === c ? own : 0;
      u += label === c ? 1 : own;
    }
    return [{ i, u }];
  });
}

function meanOf(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0) / values.length;
}

test.each([255, 1])("soft IoU is over present classes, without label %i", async (ignore) => {
  expect(
    await labelledApart(
      (ops) => softIou(ops, { ...base, ignore }),
      (p) => 1 - meanOf(overlaps(p, ignore).map(({ i, u }) => i / u)),
      shape,
      logits,
      labels,
    ),
  ).toEqual([]);
});

test("union over intersection is over present classes", async () => {
  expect(
    await labelledApart(
      (ops) => unionOverIntersection(ops, base),
      (p) => meanOf(overlaps(p).map(({ i, u }) => u / i)),
      shape,
      logits,
      labels,
    ),
  ).toEqual([]);
});

test("union over intersection is finite where a class has no probability", async () => {
  const feeds = {
    logits: float32([1, 2, 1, 1], Float32Array.of(200, -200)),
    labels: uint8([1, 1, 1], Uint8Array.of(1)),
  };
  const one = { logits: "logits", labels: "labels", dims: [1, 2, 1, 1] as const };
  const { value, gradients } = await lossOf((ops) => unionOverIntersection(ops, one), feeds, ["logits"]);
  expect(value / 1e8).toBeCloseTo(1, 5);
  expect(gradients.get("logits")?.every(Number.isFinite)).toBe(true);
});

/** Sorted errors times the steps of the Jaccard loss, by sets: no formula for the steps. */
function lovasz(p: readonly (readonly number[])[]): number {
  const losses = [0, 1, 2].map((c) => {
    const errors = known
      .map(([at, label]) => ({ at, isClass: label === c, error: Math.abs((label === c ? 1 : 0) - (p[at]?.[c] ?? 0)) }))
      .sort((a, b) => b.error - a.error);
    const labelled = errors.filter(({ isClass }) => isClass).length;
    // The Jaccard loss where exactly the first k are wrong.
    const lossOfFirst = (k: number): number => {
      const wrong = errors.slice(0, k);
      const lost = wrong.filter(({ isClass }) => isClass).length;
      return 1 - (labelled - lost) / (labelled + wrong.length - lost);
    };
    return errors.reduce((total, { error }, k) => total + error * (lossOfFirst(k + 1) - lossOfFirst(k)), 0);
  });
  return meanOf(losses);
}

test("Lovasz-softmax is the Jaccard loss between its corners", async () => {
  expect(await labelledApart((ops) => lovaszSoftmax(ops, base), lovasz, shape, logits, labels)).toEqual([]);
});

test("Lovasz-softmax is 1 - mean IoU where the network is certain", async () => {
  const certain = new Float32Array(120).fill(-100);
  const predicted = someLabels(shape, 9).map((label) => (label === 255 ? 1 : label % 3));
  for (const [at, label] of predicted.entries()) {
    certain[(Math.floor(at / 15) * 4 + label) * 15 + (at % 15)] = 100;
  }
  const feeds = { logits: float32(shape, certain), labels: uint8([2, 3, 5], labels) };
  const { value } = await lossOf((ops) => lovaszSoftmax(ops, base), feeds, ["logits"]);
  const ious = [0, 1, 2].map((c) => {
    const both = known.filter(([at, label]) => label === c && predicted[at] === c).length;
    return both / known.filter(([at, label]) => label === c || predicted[at] === c).length;
  });
  expect(value).toBeCloseTo(1 - meanOf(ious), 5);
});

test("all are 0 with gradient 0 where nothing is labelled", async () => {
  for (const loss of [softIou, unionOverIntersection, lovaszSoftmax]) {
    expect(await unlabelledApart((ops) => loss(ops, base), shape)).toEqual([]);
  }
});
