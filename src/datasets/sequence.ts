// A sequence from a list of things that can be read: lazy, in order, one frame ahead of whoever consumes it.
// Knows nothing of files beyond their names in errors.

import { ClockworkError } from "../errors.ts";
import type { Frame, LabelMap } from "../frame.ts";
import type { FrameRange, LabelledFrame, Sequence } from "./dataset.ts";

/** One frame of a sequence to come. */
export interface SequenceItem {
  /** Name that a user finds it by. */
  readonly name: string;
  /** Presentation time in seconds; by default its index over the frame rate. The reader's own is not looked at. */
  readonly timestampSec?: number;
  /** Files that it is read from, for errors. */
  readonly framePath?: string;
  readonly labelsPath?: string;
  /** Reads the picture. */
  read(): Promise<Frame>;
  /** Reads the labels, at the size of the picture, as indices of the dataset's classes; absent where there are none. */
  readLabels?(): Promise<LabelMap>;
}

/**
 * A sequence of items. At most one item is read ahead of the one in hand.
 *
 * Reading throws `ClockworkError`: `invalid-argument` for a bad range or where labels have another size than their
 * picture, `aborted` by the signal, and whatever the items throw.
 *
 * @param fps frames a second, for timestamps.
 */
export function sequenceOf(name: string, items: readonly SequenceItem[], fps: number): Sequence {
  if (!(Number.isFinite(fps) && fps > 0)) {
    throw new ClockworkError("invalid-argument", `${name}: expected a frame rate above 0, got ${fps}`);
  }
  const labelled = items.flatMap((item, index) => (item.readLabels === undefined ? [] : [index]));
  return { name, length: items.length, labelled, read: (range = {}) => framesOf(name, items, fps, range) };
}

/** A range with its defaults. */
export interface WholeRange {
  readonly from: number;
  /** `Infinity` for: to the end. */
  readonly to: number;
  readonly step: number;
}

/**
 * Checks a range and fills its defaults in.
 *
 * @throws {ClockworkError} `invalid-argument` where a number is not whole or too small.
 */
export function wholeRange(sequence: string, { from = 0, to = Infinity, step = 1 }: FrameRange): WholeRange {
  const rules = [
    ["from", from, 0],
    ["to", to, 0],
    ["step", step, 1],
  ] as const;
  for (const [what, value, least] of rules) {
    if ((Number.isInteger(value) && value >= least) || (what === "to" && value === Infinity)) continue;
    throw new ClockworkError(
      "invalid-argument",
      `${sequence}: expected ${what} to be a whole number from ${least}, got ${value}`,
    );
  }
  return { from, to, step };
}

/** @throws {ClockworkError} `aborted` where the signal says so. */
export function throwIfAborted(signal: AbortSignal | undefined, where: string): void {
  if (signal?.aborted === true) throw new ClockworkError("aborted", `${where}: stopped by its signal`);
}

async function* framesOf(
  sequence: string,
  items: readonly SequenceItem[],
  fps: number,
  range: FrameRange,
): AsyncGenerator<LabelledFrame, void, void> {
  const { from, to, step } = wholeRange(sequence, range);
  const end = Math.min(to, items.length);
  const start = (index: number): Promise<LabelledFrame> | undefined => {
    const item = index < end ? items[index] : undefined;
    if (item === undefined) return undefined;
    const reading = readItem(item, index, fps);
    // Whoever awaits it gets the error; nobody may, after a break.
    reading.catch(() => undefined);
    return reading;
  };
  throwIfAborted(range.signal, sequence);
  let ahead = start(from);
  for (let index = from; ahead !== undefined; index += step) {
    const current = ahead;
    // Before the wait: a consumer that only waits for frames then has two in the making, on two cores.
    ahead = start(index + step);
    const frame = await current;
    throwIfAborted(range.signal, sequence);
    yield frame;
    throwIfAborted(range.signal, sequence);
  }
}

async function readItem(item: SequenceItem, index: number, fps: number): Promise<LabelledFrame> {
  const [picture, labels] = await Promise.all([item.read(), item.readLabels?.()]);
  if (labels !== undefined && (labels.widthPx !== picture.widthPx || labels.heightPx !== picture.heightPx)) {
    throw new ClockworkError(
      "invalid-argument",
      `${item.labelsPath ?? item.name}: expected labels of ${picture.widthPx}x${picture.heightPx}, as ` +
        `${item.framePath ?? "its frame"}, got ${labels.widthPx}x${labels.heightPx}`,
    );
  }
  return { index, name: item.name, frame: { ...picture, timestampSec: item.timestampSec ?? index / fps }, labels };
}
