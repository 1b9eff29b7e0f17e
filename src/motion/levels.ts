// The scales that motion is looked for at: how many, how coarse, how much work on each. From the size of the picture
// alone; nothing here writes a node.
//
// A level is a grid of square cells from the upper left corner of the picture. The finest leaves out what does not fill
// a cell at the right and lower edge; a coarser one covers all of the finer one, with its last cells partly outside.
// Flow at a level is in units of half the extent that its cells cover, as the operator GridSample counts: from -1 at the
// first edge to 1 at the last.

import { ClockworkError } from "../errors.ts";
import { requireWhole } from "./nodes.ts";

/** Width and height in pixels. */
export interface PictureSize {
  readonly widthPx: number;
  readonly heightPx: number;
}

/** Work on a level. */
export interface LevelWork {
  /** Steps of the solver; each after the very first samples the frame before once. */
  readonly iterations: number;
  /** Edge of the square window that moves as one, in cells; odd. */
  readonly windowCells: number;
}

/** How flow is looked for. */
export interface FlowOptions {
  /** Cells along the longer side of the picture at the finest level, about; default 120: 4 pixels each at 480x360. */
  readonly finestCells: number;
  /** Cells along the longer side at the coarsest level, about; default 15. Shifts to 1/15 of that side are found. */
  readonly coarsestCells: number;
  /** Work on the coarsest level, where there are several. */
  readonly coarsest: LevelWork;
  /** Work on each level between. */
  readonly middle: LevelWork;
  /** Work on the finest level. */
  readonly finest: LevelWork;
  /** Squared gradient, in (luma 0..1 a cell)^2, below which a window does not move by itself; default 3e-4. */
  readonly regularisation: number;
  /** Difference of luma 0..1 beyond which more difference counts no more: what appears or is covered; default 0.2. */
  readonly differenceLimit: number;
}

/** A grid of cells over the picture. */
export interface FlowLevel extends LevelWork {
  readonly widthCells: number;
  readonly heightCells: number;
  /** Edge of a cell. */
  readonly cellPx: number;
}

/** The scales of one size of picture. */
export interface FlowScale extends PictureSize {
  /** Coarse to fine. Cells of one level are twice as long as those of the next. */
  readonly levels: readonly [FlowLevel, ...FlowLevel[]];
  /** The last of the levels: flow comes out at this one. */
  readonly finest: FlowLevel;
}

/** What is taken where nothing is said. */
export const defaultFlowOptions: FlowOptions = {
  finestCells: 120,
  coarsestCells: 15,
  coarsest: { iterations: 2, windowCells: 7 },
  middle: { iterations: 2, windowCells: 7 },
  finest: { iterations: 1, windowCells: 7 },
  regularisation: 3e-4,
  differenceLimit: 0.2,
};

/**
 * Chooses the scales.
 * @throws ClockworkError `invalid-argument` for a picture without pixels, or options out of range
 *
 * @example
 * ```ts
 * flowScale({ widthPx: 480, heightPx: 360 }).levels.map(({ cellPx }) => cellPx); // [32, 16, 8, 4]
 * ```
 */
export function flowScale(size: PictureSize, options: FlowOptions = defaultFlowOptions): FlowScale {
  check(size, options);
  const longer = Math.max(size.widthPx, size.heightPx);
  const shorter = Math.min(size.widthPx, size.heightPx);
  // A strip must be at least one cell wide.
  const cellPx = Math.min(shorter, Math.max(1, Math.round(longer / options.finestCells)));
  let widthCells = Math.floor(size.widthPx / cellPx);
  let heightCells = Math.floor(size.heightPx / cellPx);
  const cells = Math.max(widthCells, heightCells);
  const halvings = Math.max(0, Math.round(Math.log2(cells / options.coarsestCells)));
  const work = (halving: number): LevelWork =>
    halving === 0 ? options.finest : halving === halvings ? options.coarsest : options.middle;
  const finest: FlowLevel = { ...work(0), widthCells, heightCells, cellPx };
  const levels: [FlowLevel, ...FlowLevel[]] = [finest];
  for (let halving = 1; halving <= halvings; halving++) {
    widthCells = Math.ceil(widthCells / 2);
    heightCells = Math.ceil(heightCells / 2);
    levels.unshift({ ...work(halving), widthCells, heightCells, cellPx: cellPx * 2 ** halving });
  }
  return { widthPx: size.widthPx, heightPx: size.heightPx, levels, finest };
}

/** Width and height that the cells of a level cover, in pixels; this is what its flow is relative to. */
export function coveredPx({ widthCells, heightCells, cellPx }: FlowLevel): PictureSize {
  return { widthPx: widthCells * cellPx, heightPx: heightCells * cellPx };
}

function check(size: PictureSize, options: FlowOptions): void {
  requireWhole("width of the picture in pixels", size.widthPx, 1);
  requireWhole("height of the picture in pixels", size.heightPx, 1);
  requireWhole("finestCells", options.finestCells, 1);
  requireWhole("coarsestCells", options.coarsestCells, 1);
  for (const at of ["coarsest", "middle", "finest"] as const) {
    const { iterations, windowCells } = options[at];
    requireWhole(`iterations of the ${at} level`, iterations, 1);
    if (!Number.isSafeInteger(windowCells) || windowCells < 1 || windowCells % 2 === 0) {
      throw new ClockworkError(
        "invalid-argument",
        `window of the ${at} level: expected an odd number of cells, got ${windowCells}`,
      );
    }
  }
  for (const part of ["regularisation", "differenceLimit"] as const) {
    if (options[part] > 0) continue;
    throw new ClockworkError("invalid-argument", `${part}: expected a number above 0, got ${options[part]}`);
  }
}

/** How far the aspect of a map may be from the picture's: by rounding of a few strides. */
const aspectSlack = 0.15;

/** Size of a map [1, C, H, W] over a picture of its shape; `undefined` for what has no place in it, such as a pooled vector. */
export function mapSize(
  shape: readonly number[],
  { widthPx, heightPx }: PictureSize,
): { readonly height: number; readonly width: number } | undefined {
  const [batch = 0, , height = 0, width = 0] = shape;
  const stretch = (width / height) * (heightPx / widthPx);
  const fits = shape.length === 4 && batch === 1 && Math.abs(Math.log(stretch)) < aspectSlack;
  return fits ? { height, width } : undefined;
}
