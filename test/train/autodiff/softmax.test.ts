// Gradients of Softmax and LogSoftmax against TensorFlow.js, which knows the last axis only: others are moved there.

// oxlint-disable vitest/expect-expect -- what tensors are compared by expects
import * as tf from "@tensorflow/tfjs-core";
import { test } from "vitest";
import { floats } from "./gradients-of.ts";
import { expectTensorflow } from "./tensorflow.ts";

test.each([
  ["Softmax", tf.softmax],
  ["LogSoftmax", tf.logSoftmax],
] as const)("%s along every axis", async (op, reference) => {
  for (const axis of [0, 1, 2, 3, -1, -3]) {
    const perm = [0, 1, 2, 3].filter((other) => other !== (axis + 4) % 4);
    perm.push((axis + 4) % 4);
    const back = perm.map((_, other) => perm.indexOf(other));
    await expectTensorflow(
      `${op} along axis ${axis}`,
      { x: floats(op, [2, 5, 3, 4], -4, 4) },
      (b) => b.add("y", op, ["x"], { axis }),
      (x) => tf.transpose(reference(tf.transpose(x, perm)), back),
    );
  }
});

test.each(["Softmax", "LogSoftmax"])("%s without an axis is along the last", async (op) => {
  await expectTensorflow(
    op,
    { x: floats(op, [3, 4, 5], -30, 30) },
    (b) => b.add("y", op, ["x"]),
    (x) => (op === "Softmax" ? tf.softmax(x) : tf.logSoftmax(x)),
  );
});
