// Gradients of reductions against TensorFlow.js, with axes as an attribute (operator set 17) and as an input (18).

// oxlint-disable vitest/expect-expect -- what tensors are compared by expects
import * as tf from "@tensorflow/tfjs-core";
import { expect, test } from "vitest";
import type { GraphBuilder } from "../../../src/onnx/index.ts";
import { distinct, expectClose, floats, gradientsOf } from "./gradients-of.ts";
import { expectTensorflow } from "./tensorflow.ts";

const dims = [2, 3, 4, 2];

type Reduce = (x: tf.Tensor, axes: number[] | undefined, keep: boolean) => tf.Tensor;

const reductions: readonly (readonly [string, Reduce])[] = [
  ["ReduceSum", tf.sum],
  ["ReduceMean", tf.mean],
  ["ReduceSumSquare", (x, axes, keep) => tf.sum(tf.mul(x, x), axes, keep)],
  ["ReduceL1", (x, axes, keep) => tf.sum(tf.abs(x), axes, keep)],
  ["ReduceL2", (x, axes, keep) => tf.sqrt(tf.sum(tf.mul(x, x), axes, keep))],
  ["ReduceLogSumExp", (x, axes, keep) => tf.logSumExp(x, axes, keep)],
  ["ReduceMax", (x, axes, keep) => tf.max(x, axes, keep)],
  ["ReduceMin", (x, axes, keep) => tf.min(x, axes, keep)],
];

const axesCases: readonly (readonly number[] | undefined)[] = [undefined, [1], [-1], [2, 3], [0, -2], [0, 1, 2, 3]];

function reduce(
  b: GraphBuilder,
  op: string,
  opset: number,
  axes: readonly number[] | undefined,
  keepdims: number,
): string {
  if (axes === undefined) return b.add("y", op, ["x"], { keepdims });
  return opset < 18 && op !== "ReduceSum"
    ? b.add("y", op, ["x"], { axes, keepdims })
    : b.add("y", op, ["x", b.int64("axes", [axes.length], axes)], { keepdims });
}

for (const opset of [17, 18]) {
  test.each(reductions)(`%s, operator set ${opset}`, async (op, reference) => {
    for (const axes of axesCases) {
      for (const keepdims of [0, 1]) {
        await expectTensorflow(
          `${op} axes [${axes?.join()}] keepdims ${keepdims}`,
          { x: distinct(op, dims, -2, 2.1) },
          (b) => reduce(b, op, opset, axes, keepdims),
          (x) =>
            reference(
              x,
              axes?.map((axis) => (axis + 4) % 4),
              keepdims === 1,
            ),
          { opset },
        );
      }
    }
  });
}

test("no axes and noop_with_empty_axes: the tensor itself", async () => {
  const x = floats("noop", [2, 3]);
  const { gradients, weights } = await gradientsOf({ x }, (b) =>
    b.add("y", "ReduceSum", ["x"], { noop_with_empty_axes: 1 }),
  );
  expect(gradients["x"]?.data).toEqual(weights[0]?.data);
});

test("elements with the same maximum share its gradient", async () => {
  const x = { dims: [4], data: Float32Array.of(1, 3, 3, 2) };
  const { gradients, weights } = await gradientsOf({ x }, (b) => b.add("y", "ReduceMax", ["x"], { axes: [0] }));
  const half = (weights[0]?.data[0] ?? Number.NaN) / 2;
  expect([...(gradients["x"]?.data ?? [])]).toEqual([0, half, half, 0]);
});

test("the length of a vector of zeros passes nothing on", async () => {
  const x = { dims: [2, 2], data: Float32Array.of(0, 0, 3, 4) };
  const { gradients, weights } = await gradientsOf({ x }, (b) =>
    b.add("y", "ReduceL2", ["x"], { axes: [1], keepdims: 0 }),
  );
  const weight = weights[0]?.data[1] ?? Number.NaN;
  expectClose(gradients["x"], { dims: [2, 2], data: Float32Array.of(0, 0, 0.6 * weight, 0.8 * weight) }, 1e-6);
});
