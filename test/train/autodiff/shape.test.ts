// Gradients of operators that move elements, against TensorFlow.js, and against central differences (exact here but for
// rounding: all are linear) where it has no such operator.

// oxlint-disable vitest/expect-expect -- what tensors are compared by expects
import * as tf from "@tensorflow/tfjs-core";
import { expect, test } from "vitest";
import type { AttributeInits, GraphBuilder } from "../../../src/onnx/index.ts";
import { expectDifferences, floats, gradientsOf, type Gradients } from "./gradients-of.ts";
import { expectTensorflow } from "./tensorflow.ts";

const x = floats("shape x", [2, 3, 4, 5]);
const linear = { step: 1, tolerance: 1e-4 };

/** One operator on x, with lists of integers as further inputs. */
function on(op: string, lists: readonly (readonly number[])[] = [], attributes: AttributeInits = {}) {
  return (b: GraphBuilder): string => {
    const names = lists.map((list, index) => b.int64(`list${index}`, [list.length], list));
    return b.add("y", op, ["x", ...names], attributes);
  };
}

test.each([
  ["Reshape", on("Reshape", [[6, -1]]), [6, 20]],
  ["Reshape with 0", on("Reshape", [[0, 12, 5]]), [2, 12, 5]],
  ["Flatten", on("Flatten", [], { axis: 2 }), [6, 20]],
  ["Unsqueeze", on("Unsqueeze", [[0, -1]]), [1, 2, 3, 4, 5, 1]],
] as const)("%s", async (what, forward, dims) => {
  await expectTensorflow(what, { x }, forward, (t) => tf.reshape(t, [...dims]));
});

test("Squeeze, of named axes and of all", async () => {
  const thin = floats("thin", [1, 3, 1, 2]);
  await expectTensorflow("named", { x: thin }, on("Squeeze", [[-2]]), (t) => tf.squeeze(t, [2]));
  await expectTensorflow("all", { x: thin }, on("Squeeze"), (t) => tf.squeeze(t));
});

test.each([[undefined], [[0, 2, 3, 1]], [[3, 0, 1, 2]], [[1, 0, 3, 2]]])("Transpose %o", async (perm) => {
  const attributes: AttributeInits = perm === undefined ? {} : { perm };
  await expectTensorflow("Transpose", { x }, on("Transpose", [], attributes), (t) => tf.transpose(t, perm));
});

test.each([
  [
    [3, 1],
    [2, 3, 4],
  ],
  [
    [1, 3, 1],
    [2, 1, 5],
  ],
  [[], [2, 2]],
  [
    [2, 3],
    [1, 1],
  ],
])("Expand %o to %o", async (from, to) => {
  const small = floats("small", from);
  const dims = tf.broadcast_util.assertAndGetBroadcastShape(from, to);
  await expectTensorflow("Expand", { x: small }, on("Expand", [to]), (t) => tf.broadcastTo(t, dims));
});

test.each([[[1, 2, 1, 3]], [[2, 1, 1, 1]], [[1, 1, 1, 1]]])("Tile %o", async (repeats) => {
  await expectTensorflow("Tile", { x }, on("Tile", [repeats]), (t) => tf.tile(t, repeats));
});

test.each([0, 2, -1, -3])("Concat along axis %i, one tensor twice", async (axis) => {
  const longer = [2, 3, 4, 5].map((length, index) => (index === (axis + 4) % 4 ? length + 1 : length));
  const inputs = { a: x, b: floats("concat b", longer) };
  await expectTensorflow(
    "Concat",
    inputs,
    (b) => b.add("y", "Concat", ["a", "b", "a"], { axis }),
    (a, b) => tf.concat([a, b, a], (axis + 4) % 4),
  );
});

function split(outputs: readonly string[], parts: readonly number[], axis: number, used: readonly string[]) {
  return (b: GraphBuilder): readonly string[] => {
    b.add("split", "Split", ["x", b.int64("parts", [parts.length], parts)], { axis }, { outputs });
    return used;
  };
}

test("Split, with parts that nothing uses", async () => {
  await expectTensorflow("all", { x }, split(["p", "q"], [1, 3], 2, ["p", "q"]), (t) => tf.split(t, [1, 3], 2));
  await expectTensorflow(
    "the middle one",
    { x },
    split(["p", "q", "r"], [1, 3, 1], -1, ["q"]),
    (t) => tf.split(t, [1, 3, 1], 3)[1] as tf.Tensor,
  );
});

test("Split with parts that have no name", async () => {
  await expectTensorflow(
    "one",
    { x },
    split(["p", "", "r"], [1, 3, 1], 3, ["r"]),
    (t) => tf.split(t, [1, 3, 1], 3)[2] as tf.Tensor,
  );
  // The engine cannot tell the lengths of two.
  await expect(gradientsOf({ x }, split(["", "q", ""], [1, 2, 2], 3, ["q"]))).rejects.toThrow(
    /Split "split".*without a name/,
  );
});

test("Split in equal parts, the form of operator set 17 and that of 18", async () => {
  for (const opset of [17, 18]) {
    await expectTensorflow(
      `operator set ${opset}`,
      { x },
      (b) => {
        const attributes: AttributeInits = opset < 18 ? { axis: 2 } : { axis: 2, num_outputs: 2 };
        b.add("split", "Split", ["x"], attributes, { outputs: ["", "q"] });
        return ["q"];
      },
      (t) => tf.split(t, 2, 2)[1] as tf.Tensor,
      { opset },
    );
  }
});

const far = 2 ** 31 - 1;

test.each([
  ["from the front", [1], [3], [2], [1]],
  ["to the end", [-3], [far], [3], [1]],
  ["two axes", [0, 1], [1, 4], [0, 3], [1, 1]],
  ["steps", [0, 1], [far, far], [2, 3], [2, 3]],
  ["backwards", [-1], [-far], [3], [-1]],
  ["backwards by two from inside", [3], [-far], [-1], [-2]],
  ["backwards, a bounded part", [-2], [0], [2], [-1]],
  ["start beyond the end, backwards", [100], [0], [2], [-2]],
  ["steps and a plain axis", [1, 1, 4], [3, 3, 0], [1, 2, 3], [1, 1, -3]],
])("Slice %s", async (what, starts, ends, axes, steps) => {
  await expectDifferences(what, { x: floats("slice", [1, 3, 4, 5]) }, on("Slice", [starts, ends, axes, steps]), linear);
});

test("Slice without axes or steps", async () => {
  await expectTensorflow(
    "Slice",
    { x },
    on("Slice", [
      [0, 1],
      [1, 3],
    ]),
    (t) => tf.slice(t, [0, 1, 0, 0], [1, 2, 4, 5]),
  );
});

test("Pad, cut off and padded at once, with a value", async () => {
  const small = floats("pad", [2, 3, 4]);
  await expectDifferences("both", { x: small }, on("Pad", [[0, 2, -1, 1, 0, 3]]), linear);
  await expectDifferences(
    "value",
    { x: small },
    (b) => b.add("y", "Pad", ["x", b.int64("pads", [6], [1, 0, 2, 0, 1, 1]), b.float32("value", [], [3])]),
    linear,
  );
  await expectDifferences(
    "axes (operator set 18)",
    { x: small },
    (b) => b.add("y", "Pad", ["x", b.int64("pads", [4], [1, 2, 0, 3]), "", b.int64("axes", [2], [-1, 0])]),
    { ...linear, opset: 18 },
  );
  await expect(gradientsOf({ x: small }, on("Pad", [[0, 1, 0, 0, 1, 0]], { mode: "reflect" }))).rejects.toThrow(
    /Pad "y".*reflect/,
  );
});

test.each(["DCR", "CRD"])("DepthToSpace, %s", async (mode) => {
  for (const blocksize of [2, 3]) {
    const deep = floats("deep", [1, blocksize ** 2 * 2, 2, 3]);
    await expectDifferences(mode, { x: deep }, on("DepthToSpace", [], { blocksize, mode }), linear);
  }
});

test("SpaceToDepth", async () => {
  await expectDifferences(
    "SpaceToDepth",
    { x: floats("wide", [1, 3, 4, 6]) },
    on("SpaceToDepth", [], { blocksize: 2 }),
    linear,
  );
});

/** Gather with constant indices, and with the same ones computed in the graph. */
async function gathers(
  axis: number,
  shape: readonly number[],
  indices: readonly number[],
): Promise<readonly Gradients[]> {
  const results: Gradients[] = [];
  const positive = indices.map((index) => (index + (x.dims.at(axis) ?? 0)) % (x.dims.at(axis) ?? 1));
  for (const isComputed of [false, true]) {
    const result = await expectTensorflow(
      `${isComputed ? "computed" : "constant"} along ${axis}`,
      { x },
      (b) => {
        const constant = b.int64("indices", shape, indices);
        const computed = isComputed ? b.add("computed", "Mul", [constant, b.int64("one", [], [1])]) : constant;
        return b.add("y", "Gather", ["x", computed], { axis });
      },
      (t) => {
        const flat = tf.gather(t, tf.tensor1d(positive, "int32"), (axis + 4) % 4);
        const at = (axis + 4) % 4;
        return tf.reshape(flat, [...x.dims.slice(0, at), ...shape, ...x.dims.slice(at + 1)]);
      },
    );
    results.push(result);
  }
  return results;
}

test.each([
  [0, [3], [1, 0, 1]],
  [1, [2, 2], [0, -1, 2, -3]],
  [-1, [4], [4, -5, 0, 0]],
  [2, [], [-2]],
  [3, [1], [2]],
])("Gather along axis %i, indices of shape %o: %o", async (axis, shape, indices) => {
  const [constant, computed] = await gathers(axis, shape, indices);
  expect(constant?.gradients["x"]).toEqual(computed?.gradients["x"]);
});

test("Gather with int32 indices that are computed", async () => {
  const result = await gradientsOf({ x }, (b) => {
    const indices = b.add("narrow", "Cast", [b.int64("indices", [2], [-1, 1])], { to: 6 });
    return b.add("y", "Gather", ["x", indices], { axis: 1 });
  });
  const wide = await gradientsOf({ x }, (b) =>
    b.add("y", "Gather", ["x", b.int64("indices", [2], [-1, 1])], { axis: 1 }),
  );
  expect(result.gradients["x"]).toEqual(wide.gradients["x"]);
});

test("a vector: Slice with steps, Gather", async () => {
  const vector = floats("vector", [7]);
  await expectDifferences("Slice", { x: vector }, on("Slice", [[5], [0], [0], [-2]]), linear);
  await expectDifferences(
    "Gather",
    { x: vector },
    (b) => b.add("y", "Gather", ["x", b.int64("at", [3], [6, -1, 0])]),
    linear,
  );
});

test("Pad with a value that is learned is refused by name", async () => {
  const inputs = { x, value: { dims: [], data: Float32Array.of(1) } };
  const forward = (b: GraphBuilder): string =>
    b.add("y", "Pad", ["x", b.int64("pads", [8], [0, 0, 1, 1, 0, 0, 1, 1]), "value"]);
  await expect(gradientsOf(inputs, forward)).rejects.toThrow(/Pad "y".*value/);
});
