// The engine for Node: onnxruntime-node, every session in a worker thread of its own, so that the main thread
// stays free while a graph runs.

import { Worker } from "node:worker_threads";
import { ClockworkError, reasonOf } from "../../errors.ts";
import type { Engine, EngineSession, EngineTensor, NodeTiming, OpenOptions, Port, RunResult } from "../engine.ts";
import type { Answer, Request, WorkerStart } from "./protocol.ts";

/** The engine for Node on the CPU: onnxruntime-node in worker threads. */
export const nodeEngine: Engine = { open: (model, options) => WorkerSession.open(model, options ?? {}) };

// Beside this file, with the same extension: built as .js, run from sources as .ts.
const workerUrl = new URL(`./worker${import.meta.url.slice(import.meta.url.lastIndexOf("."))}`, import.meta.url);

interface Waiting {
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: ClockworkError) => void;
}

/** What goes on between a session and its worker. */
interface Line {
  /** Requests without an answer, oldest first: answers come in the order of the requests. */
  readonly waiting: Waiting[];
  /** Why there will be no more answers. */
  ended: ClockworkError | undefined;
}

/** An answer of one kind. */
type AnswerOf<K extends Answer["kind"]> = Extract<Answer, { readonly kind: K }>;

function expectAnswer<K extends Answer["kind"]>(answer: Answer, kind: K): AnswerOf<K> {
  const isWanted = (got: Answer): got is AnswerOf<K> => got.kind === kind;
  if (isWanted(answer)) return answer;
  throw new ClockworkError("engine", `engine: expected the answer "${kind}", got "${answer.kind}"`);
}

/** A session in a worker. */
class WorkerSession implements EngineSession {
  readonly inputs: readonly Port[];
  readonly outputs: readonly Port[];
  readonly #worker: Worker;
  readonly #line: Line;
  #closing: Promise<void> | undefined;

  private constructor(worker: Worker, line: Line, inputs: readonly Port[], outputs: readonly Port[]) {
    this.#worker = worker;
    this.#line = line;
    this.inputs = inputs;
    this.outputs = outputs;
  }

  static async open(model: Uint8Array, options: OpenOptions): Promise<WorkerSession> {
    const start: WorkerStart = { model, options };
    const worker = new Worker(workerUrl, { workerData: start });
    const waiting: Waiting[] = [];
    const line: Line = { waiting, ended: undefined };
    const end = (error: ClockworkError): void => {
      line.ended ??= error;
      for (const { reject } of waiting.splice(0)) reject(line.ended);
    };
    worker.on("message", (answer: Answer) => {
      const first = waiting.shift();
      if (answer.kind === "failed") first?.reject(new ClockworkError(answer.code, answer.message));
      else first?.resolve(answer);
      // A worker that nobody waits for must not keep the process alive.
      if (waiting.length === 0) worker.unref();
    });
    worker.on("error", (cause) =>
      end(new ClockworkError("engine", `engine: the worker failed: ${reasonOf(cause)}`, { cause })),
    );
    worker.on("exit", () => end(new ClockworkError("engine", "engine: the worker stopped before it answered")));
    const first = await new Promise<Answer>((resolve, reject) => waiting.push({ resolve, reject }));
    const { inputs, outputs } = expectAnswer(first, "opened");
    return new WorkerSession(worker, line, inputs, outputs);
  }

  async run(feeds: Readonly<Record<string, EngineTensor>>, outputs?: readonly string[]): Promise<RunResult> {
    return (await this.#ask({ kind: "run", feeds, outputs }, "ran")).result;
  }

  async readState(): Promise<Readonly<Record<string, EngineTensor>>> {
    return (await this.#ask({ kind: "read-state" }, "state-read")).tensors;
  }

  async writeState(tensors: Readonly<Record<string, EngineTensor>>): Promise<void> {
    await this.#ask({ kind: "write-state", tensors }, "state-written");
  }

  async profile(): Promise<readonly NodeTiming[]> {
    return (await this.#ask({ kind: "profile" }, "profiled")).timings;
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#closing ??= (async () => {
      // A worker that already died has nothing left to free.
      await this.#send({ kind: "close" }).catch(() => undefined);
      await this.#worker.terminate();
    })();
    return this.#closing;
  }

  async #ask<K extends Answer["kind"]>(request: Request, kind: K): Promise<AnswerOf<K>> {
    if (this.#closing !== undefined) {
      throw new ClockworkError("aborted", "engine: expected an open session, got one that was disposed");
    }
    return expectAnswer(await this.#send(request), kind);
  }

  #send(request: Request): Promise<Answer> {
    const { waiting, ended } = this.#line;
    if (ended !== undefined) return Promise.reject(ended);
    return new Promise((resolve, reject) => {
      try {
        this.#worker.postMessage(request);
      } catch (cause) {
        // Nothing was sent, so there is nothing to wait for: a tensor's buffer was given away, for one.
        reject(
          new ClockworkError("engine", `engine: expected tensors that can be copied, got: ${reasonOf(cause)}`, {
            cause,
          }),
        );
        return;
      }
      waiting.push({ resolve, reject });
      this.#worker.ref();
    });
  }
}
