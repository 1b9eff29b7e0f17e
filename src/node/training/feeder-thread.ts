// One worker of a feeder, seen from the main thread: batches by their index, and an end.

import { Worker } from "node:worker_threads";
import { ClockworkError, reasonOf } from "../../errors.ts";
import type { FeederAnswer, FeederRequest, FeederStart, MadeBatch } from "./feeder-protocol.ts";

// Beside this file, with the same extension: built as .js, run from sources as .ts.
const workerUrl = new URL(`./feeder-worker${import.meta.url.slice(import.meta.url.lastIndexOf("."))}`, import.meta.url);

interface Waiting<T> {
  readonly resolve: (value: T) => void;
  readonly reject: (error: ClockworkError) => void;
}

/** A worker and the batches that it was asked for. */
export class FeederThread {
  readonly #worker: Worker;
  readonly #batches = new Map<number, Waiting<MadeBatch>>();
  #opening: Waiting<void> | undefined;
  #closed: (() => void) | undefined;
  /** Why there will be no more batches. */
  #ended: ClockworkError | undefined;

  private constructor(start: FeederStart) {
    this.#worker = new Worker(workerUrl, { workerData: start });
    this.#worker.on("message", (answer: FeederAnswer) => this.#hear(answer));
    this.#worker.on("error", (cause) =>
      this.#end(new ClockworkError("engine", `feeder: the worker failed: ${reasonOf(cause)}`, { cause })),
    );
    this.#worker.on("exit", () => this.#end(new ClockworkError("engine", "feeder: the worker stopped")));
  }

  /** @throws {ClockworkError} where the worker does not start */
  static async open(start: FeederStart): Promise<FeederThread> {
    const thread = new FeederThread(start);
    await new Promise<void>((resolve, reject) => {
      thread.#opening = { resolve, reject };
    });
    thread.hold(false);
    return thread;
  }

  /** Asks for a batch. Batches are made in the order in which they are asked for. */
  make(index: number): Promise<MadeBatch> {
    if (this.#ended !== undefined) return Promise.reject(this.#ended);
    return new Promise((resolve, reject) => {
      this.#batches.set(index, { resolve, reject });
      this.#tell({ kind: "make", index });
    });
  }

  /** Whether the worker keeps the process alive: only while somebody waits for it. */
  hold(held: boolean): void {
    if (held) this.#worker.ref();
    else this.#worker.unref();
  }

  /** Lets the worker end the sample that it is at and free what it holds, and waits until the thread is gone. */
  async close(): Promise<void> {
    this.hold(true);
    if (this.#ended === undefined) {
      await new Promise<void>((resolve) => {
        this.#closed = resolve;
        this.#tell({ kind: "close" });
      });
    }
    this.#end(new ClockworkError("aborted", "feeder: stopped by its signal, or disposed"));
    await this.#worker.terminate();
  }

  #tell(request: FeederRequest): void {
    this.#worker.postMessage(request);
  }

  #hear(answer: FeederAnswer): void {
    switch (answer.kind) {
      case "opened":
        this.#opening?.resolve();
        return;
      case "made":
        this.#take(answer.batch.index)?.resolve(answer.batch);
        return;
      case "refused":
        this.#end(new ClockworkError(answer.code, answer.message));
        return;
      case "failed":
        this.#take(answer.index)?.reject(new ClockworkError(answer.code, answer.message));
        return;
      case "closed":
        this.#closed?.();
    }
  }

  #take(index: number): Waiting<MadeBatch> | undefined {
    const waiting = this.#batches.get(index);
    this.#batches.delete(index);
    return waiting;
  }

  #end(error: ClockworkError): void {
    this.#ended ??= error;
    this.#opening?.reject(this.#ended);
    for (const { reject } of this.#batches.values()) reject(this.#ended);
    this.#batches.clear();
    this.#closed?.();
  }
}
