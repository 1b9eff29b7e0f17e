// The confusion matrix against sets of pixels, counted class by class from the definitions.

import { describe, expect, test } from "vitest";
import { ClockworkError } from "../../src/errors.ts";
import { ConfusionMatrix } from "../../src/metrics/index.ts";
import { Random } from "../../src/networks/random.ts";
import { randomMap, wholeNumber } from "./label-maps.ts";

interface Pixel {
  readonly truth: number;
  readonly predicted: number;
}

/** Long et al. 2015, section 5, from lists of pixels. */
function scoresOf(all: readonly Pixel[], classes: number): Record<string, unknown> {
  const pixels = all.filter(({ truth }) => truth < classes);
  const ofClass = Array.from({ length: classes }, (_, k) => ({
    truths: pixels.filter(({ truth }) => truth === k).length,
    both: pixels.filter(({ truth, predicted }) => truth === k && predicted === k).length,
    either: pixels.filter(({ truth, predicted }) => truth === k || predicted === k).length,
  }));
  const classAccuracy = ofClass.map(({ both, truths }) => (truths === 0 ? undefined : both / truths));
  const iou = ofClass.map(({ both, either }) => (either === 0 ? undefined : both / either));
  const mean = (values: readonly (number | undefined)[]): number | undefined => {
    const known = values.filter((value) => value !== undefined);
    return known.length === 0 ? undefined : known.reduce((sum, value) => sum + value, 0) / known.length;
  };
  return {
    pixels: pixels.length,
    accuracy: mean(pixels.map(({ truth, predicted }) => (truth === predicted ? 1 : 0))),
    classAccuracy,
    meanAccuracy: mean(classAccuracy),
    iou,
    meanIou: mean(iou),
    frequencyWeightedIou: mean(pixels.map(({ truth }) => iou[truth])),
  };
}

function expectScores(matrix: ConfusionMatrix, expected: Record<string, unknown>): void {
  const rounded = (value: unknown): unknown =>
    JSON.parse(
      JSON.stringify(value ?? null, (_, part: unknown) => (typeof part === "number" ? part.toFixed(12) : part)),
    );
  const got: Record<string, unknown> = { ...matrix.result() };
  expect(Object.keys(got).sort()).toEqual(Object.keys(expected).sort());
  for (const [name, value] of Object.entries(expected))
    expect([name, rounded(got[name])]).toEqual([name, rounded(value)]);
}

describe.each([1, 2, 5, 12, 40])("%i classes", (classes) => {
  test.each([1, 2, 3, 4])("seed %i, several frames", (seed) => {
    const random = new Random(seed, `confusion ${classes}`);
    const matrix = new ConfusionMatrix(classes);
    const pixels: Pixel[] = [];
    for (let frame = 0; frame < 3; frame++) {
      const [width, height] = [wholeNumber(random, 1, 30), wholeNumber(random, 1, 20)];
      const truth = randomMap(random, width, height, { classes }).data;
      // Much of it right, with labels of no class among them.
      const other = randomMap(random, width, height, { classes, noise: 0.3 }).data;
      const predicted = truth.map((label, at) => (random.next() < 0.6 && label < classes ? label : (other[at] ?? 0)));
      matrix.update(predicted, truth);
      for (const [at, label] of truth.entries()) pixels.push({ truth: label, predicted: predicted[at] ?? 0 });
    }
    expectScores(matrix, scoresOf(pixels, classes));
    const counts = Array.from({ length: classes * (classes + 1) }, () => 0);
    for (const { truth, predicted } of pixels) {
      const cell = truth * (classes + 1) + Math.min(predicted, classes);
      if (truth < classes) counts[cell] = (counts[cell] ?? 0) + 1;
    }
    expect(matrix.counts).toEqual(counts);
  });
});

test("worked by hand", () => {
  const matrix = new ConfusionMatrix(3);
  // Class 0: 4 pixels, 3 of them right. Class 1: 1 pixel, called 0. Class 2: neither true nor predicted.
  matrix.update(Uint8Array.of(0, 0, 0, 1, 0, 2), Uint8Array.of(0, 0, 0, 0, 1, 255));
  expect(matrix.result()).toEqual({
    pixels: 5,
    accuracy: 3 / 5,
    classAccuracy: [3 / 4, 0, undefined],
    meanAccuracy: 3 / 8,
    iou: [3 / 5, 0, undefined],
    meanIou: 3 / 10,
    frequencyWeightedIou: (4 * (3 / 5)) / 5,
  });
});

test("a prediction that is no class is an error on the true class and on no other", () => {
  const matrix = new ConfusionMatrix(2);
  matrix.update(Uint8Array.of(0, 255, 2, 1), Uint8Array.of(0, 0, 1, 1));
  expect(matrix.counts).toEqual([1, 0, 1, 0, 1, 1]);
  expect(matrix.result()).toMatchObject({ accuracy: 0.5, iou: [0.5, 0.5] });
});

test("all 256 labels can be classes", () => {
  const matrix = new ConfusionMatrix(256);
  const labels = Uint8Array.from({ length: 256 }, (_, label) => label);
  matrix.update(labels, labels);
  expect(matrix.result()).toMatchObject({ pixels: 256, accuracy: 1, meanAccuracy: 1, meanIou: 1 });
});

describe("without anything to score", () => {
  test.each([
    ["no frame", new Uint8Array()],
    ["only ignored pixels", new Uint8Array(9).fill(255)],
  ])("%s", (_, truth) => {
    const matrix = new ConfusionMatrix(2);
    matrix.update(new Uint8Array(truth.length), truth);
    const none = [undefined, undefined];
    expect(matrix.result()).toEqual({
      pixels: 0,
      accuracy: undefined,
      classAccuracy: none,
      meanAccuracy: undefined,
      iou: none,
      meanIou: undefined,
      frequencyWeightedIou: undefined,
    });
  });
});

describe("adding and resuming", () => {
  const random = new Random(1, "adding");
  const frames = Array.from({ length: 6 }, () => ({
    truth: randomMap(random, 20, 15, { classes: 4 }).data,
    predicted: randomMap(random, 20, 15, { classes: 4 }).data,
  }));
  const matrixOf = (some: typeof frames): ConfusionMatrix => {
    const matrix = new ConfusionMatrix(4);
    for (const { predicted, truth } of some) matrix.update(predicted, truth);
    return matrix;
  };

  test("on- and off-frames together are all frames", () => {
    const on = matrixOf(frames.filter((_, at) => at % 2 === 0));
    const off = matrixOf(frames.filter((_, at) => at % 2 === 1));
    const offBefore = off.counts;
    on.add(off);
    expect(on.counts).toEqual(matrixOf(frames).counts);
    expect(off.counts).toEqual(offBefore);
  });

  test("counts that went through JSON go on where they were", () => {
    const saved = JSON.stringify(matrixOf(frames.slice(0, 3)).counts);
    const matrix = ConfusionMatrix.fromCounts(4, JSON.parse(saved) as number[]);
    for (const { predicted, truth } of frames.slice(3)) matrix.update(predicted, truth);
    expect(matrix.result()).toEqual(matrixOf(frames).result());
  });

  test("counts are a copy, both ways", () => {
    const given = [1, 0, 0, 0, 1, 0];
    const matrix = ConfusionMatrix.fromCounts(2, given);
    given[0] = 7;
    (matrix.counts as number[])[0] = 9;
    expect(matrix.counts).toEqual([1, 0, 0, 0, 1, 0]);
  });

  test("reset forgets", () => {
    const matrix = matrixOf(frames);
    matrix.reset();
    expect(matrix.counts).toEqual(new ConfusionMatrix(4).counts);
  });
});

describe("is refused", () => {
  test.each<[string, () => unknown, RegExp]>([
    ["0 classes", () => new ConfusionMatrix(0), /1 to 256 classes, got 0/],
    ["257 classes", () => new ConfusionMatrix(257), /got 257/],
    ["1.5 classes", () => new ConfusionMatrix(1.5), /got 1\.5/],
    ["maps of two lengths", () => new ConfusionMatrix(2).update(new Uint8Array(3), new Uint8Array(4)), /\(4\), got 3/],
    ["adding other classes", () => new ConfusionMatrix(2).add(new ConfusionMatrix(3)), /2 classes, got one of 3/],
    ["too few counts", () => ConfusionMatrix.fromCounts(2, [1, 2]), /6 counts .* got 2/],
    ["a count below zero", () => ConfusionMatrix.fromCounts(1, [-1, 0]), /got -1/],
    ["half a count", () => ConfusionMatrix.fromCounts(1, [0.5, 0]), /got 0\.5/],
    ["a count that is none", () => ConfusionMatrix.fromCounts(1, [NaN, 0]), /got NaN/],
  ])("%s", (_, act, message) => {
    expect(act).toThrow(ClockworkError);
    expect(act).toThrow(message);
  });
});
