// Datasets with a folder of pictures for each video, and text files that list the videos of each split.

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { ClockworkError, reasonOf } from "../errors.ts";
import { isImageName } from "../video/index.ts";
import type { Sequence } from "./dataset.ts";
import { countNote, fileItem, stemOf, type FileItem } from "./file-item.ts";
import { exists, namesIn } from "./listing.ts";
import { sequenceOf, throwIfAborted } from "./sequence.ts";

/** What to make sequences of. */
export interface ListedVideos {
  /** The list, for errors. */
  readonly listPath: string;
  readonly videos: readonly string[];
  /** Folder with the pictures of a video. */
  readonly frames: (video: string) => string;
  /** Folder with its label images, named as the pictures are, but `.png`. */
  readonly labels: (video: string) => string;
  readonly readLabels: FileItem["readLabels"];
  readonly fps: number;
  readonly signal: AbortSignal | undefined;
}

/**
 * One sequence for each video whose folder is there, and notes on those without a folder or without labels.
 *
 * @throws {ClockworkError} `invalid-argument` where no video is there.
 */
export async function listedSequences(from: ListedVideos): Promise<{ sequences: Sequence[]; notes: string[] }> {
  const sequences: Sequence[] = [];
  const missing: string[] = [];
  const bare: string[] = [];
  for (const video of from.videos) {
    throwIfAborted(from.signal, from.listPath);
    const folder = from.frames(video);
    const files = (await exists(folder)) ? (await namesIn(folder, "files")).filter((file) => isImageName(file)) : [];
    if (files.length === 0) {
      missing.push(video);
      continue;
    }
    const labelFolder = from.labels(video);
    const labels = new Set((await exists(labelFolder)) ? await namesIn(labelFolder, "files") : []);
    const items = files.map((file) => {
      const labelFile = `${stemOf(file)}.png`;
      const labelsPath = labels.has(labelFile) ? join(labelFolder, labelFile) : undefined;
      if (labelsPath === undefined) bare.push(`${video}/${stemOf(file)}`);
      const { readLabels } = from;
      return fileItem({ name: `${video}/${stemOf(file)}`, framePath: join(folder, file), labelsPath, readLabels });
    });
    sequences.push(sequenceOf(video, items, from.fps));
  }
  if (sequences.length === 0) {
    const [first] = from.videos;
    throw new ClockworkError(
      "invalid-argument",
      first === undefined
        ? `${from.listPath}: expected names of videos, got none`
        : `${from.listPath}: expected folders of pictures for its videos, such as ${from.frames(first)}, got none`,
    );
  }
  const notes = [
    ...countNote(missing, "listed videos that are not there"),
    ...countNote(bare, "pictures without labels"),
  ];
  return { sequences, notes };
}

/**
 * Lines of a text file that are not empty.
 *
 * @throws {ClockworkError} `io` where it cannot be read.
 */
export async function linesOf(path: string): Promise<string[]> {
  try {
    const text = await readFile(path, "utf8");
    return text.split(/\r?\n/u).flatMap((line) => (line.trim() === "" ? [] : [line.trim()]));
  } catch (cause) {
    throw new ClockworkError("io", `${path}: expected a readable list, got: ${reasonOf(cause)}`, { cause });
  }
}
