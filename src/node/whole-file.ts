// Files that are whole or not there: written under another name, then renamed.

import { rename, rm, writeFile } from "node:fs/promises";
import { ClockworkError, reasonOf } from "../errors.ts";

/**
 * Writes a file in one step, over one that is there.
 * @throws ClockworkError `io` where it cannot be written
 */
export async function writeWhole(path: string, content: string | Uint8Array | readonly Uint8Array[]): Promise<void> {
  const part = `${path}.part-${process.pid}`;
  try {
    await writeFile(part, content);
    await rename(part, path);
  } catch (cause) {
    await rm(part, { force: true }).catch(() => undefined);
    throw new ClockworkError("io", `${path}: expected a file that can be written (${reasonOf(cause)})`, { cause });
  }
}
