// Maps moved along the motion, as graph nodes: features and scores by bilinear samples, labels by the nearest pixel.
// What comes from outside the picture is what is nearest inside.

import type { GraphBuilder } from "../onnx/index.ts";
import { coveredPx, type FlowScale } from "./levels.ts";
import { MotionNodes, motionPrefix, requireWhole } from "./nodes.ts";
import { interpolation, transposed } from "./resampling.ts";

/** Number of int32 in `Cast`. */
const castToInt32 = 6;

/** Most rows of labels that move as one. */
const mostRows = 8;

/** Features or scores to be moved. */
export interface WarpInputs {
  /** Name of the map, float32 [1, C, height, width]. */
  readonly map: string;
  /** Name of the grid for its size, as `gridGraph` gives it. */
  readonly grid: string;
  /** What follows the prefix in the name of the result. */
  readonly part: string;
  /** Default `clockwork/motion`. */
  readonly prefix?: string;
}

/** A map moved, float32 [1, C, height, width]: one node, named `PREFIX/PART`. */
export function warpGraph(b: GraphBuilder, { map, grid, part, prefix = motionPrefix }: WarpInputs): string {
  return new MotionNodes(b, prefix).sample(part, map, grid);
}

/** Labels to be moved. */
export interface LabelWarpInputs {
  /** Name of the labels: uint8, int32 or any other type, stretched over the whole picture. */
  readonly labels: string;
  /** Their shape: [height, width], or [1, 1, height, width]. */
  readonly dims: readonly number[];
  /** Name of the flow, float32 [1, 2, heightCells, widthCells] of the finest level. */
  readonly flow: string;
  readonly scale: FlowScale;
  /** Default `clockwork/motion`. */
  readonly prefix?: string;
}

/**
 * Labels moved, in their type and shape. Nodes are named `PREFIX/labels/...`.
 *
 * The place of every label is computed and looked up, which is several times faster than GridSample in its mode
 * `nearest`; and computed only for one row in a few, since flow varies little within a cell.
 */
export function labelWarpGraph(b: GraphBuilder, inputs: LabelWarpInputs): string {
  const { labels, dims, flow, scale, prefix = motionPrefix } = inputs;
  const [height = 0, width = 0] = dims.slice(-2);
  requireWhole("height of the labels", height, 1);
  requireWhole("width of the labels", width, 1);
  const nodes = new MotionNodes(b, `${prefix}/labels`);
  const { finest } = scale;
  const covered = coveredPx(finest);
  const spanPx = { x: scale.widthPx / width, y: scale.heightPx / height };
  const rows = Math.max(1, Math.min(mostRows, Math.floor(finest.cellPx / spanPx.y)));
  const blocks = Math.ceil(height / rows);
  const middle = Math.floor(rows / 2);

  // Flow in labels, at the middle row of every block.
  const scaled = nodes.add("scaled", "Mul", [
    flow,
    nodes.float32("factors", [1, 2, 1, 1], [covered.widthPx / 2 / spanPx.x, covered.heightPx / 2 / spanPx.y]),
  ]);
  const down = interpolation(
    { count: finest.heightCells, spanPx: finest.cellPx },
    { count: blocks, spanPx: rows * spanPx.y, startPx: (middle + 0.5 - rows / 2) * spanPx.y },
  );
  const across = interpolation({ count: finest.widthCells, spanPx: finest.cellPx }, { count: width, spanPx: spanPx.x });
  const moved = nodes.add("columns", "MatMul", [
    nodes.add("rows", "MatMul", [nodes.float32("rows/weights", [blocks, finest.heightCells], down), scaled]),
    nodes.float32("columns/weights", [finest.widthCells, width], transposed(across, width, finest.widthCells)),
  ]);
  const [flowX = "", flowY = ""] = nodes.split("split", moved, [1, 1]);

  // With as many rows repeated above and below as a block has, a block that leaves the picture row by row finds the
  // outermost one again; places count from the first of these.
  const centreX = Array.from({ length: width }, (_, column) => column + 0.5);
  const firstRow = Array.from({ length: blocks }, (_, block) => block * rows + rows + 0.5);
  const column = place(nodes, "column", flowX, [1, 1, 1, width], centreX, width - 1);
  const row = place(nodes, "row", flowY, [1, 1, blocks, 1], firstRow, height + rows);
  const first = nodes.add("first", "Add", [
    nodes.add("offset", "Mul", [row, nodes.int32("width", [], [width])]),
    column,
  ]);
  const places = nodes.add("places", "Add", [
    nodes.reshape("blocks", first, [blocks, 1, width]),
    nodes.int32(
      "steps",
      [1, rows, 1],
      Array.from({ length: rows }, (_, index) => index * width),
    ),
  ]);
  const padded = nodes.add(
    "padded",
    "Pad",
    [nodes.reshape("map", labels, [height, width]), nodes.int64("padding", [rows, 0, rows, 0])],
    { mode: "edge" },
  );
  const found = nodes.add(
    "found",
    "GatherElements",
    [nodes.reshape("list", padded, [-1]), nodes.reshape("all", places, [-1])],
    {
      axis: 0,
    },
  );
  if (blocks * rows === height) return nodes.reshape("moved", found, dims);
  const cropped = nodes.add("cropped", "Slice", [
    found,
    nodes.int64("cropped/starts", [0]),
    nodes.int64("cropped/ends", [height * width]),
    nodes.int64("cropped/axes", [0]),
  ]);
  return nodes.reshape("moved", cropped, dims);
}

/** The pixel, int32 from 0 to `last`, that flow from `centres` leads into along one axis. */
function place(
  nodes: MotionNodes,
  part: string,
  flow: string,
  dims: readonly number[],
  centres: readonly number[],
  last: number,
): string {
  const position = nodes.add(`${part}/position`, "Add", [flow, nodes.float32(`${part}/centres`, dims, centres)]);
  const inside = nodes.add(`${part}/inside`, "Clip", [
    position,
    nodes.scalar(`${part}/first`, 0),
    nodes.scalar(`${part}/last`, last + 0.5),
  ]);
  // Cuts off what is behind the point.
  return nodes.add(part, "Cast", [inside], { to: castToInt32 });
}
