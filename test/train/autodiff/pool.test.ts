// Gradients of pooling: against TensorFlow.js in the forms it has, against central differences in the others
// (ceil_mode, count_include_pad, dilation).

// oxlint-disable vitest/expect-expect -- what tensors are compared by expects
import * as tf from "@tensorflow/tfjs-core";
import { expect, test } from "vitest";
import { Random } from "../../../src/networks/random.ts";
import type { AttributeInits } from "../../../src/onnx/index.ts";
import { distinct, expectDifferences, floats, gradientsOf, whole } from "./gradients-of.ts";
import { channelsFirst, channelsLast, expectTensorflow } from "./tensorflow.ts";

test("MaxPool and AveragePool against TensorFlow.js, random windows", async () => {
  const random = new Random(9, "pool");
  for (let round = 0; round < 10; round++) {
    const kernel: [number, number] = [whole(random, 1, 4), whole(random, 1, 4)];
    const strides: [number, number] = [whole(random, 1, 3), whole(random, 1, 3)];
    const x = distinct(`pool${round}`, [2, 2, whole(random, 5, 9), whole(random, 5, 9)]);
    for (const [op, pool] of [
      ["MaxPool", tf.maxPool],
      ["AveragePool", tf.avgPool],
    ] as const) {
      await expectTensorflow(
        `${op} ${kernel.join()} / ${strides.join()}`,
        { x },
        (b) => b.add("y", op, ["x"], { kernel_shape: kernel, strides }),
        (t) => channelsFirst(pool(channelsLast(t), kernel, strides, "valid")),
      );
    }
  }
});

const windows: readonly (readonly [string, AttributeInits, readonly [number, number]])[] = [
  ["overlapping, padded", { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] }, [7, 8]],
  ["overlapping, stride 1", { kernel_shape: [3, 3], pads: [1, 1, 1, 1] }, [5, 6]],
  ["apart, not filled", { kernel_shape: [2, 2], strides: [2, 2] }, [5, 7]],
  ["apart, ceil_mode", { kernel_shape: [2, 2], strides: [2, 2], ceil_mode: 1 }, [5, 7]],
  ["overlapping, ceil_mode", { kernel_shape: [3, 3], strides: [2, 2], ceil_mode: 1 }, [6, 8]],
  ["padded, ceil_mode", { kernel_shape: [3, 2], strides: [2, 2], pads: [1, 0, 1, 1], ceil_mode: 1 }, [6, 7]],
  ["asymmetric pads", { kernel_shape: [3, 3], strides: [2, 1], pads: [0, 1, 2, 1] }, [6, 5]],
  ["gaps between windows", { kernel_shape: [1, 2], strides: [2, 3] }, [5, 8]],
];

test.each(windows)("MaxPool %s", async (what, attributes, size) => {
  // Steps stay below half the distance of two elements.
  const x = distinct(what, [1, 2, ...size], -3, 3);
  await expectDifferences(what, { x }, (b) => b.add("y", "MaxPool", ["x"], attributes), { step: 0.01 });
});

test("MaxPool with dilation, and with its second output named", async () => {
  const x = distinct("dilated", [2, 1, 7, 7], -3, 3);
  const attributes = { kernel_shape: [2, 2], strides: [1, 2], dilations: [2, 3] };
  await expectDifferences("dilated", { x }, (b) => b.add("y", "MaxPool", ["x"], attributes), { step: 0.01 });
  await expectDifferences(
    "named indices",
    { x },
    (b) => b.add("pool", "MaxPool", ["x"], { kernel_shape: [3, 3], strides: [2, 2] }, { outputs: ["y", "places"] }),
    { step: 0.01 },
  );
});

for (const count_include_pad of [0, 1]) {
  test.each(windows)(`AveragePool, count_include_pad ${count_include_pad}, %s`, async (what, attributes, size) => {
    const x = floats(what, [2, 2, ...size]);
    // Linear: any step is exact.
    const options = { step: 1, tolerance: 1e-4 };
    await expectDifferences(
      what,
      { x },
      (b) => b.add("y", "AveragePool", ["x"], { ...attributes, count_include_pad }),
      options,
    );
  });
}

test.each([0, 1])("AveragePool with dilation (operator set 19), count_include_pad %i", async (count_include_pad) => {
  const attributes = {
    kernel_shape: [2, 3],
    dilations: [3, 2],
    strides: [1, 2],
    pads: [1, 2, 0, 1],
    count_include_pad,
  };
  const x = floats("dilated", [1, 2, 7, 8]);
  const options = { step: 1, tolerance: 1e-4, opset: 19 };
  await expectDifferences("dilated", { x }, (b) => b.add("y", "AveragePool", ["x"], attributes), options);
});

test("GlobalAveragePool and GlobalMaxPool", async () => {
  const x = distinct("global", [2, 3, 4, 5]);
  await expectTensorflow(
    "mean",
    { x },
    (b) => b.add("y", "GlobalAveragePool", ["x"]),
    (t) => tf.mean(t, [2, 3], true),
  );
  await expectTensorflow(
    "max",
    { x },
    (b) => b.add("y", "GlobalMaxPool", ["x"]),
    (t) => tf.max(t, [2, 3], true),
  );
});

test("pooling with auto_pad is refused by name", async () => {
  const x = floats("auto", [1, 1, 5, 5]);
  const attributes = { kernel_shape: [2, 2], strides: [2, 2], auto_pad: "SAME_UPPER" };
  const average = gradientsOf({ x }, (b) => b.add("mean", "AveragePool", ["x"], attributes));
  await expect(average).rejects.toThrow(/AveragePool "mean".*auto_pad/);
  const max = gradientsOf({ x }, (b) => b.add("max", "MaxPool", ["x"], attributes));
  await expect(max).rejects.toThrow(/MaxPool "max".*auto_pad/);
});

test("places that are counted down columns are refused by name", async () => {
  const x = floats("order", [1, 1, 5, 5]);
  const attributes = { kernel_shape: [2, 2], strides: [2, 2], storage_order: 1 };
  await expect(gradientsOf({ x }, (b) => b.add("y", "MaxPool", ["x"], attributes))).rejects.toThrow(
    /MaxPool "y".*storage_order/,
  );
});
