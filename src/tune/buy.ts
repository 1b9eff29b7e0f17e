// The best that a budget buys: every kind of clock at its highest rate within it, and of these the one that agrees most
// with the oracle. Kinds are compared on the same frames, which nothing was fitted to.

import { ClockworkError } from "../errors.ts";
import { periodForBudget, thresholdForBudget } from "./budget.ts";
import type { Plan } from "../stages/index.ts";
import { tryOut, type Ground, type TunedCandidate } from "./ground.ts";
import { adaptiveSchedule, periodSchedule, type Choice, type ClockKind, type Part } from "./part.ts";
import { percent } from "./wording.ts";

/** What a budget bought. */
export interface Bought {
  readonly best: TunedCandidate;
  /** Frames that `best` was measured on: all, unless something was fitted to the first ones. */
  readonly parts: readonly Part[];
  /** What each kind did on the frames that kinds were compared on. */
  readonly candidates: readonly TunedCandidate[];
  readonly notes: readonly string[];
}

/**
 * Finds what a budget buys.
 * @param budget most multiply-accumulates in the mean over frames, as a share of the oracle's
 * @throws ClockworkError `invalid-argument` where it is out of reach
 */
export async function buy(ground: Ground, budget: number): Promise<Bought> {
  // What was fitted has seen the first part of each video, and changes its mind less there.
  const parts = ground.kinds.some(isFitted) ? ground.calibration : ground.whole;
  const compared: TunedCandidate[] = [];
  let least = Infinity;
  for (const kind of ground.kinds) {
    const answer = scheduleForBudget(ground, kind, parts, budget);
    if (typeof answer === "number") least = Math.min(least, answer);
    else compared.push((await tryOut(ground, answer, parts)).candidate);
  }
  const winner = worthiest(compared);
  if (winner === undefined) {
    throw outOfReach(least, budget, ground.plan, ground.kinds.includes("fixed") ? Infinity : ground.longestHold);
  }
  const notes = lookingNotes(ground, compared, winner);
  if (isFitted(winner.kind) || parts === ground.whole) return { best: winner, parts, candidates: compared, notes };
  // Now that the kind is known: nothing of it was fitted, so all frames count.
  const answer = scheduleForBudget(ground, winner.kind, ground.whole, budget);
  if (typeof answer === "number") throw outOfReach(answer, budget, ground.plan);
  const { candidate: best } = await tryOut(ground, answer, ground.whole);
  return { best, parts: ground.whole, candidates: compared, notes };
}

/**
 * What is said of a budget that even a clock which fires as little as it may exceeds.
 * @param least what that one costs
 * @param longestHold frames in a row that it may hold; `Infinity` where there is no end to it
 */
export function outOfReach(least: number, budget: number, plan: Plan, longestHold: number = Infinity): ClockworkError {
  // Rounded up, so that it is enough.
  const enough = (Math.ceil(1000 * least) / 1000).toFixed(3);
  if (longestHold < Infinity) {
    return new ClockworkError(
      "invalid-argument",
      `budget: expected at least ${enough}, which firing every ${longestHold + 1} frames costs, as clocks that look at the ` +
        `scene do with flow, got ${budget}; try fixed${plan.stages.length === 1 ? "" : ", or --stages 1"}`,
    );
  }
  return new ClockworkError(
    "invalid-argument",
    plan.stages.length === 1
      ? `budget: expected at least ${enough}, which first frames of videos and shots cost on this footage, got ${budget}`
      : `budget: expected at least ${enough}, which what never rests costs on this footage, got ${budget}; ` +
          "try --stages 1, where the whole network rests",
  );
}

/** Whether weights of a kind are fitted to the first part of each video. */
function isFitted(kind: ClockKind): boolean {
  return kind === "probe" || kind === "expected";
}

/**
 * How much less a clock that looks at the scene has to disagree than a fixed rate, which needs no weights and fires as
 * often on footage to come as on this.
 */
const worthLooking = 0.9;

/** The one that disagrees least; a fixed rate where looking at the scene gains next to nothing. */
export function worthiest<Tried extends { readonly kind: ClockKind; readonly disagreement: number }>(
  tried: readonly Tried[],
): Tried | undefined {
  const fixed = tried.find(({ kind }) => kind === "fixed");
  const adaptive = leastDisagreement(tried);
  if (fixed === undefined || adaptive === undefined) return fixed ?? adaptive;
  return adaptive.disagreement < worthLooking * fixed.disagreement ? adaptive : fixed;
}

/** Says whether looking at the scene pays on this footage. */
function lookingNotes(
  { kinds, longestHold }: Ground,
  candidates: readonly TunedCandidate[],
  best: TunedCandidate,
): readonly string[] {
  if (candidates.length < kinds.length && candidates.every(({ kind }) => kind === "fixed")) {
    return [
      `clocks that look at the scene cost more than this: with flow they fire every ${longestHold + 1} frames or more often`,
    ];
  }
  const fixed = candidates.find(({ kind }) => kind === "fixed");
  const adaptive = leastDisagreement(candidates);
  if (fixed === undefined || adaptive === undefined || fixed.schedule.kind === "every") return [];
  const figures = `${percent(adaptive.disagreement)} disagreement against ${percent(fixed.disagreement)} at a fixed rate`;
  return [
    best.kind === "fixed"
      ? `a fixed rate does as well here as looking at the scene: ${figures}`
      : `looking at the scene pays here: ${figures}`,
  ];
}

/** Of those that look at the scene. */
function leastDisagreement<Tried extends { readonly kind: ClockKind; readonly disagreement: number }>(
  tried: readonly Tried[],
): Tried | undefined {
  return tried.filter(({ kind }) => kind !== "fixed").sort((a, b) => a.disagreement - b.disagreement)[0];
}

/** The schedule of a kind for a budget; the least budget where it is out of reach. */
export function scheduleForBudget(
  { shares, signals, plan, propagate, longestHold }: Ground,
  kind: ClockKind,
  parts: readonly Part[],
  budget: number,
): Choice | number {
  const videos = parts.map(({ changes }) => changes);
  const signal = signals.get(kind);
  if (signal === undefined) {
    const answer = periodForBudget(videos, { budget, shares });
    switch (answer.kind) {
      case "every":
        return { kind, schedule: { kind: "every" } };
      case "out-of-reach":
        return answer.least;
      case "fixed":
        return { kind, schedule: periodSchedule(plan, propagate, answer.period) };
    }
  }
  const answer = thresholdForBudget(videos, signal, { budget, shares, longestHold });
  switch (answer.kind) {
    case "every":
      return { kind, schedule: { kind: "every" } };
    case "out-of-reach":
      return answer.least;
    case "adaptive":
      return { kind, schedule: adaptiveSchedule(signal, propagate, answer.threshold) };
  }
}
