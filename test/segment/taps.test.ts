// Taps of a segmenter: tensors of the inside with every result, each the frame's own, whether stages rest or not.

import { describe, expect, test } from "vitest";
import { parseSchedule } from "../../src/clocks/index.ts";
import { compile } from "../../src/compile/compile.ts";
import type { EngineTensor } from "../../src/engine/engine.ts";
import { nodeEngine } from "../../src/engine/node/engine.ts";
import type { Model } from "../../src/onnx/index.ts";
import { defaultPreprocessing } from "../../src/preprocessing.ts";
import type { SegmentResult } from "../../src/segment/index.ts";
import { digestOf, localEngine } from "../support/runtime.ts";
import { frameSize, movingFrames, resultsOf, smallSegmenter } from "../support/segmenting.ts";

const frames = movingFrames(6);
const now = "clockwork/clock/labels/now";

/** What tells the tapped tensors of each result apart. */
function digests(results: readonly SegmentResult[], name: string): unknown {
  return results.map(({ taps }) => digestOf(taps[name]));
}

/** The small network with taps compiled in. */
async function compiledWith(taps: readonly string[]): Promise<Model> {
  await using segmenter = smallSegmenter("every");
  const { network, plan } = await segmenter.prepare(frameSize);
  if (network === undefined || plan === undefined) throw new Error("expected a network with a plan");
  return compile(network, plan, {
    io: "frames",
    schedule: parseSchedule("fixed:2"),
    preprocessing: defaultPreprocessing(),
    taps,
  }).model;
}

test.each([
  ["on the calling thread", localEngine],
  ["in a worker", nodeEngine],
] as const)("each result has tensors of its own frame, %s", async (_, engine) => {
  const taps = ["pool3", "score_pool3"];
  await using segmenter = smallSegmenter("fixed:3", { engine, taps });
  // All are kept while later frames run.
  const together = await resultsOf(segmenter.segment(frames));
  expect(together.map(({ fired }) => fired)).toEqual([0, 1, 2, 3, 4, 5].map((frame) => [true, frame % 3 === 0]));
  for (const name of taps) {
    const alone: EngineTensor[] = [];
    for (const frame of frames) {
      const [result] = await resultsOf(segmenter.segment([frame]));
      const tensor = result?.taps[name];
      if (tensor !== undefined) alone.push(tensor);
    }
    expect(digests(together, name)).toEqual(alone.map(digestOf));
    expect(new Set(alone.map((tensor) => digestOf(tensor).bits)).size).toBe(frames.length);
  }
  expect(Object.keys(together[0]?.taps ?? {}).sort()).toEqual(taps);
  expect(together[0]?.taps["pool3"]).toMatchObject({ dtype: "float32", dims: [1, 16, 8, 12] });
});

test("they change nothing else, and there are none where none are asked for", async () => {
  await using plain = smallSegmenter("adaptive:0.05");
  await using tapped = plain.variant({ taps: [now, "pool3"] });
  const [without, withTaps] = [await resultsOf(plain.segment(frames)), await resultsOf(tapped.segment(frames))];
  for (const [at, { labels, fired, signal, taps }] of without.entries()) {
    expect(taps).toEqual({});
    expect(withTaps[at]).toMatchObject({ fired, signal });
    expect(withTaps[at]?.labels.data).toEqual(labels.data);
  }
});

test("the clock's labels tell its signal", async () => {
  await using segmenter = smallSegmenter("adaptive:0.05", { taps: [now] });
  const results = await resultsOf(segmenter.segment(frames));
  let key: readonly number[] = [];
  for (const [at, { taps, fired, signal }] of results.entries()) {
    const labels = Array.from(taps[now]?.data ?? [], Number);
    const changed = labels.filter((label, place) => label !== key[place]).length;
    // What the first frame is compared with is nothing.
    expect(at === 0 ? changed / labels.length : signal).toBeCloseTo(changed / labels.length, 6);
    if (fired[1] === true) key = labels;
  }
  expect(results.some(({ fired, signal = 0 }) => fired[1] === false && signal > 0)).toBe(true);
});

test("they follow the size of the frames", async () => {
  await using segmenter = smallSegmenter("fixed:2", { taps: ["pool3"] });
  const mixed = [...frames.slice(0, 2), ...movingFrames(2, { widthPx: 64, heightPx: 32 })];
  const results = await resultsOf(segmenter.segment(mixed));
  expect(results.map(({ taps }) => taps["pool3"]?.dims)).toEqual([
    [1, 16, 8, 12],
    [1, 16, 8, 12],
    [1, 16, 4, 8],
    [1, 16, 4, 8],
  ]);
});

describe("of a network that is compiled already", () => {
  test("come as they were compiled in", async () => {
    const model = await compiledWith(["pool3"]);
    await using compiled = smallSegmenter("every", { model });
    await using asked = smallSegmenter("every", { model, taps: ["pool3"] });
    await using source = smallSegmenter("fixed:2", { taps: ["pool3"] });
    const expected = digests(await resultsOf(source.segment(frames)), "pool3");
    expect(digests(await resultsOf(compiled.segment(frames)), "pool3")).toEqual(expected);
    expect(digests(await resultsOf(asked.segment(frames)), "pool3")).toEqual(expected);
  });

  test.each([[[]], [["pool3"]]])("cannot be had otherwise: %j", async (compiledIn) => {
    await using segmenter = smallSegmenter("every", { model: await compiledWith(compiledIn), taps: ["score_pool3"] });
    const act = segmenter.prepare(frameSize);
    await expect(act).rejects.toMatchObject({ name: "ClockworkError", code: "invalid-argument" });
    await expect(act).rejects.toThrow('expected taps that were compiled in, got "score_pool3"');
  });
});

test.each([
  ["fixed:2", "nowhere", 'got "nowhere"'],
  ["fixed:2", "conv4_1", "which may rest"],
  ["fixed:2", now, `got "${now}"`],
])("what cannot come out is refused with the first frame: %s, %s", async (clock, tap, part) => {
  await using segmenter = smallSegmenter(clock, { taps: [tap] });
  const act = resultsOf(segmenter.segment(frames));
  await expect(act).rejects.toMatchObject({ name: "ClockworkError", code: "invalid-argument" });
  await expect(act).rejects.toThrow(part);
});
