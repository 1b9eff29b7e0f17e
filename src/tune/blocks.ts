// Videos in blocks: stretches of equal length whose mean loss is one observation. Frames of a video depend on each other;
// blocks of some seconds do so far less, and the promises of promise.ts take them for independent.

import { ClockworkError } from "../errors.ts";

/** Frames `from` up to, but without, `to` of a video. */
export interface Span {
  /** Index of the video. */
  readonly video: number;
  readonly from: number;
  readonly to: number;
}

/** How to divide videos. */
export interface BlockOptions {
  /** Length of a block, in frames. */
  readonly blockFrames: number;
  /** Share of each video, from its start, on which signals are fitted; from 0 up to, but without, 1. */
  readonly fitShare: number;
}

/** Videos divided: no frame is in two parts. */
export interface Division {
  /** What signals and candidates are made from. */
  readonly fit: readonly Span[];
  /** What is left of each video, from the end of its fit part. */
  readonly calibration: readonly Span[];
  /** The calibration parts in blocks of equal length, in order. */
  readonly blocks: readonly Span[];
  /** Frames at the ends of calibration parts that fill no block. */
  readonly leftOver: number;
}

/** Length of a block in frames: that of `blockSec`, at least one. @param framesPerSec above 0 */
export function blockFramesOf(blockSec: number, framesPerSec: number): number {
  return Math.max(1, Math.round(blockSec * framesPerSec));
}

/**
 * Divides videos into a part to fit on and blocks to calibrate on.
 * @param frames number of frames of each video
 * @throws ClockworkError `invalid-argument` for options out of range
 */
export function divide(frames: readonly number[], { blockFrames, fitShare }: BlockOptions): Division {
  if (!Number.isInteger(blockFrames) || blockFrames < 1) {
    throw new ClockworkError("invalid-argument", `blocks: expected a length from 1 frame, got ${blockFrames}`);
  }
  if (!(fitShare >= 0 && fitShare < 1)) {
    throw new ClockworkError(
      "invalid-argument",
      `blocks: expected a share to fit on from 0 to below 1, got ${fitShare}`,
    );
  }
  const fit: Span[] = [];
  const calibration: Span[] = [];
  const blocks: Span[] = [];
  let leftOver = 0;
  for (const [video, count] of frames.entries()) {
    const start = Math.round(count * fitShare);
    if (start > 0) fit.push({ video, from: 0, to: start });
    if (start < count) calibration.push({ video, from: start, to: count });
    const whole = Math.floor((count - start) / blockFrames);
    for (let block = 0; block < whole; block++) {
      const from = start + block * blockFrames;
      blocks.push({ video, from, to: from + blockFrames });
    }
    leftOver += count - start - whole * blockFrames;
  }
  return { fit, calibration, blocks, leftOver };
}

/**
 * Mean of a value over each span.
 * @param values `values[video][frame]`, of whole videos
 * @throws ClockworkError `invalid-argument` where a span has frames without a value
 */
export function meansOf(spans: readonly Span[], values: readonly ArrayLike<number>[]): Float64Array {
  return Float64Array.from(spans, ({ video, from, to }) => {
    const list = values[video];
    if (list === undefined || to > list.length || from >= to) {
      throw new ClockworkError(
        "invalid-argument",
        `blocks: expected values of frames ${from} to ${to} of video ${video}, got ${list?.length ?? 0} of them`,
      );
    }
    let sum = 0;
    for (let frame = from; frame < to; frame++) sum += list[frame] ?? 0;
    return sum / (to - from);
  });
}
