// What a segmenter gives for each frame: labels against the compiled network driven by hand, firings against the
// definition of each clock, costs against the plan, and what makes everything fire.

import { describe, expect, test } from "vitest";
import { parseSchedule } from "../../src/clocks/index.ts";
import { compile } from "../../src/compile/compile.ts";
import type { EngineTensor } from "../../src/engine/engine.ts";
import type { Frame } from "../../src/frame.ts";
import { fitNetwork } from "../../src/network/index.ts";
import { defaultPreprocessing } from "../../src/preprocessing.ts";
import type { Segmenter, SegmentResult } from "../../src/segment/index.ts";
import { parseCut, planOf } from "../../src/stages/index.ts";
import { localEngine } from "../support/runtime.ts";
import { noiseFrame } from "../support/noise.ts";
import { Scene } from "../support/pictures.ts";
import { drive, firedIn, named } from "../support/reference.ts";
import { firings, frameSize, movingFrames, resultsOf, smallModel, smallSegmenter } from "../support/segmenting.ts";

/** The same frames through the compiled network, its memory fed by hand. */
async function byHand(
  frames: readonly Frame[],
  clock: string,
): Promise<readonly { labels: Uint8Array; fired: readonly boolean[]; signal: number | undefined }[]> {
  const network = await fitNetwork(smallModel(), { size: frameSize, engine: localEngine });
  const schedule = parseSchedule(clock);
  const plan = planOf(network, { stages: clock.includes(",") ? 3 : 2 });
  const compiled = compile(network, plan, {
    io: "frames",
    schedule,
    preprocessing: defaultPreprocessing(),
    frame: frameSize,
  });
  const images = frames.map(({ data }): EngineTensor => ({
    dtype: "uint8",
    dims: [frameSize.heightPx, frameSize.widthPx, 3],
    data,
  }));
  const runs = await drive(compiled, images, { open: { threads: 1 } });
  return runs.map((run) => ({
    labels: Uint8Array.from(named(run, "labels").data, Number),
    fired: firedIn(run).map((flag) => flag === 1),
    signal: run["signal"] === undefined ? undefined : Number(run["signal"].data[0]),
  }));
}

function labelsOf(results: readonly SegmentResult[]): readonly Uint8Array[] {
  return results.map(({ labels }) => labels.data);
}

describe.each(["every", "skip:3", "fixed:2", "fixed:1,2,4", "adaptive:0.1"])("clock %s", (clock) => {
  test("one result per frame, in order, equal to the compiled network driven by hand", async () => {
    await using segmenter = smallSegmenter(clock);
    const frames = movingFrames(9);
    const results = await resultsOf(segmenter.segment(frames));
    const expected = await byHand(frames, clock);
    expect(results.map(({ frame }) => frame)).toEqual(frames);
    expect(results.every(({ frame }, at) => frame === frames[at])).toBe(true);
    expect(results.map(({ timestampSec }) => timestampSec)).toEqual(frames.map(({ timestampSec }) => timestampSec));
    expect(labelsOf(results)).toEqual(expected.map(({ labels }) => labels));
    expect(results.map(({ fired }) => fired)).toEqual(expected.map(({ fired }) => fired));
    expect(results.map(({ signal }) => signal)).toEqual(expected.map(({ signal }) => signal));
    expect(results.every(({ labels }) => labels.widthPx === 96 && labels.heightPx === 64)).toBe(true);
    // Pictures that differ, or order would not show.
    expect(new Set(labelsOf(results).map((labels) => labels.join())).size).toBeGreaterThan(2);
  });
});

test.each([
  ["every", ["##", "##", "##", "##", "##", "##"]],
  ["skip:3", ["##", "..", "..", "##", "..", ".."]],
  ["fixed:2", ["##", "#.", "##", "#.", "##", "#."]],
  ["fixed:1,2,4", ["###", "#..", "##.", "#..", "###", "#.."]],
  ["fixed:2,2,4", ["###", "...", "##.", "...", "###", "..."]],
  ["adaptive:0", ["##", "##", "##", "##", "##", "##"]],
  ["adaptive:2", ["##", "#.", "#.", "#.", "#.", "#."]],
])("clock %s fires as it says, and the executed MACs are those of the stages that fired", async (clock, expected) => {
  await using segmenter = smallSegmenter(clock);
  const { plan, protocol } = await segmenter.prepare(frameSize);
  const results = await resultsOf(segmenter.segment(movingFrames(6)));
  expect(firings(results)).toEqual(expected);
  const macs = plan?.stages.map((stage) => stage.macs) ?? [];
  expect(protocol.stages.map((stage) => stage.macs)).toEqual(macs);
  expect(macs.reduce((sum, count) => sum + count, 0)).toBe(plan?.macs);
  expect(results.map((result) => result.macs)).toEqual(
    expected.map((flags) => macs.reduce((sum, count, depth) => sum + (flags[depth] === "#" ? count : 0), 0)),
  );
  expect(results.every(({ shot }) => !shot)).toBe(true);
  expect(results.every(({ milliseconds }) => milliseconds.inference > 0 && milliseconds.source >= 0)).toBe(true);
});

test("results of skip repeat the labels, those of fixed do not", async () => {
  const frames = movingFrames(4);
  await using skip = smallSegmenter("skip:2");
  const [a, b, c] = labelsOf(await resultsOf(skip.segment(frames)));
  expect(b).toEqual(a);
  expect(c).not.toEqual(a);
  await using fixed = smallSegmenter("fixed:2");
  const [d, e] = labelsOf(await resultsOf(fixed.segment(frames)));
  expect(d).toEqual(a);
  expect(e).not.toEqual(d);
});

test("a change of shot is told, and fires everything", async () => {
  const [first, second] = [new Scene(1), new Scene(2)];
  await using segmenter = smallSegmenter("fixed:9");
  const frames = [first, first, first, second, second].map((scene) => scene.at(frameSize));
  const results = await resultsOf(segmenter.segment(frames));
  expect(firings(results)).toEqual(["##", "#.", "#.", "##", "#."]);
  expect(results.map(({ shot }) => shot)).toEqual([false, false, false, true, false]);
});

test("a change of frame size fires everything, and results before it are not lost", async () => {
  const other = { widthPx: 64, heightPx: 96 };
  const frames = [...movingFrames(4), ...movingFrames(3, other), ...movingFrames(2)];
  await using segmenter = smallSegmenter("fixed:2");
  const results = await resultsOf(segmenter.segment(frames));
  expect(results.map(({ frame }) => frame)).toEqual(frames);
  expect(firings(results)).toEqual(["##", "#.", "##", "#.", "##", "#.", "##", "##", "#."]);
  expect(results.map(({ labels }) => `${labels.widthPx}x${labels.heightPx} ${labels.data.length}`)).toEqual(
    frames.map(({ widthPx, heightPx }) => `${widthPx}x${heightPx} ${widthPx * heightPx}`),
  );
  await using fresh = smallSegmenter("fixed:2");
  const alone = await resultsOf(fresh.segment(movingFrames(3, other)));
  expect(labelsOf(results.slice(4, 7))).toEqual(labelsOf(alone));
});

test("reset fires everything on the next frame that is read", async () => {
  await using segmenter = smallSegmenter("fixed:9");
  const stream = function* (): Generator<Frame> {
    for (const [at, frame] of movingFrames(8).entries()) {
      if (at === 5) segmenter.reset();
      yield frame;
    }
  };
  const fired = firings(await resultsOf(segmenter.segment(stream())));
  expect(fired.slice(0, 2)).toEqual(["##", "#."]);
  // The frames that were read before the call may not have gone to the engine yet.
  const restarts = fired.flatMap((flags, at) => (flags === "##" ? [at] : []));
  expect(restarts).toHaveLength(2);
  expect(restarts[1]).toBeGreaterThanOrEqual(2);
  expect(restarts[1]).toBeLessThanOrEqual(5);
});

test("two runs of one segmenter are equal to the byte: each starts afresh", async () => {
  await using segmenter = smallSegmenter("fixed:1,2,4");
  const frames = movingFrames(7);
  const first = await resultsOf(segmenter.segment(frames));
  const second = await resultsOf(segmenter.segment(frames));
  expect(labelsOf(second)).toEqual(labelsOf(first));
  expect(firings(second)).toEqual(firings(first));
  expect(second.some(({ shot }) => shot)).toBe(false);
});

test("segmenters side by side give what each gives alone", async () => {
  const clocks = ["every", "fixed:2", "skip:3"];
  const streams = clocks.map((_, k) => Array.from({ length: 6 }, (_f, at) => noiseFrame(96, 64, 17 * k + 3 * at)));
  const run = async (k: number): Promise<readonly Uint8Array[]> => {
    await using segmenter = smallSegmenter(clocks[k]);
    return labelsOf(await resultsOf(segmenter.segment(streams[k] ?? [])));
  };
  const together = await Promise.all(clocks.map((_, k) => run(k)));
  for (const k of clocks.keys()) expect(together[k]).toEqual(await run(k));
});

test("a frame's pixels are as they were, and its buffer is still the caller's", async () => {
  await using segmenter = smallSegmenter("fixed:2");
  const frames = movingFrames(4);
  const copies = frames.map(({ data }) => data.slice());
  const results = await resultsOf(segmenter.segment(frames));
  expect(results.map(({ frame }) => frame.data)).toEqual(copies);
  const buffers = new Set(results.map(({ labels }) => labels.data.buffer));
  expect(buffers.size).toBe(4);
});

test("a frame may lie in the middle of a larger buffer", async () => {
  await using segmenter = smallSegmenter("every");
  const frame = noiseFrame(96, 64, 3);
  const large = new Uint8Array(frame.data.length + 100);
  large.set(frame.data, 37);
  const inside = { ...frame, data: large.subarray(37, 37 + frame.data.length) };
  const [a, b] = labelsOf(await resultsOf(segmenter.segment([frame, inside])));
  expect(b).toEqual(a);
});

test("no frames, no results", async () => {
  await using segmenter = smallSegmenter();
  expect(await resultsOf(segmenter.segment([]))).toEqual([]);
});

test("cuts, sizes and outputs are followed, and a size that is moved is told", async () => {
  await using segmenter = smallSegmenter("fixed:2", {
    cuts: [parseCut("pool4")],
    size: { widthPx: 60, heightPx: 70 },
    warnings: ["of the model"],
  });
  const { plan, protocol, notes } = await segmenter.prepare(frameSize);
  expect(plan?.stages[1]?.entry).toContain("pool4");
  expect(protocol.network).toEqual({ widthPx: 64, heightPx: 64 });
  expect(notes.slice(0, 2)).toEqual(["of the model", "the network cannot take 60x70: it runs at 64x64"]);
  const [result] = await resultsOf(segmenter.segment(movingFrames(1)));
  expect(result?.labels.data.length).toBe(96 * 64);
});

test("with one stage, a fixed clock repeats labels and a note says so", async () => {
  await using segmenter = smallSegmenter("fixed:2", { stages: 1 });
  const { notes } = await segmenter.prepare(frameSize);
  expect(notes.join()).toContain("as with skip");
  const results = await resultsOf(segmenter.segment(movingFrames(3)));
  expect(firings(results)).toEqual(["#", ".", "#"]);
  expect(results[1]?.labels.data).toEqual(results[0]?.labels.data);
});

describe("a compiled network", () => {
  async function compiledSegmenter(io: "frames" | "tensors"): Promise<Segmenter> {
    const network = await fitNetwork(smallModel(), { size: frameSize, engine: localEngine });
    const preprocessing = defaultPreprocessing();
    const { model } = compile(network, planOf(network), {
      schedule: parseSchedule("fixed:3"),
      ...(io === "frames" ? { io, preprocessing, frame: frameSize } : { io }),
    });
    return smallSegmenter("every", { model });
  }

  test("brings its own clock", async () => {
    await using segmenter = await compiledSegmenter("frames");
    expect(segmenter.compiledFor).toEqual(frameSize);
    const { protocol, plan, network } = await segmenter.prepare(frameSize);
    expect([protocol.schedule, plan, network]).toEqual(["fixed:3", undefined, undefined]);
    const results = await resultsOf(segmenter.segment(movingFrames(5)));
    expect(firings(results)).toEqual(["##", "#.", "#.", "##", "#."]);
    await using source = smallSegmenter("fixed:3");
    expect(source.compiledFor).toBeUndefined();
    expect(labelsOf(results)).toEqual(labelsOf(await resultsOf(source.segment(movingFrames(5)))));
  });

  test("takes frames of its size alone", async () => {
    await using segmenter = await compiledSegmenter("frames");
    await expect(segmenter.prepare({ widthPx: 64, heightPx: 64 })).rejects.toMatchObject({
      code: "invalid-argument",
      message: expect.stringMatching(/96x64.*64x64/),
    });
  });

  test("of tensors is refused", async () => {
    await using segmenter = await compiledSegmenter("tensors");
    await expect(segmenter.prepare(frameSize)).rejects.toMatchObject({
      code: "invalid-argument",
      message: expect.stringContaining("got one for tensors"),
    });
  });
});
