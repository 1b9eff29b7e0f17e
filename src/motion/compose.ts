// Flow over several frames from flow over one: F(x) = f(x) + F_before(x + f(x)), as graph nodes. Where the sum leads out
// of a picture, the nearest cell's is taken.

import type { GraphBuilder } from "../onnx/index.ts";
import { gridGraph } from "./grid.ts";
import type { FlowScale } from "./levels.ts";
import { MotionNodes, motionPrefix } from "./nodes.ts";

/** What is carried along from frame to frame. */
export interface ComposeInputs {
  /** Names of flow and validity of one frame step, as `flowGraph` gives them. */
  readonly flow: string;
  readonly valid: string;
  /** Name of what `path` was on the frame before; anything finite, such as zeros, where it was nothing. */
  readonly before: string;
  /** Name of a bool tensor [1]: this frame is the one that flow leads to from now on. */
  readonly reset: string;
  readonly scale: FlowScale;
  /** Default `clockwork/motion`. */
  readonly prefix?: string;
}

/** Names of tensors at the finest level. */
export interface PathTensors {
  /** float32 [1, 3, heightCells, widthCells]: flow and validity in one, to be kept for the next frame. */
  readonly path: string;
  /** float32 [1, 2, heightCells, widthCells]: from the current frame to that of the last reset; 0 on a reset. */
  readonly flow: string;
  /** float32 [1, 1, heightCells, widthCells]: share of what led there without leaving the picture; 1 on a reset. */
  readonly valid: string;
}

/** Shape of `path`. */
export function pathDims({ finest }: FlowScale): readonly number[] {
  return [1, 3, finest.heightCells, finest.widthCells];
}

/**
 * Writes the composition: {@link arrivingGraph}, then {@link restartGraph}. Nodes are named `PREFIX/path/...`.
 */
export function composeGraph(b: GraphBuilder, inputs: ComposeInputs): PathTensors {
  return restartGraph(b, { ...inputs, arriving: arrivingGraph(b, inputs) });
}

/**
 * Writes flow to the frame of the last reset before this frame, float32 [1, 3, heightCells, widthCells]: flow and validity
 * as they are before it is known whether this frame is a reset, too.
 */
export function arrivingGraph(b: GraphBuilder, inputs: Omit<ComposeInputs, "reset">): string {
  const { flow, valid, before, scale, prefix = motionPrefix } = inputs;
  const nodes = new MotionNodes(b, `${prefix}/path`);
  const { heightCells, widthCells } = scale.finest;
  const grid = gridGraph(b, {
    flow,
    scale,
    to: { height: heightCells, width: widthCells, kind: "cells" },
    prefix: nodes.name("one"),
  });
  const [moved = "", inside = ""] = nodes.split("carried", nodes.sample("moved", before, grid), [2, 1]);
  return nodes.add(
    "arriving",
    "Concat",
    [nodes.add("flow/sum", "Add", [flow, moved]), nodes.add("valid/product", "Mul", [valid, inside])],
    { axis: 1 },
  );
}

/** Writes what becomes of the arriving flow where this frame may be a reset. */
export function restartGraph(
  b: GraphBuilder,
  { arriving, reset, prefix = motionPrefix }: Pick<ComposeInputs, "reset" | "prefix"> & { readonly arriving: string },
): PathTensors {
  const nodes = new MotionNodes(b, `${prefix}/path`);
  const start = nodes.float32("start", [1, 3, 1, 1], [0, 0, 1]);
  const path = nodes.add("path", "Where", [reset, start, arriving]);
  const [flow = "", valid = ""] = nodes.split("parts", path, [2, 1]);
  return { path, flow, valid };
}
