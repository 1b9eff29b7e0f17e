// Gradients of arithmetic with broadcasting and of functions of one tensor, against TensorFlow.js.

// oxlint-disable vitest/expect-expect -- what tensors are compared by expects
import * as tf from "@tensorflow/tfjs-core";
import { expect, test } from "vitest";
import { Random } from "../../../src/networks/random.ts";
import { ofBytes, type GraphBuilder } from "../../../src/onnx/index.ts";
import { distinct, expectDifferences, floats, gradientsOf, whole } from "./gradients-of.ts";
import { expectTensorflow } from "./tensorflow.ts";

/** Pairs of shapes that broadcast to one, drawn at random. */
function pairOfShapes(random: Random): readonly [number[], number[]] {
  const full = Array.from({ length: whole(random, 1, 4) }, () => whole(random, 1, 4));
  const part = (): number[] => {
    const lead = whole(random, 0, full.length);
    return full.slice(lead).map((length) => (random.next() < 0.4 ? 1 : length));
  };
  return random.next() < 0.5 ? [full, part()] : [part(), full];
}

/** Both in the shape that they broadcast to. */
function together(a: tf.Tensor, b: tf.Tensor): [tf.Tensor, tf.Tensor] {
  const dims = tf.broadcast_util.assertAndGetBroadcastShape(a.shape, b.shape);
  return [tf.broadcastTo(a, dims), tf.broadcastTo(b, dims)];
}

const binary: readonly (readonly [string, (a: tf.Tensor, b: tf.Tensor) => tf.Tensor])[] = [
  ["Add", tf.add],
  ["Sub", tf.sub],
  ["Mul", tf.mul],
  ["Div", tf.div],
  ["Pow", tf.pow],
  // The reference's own broadcasting has no way back here.
  ["Max", (a, b) => tf.maximum(...together(a, b))],
  ["Min", (a, b) => tf.minimum(...together(a, b))],
  ["Sum", tf.add],
  ["Mean", (a, b) => tf.div(tf.add(a, b), tf.scalar(2))],
];

test.each(binary)("%s of shapes that broadcast", async (op, reference) => {
  const random = new Random(1, op);
  for (let round = 0; round < 8; round++) {
    const [left, right] = pairOfShapes(random);
    const inputs = {
      a: floats(`a${op}${round}`, left, 0.5, 2),
      b: floats(`b${op}${round}`, right, 0.5, 2),
    };
    const what = `${op} [${left.join()}] [${right.join()}]`;
    await expectTensorflow(what, inputs, (b) => b.add("y", op, ["a", "b"]), reference);
  }
});

test("both sides are broadcast at once", async () => {
  const inputs = { a: floats("a", [2, 1, 3]), b: floats("b", [4, 1], 0.5, 1) };
  await expectTensorflow("Div", inputs, (b) => b.add("y", "Div", ["a", "b"]), tf.div);
  await expectTensorflow("Sub", inputs, (b) => b.add("y", "Sub", ["a", "b"]), tf.sub);
});

test("Pow of negative numbers by a whole exponent", async () => {
  const inputs = { a: floats("base", [3, 4], -2, -0.5) };
  const build = (exponent: number): Promise<unknown> =>
    expectTensorflow(
      `x^${exponent}`,
      inputs,
      (b) => b.add("y", "Pow", ["a", b.float32("n", [], [exponent])]),
      (a) => tf.pow(a, tf.scalar(exponent)),
    );
  for (const exponent of [2, 3, -1]) await build(exponent);
});

test("Pow by 0 has no slope, even at 0, whether the exponent is a constant or not", async () => {
  const x = { dims: [4], data: Float32Array.of(0, 0, 2, -1.5) };
  const exponents = [0, 2, 0, 0];
  const constant = await gradientsOf({ x }, (b) => b.add("y", "Pow", ["x", b.float32("n", [4], exponents)]));
  expect([...(constant.gradients["x"]?.data ?? [])].map(Math.abs)).toEqual([0, 0, 0, 0]);
  const n = { dims: [4], data: Float32Array.from(exponents) };
  const both = await gradientsOf({ x, n }, (b) => b.add("y", "Pow", ["x", "n"]));
  expect([...(both.gradients["x"]?.data ?? [])].map(Math.abs)).toEqual([0, 0, 0, 0]);
  // Towards the exponent: 2^0 log 2 at the third, 0 where the base is not above 0.
  const [weight = 0] = both.weights[0]?.data.slice(2) ?? [];
  const towards = [...(both.gradients["n"]?.data ?? [])];
  expect(towards[2]).toBeCloseTo(weight * Math.LN2, 5);
  expect([0, 1, 3].map((at) => Math.abs(towards[at] ?? Number.NaN))).toEqual([0, 0, 0]);
});

test.each(["Max", "Min", "Sum", "Mean"])("%s of three tensors", async (op) => {
  const inputs = {
    a: distinct("three a", [2, 3]),
    b: distinct("three b", [3], -0.93, 0.93),
    c: distinct("three c", [2, 1], -0.87, 0.87),
  };
  await expectDifferences(op, inputs, (b) => b.add("y", op, ["a", "b", "c"]), { step: 1e-3, tolerance: 2e-3 });
});

test("of equal elements one of Max gets the whole gradient", async () => {
  const inputs = { a: floats("same", [5]), b: floats("same", [5]), c: floats("same", [5]) };
  const { gradients, weights } = await gradientsOf(inputs, (b) => b.add("y", "Max", ["a", "b", "c"]));
  const total = Array.from({ length: 5 }, (_, i) =>
    ["a", "b", "c"].reduce((sum, name) => sum + (gradients[name]?.data[i] ?? Number.NaN), 0),
  );
  expect(Float32Array.from(total)).toEqual(weights[0]?.data);
});

const unary: readonly (readonly [string, (x: tf.Tensor) => tf.Tensor, number, number])[] = [
  ["Neg", tf.neg, -2, 2],
  ["Sqrt", tf.sqrt, 0.2, 3],
  ["Exp", tf.exp, -2, 2],
  ["Log", tf.log, 0.2, 3],
  ["Abs", tf.abs, -2, 2],
  ["Reciprocal", tf.reciprocal, 0.3, 2],
  ["Sin", tf.sin, -4, 4],
  ["Cos", tf.cos, -4, 4],
  ["Identity", (x) => tf.mul(x, tf.scalar(1)), -1, 1],
  ["Dropout", (x) => tf.mul(x, tf.scalar(1)), -1, 1],
];

test.each(unary)("%s", async (op, reference, low, high) => {
  for (const dims of [[7], [2, 3, 4], []]) {
    await expectTensorflow(
      op,
      { x: floats(`${op}${dims.join()}`, dims, low, high) },
      (b) => b.add("y", op, ["x"]),
      (x) => reference(x),
    );
  }
});

test("Where, broadcast on all three sides", async () => {
  const condition = [1, 0, 1];
  const inputs = { a: floats("where a", [2, 1, 3]), b: floats("where b", [4, 1]) };
  const holds = tf.tensor1d(condition, "bool");
  await expectTensorflow(
    "Where",
    inputs,
    (b) => {
      const mask = b.add("mask", "Greater", [b.float32("m", [3], condition), b.float32("half", [], [0.5])]);
      return b.add("y", "Where", [mask, "a", "b"]);
    },
    (a, b) => {
      const mask = tf.cast(holds, "float32");
      return tf.add(tf.mul(mask, a), tf.mul(tf.sub(tf.scalar(1), mask), b));
    },
  );
});

test("Cast to float32 passes the gradient on, to another type is refused", async () => {
  const inputs = { x: floats("cast", [3]) };
  await expectTensorflow(
    "Cast",
    inputs,
    (b) => b.add("y", "Cast", ["x"], { to: 1 }),
    (x) => tf.mul(x, tf.scalar(1)),
  );
  const twice = gradientsOf(inputs, (b) => {
    const double = b.add("double", "Cast", ["x"], { to: 11 });
    return b.add("y", "Cast", [double], { to: 1 });
  });
  await expect(twice).rejects.toThrow(/Cast "double"/);
});

test("Dropout at work is refused by name, at rest it is not", async () => {
  const inputs = { x: floats("dropout", [3]) };
  const build =
    (isTraining: number) =>
    (b: GraphBuilder): string => {
      const flag = b.initializer("training", ofBytes("bool", [], Uint8Array.of(isTraining)));
      return b.add("y", "Dropout", ["x", b.float32("ratio", [], [0.5]), flag]);
    };
  await expect(gradientsOf(inputs, build(1))).rejects.toThrow(/Dropout "y".*training_mode/);
  const { gradients, weights } = await gradientsOf(inputs, build(0));
  expect(gradients["x"]).toEqual(weights[0]);
});
