// What the motion vectors of a video's codec are worth against flow that is looked for: the whole network runs on every
// K-th frame, and its labels are moved along either in between. The oracle is the network on every frame; labels by hand
// are not looked at. Times mean something only on a machine that does nothing else.

import { basename } from "node:path";
import { Progress } from "../src/cli/progress.ts";
import { textTable } from "../src/cli/tables.ts";
import type { EngineSession, EngineTensor } from "../src/engine/index.ts";
import type { Frame, LabelMap, Size } from "../src/index.ts";
import { codecFlow } from "../src/motion/codec-flow.ts";
import {
  composeGraph,
  flowGraph,
  flowScale,
  frameLuma,
  labelWarpGraph,
  pathDims,
  type FlowScale,
} from "../src/motion/index.ts";
import { nodeEngine, openSegmenter, openVideo } from "../src/node.ts";
import { GraphBuilder, modelOf, writeModel } from "../src/onnx/index.ts";

/** What to run. */
export interface CodecMotionOptions {
  /** Videos. */
  readonly data: readonly string[];
  readonly model: string;
  /** Size at which the network runs and motion is looked for. */
  readonly size: Size;
  /** At most this many frames of each video. */
  readonly limit: number;
  /** The network runs on every K-th frame, for each K. */
  readonly periods: readonly number[];
}

const sources = ["still", "flow", "codec"] as const;

/** What motion is taken from. */
export type MotionOf = (typeof sources)[number];

/** One video. */
export interface CodecMotionRow {
  readonly video: string;
  readonly frames: number;
  /** Agreement with the oracle over all frames, 0 to 1, by period in the order asked for. */
  readonly agreement: Readonly<Record<MotionOf, readonly number[]>>;
  /** Mean share of cells with a vector, 0 to 1, from the second frame on; and share of frames without any. */
  readonly known: number;
  readonly without: number;
  /** Means over frames: of the flow graph, of spreading the codec's vectors. */
  readonly flowMs: number;
  readonly spreadMs: number;
  /** Reading a frame, decoded and scaled, best of some rounds: without and with vectors. */
  readonly readMs: { readonly without: number; readonly with: number };
}

const rounds = 3;

/** Runs the experiment. */
export async function codecMotion(options: CodecMotionOptions): Promise<readonly CodecMotionRow[]> {
  const { model, size } = options;
  const scale = flowScale(size);
  const progress = new Progress(process.stderr);
  await using oracle = await openSegmenter({ model, clock: "every", stages: 1, size });
  await using look = await opened(lookGraph(scale));
  await using move = await opened(moveGraph(scale));
  const rows: CodecMotionRow[] = [];
  for (const path of options.data) {
    const run = new Run(scale, look, move, options.periods);
    const read = { width: size.widthPx, height: size.heightPx };
    let frames = 0;
    for await (const { frame, labels } of oracle.segment(await openVideo(path, { ...read, motion: true }))) {
      await run.next(frame, labels);
      progress.update({ frames: ++frames, total: options.limit, note: basename(path) });
      if (frames === options.limit) break;
    }
    const readMs = { without: Infinity, with: Infinity };
    for (let round = 0; round < rounds; round++) {
      readMs.without = Math.min(readMs.without, await readingMs(path, { ...read, motion: false }, options.limit));
      readMs.with = Math.min(readMs.with, await readingMs(path, { ...read, motion: true }, options.limit));
    }
    rows.push({ video: basename(path), ...run.result(), readMs });
  }
  progress.done();
  return rows;
}

/** The result in columns. */
export function codecMotionText(rows: readonly CodecMotionRow[], periods: readonly number[]): string {
  const percent = (share: number): string => (100 * share).toFixed(2);
  const agreement = rows.flatMap(({ video, agreement: by }) =>
    sources.map((source) => [`${video}, ${source}`, ...by[source].map(percent)]),
  );
  const mean = sources.map((source) => [
    `mean, ${source}`,
    ...periods.map((_, at) =>
      percent(rows.reduce((sum, row) => sum + (row.agreement[source][at] ?? 0), 0) / rows.length),
    ),
  ]);
  return [
    "Agreement with the oracle, %",
    "",
    textTable([["video, motion", ...periods.map((period) => `K=${period}`)], ...agreement, ...mean]),
    "",
    "ms are means a frame",
    "",
    textTable([
      [
        "video",
        "frames",
        "cells with a vector %",
        "frames without %",
        "flow ms",
        "spread ms",
        "read ms",
        "with vectors ms",
      ],
      ...rows.map(({ video, frames, known, without, flowMs, spreadMs, readMs }) => [
        video,
        String(frames),
        percent(known),
        percent(without),
        ...[flowMs, spreadMs, readMs.without, readMs.with].map((ms) => ms.toFixed(2)),
      ]),
    ]),
  ].join("\n");
}

/** Where the labels of a source and period have got to. */
interface Chain {
  readonly source: "flow" | "codec";
  readonly period: number;
  path: EngineTensor;
  held: EngineTensor;
}

/** One video, frame by frame. */
class Run {
  readonly #scale: FlowScale;
  readonly #look: EngineSession;
  readonly #move: EngineSession;
  readonly #periods: readonly number[];
  readonly #agreeing: Record<MotionOf, number[]>;
  #chains: readonly Chain[] = [];
  #luma: EngineTensor | undefined;
  #frames = 0;
  #known = 0;
  #without = 0;
  #flowMs = 0;
  #spreadMs = 0;

  constructor(scale: FlowScale, look: EngineSession, move: EngineSession, periods: readonly number[]) {
    this.#scale = scale;
    this.#look = look;
    this.#move = move;
    this.#periods = periods;
    const none = (): number[] => periods.map(() => 0);
    this.#agreeing = { still: none(), flow: none(), codec: none() };
  }

  async next(frame: Frame, { data }: LabelMap): Promise<void> {
    const { widthPx, heightPx } = this.#scale;
    const labels: EngineTensor = { dtype: "uint8", dims: [heightPx, widthPx], data };
    if (this.#frames === 0) this.#chains = this.#started(labels);
    const steps = { flow: await this.#seen(frame), codec: this.#told(frame) };
    for (const chain of this.#chains) {
      const fires = this.#frames % chain.period === 0;
      const still = chain.held;
      if (fires) chain.held = labels;
      const { outputs } = await this.#move.run({
        ...steps[chain.source],
        before: chain.path,
        reset: { dtype: "bool", dims: [1], data: Uint8Array.of(fires ? 1 : 0) },
        labels: chain.held,
      });
      chain.path = outputs["path"] ?? chain.path;
      const at = this.#periods.indexOf(chain.period);
      this.#count(chain.source, at, outputs["moved"], labels);
      if (chain.source === "flow") this.#count("still", at, fires ? labels : still, labels);
    }
    this.#frames++;
  }

  result(): Omit<CodecMotionRow, "video" | "readMs"> {
    const frames = this.#frames;
    const later = Math.max(1, frames - 1);
    const shares = (source: MotionOf): number[] => this.#agreeing[source].map((sum) => sum / frames);
    return {
      frames,
      agreement: { still: shares("still"), flow: shares("flow"), codec: shares("codec") },
      known: this.#known / later,
      without: this.#without / later,
      flowMs: this.#flowMs / frames,
      spreadMs: this.#spreadMs / frames,
    };
  }

  #started(labels: EngineTensor): readonly Chain[] {
    const dims = pathDims(this.#scale);
    const zeros = new Float32Array(dims.reduce((product, dim) => product * dim, 1));
    const path: EngineTensor = { dtype: "float32", dims, data: zeros };
    return (["flow", "codec"] as const).flatMap((source) =>
      this.#periods.map((period) => ({ source, period, path, held: labels })),
    );
  }

  async #seen({ data, widthPx, heightPx }: Frame): Promise<Readonly<Record<string, EngineTensor>>> {
    const frame: EngineTensor = { dtype: "uint8", dims: [heightPx, widthPx, 3], data };
    const before = this.#luma ?? this.#plane(1, new Float32Array(this.#cells));
    const { outputs, milliseconds } = await this.#look.run({ frame, before });
    const { luma, flow, valid } = outputs;
    if (luma === undefined || flow === undefined || valid === undefined)
      throw new Error("flow: expected three outputs");
    this.#luma = luma;
    this.#flowMs += milliseconds;
    return { flow, valid };
  }

  #told(frame: Frame): Readonly<Record<string, EngineTensor>> {
    const start = performance.now();
    const { flow, valid, known } = codecFlow(frame.motion ?? { blocks: new Float32Array() }, frame, this.#scale);
    this.#spreadMs += performance.now() - start;
    if (this.#frames > 0) {
      this.#known += known;
      if (known === 0) this.#without++;
    }
    return { flow: this.#plane(2, flow), valid: this.#plane(1, valid) };
  }

  #count(source: MotionOf, at: number, moved: EngineTensor | undefined, labels: EngineTensor): void {
    let same = 0;
    for (let pixel = 0; pixel < labels.data.length; pixel++) if (moved?.data[pixel] === labels.data[pixel]) same++;
    this.#agreeing[source][at] = (this.#agreeing[source][at] ?? 0) + same / labels.data.length;
  }

  get #cells(): number {
    return this.#scale.finest.widthCells * this.#scale.finest.heightCells;
  }

  #plane(channels: number, data: Float32Array<ArrayBuffer>): EngineTensor {
    const { heightCells, widthCells } = this.#scale.finest;
    return { dtype: "float32", dims: [1, channels, heightCells, widthCells], data };
  }
}

/** One thread: more are slower on maps this small. */
function opened(b: GraphBuilder): Promise<EngineSession> {
  return nodeEngine.open(writeModel(modelOf(b.build(), 16)).bytes, { threads: 1 });
}

/** Flow of one step: inputs `frame`, `before`; outputs `luma`, `flow`, `valid`. */
function lookGraph(scale: FlowScale): GraphBuilder {
  const b = new GraphBuilder("look");
  const { widthPx, heightPx, finest } = scale;
  const now = frameLuma(b, { frame: b.input("frame", "uint8", [heightPx, widthPx, 3]), scale });
  const before = b.input("before", "float32", [1, 1, finest.heightCells, finest.widthCells]);
  const { flow, valid } = flowGraph(b, { now, before, scale });
  for (const [name, tensor] of Object.entries({ luma: now, flow, valid })) {
    b.output(b.add(name, "Identity", [tensor]), "float32", undefined);
  }
  return b;
}

/** Labels along the chain: inputs `flow`, `valid`, `before`, `reset`, `labels`; outputs `path`, `moved`. */
function moveGraph(scale: FlowScale): GraphBuilder {
  const b = new GraphBuilder("move");
  const { widthPx, heightPx, finest } = scale;
  const { path, flow } = composeGraph(b, {
    flow: b.input("flow", "float32", [1, 2, finest.heightCells, finest.widthCells]),
    valid: b.input("valid", "float32", [1, 1, finest.heightCells, finest.widthCells]),
    before: b.input("before", "float32", pathDims(scale)),
    reset: b.input("reset", "bool", [1]),
    scale,
  });
  const dims = [heightPx, widthPx];
  const moved = labelWarpGraph(b, { labels: b.input("labels", "uint8", dims), dims, flow, scale });
  b.output(b.add("path", "Identity", [path]), "float32", undefined);
  b.output(b.add("moved", "Identity", [moved]), "uint8", undefined);
  return b;
}

/** Mean milliseconds to read a frame. */
async function readingMs(
  path: string,
  options: { readonly width: number; readonly height: number; readonly motion: boolean },
  limit: number,
): Promise<number> {
  await using video = await openVideo(path, options);
  const start = performance.now();
  let frames = 0;
  for await (const _ of video) if (++frames === limit) break;
  return (performance.now() - start) / Math.max(1, frames);
}
