// Gradients of matrix products against TensorFlow.js.

// oxlint-disable vitest/expect-expect -- what tensors are compared by expects
import * as tf from "@tensorflow/tfjs-core";
import { expect, test } from "vitest";
import { Random } from "../../../src/networks/random.ts";
import { float } from "../../../src/onnx/index.ts";
import { floats, gradientsOf, whole } from "./gradients-of.ts";
import { expectTensorflow } from "./tensorflow.ts";

test.each([
  [[], []],
  [[3], []],
  [[], [3]],
  [
    [2, 3],
    [2, 3],
  ],
  [[2, 3], []],
  [
    [2, 1],
    [1, 3],
  ],
  [[3], [2, 1]],
  [
    [1, 1],
    [2, 2],
  ],
  [[4, 1], [1]],
])("MatMul of stacks %o and %o", async (left, right) => {
  const random = new Random(3, `${left.join()};${right.join()}`);
  const [rows, inner, columns] = [whole(random, 1, 5), whole(random, 1, 5), whole(random, 1, 5)];
  const inputs = {
    a: floats("matmul a", [...left, rows, inner]),
    b: floats("matmul b", [...right, inner, columns]),
  };
  // The reference's own broadcasting has no way back.
  const lead = tf.broadcast_util.assertAndGetBroadcastShape(left, right);
  const lifted = (t: tf.Tensor): tf.Tensor => tf.broadcastTo(t, [...lead, ...t.shape.slice(-2)]);
  await expectTensorflow(
    "MatMul",
    inputs,
    (b) => b.add("y", "MatMul", ["a", "b"]),
    (a, b) => tf.matMul(lifted(a), lifted(b)),
  );
});

test("MatMul of a vector is refused", async () => {
  const inputs = { a: floats("vector", [3]), b: floats("matrix", [3, 2]) };
  await expect(gradientsOf(inputs, (b) => b.add("y", "MatMul", ["a", "b"]))).rejects.toThrow(/MatMul "y".*vector/);
});

const flags = [0, 1];
const biases = [undefined, [5], [4, 1], [4, 5], [1, 5], []];

test.each(flags.flatMap((transA) => flags.map((transB) => [transA, transB] as const)))(
  "Gemm, transA %i, transB %i",
  async (transA, transB) => {
    for (const bias of biases) {
      const inputs = {
        a: floats("gemm a", transA === 1 ? [3, 4] : [4, 3]),
        b: floats("gemm b", transB === 1 ? [5, 3] : [3, 5]),
        ...(bias === undefined ? {} : { c: floats("gemm c", bias) }),
      };
      await expectTensorflow(
        `Gemm with bias [${bias?.join()}]`,
        inputs,
        (b) => b.add("y", "Gemm", Object.keys(inputs), { transA, transB, alpha: float(0.7), beta: float(1.3) }),
        (a, b, c) => {
          const product = tf.mul(
            tf.matMul(a as tf.Tensor2D, b as tf.Tensor2D, transA === 1, transB === 1),
            tf.scalar(0.7),
          );
          return c === undefined ? product : tf.add(product, tf.mul(c, tf.scalar(1.3)));
        },
      );
    }
  },
);
