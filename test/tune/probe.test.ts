// Linear probes: where the answer is known in closed form, where the gradient must vanish, and as the 1x1 convolution that
// they become.

import { describe, expect, test } from "vitest";
import {
  fitProbe,
  gridLabels,
  sampleFrames,
  samplePositions,
  seeded,
  type ProbeSamples,
} from "../../src/tune/index.ts";

/** Three classes around points in eight channels with very different scales, a ninth channel that never changes. */
function clusters(count: number, seed: number): ProbeSamples {
  const random = seeded(seed);
  const channels = 9;
  const features = new Float32Array(count * channels);
  const labels = new Uint8Array(count);
  for (let n = 0; n < count; n++) {
    const label = Math.floor(random() * 3);
    labels[n] = label;
    for (let c = 0; c < 8; c++) {
      const centre = Math.sin(label * 2.1 + c);
      features[n * channels + c] = 10 ** (c - 4) * (5 + centre + 3 * (random() - 0.5));
    }
    features[n * channels + 8] = 7;
  }
  const groups = Int32Array.from({ length: count }, (_, n) => Math.floor(n / 50));
  return { features, labels, groups, channels, classes: 3 };
}

/** Probabilities of the classes by the probe's plain weights. */
function softmax(weights: readonly number[], bias: readonly number[], x: readonly number[]): readonly number[] {
  const scores = bias.map((b, k) => x.reduce((sum, value, c) => sum + value * (weights[k * x.length + c] ?? 0), b));
  const powers = scores.map((score) => Math.exp(score - Math.max(...scores)));
  const sum = powers.reduce((total, power) => total + power, 0);
  return powers.map((power) => power / sum);
}

describe("probe", () => {
  test("of one yes-or-no feature gives the frequencies that were counted", () => {
    // Of 600 with the feature 450 are of class 1, of 600 without it 60.
    const features = Float32Array.from({ length: 1200 }, (_, n) => (n < 600 ? 30 : 20));
    const labels = Uint8Array.from({ length: 1200 }, (_, n) => Number(n < 450 || n >= 1140));
    const groups = new Int32Array(1200);
    const samples = { features, labels, groups, channels: 1, classes: 2 };
    const { probe, accuracy } = fitProbe(samples, { tensor: "x", seed: 1, epochs: 300, l2: 0 });
    expect(softmax(probe.weights, probe.bias, [30])[1]).toBeCloseTo(0.75, 2);
    expect(softmax(probe.weights, probe.bias, [20])[1]).toBeCloseTo(0.1, 2);
    expect(accuracy).toBe(null);
  });

  test("ends where the slope of the likelihood is zero", () => {
    const samples = clusters(1500, 2);
    const { probe } = fitProbe(samples, { tensor: "x", seed: 1, epochs: 200, l2: 0, heldOutShare: 0 });
    const slope = (weights: readonly number[], bias: readonly number[]): number => {
      const sums = new Float64Array(27);
      for (let n = 0; n < 1500; n++) {
        const x = Array.from(samples.features.subarray(n * 9, n * 9 + 9));
        for (const [k, p] of softmax(weights, bias, x).entries()) {
          const error = p - Number(samples.labels[n] === k);
          // In units of each channel's spread, so that all count alike.
          for (const [c, value] of x.entries()) {
            const unit = value / 10 ** (c - 4) - 5;
            sums[k * 9 + c] = (sums[k * 9 + c] ?? 0) + (c === 8 ? error : error * unit) / 1500;
          }
        }
      }
      return Math.max(...sums.map(Math.abs));
    };
    const before = slope(
      Array.from({ length: 27 }, () => 0),
      [0, 0, 0],
    );
    expect(before).toBeGreaterThan(0.1);
    expect(slope(probe.weights, probe.bias)).toBeLessThan(0.02 * before);
  });

  test("leaves out a channel that never changes, and has weights that float32 can hold", () => {
    const { probe } = fitProbe(clusters(800, 3), { tensor: "x", seed: 1 });
    expect([8, 17, 26].map((at) => probe.weights[at])).toEqual([0, 0, 0]);
    expect(probe.weights.length).toBe(27);
    expect([...probe.weights, ...probe.bias].every((value) => Math.fround(value) === value)).toBe(true);
    expect(probe).toMatchObject({ tensor: "x", channels: 9, classes: 3 });
  });

  test("is tested on groups that it has not seen", () => {
    // Within a group the label can be read off the last channel, but the next group has it the other way round.
    const { features, labels, groups, channels, classes } = clusters(3000, 4);
    const honest = fitProbe({ features, labels, groups, channels, classes }, { tensor: "x", seed: 5 });
    expect(honest.accuracy).toBeGreaterThan(0.75);
    expect(honest.chance).toBeLessThan(0.45);
    expect(honest.heldOut).toBe(600);
    expect(honest.trainedOn).toBe(2400);
    const random = seeded(6);
    const noise = Uint8Array.from(labels, () => Math.floor(random() * 3));
    const clueless = fitProbe({ features, labels: noise, groups, channels, classes }, { tensor: "x", seed: 5 });
    expect(clueless.accuracy).toBeLessThan(0.42);
  });

  test("is the same for the same seed, and another for another", () => {
    const samples = clusters(600, 7);
    const fit = (seed: number): unknown => fitProbe(samples, { tensor: "x", seed });
    expect(fit(1)).toEqual(fit(1));
    expect(fit(1)).not.toEqual(fit(2));
  });

  test("takes no more samples than it may spend time on", () => {
    // A sample costs 2 x 9 channels x 4 (three classes and what goes with them) in each of two passes.
    const fit = fitProbe(clusters(3000, 8), { tensor: "x", seed: 1, epochs: 4, mostMacs: 72 * 2 * 700 });
    expect(fit.trainedOn).toBe(700);
    expect(fit.heldOut).toBe(600);
    expect(fit.accuracy).toBeGreaterThan(0.7);
  });

  const samples = clusters(10, 1);
  test.each<readonly [string, ProbeSamples]>([
    ["10 samples of 8 channels", { ...samples, channels: 8 }],
    ["labels from 0 to 1", { ...samples, classes: 2 }],
    ["two classes", { ...samples, classes: 1 }],
    ["finite", { ...samples, features: samples.features.map(() => Number.NaN) }],
    ["got none", { ...samples, features: new Float32Array(0), labels: new Uint8Array(0), groups: new Int32Array(0) }],
  ])("refuses what does not fit: %s", (part, wrong) => {
    expect(() => fitProbe(wrong, { tensor: "x", seed: 1 })).toThrow(part);
  });
});

describe("samples", () => {
  test("of frames are spread: one in each piece, and all where there are few", () => {
    for (let seed = 0; seed < 20; seed++) {
      const frames = [...sampleFrames(1003, 10, seeded(seed))];
      expect(frames.map((frame) => Math.floor((frame * 10 + 9) / 1003))).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    }
    expect([...sampleFrames(4, 10, seeded(1))]).toEqual([0, 1, 2, 3]);
    expect(sampleFrames(1003, 10, seeded(1))).not.toEqual(sampleFrames(1003, 10, seeded(2)));
  });

  test("of positions favour rare classes by the square root, and leave out what is no class", () => {
    const labels = Uint8Array.from({ length: 10_100 }, (_, at) =>
      at < 9000 ? 0 : at < 9900 ? 1 : at < 10_000 ? 2 : 255,
    );
    const positions = samplePositions(labels, 3, 430, seeded(1));
    expect(new Set(positions).size).toBe(430);
    const counts = [0, 1, 2, 255].map((label) => positions.filter((at) => labels[at] === label).length);
    // Roots 94.9, 30 and 10 of 134.9.
    expect(counts[3]).toBe(0);
    for (const [label, share] of [94.87, 30, 10].entries()) {
      expect(Math.abs((counts[label] ?? 0) - (430 * share) / 134.87)).toBeLessThan(3);
    }
  });

  test("of positions are all where there are no more, and as many as asked for otherwise", () => {
    const random = seeded(9);
    for (let round = 0; round < 100; round++) {
      const labels = Int32Array.from({ length: 60 }, () => Math.floor(random() ** 3 * 6));
      const count = Math.floor(random() * 80);
      const positions = samplePositions(labels, 5, count, random);
      const valid = labels.filter((label) => label < 5).length;
      expect(positions.length).toBe(Math.min(count, valid));
      expect([...positions]).toEqual([...new Set(positions)].sort((a, b) => a - b));
    }
  });

  test("of labels on a grid are those at the cells' centres", () => {
    const labels = Uint8Array.from({ length: 48 }, (_, at) => at);
    // 8 x 6 pixels to 4 x 3 cells: pixels 1, 3, 5, 7 of rows 1, 3, 5.
    expect([...gridLabels(labels, { widthPx: 8, heightPx: 6 }, { width: 4, height: 3 })]).toEqual([
      9, 11, 13, 15, 25, 27, 29, 31, 41, 43, 45, 47,
    ]);
    expect(gridLabels(labels, { widthPx: 8, heightPx: 6 }, { width: 8, height: 6 })).toEqual(labels);
  });
});
