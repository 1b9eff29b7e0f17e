// Training samples: a frame of a dataset, or a clip of frames around it. References only; files are read elsewhere.

import { ClockworkError } from "../../errors.ts";
import type { Random } from "../../networks/random.ts";

/** A dataset as it can be opened again. */
export interface DatasetSource {
  readonly folder: string;
  /** Name of its layout. */
  readonly layout: string;
  /** `undefined` for layouts without splits. */
  readonly split: string | undefined;
}

/** A frame that a clip is put around: one with labels, or any where none are wanted. Plain data. */
export interface Sample {
  readonly source: DatasetSource;
  /** Place of its sequence in the dataset. */
  readonly sequence: number;
  /** Its place in the sequence. */
  readonly index: number;
  /** Number of frames of the sequence. */
  readonly length: number;
  /** Its sequence and place, for messages. */
  readonly name: string;
}

/** Where in its clip a sample's own frame is. */
export type ClipAnchor = "first" | "last" | "any";

/** How many frames a sample has. */
export interface Clip {
  /** 1: the sample's frame alone. */
  readonly frames: number;
  /** Least and greatest number of steps from one frame to the next; drawn for each sample. Default [1, 1]. */
  readonly gap?: readonly [min: number, max: number];
  /** Default: last, so that the frames before it are its past. */
  readonly anchor?: ClipAnchor;
}

/** A sample as a single frame. */
export const stillClip: Clip = { frames: 1 };

/** @throws {ClockworkError} `invalid-argument` for a number out of range. */
export function checkClip({ frames, gap: [min, max] = [1, 1] }: Clip): void {
  const rules = [
    ["frames", frames, 1],
    ["gap[0]", min, 1],
    ["gap[1]", max, min],
  ] as const;
  for (const [what, value, least] of rules) {
    if (Number.isSafeInteger(value) && value >= least) continue;
    throw new ClockworkError(
      "invalid-argument",
      `clip: expected ${what} to be a whole number from ${least}, got ${value}`,
    );
  }
}

/**
 * The frames of a sample's clip by their place in the sequence, in time's order. Where a clip would reach beyond its
 * sequence, the sequence's first or last frame is repeated: the video stands still there.
 */
export function drawClip(clip: Clip, sample: Pick<Sample, "index" | "length">, random: Random): readonly number[] {
  const { frames, gap: [min, max] = [1, 1], anchor = "last" } = clip;
  const gap = min + Math.floor(random.next() * (max - min + 1));
  const place = placeOf(anchor, frames, random.next());
  return Array.from({ length: frames }, (_, at) =>
    Math.max(0, Math.min(sample.length - 1, sample.index + (at - place) * gap)),
  );
}

function placeOf(anchor: ClipAnchor, frames: number, share: number): number {
  switch (anchor) {
    case "first":
      return 0;
    case "last":
      return frames - 1;
    case "any":
      return Math.floor(share * frames);
  }
}
