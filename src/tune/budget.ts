// Thresholds by what they cost. The update rate of an adaptive clock falls with its threshold, but not on every step: what
// a frame is compared with depends on every firing before it. So rates come from exact simulation, and a search looks at
// the neighbourhood of the place where the budget is crossed.

import type { Signal } from "../clocks/index.ts";
import { ClockworkError } from "../errors.ts";
import type { Changes, ValueReader } from "./recording.ts";
import { signalReader, trace, type Trace } from "./simulate.ts";
import { leastGap, nextFloat32, thresholdBetween } from "./threshold.ts";

/** A threshold and how often the deepest stage fires with it. */
export interface SweepPoint {
  readonly threshold: number;
  /** Share of frames on which the deepest stage fires. */
  readonly updateRate: number;
}

/** What may be spent. */
export interface Budget {
  /** Most multiply-accumulates in the mean over frames, as a share of the oracle's. */
  readonly budget: number;
  /** Cost of each stage without deeper ones, as a share of the network's; shallowest first. */
  readonly shares: readonly number[];
}

/** What may be spent on an adaptive clock. */
export interface AdaptiveBudget extends Budget {
  /** Frames in a row that it may hold, whatever the signal; no end to it unless told. */
  readonly longestHold?: number;
}

/** What a budget buys. */
export type BudgetAnswer =
  /** The budget is that of the oracle: no clock is needed. */
  | { readonly kind: "every"; readonly macsRatio: 1 }
  | {
      readonly kind: "adaptive";
      readonly threshold: number;
      readonly updateRate: number;
      readonly macsRatio: number;
    }
  /** Even when the deepest stage fires on first frames of videos and shots and after the longest hold alone: `least`. */
  | { readonly kind: "out-of-reach"; readonly least: number };

/** What a budget buys from a clock with a fixed rate. */
export type PeriodAnswer =
  | { readonly kind: "every"; readonly macsRatio: 1 }
  | { readonly kind: "fixed"; readonly period: number; readonly updateRate: number; readonly macsRatio: number }
  | { readonly kind: "out-of-reach"; readonly least: number };

/** Trajectories on either side of a crossing that are looked at. */
const neighbourhood = 32;

/** Mean cost, as a share of the oracle's, when the deepest stage fires on a share of the frames and the others on all. */
export function macsRatioAt(shares: readonly number[], updateRate: number): number {
  return shares.reduce((sum, share, depth) => sum + share * (depth === shares.length - 1 ? updateRate : 1), 0);
}

/**
 * The threshold with the highest update rate within a budget; the smallest of several.
 *
 * Rates are exact for the recording. Trajectories are searched by bisection, then one by one on both sides of the
 * crossing, since rates are not quite monotone.
 * @param neighbours trajectories to look at on each side of the crossing; `Infinity` looks at all there are
 * @throws ClockworkError `invalid-argument` for a budget that is no number above 0, and without frames
 */
export function thresholdForBudget(
  videos: readonly Changes[],
  signal: Signal,
  { budget, shares, longestHold = Infinity }: AdaptiveBudget,
  neighbours: number = neighbourhood,
): BudgetAnswer {
  checkBudget(budget);
  const sweeper = new Sweeper(videos, signal, longestHold);
  if (budget >= 1) return { kind: "every", macsRatio: 1 };
  const ratioOf = (run: Trace): number => macsRatioAt(shares, run.firings / run.frames);
  let low = sweeper.at(0);
  let high = sweeper.at(Infinity);
  if (ratioOf(high) > budget) return { kind: "out-of-reach", least: ratioOf(high) };

  if (ratioOf(low) <= budget) high = low;
  while (high.above > low.upTo) {
    const middle = sweeper.between(low, high);
    if (ratioOf(middle) <= budget) high = middle;
    else low = middle;
  }
  let best = high;
  const consider = (run: Trace): void => {
    if (ratioOf(run) > budget || isFragile(run)) return;
    const better = run.firings - best.firings;
    if (isFragile(best) || better > 0 || (better === 0 && run.above < best.above)) best = run;
  };
  let up = high;
  for (let step = 0; (step < neighbours || isFragile(best)) && up.upTo !== Infinity; step++) {
    up = sweeper.at(nextFloat32(up.upTo));
    consider(up);
  }
  let down = low;
  for (let step = 0; step < neighbours && down.above !== -Infinity; step++) {
    down = sweeper.at(down.above);
    consider(down);
  }
  return {
    kind: "adaptive",
    threshold: thresholdBetween(best.above, best.upTo),
    updateRate: best.firings / best.frames,
    macsRatio: ratioOf(best),
  };
}

/**
 * Thresholds from the most careful (0: fires always) to the cheapest (fires on first frames alone, and after the longest
 * hold), with update rates that fall from each to the next and are spread as evenly as the signal allows. At most `count`,
 * from 2.
 * @param longestHold frames in a row that the clock may hold, whatever the signal
 * @throws ClockworkError `invalid-argument` without frames
 */
export function sweep(
  videos: readonly Changes[],
  signal: Signal,
  count: number,
  longestHold: number = Infinity,
): readonly SweepPoint[] {
  const sweeper = new Sweeper(videos, signal, longestHold);
  const runs = [sweeper.at(0), sweeper.at(Infinity)];
  while (runs.length < count) {
    let widest = -1;
    let gap = 0;
    for (let at = 0; at + 1 < runs.length; at++) {
      const [left, right] = [runs[at], runs[at + 1]];
      if (left === undefined || right === undefined || !(right.above > left.upTo)) continue;
      if (left.firings - right.firings > gap) {
        widest = at;
        gap = left.firings - right.firings;
      }
    }
    const [left, right] = [runs[widest], runs[widest + 1]];
    if (left === undefined || right === undefined) break;
    runs.splice(widest + 1, 0, sweeper.between(left, right));
  }
  let least = Infinity;
  return runs.flatMap((run) => {
    if (run.firings >= least || isFragile(run)) return [];
    least = run.firings;
    return [{ threshold: thresholdBetween(run.above, run.upTo), updateRate: run.firings / run.frames }];
  });
}

/** Update rate of a clock with a fixed rate, which counts anew from the first frame of each video and shot. */
export function periodRate(videos: readonly Changes[], period: number): number {
  let firings = 0;
  let frames = 0;
  for (const changes of videos) {
    let count = 0;
    for (let frame = 0; frame < changes.frames; frame++) {
      if (changes.restarts(frame)) count = 0;
      if (count % period === 0) firings++;
      count++;
    }
    frames += changes.frames;
  }
  return frames === 0 ? 0 : firings / frames;
}

/**
 * The shortest period within a budget.
 * @throws ClockworkError `invalid-argument` for a budget that is no number above 0, and without frames
 */
export function periodForBudget(videos: readonly Changes[], { budget, shares }: Budget): PeriodAnswer {
  checkBudget(budget);
  checkFrames(videos);
  if (budget >= 1) return { kind: "every", macsRatio: 1 };
  const ratioAt = (period: number): number => macsRatioAt(shares, periodRate(videos, period));
  let high = Math.max(1, ...videos.map((changes) => changes.frames));
  if (ratioAt(high) > budget) return { kind: "out-of-reach", least: ratioAt(high) };
  // Rates do fall with the period: a stretch of n frames has ceil(n / period) firings.
  let low = 0;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (ratioAt(middle) <= budget) high = middle;
    else low = middle;
  }
  return { kind: "fixed", period: high, updateRate: periodRate(videos, high), macsRatio: ratioAt(high) };
}

/** Runs of the clock over all videos. */
class Sweeper {
  readonly #videos: readonly Changes[];
  readonly #readers: readonly ValueReader[];
  readonly #longestHold: number;

  constructor(videos: readonly Changes[], signal: Signal, longestHold: number) {
    checkFrames(videos);
    this.#videos = videos;
    this.#longestHold = longestHold;
    this.#readers = videos.map((changes) => signalReader(changes, signal));
  }

  at(threshold: number): Trace {
    return trace(this.#videos, this.#readers, threshold, this.#longestHold);
  }

  /** A run between two that are no neighbours. */
  between(low: Trace, high: Trace): Trace {
    const middle = Math.fround((low.upTo + high.above) / 2);
    return this.at(middle > low.upTo ? middle : high.above);
  }
}

/** Whether rounding in the engine could change a decision with any threshold of a run. */
function isFragile({ above, upTo }: Trace): boolean {
  return upTo - above < leastGap;
}

function checkBudget(budget: number): void {
  if (!(budget > 0)) {
    throw new ClockworkError("invalid-argument", `budget: expected a share above 0, got ${budget}; try 0.6`);
  }
}

function checkFrames(videos: readonly Changes[]): void {
  if (videos.every(({ frames }) => frames === 0)) {
    throw new ClockworkError("invalid-argument", "tuning: expected recorded frames, got none");
  }
}
