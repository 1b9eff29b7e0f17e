// Which frames and positions a probe learns from. A video has far more feature vectors than a linear classifier needs, and
// neighbours tell the same; so some frames, far apart, and some positions of each, with rare classes somewhat favoured.

import type { Random } from "../seeded.ts";
import { shuffled } from "./shuffled.ts";

/**
 * Frames spread over a stretch: one at random from each of `count` equal pieces; all where there are no more.
 * @returns ascending, from 0 to `frames - 1`
 */
export function sampleFrames(frames: number, count: number, random: Random): Int32Array {
  const taken = Math.min(frames, count);
  return Int32Array.from({ length: taken }, (_, piece) => {
    const from = Math.floor((piece * frames) / taken);
    const to = Math.floor(((piece + 1) * frames) / taken);
    return from + Math.floor(random() * (to - from));
  });
}

/**
 * Positions of a label map, without repetition: of each class a number in proportion to the square root of how often it
 * occurs, half way between the classes as they are and all alike. Labels from `classes` up are left out.
 * @param labels [height * width]
 * @returns ascending, at most `count`
 */
export function samplePositions(
  labels: Uint8Array | Int32Array,
  classes: number,
  count: number,
  random: Random,
): Int32Array {
  const places = Array.from({ length: classes }, (): number[] => []);
  for (const [at, label] of labels.entries()) places[label]?.push(at);
  const quotas = quotasOf(
    places.map((list) => list.length),
    count,
  );
  const taken = places.flatMap((list, label) =>
    Array.from(shuffled(list.length, random, quotas[label] ?? 0), (index) => list[index] ?? 0),
  );
  return Int32Array.from(taken).sort();
}

/**
 * Labels on the grid of a feature map, from a label map of the frame: those at the centres of the grid's cells.
 * @param labels [heightPx * widthPx]
 * @returns [gridHeight * gridWidth]
 */
export function gridLabels(
  labels: Uint8Array,
  size: { readonly widthPx: number; readonly heightPx: number },
  grid: { readonly width: number; readonly height: number },
): Uint8Array {
  const result = new Uint8Array(grid.width * grid.height);
  for (let y = 0; y < grid.height; y++) {
    const row = Math.floor(((y + 0.5) * size.heightPx) / grid.height) * size.widthPx;
    for (let x = 0; x < grid.width; x++) {
      result[y * grid.width + x] = labels[row + Math.floor(((x + 0.5) * size.widthPx) / grid.width)] ?? 0;
    }
  }
  return result;
}

/** How many of each class: in proportion to square roots, none more than there are, what is left over to the others. */
function quotasOf(counts: readonly number[], count: number): readonly number[] {
  const quotas = counts.map(() => 0);
  let left = Math.min(
    count,
    counts.reduce((sum, value) => sum + value, 0),
  );
  while (left > 0) {
    const open = counts.map((value, index) => (value > (quotas[index] ?? 0) ? Math.sqrt(value) : 0));
    const total = open.reduce((sum, value) => sum + value, 0);
    const before = left;
    for (const [index, root] of open.entries()) {
      const room = (counts[index] ?? 0) - (quotas[index] ?? 0);
      const more = Math.min(room, left, Math.floor((before * root) / total));
      quotas[index] = (quotas[index] ?? 0) + more;
      left -= more;
    }
    // Less than one for each: to the most frequent that have any left.
    if (left === before) {
      const [most] = open.map((root, index) => ({ root, index })).sort((a, b) => b.root - a.root || a.index - b.index);
      if (most === undefined) break;
      quotas[most.index] = (quotas[most.index] ?? 0) + 1;
      left -= 1;
    }
  }
  return quotas;
}
