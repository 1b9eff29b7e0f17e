// Makes batches: draws what is in them, reads the frames, and runs the graph that augments them. A batch depends on its
// index and the settings alone. Runs where it is called; `feeder-worker.ts` calls it away from the main thread.

import type { LabelledFrame } from "../../datasets/index.ts";
import type { EngineTensor, RunResult } from "../../engine/engine.ts";
import { ClockworkError } from "../../errors.ts";
import {
  drawAugmentation,
  drawClip,
  drawNoise,
  drawsAt,
  ignoreLabel,
  sampleOrder,
  transformFeeds,
  type Sample,
  type SampleOrder,
} from "../../train/data/index.ts";
import type { FeederStart, MadeBatch } from "./feeder-protocol.ts";
import { FrameCache } from "./frame-cache.ts";

/** Pixels that a float32 counts to: the graph computes places of pixels in it. */
const MOST_PIXELS = 2 ** 24;

/** What runs the augmenting graph. */
export interface AugmentSession {
  run(feeds: Readonly<Record<string, EngineTensor>>): Promise<RunResult>;
}

/** Makes batches by their index. */
export class BatchMaker {
  readonly #start: FeederStart;
  readonly #session: AugmentSession;
  readonly #order: SampleOrder;
  readonly #cache: FrameCache;
  /** Whether labels of the dataset become any. */
  readonly #usesLabels: boolean;

  constructor(start: FeederStart, session: AugmentSession) {
    this.#start = start;
    this.#session = session;
    this.#order = sampleOrder(start.seed, start.samples.length);
    this.#cache = new FrameCache(start.cacheBytes);
    this.#usesLabels = start.lookup.some((label) => label !== ignoreLabel);
  }

  /**
   * Makes a batch; `undefined` where it was stopped.
   *
   * @param stopped asked between samples
   * @throws {ClockworkError} where a file is missing or damaged, with its name
   */
  async make(index: number, stopped: () => boolean): Promise<MadeBatch | undefined> {
    const { batch, augmentation, clip } = this.#start;
    const pixels = augmentation.crop.widthPx * augmentation.crop.heightPx;
    const frames = batch * clip.frames;
    const made: MadeBatch = {
      index,
      image: new Float32Array(frames * 3 * pixels),
      labels: new Uint8Array(frames * pixels),
      labelled: new Uint8Array(frames),
      samples: Array.from({ length: batch }, (_, place) => this.#order(index * batch + place)),
    };
    // One sample is read while the one before it is augmented.
    let ahead = this.#read(made, 0);
    try {
      for (let place = 0; ahead !== undefined; place++) {
        const shots = await ahead;
        ahead = this.#read(made, place + 1);
        if (stopped()) return undefined;
        await this.#augment(made, place, shots);
      }
      return made;
    } finally {
      // Nothing may be left in the decoder when the thread ends.
      await ahead?.catch(() => undefined);
    }
  }

  #read(batch: MadeBatch, place: number): Promise<readonly LabelledFrame[]> | undefined {
    const { seed, samples, clip } = this.#start;
    const sample = samples[batch.samples[place] ?? -1];
    if (sample === undefined) return undefined;
    const frames = drawClip(clip, sample, drawsAt(seed, this.#position(batch, place), "clip"));
    const reading = this.#readFrames(sample, frames);
    // Whoever awaits it gets the error; nobody may, after another one.
    reading.catch(() => undefined);
    return reading;
  }

  async #readFrames(sample: Sample, frames: readonly number[]): Promise<readonly LabelledFrame[]> {
    const shots: LabelledFrame[] = [];
    // One after the other: a frame that is repeated is read once.
    for (const frame of frames) shots.push(await this.#cache.read(sample, frame));
    return shots;
  }

  async #augment(batch: MadeBatch, place: number, shots: readonly LabelledFrame[]): Promise<void> {
    const { seed, augmentation } = this.#start;
    const { widthPx, heightPx } = sizeOf(shots);
    const without = new Uint8Array(widthPx * heightPx).fill(ignoreLabel);
    for (const [at, { labels }] of shots.entries()) {
      batch.labelled[place * shots.length + at] = this.#usesLabels && labels !== undefined ? 1 : 0;
    }
    const random = drawsAt(seed, this.#position(batch, place), "augment");
    const transform = drawAugmentation(augmentation, { widthPx, heightPx }, random);
    const noiseStarts = drawNoise(shots.length, drawsAt(seed, this.#position(batch, place), "noise"));
    const bytes = (dims: readonly number[], parts: readonly Bytes[]): EngineTensor => ({
      dtype: "uint8",
      dims: [shots.length, heightPx, widthPx, ...dims],
      data: joined(parts),
    });
    const { outputs } = await this.#session.run({
      frames: bytes(
        [3],
        shots.map(({ frame }) => frame.data),
      ),
      labels: bytes(
        [],
        shots.map(({ labels }) => labels?.data ?? without),
      ),
      ...transformFeeds(augmentation, transform, noiseStarts),
    });
    const { image, labels_out: labels } = outputs;
    if (!(image?.data instanceof Float32Array && labels?.data instanceof Uint8Array)) {
      throw new ClockworkError("engine", "feeder: expected an image and labels of the graph, got other tensors");
    }
    batch.image.set(image.data, place * image.data.length);
    batch.labels.set(labels.data, place * labels.data.length);
  }

  #position(batch: MadeBatch, place: number): number {
    return batch.index * this.#start.batch + place;
  }
}

type Bytes = Uint8Array<ArrayBuffer>;

/** The one there is, or all of them behind each other. */
function joined(parts: readonly Bytes[]): Bytes {
  const [first, second] = parts;
  if (first !== undefined && second === undefined) return first;
  const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** @throws {ClockworkError} `invalid-argument` where frames of a clip differ in size, or are too large */
function sizeOf(shots: readonly LabelledFrame[]): { widthPx: number; heightPx: number } {
  const { widthPx = 0, heightPx = 0 } = shots[0]?.frame ?? {};
  const other = shots.find(({ frame }) => frame.widthPx !== widthPx || frame.heightPx !== heightPx);
  if (other !== undefined) {
    throw new ClockworkError(
      "invalid-argument",
      `${other.name}: expected frames of one size in a sequence, ${widthPx}x${heightPx} as "${shots[0]?.name}", got ` +
        `${other.frame.widthPx}x${other.frame.heightPx}; try clips of one frame`,
    );
  }
  if (widthPx * heightPx <= MOST_PIXELS) return { widthPx, heightPx };
  throw new ClockworkError(
    "invalid-argument",
    `${shots[0]?.name}: expected a picture of at most ${MOST_PIXELS} pixels, got ${widthPx}x${heightPx}`,
  );
}
