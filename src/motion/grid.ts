// From flow to where samples are taken, at any resolution over the same picture, as graph nodes.
//
// Positions are clamped to the outermost centres and not left to the sampler's own handling of borders, which is several
// times slower in ONNX Runtime.

import type { GraphBuilder } from "../onnx/index.ts";
import { coveredPx, type FlowScale } from "./levels.ts";
import { MotionNodes, motionPrefix } from "./nodes.ts";
import { interpolation, scaledCopies, transposed, type Axis } from "./resampling.ts";

/** A map that is sampled. */
export interface SampledMap {
  readonly height: number;
  readonly width: number;
  /** Whether it is stretched over the whole picture, as a network's are, or has the finest level's cells. */
  readonly kind: "picture" | "cells";
}

/** Where to look. */
export interface GridInputs {
  /** Name of the flow, float32 [1, 2, heightCells, widthCells] of the finest level. */
  readonly flow: string;
  readonly scale: FlowScale;
  readonly to: SampledMap;
  /** Default `clockwork/motion`. */
  readonly prefix?: string;
}

/**
 * Positions to sample a map at so that it moves along the flow: float32 [1, height, width, 2], for GridSample. One grid
 * serves all maps of one size. Nodes are named `PREFIX/grid-WIDTHxHEIGHT/...`.
 */
export function gridGraph(b: GraphBuilder, { flow, scale, to, prefix = motionPrefix }: GridInputs): string {
  const nodes = new MotionNodes(b, `${prefix}/grid-${to.width}x${to.height}`);
  const { finest } = scale;
  const covered = coveredPx(finest);
  const extent = to.kind === "cells" ? covered : scale;
  // Everything is divided by the place of the outermost centres, so that one clip serves both axes.
  const [edgeX, edgeY] = [edge(to.width), edge(to.height)];
  let moved = flow;
  if (to.kind === "picture") {
    const rows = interpolation(
      { count: finest.heightCells, spanPx: finest.cellPx },
      { count: to.height, spanPx: scale.heightPx / to.height },
    );
    moved = nodes.add("rows", "MatMul", [nodes.float32("rows/weights", [to.height, finest.heightCells], rows), moved]);
    const from: Axis = { count: finest.widthCells, spanPx: finest.cellPx };
    const columns = interpolation(from, { count: to.width, spanPx: scale.widthPx / to.width });
    const factors = [covered.widthPx / extent.widthPx / edgeX, covered.heightPx / extent.heightPx / edgeY];
    moved = nodes.add("columns", "MatMul", [
      moved,
      nodes.float32(
        "columns/weights",
        [1, 2, finest.widthCells, to.width],
        scaledCopies(transposed(columns, to.width, finest.widthCells), factors),
      ),
    ]);
  } else {
    moved = nodes.add("scaled", "Mul", [moved, nodes.float32("factors", [1, 2, 1, 1], [1 / edgeX, 1 / edgeY])]);
  }
  const positions = nodes.add("positions", "Add", [
    moved,
    nodes.float32("centres", [1, 2, to.height, to.width], centresWithin(to, edgeX, edgeY)),
  ]);
  const clipped = nodes.add("clipped", "Clip", [positions, nodes.scalar("low", -1), nodes.scalar("high", 1)]);
  // Plane by plane: a factor a plane is many times faster than one for every second number.
  const inside = nodes.add("inside", "Mul", [clipped, nodes.float32("edges", [1, 2, 1, 1], [edgeX, edgeY])]);
  return nodes.add("grid", "Transpose", [inside], { perm: [0, 2, 3, 1] });
}

/** Where the outermost centre of `count` samples is; not quite 0 for a single one. */
function edge(count: number): number {
  return Math.max(1 - 1 / count, 1e-6);
}

/** Centres of the samples, [2, height, width], the outermost at -1 and 1. */
function centresWithin({ height, width }: SampledMap, edgeX: number, edgeY: number): Float32Array {
  const centre = (index: number, count: number): number => (2 * index + 1) / count - 1;
  return Float32Array.from({ length: 2 * height * width }, (_, at) =>
    at < height * width ? centre(at % width, width) / edgeX : centre(Math.floor(at / width) - height, height) / edgeY,
  );
}
