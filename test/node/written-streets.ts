// Streets written by the tests, and what the renderer itself says of them.

import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { writeStreet, type StreetWritten, type WriteStreetOptions } from "../../src/node/street/write-street.ts";
import { Street, type StreetFrame } from "../../src/video/street/index.ts";

/** Size and rate of what the tests write. */
export const small = { widthPx: 40, heightPx: 30, fps: 5 } as const;

/** Writes a clip of seed 3, three frames of it. */
export function write(output: string, options: Partial<WriteStreetOptions> = {}): Promise<StreetWritten> {
  return writeStreet({ output, seed: 3, frames: 3, threads: 2, ...small, ...options });
}

/** Frames of that clip, or of others, rendered here. */
export function rendered(
  indices: readonly number[],
  options: ConstructorParameters<typeof Street>[0] = { seed: 3 },
): readonly StreetFrame[] {
  const street = new Street({ ...small, ...options });
  return indices.map((index) => street.frame(index));
}

/** Every file of a folder with its bytes, by its path from there. */
export async function contentOf(folder: string): Promise<ReadonlyMap<string, Buffer>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const files = paths.sort().map(async (path) => [path.slice(folder.length + 1), await readFile(path)] as const);
  return new Map(await Promise.all(files));
}

/** Mean over channels of how far two pictures are apart. */
export function apart(a: Uint8Array, b: Uint8Array): number {
  return a.reduce((sum, value, at) => sum + Math.abs(value - (b[at] ?? 0)), 0) / a.length;
}
