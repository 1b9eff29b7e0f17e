// A video from a still: seen through a viewport that moves by so many pixels a frame, its labels moved alike. It has true
// labels on every frame and a motion that is known. Not a layout: it turns the labelled stills of any dataset.
// After the synthetic video of Shelhamer et al. 2016 (arXiv 1608.03609, "translating viewport"): 6 frames, 16 or 32 pixels
// apart, along the longer side of the picture; a viewport as large as the path leaves room for; nothing is padded or
// scaled. They score the third frame and those after it, all pixels in one matrix.

import { ClockworkError } from "../errors.ts";
import type { Dataset, FrameRange, LabelledFrame, Sequence } from "./dataset.ts";
import { throwIfAborted, wholeRange } from "./sequence.ts";

/** How the viewport moves. */
export interface ViewportOptions {
  /** Pixels from frame to frame, along the longer side of the picture; down where the sides are equal. */
  readonly shiftPx: number;
  /** Frames of each video. */
  readonly frames: number;
  /** Width of the viewport; by default what the picture and the path leave. A smaller one moves through the middle. */
  readonly widthPx?: number;
  readonly heightPx?: number;
}

/** Frames a second that the timestamps of such a video say: a still has no time. */
const FRAME_RATE = 25;

/** A part of a picture, in pixels. */
interface Box {
  readonly left: number;
  readonly top: number;
  readonly widthPx: number;
  readonly heightPx: number;
}

/**
 * The labelled stills of a dataset, each as a video of its own. Frames without labels are left out. Stills are read when
 * their video is; one that is too small for the path is an error then (`invalid-argument`).
 *
 * @throws {ClockworkError} `invalid-argument` for numbers that are not whole or too small, and for a dataset without labels.
 */
export function translatingViewport(dataset: Dataset, options: ViewportOptions): Dataset {
  checkOptions(options);
  const sequences = dataset.sequences.flatMap((sequence) =>
    sequence.labelled.map((index) => videoOf(sequence, index, options)),
  );
  if (sequences.length === 0) {
    throw new ClockworkError("invalid-argument", `viewport: expected labelled frames, got none in ${dataset.name}`);
  }
  const { shiftPx, frames } = options;
  return {
    ...dataset,
    sequences,
    notes: [
      ...dataset.notes,
      `synthetic: each of ${sequences.length} labelled stills is a video of ${frames} frames, seen through a viewport ` +
        `that moves ${shiftPx} px a frame`,
    ],
  };
}

/**
 * Reads `SHIFTxFRAMES`, such as `16x6`.
 *
 * @throws {ClockworkError} `invalid-argument` for anything else.
 */
export function parseViewport(text: string): ViewportOptions {
  const [, shift, frames] = /^(\d+)x(\d+)$/u.exec(text.trim()) ?? [];
  if (shift === undefined || frames === undefined) {
    throw new ClockworkError(
      "invalid-argument",
      `viewport: expected pixels a frame and frames, as 16x6, got "${text}"; try 16x6 or 32x6`,
    );
  }
  const options = { shiftPx: Number(shift), frames: Number(frames) };
  checkOptions(options);
  return options;
}

function checkOptions({ shiftPx, frames, widthPx, heightPx }: ViewportOptions): void {
  const rules = [
    ["shiftPx", shiftPx, 0],
    ["frames", frames, 1],
    ["widthPx", widthPx ?? 1, 1],
    ["heightPx", heightPx ?? 1, 1],
  ] as const;
  for (const [name, value, least] of rules) {
    if (Number.isSafeInteger(value) && value >= least) continue;
    throw new ClockworkError(
      "invalid-argument",
      `viewport: expected ${name} to be a whole number from ${least}, got ${value}`,
    );
  }
}

function videoOf(sequence: Sequence, index: number, options: ViewportOptions): Sequence {
  // The name of a frame is not known before it is read.
  const name = sequence.length === 1 ? sequence.name : `${sequence.name}#${index}`;
  return {
    name,
    length: options.frames,
    labelled: Array.from({ length: options.frames }, (_, frame) => frame),
    read: (range = {}) => framesOf(sequence, index, name, options, range),
  };
}

async function* framesOf(
  sequence: Sequence,
  index: number,
  name: string,
  options: ViewportOptions,
  range: FrameRange,
): AsyncGenerator<LabelledFrame, void, void> {
  const { from, to, step } = wholeRange(name, range);
  throwIfAborted(range.signal, name);
  const end = Math.min(to, options.frames);
  if (from >= end) return;
  const still = await stillOf(sequence, index, range.signal);
  for (let frame = from; frame < end; frame += step) {
    const box = boxAt(still, frame, options);
    yield {
      index: frame,
      name: `${still.name}_${frame}`,
      frame: { ...cropped(still.frame, box, 3), timestampSec: frame / FRAME_RATE },
      labels: still.labels === undefined ? undefined : cropped(still.labels, box, 1),
    };
    throwIfAborted(range.signal, name);
  }
}

async function stillOf(sequence: Sequence, index: number, signal: AbortSignal | undefined): Promise<LabelledFrame> {
  const only = { from: index, to: index + 1, ...(signal === undefined ? {} : { signal }) };
  for await (const still of sequence.read(only)) return still;
  throw new ClockworkError("io", `${sequence.name}: expected a frame ${index}, got none`);
}

/** Where the viewport is on a frame. */
function boxAt(still: LabelledFrame, frame: number, options: ViewportOptions): Box {
  const { widthPx, heightPx } = still.frame;
  const isDown = heightPx >= widthPx;
  const path = options.shiftPx * (options.frames - 1);
  const width = options.widthPx ?? widthPx - (isDown ? 0 : path);
  const height = options.heightPx ?? heightPx - (isDown ? path : 0);
  const slackX = widthPx - width - (isDown ? 0 : path);
  const slackY = heightPx - height - (isDown ? path : 0);
  if (width < 1 || height < 1 || slackX < 0 || slackY < 0) {
    const viewport = `${Math.max(1, width)}x${Math.max(1, height)}`;
    throw new ClockworkError(
      "invalid-argument",
      `viewport: expected a picture with room for ${viewport} on a path of ${path} px along its longer side, got ` +
        `${widthPx}x${heightPx} (${still.name}); try a smaller shift or fewer frames`,
    );
  }
  const moved = frame * options.shiftPx;
  return {
    left: Math.floor(slackX / 2) + (isDown ? 0 : moved),
    top: Math.floor(slackY / 2) + (isDown ? moved : 0),
    widthPx: width,
    heightPx: height,
  };
}

/** A part of a picture with that many bytes a pixel, in a buffer of its own. */
function cropped(
  picture: { readonly data: Uint8Array; readonly widthPx: number },
  { left, top, widthPx, heightPx }: Box,
  pixelBytes: number,
): { data: Uint8Array<ArrayBuffer>; widthPx: number; heightPx: number } {
  const rowBytes = widthPx * pixelBytes;
  const data = new Uint8Array(rowBytes * heightPx);
  for (let row = 0; row < heightPx; row++) {
    const from = ((top + row) * picture.widthPx + left) * pixelBytes;
    data.set(picture.data.subarray(from, from + rowBytes), row * rowBytes);
  }
  return { data, widthPx, heightPx };
}
