// `clockwork compile`: the file that it writes, driven by the documented protocol with onnxruntime-node alone, against
// the segmenter on the source; and the driver of the documentation, run as it stands.

import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import * as ort from "onnxruntime-node";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readProtocol, type Protocol } from "../../../src/compile/index.ts";
import { readModel } from "../../../src/onnx/index.ts";
import { firings, movingFrames, resultsOf, smallSegmenter } from "../../support/segmenting.ts";
import { classNames, inProject, jsonOf, linesOf, namesIn, run, startScript, workFolder } from "../../cli/cli.ts";

let folder: Awaited<ReturnType<typeof workFolder>>;
beforeAll(async () => {
  folder = await workFolder();
});
afterAll(() => folder[Symbol.asyncDispose]());

const compile = (...args: readonly string[]): ReturnType<typeof run> => run(folder.path, "compile", ...args);

const arrays = { float32: Float32Array, int64: BigInt64Array, int32: Int32Array, uint8: Uint8Array, bool: Uint8Array };

/** Zeros, as the protocol has its memory before the first frame. */
function zeros(dtype: string, dims: readonly number[]): ort.Tensor {
  const type = dtype as keyof typeof arrays;
  const count = dims.reduce((product, dim) => product * dim, 1);
  return new ort.Tensor(type as "uint8", new arrays[type](count) as Uint8Array, dims);
}

/** Drives a compiled file by what its JSON says, and nothing else. */
async function drivenBy(path: string, protocol: Protocol, images: readonly ort.Tensor[]): Promise<ort.Tensor[][]> {
  const session = await ort.InferenceSession.create(path, { intraOpNumThreads: 1 });
  try {
    let state = Object.fromEntries(protocol.state.map(({ input, dtype, dims }) => [input, zeros(dtype, dims)]));
    const frames: ort.Tensor[][] = [];
    for (const [at, image] of images.entries()) {
      const { inputs, outputs } = protocol;
      const reset = new ort.Tensor("bool", [at === 0], [1]);
      const results = await session.run({ [inputs.image.name]: image, [inputs.reset.name]: reset, ...state });
      state = Object.fromEntries(protocol.state.map(({ input, output }) => [input, results[output] as ort.Tensor]));
      frames.push([results[outputs.results[0]?.name ?? ""], results[outputs.fired.name]] as ort.Tensor[]);
    }
    return frames;
  } finally {
    await session.release();
  }
}

test("frames: the file's labels are those of the segmenter on its source", async () => {
  const args = [
    "net",
    "--clock",
    "fixed:1,2,4",
    "--size",
    "96x64",
    "--frame",
    "120x50",
    "-o",
    "out file.onnx",
    "--json",
  ];
  const ended = await compile(...args);
  expect([ended.code, ended.stderr]).toEqual([0, ""]);
  const json = jsonOf(ended);
  expect(json).toMatchObject({
    output: "out file.onnx",
    io: "frames",
    schedule: "fixed:1,2,4",
    frame: { widthPx: 120, heightPx: 50 },
    network: { widthPx: 96, heightPx: 64 },
    classNames,
    inputs: { image: { name: "frame", dtype: "uint8", shape: [50, 120, 3] }, reset: { name: "reset" } },
    outputs: { results: [{ name: "labels", dtype: "uint8", shape: [50, 120] }], fired: { name: "fired", shape: [3] } },
  });
  const path = join(folder.path, "out file.onnx");
  const { output: _output, ...protocol } = json;
  expect(readProtocol(readModel(await readFile(path)))).toEqual(protocol);

  const frames = movingFrames(6, { widthPx: 120, heightPx: 50 });
  const images = frames.map(({ data }) => new ort.Tensor("uint8", data, [50, 120, 3]));
  const driven = await drivenBy(path, protocol as unknown as Protocol, images);
  await using segmenter = smallSegmenter("fixed:1,2,4", { size: { widthPx: 96, heightPx: 64 } });
  const results = await resultsOf(segmenter.segment(frames));
  expect(driven.map(([labels]) => Array.from(labels?.data as Uint8Array))).toEqual(
    results.map(({ labels }) => Array.from(labels.data)),
  );
  const flags = driven.map(([, fired]) =>
    Array.from(fired?.data as Uint8Array, (flag) => (flag === 1 ? "#" : ".")).join(""),
  );
  expect(flags).toEqual(firings(results));
  expect(flags).toEqual(["###", "#..", "##.", "#..", "###", "#.."]);
});

test("the driver of the documentation runs it, and segment does", async () => {
  const ended = await compile("net", "--clock", "fixed:3", "--size", "96x64", "-o", "three.onnx", "--json");
  await writeFile(join(folder.path, "three.json"), ended.stdout);
  const driver = startScript(folder.path, inProject("examples/drive-compiled.js"), ["three.onnx", "three.json"]);
  const { code, stdout } = await driver.ended;
  expect(code).toBe(0);
  expect(linesOf(stdout)).toEqual(
    Array.from({ length: 6 }, (_, frame) => `frame ${frame}: fired true, ${frame % 3 === 0}`),
  );
  const segmented = await run(folder.path, "segment", "clip.mp4", "--model", "three.onnx", "--size", "64x64", "--json");
  expect(jsonOf(segmented)).toMatchObject({
    clock: "fixed:3",
    frames: 10,
    updateRates: [1, 0.4],
    warnings: [expect.stringMatching(/^--size: not used/)],
  });
  const again = await compile("three.onnx", "-o", "four.onnx");
  expect([again.code, again.stderr]).toEqual([2, expect.stringContaining("compiled already (clock fixed:3)")]);
  expect(segmented.stderr).toContain("(compiled in)");
});

test("tensors: the network's own in- and outputs, and a line on what was written", async () => {
  const args = ["net", "--io", "tensors", "--clock", "skip:2", "--size", "96x64", "-o", "tensors.onnx"];
  const { code, stdout } = await compile(...args);
  expect(code).toBe(0);
  expect(linesOf(stdout)).toEqual([
    expect.stringMatching(/^tensors.onnx: net with skip:2 over 2 stages, tensors of 96x64/),
  ]);
  const protocol = readProtocol(readModel(await readFile(join(folder.path, "tensors.onnx"))));
  expect(protocol?.inputs.image).toEqual({ name: "image", dtype: "float32", shape: [1, 3, 64, 96] });
  expect(protocol?.outputs.results).toEqual([{ name: "logits", dtype: "float32", shape: [1, 5, 64, 96] }]);
  const images = [0, 1, 2].map(
    (at) => new ort.Tensor("float32", new Float32Array(96 * 64 * 3).fill(at), [1, 3, 64, 96]),
  );
  const driven = await drivenBy(join(folder.path, "tensors.onnx"), protocol as Protocol, images);
  expect(driven[1]?.[0]?.data).toEqual(driven[0]?.[0]?.data);
  expect(driven[2]?.[0]?.data).not.toEqual(driven[0]?.[0]?.data);
});

describe("what is wrong", () => {
  test.each<readonly [string, readonly string[], number, RegExp]>([
    ["no output", ["net"], 2, /output/],
    ["a bad clock", ["net", "--clock", "fixed:3,2", "-o", "x.onnx"], 2, /try fixed:2,3/],
    ["a frame size for tensors", ["net", "--io", "tensors", "--frame", "9x9", "-o", "x.onnx"], 2, /--frame/],
    ["the model as output", ["net", "--size", "32x32", "-o", "net/onnx/model.onnx"], 2, /the model itself/],
    ["a folder that is not there", ["net", "--size", "32x32", "-o", "none/x.onnx"], 1, /none\/x.onnx/],
    [
      "more periods than stages",
      ["net", "--size", "32x32", "--clock", "fixed:1,2,3,4,5,6", "-o", "x.onnx"],
      2,
      /clock/,
    ],
  ])("%s", async (_name, args, code, message) => {
    const before = await namesIn(folder.path);
    const ended = await compile(...args);
    expect([ended.code, ended.stdout]).toEqual([code, ""]);
    const errors = linesOf(ended.stderr).filter((line) => line.startsWith("error:"));
    expect(errors).toEqual([expect.stringMatching(message)]);
    expect(ended.stderr).not.toContain(" at ");
    expect(await namesIn(folder.path)).toEqual(before);
  });
});
