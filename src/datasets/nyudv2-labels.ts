// Label files of NYU Depth V2's 40 classes: a MAT-file with a matrix `segmentation`, or an indexed PNG of the same numbers,
// since many convert them. 0 stands for unlabelled, and classes count from 1.

import { readFile } from "node:fs/promises";
import { ClockworkError, reasonOf } from "../errors.ts";
import type { LabelMap } from "../frame.ts";
import { readLabelImage } from "../video/index.ts";
import { VOID } from "./label-table.ts";
import { readMatMatrix } from "./mat-file.ts";

const CLASS_COUNT = 40;

/**
 * Reads labels as classes from 0 to 39, unlabelled pixels as `VOID`.
 *
 * @throws {ClockworkError} `io` where the file cannot be read, is damaged or has other numbers, `invalid-argument` where
 * a PNG is not indexed or gray.
 */
export async function readNyuLabels(path: string): Promise<LabelMap> {
  if (path.endsWith(".png")) {
    const labels = await readLabelImage(path);
    return { ...labels, data: labels.data.map((value) => labelOf(value, path)) };
  }
  const { dims, values } = readMatMatrix(await bytesOf(path), "segmentation", path);
  const [heightPx = 0, widthPx = 0] = dims;
  if (dims.length !== 2 || values.length === 0) {
    throw new ClockworkError("io", `${path}: expected a matrix of labels, got one of ${dims.join("x")}`);
  }
  const data = new Uint8Array(values.length);
  let at = 0;
  for (let y = 0; y < heightPx; y++) {
    // Stored column by column.
    for (let x = 0; x < widthPx; x++) data[at++] = labelOf(values[x * heightPx + y] ?? 0, path);
  }
  return { data, widthPx, heightPx };
}

function labelOf(value: number, path: string): number {
  if (value === 0) return VOID;
  if (Number.isInteger(value) && value >= 1 && value <= CLASS_COUNT) return value - 1;
  throw new ClockworkError("io", `${path}: expected labels from 0 to ${CLASS_COUNT}, got ${value}`);
}

async function bytesOf(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (cause) {
    throw new ClockworkError("io", `${path}: expected a readable file, got: ${reasonOf(cause)}`, { cause });
  }
}
