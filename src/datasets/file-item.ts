// Frames and labels that are image files, as items of a sequence; and what all layouts of files have to say about them.

import type { LabelMap } from "../frame.ts";
import { readImage } from "../video/index.ts";
import type { SequenceItem } from "./sequence.ts";

/** A frame in files. */
export interface FileItem {
  readonly name: string;
  readonly framePath: string;
  /** `undefined` for a frame without labels. */
  readonly labelsPath: string | undefined;
  /** Reads the labels' file, as indices of the dataset's classes. */
  readonly readLabels: (path: string) => Promise<LabelMap>;
  /** Presentation time in seconds; by default its index over the frame rate. */
  readonly timestampSec?: number;
}

/** An item whose picture, and labels where it has any, are read when asked for. */
export function fileItem({ name, framePath, labelsPath, readLabels, timestampSec }: FileItem): SequenceItem {
  return {
    name,
    framePath,
    read: () => readImage(framePath),
    ...(timestampSec === undefined ? {} : { timestampSec }),
    ...(labelsPath === undefined ? {} : { labelsPath, readLabels: () => readLabels(labelsPath) }),
  };
}

/** How many names a note lists. */
const MOST_NAMES = 3;

/** A note such as `2 pictures without labels: a, b`; none where there are no names. */
export function countNote(names: readonly string[], what: string): string[] {
  if (names.length === 0) return [];
  const listed = names.slice(0, MOST_NAMES).join(", ");
  return [`${names.length} ${what}: ${listed}${names.length > MOST_NAMES ? ", ..." : ""}`];
}

/** Name of a file without its extension. */
export function stemOf(name: string): string {
  const dot = name.lastIndexOf(".");
  return dot > 0 ? name.slice(0, dot) : name;
}
