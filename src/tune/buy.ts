// The best that a budget buys: every kind of clock at its highest rate within it, and of these the one that agrees most
// with the oracle.

import { ClockworkError } from "../errors.ts";
import { periodForBudget, thresholdForBudget } from "./budget.ts";
import { tryOut, type Ground, type TunedCandidate } from "./ground.ts";
import { costOf, periodSchedule, type Choice, type ClockKind, type Part } from "./part.ts";
import { percent } from "./wording.ts";

/** What a budget bought. */
export interface Bought {
  readonly best: TunedCandidate;
  readonly candidates: readonly TunedCandidate[];
  readonly notes: readonly string[];
}

/**
 * Finds what a budget buys.
 * @param budget most multiply-accumulates in the mean over frames, as a share of the oracle's
 * @throws ClockworkError `invalid-argument` where it is out of reach
 */
export async function buy(ground: Ground, budget: number): Promise<Bought> {
  const candidates: TunedCandidate[] = [];
  let least = Infinity;
  for (const kind of ground.kinds) {
    // What was fitted has seen the first part of each video, and changes its mind less there.
    const parts = kind === "labels" || kind === "fixed" ? ground.whole : ground.calibration;
    const answer = scheduleForBudget(ground, kind, parts, budget);
    if (typeof answer === "number") {
      least = Math.min(least, answer);
      continue;
    }
    const { candidate } = await tryOut(ground, answer, ground.calibration);
    candidates.push({ ...candidate, ...costOf(answer.schedule, parts, ground.shares) });
  }
  const best = chosen(candidates);
  if (best === undefined) {
    throw new ClockworkError(
      "invalid-argument",
      `budget: expected at least ${least.toFixed(3)}, which what never rests costs on this footage, got ${budget}; ` +
        "try --stages 1, where the whole network rests",
    );
  }
  return { best, candidates, notes: fixedNotes(candidates, best) };
}

/**
 * How much less a clock that looks at the scene has to disagree than a fixed rate, which needs no weights and fires as
 * often on footage to come as on this.
 */
const worthLooking = 0.9;

/** The kind that agrees most with the oracle; a fixed rate where looking at the scene gains next to nothing. */
function chosen(candidates: readonly TunedCandidate[]): TunedCandidate | undefined {
  const fixed = candidates.find(({ kind }) => kind === "fixed");
  const adaptive = leastDisagreement(candidates.filter(({ kind }) => kind !== "fixed"));
  if (fixed === undefined || adaptive === undefined) return fixed ?? adaptive;
  return adaptive.disagreement < worthLooking * fixed.disagreement ? adaptive : fixed;
}

/** Says whether looking at the scene pays on this footage. */
function fixedNotes(candidates: readonly TunedCandidate[], best: TunedCandidate): readonly string[] {
  const fixed = candidates.find(({ kind }) => kind === "fixed");
  const adaptive = leastDisagreement(candidates.filter(({ kind }) => kind !== "fixed"));
  if (fixed === undefined || adaptive === undefined) return [];
  const figures = `${percent(adaptive.disagreement)} disagreement against ${percent(fixed.disagreement)} at a fixed rate`;
  return [
    best.kind === "fixed"
      ? `a fixed rate does as well here as looking at the scene: ${figures}`
      : `looking at the scene pays here: ${figures}`,
  ];
}

function leastDisagreement(candidates: readonly TunedCandidate[]): TunedCandidate | undefined {
  return [...candidates].sort((a, b) => a.disagreement - b.disagreement)[0];
}

/** The schedule of a kind for a budget; the least budget where it is out of reach. */
export function scheduleForBudget(
  { shares, signals, plan }: Ground,
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
        return { kind, schedule: periodSchedule(plan, answer.period) };
    }
  }
  const answer = thresholdForBudget(videos, signal, { budget, shares });
  switch (answer.kind) {
    case "every":
      return { kind, schedule: { kind: "every" } };
    case "out-of-reach":
      return answer.least;
    case "adaptive":
      return { kind, schedule: { kind: "adaptive", threshold: answer.threshold, signal } };
  }
}
