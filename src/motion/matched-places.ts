// Correspondence of cells as one of pixels: for each pixel of a frame, the one of the frame before that shows the same.
// In plain loops: once over the picture, and a lookup for every label map that is compared along it.

import { coveredPx, type FlowScale } from "./levels.ts";

/** Flow and validity, as `matchGraph` gives them, copied out of the engine. */
export interface Matches {
  /** [2, heightCells, widthCells] of the finest level. */
  readonly flow: ArrayLike<number>;
  /** [heightCells, widthCells]: 0 where there is no correspondence. */
  readonly valid: ArrayLike<number>;
  readonly scale: FlowScale;
}

/**
 * Index, in the frame before, of what each pixel shows: [heightPx, widthPx], row by row; -1 where the cell that it lies
 * in is not valid, where no cell covers it, and where the way leads out of the picture. Flow is linear between the
 * centres of cells, and the nearest pixel is taken.
 */
export function matchedPlaces({ flow, valid, scale }: Matches): Int32Array<ArrayBuffer> {
  const { widthPx, heightPx, finest } = scale;
  const { widthCells, heightCells, cellPx } = finest;
  const cells = widthCells * heightCells;
  const covered = coveredPx(finest);
  const places = new Int32Array(widthPx * heightPx).fill(-1);
  const [across, down] = [
    betweenCells(covered.widthPx, cellPx, widthCells),
    betweenCells(covered.heightPx, cellPx, heightCells),
  ];
  // Flow of one row of pixels, in pixels, at the centres of cells.
  const [flowX, flowY] = [new Float64Array(widthCells), new Float64Array(widthCells)];
  for (let y = 0; y < covered.heightPx; y++) {
    const upper = (down.first[y] as number) * widthCells;
    const lower = (down.second[y] as number) * widthCells;
    const lowerShare = down.share[y] as number;
    for (let column = 0; column < widthCells; column++) {
      const [over, under] = [upper + column, lower + column];
      const x = (1 - lowerShare) * (flow[over] as number) + lowerShare * (flow[under] as number);
      const v = (1 - lowerShare) * (flow[cells + over] as number) + lowerShare * (flow[cells + under] as number);
      flowX[column] = (x * covered.widthPx) / 2;
      flowY[column] = (v * covered.heightPx) / 2;
    }
    const firstCell = Math.floor(y / cellPx) * widthCells;
    for (let x = 0; x < covered.widthPx; x++) {
      if (valid[firstCell + (across.cell[x] as number)] === 0) continue;
      const left = across.first[x] as number;
      const right = across.second[x] as number;
      const share = across.share[x] as number;
      const dx = (1 - share) * (flowX[left] as number) + share * (flowX[right] as number);
      const dy = (1 - share) * (flowY[left] as number) + share * (flowY[right] as number);
      const toX = Math.floor(x + dx + 0.5);
      const toY = Math.floor(y + dy + 0.5);
      if (toX >= 0 && toX < widthPx && toY >= 0 && toY < heightPx) places[y * widthPx + x] = toY * widthPx + toX;
    }
  }
  return places;
}

/** Where pixels lie among the centres of cells, along one axis. */
interface Between {
  /** The cell that a pixel lies in. */
  readonly cell: Int32Array;
  /** The cells whose centres are around it, and the weight of the second. */
  readonly first: Int32Array;
  readonly second: Int32Array;
  readonly share: Float64Array;
}

function betweenCells(pixels: number, cellPx: number, count: number): Between {
  const between: Between = {
    cell: new Int32Array(pixels),
    first: new Int32Array(pixels),
    second: new Int32Array(pixels),
    share: new Float64Array(pixels),
  };
  for (let px = 0; px < pixels; px++) {
    const position = Math.min(Math.max((px + 0.5) / cellPx - 0.5, 0), count - 1);
    const first = Math.floor(position);
    between.cell[px] = Math.floor(px / cellPx);
    between.first[px] = first;
    between.second[px] = Math.min(first + 1, count - 1);
    between.share[px] = position - first;
  }
  return between;
}
