// What a source string means: images, a file, standard input, or something for FFmpeg to open.
// Looks at the file system, opens nothing.

import { access, constants, stat } from "node:fs/promises";
import { fstatSync, type Stats } from "node:fs";
import { fileURLToPath } from "node:url";
import { ClockworkError, reasonOf } from "../errors.ts";
import { type ImageList, isImageName, isImagePattern, listFolder, listPattern } from "./image-list.ts";

/** A source string, understood. */
export type Source =
  | { readonly kind: "images"; readonly list: ImageList }
  | { readonly kind: "container"; readonly place: "file" | "url" | "stdin"; readonly url: string };

/**
 * Finds out what a source is. `-` is standard input; what exists is a file or folder; then come patterns and URLs.
 *
 * @param inputFormat where given, the string is for that FFmpeg input alone and is not looked at.
 * @throws {ClockworkError} `io` for what does not exist or cannot be read, `invalid-video` for an empty file.
 */
export async function resolveSource(source: string, inputFormat: string | undefined): Promise<Source> {
  if (source === "") {
    throw new ClockworkError("invalid-argument", "source: expected a file, a folder, a URL or -, got an empty string");
  }
  if (source === "-") return standardInput();
  if (inputFormat !== undefined) return { kind: "container", place: "url", url: source };
  const path = /^file:\/\//iu.test(source) ? fileURLToPath(source) : source;
  const found = await statOf(path);
  if (found?.isDirectory() === true) return { kind: "images", list: await listFolder(path) };
  if (found?.isFile() === true) {
    await checkReadable(path, found);
    if (isImageName(path)) return { kind: "images", list: { paths: [path], warnings: [] } };
    // The prefix keeps names with colons or percent signs from being read as protocols or patterns.
    return { kind: "container", place: "file", url: `file:${path}` };
  }
  if (found !== undefined) return { kind: "container", place: "url", url: path };
  if (isImagePattern(path)) return { kind: "images", list: await listPattern(path) };
  // One letter before the colon is a drive of Windows.
  if (/^[a-z][\w+.-]+:/iu.test(path)) return { kind: "container", place: "url", url: path };
  throw new ClockworkError(
    "io",
    `${source}: expected a file, a folder of images, a URL or -, got nothing there; try the full path`,
  );
}

/** True where two paths are one file; false where either does not exist. */
export async function isSameFile(a: string, b: string): Promise<boolean> {
  const [one, two] = await Promise.all([statOf(a), statOf(b)]);
  return one !== undefined && two !== undefined && one.ino === two.ino && one.dev === two.dev;
}

function standardInput(): Source {
  // A redirected file can be opened anew, and then FFmpeg can seek in it.
  const isFile = process.platform === "linux" && fstatSync(0).isFile();
  return isFile
    ? { kind: "container", place: "file", url: "file:/dev/fd/0" }
    : { kind: "container", place: "stdin", url: "" };
}

async function checkReadable(path: string, found: Stats): Promise<void> {
  try {
    await access(path, constants.R_OK);
  } catch (error) {
    throw new ClockworkError("io", `${path}: expected a readable file, got: ${reasonOf(error)}`, {
      cause: error,
    });
  }
  if (found.size === 0) {
    throw new ClockworkError("invalid-video", `${path}: expected a video, got an empty file; try fetching it again`);
  }
}

async function statOf(path: string): Promise<Stats | undefined> {
  try {
    return await stat(path);
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code === "EACCES" || code === "EPERM") {
      throw new ClockworkError("io", `${path}: expected a readable path, got: ${reasonOf(error)}`, {
        cause: error,
      });
    }
    return undefined;
  }
}
