// Does a promise hold? The experiment that shows it: calibrate again and again, look each time at footage that was not
// calibrated on, count how often the promise was broken.

import { ClockworkError } from "../errors.ts";
import { promiseOf, type Losses, type PromiseGoal } from "./promise.ts";
import type { Random } from "../seeded.ts";
import { shuffled } from "./shuffled.ts";

/** One repetition: blocks to calibrate on, and what is true of the footage they came from. */
export interface CoverageDraw {
  readonly calibration: Losses;
  /**
   * How a candidate does on other footage: its expected loss for `mean`, its probability of a block with a loss above
   * alpha for `clips`.
   */
  readonly risk: (candidate: number) => number;
}

/** What came out. */
export interface Coverage {
  readonly repeats: number;
  /** Share of repetitions in which a promise was made. */
  readonly promised: number;
  /**
   * `mean`: share of repetitions in which a promise was made and the risk was above alpha; at most delta where it holds.
   * `clips`: mean over repetitions of the risk, 0 without a promise; at most delta where it holds.
   */
  readonly broken: number;
  /** How often each candidate was chosen. */
  readonly chosen: readonly number[];
  /** Mean risk of what was chosen; `null` where nothing was. */
  readonly meanRisk: number | null;
}

/** Repeats a calibration. @param draw makes the repetition with this number, from 0 */
export function coverageOf(goal: PromiseGoal, repeats: number, draw: (repeat: number) => CoverageDraw): Coverage {
  let promised = 0;
  let broken = 0;
  let risks = 0;
  const chosen: number[] = [];
  for (let repeat = 0; repeat < repeats; repeat++) {
    const { calibration, risk } = draw(repeat);
    while (chosen.length < (calibration[0]?.length ?? 0)) chosen.push(0);
    const result = promiseOf(calibration, goal);
    if (result.kind !== "kept") continue;
    const actual = risk(result.candidate);
    promised++;
    risks += actual;
    chosen[result.candidate] = (chosen[result.candidate] ?? 0) + 1;
    if (goal.promise === "clips") broken += actual;
    else if (actual > goal.alpha) broken++;
  }
  return {
    repeats,
    promised: promised / repeats,
    broken: broken / repeats,
    chosen,
    meanRisk: promised === 0 ? null : risks / promised,
  };
}

/**
 * Repetitions from recorded blocks: some, at random, are calibrated on, and the rest is the other footage. With `mean`, what
 * the rest shows is itself a sample, so the promise may seem broken a little more often than it is.
 * @param calibration number of blocks to calibrate on; fewer than there are
 */
export function splitsOf(losses: Losses, goal: PromiseGoal, calibration: number, random: Random): () => CoverageDraw {
  if (!(Number.isInteger(calibration) && calibration > 0 && calibration < losses.length)) {
    throw new ClockworkError(
      "invalid-argument",
      `coverage: expected from 1 to ${losses.length - 1} blocks to calibrate on, got ${calibration}`,
    );
  }
  return () => {
    const order = [...shuffled(losses.length, random)].map((block) => losses[block] ?? []);
    const rest = order.slice(calibration);
    return {
      calibration: order.slice(0, calibration),
      risk: (candidate) => {
        const scored = rest.map((block) => {
          const loss = block[candidate] ?? 0;
          return goal.promise === "mean" ? loss : Number(loss > goal.alpha);
        });
        return scored.reduce((sum, value) => sum + value, 0) / scored.length;
      },
    };
  };
}
