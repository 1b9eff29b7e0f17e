// The runtime: frames in, label maps out. It opens a compiled network for the size of the frames, feeds it, and keeps
// decode, inference and what the caller does with results going at the same time. It decides nothing about stages:
// that is in the compiled graph.

import { stagesNamedBy, type Schedule } from "../clocks/index.ts";
import { compile, type Compiled } from "../compile/compile.ts";
import { readProtocol, type Protocol } from "../compile/protocol.ts";
import type { Engine, EngineSession, OpenOptions } from "../engine/engine.ts";
import { ClockworkError } from "../errors.ts";
import type { Frame, LabelMap } from "../frame.ts";
import { fitNetwork, sizeText, type Network, type Size } from "../network/index.ts";
import { writeModel, type Model } from "../onnx/index.ts";
import { networkSize, type Preprocessing } from "../preprocessing.ts";
import type { Cut } from "../stages/cut.ts";
import { planOf, type Plan } from "../stages/plan.ts";
import { prefetch, checkAborted, type Prefetched } from "./prefetch.ts";

/** How to segment. */
export interface SegmenterOptions {
  /** A segmentation network, or a compiled network with `io` frames, which brings its own schedule. */
  readonly model: Model;
  readonly engine: Engine;
  readonly schedule: Schedule;
  readonly preprocessing: Preprocessing;
  readonly classNames?: readonly string[] | undefined;
  /** Wanted number of stages; default 2. */
  readonly stages?: number | undefined;
  /** Explicit cuts, in place of `stages`. */
  readonly cuts?: readonly Cut[] | undefined;
  /** A plan that was made before, applied at every size. */
  readonly planFor?: ((network: Network) => Plan) | undefined;
  /** Size at which the network runs; default: what `preprocessing` says. */
  readonly size?: Size | "native" | undefined;
  /** Name of the network's output that has the result. */
  readonly output?: string | undefined;
  /** What is to be said of the model itself; comes first among the notes. */
  readonly warnings?: readonly string[] | undefined;
  /** Graph optimisations, threads and execution providers of the engine. */
  readonly engineOptions?: Pick<OpenOptions, "optimize" | "threads" | "providers">;
}

/** A segmented frame. */
export interface SegmentResult {
  /** The frame, as it was given. */
  readonly frame: Frame;
  /** Class of every pixel, at the size of the frame. */
  readonly labels: LabelMap;
  readonly timestampSec: number;
  /** Whether each stage fired, shallowest first. */
  readonly fired: readonly boolean[];
  /** What an adaptive clock measured; `undefined` without one. */
  readonly signal: number | undefined;
  /** Whether a change of shot was seen. */
  readonly shot: boolean;
  /** Multiply-accumulates that were executed. */
  readonly macs: number;
  /** Where the time went, in milliseconds. */
  readonly milliseconds: {
    /** Making the frame, in the source. */
    readonly source: number;
    /** Pre-processing, network and post-processing, in the engine. */
    readonly inference: number;
  };
}

/** What a segmenter does at one size of frames. */
export interface Preparation {
  readonly protocol: Protocol;
  /** `undefined` where a compiled network was given. */
  readonly network: Network | undefined;
  readonly plan: Plan | undefined;
  /** What a user should know: a size that was moved, stages that are missing. */
  readonly notes: readonly string[];
}

interface Prepared extends Preparation {
  readonly session: EngineSession;
}

/** Frames that the engine has at a time: one that runs and one that waits, so that it is never idle. */
const inFlight = 2;

/** Frames that are read ahead, besides the one that goes to the engine next. */
const readAhead = 2;

/**
 * Segments video with one network and one schedule.
 *
 * @example
 * ```ts
 * import { openSegmenter, openVideo } from "clockwork-convnets/node";
 * await using segmenter = await openSegmenter({ model: "my-model", clock: "fixed:2" });
 * for await (const { labels, fired } of segmenter.segment(await openVideo("street.mp4"))) {
 *   console.log(labels.data.length, fired);
 * }
 * ```
 */
export class Segmenter implements AsyncDisposable {
  readonly #options: SegmenterOptions;
  #prepared: Prepared | undefined;
  /** Ends when the last preparation that was asked for does; they go one after another. */
  #preparing: Promise<unknown> = Promise.resolve();
  #restart = true;
  #busy = false;
  #disposed = false;

  constructor(options: SegmenterOptions) {
    this.#options = options;
  }

  /** Names of the classes by label, where the model has them. */
  get classNames(): readonly string[] | undefined {
    return this.#options.classNames;
  }

  /** Size of the only frames that a compiled network takes; `undefined` for a network that is compiled here. */
  get compiledFor(): Size | undefined {
    return readProtocol(this.#options.model)?.frame;
  }

  /**
   * Plans, compiles and opens the network for frames of a size; {@link segment} does so by itself.
   * @throws ClockworkError where the network cannot be used, cut or opened
   */
  prepare(frame: Size): Promise<Preparation> {
    return this.#prepareFor(frame);
  }

  #prepareFor(frame: Size): Promise<Prepared> {
    const prepared = this.#preparing.then(() => this.#open(frame));
    this.#preparing = prepared.catch(() => undefined);
    return prepared;
  }

  async #open(frame: Size): Promise<Prepared> {
    this.#checkOpen();
    const now = this.#prepared;
    if (now !== undefined && sizeText(now.protocol.frame) === sizeText(frame)) return now;
    this.#prepared = undefined;
    await now?.session[Symbol.asyncDispose]();
    this.#checkOpen();
    const made = await this.#compile(frame);
    const { protocol } = made.compiled;
    const session = await this.#options.engine.open(writeModel(made.compiled.model).bytes, {
      ...this.#options.engineOptions,
      state: protocol.state,
      outputs: protocol.outputs.results.map(({ name, dtype, shape }) => ({ name, dtype, dims: shape })),
    });
    // What is made from here on is closed by `dispose`, which waits for preparations.
    this.#prepared = { protocol, network: made.network, plan: made.plan, notes: made.notes, session };
    this.#restart = true;
    return this.#prepared;
  }

  #checkOpen(): void {
    if (!this.#disposed) return;
    throw new ClockworkError("aborted", "segmenter: expected an open one, got one that was disposed");
  }

  async #compile(frame: Size): Promise<{
    compiled: Compiled;
    network: Network | undefined;
    plan: Plan | undefined;
    notes: readonly string[];
  }> {
    const { model, preprocessing, engine, output, schedule, warnings = [] } = this.#options;
    const protocol = readProtocol(model);
    if (protocol !== undefined) {
      if (protocol.io !== "frames") {
        throw new ClockworkError(
          "invalid-argument",
          "segmenter: expected a network that is compiled for frames, got one for tensors; " +
            "try the network that it was compiled from, or compiling it with io frames",
        );
      }
      if (sizeText(protocol.frame) !== sizeText(frame)) {
        throw new ClockworkError(
          "invalid-argument",
          `segmenter: expected frames of ${sizeText(protocol.frame)} for this compiled network, got ${sizeText(frame)}; ` +
            `try the network that it was compiled from, or compiling it for ${sizeText(frame)}`,
        );
      }
      return { compiled: { model, protocol }, network: undefined, plan: undefined, notes: [...warnings] };
    }
    const wanted =
      this.#options.size === undefined
        ? networkSize(preprocessing, frame)
        : this.#options.size === "native"
          ? frame
          : this.#options.size;
    const network = await fitNetwork(model, {
      size: wanted,
      engine,
      onlyResult: true,
      ...(output !== undefined && { output }),
    });
    const stages = this.#options.stages ?? stagesNamedBy(schedule);
    const plan =
      this.#options.planFor?.(network) ??
      planOf(network, {
        ...(stages !== undefined && { stages }),
        ...(this.#options.cuts !== undefined && { cuts: this.#options.cuts }),
      });
    const compiled = compile(network, plan, {
      io: "frames",
      schedule,
      preprocessing,
      frame,
      classNames: this.#options.classNames,
    });
    const moved = sizeText(network.size) !== sizeText(wanted);
    const notes = [
      ...warnings,
      ...(moved ? [`the network cannot take ${sizeText(wanted)}: it runs at ${sizeText(network.size)}`] : []),
      ...plan.notes,
      ...(plan.stages.length === 1 && schedule.kind === "fixed"
        ? ["there is one stage: between firings the last labels are repeated, as with skip"]
        : []),
    ];
    return { compiled, network, plan, notes };
  }

  /**
   * Segments frames in order. Reads ahead a little and works on a few frames at once, so results come late but keep
   * coming; memory is bounded whatever the source or the caller does. Every call and every change of frame size starts
   * afresh: everything fires.
   *
   * @throws ClockworkError `aborted` when `signal` is; whatever the source throws, after the results of the frames before
   */
  async *segment(
    frames: AsyncIterable<Frame> | Iterable<Frame>,
    options: { readonly signal?: AbortSignal } = {},
  ): AsyncGenerator<SegmentResult, void, void> {
    if (this.#busy) {
      throw new ClockworkError(
        "invalid-argument",
        "segmenter: expected one source at a time, got a second one; try a segmenter for each",
      );
    }
    this.#busy = true;
    this.#restart = true;
    const { signal } = options;
    const source = prefetch(frames, readAhead, signal);
    const pending: Promise<SegmentResult>[] = [];
    try {
      let next = readFrom(source);
      for (;;) {
        checkAborted(signal);
        // The next frame goes to the engine first; while there is none, results need not wait for it.
        const first = pending[0];
        if (first !== undefined && (pending.length > inFlight || (await settlesBefore(first, next)))) {
          void pending.shift();
          yield await first;
          continue;
        }
        const read = await next;
        checkAborted(signal);
        // Results of the old size first: preparing for another one closes the session that they come from.
        const opened = this.#prepared?.protocol.frame;
        const goesOn = read.kind === "frame" && (opened === undefined || sizeText(read.frame) === sizeText(opened));
        if (!goesOn) for (const result of pending.splice(0)) yield await result;
        if (read.kind === "end") return;
        if (read.kind === "failed") throw read.error;
        next = readFrom(source);
        const prepared = await this.#prepareFor({ widthPx: read.frame.widthPx, heightPx: read.frame.heightPx });
        const result = this.#run(prepared, read.frame, read.milliseconds);
        // It may fail while nobody waits for it yet; the failure is seen when its turn comes.
        result.catch(() => undefined);
        pending.push(result);
      }
    } finally {
      const closed = source.return();
      await Promise.allSettled([...pending, closed]);
      this.#busy = false;
      await closed;
    }
  }

  /** Makes every stage fire on the next frame that is read. */
  reset(): void {
    this.#restart = true;
  }

  async #run({ session, protocol }: Prepared, frame: Frame, source: number): Promise<SegmentResult> {
    const { image, reset } = protocol.inputs;
    const restart = this.#restart;
    this.#restart = false;
    const { outputs, milliseconds } = await session.run({
      [image.name]: { dtype: "uint8", dims: image.shape, data: frame.data },
      [reset.name]: { dtype: "bool", dims: [1], data: Uint8Array.of(restart ? 1 : 0) },
    });
    const labels = outputs[protocol.outputs.results[0]?.name ?? ""]?.data;
    const flags = outputs[protocol.outputs.fired.name]?.data;
    if (!(labels instanceof Uint8Array) || flags === undefined) {
      throw new ClockworkError("engine", "segmenter: expected labels and firings, got other outputs");
    }
    const fired = Array.from(flags as Uint8Array, (flag) => flag === 1);
    const signal = protocol.outputs.signal && outputs[protocol.outputs.signal.name]?.data[0];
    const shot = protocol.outputs.shot && outputs[protocol.outputs.shot.name]?.data[0];
    return {
      frame,
      labels: { data: labels, widthPx: frame.widthPx, heightPx: frame.heightPx },
      timestampSec: frame.timestampSec,
      fired,
      signal: signal === undefined ? undefined : Number(signal),
      // On a restart the frame before is of another source, and nobody asked.
      shot: !restart && Number(shot ?? 0) === 1,
      macs: protocol.stages.reduce((sum, stage, depth) => sum + (fired[depth] === true ? stage.macs : 0), 0),
      milliseconds: { source, inference: milliseconds },
    };
  }

  /** Closes the network. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#disposed = true;
    await this.#preparing;
    const prepared = this.#prepared;
    this.#prepared = undefined;
    await prepared?.session[Symbol.asyncDispose]();
  }
}

/** What reading gave. */
type Read =
  | { readonly kind: "frame"; readonly frame: Frame; readonly milliseconds: number }
  | { readonly kind: "end" }
  | { readonly kind: "failed"; readonly error: unknown };

/** Reads the next frame; never rejects, since nobody may be waiting yet. */
async function readFrom(source: AsyncGenerator<Prefetched<Frame>, void, void>): Promise<Read> {
  try {
    const { done, value } = await source.next();
    if (done === true) return { kind: "end" };
    checkFrame(value.item);
    return { kind: "frame", frame: value.item, milliseconds: value.milliseconds };
  } catch (error) {
    return { kind: "failed", error };
  }
}

/** Whether a result is there before the next frame is; the frame wins where both are. */
async function settlesBefore(result: Promise<SegmentResult>, next: Promise<Read>): Promise<boolean> {
  const settled = (): boolean => true;
  return await Promise.race([next.then(() => false), result.then(settled, settled)]);
}

function checkFrame(frame: Frame): void {
  const expected = frame.widthPx * frame.heightPx * 3;
  if (frame.data.length !== expected || expected === 0) {
    throw new ClockworkError(
      "invalid-argument",
      `frame: expected ${expected} bytes of RGB for ${frame.widthPx}x${frame.heightPx}, got ${frame.data.length}`,
    );
  }
}
