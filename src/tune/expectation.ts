// The regressor of an expected signal: disagreement with the oracle from other signals (shares of changed labels, what the
// flow gives) and the age of what is held (clocks/signal.ts has the formula). Least squares with coefficients that are not
// negative, so that more change and more age never look better; by coordinate descent on the normal equations (Franc et al. 2005), which are few.

import type { ExpectedSignal, PlainSignal } from "../clocks/index.ts";
import { ClockworkError } from "../errors.ts";
import { seeded } from "../seeded.ts";
import { shuffled } from "./shuffled.ts";

/** Measured pairs: a frame, and an earlier one on which the stage fired last. */
export interface DisagreementPairs {
  /** `shares[i][p]`: value of signal i over the two frames of pair p, such as the share of labels that changed. */
  readonly shares: readonly ArrayLike<number>[];
  /** Frames between the two, from 1. */
  readonly ages: ArrayLike<number>;
  /** Share of the pixels on which clockwork and the oracle disagreed. */
  readonly disagreements: ArrayLike<number>;
  /** Which stretch of video a pair is from; whole groups are held out. */
  readonly groups: ArrayLike<number>;
}

/** How to fit. */
export interface ExpectationOptions {
  readonly signals: readonly PlainSignal[];
  /** Age from which on more age says nothing new, in frames. */
  readonly ageCap: number;
  readonly seed: number;
  /** Weight of the squares of the coefficients, bias left out, as a share of their mean square feature; 1e-4 unless told. */
  readonly ridge?: number;
  /** Share of the groups held out; a fifth unless told. */
  readonly heldOutShare?: number;
}

/** A fitted signal. */
export interface ExpectationFit {
  /** From all pairs. */
  readonly signal: ExpectedSignal;
  /**
   * Share of the variance of held-out pairs that a fit to the others explains, at most 1; `null` where there was one group
   * only, or held-out disagreement that never varies.
   */
  readonly r2: number | null;
  readonly pairs: number;
}

/**
 * Fits an expected signal.
 * @throws ClockworkError `invalid-argument` for columns that differ in length, are empty or not finite
 */
export function fitExpectation(pairs: DisagreementPairs, options: ExpectationOptions): ExpectationFit {
  const count = pairs.ages.length;
  checkPairs(pairs, options);
  const { signals, ageCap, seed, ridge = 1e-4, heldOutShare = 0.2 } = options;
  const rows = Array.from({ length: count }, (_, pair) => {
    const age = Math.min(pairs.ages[pair] ?? 0, ageCap) / ageCap;
    const shares = pairs.shares.map((column) => column[pair] ?? 0);
    return [1, ...shares, age, ...shares.map((share) => share * age)];
  });
  const targets = Array.from({ length: count }, (_, pair) => pairs.disagreements[pair] ?? 0);

  const names = [...new Set(Array.from(pairs.groups))];
  const outCount = names.length < 2 ? 0 : Math.max(1, Math.round(names.length * heldOutShare));
  const out = new Set(Array.from(shuffled(names.length, seeded(seed), outCount), (index) => names[index]));
  const isOut = rows.map((_, pair) => out.has(pairs.groups[pair]));
  const fitted = leastSquares(
    rows.filter((_, pair) => isOut[pair] === false),
    targets.filter((_, pair) => isOut[pair] === false),
    ridge,
  );
  const heldRows = rows.filter((_, pair) => isOut[pair]);
  const heldTargets = targets.filter((_, pair) => isOut[pair]);

  const [bias = 0, ...rest] = leastSquares(rows, targets, ridge);
  const m = signals.length;
  return {
    signal: {
      kind: "expected",
      signals,
      bias: Math.fround(bias),
      weights: rest.slice(0, m).map(Math.fround),
      ageWeight: Math.fround(rest[m] ?? 0),
      productWeights: rest.slice(m + 1).map(Math.fround),
      ageCap,
    },
    r2: explained(heldRows, heldTargets, fitted),
    pairs: count,
  };
}

/**
 * Coefficients w >= 0 that minimise |X w - y|^2 / n + ridge sum_j m_j w_j^2 over all columns but the first, where m_j is
 * the mean square of column j.
 * @param rows X, [n][columns] @param targets y, [n]
 */
export function leastSquares(
  rows: readonly (readonly number[])[],
  targets: readonly number[],
  ridge: number,
): readonly number[] {
  const columns = rows[0]?.length ?? 0;
  const products = new Float64Array(columns * columns);
  const slopes = new Float64Array(columns);
  for (const [at, row] of rows.entries()) {
    for (let i = 0; i < columns; i++) {
      const value = (row[i] ?? 0) / rows.length;
      slopes[i] = (slopes[i] ?? 0) + value * (targets[at] ?? 0);
      for (let j = 0; j < columns; j++) {
        products[i * columns + j] = (products[i * columns + j] ?? 0) + value * (row[j] ?? 0);
      }
    }
  }
  for (let j = 1; j < columns; j++) products[j * columns + j] = (products[j * columns + j] ?? 0) * (1 + ridge);
  const weights = new Array<number>(columns).fill(0);
  const scale = Math.sqrt(targets.reduce((sum, value) => sum + value * value, 0) / rows.length);
  // Ridge makes the problem strictly convex, so this settles; the count only guards against columns that are alike.
  for (let round = 0; round < 100_000; round++) {
    let moved = 0;
    for (let j = 0; j < columns; j++) {
      const own = products[j * columns + j] ?? 0;
      if (own === 0) continue;
      let slope = slopes[j] ?? 0;
      for (let i = 0; i < columns; i++) {
        if (i !== j) slope -= (products[j * columns + i] ?? 0) * (weights[i] ?? 0);
      }
      const next = Math.max(0, slope / own);
      moved = Math.max(moved, Math.abs(next - (weights[j] ?? 0)) * Math.sqrt(own));
      weights[j] = next;
    }
    if (moved <= 1e-13 * scale) break;
  }
  return weights;
}

/** R^2 of a fit on rows that it has not seen. */
function explained(
  rows: readonly (readonly number[])[],
  targets: readonly number[],
  weights: readonly number[],
): number | null {
  if (rows.length === 0) return null;
  const mean = targets.reduce((sum, value) => sum + value, 0) / targets.length;
  let left = 0;
  let all = 0;
  for (const [at, row] of rows.entries()) {
    const target = targets[at] ?? 0;
    const guess = row.reduce((sum, value, column) => sum + value * (weights[column] ?? 0), 0);
    left += (target - guess) ** 2;
    all += (target - mean) ** 2;
  }
  return all === 0 ? null : 1 - left / all;
}

function checkPairs(pairs: DisagreementPairs, { signals, ageCap }: ExpectationOptions): void {
  const fail = (expected: string, got: string): never => {
    throw new ClockworkError("invalid-argument", `expected signal: expected ${expected}, got ${got}`);
  };
  const count = pairs.ages.length;
  if (count === 0) fail("measured pairs", "none");
  if (!(ageCap >= 1)) fail("an age cap from 1 frame", `${ageCap}`);
  if (pairs.shares.length !== signals.length) fail(`shares of ${signals.length} signals`, `${pairs.shares.length}`);
  for (const column of [...pairs.shares, pairs.disagreements, pairs.groups, pairs.ages]) {
    if (column.length !== count) fail(`${count} values in each column`, `${column.length}`);
    if (!Array.from(column).every(Number.isFinite)) fail("numbers", "others");
  }
}
