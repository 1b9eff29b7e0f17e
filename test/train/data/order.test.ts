// The order of samples and the clips around them: properties that must hold whatever the numbers are.

import { describe, expect, test } from "vitest";
import { Random } from "../../../src/networks/random.ts";
import { checkClip, drawClip, drawsAt, sampleOrder } from "../../../src/train/data/index.ts";

describe("the order of samples", () => {
  const count = 37;
  const epochOf = (seed: number, epoch: number): number[] => {
    const order = sampleOrder(seed, count);
    return Array.from({ length: count }, (_, place) => order(epoch * count + place));
  };
  const all = Array.from({ length: count }, (_, index) => index);

  test("every epoch has every sample once, in an order of its own", () => {
    const epochs = [0, 1, 2, 1000].map((epoch) => epochOf(5, epoch));
    for (const epoch of epochs) expect([...epoch].sort((a, b) => a - b)).toEqual(all);
    expect(new Set(epochs.map(String)).size).toBe(epochs.length);
  });

  test("is that of its seed, from wherever it is asked", () => {
    expect(epochOf(5, 3)).toEqual(epochOf(5, 3));
    expect(epochOf(5, 3)).not.toEqual(epochOf(6, 3));
    const order = sampleOrder(5, count);
    const backwards = all.toReversed().map((place) => order(3 * count + place));
    expect(backwards.toReversed()).toEqual(epochOf(5, 3));
    // Asked across the end of an epoch, in turns.
    const turns = [0, 1, 2].flatMap(() => [order(count - 1), order(count)]);
    expect(turns).toEqual([0, 1, 2].flatMap(() => [epochOf(5, 0).at(-1), epochOf(5, 1)[0]]));
  });

  test("any sample comes at any place equally often", () => {
    const order = sampleOrder(9, 4);
    const counts = Array.from({ length: 4 }, () => [0, 0, 0, 0]);
    for (let position = 0; position < 16_000; position++) {
      const row = counts[position % 4] ?? [];
      const sample = order(position);
      row[sample] = (row[sample] ?? 0) + 1;
    }
    // 1000 expected, deviation 27.
    for (const value of counts.flat()) expect(Math.abs(value - 1000)).toBeLessThan(140);
  });

  test("draws of one sample are not those of another", () => {
    const first = [0, 1, 2, 3].flatMap((position) => ["a", "b"].map((what) => drawsAt(1, position, what).next()));
    expect(new Set(first).size).toBe(8);
    expect(drawsAt(1, 2, "a").next()).toBe(first[4]);
  });

  test("bad numbers are refused", () => {
    expect(() => sampleOrder(1, 0)).toThrow("at least one sample");
    expect(() => sampleOrder(1, 3)(-1)).toThrow("whole number from 0");
  });
});

describe("clips", () => {
  const draw = (clip: Parameters<typeof drawClip>[0], index: number, length: number): (readonly number[])[] =>
    Array.from({ length: 200 }, (_, at) => drawClip(clip, { index, length }, new Random(at, "clip")));
  const distinct = (clips: readonly (readonly number[])[]): string[] => [...new Set(clips.map(String))].sort();

  test("one frame is the sample's own", () => {
    expect(distinct(draw({ frames: 1, anchor: "any" }, 7, 20))).toEqual(["7"]);
  });

  test("the sample's frame is where it was asked for, and gaps are all of the range", () => {
    expect(distinct(draw({ frames: 3, gap: [1, 2] }, 9, 20))).toEqual(["5,7,9", "7,8,9"]);
    expect(distinct(draw({ frames: 3, gap: [2, 2], anchor: "first" }, 9, 20))).toEqual(["9,11,13"]);
    expect(distinct(draw({ frames: 3, anchor: "any" }, 9, 20))).toEqual(["7,8,9", "8,9,10", "9,10,11"].sort());
  });

  test("at the ends of its sequence the video stands still", () => {
    expect(distinct(draw({ frames: 3, gap: [2, 2] }, 3, 20))).toEqual(["0,1,3"]);
    expect(distinct(draw({ frames: 3, anchor: "first" }, 18, 20))).toEqual(["18,19,19"]);
    expect(distinct(draw({ frames: 2 }, 0, 1))).toEqual(["0,0"]);
  });

  test("bad numbers are refused", () => {
    expect(() => checkClip({ frames: 0 })).toThrow("expected frames to be");
    expect(() => checkClip({ frames: 2, gap: [0, 1] })).toThrow("expected gap[0] to be");
    expect(() => checkClip({ frames: 2, gap: [3, 2] })).toThrow("expected gap[1] to be a whole number from 3");
  });
});
