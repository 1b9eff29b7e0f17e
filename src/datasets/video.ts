// A video file, or a folder of pictures, as a dataset without labels: one sequence, read as `openVideo` reads it.

import { readdir, stat } from "node:fs/promises";
import { basename } from "node:path";
import { isImageName, openVideo, type OpenVideoOptions, type VideoReader } from "../video/index.ts";
import type { Dataset, FrameRange, LabelledFrame, Sequence } from "./dataset.ts";
import { stemOf } from "./file-item.ts";
import { splitOf, type Layout, type OpenDatasetOptions, type Recognition } from "./layout.ts";
import { throwIfAborted, wholeRange } from "./sequence.ts";

/** The layout. */
export const videoLayout: Layout = {
  name: "video",
  title: "any video file, or a folder of pictures, without labels: agreement with the oracle only",
  tree: `street.mp4     or a folder:
00001.png ...`,
  licence: "your own",
  source: "you",
  notes: ["Without labels there is no score, only agreement with the network on every frame."],
  splits: [],
  defaultSplit: undefined,
  recognise,
  open,
};

async function recognise(path: string): Promise<Recognition> {
  const found = await stat(path).catch(() => undefined);
  if (found?.isFile() === true) return { kind: "found" };
  const names = found?.isDirectory() === true ? await readdir(path).catch(() => []) : [];
  if (names.some((name) => isImageName(name) && !name.startsWith("."))) return { kind: "found" };
  return { kind: "missing", missing: ["pictures, or a video file in place of the folder"], present: [] };
}

async function open(path: string, options: OpenDatasetOptions = {}): Promise<Dataset> {
  if (options.split !== undefined) splitOf(videoLayout, options);
  return openVideoDataset(path, options);
}

/** How to read a video as a dataset. */
export interface VideoDatasetOptions {
  /** Whether frames carry the motion vectors of their codec; default false. */
  readonly motion?: boolean;
  /** Size that frames are scaled to; default: their own. */
  readonly size?: { readonly widthPx: number; readonly heightPx: number };
  readonly signal?: AbortSignal;
}

/**
 * Opens a video, or a folder of pictures, as a dataset without labels.
 *
 * @throws {ClockworkError} as `openVideo` does: `invalid-argument` for motion of what has no vectors among them.
 */
export async function openVideoDataset(
  path: string,
  { motion = false, size, signal }: VideoDatasetOptions = {},
): Promise<Dataset> {
  const reading: Reading = { motion, ...(size !== undefined && { width: size.widthPx, height: size.heightPx }) };
  // Whether there is a video in it shows now, and not in the middle of the work.
  await using reader = await openVideo(path, { ...reading, ...(signal !== undefined && { signal }) });
  const notes: string[] = [...reader.warnings];
  return {
    name: videoLayout.name,
    split: undefined,
    classNames: [],
    sequences: [sequence(path, reading, notes)],
    notes,
  };
}

/** How every reading of the file goes. */
type Reading = Pick<OpenVideoOptions, "motion" | "width" | "height">;

/** @param notes gets what went wrong in reading, once it is known. */
function sequence(path: string, reading: Reading, notes: string[]): Sequence {
  const name = stemOf(basename(path));
  return {
    name,
    length: undefined,
    labelled: [],
    read: (range = {}) => framesOf({ path, name, reading }, range, notes),
  };
}

async function* framesOf(
  { path, name, reading }: { readonly path: string; readonly name: string; readonly reading: Reading },
  range: FrameRange,
  notes: string[],
): AsyncGenerator<LabelledFrame, void, void> {
  const { from, to, step } = wholeRange(name, range);
  throwIfAborted(range.signal, name);
  if (to <= from) return;
  const reader = await openVideo(path, { ...reading, ...(range.signal !== undefined && { signal: range.signal }) });
  const frames = reader[Symbol.asyncIterator]();
  const start = (index: number): ReturnType<typeof frames.next> | undefined => {
    if (index >= to) return undefined;
    const reading = frames.next();
    // Whoever awaits it gets the error; nobody may, after a break.
    reading.catch(() => undefined);
    return reading;
  };
  try {
    let ahead = start(0);
    for (let index = 0; ahead !== undefined; index++) {
      const next = await ahead;
      if (next.done === true) break;
      ahead = start(index + 1);
      if (index < from || (index - from) % step !== 0) continue;
      yield { index, name: nameOf(reader, next.value.timestampSec, name, index), frame: next.value, labels: undefined };
      throwIfAborted(range.signal, name);
    }
  } finally {
    await frames.return?.();
    await reader[Symbol.asyncDispose]();
    notes.push(...reader.warnings.filter((warning) => !notes.includes(warning)));
  }
}

/** The name of the file, or that of the video and the number of the frame. */
function nameOf(reader: VideoReader, timestampSec: number, video: string, index: number): string {
  const file = reader.nameOf(timestampSec);
  return file === undefined ? `${video}_${String(index).padStart(6, "0")}` : stemOf(file);
}
