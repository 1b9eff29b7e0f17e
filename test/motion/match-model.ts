// What tests of block matching ask of its model.

import type { EngineTensor } from "../../src/engine/engine.ts";
import { coveredPx, type FlowScale } from "../../src/motion/index.ts";

/** Where something is in the frame before, for a place in the current one; `undefined` where it was not seen. */
export type Truth = (x: number, y: number) => { readonly x: number; readonly y: number } | undefined;

/** How good matches are; distances in pixels at 480 of width. */
export interface MatchQuality {
  /** Mean distance from the truth over cells that are valid and have one. */
  readonly error: number;
  /** Share of the cells with a truth that are valid. */
  readonly found: number;
  /** Share of the cells without a truth that are valid all the same. */
  readonly invented: number;
}

/** Compares matches with the truth, over the cells that count. */
export function matchQuality(
  { flow, valid }: Readonly<Record<string, EngineTensor>>,
  scale: FlowScale,
  truth: Truth,
  counts: (x: number, y: number) => boolean = () => true,
): MatchQuality {
  if (flow === undefined || valid === undefined) throw new Error("expected flow and validity");
  const { heightCells, widthCells, cellPx } = scale.finest;
  const covered = coveredPx(scale.finest);
  const cells = heightCells * widthCells;
  let [sum, found, known, invented, unknown] = [0, 0, 0, 0, 0];
  for (let at = 0; at < cells; at++) {
    const [x, y] = [((at % widthCells) + 0.5) * cellPx, (Math.floor(at / widthCells) + 0.5) * cellPx];
    if (!counts(x, y)) continue;
    const was = truth(x, y);
    const isValid = Number(valid.data[at]) === 1;
    if (was === undefined) {
      unknown++;
      if (isValid) invented++;
      continue;
    }
    known++;
    if (!isValid) continue;
    found++;
    const dx = (Number(flow.data[at]) * covered.widthPx) / 2 - (was.x - x);
    const dy = (Number(flow.data[cells + at]) * covered.heightPx) / 2 - (was.y - y);
    sum += Math.hypot(dx, dy);
  }
  return {
    error: ((sum / Math.max(1, found)) * 480) / scale.widthPx,
    found: found / Math.max(1, known),
    invented: invented / Math.max(1, unknown),
  };
}
