// Curves and margins against values worked out by hand, and the interval against the normal distribution.

import { expect, test } from "vitest";
import { curveAt, marginOf, meanInterval, type CurvePoint } from "../../experiments/clock-curves.ts";
import { seeded } from "../../src/tune/index.ts";

const places = [
  { updateRate: 1, mIoU: 70 },
  { updateRate: 0.25, mIoU: 50 },
  { updateRate: 0.5, mIoU: 60 },
];

test("a curve is linear between its places and level beyond them", () => {
  expect(curveAt(places, 0.5)).toBe(60);
  expect(curveAt(places, 0.375)).toBeCloseTo(55, 12);
  expect(curveAt(places, 0.75)).toBeCloseTo(65, 12);
  expect(curveAt(places, 0.1)).toBe(50);
  expect(curveAt(places, 1)).toBe(70);
  expect(curveAt([{ updateRate: 0.5, mIoU: 60 }], 0.9)).toBe(60);
});

test("margins are taken seed by seed, at the update rate of each", () => {
  const point = (updateRate: number, mIoU: number, seeds: readonly (readonly [number, number])[]): CurvePoint => ({
    name: "",
    aimed: 0.5,
    updateRate,
    mIoU,
    seeds: seeds.map(([rate, score], seed) => ({ seed, updateRate: rate, mIoU: score })),
  });
  const fixed = [
    point(1, 75, [
      [1, 80],
      [1, 70],
    ]),
    point(0.5, 65, [
      [0.5, 60],
      [0.5, 66],
    ]),
  ];
  const adaptive = point(0.5, 68, [
    [0.25, 61],
    [0.75, 71],
  ]);
  const { mean, low, high, pooled } = marginOf(adaptive, fixed);
  // 61 - 60 and 71 - 68.
  expect(mean).toBeCloseTo(2, 12);
  expect([low, high]).toEqual([1, 3]);
  expect(pooled).toBeCloseTo(3, 12);
});

test("the interval is that of a mean", () => {
  const random = seeded(7);
  // Sums of twelve are close to normal, with deviation 1.
  const values = Array.from({ length: 400 }, () => Array.from({ length: 12 }, random).reduce((a, b) => a + b, -6));
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const [low, high] = meanInterval(values);
  expect(high - mean).toBeCloseTo(1.96 / 20, 2);
  expect(mean - low).toBeCloseTo(1.96 / 20, 2);
  expect(meanInterval([3, 3, 3])).toEqual([3, 3]);
});
