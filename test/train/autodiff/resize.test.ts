// Gradients of Resize: against TensorFlow.js for half_pixel and align_corners, else against central differences, which are
// exact to rounding, since resampling is linear. Sizes up, down, and not in proportion.

// oxlint-disable vitest/expect-expect -- what tensors are compared by expects
import * as tf from "@tensorflow/tfjs-core";
import { expect, test } from "vitest";
import type { AttributeInits, GraphBuilder } from "../../../src/onnx/index.ts";
import { expectClose, expectDifferences, floats, gradientsOf, type Floats } from "./gradients-of.ts";
import { tensorOf } from "./tensorflow.ts";

const sizes: readonly (readonly [readonly [number, number], readonly [number, number]])[] = [
  [
    [4, 5],
    [8, 10],
  ],
  [
    [6, 8],
    [3, 4],
  ],
  [
    [5, 7],
    [8, 4],
  ],
  [
    [3, 4],
    [1, 9],
  ],
  [
    [1, 3],
    [4, 3],
  ],
];

function bySizes(b: GraphBuilder, from: readonly number[], to: readonly number[], attributes: AttributeInits): string {
  return b.add("y", "Resize", ["x", "", "", b.int64("sizes", [4], [...from.slice(0, 2), ...to])], attributes);
}

/** Gradient of a sum with weights, from what the reference makes of every image with a single 1. */
function byUnitImages(
  from: readonly [number, number],
  to: readonly [number, number],
  mode: string,
  weights: Floats,
): Floats {
  const count = from[0] * from[1];
  const units = tf.reshape(tf.eye(count), [count, ...from, 1]) as tf.Tensor4D;
  const made = tf.image.resizeBilinear(units, [...to], mode === "align_corners", mode === "half_pixel");
  const rows = tf.reshape(tensorOf(weights), [-1, to[0] * to[1]]) as tf.Tensor2D;
  const gradient = tf.matMul(rows, tf.reshape(made, [count, to[0] * to[1]]), false, true);
  const dims = [...weights.dims.slice(0, 2), ...from];
  return { dims, data: Float32Array.from(gradient.dataSync()) };
}

test.each(["half_pixel", "align_corners"])("linear, %s, against TensorFlow.js", async (mode) => {
  for (const [from, to] of sizes) {
    const x = floats("resize", [2, 3, ...from]);
    const { gradients, weights } = await gradientsOf({ x }, (b) =>
      bySizes(b, x.dims, to, { mode: "linear", coordinate_transformation_mode: mode }),
    );
    const [weight] = weights;
    if (weight === undefined) throw new Error("test: no weights");
    expectClose(gradients["x"], byUnitImages(from, to, mode, weight), 1e-4, `${from.join()} to ${to.join()}`);
  }
});

const conventions = ["half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric"];
const linear = { step: 1, tolerance: 1e-4 };

test.each(conventions)("linear, %s", async (mode) => {
  for (const [from, to] of sizes) {
    const x = floats("resize", [1, 1, ...from]);
    const attributes = { mode: "linear", coordinate_transformation_mode: mode };
    await expectDifferences(`${from.join()} to ${to.join()}`, { x }, (b) => bySizes(b, x.dims, to, attributes), linear);
  }
});

test("linear, half_pixel_symmetric (operator set 19), scales that do not divide", async () => {
  const x = floats("symmetric", [1, 2, 5, 4]);
  await expectDifferences(
    "symmetric",
    { x },
    (b) =>
      b.add("y", "Resize", ["x", "", b.float32("scales", [4], [1, 1, 1.7, 0.8])], {
        mode: "linear",
        coordinate_transformation_mode: "half_pixel_symmetric",
      }),
    { ...linear, opset: 19 },
  );
});

for (const nearest_mode of ["round_prefer_floor", "round_prefer_ceil", "floor", "ceil"]) {
  test.each(conventions)(`nearest, ${nearest_mode}, %s`, async (mode) => {
    for (const [from, to] of sizes.slice(2, 4)) {
      const x = floats("nearest", [1, 1, ...from]);
      const attributes = { mode: "nearest", coordinate_transformation_mode: mode, nearest_mode };
      await expectDifferences(
        `${from.join()} to ${to.join()}`,
        { x },
        (b) => bySizes(b, x.dims, to, attributes),
        linear,
      );
    }
  });
}

test.each(["linear", "nearest"])("%s by scales whose product is rounded", async (mode) => {
  for (const coordinate_transformation_mode of ["half_pixel", "asymmetric"]) {
    for (const scales of [
      [1, 1, 2, 2],
      [1, 1, 1.5, 1.3],
      [1, 1, 0.6, 0.7],
    ]) {
      const x = floats("scaled", [1, 2, 5, 4]);
      const attributes = { mode, coordinate_transformation_mode };
      await expectDifferences(
        `${coordinate_transformation_mode} by ${scales.join()}`,
        { x },
        (b) => b.add("y", "Resize", ["x", "", b.float32("scales", [4], scales)], attributes),
        linear,
      );
    }
  }
});

test("cubic and antialias are refused by name", async () => {
  const x = floats("refused", [1, 1, 4, 4]);
  const cubic = gradientsOf({ x }, (b) => bySizes(b, x.dims, [8, 8], { mode: "cubic" }));
  await expect(cubic).rejects.toThrow(/Resize "y".*cubic/);
  const smooth = gradientsOf({ x }, (b) => bySizes(b, x.dims, [2, 2], { mode: "linear", antialias: 1 }), { opset: 18 });
  await expect(smooth).rejects.toThrow(/Resize "y".*antialias/);
});

test("axes that are named (operator set 18), with scales whose product is rounded", async () => {
  const x = floats("axes", [1, 2, 5, 4]);
  const attributes = { mode: "linear", coordinate_transformation_mode: "asymmetric", axes: [-1, 2] };
  await expectDifferences(
    "axes",
    { x },
    (b) => b.add("y", "Resize", ["x", "", b.float32("scales", [2], [1.3, 1.5])], attributes),
    { ...linear, opset: 18 },
  );
});

test("sizes that keep proportions are refused by name", async () => {
  const x = floats("refused", [1, 1, 4, 4]);
  const attributes = { mode: "linear", keep_aspect_ratio_policy: "not_larger", axes: [2, 3] };
  const forward = (b: GraphBuilder): string =>
    b.add("y", "Resize", ["x", "", "", b.int64("sizes", [2], [7, 9])], attributes);
  await expect(gradientsOf({ x }, forward, { opset: 18 })).rejects.toThrow(/Resize "y".*not_larger/);
});
