// `clockwork convert`: looks at files of weights, and puts them into networks that other commands then open.

import { copyFile, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openModel } from "../../../src/models/index.ts";
import { networks } from "../../../src/networks/index.ts";
import { numbersOf, readModel, widened, writeModel, type Model } from "../../../src/onnx/index.ts";
import { readSafetensors, writeSafetensors } from "../../../src/weights/index.ts";
import { temporaryFolder } from "../../support/model-folder.ts";
import { plain } from "../../support/plain.ts";
import { inProject, jsonOf, linesOf, namesIn, run } from "../../cli/cli.ts";

const trained: Model = networks["espnet"].build({ width: 1 / 2, classes: 7, seed: 9 });

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
beforeAll(async () => {
  folder = await temporaryFolder("clockwork-convert-");
  await copyFile(inProject("test/weights/fixtures/training.pth"), join(folder.path, "training.pth"));
  await copyFile(inProject("test/weights/fixtures/hostile-system.pth"), join(folder.path, "hostile.pth"));
  await writeFile(join(folder.path, "trained.safetensors"), writeSafetensors(trained.graph.initializers));
  await writeFile(join(folder.path, "trained.onnx"), writeModel(trained).bytes);
  await writeFile(join(folder.path, "labels.txt"), "sky\nroad\r\ncar\ntree\nsign\nperson\nvoid\n\n");
  await writeFile(join(folder.path, "preprocessor.json"), JSON.stringify({ do_normalize: false, do_resize: false }));
});
afterAll(() => folder[Symbol.asyncDispose]());

const convert = (...args: readonly string[]): ReturnType<typeof run> => run(folder.path, "convert", ...args);
const inFolder = (name: string): string => join(folder.path, name);
const weightsOf = (model: Model): unknown => plain(model.graph.initializers);

test("--list: names, types and shapes, as a table and as JSON", async () => {
  const ended = await convert("training.pth", "--list");
  expect(ended.code).toBe(0);
  expect(linesOf(ended.stdout)).toEqual([
    expect.stringMatching(/^name +dtype +shape$/),
    expect.stringMatching(/^conv\.weight +float32 +\[1,1,1,2\]$/),
    expect.stringMatching(/^conv\.bias +float32 +\[1\]$/),
    expect.stringMatching(/^bn\.num_batches_tracked +int64 +\[\]$/),
    "training.pth: pytorch, 3 tensors, 4 elements",
  ]);
  expect(ended.stderr).toContain('training.pth: the weights are those under "model_state_dict"');
  const json = jsonOf(await convert("training.pth", "--list", "--json", "--key", "ema"));
  expect(json).toMatchObject({
    file: "training.pth",
    format: "pytorch",
    tensors: [{ name: "conv.weight", dtype: "float32", shape: [1, 1, 1, 2] }, { name: "conv.bias" }, {}],
  });
});

test("a checkpoint as safetensors", async () => {
  const { code, stdout } = await convert("training.pth", "-o", "training.safetensors");
  expect([code, stdout]).toEqual([0, "training.safetensors: 3 tensors\n"]);
  const { weights } = readSafetensors(await readFile(inFolder("training.safetensors")));
  expect([...weights.keys()].sort()).toEqual(["bn.num_batches_tracked", "conv.bias", "conv.weight"]);
});

test("a network with weights, as a model folder that opens", async () => {
  const args = ["trained.safetensors", "--network", "espnet", "--width", "0.5", "--labels", "labels.txt"];
  const ended = await convert(...args, "-o", "model", "--json");
  expect(ended.code).toBe(0);
  expect(ended.stderr).toContain("assumed RGB");
  const json = jsonOf(ended);
  expect(json).toMatchObject({ output: "model", network: "espnet", format: "safetensors", unused: [], missing: [] });
  expect((json["assigned"] as unknown[]).length).toBe(trained.graph.initializers.size);
  const source = await openModel(inFolder("model"));
  expect(source.classNames).toEqual(["sky", "road", "car", "tree", "sign", "person", "void"]);
  expect(source.warnings).toEqual([]);
  expect(source.preprocessing).toMatchObject({ channelOrder: "rgb", multipleOf: 8, size: { kind: "native" } });
  expect(weightsOf(readModel(source.bytes))).toEqual(weightsOf(trained));
  // Over a folder that is there, with a description of the user's.
  const again = await convert(...args, "--preprocessor", "preprocessor.json", "-o", "model");
  expect([again.code, again.stderr]).toEqual([0, ""]);
  expect(again.stdout).toMatch(/^model: (\d+) of \1 weights of espnet from a safetensors file$/m);
  expect((await openModel(inFolder("model"))).preprocessing).toMatchObject({ mean: [0, 0, 0], std: [1, 1, 1] });
});

test("an .onnx file as the network, and a bare .onnx as output", async () => {
  const other = networks["espnet"].build({ width: 1 / 2, classes: 7, seed: 10 });
  await writeFile(inFolder("other.onnx"), writeModel(other).bytes);
  const { code, stdout } = await convert("trained.onnx", "--network", "other.onnx", "-o", "filled.onnx");
  expect([code, stdout]).toEqual([0, expect.stringContaining("filled.onnx: ")]);
  expect(Buffer.compare(await readFile(inFolder("filled.onnx")), await readFile(inFolder("trained.onnx")))).toBe(0);
  // A folder's own descriptions come along.
  const refilled = await convert("trained.onnx", "--network", "model", "-o", "refilled");
  expect([refilled.code, refilled.stderr]).toEqual([0, ""]);
  const [from, to] = await Promise.all([openModel(inFolder("model")), openModel(inFolder("refilled"))]);
  expect([to.classNames, to.preprocessing]).toEqual([from.classNames, from.preprocessing]);
  // Classes without names are numbered.
  expect((await convert("trained.onnx", "--network", "other.onnx", "-o", "numbered")).code).toBe(0);
  expect((await openModel(inFolder("numbered"))).classNames?.slice(0, 2)).toEqual(["class 0", "class 1"]);
});

test("what would fit, without writing; and in part, by a map", async () => {
  const before = await namesIn(folder.path);
  const rules = [
    { from: "/^level1/", to: "level1" },
    { from: "/^(?!level1).*/", to: null },
  ];
  await writeFile(inFolder("map.json"), JSON.stringify({ rules }));
  const args = ["trained.safetensors", "--network", "espnet", "--width", "0.5", "--classes", "7", "--map", "map.json"];
  const whole = await convert(...args);
  expect([whole.code, whole.stderr]).toEqual([
    2,
    expect.stringMatching(/expected all \d+ weights .* got 8; missing: /),
  ]);
  const part = await convert(...args, "--partial");
  expect(part.stderr).toContain("not in the file, and left as they are: level2/");
  expect(part.stdout).toMatch(/^nothing written: 8 of \d+ weights of espnet/);
  const named = await convert(...args, "--partial", "-o", "level1.safetensors");
  expect(named.code).toBe(0);
  const { weights } = readSafetensors(await readFile(inFolder("level1.safetensors")));
  expect([...weights.keys()].every((name) => name.startsWith("level1/"))).toBe(true);
  expect(weights.size).toBe(8);
  expect(await namesIn(folder.path)).toEqual([...before, "level1.safetensors", "map.json"].sort());
});

test("--half: a model folder with its weights at half the size, and the same with --network", async () => {
  await convert(
    "trained.safetensors",
    "--network",
    "espnet",
    "--width",
    "0.5",
    "--labels",
    "labels.txt",
    "-o",
    "whole",
  );
  const ended = await convert("whole", "--half", "-o", "half");
  expect([ended.code, ended.stderr]).toEqual([0, ""]);
  expect(ended.stdout).toMatch(/^half: weights of [\d.]+ MB, from [\d.]+ MB\n$/);
  const [whole, half] = [await openModel(inFolder("whole")), await openModel(inFolder("half"))];
  expect([half.classNames, half.preprocessing, half.warnings]).toEqual([whole.classNames, whole.preprocessing, []]);
  expect(half.bytes.length / whole.bytes.length).toBeLessThan(0.75);
  // Widened, the weights have their old names and shapes and are as near as float16 is.
  const read = widened(readModel(half.bytes)).graph.initializers;
  expect([...read.keys()].sort()).toEqual([...trained.graph.initializers.keys()].sort());
  for (const [name, tensor] of trained.graph.initializers) {
    const there = read.get(name) ?? tensor;
    expect([name, there.dtype, there.dims]).toEqual([name, tensor.dtype, tensor.dims]);
    const values = numbersOf(there) ?? [];
    const off = (numbersOf(tensor) ?? []).map(
      (value, at) => Math.abs(value - (values[at] ?? Infinity)) - Math.abs(value) / 2048,
    );
    expect(Math.max(...off)).toBeLessThanOrEqual(2 ** -25);
  }
  // From a file of weights at once; and again, which changes nothing.
  const args = ["trained.safetensors", "--network", "espnet", "--width", "0.5", "--classes", "7", "--half"];
  expect((await convert(...args, "-o", "once.onnx")).code).toBe(0);
  expect(weightsOf(widened(readModel(await readFile(inFolder("once.onnx")))))).toEqual(
    weightsOf(widened(readModel(half.bytes))),
  );
  const json = jsonOf(await convert("half", "--half", "-o", "again.onnx", "--json"));
  expect(json).toMatchObject({
    output: "again.onnx",
    bytes: { before: expect.any(Number), after: expect.any(Number) },
  });
  expect(weightsOf(readModel(await readFile(inFolder("again.onnx"))))).toEqual(weightsOf(readModel(half.bytes)));
  // Weights of another network: from the halved file as from any.
  expect((await convert("half/onnx/model.onnx", "--network", "whole", "-o", "refilled.onnx")).code).toBe(0);
  expect((await convert("half", "--half", "-o", "half")).code).toBe(0);
});

describe("what is wrong", () => {
  const espnet = ["--network", "espnet"] as const;
  test.each<readonly [string, readonly string[], number, RegExp]>([
    ["no network", ["training.pth", "-o", "x.onnx"], 2, /--network: expected the network/],
    [
      "a map for no network",
      ["training.pth", "--map", "espnet", "-o", "x.safetensors"],
      2,
      /--map: expected it with --network/,
    ],
    [
      "labels for a bare file",
      ["trained.onnx", ...espnet, "--labels", "labels.txt", "-o", "x.onnx"],
      2,
      /--labels: expected it with -o FOLDER/,
    ],
    [
      "another number of labels",
      ["trained.onnx", "--network", "trained.onnx", "--labels", "map.json", "-o", "x"],
      2,
      /expected 7 names/,
    ],
    ["weights of another network", ["training.pth", ...espnet, "-o", "x"], 2, /got none that has a place in it/],
    [
      "another number of classes",
      ["trained.onnx", ...espnet, "--width", "0.5", "--classes", "9", "-o", "x"],
      2,
      /expected one shape/,
    ],
    [
      "classes of a file",
      ["trained.onnx", "--network", "trained.onnx", "--classes", "9"],
      2,
      /--classes: expected it with one of our/,
    ],
    ["a file that would run something", ["hostile.pth", "--list"], 1, /posix\.system.*nothing was run/],
    ["a folder that cannot be", ["trained.onnx", "--network", "trained.onnx", "-o", "labels.txt/x"], 1, /labels\.txt/],
  ])("%s", async (_name, args, code, message) => {
    const before = await namesIn(folder.path);
    const ended = await convert(...args);
    expect([ended.code, ended.stdout]).toEqual([code, ""]);
    const errors = linesOf(ended.stderr).filter((line) => line.startsWith("error:"));
    expect(errors).toEqual([expect.stringMatching(message)]);
    expect(ended.stderr).not.toContain("    at ");
    expect(await namesIn(folder.path)).toEqual(before);
  });
});
