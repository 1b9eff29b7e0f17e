// Multiply-accumulates and parameters: against counting loops, and numbers worked out by hand.

import { describe, expect, test } from "vitest";
import { fcn32s } from "../../src/networks/index.ts";
import {
  GraphBuilder,
  macsOf,
  nodeOf,
  parametersOf,
  totalParameters,
  type AttributeInits,
  type Tensor,
} from "../../src/onnx/index.ts";
import { networkOf } from "../../src/network/index.ts";
import { localEngine } from "../support/runtime.ts";

type Shapes = Readonly<Record<string, readonly number[]>>;

function macs(op: string, shapes: Shapes, attributes: AttributeInits = {}): number {
  const inputs = Object.keys(shapes).filter((name) => name !== "y");
  return macsOf(nodeOf(op, inputs, ["y"], attributes), (name) => shapes[name]);
}

test("a convolution costs what its loops do", () => {
  // y [2, 6, 4, 5], kernel 3x2 over 8 channels in 2 groups.
  let count = 0;
  for (let n = 0; n < 2; n++)
    for (let out = 0; out < 6; out++)
      for (let row = 0; row < 4; row++)
        for (let column = 0; column < 5; column++) for (let channel = 0; channel < 8 / 2; channel++) count += 3 * 2;
  expect(macs("Conv", { x: [2, 8, 6, 6], w: [6, 4, 3, 2], b: [6], y: [2, 6, 4, 5] }, { group: 2 })).toBe(count);
});

test("a transposed convolution costs what its loops do", () => {
  // x [1, 4, 5, 6] in 2 groups to 6 channels: each element is added to 3 channels times 4x4 places.
  let count = 0;
  for (let channel = 0; channel < 4; channel++) for (let place = 0; place < 5 * 6; place++) count += (6 / 2) * 4 * 4;
  expect(macs("ConvTranspose", { x: [1, 4, 5, 6], w: [4, 3, 4, 4], y: [1, 6, 10, 12] }, { group: 2 })).toBe(count);
});

test.each<[string, Shapes, AttributeInits, number]>([
  ["MatMul", { a: [2, 3, 4], b: [4, 5], y: [2, 3, 5] }, {}, 2 * 3 * 5 * 4],
  ["MatMul", { a: [4], b: [4, 5], y: [5] }, {}, 20],
  ["Gemm", { a: [3, 4], b: [4, 5], y: [3, 5] }, {}, 60],
  ["Gemm", { a: [4, 3], b: [4, 5], y: [3, 5] }, { transA: 1 }, 60],
  ["MatMulInteger", { a: [3, 4], b: [4, 5], y: [3, 5] }, {}, 60],
  ["ConvInteger", { x: [1, 2, 4, 4], w: [3, 2, 3, 3], y: [1, 3, 2, 2] }, {}, 12 * 18],
  ["QLinearMatMul", { a: [3, 4], s: [], z: [], b: [4, 5], y: [3, 5] }, {}, 60],
  ["QLinearConv", { x: [1, 2, 4, 4], s: [], z: [], w: [3, 2, 3, 3], y: [1, 3, 2, 2] }, {}, 12 * 18],
  ["Einsum", { a: [2, 3], b: [3, 4], y: [2, 4] }, { equation: "ij, jk -> ik" }, 24],
  ["Einsum", { a: [2, 3], y: [3, 2] }, { equation: "ij->ji" }, 0],
  // 5 steps, 2 sequences, 4 gates of 6 units, 3 inputs.
  ["LSTM", { x: [5, 2, 3], w: [1, 24, 3], r: [1, 24, 6], y: [5, 1, 2, 6] }, {}, 5 * 2 * 24 * (3 + 6)],
  ["Resize", { x: [1, 8, 4, 4], y: [1, 8, 8, 8] }, {}, 0],
  ["Add", { a: [9], b: [9], y: [9] }, {}, 0],
])("%s of %o", (op, shapes, attributes, expected) => {
  expect(macs(op, shapes, attributes)).toBe(expected);
});

test("what has no known shape counts nothing", () => {
  for (const op of ["Conv", "ConvTranspose", "MatMul", "Gemm", "LSTM", "Einsum"]) {
    expect(
      macsOf(nodeOf(op, ["x", "w", "r"], ["y"], op === "Einsum" ? { equation: "ij,jk->ik" } : {}), () => undefined),
    ).toBe(0);
  }
});

describe("parameters", () => {
  const b = new GraphBuilder("g");
  b.input("x", "float32", [1, 4, 8, 8]);
  b.float32("w", [6, 4, 3, 3], new Float32Array(216));
  b.float32("b", [6], new Float32Array(6));
  for (const name of ["scale", "shift", "mean", "variance"]) b.float32(name, [6], new Float32Array(6).fill(1));
  b.int64("sizes", [4], [1, 6, 9, 9]);
  b.float32("slope", [], [0.1]);
  const bytes: Tensor = { dtype: "int8", dims: [6, 6], data: new Uint8Array(36) };
  b.initializer("quantised", bytes);
  b.add("conv", "Conv", ["x", "w", "b"]);
  b.add("bn", "BatchNormalization", ["conv", "scale", "shift", "mean", "variance"]);
  b.add("again", "Conv", ["x", "w", "b"]);
  b.add("resize", "Resize", ["bn", "", "", "sizes"]);
  b.add("mul", "Mul", ["resize", "slope"]);
  b.add("dense", "MatMulInteger", ["mul", "quantised"]);
  const graph = b.build();

  test("are learned numbers, and no sizes, statistics and scalars", () => {
    expect(Object.fromEntries(graph.nodes.map((node) => [node.name, parametersOf(node, graph)]))).toEqual({
      conv: 222,
      bn: 12,
      again: 222,
      resize: 0,
      mul: 0,
      dense: 36,
    });
  });

  test("that are shared count once in a graph", () => {
    expect(totalParameters(graph)).toBe(222 + 12 + 36);
  });
});

test("a whole network costs the sum of its layers", async () => {
  // FCN-32s of figure 1 at 1/32 of the width: channels 2, 4, 8, 16, 16 and 128, kernels 3x3, then 7x7 and 1x1.
  const network = await networkOf(fcn32s({ width: 1 / 32, classes: 4 }), {
    size: { widthPx: 64, heightPx: 32 },
    engine: localEngine,
  });
  const conv = (pixels: number, ...channels: readonly number[]): number =>
    channels.slice(1).reduce((sum, out, i) => sum + pixels * 9 * (channels[i] ?? 0) * out, 0);
  const at = (stride: number): number => (64 * 32) / stride ** 2;
  const vgg =
    conv(at(1), 3, 2, 2) +
    conv(at(2), 2, 4, 4) +
    conv(at(4), 4, 8, 8, 8) +
    conv(at(8), 8, 16, 16, 16) +
    conv(at(16), 16, 16, 16, 16);
  const head = at(32) * (49 * 16 * 128 + 128 * 128 + 128 * 4);
  const upsampled = network.index.nodes.findIndex(({ op }) => op === "ConvTranspose");
  expect(network.totalMacs - (network.macs[upsampled] ?? 0)).toBe(vgg + head);
  expect(network.macs.reduce((sum, count) => sum + count, 0)).toBe(network.totalMacs);
  expect(network.macs[upsampled]).toBe(upsampled === -1 ? undefined : at(32) * 4 * 4 * 64 * 64);
});
