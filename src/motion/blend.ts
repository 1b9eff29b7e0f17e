// Fresh scores mixed with what moved in, as graph nodes: labels flicker less, and where the flow is right two looks are
// better than one. fused = fresh + w (moved - fresh), w = share * validity * exp(-mismatch / tolerance).
//
// Of a very large map only the coarse part is mixed: what is remembered and moved is its mean over square blocks, and the
// correction is brought to full size.

import type { GraphBuilder } from "../onnx/index.ts";
import { gridGraph } from "./grid.ts";
import type { FlowScale } from "./levels.ts";
import { MotionNodes, motionPrefix } from "./nodes.ts";
import { interpolation, transposed } from "./resampling.ts";

/** What is mixed. */
export interface BlendInputs {
  /** Name of the fresh scores, float32 [1, classes, height, width], stretched over the whole picture. */
  readonly fresh: string;
  /** Their shape. */
  readonly dims: readonly [1, number, number, number];
  /** Name of what `kept` was, shape as {@link keptDims} gives it; anything finite where it was nothing. */
  readonly before: string;
  /** Name of the flow to the frame that `before` is of, float32 [1, 2, heightCells, widthCells] of the finest level. */
  readonly flow: string;
  /** Name of its validity from 0 to 1, float32 [1, 1, heightCells, widthCells]. */
  readonly valid: string;
  /** Name of what `mismatchGraph` gives, float32 [1, 1, heightCells, widthCells]. */
  readonly mismatch: string;
  /** Name of a float32 scalar or [1] from 0 to below 1: the share of what moved in where nothing speaks against it. */
  readonly share: string;
  readonly scale: FlowScale;
  /** Names of what is to be kept for the next time, and of the result. */
  readonly kept: string;
  readonly to: string;
  /** Default `clockwork/motion`. */
  readonly prefix?: string;
}

/** Difference of luma 0..1 by which trust falls to 1/e. */
const tolerance = 10 / 255;

/** Most positions that are mixed one by one: those of 640x480. More would take more memory than networks do. */
const mostPositions = 640 * 480;

/** Longest edge of the blocks: coarser means are no scores any more. */
const longestBlock = 8;

/** Edge of the blocks that scores are remembered by: the first whole number that divides both sides and is enough. */
function blockOf([, , height, width]: readonly [1, number, number, number]): number {
  let edge = 1;
  for (let next = 2; (height * width) / (edge * edge) > mostPositions && next <= longestBlock; next++) {
    if (height % next === 0 && width % next === 0) edge = next;
  }
  return edge;
}

/** Shape of what is kept of scores. */
export function keptDims(dims: readonly [1, number, number, number]): readonly [1, number, number, number] {
  const edge = blockOf(dims);
  return [1, dims[1], dims[2] / edge, dims[3] / edge];
}

/** Writes the mixture, float32 like `fresh`. Nodes but those for the results are named `PREFIX/blend/...`. */
export function blendGraph(b: GraphBuilder, inputs: BlendInputs): void {
  const { fresh, dims, before, flow, valid, mismatch, share, scale, kept, to, prefix = motionPrefix } = inputs;
  const nodes = new MotionNodes(b, `${prefix}/blend`);
  const edge = blockOf(dims);
  const [, , height, width] = keptDims(dims);
  const blocks =
    edge === 1
      ? fresh
      : nodes.add("blocks", "AveragePool", [fresh], { kernel_shape: [edge, edge], strides: [edge, edge] });

  const surprise = nodes.add("surprise", "Mul", [mismatch, nodes.scalar("rate", -1 / tolerance)]);
  const trust = nodes.add("trust", "Mul", [nodes.add("likeness", "Exp", [surprise]), valid]);
  const weights = upsampled(nodes, nodes.add("share", "Mul", [trust, share]), scale, { height, width });

  const grid = gridGraph(b, { flow, scale, to: { height, width, kind: "picture" }, prefix: nodes.name("at") });
  const moved = nodes.sample("moved", before, grid);
  const change = nodes.add("change", "Sub", [moved, blocks]);
  const correction = nodes.add("correction", "Mul", [change, weights]);
  b.add(kept, "Add", [blocks, correction]);
  if (edge === 1) b.add(to, "Identity", [kept]);
  else {
    const full = nodes.add("full", "Resize", [correction, "", "", nodes.int64("full/sizes", dims)], {
      mode: "linear",
      coordinate_transformation_mode: "half_pixel",
    });
    b.add(to, "Add", [fresh, full]);
  }
}

/** A map of the finest level's cells, stretched over the picture. */
function upsampled(
  nodes: MotionNodes,
  map: string,
  scale: FlowScale,
  { height, width }: { readonly height: number; readonly width: number },
): string {
  const { heightCells, widthCells, cellPx } = scale.finest;
  const rows = interpolation(
    { count: heightCells, spanPx: cellPx },
    { count: height, spanPx: scale.heightPx / height },
  );
  const columns = interpolation({ count: widthCells, spanPx: cellPx }, { count: width, spanPx: scale.widthPx / width });
  const down = nodes.add("rows", "MatMul", [nodes.float32("rows/weights", [height, heightCells], rows), map]);
  return nodes.add("columns", "MatMul", [
    down,
    nodes.float32("columns/weights", [widthCells, width], transposed(columns, width, widthCells)),
  ]);
}
