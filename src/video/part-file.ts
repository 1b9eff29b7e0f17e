// A file that appears under its name only when it is whole: written beside it, renamed at the end.
// Does not write contents.

import { open, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, extname, join } from "node:path";
import { ClockworkError, reasonOf } from "../errors.ts";

const active = new Set<string>();

/** A file under construction, `.name.part-<pid>.ext` beside `name.ext`. */
export class PartFile {
  readonly finalPath: string;
  /** Where to write. */
  readonly path: string;

  private constructor(finalPath: string, path: string) {
    this.finalPath = finalPath;
    this.path = path;
  }

  /**
   * Creates the unfinished file, empty.
   *
   * @throws {ClockworkError} `io` where it cannot be created or is being written already.
   */
  static async create(finalPath: string): Promise<PartFile> {
    const extension = extname(finalPath);
    const stem = basename(finalPath, extension);
    const path = join(dirname(finalPath), `.${stem}.part-${process.pid}${extension}`);
    if (active.has(path)) {
      throw new ClockworkError("io", `${finalPath}: expected one writer, got a second; try another name`);
    }
    try {
      if (await isDirectory(finalPath)) throw new Error("a folder has that name");
      await (await open(path, "w")).close();
    } catch (error) {
      throw unwritable(finalPath, error);
    }
    active.add(path);
    return new PartFile(finalPath, path);
  }

  /** Puts the file in its place, over one that is there. */
  async commit(): Promise<void> {
    try {
      await rename(this.path, this.finalPath);
    } catch (error) {
      await this.discard();
      throw unwritable(this.finalPath, error);
    }
    active.delete(this.path);
  }

  async discard(): Promise<void> {
    active.delete(this.path);
    await rm(this.path, { force: true });
  }
}

/** The error for a path that cannot be written. */
export function unwritable(path: string, error: unknown): ClockworkError {
  return new ClockworkError(
    "io",
    `${path}: expected a place to write to, got: ${reasonOf(error)}; try a folder that exists and is yours`,
    { cause: error },
  );
}

async function isDirectory(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  return found?.isDirectory() === true;
}
