// What is held moves with the video: luma, optical flow and its chain since each stage fired run on every frame, in front
// of the stages; the warp itself is in the branch that holds. What is remembered is never warped itself, only looked at
// along the whole chain, so that nothing blurs.

import { ClockworkError } from "../errors.ts";
import {
  composeGraph,
  flowGraph,
  flowScale,
  frameLuma,
  gridGraph,
  imageLuma,
  labelWarpGraph,
  motionPrefix,
  pathDims,
  warpGraph,
  type PictureSize,
} from "../motion/index.ts";
import { GraphBuilder, type DType, type Node, type Tensor } from "../onnx/index.ts";
import { conditionOf } from "./clock-graph.ts";
import type { ClockTensor } from "./signal-graph.ts";
import type { MemoryNames } from "./stage-graph.ts";

/** What motion is seen in. */
export type MotionSource =
  /** uint8 RGB [H,W,3]. */
  | { readonly kind: "frame"; readonly name: string }
  /** float32 [1,C,H,W], and what luma from 0 to 1 is made of. */
  | {
      readonly kind: "image";
      readonly name: string;
      readonly weights: readonly number[];
      readonly offset: number;
    };

/** What motion is needed for. */
export interface MotionGraphOptions {
  readonly source: MotionSource;
  readonly size: PictureSize;
  /** Stages that may rest. */
  readonly stages: readonly number[];
  readonly memory: MemoryNames;
  /** Name of the output with labels; `undefined` where the network gives its own tensors. */
  readonly labels: string | undefined;
  readonly shapeOf: (tensor: string) => readonly number[] | undefined;
  readonly dtypeOf: (tensor: string) => DType | undefined;
}

/** Motion as nodes. */
export interface MotionGraph {
  /** Nodes that run on every frame, after the clocks. */
  readonly nodes: readonly Node[];
  readonly initializers: () => ReadonlyMap<string, Tensor>;
  readonly memory: readonly ClockTensor[];
  /** Nodes for the branch that holds a tensor, the last of which puts out `to`; `undefined` for what has no place. */
  readonly moved: (tensor: string, stage: number, to: string) => readonly Node[] | undefined;
}

/** Operator set that brought GridSample. */
export const motionOpset = 16;

/** Last operator set in which GridSample has the form that is written. */
export const lastMotionOpset = 19;

/**
 * Writes flow and what moves along it. Nodes are named `clockwork/motion/...`.
 * @throws ClockworkError `invalid-schedule` where something that is held is neither a map nor without place
 */
export function motionGraph(options: MotionGraphOptions): MotionGraph {
  const { source, size, stages, memory: names } = options;
  const b = new GraphBuilder("motion");
  const scale = flowScale(size);
  const { finest } = scale;
  const seen =
    source.kind === "frame"
      ? frameLuma(b, { frame: source.name, scale })
      : imageLuma(b, { ...source, image: source.name, scale });
  const lumaDims = [1, 1, finest.heightCells, finest.widthCells];
  const memory: ClockTensor[] = [{ tensor: `${motionPrefix}/luma`, dtype: "float32", dims: lumaDims }];
  b.add(names.after(`${motionPrefix}/luma`), "Reshape", [seen, b.int64(`${motionPrefix}/luma/shape`, [4], lumaDims)]);
  const step = flowGraph(b, { now: seen, before: names.before(`${motionPrefix}/luma`), scale });
  const paths = new Map(
    stages.map((stage) => {
      const prefix = `${motionPrefix}/stage${stage}`;
      const tensor = `${prefix}/chain`;
      const path = composeGraph(b, {
        ...step,
        before: names.before(tensor),
        reset: conditionOf(stage),
        scale,
        prefix,
      });
      const dims = pathDims(scale);
      memory.push({ tensor, dtype: "float32", dims });
      b.add(names.after(tensor), "Reshape", [path.path, b.int64(`${tensor}/shape`, [4], dims)]);
      return [stage, path] as const;
    }),
  );
  const root = b.build();
  const initializers = new Map(root.initializers);
  return {
    nodes: root.nodes,
    memory,
    initializers: () => initializers,
    moved(tensor, stage, to) {
      const path = paths.get(stage);
      if (path === undefined) return undefined;
      const prefix = `${motionPrefix}/stage${stage}/${tensor}`;
      const branch = new GraphBuilder("moved");
      const before = names.before(tensor);
      const shape = options.shapeOf(tensor) ?? [];
      if (tensor === options.labels) {
        const moved = labelWarpGraph(branch, { labels: before, dims: shape, flow: path.flow, scale, prefix });
        branch.add(to, "Identity", [moved]);
      } else {
        const map = mapOf(tensor, shape, options.dtypeOf(tensor), size);
        if (map === undefined) return undefined;
        const grid = gridGraph(branch, { flow: path.flow, scale, to: { ...map, kind: "picture" }, prefix });
        const isFloat = options.dtypeOf(tensor) === "float32";
        const floats = isFloat ? before : branch.add(`${prefix}/float`, "Cast", [before], { to: 1 });
        const moved = warpGraph(branch, { map: floats, grid, part: "moved", prefix });
        if (isFloat) branch.add(to, "Identity", [moved]);
        else branch.add(to, "Cast", [moved], { to: float16 });
      }
      const written = branch.build();
      for (const [name, value] of written.initializers) initializers.set(name, value);
      return written.nodes;
    },
  };
}

/** float16 in ONNX. */
const float16 = 10;

/** How far the aspect of a map may be from the picture's: by rounding of a few strides. */
const aspectSlack = 0.15;

/** Size of a map over the picture; `undefined` for what has no place in it, such as a pooled vector. */
function mapOf(
  tensor: string,
  shape: readonly number[],
  dtype: DType | undefined,
  size: PictureSize,
): { readonly height: number; readonly width: number } | undefined {
  const [batch = 0, , height = 0, width = 0] = shape;
  const isFloat = dtype === "float32" || dtype === "float16";
  if (shape.length === 4 && height === 1 && width === 1) return undefined;
  const stretch = (width / height) * (size.heightPx / size.widthPx);
  if (isFloat && shape.length === 4 && batch === 1 && Math.abs(Math.log(stretch)) < aspectSlack)
    return { height, width };
  throw new ClockworkError(
    "invalid-schedule",
    `flow: expected held maps [1,C,H,W] of the picture's shape, got ${tensor} ${dtype ?? ""} [${shape.join(",")}]; ` +
      "try another cut, --stages 1, or the clock without +flow",
  );
}
