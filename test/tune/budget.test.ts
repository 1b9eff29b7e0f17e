// Thresholds for a budget, against every trajectory that the clock can take; and periods, against every period.

import { describe, expect, test } from "vitest";
import type { Signal } from "../../src/clocks/index.ts";
import {
  Changes,
  macsRatioAt,
  periodForBudget,
  periodRate,
  simulate,
  sweep,
  thresholdForBudget,
} from "../../src/tune/index.ts";
import { thresholdBetween } from "../../src/tune/threshold.ts";
import { drift, sway } from "./recordings.ts";

const labels: Signal = { kind: "labels" };
const shares = [0.3, 0.15, 0.55];

function videos(seed: number): readonly Changes[] {
  return [
    new Changes(drift({ frames: 80, positions: 50, seed, shots: [25] })),
    new Changes(sway({ frames: 40, positions: 30, seed: seed + 50 })),
  ];
}

function rateAt(all: readonly Changes[], threshold: number, longestHold?: number): number {
  const fired = all.flatMap((changes) => simulate(changes, labels, threshold, longestHold).fired);
  return fired.filter(Boolean).length / fired.length;
}

/** Rates at every threshold that could matter: between all shares that maps of 50 and of 30 positions can have. */
function allRates(all: readonly Changes[], longestHold?: number): readonly number[] {
  const values = [...Array.from({ length: 51 }, (_, n) => n / 50), ...Array.from({ length: 31 }, (_, n) => n / 30)];
  const sorted = [...new Set(values)].sort((a, b) => a - b);
  return [0, ...sorted.map((value, at) => (value + (sorted[at + 1] ?? 2)) / 2)].map((level) =>
    rateAt(all, level, longestHold),
  );
}

describe("threshold for a budget", () => {
  test("has the highest update rate within it of all thresholds there are", () => {
    let bumps = 0;
    for (let seed = 0; seed < 12; seed++) {
      const all = videos(seed);
      const rates = allRates(all);
      if (rates.some((rate, at) => rate > (rates[at - 1] ?? 1))) bumps++;
      for (const budget of [0.55, 0.62, 0.7, 0.8, 0.93]) {
        const best = Math.max(...rates.filter((rate) => macsRatioAt(shares, rate) <= budget));
        const answer = thresholdForBudget(all, labels, { budget, shares }, Infinity);
        expect(answer.kind).toBe("adaptive");
        if (answer.kind !== "adaptive") continue;
        expect(answer.updateRate).toBe(best);
        expect(rateAt(all, answer.threshold)).toBe(best);
        expect(answer.macsRatio).toBeCloseTo(0.45 + 0.55 * best, 12);
        expect(answer.macsRatio).toBeLessThanOrEqual(budget);
        expect(thresholdForBudget(all, labels, { budget, shares })).toEqual(answer);
      }
    }
    // Without recordings on which the rate rises with the threshold somewhere, this would show little.
    expect(bumps).toBeGreaterThan(3);
  });

  test("has the highest rate within it where holding has an end, too, and cannot be less than that", () => {
    const longestHold = 4;
    for (let seed = 0; seed < 6; seed++) {
      const all = videos(seed);
      const rates = allRates(all, longestHold);
      const least = macsRatioAt(shares, Math.min(...rates));
      // Stretches of 25, 55 and 40 frames: every fifth.
      expect(least).toBeCloseTo(macsRatioAt(shares, (5 + 11 + 8) / 120), 12);
      for (const budget of [0.57, 0.62, 0.7, 0.8, 0.93]) {
        const best = Math.max(...rates.filter((rate) => macsRatioAt(shares, rate) <= budget));
        const answer = thresholdForBudget(all, labels, { budget, shares, longestHold });
        if (answer.kind !== "adaptive") throw new Error("expected a threshold");
        expect(answer.updateRate).toBe(best);
        expect(rateAt(all, answer.threshold, longestHold)).toBe(best);
      }
      const short = thresholdForBudget(all, labels, { budget: least - 1e-9, shares, longestHold });
      expect(short).toEqual({ kind: "out-of-reach", least });
      const points = sweep(all, labels, 12, longestHold);
      expect(points.at(-1)?.updateRate).toBe(Math.min(...rates));
      for (const { threshold, updateRate } of points) expect(rateAt(all, threshold, longestHold)).toBe(updateRate);
    }
  });

  test("keeps away from values that occur", () => {
    const all = videos(3);
    const answer = thresholdForBudget(all, labels, { budget: 0.7, shares });
    if (answer.kind !== "adaptive") throw new Error("expected a threshold");
    for (const nudge of [-1e-4, 1e-4]) expect(rateAt(all, answer.threshold + nudge)).toBe(answer.updateRate);
  });

  test("is none where the budget is the oracle's, or less than resting costs", () => {
    const all = videos(1);
    expect(thresholdForBudget(all, labels, { budget: 1, shares })).toEqual({ kind: "every", macsRatio: 1 });
    const least = macsRatioAt(shares, 3 / 120);
    expect(thresholdForBudget(all, labels, { budget: least - 1e-9, shares })).toEqual({ kind: "out-of-reach", least });
    const answer = thresholdForBudget(all, labels, { budget: least + 1e-9, shares });
    expect(answer).toMatchObject({ kind: "adaptive", updateRate: 3 / 120 });
  });

  test("of a video that stands still", () => {
    const maps = Array.from({ length: 20 }, () => new Uint8Array(16));
    const still = [new Changes({ signals: [labels], maps: [maps], shots: maps.map(() => false) })];
    const answer = thresholdForBudget(still, labels, { budget: 0.9, shares });
    expect(answer).toMatchObject({ kind: "adaptive", updateRate: 0.05 });
    expect(answer.kind === "adaptive" && answer.threshold).toBeGreaterThan(0);
  });

  test.each([Number.NaN, 0, -1])("is refused for a budget of %d", (budget) => {
    expect(() => thresholdForBudget(videos(1), labels, { budget, shares })).toThrow("share above 0");
    expect(() => periodForBudget(videos(1), { budget, shares })).toThrow("share above 0");
  });

  test("is refused without frames", () => {
    expect(() => thresholdForBudget([], labels, { budget: 0.5, shares })).toThrow("got none");
    expect(() => sweep([], labels, 10)).toThrow("got none");
  });
});

describe("sweep", () => {
  test("goes from always to first frames alone, with rates that are true and fall", () => {
    const all = videos(7);
    const points = sweep(all, labels, 20);
    expect(points.at(0)).toEqual({ threshold: 0, updateRate: 1 });
    expect(points.at(-1)?.updateRate).toBe(3 / 120);
    expect(points.length).toBeGreaterThan(12);
    for (const { threshold, updateRate } of points) expect(rateAt(all, threshold)).toBe(updateRate);
    for (const [at, { threshold, updateRate }] of points.slice(1).entries()) {
      expect(updateRate).toBeLessThan(points[at]?.updateRate ?? 0);
      expect(threshold).toBeGreaterThan(points[at]?.threshold ?? 1);
    }
  });

  test("has no more points than asked for", () => {
    for (const count of [2, 3, 7]) expect(sweep(videos(7), labels, count).length).toBeLessThanOrEqual(count);
  });
});

describe("period for a budget", () => {
  test("is the shortest of all", () => {
    const all = videos(4);
    const within = (period: number, budget: number): boolean => macsRatioAt(shares, periodRate(all, period)) <= budget;
    for (const budget of [0.47, 0.5, 0.6, 0.725, 0.73, 0.99]) {
      const shortest = Array.from({ length: 80 }, (_, at) => at + 1).find((period) => within(period, budget));
      expect(periodForBudget(all, { budget, shares })).toMatchObject({ kind: "fixed", period: shortest });
    }
    expect(periodForBudget(all, { budget: 1.2, shares })).toEqual({ kind: "every", macsRatio: 1 });
    expect(periodForBudget(all, { budget: 0.4, shares })).toMatchObject({ kind: "out-of-reach" });
  });

  test("counts anew from each shot", () => {
    // Stretches of 25, 55 and 40 frames.
    expect(periodRate(videos(4), 20)).toBe((2 + 3 + 2) / 120);
  });
});

describe("threshold between two values", () => {
  test.each([
    [0.1, 0.3, 0.2],
    [0.012, 0.0131, 0.0126],
    [0, 1 / 2700, 0.0002],
    [-Infinity, 0.01, 0],
  ])("%d and %d is %d", (above, upTo, threshold) => {
    expect(thresholdBetween(above, upTo)).toBe(threshold);
  });

  test("lies above the highest value where nothing fires", () => {
    for (const above of [0, 0.004, 0.9]) expect(thresholdBetween(above, Infinity)).toBeGreaterThan(above + 5e-4);
  });
});
