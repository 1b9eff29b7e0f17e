// A segmenter between a source and a consumer, either of which may be slow, stop, fail or be aborted: what is read when,
// which results still come, and that everything is closed. Expected numbers follow from the bounds that the segmenter
// states: two frames at the engine, two read ahead, one on its way.

import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Frame } from "../../src/frame.ts";
import type { Engine } from "../../src/engine/engine.ts";
import type { SegmentResult } from "../../src/segment/index.ts";
import { prefetch } from "../../src/segment/prefetch.ts";
import { localEngine } from "../support/runtime.ts";
import { noiseFrame } from "../support/noise.ts";
import {
  firings,
  frameSize,
  movingFrames,
  pause,
  resultsOf,
  smallSegmenter,
  until,
  watched,
} from "../support/segmenting.ts";

/** Most frames that are read beyond the result that the consumer has: in flight, on the way, read ahead. */
const ahead = 2 + 1 + 2 + 1;

const unhandled: unknown[] = [];
const onUnhandled = (reason: unknown): void => void unhandled.push(reason);
beforeEach(() => {
  unhandled.length = 0;
  process.on("unhandledRejection", onUnhandled);
});
afterEach(async () => {
  await pause(5);
  process.off("unhandledRejection", onUnhandled);
  if (unhandled.length > 0) throw new Error(`expected no unhandled rejection, got ${unhandled.join()}`);
});

/** Results until the stream fails, and how it fails. */
async function untilFailure(results: AsyncIterable<SegmentResult>): Promise<{ count: number; error: unknown }> {
  let count = 0;
  try {
    for await (const { timestampSec } of results) {
      expect(timestampSec).toBe((2 * count) / 25);
      count += 1;
    }
  } catch (error) {
    return { count, error };
  }
  return { count, error: undefined };
}

describe("pace", () => {
  test("a slow consumer holds the source back, however long it takes", async () => {
    await using segmenter = smallSegmenter();
    const source = watched();
    let count = 0;
    for await (const _ of segmenter.segment(source.frames)) {
      count += 1;
      await pause(30);
      expect(source.read()).toBeLessThanOrEqual(count + ahead);
      if (count === 8) break;
    }
    expect(source.closed()).toBe(true);
  });

  test("nothing is read before the first result is asked for", async () => {
    await using segmenter = smallSegmenter();
    const source = watched();
    const results = segmenter.segment(source.frames);
    await pause(20);
    expect(source.read()).toBe(0);
    await results.return();
    await source.frames.return();
  });

  test("a slow source is waited for, and no result waits for the next frame", async () => {
    await using segmenter = smallSegmenter();
    await segmenter.prepare(frameSize);
    let results = 0;
    // Each frame comes only after the results of all before it: results that wait for frames would never come.
    const source = watched((frame) => until(() => results === frame), 5);
    for await (const _ of segmenter.segment(source.frames)) results += 1;
    expect(results).toBe(5);
  });

  test("frames are made while others are worked on", async () => {
    await using segmenter = smallSegmenter();
    const source = watched();
    const results = segmenter.segment(source.frames);
    await results.next();
    // The consumer asks for nothing meanwhile.
    await expect(until(() => source.read() >= 4)).resolves.toBeUndefined();
    await results.return();
  });
});

describe("stopping", () => {
  test("a consumer that leaves closes the source, and the segmenter goes on to the next", async () => {
    await using segmenter = smallSegmenter("fixed:2");
    const source = watched();
    for await (const _ of segmenter.segment(source.frames)) break;
    expect(source.closed()).toBe(true);
    expect(source.read()).toBeLessThanOrEqual(1 + ahead);
    expect(firings(await resultsOf(segmenter.segment(movingFrames(3))))).toEqual(["##", "#.", "##"]);
  });

  test("a consumer that throws closes the source", async () => {
    await using segmenter = smallSegmenter();
    const source = watched();
    const act = async (): Promise<void> => {
      for await (const _ of segmenter.segment(source.frames)) throw new Error("of the consumer");
    };
    await expect(act()).rejects.toThrow("of the consumer");
    expect(source.closed()).toBe(true);
    expect(await resultsOf(segmenter.segment(movingFrames(2)))).toHaveLength(2);
  });

  test("a signal that is aborted before: nothing is read", async () => {
    await using segmenter = smallSegmenter();
    const source = watched();
    const failed = await untilFailure(segmenter.segment(source.frames, { signal: AbortSignal.abort("enough") }));
    expect(failed).toEqual({ count: 0, error: expect.objectContaining({ code: "aborted", cause: "enough" }) });
    expect(source.read()).toBe(0);
  });

  test("a signal that is aborted on the way", async () => {
    await using segmenter = smallSegmenter();
    const source = watched();
    const stop = new AbortController();
    let count = 0;
    const act = async (): Promise<void> => {
      for await (const _ of segmenter.segment(source.frames, { signal: stop.signal })) {
        count += 1;
        if (count === 3) stop.abort();
      }
    };
    await expect(act()).rejects.toMatchObject({ code: "aborted" });
    expect(count).toBe(3);
    await until(source.closed);
    expect(await resultsOf(segmenter.segment(movingFrames(2)))).toHaveLength(2);
  });

  test("a signal that is aborted while the source is stuck ends at once; the source is closed when it moves", async () => {
    await using segmenter = smallSegmenter();
    const stop = new AbortController();
    let release = (): void => undefined;
    const stuck = new Promise<void>((resolve) => (release = resolve));
    const source = watched((frame) => (frame < 4 ? undefined : stuck));
    const failing = untilFailure(segmenter.segment(source.frames, { signal: stop.signal }));
    await until(() => source.read() === 5);
    await pause(50);
    const start = performance.now();
    stop.abort();
    const { error } = await failing;
    expect(performance.now() - start).toBeLessThan(2000);
    expect(error).toMatchObject({ code: "aborted" });
    expect(source.closed()).toBe(false);
    release();
    await until(source.closed);
  });

  test("a second source at the same time is refused at once, and the first goes on", async () => {
    await using segmenter = smallSegmenter();
    const first = segmenter.segment(movingFrames(4));
    await first.next();
    const second = watched();
    await expect(segmenter.segment(second.frames).next()).rejects.toMatchObject({ code: "invalid-argument" });
    expect(second.read()).toBe(0);
    expect(await resultsOf(first)).toHaveLength(3);
  });
});

describe("failing", () => {
  test.each([0, 1, 2, 5])("a source that throws after %i frames: their results come first", async (good) => {
    await using segmenter = smallSegmenter();
    const broken = new Error("of the source");
    const source = watched((frame) => {
      if (frame === good) throw broken;
    });
    expect(await untilFailure(segmenter.segment(source.frames))).toEqual({ count: good, error: broken });
    expect(await resultsOf(segmenter.segment(movingFrames(3)))).toHaveLength(3);
  });

  test("a source whose iterator throws at once", async () => {
    await using segmenter = smallSegmenter();
    const broken = {
      [Symbol.iterator]: (): Iterator<Frame> => ({
        next: () => {
          throw new Error("no frames");
        },
      }),
    };
    await expect(resultsOf(segmenter.segment(broken))).rejects.toThrow("no frames");
    expect(await resultsOf(segmenter.segment(movingFrames(1)))).toHaveLength(1);
  });

  test.each<readonly [string, Partial<Frame>]>([
    ["too few bytes", { data: new Uint8Array(96 * 64 * 3 - 1) }],
    ["too many bytes", { data: new Uint8Array(96 * 64 * 4) }],
    ["no pixels", { data: new Uint8Array(), widthPx: 0 }],
  ])("a frame of %s is refused, after the results of those before", async (_name, wrong) => {
    await using segmenter = smallSegmenter();
    const frames = [...movingFrames(4), { ...noiseFrame(96, 64, 0), ...wrong }, ...movingFrames(2)];
    const { count, error } = await untilFailure(segmenter.segment(frames));
    expect(count).toBe(4);
    expect(error).toMatchObject({ code: "invalid-argument", message: expect.stringContaining("bytes of RGB") });
  });

  test("an engine that fails: the results before come, none after", async () => {
    let runs = 0;
    const failing: Engine = {
      async open(model, options) {
        const session = await localEngine.open(model, options);
        if (options?.state === undefined) return session;
        const run: typeof session.run = async (feeds, outputs) => {
          runs += 1;
          if (runs === 4) throw new Error("out of memory");
          return session.run(feeds, outputs);
        };
        return { ...session, run, [Symbol.asyncDispose]: () => session[Symbol.asyncDispose]() };
      },
    };
    await using segmenter = smallSegmenter("fixed:2", { engine: failing });
    const { count, error } = await untilFailure(segmenter.segment(movingFrames(9)));
    expect([count, String(error)]).toEqual([3, "Error: out of memory"]);
    expect(firings(await resultsOf(segmenter.segment(movingFrames(2))))).toEqual(["##", "#."]);
  });
});

describe("disposal", () => {
  test("while it runs: the stream ends with `aborted`, the source is closed", async () => {
    const segmenter = smallSegmenter();
    const source = watched();
    let count = 0;
    const act = async (): Promise<void> => {
      for await (const _ of segmenter.segment(source.frames)) {
        count += 1;
        if (count === 2) await segmenter[Symbol.asyncDispose]();
      }
    };
    await expect(act()).rejects.toMatchObject({ code: "aborted" });
    expect(count).toBeLessThanOrEqual(2 + ahead);
    expect(source.closed()).toBe(true);
  });

  test("twice is once, and nothing works afterwards", async () => {
    const segmenter = smallSegmenter();
    await segmenter.prepare(frameSize);
    await Promise.all([segmenter[Symbol.asyncDispose](), segmenter[Symbol.asyncDispose]()]);
    await expect(segmenter.prepare(frameSize)).rejects.toMatchObject({ code: "aborted" });
    await expect(resultsOf(segmenter.segment(movingFrames(1)))).rejects.toMatchObject({ code: "aborted" });
  });

  test("every session that was opened is closed, also where preparing is under way", async () => {
    let open = 0;
    const counting: Engine = {
      async open(model, options) {
        const session = await localEngine.open(model, options);
        open += 1;
        let closed = false;
        return {
          ...session,
          async [Symbol.asyncDispose]() {
            if (!closed) open -= 1;
            closed = true;
            await session[Symbol.asyncDispose]();
          },
        };
      },
    };
    const segmenter = smallSegmenter("fixed:2", { engine: counting });
    const other = { widthPx: 64, heightPx: 64 };
    await Promise.all([segmenter.prepare(frameSize), segmenter.prepare(frameSize), segmenter.prepare(other)]);
    expect(open).toBe(1);
    const late = segmenter.prepare(frameSize).catch((error: unknown) => error);
    await segmenter[Symbol.asyncDispose]();
    await late;
    expect(open).toBe(0);
  });
});

describe("reading ahead", () => {
  /** Numbers, with what was done to their source. */
  function numbers(count: number): { source: AsyncGenerator<number>; read: () => number; closed: () => boolean } {
    let read = 0;
    let closed = false;
    const source = (async function* () {
      try {
        while (read < count) yield read++;
      } finally {
        await pause(0);
        closed = true;
      }
    })();
    return { source, read: () => read, closed: () => closed };
  }

  test.each([1, 3])("keeps up to %i items", async (capacity) => {
    const { source, read, closed } = numbers(20);
    const items: number[] = [];
    for await (const { item, milliseconds } of prefetch(source, capacity)) {
      items.push(item);
      expect(milliseconds).toBeGreaterThanOrEqual(0);
      await pause(2);
      expect(read()).toBe(Math.min(20, items.length + capacity));
    }
    expect(items).toEqual(Array.from({ length: 20 }, (_, at) => at));
    expect(closed()).toBe(true);
  });

  test("gives the items before an error, then the error, and does not close what has failed", async () => {
    let returned = 0;
    let at = 0;
    const source: AsyncIterable<number> = {
      [Symbol.asyncIterator]: () => ({
        next: () => (at < 3 ? Promise.resolve({ done: false, value: at++ }) : Promise.reject(new Error("broken"))),
        return: () => {
          returned += 1;
          return Promise.resolve({ done: true, value: undefined });
        },
      }),
    };
    const items: number[] = [];
    const act = async (): Promise<void> => {
      for await (const { item } of prefetch(source, 2)) items.push(item);
    };
    await expect(act()).rejects.toThrow("broken");
    expect([items, returned]).toEqual([[0, 1, 2], 0]);
  });

  test("times the source and not the consumer", async () => {
    const source = (async function* () {
      for (let at = 0; at < 3; at++) {
        await pause(40);
        yield at;
      }
    })();
    for await (const { milliseconds } of prefetch(source, 1)) {
      await pause(150);
      expect(milliseconds).toBeGreaterThan(30);
      expect(milliseconds).toBeLessThan(145);
    }
  });
});
