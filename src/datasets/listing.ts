// What is in a folder: names in an order that is the same on every machine. Opens no file.

import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { ClockworkError, reasonOf } from "../errors.ts";
import { compareNaturally } from "../video/index.ts";

/** True where there is a file or folder. */
export async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

/**
 * Names in a folder in natural order (2 before 10), hidden ones left out.
 *
 * @throws {ClockworkError} `io` where it cannot be read.
 */
export async function namesIn(folder: string, kind: "files" | "folders"): Promise<string[]> {
  try {
    const entries = await readdir(folder, { withFileTypes: true });
    // Links are followed: large datasets are often linked in from another disk.
    const names = await Promise.all(
      entries.map(async (entry) => {
        if (entry.name.startsWith(".")) return undefined;
        const found = entry.isSymbolicLink() ? await stat(join(folder, entry.name)).catch(() => undefined) : entry;
        const fits = kind === "files" ? found?.isFile() : found?.isDirectory();
        return fits === true ? entry.name : undefined;
      }),
    );
    return names.filter((name) => name !== undefined).sort(compareNaturally);
  } catch (cause) {
    throw new ClockworkError("io", `${folder}: expected a readable folder, got: ${reasonOf(cause)}`, { cause });
  }
}
