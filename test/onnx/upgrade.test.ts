// A model at a later operator set computes the same, to the bit, wherever it is not refused.

import { expect, test } from "vitest";
import {
  float32Tensor,
  GraphBuilder,
  modelOf,
  upgraded,
  type AttributeInits,
  type Model,
} from "../../src/onnx/index.ts";
import { bitsOf, runOnce } from "../support/runtime.ts";

const dims = [1, 4, 1, 5];
const x = {
  dtype: "float32" as const,
  dims,
  data: Float32Array.from({ length: 20 }, (_, at) => 3 * Math.sin(at * 1.7)),
};

/** A model at an operator set with one node between `x` and its outputs. */
function oldModel(op: string, attributes: AttributeInits, outputs: readonly string[] = ["y"], opset = 12): Model {
  const b = new GraphBuilder("old");
  b.input("x", "float32", dims);
  b.add(outputs[0] ?? "y", op, ["x"], attributes, { outputs });
  for (const name of outputs) b.output(name, "float32", undefined);
  return { ...modelOf(b.build(), opset), irVersion: 7 };
}

const cases: readonly (readonly [string, AttributeInits, readonly string[]])[] = [
  ["Squeeze", { axes: [2] }, ["y"]],
  ["Squeeze", {}, ["y"]],
  ["Unsqueeze", { axes: [0, 3] }, ["y"]],
  ["ReduceSum", { axes: [1, 3], keepdims: 0 }, ["y"]],
  ["ReduceSum", { keepdims: 1 }, ["y"]],
  ["Split", { axis: 1, split: [1, 3] }, ["a", "b"]],
  ["Softmax", { axis: -1 }, ["y"]],
  ["ReduceMean", { axes: [3] }, ["y"]],
  ["Relu", {}, ["y"]],
];

test.each(cases)("%s %o", async (op, attributes, outputs) => {
  const model = oldModel(op, attributes, outputs);
  const later = upgraded(model, 16);
  expect(later.opsets.get("")).toBe(16);
  expect(later.graph.nodes).toHaveLength(model.graph.nodes.length);
  const [before, after] = [await runOnce(model, { x }), await runOnce({ ...later, irVersion: 8 }, { x })];
  for (const name of outputs) {
    expect(after[name]?.dims).toEqual(before[name]?.dims);
    expect(bitsOf(after[name]).equals(bitsOf(before[name]))).toBe(true);
  }
});

test("a model that is there already is left as it is", () => {
  const model = oldModel("Relu", {}, ["y"], 17);
  expect(upgraded(model, 16)).toBe(model);
});

test("what later sets do not have alike is refused by name", () => {
  expect(() => upgraded(oldModel("Softmax", { axis: 1 }), 16)).toThrow(/Softmax .* axis/);
  expect(() => upgraded(oldModel("Relu", {}, ["y"], 9), 16)).toThrow(/from 11 to 17, got 9/);
  const b = new GraphBuilder("norm");
  b.input("x", "float32", dims);
  const ones = b.initializer("ones", float32Tensor([4], [1, 1, 1, 1]));
  b.add("y", "BatchNormalization", ["x", ones, ones, ones, ones], {}, { outputs: ["y", "mean"] });
  b.output("y", "float32", undefined);
  expect(() => upgraded(modelOf(b.build(), 13), 16)).toThrow(/BatchNormalization .* training/);
});

test("in a branch nothing is rewritten, and what would have to be is refused", () => {
  const body = new GraphBuilder("body");
  body.add("inner", "Squeeze", ["x"], { axes: [2] });
  body.output("inner", "float32", undefined);
  const b = new GraphBuilder("around");
  b.input("x", "float32", dims);
  b.input("condition", "bool", [1]);
  const branch = body.build();
  b.add("y", "If", ["condition"], { then_branch: branch, else_branch: branch });
  b.output("y", "float32", undefined);
  const model = modelOf(b.build(), 12);
  expect(() => upgraded(model, 16)).toThrow(/Squeeze .* branch/);
});
