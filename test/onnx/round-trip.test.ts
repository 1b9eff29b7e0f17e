// Reading and writing whole models: read(write(m)) equals m, and both compute the same to the bit in ONNX Runtime,
// which reads files with a parser of its own.

import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { networks } from "../../src/networks/index.ts";
import { GraphBuilder, modelOf, nodeOf, readModel, tensorValue, writeModel, type Model } from "../../src/onnx/index.ts";
import { noiseImage } from "../support/noise.ts";
import { plain } from "../support/plain.ts";
import { digestOf, runOnce } from "../support/runtime.ts";
import { besideProject } from "../support/shared.ts";

const image = noiseImage([1, 3, 64, 96], 5);

describe.each(Object.entries(networks))("%s", (_name, { build }) => {
  test("is the same model after writing and reading, and computes the same bits", async () => {
    const model = build();
    const { bytes, external } = writeModel(model);
    expect(external).toEqual([]);
    const again = readModel(bytes);
    expect(plain(again)).toEqual(plain(model));
    const written = writeModel(again).bytes;
    expect(Buffer.compare(written, bytes)).toBe(0);
    // Computed from two places: tensors inside, and tensors in a file beside it that is read back.
    const split = writeModel(model, { external: "weights.bin" });
    const joined = readModel(split.bytes, { external: () => Buffer.concat(split.external) });
    expect(plain(joined)).toEqual(plain(model));
    const [a, b] = [await runOnce(bytes, { image }), await runOnce(joined, { image })];
    expect(digestOf(b["logits"])).toEqual(digestOf(a["logits"]));
  });
});

const espnet = besideProject("models/espnet-camvid/onnx/model.onnx");

test.skipIf(espnet === undefined)(
  "a file of PyTorch's exporter is the same model, and computes the same bits",
  async () => {
    const bytes = readFileSync(espnet ?? "");
    const model = readModel(bytes, { name: "espnet" });
    const written = writeModel(model).bytes;
    expect(plain(readModel(written))).toEqual(plain(model));
    const [input] = model.graph.inputs;
    const feeds = { [input?.name ?? ""]: noiseImage([1, 3, 360, 480], 5) };
    const [a, b] = [await runOnce(bytes, feeds), await runOnce(written, feeds)];
    expect(Object.keys(a)).toEqual(model.graph.outputs.map((output) => output.name));
    for (const [name, tensor] of Object.entries(a)) expect(digestOf(b[name])).toEqual(digestOf(tensor));
  },
);

/** y = x + 1 or x * 2 by the sign of the sum, each counted three times around in a loop; bodies read from outside. */
function withBodies(): Model {
  const value = (name: string, dtype: "float32" | "bool" | "int64", shape?: readonly number[]) =>
    tensorValue(name, dtype, shape);
  const branch = (name: string, op: string, constant: string) => {
    const b = new GraphBuilder(name);
    b.output(b.add(`${name}/out`, op, ["x", constant]), "float32", [4]);
    return b.build();
  };
  const body = new GraphBuilder("body");
  body.input("i", "int64", []);
  body.input("going", "bool", []);
  body.input("sum", "float32", [4]);
  const chosen = body.add("chosen", "If", ["positive"], {
    then_branch: branch("then", "Add", "one"),
    else_branch: branch("else", "Mul", "two"),
  });
  body.output(body.add("still going", "Identity", ["going"]), "bool", []);
  body.output(body.add("next sum", "Add", ["sum", chosen]), "float32", [4]);
  const b = new GraphBuilder("bodies");
  b.input("x", "float32", [4]);
  b.float32("one", [], [1]);
  b.float32("two", [], [2]);
  b.float32("zero", [], [0]);
  b.float32("start", [4], [0, 0, 0, 0]);
  b.int64("three", [], [3]);
  b.add("total", "ReduceSum", ["x"], { keepdims: 0 });
  b.add("positive", "Greater", ["total", "zero"]);
  b.append([nodeOf("Loop", ["three", "", "start"], ["y"], { body: body.build() })]);
  return modelOf({ ...b.build(), outputs: [value("y", "float32", [4])] });
}

test("bodies of If and Loop keep what they read from around them", async () => {
  const model = withBodies();
  const again = readModel(writeModel(model).bytes);
  expect(again).toEqual(model);
  const y = async (values: readonly number[]): Promise<number[]> => {
    const x = { dtype: "float32", dims: [4], data: Float32Array.from(values) } as const;
    return Array.from((await runOnce(again, { x }))["y"]?.data as Float32Array);
  };
  expect(await y([1, 2, 3, 4])).toEqual([6, 9, 12, 15]);
  expect(await y([-1, -2, -3, -4])).toEqual([-6, -12, -18, -24]);
});
