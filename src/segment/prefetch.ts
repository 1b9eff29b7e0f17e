// Reads a source ahead of its consumer, up to a bound: while one frame is worked on, the next ones are made.

import { ClockworkError } from "../errors.ts";

/** An item with the time that its source took to make it. */
export interface Prefetched<T> {
  readonly item: T;
  readonly milliseconds: number;
}

/**
 * Yields what `source` gives, in order, while up to `capacity` items wait. Stops reading when it is left early or when
 * `signal` is aborted, and closes the source: as soon as the source is done with the item that it is making. Only where
 * it is left early does the caller wait for that; an abort is for sources that are stuck, too.
 *
 * @throws ClockworkError `aborted` when `signal` is; whatever the source throws, after the items before it
 */
export async function* prefetch<T>(
  source: AsyncIterable<T> | Iterable<T>,
  capacity: number,
  signal?: AbortSignal,
): AsyncGenerator<Prefetched<T>, void, void> {
  const iterator = Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : source[Symbol.iterator]();
  const ready: Prefetched<T>[] = [];
  let ended = false;
  let exhausted = false;
  let failure: { readonly error: unknown } | undefined;
  const state = { stopped: signal?.aborted === true };
  let wakeReader: (() => void) | undefined;
  let wakeConsumer: (() => void) | undefined;

  const read = async (): Promise<void> => {
    try {
      while (!state.stopped) {
        if (ready.length >= capacity) {
          await new Promise<void>((resolve) => (wakeReader = resolve));
          continue;
        }
        const start = performance.now();
        const next = await iterator.next();
        exhausted = next.done === true;
        if (next.done === true) break;
        ready.push({ item: next.value, milliseconds: performance.now() - start });
        wakeConsumer?.();
      }
    } catch (error) {
      exhausted = true;
      failure = { error };
    }
    ended = true;
    wakeConsumer?.();
  };
  const onAbort = (): void => wakeConsumer?.();
  signal?.addEventListener("abort", onAbort);
  const reading = read();
  try {
    for (;;) {
      checkAborted(signal);
      const first = ready.shift();
      if (first !== undefined) {
        wakeReader?.();
        yield first;
      } else if (failure !== undefined) throw failure.error;
      else if (ended) return;
      else await new Promise<void>((resolve) => (wakeConsumer = resolve));
    }
  } finally {
    state.stopped = true;
    signal?.removeEventListener("abort", onAbort);
    wakeReader?.();
    // The reader may be in the middle of an item: it has to be done with the source before that is closed.
    const close = async (): Promise<void> => {
      await reading;
      if (!exhausted) await iterator.return?.();
    };
    const closing = close();
    if (signal?.aborted === true) closing.catch(() => undefined);
    else await closing;
  }
}

/** @throws ClockworkError `aborted` where the signal is */
export function checkAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw new ClockworkError("aborted", "segment: stopped", { cause: signal.reason });
}
