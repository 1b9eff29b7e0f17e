// Which frames an evaluation runs over: stretches of sequences, each gone through from a fresh start. This is where the
// protocols of Shelhamer et al. 2016 come in: every 10th frame of YouTube-Objects, 19 frames before each labelled one of
// Cityscapes, scores that leave the first frames out.

import type { LabelledFrame, Sequence } from "../datasets/dataset.ts";
import { ClockworkError } from "../errors.ts";

/** How frames are chosen and which are scored. */
export interface StretchOptions {
  /** Take every n-th frame; default 1. */
  readonly every?: number;
  /** Take this many frames before each labelled one, and score that one; default: whole sequences, all scored. */
  readonly before?: number;
  /** Frames at the start of each stretch that are run but not scored; default 0. */
  readonly warmUp?: number;
  /** Take at most this many frames of each sequence, or with `before` this many labelled ones; default: all. */
  readonly limit?: number;
}

/** Frames that are gone through from a fresh start. */
export interface Stretch {
  /** Index of the sequence. */
  readonly sequence: number;
  readonly from: number;
  /** First frame after it; `undefined` where it goes to the end. */
  readonly to: number | undefined;
  readonly step: number;
  /** The only frame whose labels count; `undefined` where all count. */
  readonly target: number | undefined;
  /** Frames at the start that are not scored. */
  readonly warmUp: number;
}

/**
 * Sorts out the stretches of a dataset, in order.
 * @throws ClockworkError `invalid-argument` for options that are no whole numbers in range or leave nothing to score
 */
export function stretchesOf(sequences: readonly Sequence[], options: StretchOptions = {}): readonly Stretch[] {
  const { every = 1, before, warmUp = 0, limit } = options;
  check("every", every, 1);
  check("warm-up", warmUp, 0);
  if (limit !== undefined) check("limit", limit, 1);
  if (before === undefined) {
    return sequences.map((_, sequence) => ({
      sequence,
      from: 0,
      to: limit === undefined ? undefined : (limit - 1) * every + 1,
      step: every,
      target: undefined,
      warmUp,
    }));
  }
  check("before", before, 0);
  if (warmUp > before) {
    throw new ClockworkError(
      "invalid-argument",
      `warm-up: expected at most as many frames as there are before a labelled one (${before}), got ${warmUp}`,
    );
  }
  const stretches = sequences.flatMap(({ labelled }, sequence) =>
    labelled.slice(0, limit).map((target): Stretch => {
      // Near the start of a sequence there are fewer frames before.
      const frames = Math.min(before, Math.floor(target / every));
      const from = target - frames * every;
      return { sequence, from, to: target + 1, step: every, target, warmUp: Math.min(warmUp, frames) };
    }),
  );
  if (stretches.length === 0) {
    throw new ClockworkError(
      "invalid-argument",
      "before: expected labelled frames to go back from, got a dataset without labels; try without it",
    );
  }
  return stretches;
}

/** Number of frames of a stretch; `undefined` where only reading tells. */
export function lengthOf(stretch: Stretch, sequences: readonly Sequence[]): number | undefined {
  const length = sequences[stretch.sequence]?.length;
  const end = length === undefined ? stretch.to : Math.min(length, stretch.to ?? length);
  return end === undefined || length === undefined
    ? undefined
    : Math.max(0, Math.ceil((end - stretch.from) / stretch.step));
}

/** The labels of a frame that count in a stretch; `place` is the frame's place in it, from 0. */
export function scoredLabels(stretch: Stretch, place: number, frame: LabelledFrame): LabelledFrame["labels"] {
  if (place < stretch.warmUp) return undefined;
  return stretch.target === undefined || stretch.target === frame.index ? frame.labels : undefined;
}

function check(name: string, value: number, least: number): void {
  if (!Number.isInteger(value) || value < least) {
    throw new ClockworkError("invalid-argument", `${name}: expected a whole number from ${least}, got ${value}`);
  }
}
