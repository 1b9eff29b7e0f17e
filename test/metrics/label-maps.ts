// Random label maps, the same for the same seed: patches, as real ones have, with pixels of noise.

import type { LabelMap } from "../../src/frame.ts";
import type { Random } from "../../src/networks/random.ts";

/** What a random label map is like. */
export interface MapOptions {
  readonly classes: number;
  /** Share of the patches and pixels that are of no class. */
  readonly ignored?: number;
  /** Number of rectangles that are painted one over the other. */
  readonly patches?: number;
  /** Share of the pixels that are painted over one by one. */
  readonly noise?: number;
}

/** A random whole number from `low` to below `high`. */
export function wholeNumber(random: Random, low: number, high: number): number {
  return low + Math.floor(random.next() * (high - low));
}

/** A random label map; ignored pixels are 255 or the first label that is no class. */
export function randomMap(random: Random, widthPx: number, heightPx: number, options: MapOptions): LabelMap {
  const { classes, ignored = 0.15, patches = 6, noise = 0.05 } = options;
  const label = (): number => {
    if (random.next() < ignored) return random.next() < 0.5 ? 255 : classes;
    return wholeNumber(random, 0, classes);
  };
  const data = new Uint8Array(widthPx * heightPx).fill(label());
  for (let patch = 0; patch < patches; patch++) {
    const painted = label();
    const [left, top] = [wholeNumber(random, 0, widthPx), wholeNumber(random, 0, heightPx)];
    const right = Math.min(widthPx, left + wholeNumber(random, 1, widthPx + 1));
    const bottom = Math.min(heightPx, top + wholeNumber(random, 1, heightPx + 1));
    for (let y = top; y < bottom; y++) data.fill(painted, y * widthPx + left, y * widthPx + right);
  }
  for (let at = 0; at < data.length; at++) if (random.next() < noise) data[at] = label();
  return { data, widthPx, heightPx };
}
