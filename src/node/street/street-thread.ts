// One worker of the writer of streets, seen from the main thread: ranges to render, and an end.

import { Worker } from "node:worker_threads";
import { ClockworkError, reasonOf } from "../../errors.ts";
import type { Frame } from "../../frame.ts";
import type { StreetAnswer, StreetRange, StreetRequest, StreetStart } from "./protocol.ts";

// Beside this file, with the same extension: built as .js, run from sources as .ts.
const workerUrl = new URL(`./street-worker${import.meta.url.slice(import.meta.url.lastIndexOf("."))}`, import.meta.url);

interface Waiting {
  readonly frames: Frame[];
  readonly resolve: (frames: readonly Frame[]) => void;
  readonly reject: (error: ClockworkError) => void;
}

/** A worker and the ranges that it was asked for. */
export class StreetThread {
  readonly #worker: Worker;
  readonly #waiting: Waiting[] = [];
  readonly #onFrame: () => void;
  #closed: (() => void) | undefined;
  #closing: Promise<void> | undefined;
  /** Why nothing more will come. */
  #ended: ClockworkError | undefined;

  /** @param onFrame called for each frame that is done. */
  constructor(start: StreetStart, onFrame: () => void) {
    this.#onFrame = onFrame;
    this.#worker = new Worker(workerUrl, { workerData: start });
    this.#worker.on("message", (answer: StreetAnswer) => this.#hear(answer));
    this.#worker.on("error", (cause) =>
      this.#end(new ClockworkError("engine", `street: the worker failed: ${reasonOf(cause)}`, { cause })),
    );
    this.#worker.on("exit", () => this.#end(new ClockworkError("engine", "street: the worker stopped")));
  }

  /**
   * Asks for a range; ranges are worked on in the order in which they are asked for.
   *
   * @returns the frames, where the worker does not write them itself.
   * @throws {ClockworkError} `io` where it cannot write, `aborted` where it was closed
   */
  render(range: StreetRange): Promise<readonly Frame[]> {
    if (this.#ended !== undefined) return Promise.reject(this.#ended);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ frames: [], resolve, reject });
      this.#tell({ kind: "render", range });
    });
  }

  /** Lets the worker end the frame that it is at and free what it holds, and waits until the thread is gone. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    if (this.#ended === undefined) {
      await new Promise<void>((resolve) => {
        this.#closed = resolve;
        this.#tell({ kind: "close" });
      });
    }
    this.#end(new ClockworkError("aborted", "stopped"));
    await this.#worker.terminate();
  }

  #tell(request: StreetRequest): void {
    this.#worker.postMessage(request);
  }

  #hear(answer: StreetAnswer): void {
    switch (answer.kind) {
      case "frame":
        if (answer.frame !== undefined) this.#waiting[0]?.frames.push(answer.frame);
        this.#onFrame();
        return;
      case "done": {
        const done = this.#waiting.shift();
        done?.resolve(done.frames);
        return;
      }
      case "failed":
        this.#waiting.shift()?.reject(new ClockworkError(answer.code, answer.message));
        return;
      case "closed":
        this.#closed?.();
    }
  }

  #end(error: ClockworkError): void {
    this.#ended ??= error;
    for (const { reject } of this.#waiting.splice(0)) reject(this.#ended);
    this.#closed?.();
  }
}
