// How frames are chosen, read and passed on, and what no evaluation can be made of.

import { describe, expect, test } from "vitest";
import { parseSchedule } from "../../src/clocks/index.ts";
import type { Dataset, FrameRange, LabelledFrame } from "../../src/datasets/index.ts";
import { Blocks } from "../../src/evaluate/blocks.ts";
import { decodeCheckpoint, encodeCheckpoint, type Checkpoint } from "../../src/evaluate/checkpoint.ts";
import { evaluate, type EvaluateOptions } from "../../src/evaluate/index.ts";
import { phasesOf } from "../../src/evaluate/phases.ts";
import { stretchesOf } from "../../src/evaluate/stretches.ts";
import { Tally } from "../../src/evaluate/tally.ts";
import { contendersOf, datasetOf, type SequencePlan } from "./rig.ts";

const plans: readonly SequencePlan[] = [{ frames: 40, labelled: [3] }];

describe.each<readonly [string, Partial<EvaluateOptions>, RegExp]>([
  ["a step that is none", { every: 0 }, /every: .*got 0/],
  ["half a frame before", { before: 1.5 }, /before: .*1\.5/],
  ["a warm-up before the start", { warmUp: -1 }, /warm-up: .*-1/],
  ["no frames", { limit: 0 }, /limit: .*got 0/],
  ["a warm-up longer than the approach", { before: 2, warmUp: 3 }, /warm-up: .*\(2\), got 3/],
  ["an approach to no labels", { before: 2, dataset: datasetOf([{ frames: 3, labelled: [] }]) }, /before: .*without/],
  ["a warm-up that leaves nothing", { warmUp: 40 }, /none; try a smaller warm-up/],
  ["a warm-up that leaves nothing, as shows at the end", { warmUp: 40, dataset: endless(datasetOf(plans)) }, /warm-up/],
])("%s", (_name, more, message) => {
  test("is an error", async () => {
    await using contenders = contendersOf(["skip:2"]);
    const options = { dataset: datasetOf(plans), model: "small", contenders: contenders.all, networkClasses: 5 };
    await expect(evaluate({ ...options, ...more })).rejects.toMatchObject({
      code: "invalid-argument",
      message: expect.stringMatching(message),
    });
  });
});

/** A dataset that does not say how long its sequences are, as videos do not. */
function endless(dataset: Dataset): Dataset {
  return { ...dataset, sequences: dataset.sequences.map((sequence) => ({ ...sequence, length: undefined })) };
}

test("an evaluation without the oracle is refused", async () => {
  await using contenders = contendersOf(["skip:2"]);
  const options = { dataset: datasetOf(plans), model: "small", networkClasses: 5 };
  for (const wrong of [[], contenders.all.slice(1)]) {
    await expect(evaluate({ ...options, contenders: wrong })).rejects.toMatchObject({ code: "invalid-argument" });
  }
});

test("a sequence that does not say how long it is is read to its end", async () => {
  await using contenders = contendersOf(["skip:2"]);
  const totals = new Set<number | undefined>();
  const { frames, labelled } = await evaluate({
    dataset: endless(datasetOf(plans)),
    model: "small",
    contenders: contenders.all,
    networkClasses: 5,
    onProgress: ({ total }) => totals.add(total),
  });
  expect([frames, labelled, [...totals]]).toEqual([40, 1, [undefined]]);
});

test("every frame is read once, not long before it is wanted, and sources are closed", async () => {
  const plan = datasetOf([
    { frames: 150, labelled: [] },
    { frames: 20, labelled: [] },
  ]);
  const read: number[] = [];
  const ranges: FrameRange[] = [];
  let open = 0;
  const dataset: Dataset = {
    ...plan,
    sequences: plan.sequences.map((sequence) => ({
      ...sequence,
      async *read(range = {}) {
        ranges.push(range);
        open += 1;
        try {
          for await (const frame of sequence.read(range)) {
            read.push(frame.index);
            yield frame;
          }
        } finally {
          open -= 1;
        }
      },
    })),
  };
  await using contenders = contendersOf(["skip:5"]);
  const options = { dataset, model: "small", contenders: contenders.all, networkClasses: 5 };
  const progress: [frames: number, total: number | undefined, ahead: number][] = [];
  await evaluate({
    ...options,
    onProgress: ({ frames, total }) => {
      progress.push([frames, total, read.length - frames]);
      expect(open).toBeLessThanOrEqual(1);
    },
  });
  expect(read).toEqual([...Array(150).keys(), ...Array(20).keys()]);
  expect(ranges).toHaveLength(2);
  expect(open).toBe(0);
  for (const [frames, total, ahead] of progress) {
    expect(total).toBe(170);
    expect(frames % 32 === 0 || frames === 150).toBe(true);
    // The block in hand, and the next one.
    expect(ahead).toBeLessThanOrEqual(2 * 32);
  }
  const stop = new AbortController();
  const stopped = evaluate({ ...options, signal: stop.signal, onProgress: () => stop.abort() });
  await expect(stopped).rejects.toMatchObject({ code: "aborted" });
  expect(open).toBe(0);
});

describe("blocks", () => {
  /** Frames without pixels of their own, and a source that knows how many were asked for. */
  function source(count: number, bytes: number): { frames: AsyncGenerator<LabelledFrame>; asked: () => number } {
    const data = new Uint8Array(bytes);
    let asked = 0;
    const frames = async function* (): AsyncGenerator<LabelledFrame> {
      while (asked < count) {
        const index = asked++;
        yield { index, name: "", frame: { data, widthPx: 1, heightPx: 1, timestampSec: 0 }, labels: undefined };
      }
    };
    return { frames: frames(), asked: () => asked };
  }

  async function lengthsOf(blocks: Blocks): Promise<number[]> {
    const lengths: number[] = [];
    for (let block = await blocks.next(); block.length > 0; block = await blocks.next()) lengths.push(block.length);
    return lengths;
  }

  test("have at most 32 frames, of 32 MiB but for the last one", async () => {
    await using small = new Blocks(source(70, 3).frames);
    expect(await lengthsOf(small)).toEqual([32, 32, 6]);
    await using large = new Blocks(source(5, 15 * 2 ** 20).frames);
    expect(await lengthsOf(large)).toEqual([3, 2]);
    await using none = new Blocks(source(0, 3).frames);
    expect(await lengthsOf(none)).toEqual([]);
  });

  test("are read ahead by as much as is asked for, and no further than one block", async () => {
    const { frames, asked } = source(100, 3);
    await using blocks = new Blocks(frames);
    await blocks.next();
    expect(asked()).toBe(32);
    for (const [ahead, read] of [
      [10, 42],
      [10, 52],
      [30, 64],
      [30, 64],
    ] as const) {
      blocks.readAhead(ahead);
      await new Promise((resolve) => setTimeout(resolve));
      expect(asked()).toBe(read);
    }
    expect((await blocks.next()).map(({ index }) => index)).toEqual(Array.from({ length: 32 }, (_, at) => 32 + at));
  });
});

test("phases are as many as frames until a clock repeats", () => {
  const phases = (clock: string): number => phasesOf(parseSchedule(clock));
  expect(["every", "pipeline", "adaptive:0.1", "skip:7", "fixed:4", "fixed:4,6", "fixed:2,3,5"].map(phases)).toEqual([
    1, 1, 1, 7, 4, 12, 30,
  ]);
  expect(phases("skip:60")).toBe(60);
  expect(() => phases("fixed:7,9")).toThrow(/63; try it without/u);
});

test("with a limit, the approaches to the first labelled frames of each sequence are taken", () => {
  const { sequences } = datasetOf([
    { frames: 9, labelled: [2, 4, 8] },
    { frames: 9, labelled: [7] },
  ]);
  const targets = stretchesOf(sequences, { before: 1, limit: 2 }).map(({ sequence, from, to }) => [sequence, from, to]);
  expect(targets).toEqual([
    [0, 1, 3],
    [0, 3, 5],
    [1, 6, 8],
  ]);
});

test("a checkpoint is what it was after encoding and decoding", () => {
  const tally = new Tally({ networkClasses: 5, classes: 3, table: undefined }).state();
  const checkpoint: Checkpoint = {
    stretch: 3,
    place: 32,
    done: 100,
    frames: 96,
    labelled: 4,
    runs: [
      {
        tally: { ...tally, ages: [4, 0, 1] },
        lanes: [
          { snapshot: Uint8Array.of(1, 2, 3), previous: Uint8Array.of() },
          { snapshot: undefined, previous: undefined },
          { snapshot: Uint8Array.of(7), previous: Uint8Array.of(5, 255) },
        ],
      },
      { tally, lanes: [] },
    ],
  };
  expect(decodeCheckpoint(encodeCheckpoint(checkpoint))).toEqual(checkpoint);
  // Bytes in the middle of others, as files are read.
  const bytes = encodeCheckpoint(checkpoint);
  const padded = new Uint8Array(bytes.length + 9);
  padded.set(bytes, 5);
  expect(decodeCheckpoint(padded.subarray(5, 5 + bytes.length))).toEqual(checkpoint);
});
