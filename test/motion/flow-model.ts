// The pieces put together as models of their own, and what tests ask of them.

import type { EngineTensor } from "../../src/engine/engine.ts";
import {
  composeGraph,
  coveredPx,
  defaultFlowOptions,
  flowGraph,
  flowScale,
  frameLuma,
  pathDims,
  type FlowOptions,
  type FlowScale,
} from "../../src/motion/index.ts";
import { GraphBuilder, modelOf, type Model } from "../../src/onnx/index.ts";
import { seen, type Extent, type View } from "./moving-scene.ts";

/** Inputs `now` and `before`, frames uint8 [H, W, 3]; outputs `flow`, `residual`, `valid`. */
export function flowModel(size: Extent, options: FlowOptions = defaultFlowOptions, opset = 16): Model {
  const scale = flowScale(size, options);
  const b = new GraphBuilder("flow");
  const luma = (frame: string): string =>
    frameLuma(b, { frame: b.input(frame, "uint8", [size.heightPx, size.widthPx, 3]), scale, prefix: frame });
  const { flow, valid, residual } = flowGraph(b, { now: luma("now"), before: luma("before"), scale, options });
  for (const [name, tensor] of Object.entries({ flow, valid, residual: residual() }))
    b.output(b.add(name, "Identity", [tensor]), "float32", undefined);
  return modelOf(b.build(), opset);
}

/** One frame of a stream: inputs `frame`, `luma-before`, `path-before`, `reset`; outputs `luma`, `path`, `residual`. */
export function streamModel(size: Extent, options: FlowOptions = defaultFlowOptions): Model {
  const scale = flowScale(size, options);
  const b = new GraphBuilder("stream");
  const { heightCells, widthCells } = scale.finest;
  const now = frameLuma(b, { frame: b.input("frame", "uint8", [size.heightPx, size.widthPx, 3]), scale });
  const before = b.input("luma-before", "float32", [1, 1, heightCells, widthCells]);
  const { flow, residual, valid } = flowGraph(b, { now, before, scale, options });
  const path = composeGraph(b, {
    flow,
    valid,
    before: b.input("path-before", "float32", pathDims(scale)),
    reset: b.input("reset", "bool", [1]),
    scale,
  });
  b.output(b.add("luma", "Identity", [now]), "float32", undefined);
  b.output(b.add("path", "Identity", [path.path]), "float32", undefined);
  b.output(b.add("residual", "Identity", [residual()]), "float32", undefined);
  return modelOf(b.build(), 16);
}

/** Mean distance, in pixels at 480 of width, between flow and truth over cells that stay `marginPx` within the picture. */
export function endpointError(
  flow: EngineTensor | undefined,
  scale: FlowScale,
  view: View,
  marginPx = 0,
  counts: (x: number, y: number) => boolean = () => true,
): number {
  if (flow === undefined) throw new Error("expected flow");
  const { heightCells, widthCells, cellPx } = scale.finest;
  const covered = coveredPx(scale.finest);
  let sum = 0;
  let count = 0;
  for (let row = 0; row < heightCells; row++) {
    for (let column = 0; column < widthCells; column++) {
      const [x, y] = [(column + 0.5) * cellPx, (row + 0.5) * cellPx];
      const truth = seen(view, scale, x, y);
      const inside = (px: number, end: number): boolean => px >= marginPx && px <= end - marginPx;
      if (!inside(truth.x, scale.widthPx) || !inside(truth.y, scale.heightPx) || !counts(x, y)) continue;
      const at = row * widthCells + column;
      const dx = (Number(flow.data[at]) * covered.widthPx) / 2 - (truth.x - x);
      const dy = (Number(flow.data[heightCells * widthCells + at]) * covered.heightPx) / 2 - (truth.y - y);
      sum += Math.hypot(dx, dy);
      count++;
    }
  }
  return ((sum / count) * 480) / scale.widthPx;
}
