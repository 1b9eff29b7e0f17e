// How far clockwork is from the oracle on each frame, for any firings. What is held depends on nothing but the frame of
// the last firing (and where it moved to on the frames since, with flow), so each pair of a frame and its key is run once,
// whatever the number of schedules that have it.

import type { Sequence } from "../datasets/dataset.ts";
import { throwIfAborted } from "../datasets/sequence.ts";
import { ClockworkError } from "../errors.ts";
import type { Frame } from "../frame.ts";
import { agreementOf } from "../metrics/index.ts";
import type { Size } from "../network/index.ts";
import type { Segmenter } from "../segment/index.ts";
import { neverFires, variantOf, type FootageOptions } from "./footage.ts";

/** Frames of a video that are wanted: from `from`, up to but without `to`. */
export interface Stretch {
  readonly from: number;
  readonly to: number;
}

/** Measures disagreement, pair by pair, and remembers. */
export class Disagreements implements AsyncDisposable {
  readonly #options: FootageOptions;
  readonly #resting: Segmenter;
  readonly #repeatsLabels: boolean;
  /** By video: share of the pixels that disagree on frame t with what key k left, at `k * 2^26 + t`. */
  readonly #known: Map<number, number>[];

  /** @param stages stages of the plan */
  constructor(options: FootageOptions, stages: number) {
    this.#options = options;
    const { propagate = "still" } = options;
    this.#resting = variantOf(options, { schedule: neverFires(stages, propagate) });
    this.#repeatsLabels = stages === 1 && propagate === "still";
    this.#known = options.videos.map(() => new Map());
  }

  /** Refuses a network that cannot rest as it is asked to, before it is measured. @throws ClockworkError as compiling */
  async prepare({ widthPx, heightPx }: Size): Promise<void> {
    if (!this.#repeatsLabels) await this.#resting.prepare({ widthPx, heightPx });
  }

  /**
   * Share of the pixels that disagree with the oracle, frame by frame; 0 where the frame fired.
   * @param keys frame of the last firing for every frame of the stretch
   * @param step what to call this in progress
   * @returns one entry a frame of the stretch
   * @throws ClockworkError `invalid-video` where the video has fewer frames than when the oracle went through, `aborted`
   *   by the signal
   */
  async of(video: number, keys: readonly number[], stretch: Stretch, step: string): Promise<Float64Array> {
    const known = this.#known[video];
    const sequence = this.#options.videos[video];
    if (known === undefined || sequence === undefined) throw new RangeError(`video ${video}`);
    const pieces = piecesOf(keys, stretch, known);
    if (this.#repeatsLabels) await this.#compareLabels(video, pieces, known, step);
    else await this.#run(video, sequence, pieces, known, step);
    return Float64Array.from({ length: stretch.to - stretch.from }, (_, offset) => {
      const frame = stretch.from + offset;
      const key = keys[offset] ?? frame;
      const found = key === frame ? 0 : known.get(pair(key, frame));
      if (found !== undefined) return found;
      throw new ClockworkError(
        "invalid-video",
        `${sequence.name}: expected the same frames whenever it is read, got no frame ${frame} this time`,
      );
    });
  }

  /** One stage repeats its labels: what they would be is known without running anything. */
  async #compareLabels(
    video: number,
    pieces: readonly Piece[],
    known: Map<number, number>,
    step: string,
  ): Promise<void> {
    for (const { key, last } of pieces) {
      const held = await this.#oracle(video, key);
      for (let frame = key + 1; frame <= last; frame++) {
        throwIfAborted(this.#options.signal, "tune");
        known.set(pair(key, frame), 1 - agreementOf(held, await this.#oracle(video, frame)));
      }
      this.#options.onProgress?.({ step, frames: last, total: pieces.at(-1)?.last });
    }
  }

  async #run(
    video: number,
    sequence: Sequence,
    pieces: readonly Piece[],
    known: Map<number, number>,
    step: string,
  ): Promise<void> {
    const [first] = pieces;
    if (first === undefined) return;
    const { signal } = this.#options;
    const total = pieces.reduce((sum, { key, last }) => sum + last - key + 1, 0);
    let done = 0;
    // One pass over the video, whatever the number of pieces: it may be a file that has to be decoded from its start.
    const source = sequence.read({ from: first.key, ...(signal !== undefined && { signal }) })[Symbol.asyncIterator]();
    try {
      for (const { key, last } of pieces) {
        let frame = key;
        const frames = framesUpTo(source, key, last);
        for await (const { labels } of this.#resting.segment(frames, signal === undefined ? {} : { signal })) {
          if (frame > key) {
            known.set(pair(key, frame), 1 - agreementOf(labels.data, await this.#oracle(video, frame)));
          }
          frame += 1;
          done += 1;
          this.#options.onProgress?.({ step, frames: done, total });
        }
      }
    } finally {
      await source.return?.();
    }
  }

  async #oracle(video: number, frame: number): Promise<Uint8Array> {
    const labels = await this.#options.labels.labels(video, frame);
    if (labels === undefined) throw new ClockworkError("io", `tune: expected labels of frame ${frame}, got none`);
    return labels;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#resting[Symbol.asyncDispose]();
  }
}

/** Frames to run: from a key to the last frame that is not known with it. */
interface Piece {
  readonly key: number;
  readonly last: number;
}

function piecesOf(
  keys: readonly number[],
  { from, to }: Stretch,
  known: ReadonlyMap<number, number>,
): readonly Piece[] {
  const pieces: Piece[] = [];
  for (let frame = from; frame < to; frame++) {
    const key = keys[frame - from] ?? frame;
    if (key === frame || known.has(pair(key, frame))) continue;
    const before = pieces.at(-1);
    if (before?.key === key) pieces[pieces.length - 1] = { key, last: frame };
    else pieces.push({ key, last: frame });
  }
  return pieces;
}

/** Reads on to a frame, and gives it and those up to another. */
async function* framesUpTo(
  source: AsyncIterator<{ readonly index: number; readonly frame: Frame }>,
  from: number,
  last: number,
): AsyncGenerator<Frame, void> {
  for (;;) {
    const { done, value } = await source.next();
    if (done === true) return;
    if (value.index >= from) yield value.frame;
    if (value.index >= last) return;
  }
}

function pair(key: number, frame: number): number {
  return key * 2 ** 26 + frame;
}
