// Clips of the street, rendered in worker threads ahead of whoever works on them, and kept in memory while they are
// in use: each is rendered once, however often it is gone through.

import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { ClockworkError } from "../src/errors.ts";
import { sequenceOf, type Sequence } from "../src/node.ts";
import type { Clip, ClipRequest } from "./clip-worker.ts";

/** How to render. */
export interface RenderOptions {
  /** Clips that are rendered at a time; default 1. */
  readonly threads?: number;
  readonly signal?: AbortSignal;
}

/** Clips that wait to be worked on, besides those that are being rendered. */
const waiting = 1;

/**
 * Renders clips, and gives them in their order.
 * @throws ClockworkError `aborted` by the signal, `engine` where a worker fails; options that cannot be rendered fail so
 */
export async function* renderedClips(
  requests: readonly ClipRequest[],
  { threads = 1, signal }: RenderOptions = {},
): AsyncGenerator<Clip, void, void> {
  const workers = Array.from({ length: Math.min(threads, requests.length) }, () => new Worker(workerUrl));
  const busy: Promise<unknown>[] = workers.map(() => Promise.resolve());
  const ahead: Promise<Clip>[] = [];
  let asked = 0;
  const ask = (): void => {
    const turn = asked % workers.length;
    const [worker, request] = [workers[turn], requests[asked]];
    if (worker === undefined || request === undefined) return;
    asked += 1;
    const rendering = (busy[turn] ?? Promise.resolve()).then(() => rendered(worker, request, signal));
    // Whoever awaits it gets the error; nobody may, after a break.
    rendering.catch(() => undefined);
    busy[turn] = rendering;
    ahead.push(rendering);
  };
  try {
    for (let count = 0; count < workers.length + waiting; count++) ask();
    for (let next = ahead.shift(); next !== undefined; next = ahead.shift()) {
      const clip = await next;
      ask();
      yield clip;
    }
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
}

const workerUrl = new URL("./clip-worker.ts", import.meta.url);

async function rendered(worker: Worker, request: ClipRequest, signal: AbortSignal | undefined): Promise<Clip> {
  const isStopped = (): boolean => signal?.aborted === true;
  const stopped = new ClockworkError("aborted", "street: stopped by its signal");
  if (isStopped()) throw stopped;
  try {
    const answer = once(worker, "message", signal === undefined ? {} : { signal });
    worker.postMessage(request);
    const [clip] = (await answer) as [Clip];
    return clip;
  } catch (cause) {
    if (isStopped()) throw stopped;
    throw new ClockworkError("engine", `street: expected a clip, got an error (${String(cause)})`, { cause });
  }
}

/** A clip as a sequence of a dataset. */
export function clipSequence(name: string, { frames, labels }: Clip, fps: number): Sequence {
  return sequenceOf(
    name,
    frames.map((frame, index) => ({
      name: `${name}_${index}`,
      read: () => Promise.resolve(frame),
      readLabels: () => Promise.resolve(labels[index] ?? { data: new Uint8Array(), widthPx: 0, heightPx: 0 }),
    })),
    fps,
  );
}
