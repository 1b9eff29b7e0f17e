// The band around the edges of the true labels, for scores of boundaries: it only picks pixels; `ConfusionMatrix` scores.
// The definition is that of Shelhamer et al. 2016 (a pixel is in the band where dilation and erosion of the truth by a
// disk differ), for which they take foreground against everything else; here also for every class against every other.
// The distances are found column by column, then row by row, as exact distance transforms are (Felzenszwalb,
// Huttenlocher 2012), in time that depends on the pixels alone.

import { ClockworkError } from "../errors.ts";
import type { LabelMap } from "../frame.ts";

/**
 * What an edge is.
 *
 * - `classes`: where two different classes meet. Ignored pixels are nothing: the border between a class and an ignored
 *   area is no edge, since nobody knows what is there; but classes on the two sides of an ignored strip that is narrower
 *   than the band do meet.
 * - `foreground`: where a class from 1 on meets class 0 or an ignored pixel, as in the paper's tables on PASCAL VOC,
 *   whose objects are separated by ignored strips. Two classes from 1 on that touch have no edge.
 */
export type BoundaryEdges = "classes" | "foreground";

/** Label of pixels that are left out of scores. */
const ignored = 255;

/**
 * True labels with only the pixels near an edge left: all others become 255, which scores leave out. A pixel is near
 * an edge when a pixel of the other side lies at most `widthPx` away, from centre to centre (Euclidean). So the band
 * has `widthPx` pixels on either side of a straight edge. Ignored pixels stay ignored.
 *
 * @param truth class of every pixel; labels from `classes` on are ignored
 * @param widthPx width of the band on one side of the edge, in pixels; Shelhamer et al. 2016 use 5
 * @param classes number of classes, at most 255
 * @throws ClockworkError `invalid-argument` for a width below 1, classes out of range, or a map of the wrong length
 *
 * @example
 * ```ts
 * import { boundaryBand } from "clockwork-convnets";
 * const truth = { data: Uint8Array.of(0, 0, 0, 1, 1), widthPx: 5, heightPx: 1 };
 * boundaryBand(truth, 1, 2).data; // 255, 255, 0, 1, 255
 * ```
 */
export function boundaryBand(
  truth: LabelMap,
  widthPx: number,
  classes: number,
  edges: BoundaryEdges = "classes",
): LabelMap {
  check(truth, widthPx, classes);
  const { widthPx: width, heightPx: height } = truth;
  const sides = sidesOf(truth.data, classes, edges);
  if (widthPx <= widestStamp) return { ...truth, data: stamped(truth, sides, widthPx, classes) };
  const reaches = reachesOf(Math.min(widthPx, Math.hypot(width, height)));
  const band = new Uint8Array(sides.length).fill(ignored);
  const above = distancesAbove(sides, width, height, reaches.length - 1);
  const below = newRow(width, reaches.length - 1);
  for (let y = height - 1; y >= 0; y--) {
    const from = y * width;
    advance(below, sides, from);
    const nearest = nearestOf(above, from, below);
    const row = sides.subarray(from, from + width);
    const inBand = new Uint8Array(width);
    cover(row, nearest, reaches, "rightwards", inBand);
    cover(row, nearest, reaches, "leftwards", inBand);
    for (let x = 0; x < width; x++) {
      const label = truth.data[from + x] as number;
      if (inBand[x] === 1 && label < classes) band[from + x] = label;
    }
  }
  return { data: band, widthPx: width, heightPx: height };
}

/** Up to here disks around the pixels at edges are cheaper than distances of all pixels. */
const widestStamp = 8;

/**
 * The band by disks: the nearest pixel of another side always lies at an edge of that side, since one of its neighbours
 * would be nearer otherwise. So only pixels at edges need a disk.
 */
function stamped(
  { data, widthPx: width, heightPx: height }: LabelMap,
  sides: Uint8Array,
  radius: number,
  classes: number,
): Uint8Array<ArrayBuffer> {
  const reaches = reachesOf(radius);
  const rows = reaches.length - 2;
  const band = new Uint8Array(sides.length).fill(ignored);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const at = y * width + x;
      const side = sides[at] as number;
      if (side === ignored) continue;
      const isInside =
        (x === 0 || sides[at - 1] === side) &&
        (x === width - 1 || sides[at + 1] === side) &&
        (y === 0 || sides[at - width] === side) &&
        (y === height - 1 || sides[at + width] === side);
      if (isInside) continue;
      const bottom = Math.min(height - 1, y + rows);
      for (let row = Math.max(0, y - rows); row <= bottom; row++) {
        const reach = reaches[Math.abs(row - y)] as number;
        const end = row * width + Math.min(width - 1, x + reach);
        for (let other = row * width + Math.max(0, x - reach); other <= end; other++) {
          const there = sides[other] as number;
          if (there === side || there === ignored) continue;
          const label = data[other] as number;
          if (label < classes) band[other] = label;
        }
      }
    }
  }
  return band;
}

/** The side of each pixel: edges are between different sides; an ignored one has none. */
function sidesOf(labels: Uint8Array, classes: number, edges: BoundaryEdges): Uint8Array {
  const sideOf = Uint8Array.from({ length: 256 }, (_, label) => {
    const known = label < classes;
    switch (edges) {
      case "classes":
        return known ? label : ignored;
      case "foreground":
        return known && label > 0 ? 1 : 0;
    }
  });
  return labels.map((label) => sideOf[label] as number);
}

/**
 * How far to the left and right the disk around a pixel goes in a row that is 0, 1, 2, ... pixels away. The last entry
 * stands for all distances beyond the disk: there it does not even reach its own column.
 */
function reachesOf(radius: number): Int32Array {
  const reaches = Int32Array.from({ length: Math.floor(radius) + 2 }, (_, distance) =>
    Math.floor(Math.sqrt(Math.max(0, radius ** 2 - distance ** 2))),
  );
  reaches[reaches.length - 1] = -1;
  return reaches;
}

/** For each column: the side of the nearest pixel that has one, how far it is, and how far one of another side is. */
interface Nearest {
  readonly side: Uint8Array;
  readonly near: Int32Array;
  readonly other: Int32Array;
}

function newRow(width: number, beyond: number): Nearest & { readonly beyond: number } {
  return {
    side: new Uint8Array(width).fill(ignored),
    near: new Int32Array(width).fill(beyond),
    other: new Int32Array(width).fill(beyond),
    beyond,
  };
}

/** Goes on to the next row: from distances that look back from one row to those that look back from the next. */
function advance({ side, near, other, beyond }: ReturnType<typeof newRow>, sides: Uint8Array, from: number): void {
  for (let x = 0; x < side.length; x++) {
    const here = sides[from + x] as number;
    const back = Math.min(beyond, (near[x] as number) + 1);
    if (here === ignored || here === side[x]) other[x] = Math.min(beyond, (other[x] as number) + 1);
    // What was nearest is of another side than this pixel.
    else other[x] = back;
    near[x] = here === ignored ? back : 0;
    if (here !== ignored) side[x] = here;
  }
}

/** Distances upwards, for all rows. */
function distancesAbove(sides: Uint8Array, width: number, height: number, beyond: number): Nearest {
  const all = newRow(sides.length, beyond);
  const row = newRow(width, beyond);
  for (let y = 0; y < height; y++) {
    advance(row, sides, y * width);
    all.side.set(row.side, y * width);
    all.near.set(row.near, y * width);
    all.other.set(row.other, y * width);
  }
  return all;
}

/** Distances upwards or downwards, whichever is nearer, in the row that starts at `from`. */
function nearestOf(above: Nearest, from: number, below: Nearest): Nearest {
  const width = below.side.length;
  const side = new Uint8Array(width);
  const near = new Int32Array(width);
  const other = new Int32Array(width);
  for (let x = 0; x < width; x++) {
    const up = above.near[from + x] as number;
    const down = below.near[x] as number;
    const otherUp = above.other[from + x] as number;
    const otherDown = below.other[x] as number;
    const upSide = above.side[from + x] as number;
    const downSide = below.side[x] as number;
    side[x] = up <= down ? upSide : downSide;
    near[x] = Math.min(up, down);
    if (upSide === downSide) other[x] = Math.min(otherUp, otherDown);
    else other[x] = up <= down ? Math.min(otherUp, down) : Math.min(otherDown, up);
  }
  return { side, near, other };
}

/**
 * Marks the pixels of a row that a disk around a pixel of another side covers, as far as that pixel is in the same
 * column or in one gone through before.
 */
function cover(
  row: Uint8Array,
  { side, near, other }: Nearest,
  reaches: Int32Array,
  direction: "rightwards" | "leftwards",
  inBand: Uint8Array,
): void {
  const first = direction === "rightwards" ? 0 : row.length - 1;
  const stride = direction === "rightwards" ? 1 : -1;
  let last = -1;
  let lastSide = ignored;
  /** Last step that is covered for the side that is gone through. */
  let until = -1;
  for (let step = 0; step < row.length; step++) {
    const here = row[first + stride * step] as number;
    if (here === ignored) continue;
    // A pixel of another side in the row itself reaches farther than whatever is behind it.
    if (here !== lastSide) until = lastSide === ignored ? -1 : last + (reaches[0] as number);
    // Columns of ignored pixels were passed over until it was known for which side they count.
    for (let passed = last + 1; passed <= step; passed++) {
      const column = first + stride * passed;
      const distance = (side[column] === here ? other[column] : near[column]) as number;
      until = Math.max(until, passed + (reaches[distance] as number));
    }
    if (until >= step) inBand[first + stride * step] = 1;
    last = step;
    lastSide = here;
  }
}

function check(truth: LabelMap, widthPx: number, classes: number): void {
  if (!Number.isInteger(classes) || classes < 1 || classes > 255) {
    throw new ClockworkError("invalid-argument", `boundary: expected 1 to 255 classes, got ${classes}`);
  }
  if (!(widthPx >= 1)) {
    throw new ClockworkError("invalid-argument", `boundary: expected a width of at least 1 pixel, got ${widthPx}`);
  }
  if (truth.data.length !== truth.widthPx * truth.heightPx) {
    throw new ClockworkError(
      "invalid-argument",
      `boundary: expected ${truth.widthPx}x${truth.heightPx} labels, got ${truth.data.length}`,
    );
  }
}
