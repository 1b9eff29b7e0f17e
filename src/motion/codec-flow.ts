// Dense flow from the blocks of a codec: what `flowGraph` finds by looking at pictures, here from vectors that came with
// the video. Plain numbers, no graph. Vectors over several frames are taken as steady motion. An encoder picks what is
// cheap to code, not what is true, so single vectors stray; a median over neighbours does not make moved labels better.

import { numbersPerBlock, type BlockMotion } from "../frame.ts";
import { coveredPx, type FlowScale, type PictureSize } from "./levels.ts";

/** Flow of one frame step at the cells of the finest level, as `flowGraph` gives it, but for the residual. */
export interface CodecFlow {
  /** [1, 2, heightCells, widthCells], x and y, in halves of the covered extent; 0 where no block has a vector. */
  readonly flow: Float32Array<ArrayBuffer>;
  /**
   * [1, 1, heightCells, widthCells]: 1 where a vector is known and leads into the frame before; 0 where it leads out, or
   * where none is known and the neighbours' was taken; between where a cell is known or inside in part.
   */
  readonly valid: Float32Array<ArrayBuffer>;
  /** Share of the cells that have a vector of their own, 0 to 1. */
  readonly known: number;
}

/** Numbers of all cells, row by row. */
type Cells = Float32Array<ArrayBuffer>;

/** Vectors in cells a frame step. */
interface Field {
  readonly x: Cells;
  readonly y: Cells;
  /** How much of the cell its vector is for, 0 to 1. */
  readonly covered: Cells;
}

/**
 * Spreads the vectors of a frame over the cells of a scale.
 * @param size of the frame that the blocks are of, in which its pixels are counted
 */
export function codecFlow(motion: BlockMotion, size: PictureSize, scale: FlowScale): CodecFlow {
  const { widthCells: w, heightCells: h, cellPx } = scale.finest;
  const field = spread(motion, size, scale);
  let cells = 0;
  for (const share of field.covered) if (share > 0) cells++;
  const known = cells / (w * h);
  fillHoles(field, w, h);
  const flow = new Float32Array(2 * w * h);
  const valid = new Float32Array(w * h);
  const covered = coveredPx(scale.finest);
  const [unitX, unitY] = [(2 * cellPx) / covered.widthPx, (2 * cellPx) / covered.heightPx];
  for (let row = 0, cell = 0; row < h; row++) {
    for (let column = 0; column < w; column++, cell++) {
      const dx = field.x[cell] ?? 0;
      const dy = field.y[cell] ?? 0;
      flow[cell] = dx * unitX;
      flow[w * h + cell] = dy * unitY;
      valid[cell] = (field.covered[cell] ?? 0) * inside(column + 0.5 + dx, w) * inside(row + 0.5 + dy, h);
    }
  }
  return { flow, valid, known };
}

/** Means of the blocks that share a cell. */
function spread({ blocks }: BlockMotion, size: PictureSize, scale: FlowScale): Field {
  const { widthCells: w, heightCells: h, cellPx } = scale.finest;
  const [cellsX, cellsY] = [scale.widthPx / size.widthPx / cellPx, scale.heightPx / size.heightPx / cellPx];
  const field: Field = {
    x: new Float32Array(w * h),
    y: new Float32Array(w * h),
    covered: new Float32Array(w * h),
  };
  const weights = new Float32Array(w * h);
  const number = (at: number): number => blocks[at] ?? 0;
  for (let at = 0; at + numbersPerBlock <= blocks.length; at += numbersPerBlock) {
    const steps = number(at + 6);
    if (steps === 0) continue;
    const halfX = number(at + 2) / 2;
    const halfY = number(at + 3) / 2;
    const left = Math.max(0, (number(at) - halfX) * cellsX);
    const right = Math.min(w, (number(at) + halfX) * cellsX);
    const top = Math.max(0, (number(at + 1) - halfY) * cellsY);
    const bottom = Math.min(h, (number(at + 1) + halfY) * cellsY);
    const dx = (number(at + 4) / steps) * cellsX;
    const dy = (number(at + 5) / steps) * cellsY;
    // The motion of this step is told better by a frame that is near.
    const trust = 1 / Math.abs(steps);
    for (let row = Math.floor(top); row < bottom; row++) {
      const tall = Math.min(bottom, row + 1) - Math.max(top, row);
      for (let column = Math.floor(left); column < right; column++) {
        const cell = row * w + column;
        const share = tall * (Math.min(right, column + 1) - Math.max(left, column));
        const weight = share * trust;
        field.x[cell] = (field.x[cell] ?? 0) + weight * dx;
        field.y[cell] = (field.y[cell] ?? 0) + weight * dy;
        // Two vectors of one block do not make it cover more.
        field.covered[cell] = Math.min(1, (field.covered[cell] ?? 0) + share);
        weights[cell] = (weights[cell] ?? 0) + weight;
      }
    }
  }
  for (let cell = 0; cell < w * h; cell++) {
    const weight = weights[cell] ?? 0;
    if (weight === 0) continue;
    field.x[cell] = (field.x[cell] ?? 0) / weight;
    field.y[cell] = (field.y[cell] ?? 0) / weight;
  }
  return field;
}

/** Gives cells without a vector the mean of those around that have one, layer by layer from the holes' edges. */
function fillHoles({ x, y, covered }: Field, w: number, h: number): void {
  // A border of cells that have nothing, so that every cell has eight neighbours.
  const stride = w + 2;
  const has = new Uint8Array(stride * (h + 2));
  const around = [-stride - 1, -stride, -stride + 1, -1, 1, stride - 1, stride, stride + 1];
  let holes: number[] = [];
  for (let row = 0; row < h; row++) {
    for (let column = 0; column < w; column++) {
      const place = (row + 1) * stride + column + 1;
      if ((covered[row * w + column] ?? 0) > 0) has[place] = 1;
      else holes.push(place);
    }
  }
  const cellAt = (place: number): number => (Math.floor(place / stride) - 1) * w + (place % stride) - 1;
  while (holes.length > 0) {
    const filled: number[] = [];
    const left: number[] = [];
    for (const place of holes) {
      let [count, sumX, sumY] = [0, 0, 0];
      for (const offset of around) {
        if (has[place + offset] !== 1) continue;
        const other = cellAt(place + offset);
        count++;
        sumX += x[other] ?? 0;
        sumY += y[other] ?? 0;
      }
      if (count === 0) {
        left.push(place);
        continue;
      }
      const cell = cellAt(place);
      x[cell] = sumX / count;
      y[cell] = sumY / count;
      filled.push(place);
    }
    // Nothing is known anywhere.
    if (filled.length === 0) return;
    for (const place of filled) has[place] = 1;
    holes = left;
  }
}

/** How much of a sample at a place along an axis, in cells from the edge, comes from within; as GridSample has it. */
function inside(place: number, count: number): number {
  return Math.min(1, Math.max(0, Math.min(place, count - place) + 0.5));
}
