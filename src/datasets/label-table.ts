// Stored label values to classes by a table, and colours to classes by a palette. A loop over pixels, for lack of an
// engine that would do it: labels never enter one.

import { ClockworkError } from "../errors.ts";
import type { Frame, LabelMap } from "../frame.ts";

/** What a pixel that is left out of scores is stored as. */
export const VOID = 255;

/** A class for each of the 256 values that a label image can store. */
export type LabelTable = Uint8Array<ArrayBuffer>;

/** A table with these entries, and {@link VOID} for everything else. */
export function labelTable(entries: Iterable<readonly [value: number, label: number]>): LabelTable {
  const table = new Uint8Array(256).fill(VOID);
  for (const [value, label] of entries) table[value] = label;
  return table;
}

/** Labels with every value looked up, in a buffer of its own. */
export function mapLabels(labels: LabelMap, table: LabelTable): LabelMap {
  const { data, widthPx, heightPx } = labels;
  const mapped = new Uint8Array(data.length);
  for (let at = 0; at < data.length; at++) mapped[at] = table[data[at] ?? 0] ?? VOID;
  return { data: mapped, widthPx, heightPx };
}

/** Red, green and blue, 0 to 255 each. */
export type Colour = readonly [number, number, number];

/** Share of pixels in colours of no class up to which they are strays: above, the picture is something else. */
const MOST_STRAY = 0.01;

/** Classes by colour. */
export class ColourTable {
  readonly #labels: ReadonlyMap<number, number>;

  constructor(entries: Iterable<readonly [Colour, label: number]>) {
    this.#labels = new Map(Array.from(entries, ([[red, green, blue], label]) => [keyOf(red, green, blue), label]));
  }

  /**
   * The class of every pixel of a colour mask; stray colours become {@link VOID}.
   *
   * @throws {ClockworkError} `invalid-argument` where more than one in a hundred pixels has the colour of no class.
   */
  labels(mask: Frame, path: string): LabelMap {
    const { data, widthPx, heightPx } = mask;
    const labels = new Uint8Array(widthPx * heightPx);
    let [key, label, isStray] = [-1, VOID, false];
    let strays = 0;
    let stray = "";
    for (let at = 0, from = 0; at < labels.length; at++, from += 3) {
      const next = keyOf(data[from] ?? 0, data[from + 1] ?? 0, data[from + 2] ?? 0);
      // Masks are of large areas: mostly the colour is that of the pixel before.
      if (next !== key) {
        key = next;
        const found = this.#labels.get(key);
        isStray = found === undefined;
        label = found ?? VOID;
        if (isStray) stray = [...data.subarray(from, from + 3)].join(",");
      }
      labels[at] = label;
      if (isStray) strays++;
    }
    if (strays > MOST_STRAY * labels.length) {
      throw new ClockworkError(
        "invalid-argument",
        `${path}: expected the colours of the dataset's classes, got ${strays} of ${labels.length} pixels in others, ` +
          `such as ${stray}; try the mask as its owners give it, not resized or converted`,
      );
    }
    return { data: labels, widthPx, heightPx };
  }
}

function keyOf(red: number, green: number, blue: number): number {
  return (red << 16) | (green << 8) | blue;
}
