// From unlabelled footage to a schedule. The oracle goes through once, then the shallow stages; from these recordings the
// firings of any clock are simulated, exactly. What is not known from recordings (how far held results are from the
// oracle's) is run, once for each pair of a frame and the frame of the last firing.

import type { Schedule } from "../clocks/index.ts";
import { ClockworkError } from "../errors.ts";
import { macsRatioAt } from "./budget.ts";
import { buy, outOfReach } from "./buy.ts";
import { Disagreements } from "./disagreement.ts";
import { runOracle } from "./footage.ts";
import { checkKind, divideFootage, groundOf, type Ground, type GroundOptions, type TunedCandidate } from "./ground.ts";
import { checkBlocks, promise } from "./keep.ts";
import { longestAge } from "./motion-values.ts";
import type { ClockKind } from "./part.ts";
import type { PromiseGoal } from "./promise.ts";
import type { TuneEvidence, TuneGoal } from "./schedule-file.ts";

/** What to tune, and for what. */
export interface TuneOptions extends GroundOptions {
  readonly goal: TuneGoal;
}

/** What tuning came to. */
export interface Tuned {
  readonly kind: ClockKind;
  readonly schedule: Schedule;
  readonly evidence: TuneEvidence;
  /**
   * All that were tried: for a budget each kind at that budget, on frames that nothing was fitted to (the schedule itself
   * may then be one for all frames); for a loss the ladder as far as it was climbed down.
   */
  readonly candidates: readonly TunedCandidate[];
  /** What a user should know. */
  readonly notes: readonly string[];
}

/**
 * Tunes a clock.
 * @throws ClockworkError `invalid-argument` for options out of range, a budget that is out of reach and a kind of clock
 *   that the network has nothing for, `invalid-video` for a video without frames or with frames of several sizes,
 *   `unpromisable` where the footage is too short for the promise or no clock but the oracle can keep it, `aborted` by
 *   the signal
 */
export async function tune(options: TuneOptions): Promise<Tuned> {
  const { goal } = options;
  checkOptions(options);
  const wanted = goal.kind === "budget" ? undefined : promiseGoal(goal);
  await using disagreements = new Disagreements(options, options.plan.stages.length);
  const videos = await runOracle(options, (size) => disagreements.prepare(size));
  const parts = divideFootage(videos, options);
  if (wanted !== undefined) checkBlocks(wanted, parts);
  const ground = await groundOf(options, videos, parts, disagreements);
  if (wanted !== undefined) {
    const { best, candidates, bound } = await promise(ground, wanted, options.seed ?? 1);
    return tuned(ground, ground.calibration, best, candidates, bound, []);
  }
  const { best, parts: measured, candidates, notes } = await buy(ground, goal.kind === "budget" ? goal.budget : 1);
  return tuned(ground, measured, best, candidates, null, notes);
}

/** Refuses what can be refused before hours of work. */
function checkOptions(options: TuneOptions): void {
  const { videos, goal, plan, kind, propagate, engine } = options;
  if (videos.length === 0) throw new ClockworkError("invalid-argument", "tune: expected videos, got none");
  divideFootage([], options);
  checkKind(options);
  if (propagate === "flow" && engine === undefined) {
    throw new ClockworkError("invalid-argument", "tune: expected an engine to record flow with, got none");
  }
  switch (goal.kind) {
    case "budget": {
      if (!(goal.budget > 0)) {
        throw new ClockworkError("invalid-argument", `budget: expected a share above 0, got ${goal.budget}; try 0.5`);
      }
      const shares = plan.stages.map(({ share }) => share);
      const least = macsRatioAt(shares, 0);
      if (least > goal.budget) throw outOfReach(least, goal.budget, plan);
      if (propagate !== "flow" || kind === undefined || kind === "fixed") return;
      const often = macsRatioAt(shares, 1 / longestAge);
      if (often > goal.budget) throw outOfReach(often, goal.budget, plan, longestAge - 1);
      return;
    }
    case "max-loss":
      for (const [name, value] of [
        ["max-loss", goal.maxLoss],
        ["confidence", goal.confidence],
      ] as const) {
        if (value > 0 && value < 1) continue;
        throw new ClockworkError("invalid-argument", `${name}: expected a share above 0 and below 1, got ${value}`);
      }
  }
}

function tuned(
  { blocks, blockSec, notes }: Ground,
  parts: Ground["whole"],
  { kind, schedule, updateRate, macsRatio, disagreement }: TunedCandidate,
  candidates: readonly TunedCandidate[],
  bound: number | null,
  more: readonly string[],
): Tuned {
  const frames = parts.reduce((sum, { changes }) => sum + changes.frames, 0);
  return {
    kind,
    schedule,
    candidates,
    evidence: { frames, blocks: blocks.length, blockSec, updateRate, macsRatio, disagreement, bound },
    notes: [...notes, ...more],
  };
}

function promiseGoal({ maxLoss, confidence, promise: kind }: Extract<TuneGoal, { kind: "max-loss" }>): PromiseGoal {
  return { promise: kind, alpha: maxLoss, delta: 1 - confidence };
}
