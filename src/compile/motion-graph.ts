// What is held moves with the video: luma, optical flow and its chain since each stage fired run on every frame, in front
// of the stages; the warp itself is in the branch that holds. What is remembered is never warped itself, only looked at
// along the whole chain, so that nothing blurs.

import { ClockworkError } from "../errors.ts";
import {
  arrivingGraph,
  flowGraph,
  flowScale,
  frameLuma,
  gridGraph,
  imageLuma,
  labelWarpGraph,
  mapSize,
  mismatchGraph,
  motionPrefix,
  pathDims,
  restartGraph,
  warpGraph,
  type FlowScale,
  type FlowTensors,
  type PathTensors,
  type PictureSize,
} from "../motion/index.ts";
import type { MotionSignal } from "../clocks/index.ts";
import { GraphBuilder, type DType, type Node, type Tensor } from "../onnx/index.ts";
import { conditionOf } from "./clock-graph.ts";
import { motionSignalGraph } from "./motion-signals.ts";
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

/** Where what a stage made last is now, before it is known whether it fires. Names of float32 tensors. */
export interface Past {
  /** [1, 2, heightCells, widthCells]: from the current frame to that on which it was made. */
  readonly flow: string;
  /** [1, 1, heightCells, widthCells]: share of what led there without leaving the picture. */
  readonly valid: string;
  /** [1, 1, heightCells, widthCells]: difference of luma between the two along the flow. */
  readonly mismatch: string;
}

/** Motion as nodes. */
export interface MotionGraph {
  readonly scale: FlowScale;
  /** Nodes that run on every frame, before the clocks. */
  readonly before: readonly Node[];
  /** Nodes that run on every frame, after the clocks. */
  readonly after: readonly Node[];
  readonly initializers: ReadonlyMap<string, Tensor>;
  readonly memory: readonly ClockTensor[];
  /** Where what a stage made last is now; written when it is asked for. */
  pastOf(stage: number): Past;
  /** Name of a float32 tensor [1]: frames since a stage fired, 1 on the frame after; written when it is asked for. */
  ageOf(stage: number): string;
  /** Name of a float32 tensor [1] with a signal over what a stage holds; written when it is asked for. */
  signalOf(stage: number, signal: MotionSignal): string;
  /** Nodes for the branch that holds a tensor, the last of which puts out `to`; `undefined` for what has no place. */
  moved(tensor: string, stage: number, to: string): readonly Node[] | undefined;
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
  return new MotionWriter(options);
}

/** Name of the brightness of the frame before in memory. */
const lumaName = `${motionPrefix}/luma`;

class MotionWriter implements MotionGraph {
  readonly scale: FlowScale;
  readonly memory: ClockTensor[] = [];
  readonly #options: MotionGraphOptions;
  readonly #before = new GraphBuilder("motion");
  readonly #after = new GraphBuilder("chains");
  readonly #branches = new Map<string, Tensor>();
  readonly #luma: string;
  readonly #step: FlowTensors;
  /** By stage that may rest: flow to its last firing before this frame, and with this one. */
  readonly #chains = new Map<number, { readonly arriving: string; readonly path: PathTensors }>();
  readonly #pasts = new Map<number, Past>();
  readonly #ages = new Map<number, string>();

  constructor(options: MotionGraphOptions) {
    this.#options = options;
    const { source, size, stages, memory: names } = options;
    const b = this.#before;
    const scale = flowScale(size);
    this.scale = scale;
    this.#luma =
      source.kind === "frame"
        ? frameLuma(b, { frame: source.name, scale })
        : imageLuma(b, { ...source, image: source.name, scale });
    this.#keep(b, lumaName, this.#luma, this.#lumaDims);
    this.#step = flowGraph(b, { now: this.#luma, before: names.before(lumaName), scale });
    for (const stage of stages) {
      const prefix = prefixOf(stage);
      const tensor = `${prefix}/chain`;
      const arriving = arrivingGraph(b, { ...this.#step, before: names.before(tensor), scale, prefix });
      const path = restartGraph(this.#after, { arriving, reset: conditionOf(stage), prefix });
      this.#keep(this.#after, tensor, path.path, pathDims(scale));
      this.#chains.set(stage, { arriving, path });
    }
  }

  get before(): readonly Node[] {
    return this.#before.build().nodes;
  }

  get after(): readonly Node[] {
    return this.#after.build().nodes;
  }

  get initializers(): ReadonlyMap<string, Tensor> {
    return new Map([...this.#before.build().initializers, ...this.#after.build().initializers, ...this.#branches]);
  }

  pastOf(stage: number): Past {
    const known = this.#pasts.get(stage);
    if (known !== undefined) return known;
    const b = this.#before;
    const { memory: names } = this.#options;
    const prefix = prefixOf(stage);
    const chain = this.#chains.get(stage);
    let { flow, valid } = this.#step;
    let then = names.before(lumaName);
    if (chain !== undefined) {
      const parts = [`${prefix}/arriving/flow`, `${prefix}/arriving/valid`];
      const sizes = b.int64(`${prefix}/arriving/sizes`, [2], [2, 1]);
      b.add(`${prefix}/arriving`, "Split", [chain.arriving, sizes], { axis: 1 }, { outputs: parts });
      [flow = "", valid = ""] = parts;
      const key = `${prefix}/key`;
      then = names.before(key);
      const kept = this.#after.add(`${key}/now`, "Where", [conditionOf(stage), this.#luma, then]);
      this.#keep(this.#after, key, kept, this.#lumaDims);
    }
    const mismatch = mismatchGraph(b, { now: this.#luma, then, flow, scale: this.scale, prefix });
    const past: Past = { flow, valid, mismatch };
    this.#pasts.set(stage, past);
    return past;
  }

  ageOf(stage: number): string {
    const known = this.#ages.get(stage);
    if (known !== undefined) return known;
    const { memory: names } = this.#options;
    const tensor = `${prefixOf(stage)}/age`;
    const b = this.#before;
    const age = b.add(tensor, "Add", [names.before(tensor), b.float32(`${tensor}/one`, [1], [1])]);
    const after = this.#after;
    after.add(names.after(tensor), "Where", [conditionOf(stage), after.float32(`${tensor}/none`, [1], [0]), age]);
    this.memory.push({ tensor, dtype: "float32", dims: [1] });
    this.#ages.set(stage, age);
    return age;
  }

  signalOf(stage: number, signal: MotionSignal): string {
    const past = this.pastOf(stage);
    const age = signal.kind === "residual" ? this.ageOf(stage) : undefined;
    return motionSignalGraph(this.#before, signal, { ...past, age, scale: this.scale, prefix: prefixOf(stage) });
  }

  moved(tensor: string, stage: number, to: string): readonly Node[] | undefined {
    const flow = this.#chains.get(stage)?.path.flow;
    const { memory: names, labels, shapeOf, dtypeOf, size } = this.#options;
    if (flow === undefined) return undefined;
    const { scale } = this;
    const prefix = `${prefixOf(stage)}/${tensor}`;
    const branch = new GraphBuilder("moved");
    const before = names.before(tensor);
    const shape = shapeOf(tensor) ?? [];
    if (tensor === labels) {
      const moved = labelWarpGraph(branch, { labels: before, dims: shape, flow, scale, prefix });
      branch.add(to, "Identity", [moved]);
    } else {
      const map = placeOf(tensor, shape, dtypeOf(tensor), size);
      if (map === undefined) return undefined;
      const grid = gridGraph(branch, { flow, scale, to: { ...map, kind: "picture" }, prefix });
      const isFloat = dtypeOf(tensor) === "float32";
      const floats = isFloat ? before : branch.add(`${prefix}/float`, "Cast", [before], { to: 1 });
      const moved = warpGraph(branch, { map: floats, grid, part: "moved", prefix });
      if (isFloat) branch.add(to, "Identity", [moved]);
      else branch.add(to, "Cast", [moved], { to: float16 });
    }
    const written = branch.build();
    for (const [name, value] of written.initializers) this.#branches.set(name, value);
    return written.nodes;
  }

  get #lumaDims(): readonly number[] {
    return [1, 1, this.scale.finest.heightCells, this.scale.finest.widthCells];
  }

  /** Hands something on to the next frame. A node between, since nothing goes out under the name it has inside. */
  #keep(b: GraphBuilder, tensor: string, now: string, dims: readonly number[]): void {
    b.add(this.#options.memory.after(tensor), "Reshape", [now, b.int64(`${tensor}/shape`, [dims.length], dims)]);
    this.memory.push({ tensor, dtype: "float32", dims });
  }
}

function prefixOf(stage: number): string {
  return `${motionPrefix}/stage${stage}`;
}

/** float16 in ONNX. */
const float16 = 10;

/** Size of a held map over the picture; `undefined` for what has no place in it, such as a pooled vector. */
function placeOf(
  tensor: string,
  shape: readonly number[],
  dtype: DType | undefined,
  size: PictureSize,
): { readonly height: number; readonly width: number } | undefined {
  const [, , height = 0, width = 0] = shape;
  if (shape.length === 4 && height === 1 && width === 1) return undefined;
  const found = dtype === "float32" || dtype === "float16" ? mapSize(shape, size) : undefined;
  if (found !== undefined) return found;
  throw new ClockworkError(
    "invalid-schedule",
    `flow: expected held maps [1,C,H,W] of the picture's shape, got ${tensor} ${dtype ?? ""} [${shape.join(",")}]; ` +
      "try another cut, --stages 1, or the clock without +flow",
  );
}
