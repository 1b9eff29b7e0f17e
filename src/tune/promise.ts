// Promises about footage that nobody has seen, from losses on footage like it. A loss is the disagreement with the oracle
// of one block of frames under one candidate (a threshold); candidates go from the most careful to the cheapest.
//
// `mean`: learn then test (Angelopoulos et al. 2021), candidates tested in that fixed order up to the first that fails,
// which needs no correction for their number. `clips`: conformal risk control (Angelopoulos et al. 2022) of the loss "this
// block disagrees by more than alpha", made monotone by the worst of all more careful candidates.
// Both hold for any distribution of losses, as far as blocks are independent draws of the footage to come (`clips`:
// exchangeable with it) and the candidates and their order were made without the calibration blocks.

import { ClockworkError } from "../errors.ts";
import { leastMean, lossesNeeded, meanBound, meanPValue } from "./betting.ts";

/** `losses[block][candidate]`, each from 0 to 1; candidates from the most careful to the cheapest. */
export type Losses = readonly ArrayLike<number>[];

/** What is promised. */
export type PromiseKind =
  /** With probability 1 - delta over the calibration footage, the expected loss is at most alpha. */
  | "mean"
  /** A new block has a loss above alpha with probability at most delta, over it and the calibration footage. */
  | "clips";

/** How much is promised. */
export interface PromiseGoal {
  readonly promise: PromiseKind;
  /** Most loss, above 0 and below 1. */
  readonly alpha: number;
  /** Probability that the promise may be broken with, above 0 and below 1. */
  readonly delta: number;
}

/** What can be promised. */
export type PromiseResult =
  | {
      readonly kind: "kept";
      /** The cheapest candidate of which the promise can be made. */
      readonly candidate: number;
      readonly blocks: number;
      /** Mean loss of the candidate on the calibration blocks. */
      readonly meanLoss: number;
      /**
       * `mean`: what its expected loss exceeds with probability at most delta, were it the only candidate.
       * `clips`: what the loss of a new block exceeds with probability at most delta.
       */
      readonly bound: number;
    }
  /** Too little footage: even with no loss at all the promise could not be made. */
  | {
      readonly kind: "too-few-blocks";
      readonly blocks: number;
      /** Blocks that are enough where none has any loss. */
      readonly blocksNeeded: number;
      /** Least alpha that this many blocks could show if none had any loss; `null` where none is enough (`clips`). */
      readonly leastAlpha: number | null;
    }
  /** Even the most careful candidate loses too much, or too much to be sure. */
  | {
      readonly kind: "too-much-loss";
      readonly blocks: number;
      /** Mean loss of the most careful candidate. */
      readonly meanLoss: number;
      /** Least alpha that can be promised of the most careful candidate with these blocks; 1 where nothing can. */
      readonly leastAlpha: number;
    };

/**
 * Finds the cheapest candidate of which a promise can be made.
 * @throws ClockworkError `invalid-argument` for goals out of range, losses that are not from 0 to 1, and blocks without
 *   candidates or with different numbers of them
 */
export function promiseOf(losses: Losses, goal: PromiseGoal): PromiseResult {
  const candidates = checkLosses(losses);
  checkGoal(goal);
  switch (goal.promise) {
    case "mean":
      return meanPromise(losses, candidates, goal);
    case "clips":
      return clipsPromise(losses, candidates, goal);
  }
}

/** Blocks that a promise needs at the least: enough where none of them has any loss. */
export function blocksNeeded({ promise, alpha, delta }: PromiseGoal): number {
  switch (promise) {
    case "mean":
      return lossesNeeded(alpha, delta);
    case "clips": {
      // The least n with 1 / (n + 1) <= delta, as it is compared below.
      let blocks = Math.max(0, Math.floor(1 / delta) - 2);
      while (!isRare(0, blocks, delta)) blocks++;
      return blocks;
    }
  }
}

function meanPromise(losses: Losses, candidates: number, { alpha, delta }: PromiseGoal): PromiseResult {
  const blocks = losses.length;
  let chosen: number | undefined;
  for (let candidate = 0; candidate < candidates; candidate++) {
    if (meanPValue(column(losses, candidate), alpha, delta) > delta) break;
    chosen = candidate;
  }
  if (chosen !== undefined) {
    const own = column(losses, chosen);
    return { kind: "kept", candidate: chosen, blocks, meanLoss: meanOf(own), bound: meanBound(own, delta) };
  }
  const leastAlpha = leastMean(blocks, delta);
  if (leastAlpha > alpha) {
    return { kind: "too-few-blocks", blocks, blocksNeeded: lossesNeeded(alpha, delta), leastAlpha };
  }
  const careful = column(losses, 0);
  return { kind: "too-much-loss", blocks, meanLoss: meanOf(careful), leastAlpha: meanBound(careful, delta) };
}

function clipsPromise(losses: Losses, candidates: number, goal: PromiseGoal): PromiseResult {
  const { alpha, delta } = goal;
  const blocks = losses.length;
  if (!isRare(0, blocks, delta)) {
    return { kind: "too-few-blocks", blocks, blocksNeeded: blocksNeeded(goal), leastAlpha: null };
  }
  const worst = new Float64Array(blocks);
  let kept: PromiseResult | undefined;
  for (let candidate = 0; candidate < candidates; candidate++) {
    const own = column(losses, candidate);
    for (let block = 0; block < blocks; block++) worst[block] = Math.max(worst[block] ?? 0, own[block] ?? 0);
    const exceeding = worst.reduce((count, loss) => count + (loss > alpha ? 1 : 0), 0);
    if (!isRare(exceeding, blocks, delta)) break;
    kept = { kind: "kept", candidate, blocks, meanLoss: meanOf(own), bound: clipBound(worst, delta) };
  }
  if (kept !== undefined) return kept;
  const careful = column(losses, 0);
  return { kind: "too-much-loss", blocks, meanLoss: meanOf(careful), leastAlpha: clipBound(careful, delta) };
}

/** Whether a new block exceeds with probability at most delta what `exceeding` of `blocks` exceed. */
function isRare(exceeding: number, blocks: number, delta: number): boolean {
  // 1 - 0.9 is a little less than 0.1, and means it.
  return (exceeding + 1) / (blocks + 1) <= delta + 1e-12;
}

/** The least alpha that few enough losses exceed: an order statistic. */
function clipBound(losses: Float64Array, delta: number): number {
  const falling = Float64Array.from(losses).sort().reverse();
  let exceeding = 0;
  while (isRare(exceeding + 1, losses.length, delta)) exceeding++;
  return isRare(exceeding, losses.length, delta) ? (falling[exceeding] ?? 0) : 1;
}

/** Losses of one candidate. */
function column(losses: Losses, candidate: number): Float64Array {
  return Float64Array.from(losses, (block) => block[candidate] ?? 0);
}

function meanOf(values: Float64Array): number {
  return values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Number of candidates; 0 without blocks. */
function checkLosses(losses: Losses): number {
  const candidates = losses[0]?.length ?? 0;
  for (const [block, row] of losses.entries()) {
    if (row.length !== candidates || candidates === 0) {
      fail(`a loss of block ${block} for each of ${Math.max(1, candidates)} candidates`, `${row.length}`);
    }
    for (let candidate = 0; candidate < candidates; candidate++) {
      const loss = row[candidate] ?? Number.NaN;
      if (!(loss >= 0 && loss <= 1)) fail(`losses from 0 to 1`, `${loss} (block ${block}, candidate ${candidate})`);
    }
  }
  return candidates;
}

function checkGoal({ alpha, delta }: PromiseGoal): void {
  if (!(alpha > 0 && alpha < 1)) fail("a loss above 0 and below 1 to keep to", `${alpha}`);
  if (!(delta > 0 && delta < 1)) fail("a probability above 0 and below 1 to break it with", `${delta}`);
}

function fail(expected: string, got: string): never {
  throw new ClockworkError("invalid-argument", `promise: expected ${expected}, got ${got}`);
}
