// An evaluation that was killed goes on to what one in a single go gives, to the bit, wherever it was killed.

import { describe, expect, test } from "vitest";
import type { Dataset } from "../../../src/datasets/index.ts";
import {
  evaluate,
  type Contender,
  type DetailedEvaluation,
  type EvaluateOptions,
} from "../../../src/evaluate/index.ts";
import {
  contendersOf,
  datasetOf,
  MortalStore,
  someMatcher,
  table,
  timeless,
  type SequencePlan,
} from "../../evaluate/rig.ts";

const square = { widthPx: 32, heightPx: 32 };

/** Blocks of 32, 8, 3, 32 and 1 frames. */
const plans: readonly SequencePlan[] = [
  { frames: 40, labelled: [0, 31, 32, 39] },
  { frames: 3, labelled: [1], sizeOf: () => square },
  { frames: 33, labelled: [5, 32] },
];

const dataset = datasetOf(plans);

function options(contenders: readonly Contender[], more: Partial<EvaluateOptions> = {}): EvaluateOptions {
  return {
    dataset,
    model: "small",
    contenders,
    networkClasses: 5,
    table,
    matcher: someMatcher,
    checkpointMs: 0,
    ...more,
  };
}

/** Runs an evaluation in a process of its own, as it were: with new segmenters. */
async function evaluateIn(
  store: MortalStore | undefined,
  clocks: readonly string[],
  more: Partial<EvaluateOptions> = {},
): Promise<DetailedEvaluation> {
  await using contenders = contendersOf(clocks);
  return await evaluate(options(contenders.all, { ...more, ...(store !== undefined && { store }) }));
}

describe.each<readonly [string, readonly string[], Partial<EvaluateOptions>]>([
  ["plain", ["skip:3", "fixed:3,7", "adaptive:0.02"], { keepLabels: true }],
  ["every phase, after a warm-up", ["fixed:3"], { keepLabels: true, phases: true, warmUp: 2 }],
  ["frames before labelled ones", ["fixed:2"], { before: 3, warmUp: 1 }],
])("%s", (_name, clocks, more) => {
  test("killed after every checkpoint", async () => {
    const [whole, mortal] = [new MortalStore(), new MortalStore()];
    const expected = await evaluateIn(whole, clocks, more);
    const places: number[] = [];
    let evaluation: DetailedEvaluation | undefined;
    for (let kills = 0; evaluation === undefined; kills++) {
      expect(kills).toBeLessThan(whole.saves + 1);
      mortal.liveFor(1);
      let began: number | undefined;
      const onProgress: EvaluateOptions["onProgress"] = ({ frames }) => (began ??= frames);
      evaluation = await evaluateIn(mortal, clocks, { ...more, onProgress }).catch((error: unknown) => {
        if (!String(error).includes("killed")) throw error;
        return undefined;
      });
      if (began !== undefined) places.push(began);
    }
    // It did go on where it was.
    expect(places).toHaveLength(new Set(places).size);
    expect([...places]).toEqual([...places].sort((a, b) => a - b));
    expect(places.length).toBeGreaterThan(2);
    expect(JSON.stringify(timeless(evaluation))).toBe(JSON.stringify(timeless(expected)));
    // What is equal is something.
    expect(expected.runs.every(({ consistency }) => consistency !== null)).toBe(true);
    expect(expected.truthConsistency === null).toBe(more.before !== undefined);
    expect(mortal.maps).toEqual(whole.maps);
    expect(mortal.maps.size).toBe(more.keepLabels === true ? expected.runs.length * expected.frames : 0);
  });
});

test("killed when everything was done, but before anybody got it", async () => {
  const store = new MortalStore();
  const first = await evaluateIn(store, ["fixed:2,4", "pipeline"]);
  expect(store.saves).toBe(5);
  store.liveFor(0);
  const again = await evaluateIn(store, ["fixed:2,4", "pipeline"]);
  expect(JSON.stringify(again.runs)).toBe(JSON.stringify(first.runs));
  expect(again).toEqual(first);
  // Nor does it matter that there was a store.
  expect(timeless(await evaluateIn(undefined, ["fixed:2,4", "pipeline"]))).toEqual(timeless(first));
});

test("times that were taken before count, too", async () => {
  const store = new MortalStore();
  store.liveFor(3);
  await evaluateIn(store, ["skip:2"]).catch(() => undefined);
  store.liveFor(undefined);
  const { runs, timelines, frames } = await evaluateIn(store, ["skip:2"]);
  for (const [at, { msPerFrame, speedup, latencyMs }] of runs.entries()) {
    const ms = timelines[at]?.ms ?? [];
    const sorted = [...ms].sort((a, b) => a - b);
    expect(ms).toHaveLength(frames);
    expect(msPerFrame).toBeCloseTo(ms.reduce((sum, one) => sum + one, 0) / frames, 9);
    expect(speedup).toBeCloseTo((runs[0]?.msPerFrame ?? 0) / msPerFrame, 9);
    // The least time that so many per cent of the frames stay within.
    const within = (percent: number): number | undefined =>
      sorted.find((limit) => 100 * sorted.filter((one) => one <= limit).length >= percent * frames);
    expect(latencyMs).toEqual({ p50: within(50), p95: within(95), p99: within(99), max: sorted.at(-1) });
  }
});

test("stopped by its signal, and by an error of the dataset, it goes on with the same segmenters", async () => {
  const store = new MortalStore();
  await using contenders = contendersOf(["fixed:3"]);
  const expected = await evaluateIn(undefined, ["fixed:3"]);
  const stop = new AbortController();
  const aborted = evaluate(
    options(contenders.all, {
      store,
      signal: stop.signal,
      onProgress: ({ frames, clock }) => {
        if (frames > 0 && clock === "fixed:3") stop.abort();
      },
    }),
  );
  await expect(aborted).rejects.toMatchObject({ code: "aborted" });
  expect(store.saves).toBe(1);
  const failing: Dataset = {
    ...dataset,
    sequences: dataset.sequences.map((sequence) => ({
      ...sequence,
      async *read(range) {
        for await (const frame of sequence.read(range)) {
          if (sequence.name === "sequence 2" && frame.index === 10) throw new Error("a scratch");
          yield frame;
        }
      },
    })),
  };
  await expect(evaluate(options(contenders.all, { store, dataset: failing }))).rejects.toThrow("a scratch");
  expect(store.saves).toBe(3);
  const evaluation = await evaluate(options(contenders.all, { store }));
  expect(timeless(evaluation)).toEqual(timeless(expected));
});

test("a store with something else in it is refused", async () => {
  const store = new MortalStore();
  store.checkpoint = Uint8Array.from({ length: 500 }, (_, at) => (at * 89) % 256);
  await using contenders = contendersOf(["fixed:2"]);
  await expect(evaluate(options(contenders.all, { store }))).rejects.toMatchObject({
    code: "io",
    message: expect.stringContaining("checkpoint"),
  });
  store.checkpoint = undefined;
  store.liveFor(1);
  await evaluate(options(contenders.all, { store })).catch(() => undefined);
  await using others = contendersOf(["fixed:2", "skip:2"]);
  await expect(evaluate(options(others.all, { store }))).rejects.toMatchObject({ code: "invalid-argument" });
  const whole = store.checkpoint ?? new Uint8Array();
  for (const length of [0, 7, 100, whole.length - 1]) {
    store.checkpoint = whole.slice(0, length);
    await expect(evaluate(options(contenders.all, { store }))).rejects.toMatchObject({ code: "io" });
  }
});
