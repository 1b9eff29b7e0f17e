// What is held moves with the video: luma, optical flow and its chain since each stage fired run on every frame, in front
// of the stages; the warp itself is in the branch that holds. What is remembered is never warped itself, only looked at
// along the whole chain, so that nothing blurs. Flow may come from outside, too: then luma is there only for what compares
// pictures.

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
import { attributeOf, GraphBuilder, type DType, type Node, type Tensor } from "../onnx/index.ts";
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

/** Where motion is taken from: looked for in the pictures by the graph, or told by the codec of a video. */
export type MotionOrigin = "graph" | "codec";

/** Flow of one frame step. Names of float32 tensors, as `flowGraph` gives them. */
export type StepFlow = Pick<FlowTensors, "flow" | "valid">;

/** What motion is needed for. */
export interface MotionGraphOptions {
  readonly source: MotionSource;
  /** Flow that comes from outside; default: it is looked for in the source. */
  readonly given?: StepFlow;
  /** Size of the pictures that flow is looked for in. */
  readonly size: PictureSize;
  /** Size at which the network runs, whose maps have its shape. */
  readonly network: PictureSize;
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

/** Operator set from which on the mode `bilinear` of GridSample is called `linear`. */
const renamedMotionOpset = 20;

/**
 * Nodes of motion as a later operator set has them, those in branches, too. Up to 19 they are as they were written: the
 * form that all providers know.
 */
export function motionAt(opset: number, nodes: readonly Node[]): readonly Node[] {
  if (opset < renamedMotionOpset) return nodes;
  return nodes.map((node) => {
    const attributes = new Map(
      [...node.attributes].map(([name, attribute]) => [
        name,
        attribute.kind === "graph"
          ? { ...attribute, value: { ...attribute.value, nodes: motionAt(opset, attribute.value.nodes) } }
          : attribute,
      ]),
    );
    const isOurs = node.op === "GridSample" && node.name.startsWith(motionPrefix);
    return { ...node, attributes: isOurs ? attributes.set("mode", attributeOf("linear")) : attributes };
  });
}

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
  readonly #step: StepFlow;
  #luma: string | undefined;
  #lumaBefore: string | undefined;
  /** By stage that may rest: flow to its last firing before this frame, and with this one. */
  readonly #chains = new Map<number, { readonly arriving: string; readonly path: PathTensors }>();
  readonly #pasts = new Map<number, Past>();
  readonly #ages = new Map<number, string>();

  constructor(options: MotionGraphOptions) {
    this.#options = options;
    const { given, size, stages, memory: names } = options;
    const b = this.#before;
    const scale = flowScale(size);
    this.scale = scale;
    this.#step = given ?? flowGraph(b, { now: this.#lumaNow(), before: this.#lumaThen(), scale });
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
    const prefix = prefixOf(stage);
    const chain = this.#chains.get(stage);
    let { flow, valid } = this.#step;
    if (chain !== undefined) {
      const parts = [`${prefix}/arriving/flow`, `${prefix}/arriving/valid`];
      const sizes = b.int64(`${prefix}/arriving/sizes`, [2], [2, 1]);
      b.add(`${prefix}/arriving`, "Split", [chain.arriving, sizes], { axis: 1 }, { outputs: parts });
      [flow = "", valid = ""] = parts;
    }
    const luma = chain === undefined ? this.#lumaThen() : this.#lumaFired(stage);
    const mismatch = mismatchGraph(b, { now: this.#lumaNow(), before: luma, flow, scale: this.scale, prefix });
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
    const { memory: names, labels, shapeOf, dtypeOf, network } = this.#options;
    if (flow === undefined) return undefined;
    const { scale } = this;
    const prefix = `${prefixOf(stage)}/held/${tensor}`;
    const branch = new GraphBuilder("moved");
    const before = names.before(tensor);
    const shape = shapeOf(tensor) ?? [];
    if (tensor === labels) {
      const moved = labelWarpGraph(branch, { labels: before, dims: shape, flow, scale, prefix });
      branch.add(to, "Identity", [moved]);
    } else {
      const map = placeOf(tensor, shape, dtypeOf(tensor), network);
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

  /** Brightness of the current frame; written when it is first asked for. */
  #lumaNow(): string {
    const { source } = this.#options;
    const b = this.#before;
    const { scale } = this;
    this.#luma ??=
      source.kind === "frame"
        ? frameLuma(b, { frame: source.name, scale })
        : imageLuma(b, { ...source, image: source.name, scale });
    return this.#luma;
  }

  /** Brightness of the frame before; kept from when it is first asked for. */
  #lumaThen(): string {
    if (this.#lumaBefore === undefined) {
      this.#keep(this.#before, lumaName, this.#lumaNow(), this.#lumaDims);
      this.#lumaBefore = this.#options.memory.before(lumaName);
    }
    return this.#lumaBefore;
  }

  /** Brightness of the frame on which a stage fired last. */
  #lumaFired(stage: number): string {
    const key = `${prefixOf(stage)}/key`;
    const fired = this.#options.memory.before(key);
    const kept = this.#after.add(`${key}/now`, "Where", [conditionOf(stage), this.#lumaNow(), fired]);
    this.#keep(this.#after, key, kept, this.#lumaDims);
    return fired;
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
