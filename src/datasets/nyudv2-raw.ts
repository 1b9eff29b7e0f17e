// The raw videos of NYU Depth V2: which files are the frames of a recording, in order, and what of a frame is used.
// A frame is cut to the 560x425 pixels that labels cover, as Shelhamer et al. 2016 (clockwork-fcn, datasets/nyud_seg.py)
// and Gupta et al. 2013 do; nothing is undistorted.

import { readFile } from "node:fs/promises";
import { join, parse } from "node:path";
import { ClockworkError, reasonOf } from "../errors.ts";
import type { Frame } from "../frame.ts";
import { readImage } from "../video/index.ts";
import { namesIn } from "./listing.ts";

/** A frame of a recording. */
export interface RawFrame {
  /** Its file without the extension, such as `r-1294886363.011060-3164794231`. */
  readonly name: string;
  readonly path: string;
  /** Time of the recording machine, in seconds. */
  readonly timeSec: number;
}

const RAW = { widthPx: 640, heightPx: 480 } as const;
/** What is used of it: from this pixel on, at this size. */
const CROP = { left: 40, top: 44, widthPx: 560, heightPx: 425 } as const;

/** Colour frames, in order of time. Depth (`d-*.pgm`) and the accelerometer's files (`a-*`) lie beside them. */
export async function rawFramesIn(folder: string): Promise<RawFrame[]> {
  const frames = (await namesIn(folder, "files")).flatMap((file): RawFrame[] => {
    const time = /^r-(\d+(?:\.\d+)?)-.*\.(?:ppm|png|jpe?g)$/iu.exec(file)?.[1];
    return time === undefined ? [] : [{ name: parse(file).name, path: join(folder, file), timeSec: Number(time) }];
  });
  return frames.sort((a, b) => a.timeSec - b.timeSec);
}

/**
 * Reads a raw frame and cuts it; one that has the cut's size already stays as it is.
 *
 * @throws {ClockworkError} `io` or `invalid-video` where it cannot be read, `invalid-argument` for another size.
 */
export async function readRawFrame(path: string): Promise<Frame> {
  const frame = path.toLowerCase().endsWith(".ppm") ? await readPpm(path) : await readImage(path);
  const { widthPx, heightPx } = frame;
  if (widthPx === CROP.widthPx && heightPx === CROP.heightPx) return frame;
  if (widthPx !== RAW.widthPx || heightPx !== RAW.heightPx) {
    throw new ClockworkError(
      "invalid-argument",
      `${path}: expected a raw frame of ${RAW.widthPx}x${RAW.heightPx}, got ${widthPx}x${heightPx}`,
    );
  }
  const rowBytes = CROP.widthPx * 3;
  const data = new Uint8Array(rowBytes * CROP.heightPx);
  for (let row = 0; row < CROP.heightPx; row++) {
    const from = ((CROP.top + row) * widthPx + CROP.left) * 3;
    data.set(frame.data.subarray(from, from + rowBytes), row * rowBytes);
  }
  return { data, widthPx: CROP.widthPx, heightPx: CROP.heightPx, timestampSec: frame.timestampSec };
}

/** A binary PPM file of 8 bits: three numbers as text, then RGB. */
async function readPpm(path: string): Promise<Frame> {
  let bytes: Buffer;
  try {
    bytes = await readFile(path);
  } catch (cause) {
    throw new ClockworkError("io", `${path}: expected a readable file, got: ${reasonOf(cause)}`, { cause });
  }
  const space = String.raw`(?:\s|#[^\n]*\n)+`;
  const header = new RegExp(`^P6${space}(\\d+)${space}(\\d+)${space}255\\s`, "u").exec(
    bytes.toString("latin1", 0, 512),
  );
  const [start = "", width = "", height = ""] = header ?? [];
  const [widthPx, heightPx] = [Number(width), Number(height)];
  const pixels = bytes.subarray(start.length, start.length + widthPx * heightPx * 3);
  if (header === null || pixels.length === 0 || pixels.length < widthPx * heightPx * 3) {
    const got = header === null ? "another kind of file" : "a file cut short";
    throw new ClockworkError("invalid-video", `${path}: expected a binary PPM picture of 8 bits, got ${got}`);
  }
  return { data: new Uint8Array(pixels), widthPx, heightPx, timestampSec: 0 };
}
