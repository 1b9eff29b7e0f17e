// `openSegmenter`: a model on disk and a clock as text, in worker threads, against the segmenter that is put together by
// hand with the same settings; and that the calling thread is free meanwhile.

import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parseSchedule } from "../../../src/clocks/index.ts";
import { compile } from "../../../src/compile/index.ts";
import { fitNetwork } from "../../../src/network/index.ts";
import { fcn8s } from "../../../src/networks/index.ts";
import { openSegmenter } from "../../../src/node/open-segmenter.ts";
import { writeModel } from "../../../src/onnx/index.ts";
import { defaultPreprocessing, type Preprocessing } from "../../../src/preprocessing.ts";
import { planOf, planToFile } from "../../../src/stages/index.ts";
import { localEngine } from "../../support/runtime.ts";
import { temporaryFolder, writeModelFolder } from "../../support/model-folder.ts";
import { firings, frameSize, movingFrames, resultsOf, smallModel, smallSegmenter } from "../../support/segmenting.ts";

const classNames = ["sky", "road", "car", "tree", "person"];
const preprocessing: Preprocessing = {
  channelOrder: "bgr",
  scale: 1 / 128,
  mean: [0.9, 1, 1.1],
  std: [0.5, 0.6, 0.7],
  size: { kind: "exact", widthPx: 64, heightPx: 32 },
};
const preprocessor = {
  do_flip_channel_order: true,
  do_rescale: true,
  rescale_factor: 1 / 128,
  do_normalize: true,
  image_mean: [0.9, 1, 1.1],
  image_std: [0.5, 0.6, 0.7],
  size: { width: 64, height: 32 },
};

let temporary: Awaited<ReturnType<typeof temporaryFolder>>;
let folder = "";

beforeAll(async () => {
  temporary = await temporaryFolder();
  folder = await writeModelFolder(join(temporary.path, "thin-fcn"), smallModel(), { classNames, preprocessor });
});
afterAll(() => temporary[Symbol.asyncDispose]());

test("a folder: names, pre-processing and size are those of its files; results are those of the parts", async () => {
  await using segmenter = await openSegmenter({ model: folder, clock: "fixed:1,2,4", threads: 1 });
  expect(segmenter.classNames).toEqual(classNames);
  const { protocol, notes } = await segmenter.prepare(frameSize);
  expect(protocol.network).toEqual({ widthPx: 64, heightPx: 32 });
  expect(protocol.classNames).toEqual(classNames);
  expect(notes).toEqual([]);
  const frames = movingFrames(6);
  const results = await resultsOf(segmenter.segment(frames));
  expect(firings(results)).toEqual(["###", "#..", "##.", "#..", "###", "#.."]);
  await using parts = smallSegmenter("fixed:1,2,4", { preprocessing });
  const expected = await resultsOf(parts.segment(frames));
  expect(results.map(({ labels }) => labels.data)).toEqual(expected.map(({ labels }) => labels.data));
  // The settings matter, or they would not have been tested.
  await using plain = smallSegmenter("fixed:1,2,4", { preprocessing: { ...preprocessing, channelOrder: "rgb" } });
  const [other] = await resultsOf(plain.segment(frames));
  expect(other?.labels.data).not.toEqual(results[0]?.labels.data);
});

test("a bare file: defaults are assumed and told, and the default clock is fixed:2", async () => {
  const path = join(temporary.path, "bare.onnx");
  await writeFile(path, writeModel(smallModel()).bytes);
  await using segmenter = await openSegmenter({ model: path });
  const { protocol, notes } = await segmenter.prepare(frameSize);
  expect([protocol.schedule, protocol.network]).toEqual(["fixed:2", frameSize]);
  expect(notes.length).toBeGreaterThan(0);
  expect(segmenter.classNames).toBeUndefined();
});

test("a compiled file: its clock and names", async () => {
  const network = await fitNetwork(smallModel(), { size: frameSize, engine: localEngine });
  const { model } = compile(network, planOf(network), {
    io: "frames",
    schedule: parseSchedule("fixed:3"),
    preprocessing: defaultPreprocessing(),
    classNames,
  });
  const path = join(temporary.path, "compiled.onnx");
  await writeFile(path, writeModel(model).bytes);
  await using segmenter = await openSegmenter({ model: path, clock: "every" });
  expect(segmenter.classNames).toEqual(classNames);
  expect(segmenter.compiledFor).toEqual(frameSize);
  const results = await resultsOf(segmenter.segment(movingFrames(4)));
  expect(firings(results)).toEqual(["##", "#.", "#.", "##"]);
  expect((await segmenter.prepare(frameSize)).notes).toEqual([]);
});

test("a saved plan is applied", async () => {
  const network = await fitNetwork(smallModel(), { size: frameSize, engine: localEngine });
  const plan = planOf(network, { stages: 3 });
  const path = join(temporary.path, "plan.json");
  await writeFile(path, JSON.stringify(planToFile(plan, network)));
  const saved: unknown = JSON.parse(await readFile(path, "utf8"));
  await using segmenter = await openSegmenter({ model: folder, clock: "fixed:1,2,4", plan: saved });
  const prepared = await segmenter.prepare(frameSize);
  expect(prepared.plan?.stages.map(({ entry }) => entry)).toEqual(plan.stages.map(({ entry }) => entry));
});

describe("what is wrong is said", () => {
  test.each([
    ["nothing there", { model: "no/such/model" }, "io"],
    ["a clock that is none", { model: "", clock: "sometimes" }, "invalid-schedule"],
    ["a cut that is none", { model: "", cuts: ["a->b->c"] }, "invalid-argument"],
  ])("%s", async (_name, options, code) => {
    await expect(openSegmenter({ ...options, model: options.model || folder })).rejects.toMatchObject({ code });
  });

  test.each([
    ["a cut that the network does not have", { cuts: ["pool9"] }, "uncuttable"],
    ["a plan that is none", { plan: { stages: [] } }, "invalid-argument"],
    ["an output that the network does not have", { output: "depth" }, "invalid-argument"],
    ["more periods than stages", { clock: "fixed:1,2,3,4,5,6" }, "invalid-schedule"],
  ])("with the first frame: %s", async (_name, options, code) => {
    await using segmenter = await openSegmenter({ model: folder, ...options });
    await expect(segmenter.prepare(frameSize)).rejects.toMatchObject({ code });
  });
});

test("the calling thread is free while frames are worked on", async () => {
  const model = await writeModelFolder(join(temporary.path, "wide-fcn"), fcn8s({ width: 1 / 4, classes: 5 }));
  await using segmenter = await openSegmenter({ model, clock: "every", threads: 1 });
  const frames = movingFrames(6, { widthPx: 320, heightPx: 256 });
  await segmenter.prepare({ widthPx: 320, heightPx: 256 });
  const before = performance.eventLoopUtilization();
  await resultsOf(segmenter.segment(frames));
  const { utilization, active, idle } = performance.eventLoopUtilization(before);
  expect(active + idle).toBeGreaterThan(100);
  expect(utilization).toBeLessThan(0.5);
});

test("a segmenter that is disposed while its worker runs ends its stream, and the process has no worker left", async () => {
  const segmenter = await openSegmenter({ model: folder, threads: 1 });
  const results = segmenter.segment(movingFrames(50));
  await results.next();
  await segmenter[Symbol.asyncDispose]();
  await expect(resultsOf(results)).rejects.toMatchObject({ code: "aborted" });
  expect(process.getActiveResourcesInfo().filter((kind) => kind.includes("Worker"))).toEqual([]);
});
