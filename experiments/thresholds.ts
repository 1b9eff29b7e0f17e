// Thresholds at which an adaptive clock fires at wanted rates. The labels that the clock looks at are recorded once; what
// it would do at a threshold is then simulated exactly (src/tune). No true labels are needed, as in the paper, where
// thresholds were tried by hand. Only for clocks that watch labels: a relative change of features is not recorded.

import { longestHold } from "../src/clocks/index.ts";
import { stretchesOf } from "../src/evaluate/stretches.ts";
import type { Frame, Propagation, Segmenter, Signal, StretchOptions } from "../src/index.ts";
import type { Dataset } from "../src/node.ts";
import { Changes, thresholdForBudget } from "../src/tune/index.ts";
import type { Staging } from "./subject.ts";

/** The labels that an adaptive clock compares, in a compiled network. */
const watched = "clockwork/clock/labels/now";

/** Above any share of changed labels: the deep stage fires on first frames only. */
const never = 2;

/** Most frames that are recorded; of a larger dataset every n-th stretch is taken. */
const mostFrames = 4000;

/** A threshold with the rate it was chosen for. */
export interface Threshold {
  readonly threshold: number;
  /** Share of the recorded frames on which the deep stage fires. */
  readonly updateRate: number;
}

/**
 * Records what the clock of a plan's deepest stage looks at, on the frames of an evaluation.
 * @returns one recording a stretch; `undefined` where the clock watches no labels
 */
export async function recordChanges(
  oracle: Segmenter,
  staging: Staging,
  dataset: Dataset,
  options: StretchOptions,
  onFrame: (frames: number) => void,
): Promise<readonly Changes[] | undefined> {
  if (staging.plan.stages.at(-1)?.watch?.kind !== "labels") return undefined;
  await using segmenter = oracle.variant({
    schedule: { kind: "adaptive", threshold: never },
    planFor: (network) => staging.planFor(network),
    taps: [watched],
  });
  const stretches = stretchesOf(dataset.sequences, options);
  const frames = stretches.reduce((sum, { sequence, from, to, step }) => {
    const end = Math.min(dataset.sequences[sequence]?.length ?? Infinity, to ?? Infinity);
    return sum + (end === Infinity ? 0 : Math.ceil((end - from) / step));
  }, 0);
  const each = Math.max(1, Math.ceil(frames / mostFrames));
  const recorded: Changes[] = [];
  let count = 0;
  for (const { sequence, from, to, step } of stretches.filter((_, place) => place % each === 0)) {
    const maps: Uint8Array[] = [];
    const shots: boolean[] = [];
    const items = dataset.sequences[sequence]?.read({ from, step, ...(to !== undefined && { to }) }) ?? [];
    for await (const { taps, shot } of segmenter.segment(framesOf(items))) {
      maps.push(Uint8Array.from(taps[watched]?.data ?? [], Number));
      shots.push(shot);
      count += 1;
      onFrame(count);
    }
    if (maps.length > 0) recorded.push(new Changes({ signals: [{ kind: "labels" }], maps: [maps], shots }));
  }
  return recorded;
}

/**
 * The threshold with the highest update rate up to a wanted one.
 * @param rate share of frames, below 1
 * @param signal what the clock looks at; default `labels`
 * @param propagate what is done with what is held: with flow, no clock holds for longer than its flow is good for
 * @returns `undefined` where first frames and longest holds alone are more than that
 */
export function thresholdFor(
  videos: readonly Changes[],
  rate: number,
  signal: Signal = { kind: "labels" },
  propagate: Propagation = "still",
): Threshold | undefined {
  const longest = longestHold({ kind: "adaptive", threshold: 0, signal, propagate }) ?? Infinity;
  const answer = thresholdForBudget(videos, signal, { budget: rate, shares: [0, 1], longestHold: longest });
  return answer.kind === "adaptive" ? answer : undefined;
}

async function* framesOf(items: AsyncIterable<{ readonly frame: Frame }> | readonly never[]): AsyncGenerator<Frame> {
  for await (const { frame } of items) yield frame;
}
