// Where fresh scores are mixed with what moved in, and the network with that mixture in it: between the node that makes
// the scores and all that read them, so that it rests when they do.

import { blendAt, type Clock, type Schedule } from "../clocks/index.ts";
import { ClockworkError } from "../errors.ts";
import { blendGraph, keptDims, mapSize } from "../motion/index.ts";
import type { Network } from "../network/index.ts";
import {
  GraphBuilder,
  intAttribute,
  intsAttribute,
  stringAttribute,
  tensorValue,
  type Graph,
  type Node,
} from "../onnx/index.ts";
import type { Plan } from "../stages/plan.ts";
import type { MotionGraph } from "./motion-graph.ts";
import { renamed } from "./rename.ts";
import type { ClockTensor } from "./signal-graph.ts";
import type { MemoryNames } from "./stage-graph.ts";

/** Scores that can be mixed. */
export interface BlendPoint {
  readonly tensor: string;
  readonly dims: readonly [1, number, number, number];
  readonly dtype: "float32" | "float16";
}

/**
 * Operators that hand scores on as they are, up to their size, order and scale. Learned upsampling is among them: it is
 * linear, so that mixing before or behind it is the same where weights vary little.
 */
const handing: ReadonlySet<string> = new Set([
  "Cast",
  "ConvTranspose",
  "Dropout",
  "Identity",
  "LogSoftmax",
  "Reshape",
  "Resize",
  "Sigmoid",
  "Softmax",
  "Squeeze",
  "Unsqueeze",
  "Upsample",
]);

/**
 * The smallest map of scores on the straight way to a network's result: before what only resizes it or chooses labels.
 * `undefined` where there is none that has a place in the picture.
 */
export function blendPointOf(network: Network): BlendPoint | undefined {
  const { index, output } = network;
  let tensor = output.name;
  /** Axis of the classes; `undefined` before it is known which scores labels are chosen from. */
  let axis = output.kind === "labels" ? undefined : output.layout === "nchw" ? 1 : 3;
  let point: BlendPoint | undefined;
  for (;;) {
    if (axis === 1) {
      const found = pointAt(network, tensor);
      if (found !== undefined && (point === undefined || elements(found) <= elements(point))) point = found;
    }
    const producer = index.producerOf(tensor);
    if (producer === undefined || (tensor !== output.name && index.consumersOf(tensor).length > 1)) return point;
    const node = index.node(producer);
    const from = node.inputs[0] ?? "";
    if (node.op === "ArgMax" && axis === undefined) axis = chosenAxis(node, network.shapeOf(from) ?? []);
    else if (node.op === "Transpose" && axis !== undefined) axis = intsAttribute(node, "perm")?.[axis];
    else if (!handing.has(node.op) || isCoarse(node)) return point;
    else if (node.op === "Reshape" && !keepsPlanes(network, from, tensor)) return point;
    if (axis === undefined && output.kind !== "labels") return point;
    tensor = from;
  }
}

/** Axis of a map [1, C, H, W] or [1, H, W, C] that labels are chosen along; `undefined` for any other. */
function chosenAxis(node: Node, shape: readonly number[]): number | undefined {
  const axis = intAttribute(node, "axis", 0);
  const found = axis < 0 ? axis + shape.length : axis;
  return shape.length === 4 && (found === 1 || found === 3) ? found : undefined;
}

/** Whether a reshape leaves channels, rows and columns as they are. */
function keepsPlanes(network: Network, from: string, to: string): boolean {
  const [before, after] = [from, to].map((tensor) => (network.shapeOf(tensor) ?? []).filter((length) => length !== 1));
  return before?.join() === after?.join();
}

/** Whether a node takes the nearest sample, so that what is before it is another map than what is behind. */
function isCoarse(node: Node): boolean {
  return (node.op === "Resize" || node.op === "Upsample") && stringAttribute(node, "mode", "nearest") === "nearest";
}

function pointAt(network: Network, tensor: string): BlendPoint | undefined {
  const dtype = network.dtypeOf(tensor);
  const dims = network.shapeOf(tensor) ?? [];
  const size = mapSize(dims, network.size);
  if (!network.isData(tensor) || size === undefined || (dtype !== "float32" && dtype !== "float16")) return undefined;
  return { tensor, dtype, dims: [1, dims[1] ?? 0, size.height, size.width] };
}

function elements({ dims: [, channels, height, width] }: BlendPoint): number {
  return channels * height * width;
}

/** What the mixture is made from. */
export interface BlendOptions {
  readonly network: Network;
  readonly plan: Plan;
  readonly schedule: Schedule;
  /** Clock of every stage, shallowest first. */
  readonly clocks: readonly Clock[];
  readonly motion: MotionGraph;
  readonly memory: MemoryNames;
  /** Name of the bool tensor [1] that tells of a restart. */
  readonly restart: string;
}

/** A graph whose scores are mixed. */
export interface BlendedGraph {
  readonly graph: Graph;
  /** The scores. */
  readonly tensor: string;
  /** What is kept from one mixture to the next. */
  readonly kept: ClockTensor;
  /** Tensors that are made together with the scores. */
  readonly made: readonly string[];
}

/**
 * Puts the mixture behind the node that makes the scores; `undefined` where the schedule has none. Nodes are named
 * `clockwork/motion/blend/...`.
 * @param graph the network's graph, with what is around it
 * @throws ClockworkError `invalid-schedule` where the schedule asks for it and there are no scores to mix
 */
export function blendedGraph(graph: Graph, options: BlendOptions): BlendedGraph | undefined {
  const { network, plan, schedule, clocks, motion, memory } = options;
  const point = blendPointOf(network);
  if (point === undefined) {
    const hasOtherUse = clocks.some(({ kind }) => kind !== "every");
    if (hasOtherUse && (schedule.blend ?? 0) === 0) return undefined;
    throw new ClockworkError(
      "invalid-schedule",
      `flow: expected a map of scores [1,C,H,W] that can be blended on the way to "${network.output.name}", got none; ` +
        `try ${hasOtherUse ? "the schedule without blend" : "every"}`,
    );
  }
  const { tensor, dims, dtype } = point;
  const b = new GraphBuilder("blend");
  const producer = network.index.producerOf(tensor) ?? -1;
  const depth = plan.stages.findLastIndex(({ nodes }) => nodes[producer] === 1);
  const stage = depth + 1;
  const share = shareGraph(b, { ...options, stage });
  if (share === undefined) return undefined;

  const fresh = `${tensor}@fresh`;
  const isFloat = dtype === "float32";
  const mixed = isFloat ? tensor : `${tensor}@mixed`;
  const before = memory.before(keptName);
  blendGraph(b, {
    ...motion.pastOf(stage),
    fresh: isFloat ? fresh : b.add(`${fresh}/float`, "Cast", [fresh], { to: castTo.float32 }),
    dims,
    before,
    share,
    scale: motion.scale,
    kept: keptName,
    to: mixed,
  });
  if (!isFloat) b.add(tensor, "Cast", [mixed], { to: castTo.float16 });
  const written = b.build();
  const names = new Map([[tensor, fresh]]);
  const made = [fresh, ...written.nodes.flatMap((node) => node.outputs)];
  // What memory, motion and clocks bring comes from outside of the network's graph.
  const known = new Set([...made, ...written.initializers.keys()]);
  const outer = new Set(written.nodes.flatMap((node) => node.inputs).filter((name) => name !== "" && !known.has(name)));
  return {
    graph: {
      ...graph,
      nodes: graph.nodes.flatMap((node) =>
        node.outputs.includes(tensor) ? [{ ...renamed(node, names), name: fresh }, ...written.nodes] : [node],
      ),
      initializers: new Map([...graph.initializers, ...written.initializers]),
      inputs: [...graph.inputs, ...[...outer].map((name) => tensorValue(name, "float32", undefined))],
    },
    tensor,
    kept: { tensor: keptName, dtype: "float32", dims: keptDims(dims) },
    made,
  };
}

/** What is kept of scores. */
const keptName = "clockwork/motion/blend/kept";

/** Share of what moved in: none after a restart, less the longer the stage held. `undefined` where it is always none. */
function shareGraph(
  b: GraphBuilder,
  { schedule, clocks, stage, motion, restart }: BlendOptions & { readonly stage: number },
): string | undefined {
  const name = "clockwork/motion/blend/share-of-past";
  const none = (): string => b.float32(`${name}/none`, [1], [0]);
  const frames = steadyGap(clocks.slice(Math.max(0, stage - 1)));
  if (frames !== undefined) {
    const share = blendAt(schedule, frames);
    return share === 0 ? undefined : b.add(name, "Where", [restart, none(), b.float32(`${name}/full`, [1], [share])]);
  }
  // The same formula in the graph: a line through its values after one and two frames, down to zero.
  const first = blendAt(schedule, 1);
  if (first === 0) return undefined;
  const slope = blendAt(schedule, 2) - first;
  const past = b.add(`${name}/past`, "Mul", [motion.ageOf(stage), b.float32(`${name}/slope`, [1], [slope])]);
  const line = b.add(`${name}/line`, "Add", [past, b.float32(`${name}/start`, [1], [first - slope])]);
  return b.add(name, "Where", [restart, none(), b.add(`${name}/aged`, "Relu", [line])]);
}

/** Frames from one firing of a stage to the next, where that is always the same: a stage fires with deeper ones, too. */
function steadyGap([own = { kind: "every" }, ...deeper]: readonly Clock[]): number | undefined {
  if (own.kind === "every") return 1;
  if (own.kind === "adaptive") return undefined;
  const isSteady = deeper.every((clock) => clock.kind === "period" && clock.frames % own.frames === 0);
  return isSteady ? own.frames : undefined;
}

/** Numbers of types in `Cast`. */
const castTo = { float32: 1, float16: 10 } as const;
