// The regressor of an expected signal, against coefficients that are known and a search over all sets of active columns.

import { describe, expect, test } from "vitest";
import type { ChangeSignal } from "../../src/clocks/index.ts";
import { leastSquares } from "../../src/tune/expectation.ts";
import { fitExpectation, seeded, type DisagreementPairs } from "../../src/tune/index.ts";

const signals: readonly ChangeSignal[] = [
  { kind: "labels" },
  { kind: "probe", probe: { tensor: "x", channels: 1, classes: 2, weights: [1, 2], bias: [0, 0] } },
];

/** Pairs by the formula of ExpectedSignal, with noise. */
function pairs(count: number, noise: number, seed: number): DisagreementPairs {
  const random = seeded(seed);
  const shares = [0, 1].map(() => Float64Array.from({ length: count }, () => random() * 0.4));
  const ages = Int32Array.from({ length: count }, () => 1 + Math.floor(random() * 40));
  const disagreements = Float64Array.from({ length: count }, (_, p) => {
    const [s = 0, u = 0] = shares.map((column) => column[p] ?? 0);
    const age = Math.min(ages[p] ?? 0, 30) / 30;
    return 0.01 + 0.2 * s + 0.05 * u + 0.03 * age + 0.1 * s * age + noise * (random() - 0.5);
  });
  return { shares, ages, disagreements, groups: Int32Array.from({ length: count }, (_, p) => Math.floor(p / 20)) };
}

/** Solves a small linear system by elimination. */
function solve(matrix: readonly (readonly number[])[], right: readonly number[]): readonly number[] {
  const rows = matrix.map((row, at) => [...row, right[at] ?? 0]);
  const size = rows.length;
  for (let i = 0; i < size; i++) {
    const pivot = rows.slice(i).reduce((best, row) => (Math.abs(row[i] ?? 0) > Math.abs(best[i] ?? 0) ? row : best));
    rows.splice(rows.indexOf(pivot), 1);
    rows.splice(i, 0, pivot);
    for (const [j, row] of rows.entries()) {
      if (j === i) continue;
      const factor = (row[i] ?? 0) / (pivot[i] ?? 1);
      for (let c = i; c <= size; c++) row[c] = (row[c] ?? 0) - factor * (pivot[c] ?? 0);
    }
  }
  return rows.map((row, i) => (row[size] ?? 0) / (row[i] ?? 1));
}

describe("least squares without negative coefficients", () => {
  test("is the best of all sets of columns that may be above zero", () => {
    const random = seeded(1);
    let bound = 0;
    for (let round = 0; round < 60; round++) {
      const [n, columns] = [40, 5];
      const rows = Array.from({ length: n }, () => [1, ...Array.from({ length: columns - 1 }, () => random())]);
      const truth = Array.from({ length: columns }, () => random() - 0.5);
      const targets = rows.map((row) => row.reduce((sum, x, j) => sum + x * (truth[j] ?? 0), 0.3 * random()));
      const ridge = 1e-3;
      const gram = Array.from({ length: columns }, (_, i) =>
        Array.from({ length: columns }, (_, j) => {
          const mean = rows.reduce((sum, row) => sum + (row[i] ?? 0) * (row[j] ?? 0), 0) / n;
          return i === j && i > 0 ? mean * (1 + ridge) : mean;
        }),
      );
      const slopes = Array.from(
        { length: columns },
        (_, i) => rows.reduce((sum, row, at) => sum + (row[i] ?? 0) * (targets[at] ?? 0), 0) / n,
      );
      const cost = (w: readonly number[]): number =>
        w.reduce(
          (sum, a, i) =>
            sum + w.reduce((part, b, j) => part + a * b * (gram[i]?.[j] ?? 0), 0) - 2 * a * (slopes[i] ?? 0),
          0,
        );
      let best = 0;
      for (let set = 1; set < 1 << columns; set++) {
        const active = Array.from({ length: columns }, (_, i) => i).filter((i) => (set >> i) & 1);
        const part = solve(
          active.map((i) => active.map((j) => gram[i]?.[j] ?? 0)),
          active.map((i) => slopes[i] ?? 0),
        );
        const w = Array.from({ length: columns }, (_, i) => part[active.indexOf(i)] ?? 0);
        if (w.every((value) => value >= 0)) best = Math.min(best, cost(w));
      }
      const found = leastSquares(rows, targets, ridge);
      expect(found.every((value) => value >= 0)).toBe(true);
      if (found.includes(0)) bound++;
      expect(cost(found)).toBeCloseTo(best, 10);
    }
    expect(bound).toBeGreaterThan(10);
  });
});

describe("expected signal", () => {
  test("is found again from pairs without noise", () => {
    const {
      signal,
      r2,
      pairs: count,
    } = fitExpectation(pairs(600, 0, 2), { signals, ageCap: 30, seed: 1, ridge: 1e-9 });
    expect(signal).toMatchObject({ kind: "expected", signals, ageCap: 30 });
    expect(signal.bias).toBeCloseTo(0.01, 4);
    expect(signal.weights[0]).toBeCloseTo(0.2, 4);
    expect(signal.weights[1]).toBeCloseTo(0.05, 4);
    expect(signal.ageWeight).toBeCloseTo(0.03, 4);
    expect(signal.productWeights[0]).toBeCloseTo(0.1, 4);
    expect(signal.productWeights[1]).toBeCloseTo(0, 4);
    expect(r2).toBeGreaterThan(0.9999);
    expect(count).toBe(600);
  });

  test("explains of noise what there is to explain", () => {
    // Noise is evenly spread over 0.1, the rest has a variance of its own.
    const noisy = pairs(6000, 0.1, 3);
    const clean = pairs(6000, 0, 3);
    const variance = (values: ArrayLike<number>): number => {
      const list = Array.from(values);
      const mean = list.reduce((sum, value) => sum + value, 0) / list.length;
      return list.reduce((sum, value) => sum + (value - mean) ** 2, 0) / list.length;
    };
    const truth = variance(clean.disagreements);
    const { r2 } = fitExpectation(noisy, { signals, ageCap: 30, seed: 1 });
    expect(r2).toBeGreaterThan(truth / (truth + 0.01 / 12) - 0.04);
    expect(r2).toBeLessThan(truth / (truth + 0.01 / 12) + 0.04);
  });

  test("does not look better on groups that it has not seen than it is", () => {
    const random = seeded(99);
    const one = pairs(400, 0, 4);
    const noise = { ...one, disagreements: Float64Array.from({ length: 400 }, random) };
    expect(fitExpectation(noise, { signals, ageCap: 30, seed: 1 }).r2).toBeLessThan(0.05);
    expect(fitExpectation({ ...one, groups: new Int32Array(400) }, { signals, ageCap: 30, seed: 1 }).r2).toBe(null);
  });

  test("never falls with change or age, whatever was measured", () => {
    const one = pairs(400, 0, 5);
    const upside = {
      ...one,
      disagreements: one.disagreements instanceof Float64Array ? one.disagreements.map((d) => 0.3 - d) : [],
    };
    const { signal } = fitExpectation(upside, { signals, ageCap: 30, seed: 1 });
    expect([signal.ageWeight, ...signal.weights, ...signal.productWeights]).toEqual([0, 0, 0, 0, 0]);
    expect(signal.bias).toBeGreaterThan(0.1);
  });

  test.each<readonly [string, Partial<DisagreementPairs>, number]>([
    ["measured pairs", { ages: [], disagreements: [], groups: [], shares: [[], []] }, 30],
    ["shares of 2 signals", { shares: [] }, 30],
    ["100 values in each", { groups: [1] }, 30],
    ["numbers", { disagreements: new Float64Array(100).fill(Number.NaN) }, 30],
    ["age cap", {}, 0],
  ])("is refused without %s", (part, wrong, ageCap) => {
    expect(() => fitExpectation({ ...pairs(100, 0, 1), ...wrong }, { signals, ageCap, seed: 1 })).toThrow(part);
  });
});
