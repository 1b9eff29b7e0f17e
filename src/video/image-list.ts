// The image files behind a source: a folder, a pattern such as `shot_%05d.png`, or one picture.
// Lists and sorts names; does not open the pictures.

import { readdir, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { ClockworkError, reasonOf } from "../errors.ts";

const IMAGE_NAME = /\.(?:png|jpe?g|bmp|webp|tiff?)$/iu;
const PATTERN = /%(?:0?(?<digits>\d+))?d/u;

/** Paths of image files in the order in which they are shown. */
export interface ImageList {
  readonly paths: readonly string[];
  readonly warnings: readonly string[];
}

/** True for the name of a still image of a kind that is read here. */
export function isImageName(path: string): boolean {
  return IMAGE_NAME.test(path);
}

/** True for a path such as `shot_%05d.png`. */
export function isImagePattern(path: string): boolean {
  return PATTERN.test(basename(path)) && isImageName(path);
}

/** Order of names with numbers in them: 2 before 10, then by case, the same on every machine. */
export function compareNaturally(a: string, b: string): number {
  return collator.compare(a, b) || (a < b ? -1 : a > b ? 1 : 0);
}

const collator = new Intl.Collator("en", { numeric: true });

/**
 * The images in a folder, not in its subfolders; hidden files and other kinds of files are passed over.
 *
 * @throws {ClockworkError} `io` for an unreadable folder, `invalid-video` for one without images.
 */
export async function listFolder(folder: string): Promise<ImageList> {
  const names = (await namesIn(folder))
    .filter((name) => isImageName(name) && !name.startsWith("."))
    .sort(compareNaturally);
  if (names.length === 0) {
    throw new ClockworkError(
      "invalid-video",
      `${folder}: expected a folder with png, jpg, bmp, webp or tif images, got none; try the folder that holds the images themselves`,
    );
  }
  return { paths: names.map((name) => join(folder, name)), warnings: [] };
}

/**
 * The images that match a pattern, by number. Gaps are passed over, with a warning.
 *
 * @throws {ClockworkError} `io` for an unreadable folder, `invalid-video` where nothing matches.
 */
export async function listPattern(pattern: string): Promise<ImageList> {
  const folder = dirname(pattern);
  const name = basename(pattern);
  const found = PATTERN.exec(name);
  const digits = Number(found?.groups?.["digits"] ?? 1);
  const head = name.slice(0, found?.index ?? 0);
  const tail = name.slice(head.length + (found?.[0].length ?? 0));
  const matches: { number: number; path: string }[] = [];
  for (const entry of await namesIn(folder)) {
    if (!entry.startsWith(head) || !entry.endsWith(tail)) continue;
    const middle = entry.slice(head.length, entry.length - tail.length);
    if (!/^\d+$/u.test(middle) || middle.length < digits) continue;
    if (middle.length > digits && middle.startsWith("0")) continue;
    matches.push({ number: Number(middle), path: join(folder, entry) });
  }
  matches.sort((a, b) => a.number - b.number);
  const first = matches[0];
  const last = matches.at(-1);
  if (first === undefined || last === undefined) {
    throw new ClockworkError(
      "invalid-video",
      `${pattern}: expected files with numbers of ${digits} or more digits, got none; try the folder itself`,
    );
  }
  const missing = last.number - first.number + 1 - matches.length;
  const warnings =
    missing > 0
      ? [`${missing} of the numbers ${first.number} to ${last.number} have no file; they are passed over`]
      : [];
  return { paths: matches.map((match) => match.path), warnings };
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    if (!(await stat(folder)).isDirectory()) throw new Error("it is no folder");
    return await readdir(folder);
  } catch (error) {
    throw new ClockworkError("io", `${folder}: expected a readable folder, got: ${reasonOf(error)}`, {
      cause: error,
    });
  }
}
