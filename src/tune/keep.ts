// The cheapest clock of which a promise can be made. The kind is chosen and the ladder of candidates made on the first part
// of the footage; the rest, in blocks, is what the promise is made from.

import { ClockworkError } from "../errors.ts";
import { meansOf } from "./blocks.ts";
import { macsRatioAt, sweep } from "./budget.ts";
import { scheduleForBudget, worthiest } from "./buy.ts";
import { tryOut, type FootageParts, type Ground, type TunedCandidate } from "./ground.ts";
import { adaptiveSchedule, periodSchedule, type Choice, type ClockKind } from "./part.ts";
import { blocksNeeded, promiseOf, type PromiseGoal, type PromiseResult } from "./promise.ts";
import { seeded } from "../seeded.ts";
import { shuffled } from "./shuffled.ts";
import { percent } from "./wording.ts";

/** What was promised. */
export interface Promised {
  readonly best: TunedCandidate;
  /** The ladder, as far as it was climbed down. */
  readonly candidates: readonly TunedCandidate[];
  /** What promise.ts bounds, of `best`. */
  readonly bound: number;
}

/** Update rates, as periods, at which kinds of clocks are compared. */
const comparedPeriods: readonly number[] = [2, 5];

/** Steps from every frame to hardly ever. */
const ladderSteps = 12;
const ladderPeriods: readonly number[] = [1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 20, 25, 30, 40, 50, 60];

/**
 * Finds the cheapest clock that keeps a promise.
 * @param seed any whole number
 * @throws ClockworkError `unpromisable` where none but the oracle does
 */
export async function promise(ground: Ground, goal: PromiseGoal, seed: number): Promise<Promised> {
  const ladder = ladderOf(ground, await bestKind(ground));
  // Bets are laid one after another; at random, so that a hard stretch of the video does not come all at once.
  const order = shuffled(ground.blocks.length, seeded(seed));
  const columns: Float64Array[] = [];
  const candidates: TunedCandidate[] = [];
  let result: PromiseResult | undefined;
  for (const choice of ladder) {
    const { candidate, values } = await tryOut(ground, choice, ground.calibration);
    columns.push(meansOf(ground.blocks, values));
    candidates.push(candidate);
    result = promiseOf(
      Array.from(order, (block) => columns.map((column) => column[block] ?? 0)),
      goal,
    );
    // The first that fails ends it, whatever cheaper ones would do.
    if (result.kind !== "kept" || result.candidate < columns.length - 1) break;
  }
  const best = result?.kind === "kept" ? candidates[result.candidate] : undefined;
  if (result?.kind === "kept" && best !== undefined && best.updateRate < 1) {
    return { best, candidates, bound: result.bound };
  }
  const careful = candidates.find(({ updateRate }) => updateRate < 1);
  throw new ClockworkError(
    "unpromisable",
    `max-loss: expected a clock that can be promised to disagree on at most ${percent(goal.alpha)} of the pixels, got ` +
      (careful === undefined
        ? `none over ${ground.blocks.length} blocks`
        : `${percent(careful.disagreement)} from the most careful one, which fires on ${percent(careful.updateRate)} of ` +
          `the frames, over ${ground.blocks.length} blocks`) +
      `; try a greater --max-loss, or more footage${goal.promise === "mean" ? ", or --promise clips" : ""}`,
  );
}

/** The kind that agrees most with the oracle at equal rates, on the part that signals were fitted to. */
export async function bestKind(ground: Ground): Promise<ClockKind> {
  const kinds = ground.kinds.filter((kind) => kind === "fixed" || ground.fit.length > 0);
  const [only, ...others] = kinds;
  if (only === undefined) {
    throw new ClockworkError(
      "invalid-argument",
      "fit: expected frames that a ladder of thresholds can be made from, got none; try a greater --fit, or --signal fixed",
    );
  }
  if (others.length === 0) return only;
  const tried: { kind: ClockKind; disagreement: number }[] = [];
  for (const kind of kinds) {
    let disagreement = 0;
    for (const period of comparedPeriods) {
      const choice = scheduleForBudget(ground, kind, ground.fit, macsRatioAt(ground.shares, 1 / period) + 1e-9);
      // Where a rate is out of reach for one kind it is for all.
      if (typeof choice !== "number") disagreement += (await tryOut(ground, choice, ground.fit)).candidate.disagreement;
    }
    tried.push({ kind, disagreement });
  }
  return worthiest(tried)?.kind ?? only;
}

/** Clocks of a kind from the most careful to the cheapest, chosen without a look at calibration footage. */
export function ladderOf({ signals, fit, plan, propagate, longestHold }: Ground, kind: ClockKind): readonly Choice[] {
  const signal = signals.get(kind);
  if (signal === undefined) {
    return ladderPeriods.map((period) => ({ kind, schedule: periodSchedule(plan, propagate, period) }));
  }
  return sweep(
    fit.map(({ changes }) => changes),
    signal,
    ladderSteps,
    longestHold,
  ).map(({ threshold }) => ({ kind, schedule: adaptiveSchedule(signal, propagate, threshold) }));
}

/**
 * Refuses footage in which there are too few blocks for a promise, whatever is measured on them.
 * @throws ClockworkError `unpromisable`
 */
export function checkBlocks(goal: PromiseGoal, { blocks, blockSec, fitShare }: FootageParts): void {
  const needed = atLeastNeeded(goal);
  if (blocks.length >= needed) return;
  const other = goal.promise === "mean" ? blocksNeeded({ ...goal, promise: "clips" }) : undefined;
  const ways = [
    `${Math.ceil((needed * blockSec) / (1 - fitShare))} s of footage`,
    "a greater --max-loss",
    ...(other !== undefined && other <= blocks.length ? [`--promise clips, which needs ${other} blocks`] : []),
    "shorter blocks (--block)",
  ];
  throw new ClockworkError(
    "unpromisable",
    `footage: expected at least ${needed} blocks of ${blockSec} s to promise at most ${percent(goal.alpha)} disagreement ` +
      `at ${percent(1 - goal.delta)} confidence, got ${blocks.length}; try ${ways.join(", or ")}`,
  );
}

/** Blocks from which on the exact number is too much work, and not worth knowing. */
const countless = 1e6;

/** Blocks that a promise needs at the least. */
function atLeastNeeded(goal: PromiseGoal): number {
  // No test can do with fewer observations of no loss: (1 - alpha)^n <= delta.
  const least = goal.promise === "mean" ? Math.ceil(Math.log(goal.delta) / Math.log1p(-goal.alpha)) : 0;
  return least > countless ? least : blocksNeeded(goal);
}
