// Frames in blocks: every schedule goes through a block before the next one begins. So frames are decoded once for all
// schedules, times are taken close to each other, and memory is bounded.

import type { LabelledFrame } from "../datasets/dataset.ts";

/** Most frames and bytes of a block. */
const limits = { frames: 32, bytes: 32 * 2 ** 20 } as const;

/** Cuts frames into blocks, and reads of the next one as much as it is told while the one in hand is worked on. */
export class Blocks implements AsyncDisposable {
  readonly #source: AsyncIterator<LabelledFrame>;
  #block: LabelledFrame[] = [];
  #bytes = 0;
  #reading: Promise<void> = Promise.resolve();

  constructor(frames: AsyncIterable<LabelledFrame>) {
    this.#source = frames[Symbol.asyncIterator]();
  }

  /** Begins to read this many frames of the next block; whoever asks for the block gets the errors. */
  readAhead(frames: number): void {
    this.#reading = this.#reading.then(() => this.#read(frames));
    this.#reading.catch(() => undefined);
  }

  /** The next block; empty at the end. @throws what the source throws */
  async next(): Promise<readonly LabelledFrame[]> {
    this.readAhead(limits.frames);
    await this.#reading;
    const block = this.#block;
    this.#block = [];
    this.#bytes = 0;
    return block;
  }

  async #read(frames: number): Promise<void> {
    for (let read = 0; read < frames; read++) {
      if (this.#block.length >= limits.frames || this.#bytes >= limits.bytes) return;
      const { done, value } = await this.#source.next();
      if (done === true) return;
      this.#block.push(value);
      this.#bytes += value.frame.data.length;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#reading.catch(() => undefined);
    await this.#source.return?.();
  }
}
