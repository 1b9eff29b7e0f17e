// What is run everywhere and compared: flow, chain and warp by themselves, and whole compiled networks, each over the
// frames of a scene that moves.

import { parseSchedule } from "../../src/clocks/index.ts";
import { compile } from "../../src/compile/compile.ts";
import type { EngineTensor, StateLink } from "../../src/engine/engine.ts";
import {
  composeGraph,
  flowGraph,
  flowScale,
  frameLuma,
  gridGraph,
  labelWarpGraph,
  pathDims,
  warpGraph,
  type FlowOptions,
} from "../../src/motion/index.ts";
import { GraphBuilder, modelOf, writeModel, type Model } from "../../src/onnx/index.ts";
import { defaultPreprocessing } from "../../src/preprocessing.ts";
import { fitNetwork } from "../../src/network/index.ts";
import { planOf } from "../../src/stages/plan.ts";
import { MovingScene, still, type Extent } from "../motion/moving-scene.ts";
import { localEngine } from "../support/runtime.ts";

/** A graph with memory and the frames that it is fed with. Made of plain data: it goes to other processes. */
export interface Stream {
  readonly name: string;
  readonly model: Uint8Array;
  /** Names of the inputs. */
  readonly image: string;
  readonly reset: string;
  readonly state: readonly StateLink[];
  /** Names of the outputs that are compared. */
  readonly compared: readonly string[];
  readonly frames: readonly EngineTensor[];
}

/** Outputs of a frame by name. */
export type FrameResult = Readonly<
  Record<string, { readonly dims: readonly number[]; readonly data: ArrayLike<number | bigint> }>
>;

/** What came out. */
export interface Drive {
  readonly frames: readonly FrameResult[];
  /** Where the last frame's memory was, by output: `cpu`, `gpu-buffer`. */
  readonly locations: Readonly<Record<string, string>>;
}

/** Frames of a scene that drifts, comes closer and turns. */
function movingFrames(size: Extent, count: number): EngineTensor[] {
  const scene = new MovingScene(11, size.widthPx);
  return Array.from({ length: count }, (_, time) =>
    scene.frame(size, {
      ...still,
      shiftX: (size.widthPx / 60) * time,
      shiftY: -(size.heightPx / 80) * time,
      zoom: 1.01 ** time,
      turnRad: 0.005 * time,
    }),
  );
}

/**
 * Flow, its chain, and a map and labels that are moved along it. The chain starts anew with the first frame only; what is
 * moved is the first frame's: luma at an odd size of its own, and one of eight levels of brightness for every pixel.
 */
export function motionStream(size: Extent, count: number, options?: FlowOptions): Stream {
  const scale = options === undefined ? flowScale(size) : flowScale(size, options);
  const b = new GraphBuilder("motion");
  const { heightCells, widthCells } = scale.finest;
  const frame = b.input("frame", "uint8", [size.heightPx, size.widthPx, 3]);
  const reset = b.input("reset", "bool", [1]);
  const lumaDims = [1, 1, heightCells, widthCells];
  const mapDims = [1, 1, 19, 27];
  const labelDims = [size.heightPx, size.widthPx];
  const state: StateLink[] = [
    { input: "luma-before", output: "luma", dtype: "float32", dims: lumaDims },
    { input: "path-before", output: "path", dtype: "float32", dims: pathDims(scale) },
    { input: "map-before", output: "map", dtype: "float32", dims: mapDims },
    { input: "labels-before", output: "labels", dtype: "uint8", dims: labelDims },
  ];
  for (const { input, dtype, dims } of state) b.input(input, dtype, dims);
  const now = frameLuma(b, { frame, scale });
  const step = flowGraph(b, { now, before: "luma-before", scale, ...(options !== undefined && { options }) });
  const path = composeGraph(b, { ...step, before: "path-before", reset, scale });
  const fresh = b.add("fresh", "Resize", [now, "", "", b.int64("fresh/size", [4], mapDims)], { mode: "linear" });
  const map = b.add("map", "Where", [reset, fresh, "map-before"]);
  const green = b.add("green", "Gather", [frame, b.int64("green/at", [1], [1])], { axis: 2 });
  const levels = b.add("levels", "Div", [
    b.add("numbers", "Cast", [b.add("plane", "Reshape", [green, b.int64("plane/shape", [2], labelDims)])], { to: 1 }),
    b.float32("level", [], [32]),
  ]);
  const brightness = b.add("brightness", "Cast", [levels], { to: 2 });
  const labels = b.add("labels", "Where", [reset, brightness, "labels-before"]);
  const grid = gridGraph(b, { flow: path.flow, scale, to: { height: 19, width: 27, kind: "picture" } });
  const movedMap = warpGraph(b, { map, grid, part: "moved" });
  const movedLabels = labelWarpGraph(b, { labels, dims: labelDims, flow: path.flow, scale });
  const put = (name: string, tensor: string, dtype: "float32" | "uint8"): void =>
    b.output(name === tensor ? name : b.add(name, "Identity", [tensor]), dtype, undefined);
  put("luma", now, "float32");
  put("path", path.path, "float32");
  put("map", map, "float32");
  put("labels", labels, "uint8");
  put("flow", step.flow, "float32");
  put("residual", step.residual(), "float32");
  put("moved-map", movedMap, "float32");
  put("moved-labels", movedLabels, "uint8");
  return {
    name: "flow, chain and warp",
    model: writeModel(modelOf(b.build(), 16)).bytes,
    image: "frame",
    reset: "reset",
    state,
    compared: ["luma", "flow", "residual", "path", "moved-map", "moved-labels"],
    frames: movingFrames(size, count),
  };
}

/** How a network is run. */
export interface NetworkRun {
  readonly name: string;
  readonly network: Model;
  readonly clock: string;
  readonly stages: number;
  readonly io: "frames" | "tensors";
  readonly shots: boolean;
}

/** A compiled network; compared are its results, what fired, its signal, and everything that flow remembers. */
export async function networkStream(run: NetworkRun, size: Extent, count: number): Promise<Stream> {
  const { name, network, clock, stages, io, shots } = run;
  const fitted = await fitNetwork(network, { size, engine: localEngine });
  const preprocessing = defaultPreprocessing();
  const { model, protocol } = compile(fitted, planOf(fitted, { stages }), {
    ...(io === "frames" ? { io, preprocessing, frame: size } : { io, preprocessing }),
    schedule: parseSchedule(clock),
    shots,
  });
  const frames = movingFrames(size, count);
  const { outputs } = protocol;
  return {
    name,
    model: writeModel(model).bytes,
    image: protocol.inputs.image.name,
    reset: protocol.inputs.reset.name,
    state: protocol.state,
    compared: [
      ...outputs.results.map((port) => port.name),
      outputs.fired.name,
      ...(outputs.signal === undefined ? [] : [outputs.signal.name]),
      ...(outputs.shot === undefined ? [] : [outputs.shot.name]),
      ...protocol.state.flatMap(({ output }) => (output.includes("/motion/") ? [output] : [])),
    ],
    frames: io === "frames" ? frames : frames.map((frame) => planesOf(frame, size)),
  };
}

/** A frame as the default preprocessing has it. */
function planesOf(frame: EngineTensor, { widthPx, heightPx }: Extent): EngineTensor {
  const { scale, mean, std } = defaultPreprocessing();
  const count = widthPx * heightPx;
  const data = Float32Array.from({ length: 3 * count }, (_, at) => {
    const channel = Math.floor(at / count);
    return (scale * Number(frame.data[3 * (at % count) + channel]) - (mean[channel] ?? 0)) / (std[channel] ?? 1);
  });
  return { dtype: "float32", dims: [1, 3, heightPx, widthPx], data };
}
