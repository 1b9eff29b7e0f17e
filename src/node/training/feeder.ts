// Batches for training, made ahead of whoever asks for them, in worker threads. Not what is done with them: one feeder
// is one source of samples, and a training with several has a feeder for each.
//
// Batch k depends on the settings and on k, not on timing, workers or what is cached: training that was killed goes on
// with `startBatch`, to the bit.

import { totalmem } from "node:os";
import { ClockworkError } from "../../errors.ts";
import { checkAugmentation, checkClip, ignoreLabel, stillClip } from "../../train/data/index.ts";
import type { FeederOptions } from "./feeder-options.ts";
import type { FeederStart, MadeBatch } from "./feeder-protocol.ts";
import { FeederThread } from "./feeder-thread.ts";

/** Samples that are trained on together. Its buffers are the caller's. */
export interface Batch {
  readonly index: number;
  /** float32 [B T, 3, h, w], normalised: the T frames of a sample follow each other. */
  readonly image: Float32Array<ArrayBuffer>;
  /** uint8 [B T, h, w]: labels of the network, 255 where there is none. */
  readonly labels: Uint8Array<ArrayBuffer>;
  /** [B T]: 1 for frames that have labels in the dataset, 0 for others, whose labels are all 255. */
  readonly labelled: Uint8Array<ArrayBuffer>;
  readonly imageDims: readonly number[];
  readonly labelDims: readonly number[];
  /** Places of its samples among those given. */
  readonly samples: readonly number[];
  /** Number of samples up to and with this batch, since batch 0. */
  readonly samplesSeen: number;
}

/** A row of batches without end. */
export interface Feeder extends AsyncDisposable {
  /**
   * The next batch, in order. Calls may overlap. After an abort the same batch comes with the next call; after any other
   * error, the same error.
   *
   * @throws {ClockworkError} `aborted` by the signal or after disposal; where a file is missing or damaged, with its name
   */
  next(signal?: AbortSignal): Promise<Batch>;
  /** Ends the workers and frees what they hold. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** A quarter of what memory there is, as far as a container has it: decoding costs more than all augmentation. */
const usualCacheBytes = (): number => {
  const mostBytes = process.constrainedMemory();
  return Math.max(2 ** 30, Math.min(totalmem(), mostBytes > 0 ? mostBytes : Infinity) / 4);
};
const DEFAULT_PREFETCH = 3;

/**
 * Starts making batches.
 *
 * @throws {ClockworkError} `invalid-argument` for settings out of range, `engine` where a worker does not start
 *
 * @example
 * ```ts
 * const { samples, lookup } = await openTrainingSet("data/camvid");
 * await using feeder = await openFeeder({
 *   samples, lookup, seed: 1, batch: 4, preprocessing: defaultPreprocessing(),
 *   augmentation: { crop: { widthPx: 320, heightPx: 240 }, scale: [0.75, 2], flip: 0.5 },
 * });
 * const { image, imageDims, labels } = await feeder.next();
 * ```
 */
export async function openFeeder(options: FeederOptions): Promise<Feeder> {
  const { clip = stillClip, cacheBytes = usualCacheBytes(), prefetch = DEFAULT_PREFETCH, workers = 1 } = options;
  const { samples, lookup, preprocessing, augmentation, batch, seed, startBatch = 0 } = options;
  if (samples.length === 0) throw new ClockworkError("invalid-argument", "feeder: expected samples, got none");
  const rules = { batch, seed, startBatch, cacheBytes, prefetch, workers };
  const least = { batch: 1, seed: -Infinity, startBatch: 0, cacheBytes: 0, prefetch: 1, workers: 1 };
  for (const [what, value] of Object.entries(rules)) {
    const from = least[what as keyof typeof least];
    if (Number.isSafeInteger(value) && value >= from) continue;
    throw new ClockworkError(
      "invalid-argument",
      `feeder: expected ${what} to be a whole number${from === -Infinity ? "" : ` from ${from}`}, got ${value}`,
    );
  }
  checkAugmentation(augmentation);
  checkClip(clip);
  if (lookup[ignoreLabel] !== ignoreLabel) {
    throw new ClockworkError(
      "invalid-argument",
      `lookup: expected ${ignoreLabel} for ${ignoreLabel}, which is no class, got ${lookup[ignoreLabel] ?? "none"}`,
    );
  }
  const start: FeederStart = {
    samples,
    lookup,
    preprocessing,
    augmentation,
    batch,
    seed,
    clip,
    cacheBytes: Math.floor(cacheBytes / workers),
  };
  // No worker without a batch to make.
  const opening = Array.from({ length: Math.min(workers, prefetch) }, () => FeederThread.open(start));
  const opened = await Promise.allSettled(opening);
  const threads = opened.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
  const failure = opened.find((one) => one.status === "rejected");
  if (failure === undefined) return new WorkerFeeder(threads, start, startBatch, prefetch);
  await Promise.all(threads.map((thread) => thread.close()));
  throw failure.reason;
}

class WorkerFeeder implements Feeder {
  readonly #threads: readonly FeederThread[];
  readonly #start: FeederStart;
  /** Batches that were asked for, the next one first. */
  readonly #ahead: Promise<MadeBatch>[] = [];
  #next: number;
  #asked: number;
  #last: Promise<unknown> = Promise.resolve();
  readonly #closing = new AbortController();
  #closed: Promise<void> | undefined;

  constructor(threads: readonly FeederThread[], start: FeederStart, startBatch: number, prefetch: number) {
    this.#threads = threads;
    this.#start = start;
    this.#next = startBatch;
    this.#asked = startBatch;
    for (let count = 0; count < prefetch; count++) this.#ask();
  }

  next(signal?: AbortSignal): Promise<Batch> {
    const batch = this.#last.then(() => this.#take(signal));
    this.#last = batch.catch(() => undefined);
    return batch;
  }

  async #take(signal: AbortSignal | undefined): Promise<Batch> {
    const [first] = this.#ahead;
    const thread = this.#threadOf(this.#next);
    thread?.hold(true);
    let made: MadeBatch;
    try {
      made = await unlessAborted(first, [this.#closing.signal, ...(signal === undefined ? [] : [signal])]);
    } finally {
      thread?.hold(false);
    }
    void this.#ahead.shift();
    this.#next++;
    this.#ask();
    const { batch, clip, augmentation } = this.#start;
    const { widthPx, heightPx } = augmentation.crop;
    return {
      ...made,
      imageDims: [batch * clip.frames, 3, heightPx, widthPx],
      labelDims: [batch * clip.frames, heightPx, widthPx],
      samplesSeen: this.#next * batch,
    };
  }

  /** Asks for one batch more. Which worker makes it does not matter to what is in it. */
  #ask(): void {
    const index = this.#asked++;
    const making = this.#threadOf(index)?.make(index);
    if (making === undefined) return;
    making.catch(() => undefined);
    this.#ahead.push(making);
  }

  #threadOf(index: number): FeederThread | undefined {
    return this.#threads[index % this.#threads.length];
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    this.#closed ??= Promise.all(this.#threads.map((thread) => thread.close())).then(() => undefined);
    return this.#closed;
  }
}

/** @throws {ClockworkError} `aborted` by a signal; what is waited for goes on */
async function unlessAborted<T>(waited: Promise<T> | undefined, signals: readonly AbortSignal[]): Promise<T> {
  const aborted = new ClockworkError("aborted", "feeder: stopped by its signal, or disposed");
  if (waited === undefined || signals.some((signal) => signal.aborted)) throw aborted;
  let stop: (() => void) | undefined;
  const stopped = new Promise<never>((_, reject) => {
    stop = () => reject(aborted);
    for (const signal of signals) signal.addEventListener("abort", stop);
  });
  try {
    return await Promise.race([waited, stopped]);
  } finally {
    for (const signal of signals) if (stop !== undefined) signal.removeEventListener("abort", stop);
  }
}
