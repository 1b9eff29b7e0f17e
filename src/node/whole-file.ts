// Files that are whole or not there: written under another name, then renamed.

import { rename, rm, writeFile } from "node:fs/promises";
import { ClockworkError, reasonOf } from "../errors.ts";

/**
 * Writes a file in one step, over one that is there.
 * @throws ClockworkError `io` where it cannot be written
 */
export function writeWhole(path: string, content: Content): Promise<void> {
  return writeAllWhole([[path, content]]);
}

/** What a file holds. */
export type Content = string | Uint8Array | readonly Uint8Array[];

/**
 * Writes files that belong together: none gets its name before all of them are written.
 * @throws ClockworkError `io` where one cannot be written
 */
export async function writeAllWhole(files: readonly (readonly [path: string, content: Content])[]): Promise<void> {
  const part = (path: string): string => `${path}.part-${process.pid}`;
  let at = "";
  try {
    for (const [path, content] of files) {
      at = path;
      await writeFile(part(path), content);
    }
    for (const [path] of files) {
      at = path;
      await rename(part(path), path);
    }
  } catch (cause) {
    for (const [path] of files) await rm(part(path), { force: true }).catch(() => undefined);
    throw new ClockworkError("io", `${at}: expected a file that can be written (${reasonOf(cause)})`, { cause });
  }
}
