// Standard input as bytes for FFmpeg, pulled through Node's own stream so that a wait for more bytes can be ended.
// (FFmpeg's `pipe:` blocks a thread that nothing can wake, and keeps the process from exiting.)
// The stream is never destroyed: FFmpeg may still be asking for bytes.

import { AVERROR_EIO, AVERROR_EOF, AVERROR_EXIT } from "node-av/constants";
import { IOContext } from "node-av/lib";
import type { Readable } from "node:stream";

const BUFFER_BYTES = 65_536;

/** An FFmpeg input over a Node stream. */
export class StreamInput {
  readonly context: IOContext = new IOContext();
  readonly #stream: Readable;
  readonly #wake = (): void => this.#resume?.();
  readonly #fail = (): void => {
    this.#failed = true;
    this.#resume?.();
  };
  #resume: (() => void) | undefined;
  #rest: Buffer | undefined;
  #stopped = false;
  #failed = false;

  constructor(stream: Readable) {
    this.#stream = stream;
    stream.on("readable", this.#wake).on("end", this.#wake).on("close", this.#wake);
    stream.on("error", this.#fail);
    this.context.allocContextWithCallbacks(BUFFER_BYTES, 0, (size) => this.#read(size));
  }

  /** Ends a wait for bytes. */
  stop(): void {
    this.#stopped = true;
    this.#resume?.();
  }

  /** Gives the stream back and frees the FFmpeg side; call it after the container is closed. */
  close(): void {
    this.stop();
    this.#stream.off("readable", this.#wake).off("end", this.#wake).off("close", this.#wake);
    this.#stream.off("error", this.#fail);
    this.#stream.pause();
    // A standard input that someone keeps open must not keep the process alive.
    if ("unref" in this.#stream && typeof this.#stream.unref === "function") this.#stream.unref();
    this.context.freeContext();
  }

  #pull(): Buffer | null {
    const chunk: unknown = this.#stream.read();
    return Buffer.isBuffer(chunk) ? chunk : null;
  }

  async #read(size: number): Promise<Buffer | number> {
    for (;;) {
      if (this.#stopped) return AVERROR_EXIT;
      if (this.#failed) return AVERROR_EIO;
      const chunk = this.#rest ?? this.#pull();
      this.#rest = undefined;
      if (chunk !== null) {
        if (chunk.length <= size) return chunk;
        this.#rest = chunk.subarray(size);
        return chunk.subarray(0, size);
      }
      if (this.#stream.readableEnded || this.#stream.destroyed) return AVERROR_EOF;
      await new Promise<void>((resolve) => {
        this.#resume = resolve;
      });
      this.#resume = undefined;
    }
  }
}
