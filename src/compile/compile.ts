// Network + plan + schedule -> one ONNX model with clocks, stages that may rest, and memory. This file only joins the
// parts; what each does is in the file of its name.

import { clocksOf, formatSchedule, longestHold, stagesNamedBy, type Schedule } from "../clocks/index.ts";
import { ClockworkError } from "../errors.ts";
import { imageDimsOf, type Network, type Size } from "../network/index.ts";
import {
  GraphIndex,
  namesIn,
  tensorValue,
  upgraded,
  type DType,
  type Graph,
  type Model,
  type Node,
  type Tensor,
} from "../onnx/index.ts";
import { flowScale, lumaWeights } from "../motion/index.ts";
import { defaultPreprocessing, type Preprocessing } from "../preprocessing.ts";
import type { Plan } from "../stages/plan.ts";
import { membersOf } from "../stages/region.ts";
import { blendedGraph } from "./blend-graph.ts";
import { clockGraph, conditionOf } from "./clock-graph.ts";
import { imageGraph, labelGraph } from "./frame-graph.ts";
import { pipelineGraph } from "./pipeline-graph.ts";
import { motionAt, motionGraph, motionOpset, type MotionOrigin, type MotionSource } from "./motion-graph.ts";
import { metadataKey, protocolOf, type Io, type MotionPorts, type PortDescription, type Protocol } from "./protocol.ts";
import { scopesOf, type Level } from "./scopes.ts";
import { shotGraph, type ShotSource } from "./shot-graph.ts";
import { signalSourceOf } from "./signal-source.ts";
import { stageGraph, type MemoryNames } from "./stage-graph.ts";
import { tapsOf } from "./taps.ts";

/** How to compile. */
export type CompileOptions = {
  readonly schedule: Schedule;
  readonly classNames?: readonly string[] | undefined;
  /**
   * Tensors of the network or of the clock that come out, too, under their own names: what a tuner records. Those that
   * are computed whether or not a stage rests.
   */
  readonly taps?: readonly string[];
  /** Whether everything fires at a change of shot; default true. A camera that moves very fast may be taken for one. */
  readonly shots?: boolean;
  /**
   * Where a schedule that flows takes motion from; default `graph`, which looks for it in the pictures. With `codec` it is
   * fed on every run: the inputs `motion` and `motion-valid`, which the protocol describes.
   */
  readonly motion?: MotionOrigin;
} & (
  | {
      /** Frames in, labels out: uint8 RGB [H,W,3] -> uint8 [H,W]. */
      readonly io: "frames";
      readonly preprocessing: Preprocessing;
      /** Size of the frames and of the labels; default: the network's. */
      readonly frame?: Size;
    }
  | {
      /** The network's own tensors in and out. */
      readonly io: "tensors";
      /** How the image tensor was made, where that is known: it tells noise from contrast. */
      readonly preprocessing?: Preprocessing;
    }
);

/** A compiled network. */
export interface Compiled {
  readonly model: Model;
  readonly protocol: Protocol;
}

/** Least version of the file format that goes with the operator set of motion. */
const motionIrVersion = 8;

/** Least operator set of the standard domain that has what compiling adds. */
const leastOpset = 11;

/**
 * Compiles a network.
 * @throws ClockworkError `invalid-schedule` where the schedule does not fit the plan, and where motion is to come from a
 *   codec and nothing flows, `unsupported-model` for operator sets before 11 and (for frames) more than 256
 *   classes, `invalid-argument` for taps that cannot come out
 */
export function compile(network: Network, plan: Plan, options: CompileOptions): Compiled {
  const opset = network.model.opsets.get("") ?? 0;
  if (opset < leastOpset) {
    throw new ClockworkError(
      "unsupported-model",
      `compile: expected operator set ${leastOpset} or later, got ${opset}; try exporting the network with opset 17`,
    );
  }
  const wanted = stagesNamedBy(options.schedule);
  if (wanted !== undefined && wanted !== plan.stages.length) {
    const [why] = plan.notes;
    throw new ClockworkError(
      "invalid-schedule",
      `clock: expected one period for each of the ${plan.stages.length} stages of the plan, got ` +
        `"${formatSchedule(options.schedule)}"${why === undefined ? "" : ` (${why})`}`,
    );
  }
  const delays = options.schedule.kind === "pipeline";
  if (delays && plan.stages.length === 1) {
    const [why] = plan.notes;
    throw new ClockworkError(
      "invalid-schedule",
      `clock: pipeline expects a plan of two stages or more, got one${why === undefined ? "" : ` (${why})`}; try every`,
    );
  }
  const source = signalSourceOf(network, plan, options.schedule);
  const clocks = clocksOf(options.schedule, plan.stages.length);
  const names = namesFor(network.model.graph, options.io === "frames");
  const frame = options.io === "frames" ? (options.frame ?? network.size) : network.size;
  const flows = options.schedule.propagate === "flow";
  if (options.motion === "codec" && !flows) {
    throw new ClockworkError(
      "invalid-schedule",
      `motion: expected a clock that flows for motion of a codec, got "${formatSchedule(options.schedule)}"; ` +
        "try fixed:5+flow",
    );
  }
  const model = flows ? upgraded(network.model, motionOpset) : network.model;
  const whole = withFrames(network, model.graph, options, names, frame);

  const remembers = delays || flows || clocks.some((clock) => clock.kind !== "every");
  const shot =
    remembers && options.shots !== false
      ? shotGraph(
          {
            name: whole.input,
            dtype: whole.imageDtype,
            dims: whole.imageDims,
            axes: imageAxes(network, options.io),
            level: whole.imageDtype === "uint8" ? 1 : greyLevel(options.preprocessing),
          },
          names,
          names.shot,
        )
      : undefined;
  const given = options.motion === "codec" ? motionPorts(frame, names) : undefined;
  const motion = flows
    ? motionGraph({
        source: motionSource(network, options, whole.input),
        ...(given !== undefined && { given: { flow: given.flow.name, valid: given.valid.name } }),
        size: frame,
        network: network.size,
        stages: plan.stages.flatMap((stage, depth) => (clocks[depth]?.kind === "every" ? [] : [stage.index])),
        memory: names,
        labels: options.io === "frames" ? names.labels : undefined,
        shapeOf: (tensor) => whole.shapes.get(tensor) ?? network.shapeOf(tensor),
        dtypeOf: (tensor) => whole.dtypes.get(tensor) ?? network.dtypeOf(tensor),
      })
    : undefined;
  const clock = clockGraph({
    clocks,
    source,
    longestHold: longestHold(options.schedule),
    shapeOf: (tensor) => network.shapeOf(tensor),
    dtypeOf: (tensor) => network.dtypeOf(tensor),
    ...(motion !== undefined && { motionSignal: (signal) => motion.signalOf(plan.stages.length, signal) }),
    memory: names,
    restarts: [names.reset, ...(shot === undefined ? [] : [names.shot])],
    fired: names.fired,
    signal: names.signal,
  });
  const pipeline = delays ? pipelineGraph(whole.graph, network, plan, names, clock.restart) : undefined;
  const mixed =
    motion &&
    blendedGraph(whole.graph, {
      network,
      plan,
      schedule: options.schedule,
      clocks,
      motion,
      memory: names,
      restart: clock.restart,
    });
  const index = new GraphIndex(mixed?.graph ?? pipeline?.graph ?? whole.graph);

  const shapeOf = (tensor: string): readonly number[] | undefined =>
    whole.shapes.get(tensor) ?? (tensor === mixed?.kept.tensor ? mixed.kept.dims : network.shapeOf(tensor));
  const dtypeOf = (tensor: string): DType | undefined =>
    whole.dtypes.get(tensor) ?? (tensor === mixed?.kept.tensor ? mixed.kept.dtype : network.dtypeOf(tensor));
  const data = index.reach([whole.input]);
  const levels = plan.stages.flatMap((stage, depth): Level[] => {
    if (clocks[depth]?.kind === "every") return [];
    // By what they put out: a node that was rewritten is another object.
    const made = new Set(membersOf(stage.nodes).flatMap((position) => network.index.node(position).outputs));
    if (mixed !== undefined && made.has(mixed.tensor)) for (const name of mixed.made) made.add(name);
    const isMember = (node: Node): boolean => depth === 0 || node.outputs.some((name) => name !== "" && made.has(name));
    return [{ stage: stage.index, nodes: Uint8Array.from(index.nodes, (node) => (isMember(node) ? 1 : 0)) }];
  });
  const scopes = scopesOf(index, data, levels);
  const staged = stageGraph({
    index,
    scopes,
    memory: names,
    condition: conditionOf,
    dtypeOf,
    shapeOf,
    ...(motion !== undefined && {
      moved: (tensor, stage, to) => (tensor === mixed?.kept.tensor ? undefined : motion.moved(tensor, stage, to)),
    }),
    ...(mixed !== undefined && { carried: [mixed.kept.tensor] }),
    clock: [...(shot?.nodes ?? []), ...(motion?.before ?? []), ...clock.nodes, ...(motion?.after ?? [])],
  });

  const describe = (name: string): PortDescription => ({
    name,
    dtype: dtypeOf(name) ?? "undefined",
    shape: shapeOf(name) ?? [],
  });
  const state = [
    ...staged.held.map(({ tensor }) => ({
      tensor,
      dtype: dtypeOf(tensor) ?? "undefined",
      dims: shapeOf(tensor) ?? [],
    })),
    ...(pipeline?.memory ?? []),
    ...clock.memory,
    ...(shot?.memory ?? []),
    ...(motion?.memory ?? []),
  ].map(({ tensor, dtype, dims }) => ({ input: names.before(tensor), output: names.after(tensor), dtype, dims }));
  const taps = tapsOf(options.taps ?? [], { network, index, scopes, clock: clock.tensors });
  const protocol = protocolOf({
    io: options.io,
    schedule: formatSchedule(options.schedule),
    frame,
    network: network.size,
    stages: plan.stages.map((stage) => ({ index: stage.index, macs: stage.macs })),
    ...(options.classNames !== undefined && { classNames: options.classNames }),
    inputs: {
      image: { name: whole.input, dtype: whole.imageDtype, shape: whole.imageDims },
      reset: { name: names.reset, dtype: "bool", shape: [1] },
      ...(given !== undefined && { motion: given }),
    },
    outputs: {
      results: whole.graph.outputs.map(({ name }) => describe(name)),
      fired: { name: names.fired, dtype: "bool", shape: [plan.stages.length] },
      ...(clock.hasSignal && { signal: { name: names.signal, dtype: "float32" as const, shape: [1] } }),
      ...(shot !== undefined && { shot: { name: names.shot, dtype: "bool" as const, shape: [1] } }),
      ...(taps.length > 0 && { taps }),
    },
    state,
  });
  const value = ({ name, dtype, shape }: PortDescription) => tensorValue(name, dtype, shape);
  const { outputs } = protocol;
  const isResult = new Set(outputs.results.map(({ name }) => name));
  const graph: Graph = {
    ...model.graph,
    nodes: flows ? motionAt(opset, staged.nodes) : staged.nodes,
    inputs: [
      value(protocol.inputs.image),
      value(protocol.inputs.reset),
      ...(given === undefined ? [] : [value(given.flow), value(given.valid)]),
      ...state.map((link) => tensorValue(link.input, link.dtype, link.dims)),
    ],
    outputs: [
      ...outputs.results.map(value),
      value(outputs.fired),
      ...(outputs.signal === undefined ? [] : [value(outputs.signal)]),
      ...(outputs.shot === undefined ? [] : [value(outputs.shot)]),
      // What comes out anyway comes out once.
      ...taps.filter(({ name }) => !isResult.has(name)).map(value),
      ...state.map((link) => tensorValue(link.output, link.dtype, link.dims)),
    ],
    initializers: new Map([
      ...staged.initializers,
      ...clock.initializers,
      ...(shot?.initializers ?? []),
      ...(motion?.initializers ?? []),
    ]),
    values: [],
  };
  return {
    model: {
      ...model,
      // Before version 4 every initializer had to be an input, which those in branches cannot be.
      irVersion: Math.max(flows ? motionIrVersion : 4, model.irVersion),
      graph,
      metadata: new Map([...network.model.metadata, [metadataKey, JSON.stringify(protocol)]]),
    },
    protocol,
  };
}

/** Names that a compiled network gives to its in- and outputs. */
interface Names extends MemoryNames {
  readonly image: string;
  readonly labels: string;
  readonly reset: string;
  readonly fired: string;
  readonly signal: string;
  readonly shot: string;
  readonly motion: string;
  readonly motionValid: string;
}

/** Short names where the network does not use them itself. */
function namesFor(graph: Graph, frames: boolean): Names {
  const taken = namesIn(graph);
  const free = (name: string): string => (taken.has(name) ? `clockwork/${name}` : name);
  const image = frames
    ? free("frame")
    : (graph.inputs.find((input) => !graph.initializers.has(input.name))?.name ?? "");
  return {
    image,
    labels: free("labels"),
    reset: free("reset"),
    fired: free("fired"),
    signal: free("signal"),
    shot: free("shot"),
    motion: free("motion"),
    motionValid: free("motion-valid"),
    before: (tensor) => free(`state/${tensor}`),
    after: (tensor) => free(`next/${tensor}`),
  };
}

/** What one of 256 grey levels is in an image tensor; without preprocessing, as for values from 0 to 1 or -2 to 2. */
function greyLevel(preprocessing: Preprocessing | undefined): number {
  if (preprocessing === undefined) return 1 / 115;
  const { scale, std } = preprocessing;
  return std.reduce((sum, deviation) => sum + scale / deviation, 0) / Math.max(1, std.length) || scale;
}

/** Inputs for motion that a codec tells. */
function motionPorts(frame: Size, names: Names): MotionPorts {
  const { heightCells, widthCells, cellPx } = flowScale(frame).finest;
  return {
    flow: { name: names.motion, dtype: "float32", shape: [1, 2, heightCells, widthCells] },
    valid: { name: names.motionValid, dtype: "float32", shape: [1, 1, heightCells, widthCells] },
    cellPx,
  };
}

/** What motion is seen in: the frame, or the image tensor as it was normalised. */
function motionSource(network: Network, options: CompileOptions, name: string): MotionSource {
  if (options.io === "frames") return { kind: "frame", name };
  const { layout, dtype } = network.input;
  const preprocessing = options.preprocessing ?? defaultPreprocessing();
  if (layout !== "nchw" || dtype !== "float32") {
    throw new ClockworkError(
      "invalid-schedule",
      `flow: expected an image float32 [1,3,H,W] with io tensors, got ${dtype} ${layout}; try io frames`,
    );
  }
  return { kind: "image", name, ...lumaWeights({ ...preprocessing, order: preprocessing.channelOrder }) };
}

/** Axes of the image that goes into a compiled network. */
function imageAxes(network: Network, io: Io): ShotSource["axes"] {
  if (io === "frames") return { rows: 0, columns: 1, channels: 2 };
  return network.input.layout === "nchw" ? { rows: 2, columns: 3, channels: 1 } : { rows: 1, columns: 2, channels: 3 };
}

interface Whole {
  readonly graph: Graph;
  /** Name of the image input. */
  readonly input: string;
  readonly imageDims: readonly number[];
  readonly imageDtype: DType;
  /** Shapes and types of results that the network itself does not have. */
  readonly shapes: ReadonlyMap<string, readonly number[]>;
  readonly dtypes: ReadonlyMap<string, DType>;
}

/** The network with what comes before and after it. */
function withFrames(network: Network, graph: Graph, options: CompileOptions, names: Names, frame: Size): Whole {
  if (options.io === "tensors") {
    return {
      graph,
      input: network.input.name,
      imageDims: imageDimsOf(network),
      imageDtype: network.input.dtype,
      shapes: new Map(),
      dtypes: new Map(),
    };
  }
  const before = imageGraph(network, options.preprocessing, names.image, frame);
  const after = labelGraph(network, names.labels, frame);
  const imageDims = [frame.heightPx, frame.widthPx, 3];
  const labelDims = [frame.heightPx, frame.widthPx];
  const initializers: [string, Tensor][] = [...graph.initializers, ...before.initializers, ...after.initializers];
  return {
    graph: {
      ...graph,
      nodes: [...before.nodes, ...graph.nodes, ...after.nodes],
      inputs: [tensorValue(names.image, "uint8", imageDims)],
      outputs: [tensorValue(names.labels, "uint8", labelDims)],
      initializers: new Map(initializers),
    },
    input: names.image,
    imageDims,
    imageDtype: "uint8",
    shapes: new Map([[names.labels, labelDims]]),
    dtypes: new Map([[names.labels, "uint8"]]),
  };
}
