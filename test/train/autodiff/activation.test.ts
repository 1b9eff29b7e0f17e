// Gradients of activations against TensorFlow.js, and against central differences where it has no such function.

// oxlint-disable vitest/expect-expect -- what tensors are compared by expects
import * as tf from "@tensorflow/tfjs-core";
import { expect, test } from "vitest";
import { float, type AttributeInits } from "../../../src/onnx/index.ts";
import { distinct, expectDifferences, gradientsOf, type Floats } from "./gradients-of.ts";
import { expectTensorflow } from "./tensorflow.ts";

const dims = [2, 3, 4, 5];
/** Both sides of every kink of the functions here, and none closer to one than a hundredth. */
const x: Floats = distinct("activation", dims, -5.02, 5);

const known: readonly (readonly [string, AttributeInits, (x: tf.Tensor) => tf.Tensor])[] = [
  ["Relu", {}, tf.relu],
  ["LeakyRelu", { alpha: float(0.2) }, (t) => tf.leakyRelu(t, 0.2)],
  ["LeakyRelu", {}, (t) => tf.leakyRelu(t, 0.01)],
  ["Sigmoid", {}, tf.sigmoid],
  ["Tanh", {}, tf.tanh],
  ["Softplus", {}, tf.softplus],
  ["Elu", {}, tf.elu],
  ["Erf", {}, tf.erf],
];

test.each(known)("%s %o", async (op, attributes, reference) => {
  // TensorFlow.js computes erf by a polynomial that is good for 1e-7, and its inputs are single precision, too.
  await expectTensorflow(
    op,
    { x },
    (b) => b.add("y", op, ["x"], attributes),
    (t) => reference(t),
  );
});

const smooth: readonly (readonly [string, AttributeInits, number])[] = [
  ["HardSigmoid", {}, 17],
  ["HardSigmoid", { alpha: float(1 / 6), beta: float(0.5) }, 17],
  ["HardSwish", {}, 17],
  ["Elu", { alpha: float(0.7) }, 17],
  ["Gelu", {}, 20],
  ["Gelu", { approximate: "tanh" }, 20],
];

test.each(smooth)("%s %o against differences", async (op, attributes, opset) => {
  const few = distinct(`smooth ${op}`, [48], -5.03, 5);
  await expectDifferences(op, { x: few }, (b) => b.add("y", op, ["x"], attributes), { opset, step: 5e-3 });
});

test.each([[[3, 1, 1]], [[1]], [[2, 3, 4, 5]], [[4, 1]]])("PRelu with slopes %o", async (shape) => {
  const slope = distinct(`slope ${shape.join()}`, shape, 0.05, 0.6);
  await expectTensorflow(
    "PRelu",
    { x, slope },
    (b) => b.add("y", "PRelu", ["x", "slope"]),
    (t, s) => tf.add(tf.relu(t), tf.mul(tf.minimum(t, tf.scalar(0)), s)),
  );
});

test.each([
  [-1.5, 2],
  [undefined, 0.5],
  [0, undefined],
  [undefined, undefined],
])("Clip to %o .. %o", async (low, high) => {
  await expectTensorflow(
    "Clip",
    { x },
    (b) => {
      const bounds = [
        low === undefined ? "" : b.float32("low", [], [low]),
        high === undefined ? "" : b.float32("high", [], [high]),
      ];
      while (bounds.at(-1) === "") bounds.pop();
      return b.add("y", "Clip", ["x", ...bounds]);
    },
    (t) => tf.clipByValue(t, low ?? -1e3, high ?? 1e3),
  );
});

test("on a kink the gradient is that of the flat side", async () => {
  const kinks: Floats = { dims: [3], data: Float32Array.of(0, -3, 3) };
  const { gradients, weights } = await gradientsOf({ x: kinks }, (b) => [
    b.add("relu", "Relu", ["x"]),
    b.add("six", "Clip", ["x", b.float32("zero", [], [0]), b.float32("three", [], [3])]),
  ]);
  const [w] = weights;
  expect([...(gradients["x"]?.data ?? [])]).toEqual([0, 0, w?.data[2]]);
});

test("Clip by bounds that are learned is refused by name", async () => {
  const inputs = { x, low: { dims: [], data: Float32Array.of(0) } };
  await expect(gradientsOf(inputs, (b) => b.add("y", "Clip", ["x", "low"]))).rejects.toThrow(/Clip "y".*bounds/);
});
