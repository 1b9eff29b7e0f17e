// The runtime: frames in, label maps out. It opens a compiled network for the size of the frames, feeds it, and keeps
// decode, inference and what the caller does with results going at the same time. It decides nothing about stages:
// that is in the compiled graph.

import { MotionFeed } from "../compile/motion-feed.ts";
import { readProtocol, type Protocol } from "../compile/protocol.ts";
import type { EngineSession, EngineTensor } from "../engine/engine.ts";
import { zeros } from "../engine/ort-session.ts";
import { ClockworkError } from "../errors.ts";
import type { Frame, LabelMap } from "../frame.ts";
import { sizeText, type Size } from "../network/index.ts";
import { writeModel } from "../onnx/index.ts";
import { FittedNetworks } from "./fitted-networks.ts";
import type { SegmenterOptions, SegmenterVariant } from "./options.ts";
import { prefetch, checkAborted, type Prefetched } from "./prefetch.ts";
import { compileFor, type Preparation } from "./preparation.ts";
import type { SegmenterSnapshot } from "./snapshot.ts";

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
  /** The tensors that `taps` of the options asked for, by name. */
  readonly taps: Readonly<Record<string, EngineTensor>>;
  /** Where the time went, in milliseconds. */
  readonly milliseconds: {
    /** Making the frame, in the source. */
    readonly source: number;
    /** Pre-processing, network and post-processing, in the engine. */
    readonly inference: number;
  };
}

/** How to go through frames. */
export interface SegmentOptions {
  /** Stops the work. */
  readonly signal?: AbortSignal;
  /** Go on from the frames of the call before, or from what was restored; default: start afresh. */
  readonly continues?: boolean;
}

interface Prepared extends Preparation {
  readonly session: EngineSession;
  /** `undefined` for a network that takes no motion. */
  readonly motion: MotionFeed | undefined;
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
  #networks: FittedNetworks;
  #prepared: Prepared | undefined;
  /** Ends when the last preparation that was asked for does; they go one after another. */
  #preparing: Promise<unknown> = Promise.resolve();
  /** Whether the next frame starts afresh: nothing is held, or it must not be used. */
  #restart = true;
  /** Whether frames were run whose results nobody got: what is held is of later frames than the caller knows. */
  #ahead = false;
  #busy = false;
  #disposed = false;

  constructor(options: SegmenterOptions) {
    this.#options = options;
    this.#networks = new FittedNetworks(options);
  }

  /**
   * Another segmenter of the same model. What was found out about the network is shared: it is fitted once for each size,
   * and planned once for each number of stages. Everything else is its own: its memory, its frames, its disposal.
   *
   * @example
   * ```ts
   * import { parseSchedule } from "clockwork-convnets";
   * import { openSegmenter } from "clockwork-convnets/node";
   * await using oracle = await openSegmenter({ model: "my-model", clock: "every" });
   * await using fixed = oracle.variant({ schedule: parseSchedule("fixed:2") });
   * ```
   */
  variant(changes: SegmenterVariant): Segmenter {
    const variant = new Segmenter({ ...this.#options, ...changes });
    variant.#networks = this.#networks;
    return variant;
  }

  /** Names of the classes by label, where the model has them. */
  get classNames(): readonly string[] | undefined {
    return this.#options.classNames;
  }

  /** Size of the only frames that a compiled network takes; `undefined` for a network that is compiled here. */
  get compiledFor(): Size | undefined {
    return readProtocol(this.#options.model)?.frame;
  }

  /** Whether frames have to carry the motion vectors of their codec: `openVideo` puts them in with `motion: true`. */
  get needsMotion(): boolean {
    const { model, motion } = this.#options;
    const protocol = readProtocol(model);
    return protocol === undefined ? motion === "codec" : protocol.inputs.motion !== undefined;
  }

  /**
   * Plans, compiles and opens the network for frames of a size; {@link segment} does so by itself. What is held of
   * frames of another size is lost.
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
    const { model, ...preparation } = await compileFor(this.#options, this.#networks, frame);
    const { protocol } = preparation;
    const session = await this.#options.engine.open(writeModel(model).bytes, {
      ...this.#options.engineOptions,
      state: protocol.state,
      outputs: protocol.outputs.results.map(({ name, dtype, shape }) => ({ name, dtype, dims: shape })),
    });
    // What is made from here on is closed by `dispose`, which waits for preparations.
    const ports = protocol.inputs.motion;
    const motion = ports === undefined ? undefined : new MotionFeed(ports, frame);
    this.#prepared = { ...preparation, session, motion };
    this.#restart = true;
    return this.#prepared;
  }

  #checkOpen(): void {
    if (!this.#disposed) return;
    throw new ClockworkError("aborted", "segmenter: expected an open one, got one that was disposed");
  }

  /**
   * Segments frames in order. Reads ahead a little and works on a few frames at once, so results come late but keep
   * coming; memory is bounded whatever the source or the caller does. Every call and every change of frame size starts
   * afresh: everything fires.
   *
   * With `continues`, a call goes on where the one before ended, so that a video in pieces gives what it gives in one
   * call; the first call starts afresh, too. The call before must have been read to its end (or to an error of its
   * source): one that was left earlier may have run frames whose results nobody got.
   *
   * @throws ClockworkError `aborted` when `signal` is, `invalid-argument` with `continues` after a call that was left
   *   early, and for frames without motion where they have to carry it; whatever the source throws, after the results of
   *   the frames before
   */
  async *segment(
    frames: AsyncIterable<Frame> | Iterable<Frame>,
    options: SegmentOptions = {},
  ): AsyncGenerator<SegmentResult, void, void> {
    if (this.#busy) {
      throw new ClockworkError(
        "invalid-argument",
        "segmenter: expected one source at a time, got a second one; try a segmenter for each",
      );
    }
    const { signal, continues = false } = options;
    if (continues) this.#checkWhole();
    else this.#restart = true;
    this.#busy = true;
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
        if (read.kind !== "frame") {
          this.#ahead = false;
          if (read.kind === "failed") throw read.error;
          return;
        }
        next = readFrom(source);
        const { widthPx, heightPx } = read.frame;
        const prepared = await this.#prepareFor({ widthPx, heightPx });
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

  /** Starts afresh with the next frame that is read: every stage fires. */
  reset(): void {
    this.#restart = true;
  }

  /**
   * What is held after the last frame of the last call, as copies: another segmenter that restores it goes on to the same
   * results, to the bit. `undefined` where nothing is held: before the first frame, and after {@link reset}.
   *
   * @throws ClockworkError `invalid-argument` while frames are worked on, and after a call that was left early
   */
  snapshot(): Promise<SegmenterSnapshot | undefined> {
    return this.#between("snapshot", async () => {
      this.#checkWhole();
      await this.#preparing;
      const prepared = this.#prepared;
      if (prepared === undefined || this.#restart) return undefined;
      const { frame, schedule } = prepared.protocol;
      return { frame, schedule, tensors: await prepared.session.readState() };
    });
  }

  /**
   * Takes what another segmenter held: the next call with `continues` goes on from there; one without starts afresh.
   * The network is prepared for the snapshot's frames. Its weights are not compared: whether the snapshot is of the same
   * model, its signal, its motion and its preprocessing is the caller's to know.
   *
   * @throws ClockworkError `invalid-argument` while frames are worked on, and where the snapshot is of another schedule,
   *   or of a network that holds other tensors
   */
  restore(snapshot: SegmenterSnapshot): Promise<void> {
    return this.#between("restore", async () => {
      const { session, protocol } = await this.#prepareFor(snapshot.frame);
      if (snapshot.schedule !== protocol.schedule) {
        throw new ClockworkError(
          "invalid-argument",
          `segmenter: expected a snapshot of the schedule "${protocol.schedule}", got one of "${snapshot.schedule}"; ` +
            "try a segmenter with that schedule",
        );
      }
      await session.writeState(snapshot.tensors);
      this.#restart = false;
      this.#ahead = false;
    });
  }

  /** Does something that no frame may be run beside. */
  async #between<T>(what: string, work: () => Promise<T>): Promise<T> {
    this.#checkOpen();
    if (this.#busy) {
      throw new ClockworkError(
        "invalid-argument",
        `segmenter: expected ${what} between sources, got it while one is worked on; ` +
          "try segmenting the frames in pieces, with continues",
      );
    }
    this.#busy = true;
    try {
      return await work();
    } finally {
      this.#busy = false;
    }
  }

  #checkWhole(): void {
    if (!this.#ahead || this.#restart) return;
    throw new ClockworkError(
      "invalid-argument",
      "segmenter: expected a call that was read to its end to go on from, got one that was left early, when frames " +
        "ahead of it had been run; try reading each piece to its end, or starting afresh",
    );
  }

  async #run({ session, protocol, motion }: Prepared, frame: Frame, source: number): Promise<SegmentResult> {
    const { image, reset } = protocol.inputs;
    const restart = this.#restart;
    const moved = motion?.of(frame, restart);
    this.#restart = false;
    this.#ahead = true;
    // Both are asked for at once: no other frame may come between.
    const cleared = restart ? session.writeState(zeroState(protocol)) : undefined;
    const running = session.run({
      [image.name]: { dtype: "uint8", dims: image.shape, data: frame.data },
      [reset.name]: { dtype: "bool", dims: [1], data: Uint8Array.of(restart ? 1 : 0) },
      ...moved,
    });
    const [{ outputs, milliseconds }] = await Promise.all([running, cleared]);
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
      taps: tapped(protocol, outputs),
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

/**
 * Memory as it is before the first frame. Firing everything is not enough to start afresh: signals and changes of shot
 * are told by comparing with frames before, which are of another source.
 */
function zeroState({ state }: Protocol): Readonly<Record<string, EngineTensor>> {
  return Object.fromEntries(state.map(({ input, dtype, dims }) => [input, { dtype, dims, data: zeros(dtype, dims) }]));
}

function tapped(
  { outputs: { taps = [] } }: Protocol,
  outputs: Readonly<Record<string, EngineTensor>>,
): Readonly<Record<string, EngineTensor>> {
  const found: Record<string, EngineTensor> = {};
  for (const { name } of taps) {
    const tensor = outputs[name];
    if (tensor !== undefined) found[name] = tensor;
  }
  return found;
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
