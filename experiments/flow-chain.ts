// The motion graph by itself on ONNX Runtime, one thread: frames in, flow and labels moved along it out. Not a segmenter:
// no network is run.

import * as ort from "onnxruntime-node";
import type { Frame, LabelMap } from "../src/index.ts";
import {
  composeGraph,
  coveredPx,
  defaultFlowOptions,
  flowGraph,
  flowScale,
  frameLuma,
  labelWarpGraph,
  pathDims,
  type FlowLevel,
  type FlowOptions,
  type FlowScale,
  type PictureSize,
} from "../src/motion/index.ts";
import { GraphBuilder, modelOf, writeModel, type Graph } from "../src/onnx/index.ts";

/** Options that cost half as much: cells of 6 px at 480x360, from those of 24 px on. */
export const coarserOptions: FlowOptions = { ...defaultFlowOptions, finestCells: 80, coarsestCells: 20 };

/** What is known after a frame; maps have the finest level's cells, row by row. */
export interface ChainStep {
  /** Halves of the covered extent, x then y: back to the frame of the last start. */
  readonly path: ort.Tensor;
  /** Share of what leads there without leaving the picture. */
  readonly valid: Float32Array;
  /** Luma 0..1 that the last step leaves unexplained. */
  readonly residual: Float32Array;
  readonly milliseconds: number;
}

/** Opens a graph on one thread. */
export async function openOnOneThread(graph: Graph): Promise<ort.InferenceSession> {
  return ort.InferenceSession.create(writeModel(modelOf(graph, 16)).bytes, { intraOpNumThreads: 1 });
}

/** A frame as the graph takes it. */
export function frameTensor({ data, widthPx, heightPx }: Frame): ort.Tensor {
  return new ort.Tensor("uint8", data, [heightPx, widthPx, 3]);
}

/** Luma, flow and chain of one frame. Inputs `frame`, `before`, `chain`, `reset`; outputs `luma`, `path`, `residual`. */
export function chainGraph(scale: FlowScale, options: FlowOptions = defaultFlowOptions): Graph {
  const { heightCells, widthCells } = scale.finest;
  const b = new GraphBuilder("chain");
  const now = frameLuma(b, { frame: b.input("frame", "uint8", [scale.heightPx, scale.widthPx, 3]), scale });
  const step = flowGraph(b, {
    now,
    before: b.input("before", "float32", [1, 1, heightCells, widthCells]),
    scale,
    options,
  });
  const { path } = composeGraph(b, {
    ...step,
    before: b.input("chain", "float32", pathDims(scale)),
    reset: b.input("reset", "bool", [1]),
    scale,
  });
  b.output(b.add("luma", "Identity", [now]), "float32", [1, 1, heightCells, widthCells]);
  b.output(b.add("path", "Identity", [path]), "float32", pathDims(scale));
  b.output(b.add("residual", "Identity", [step.residual()]), "float32", [1, 1, heightCells, widthCells]);
  return b.build();
}

/** Labels at the picture's size, moved. Inputs `labels`, `path`; output `moved`. */
export function labelsGraph(scale: FlowScale): Graph {
  const dims = [scale.heightPx, scale.widthPx];
  const b = new GraphBuilder("labels");
  b.input("labels", "uint8", dims);
  const [flow = ""] = splitPath(b, scale);
  b.output(b.add("moved", "Identity", [labelWarpGraph(b, { labels: "labels", dims, flow, scale })]), "uint8", dims);
  return b.build();
}

/** Adds the input `path` and its parts, flow and validity. */
export function splitPath(b: GraphBuilder, scale: FlowScale): readonly string[] {
  const parts = ["path/flow", "path/valid"];
  const sizes = b.int64("path/sizes", [2], [2, 1]);
  b.add("path/split", "Split", [b.input("path", "float32", pathDims(scale)), sizes], { axis: 1 }, { outputs: parts });
  return parts;
}

/** Flow from frame to frame, and back to where the chain started. */
export class FlowChain implements AsyncDisposable {
  readonly scale: FlowScale;
  readonly #flow: ort.InferenceSession;
  readonly #labels: ort.InferenceSession;
  #memory: { before: ort.Tensor; chain: ort.Tensor };

  private constructor(scale: FlowScale, flow: ort.InferenceSession, labels: ort.InferenceSession) {
    this.scale = scale;
    this.#flow = flow;
    this.#labels = labels;
    const { heightCells, widthCells } = scale.finest;
    this.#memory = { before: zeros([1, 1, heightCells, widthCells]), chain: zeros(pathDims(scale)) };
  }

  /** Opens the graph for frames of a size. */
  static async open(size: PictureSize, options: FlowOptions = defaultFlowOptions): Promise<FlowChain> {
    const scale = flowScale(size, options);
    const flow = await openOnOneThread(chainGraph(scale, options));
    return new FlowChain(scale, flow, await openOnOneThread(labelsGraph(scale)));
  }

  /** Goes on with a frame. @param start whether the chain leads back to this frame from now on */
  async next(frame: Frame, start = false): Promise<ChainStep> {
    const reset = new ort.Tensor("bool", Uint8Array.of(start ? 1 : 0), [1]);
    const from = performance.now();
    const { luma, path, residual } = await this.#flow.run({ frame: frameTensor(frame), reset, ...this.#memory });
    const milliseconds = performance.now() - from;
    if (luma === undefined || path === undefined || residual === undefined) throw new Error("expected three outputs");
    this.#memory = { before: luma, chain: path };
    const cells = this.scale.finest.heightCells * this.scale.finest.widthCells;
    const values = path.data as Float32Array;
    return { path, valid: values.subarray(2 * cells), residual: residual.data as Float32Array, milliseconds };
  }

  /** Labels of the frame that the chain started at, moved to the last one. */
  async moved({ data, widthPx, heightPx }: LabelMap, { path }: ChainStep): Promise<LabelMap> {
    const { moved } = await this.#labels.run({ labels: new ort.Tensor("uint8", data, [heightPx, widthPx]), path });
    return { data: new Uint8Array((moved?.data as Uint8Array | undefined) ?? []), widthPx, heightPx };
  }

  /** Flow of a step in pixels at every pixel, [2, heightPx, widthPx]. */
  dense({ path }: ChainStep): Float32Array {
    const { finest } = this.scale;
    const { widthPx, heightPx } = coveredPx(finest);
    const cells = finest.heightCells * finest.widthCells;
    const values = (path.data as Float32Array).subarray(0, 2 * cells);
    return atPixels(
      values.map((value, at) => (value * (at < cells ? widthPx : heightPx)) / 2),
      finest,
      this.scale,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#flow.release();
    await this.#labels.release();
  }
}

/** Maps of cells, one after another, at every pixel: linear between the cells' centres, as the graph does it. */
export function atPixels(maps: Float32Array, cells: FlowLevel, { widthPx, heightPx }: PictureSize): Float32Array {
  const { widthCells: w, heightCells: h, cellPx } = cells;
  const rows = taps({ count: h, spanPx: cellPx }, heightPx);
  const columns = taps({ count: w, spanPx: cellPx }, widthPx);
  const out = new Float32Array((maps.length / (w * h)) * widthPx * heightPx);
  for (let at = 0, start = 0; start < maps.length; start += w * h) {
    for (let y = 0; y < heightPx; y++) {
      const row = start + (rows.first[y] ?? 0) * w;
      const next = start + (rows.second[y] ?? 0) * w;
      const down = rows.share[y] ?? 0;
      for (let x = 0; x < widthPx; x++, at++) {
        const left = columns.first[x] ?? 0;
        const right = columns.second[x] ?? 0;
        const across = columns.share[x] ?? 0;
        const upper = (1 - across) * (maps[row + left] ?? 0) + across * (maps[row + right] ?? 0);
        const lower = (1 - across) * (maps[next + left] ?? 0) + across * (maps[next + right] ?? 0);
        out[at] = (1 - down) * upper + down * lower;
      }
    }
  }
  return out;
}

/** For every pixel along an axis, the samples around it and the share of the second. */
function taps(axis: { readonly count: number; readonly spanPx: number }, px: number) {
  const positions = Float32Array.from({ length: px }, (_, at) =>
    Math.max(0, Math.min((at + 0.5) / axis.spanPx - 0.5, axis.count - 1)),
  );
  return {
    first: positions.map(Math.floor),
    second: positions.map((position) => Math.min(Math.floor(position) + 1, axis.count - 1)),
    share: positions.map((position) => position - Math.floor(position)),
  };
}

/** A tensor of zeros. */
export function zeros(dims: readonly number[]): ort.Tensor {
  return new ort.Tensor("float32", new Float32Array(dims.reduce((product, dim) => product * dim, 1)), dims);
}
