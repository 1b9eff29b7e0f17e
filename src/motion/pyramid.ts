// What every search from coarse to fine does between its levels: maps at each of them, and the flow of one at the cells of
// the next. Not the search itself.

import { coveredPx, type FlowLevel } from "./levels.ts";
import type { MotionNodes } from "./nodes.ts";
import { interpolation, scaledCopies, transposed } from "./resampling.ts";

/** Writes a map at every level, coarse to fine: means of what is inside. Nodes `PARTcellPx`. */
export function pyramid(nodes: MotionNodes, part: string, map: string, levels: readonly FlowLevel[]): string[] {
  const maps = [map];
  for (let index = levels.length - 2; index >= 0; index--) {
    const finer = levels[index + 1];
    const level = levels[index];
    if (finer === undefined || level === undefined) break;
    const pads = [0, 0, 2 * level.heightCells - finer.heightCells, 2 * level.widthCells - finer.widthCells];
    const attributes = { kernel_shape: [2, 2], strides: [2, 2], pads, count_include_pad: 0 };
    maps.unshift(nodes.add(`${part}${level.cellPx}`, "AveragePool", [maps[0] ?? map], attributes));
  }
  return maps;
}

/** Writes flow of a coarser level at the cells of a finer one, in the units of the finer one. */
export function refined(nodes: MotionNodes, part: string, flow: string, from: FlowLevel, to: FlowLevel): string {
  const rows = interpolation(
    { count: from.heightCells, spanPx: from.cellPx },
    { count: to.heightCells, spanPx: to.cellPx },
  );
  const columns = interpolation(
    { count: from.widthCells, spanPx: from.cellPx },
    { count: to.widthCells, spanPx: to.cellPx },
  );
  const [was, is] = [coveredPx(from), coveredPx(to)];
  const factors = [was.widthPx / is.widthPx, was.heightPx / is.heightPx];
  const weights = scaledCopies(transposed(columns, to.widthCells, from.widthCells), factors);
  const down = nodes.add(`${part}/rows`, "MatMul", [
    nodes.float32(`${part}/rows/weights`, [to.heightCells, from.heightCells], rows),
    flow,
  ]);
  return nodes.add(part, "MatMul", [
    down,
    nodes.float32(`${part}/columns/weights`, [1, 2, from.widthCells, to.widthCells], weights),
  ]);
}

/** Centres of the cells as GridSample counts, [2, heightCells, widthCells]. */
export function centres({ heightCells, widthCells }: FlowLevel): Float32Array {
  const centre = (index: number, count: number): number => (2 * index + 1) / count - 1;
  const cells = heightCells * widthCells;
  return Float32Array.from({ length: 2 * cells }, (_, at) =>
    at < cells ? centre(at % widthCells, widthCells) : centre(Math.floor((at - cells) / widthCells), heightCells),
  );
}
