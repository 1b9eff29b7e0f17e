// How well a remembered picture, moved along the flow, explains the current one, as graph nodes: what is left over tells
// where the flow went astray, or where something came into view.

import type { GraphBuilder } from "../onnx/index.ts";
import { gridGraph } from "./grid.ts";
import type { FlowScale } from "./levels.ts";
import { MotionNodes, motionPrefix } from "./nodes.ts";

/** What is compared. */
export interface MismatchInputs {
  /** Name of the current luma 0..1, float32 [1, 1, heightCells, widthCells] of the finest level. */
  readonly now: string;
  /** Name of the remembered luma, alike. */
  readonly before: string;
  /** Name of the flow from the current frame to the remembered one, float32 [1, 2, heightCells, widthCells]. */
  readonly flow: string;
  readonly scale: FlowScale;
  /** Default `clockwork/motion`. */
  readonly prefix?: string;
}

/**
 * Absolute difference of luma 0..1 along the flow, float32 [1, 1, heightCells, widthCells]. The moved picture is scaled to
 * the mean of the current one, since cameras adapt to the light. Nodes are named `PREFIX/mismatch/...`.
 */
export function mismatchGraph(b: GraphBuilder, inputs: MismatchInputs): string {
  const { now, before, flow, scale, prefix = motionPrefix } = inputs;
  const nodes = new MotionNodes(b, `${prefix}/mismatch`);
  const { heightCells: height, widthCells: width } = scale.finest;
  const grid = gridGraph(b, { flow, scale, to: { height, width, kind: "cells" }, prefix: nodes.name("at") });
  const moved = nodes.sample("moved", before, grid);
  // In the dark there is nothing to compare, and nothing must be divided by.
  const mean = (part: string, map: string): string =>
    nodes.add(`${part}/floored`, "Add", [nodes.add(part, "GlobalAveragePool", [map]), nodes.scalar("floor", 0.001)]);
  const exposure = nodes.add("exposure", "Div", [mean("mean/now", now), mean("mean/before", moved)]);
  const exposed = nodes.add("exposed", "Mul", [moved, exposure]);
  return nodes.add("difference", "Abs", [nodes.add("change", "Sub", [now, exposed])]);
}
