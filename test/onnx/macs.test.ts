// Multiply-accumulates, by which stages are chosen, against counting them one by one in loops over what each operator is
// defined to compute. Products with padding count, as in the papers of the field.

import { describe, expect, test } from "vitest";
import { macsOf, nodeOf, type AttributeInits } from "../../src/onnx/index.ts";

type Shape = readonly number[];

/** Cost of one node between tensors of given shapes. */
function macs(op: string, inputs: readonly Shape[], output: Shape, attributes: AttributeInits = {}): number {
  const names = inputs.map((_, at) => `input${at}`);
  const shapes = new Map<string, Shape>([
    ...names.map((name, at) => [name, inputs[at] ?? []] as const),
    ["output", output],
  ]);
  return macsOf(nodeOf(op, names, ["output"], attributes), (name) => shapes.get(name));
}

/** Number of times that the innermost body of nested loops runs. */
function loops(...lengths: readonly number[]): number {
  const [first, ...rest] = lengths;
  if (first === undefined) return 1;
  let count = 0;
  for (let i = 0; i < first; i++) count += loops(...rest);
  return count;
}

/** Rows or columns that a strided, dilated, padded window has. */
function windows(length: number, kernel: number, stride: number, pad: number, dilation: number): number {
  let count = 0;
  for (let start = -pad; start + dilation * (kernel - 1) < length + pad; start += stride) count++;
  return count;
}

describe("Conv", () => {
  test.each([
    { name: "plain", groups: 1, stride: 1, pad: 1, dilation: 1, kernel: 3, batch: 1 },
    { name: "strided", groups: 1, stride: 2, pad: 1, dilation: 1, kernel: 3, batch: 2 },
    { name: "grouped", groups: 2, stride: 1, pad: 2, dilation: 2, kernel: 3, batch: 1 },
    { name: "depthwise", groups: 6, stride: 2, pad: 2, dilation: 1, kernel: 5, batch: 1 },
    { name: "pointwise", groups: 1, stride: 1, pad: 0, dilation: 1, kernel: 1, batch: 1 },
  ])("$name", ({ groups, stride, pad, dilation, kernel, batch }) => {
    const [input, channels, rows, columns] = [6, 12, 11, 14];
    const height = windows(rows, kernel, stride, pad, dilation);
    const width = windows(columns, kernel, stride, pad, dilation);
    let count = 0;
    for (let group = 0; group < groups; group++) {
      count += loops(batch, channels / groups, height, width, input / groups, kernel, kernel);
    }
    const shapes = [[batch, input, rows, columns], [channels, input / groups, kernel, kernel], [channels]];
    expect(macs("Conv", shapes, [batch, channels, height, width], { group: groups })).toBe(count);
  });

  test("along one axis", () => {
    expect(
      macs(
        "Conv",
        [
          [1, 3, 20],
          [8, 3, 5],
        ],
        [1, 8, 16],
      ),
    ).toBe(loops(8, 16, 3, 5));
  });

  test("quantised", () => {
    const x = [1, 4, 6, 6];
    const w = [8, 4, 3, 3];
    const scalar: Shape = [];
    const count = loops(8, 4, 4, 4, 3, 3);
    expect(macs("QLinearConv", [x, scalar, scalar, w, scalar, scalar, scalar, scalar], [1, 8, 4, 4])).toBe(count);
    expect(macs("ConvInteger", [x, w, scalar, scalar], [1, 8, 4, 4])).toBe(count);
  });
});

describe("ConvTranspose", () => {
  test.each([
    { stride: 2, kernel: 4, groups: 1 },
    { stride: 2, kernel: 2, groups: 1 },
    { stride: 1, kernel: 3, groups: 1 },
    { stride: 8, kernel: 16, groups: 3 },
  ])("stride $stride, kernel $kernel, $groups groups: every input meets every weight of its group", (form) => {
    const { stride, kernel, groups } = form;
    const [input, channels, rows, columns] = [6, 9, 5, 7];
    let count = 0;
    for (let group = 0; group < groups; group++) {
      count += loops(input / groups, rows, columns, channels / groups, kernel, kernel);
    }
    const output = [1, channels, (rows - 1) * stride + kernel, (columns - 1) * stride + kernel];
    const shapes = [
      [1, input, rows, columns],
      [input, channels / groups, kernel, kernel],
    ];
    expect(macs("ConvTranspose", shapes, output, { group: groups, strides: [stride, stride] })).toBe(count);
  });
});

describe("products of matrices", () => {
  test.each<readonly [string, readonly Shape[], Shape, number]>([
    [
      "two matrices",
      [
        [3, 5],
        [5, 7],
      ],
      [3, 7],
      loops(3, 7, 5),
    ],
    [
      "a batch of heads",
      [
        [2, 4, 6, 5],
        [2, 4, 5, 3],
      ],
      [2, 4, 6, 3],
      loops(2, 4, 6, 3, 5),
    ],
    [
      "a batch and a weight",
      [
        [2, 9, 5],
        [5, 3],
      ],
      [2, 9, 3],
      loops(2, 9, 3, 5),
    ],
    [
      "a batch of one against a batch",
      [
        [1, 9, 5],
        [4, 5, 3],
      ],
      [4, 9, 3],
      loops(4, 9, 3, 5),
    ],
    ["a vector and a matrix", [[5], [5, 3]], [3], loops(3, 5)],
    ["a matrix and a vector", [[4, 5], [5]], [4], loops(4, 5)],
  ])("MatMul of %s", (_, inputs, output, count) => {
    expect(macs("MatMul", inputs, output)).toBe(count);
  });

  test.each([
    [0, 0],
    [0, 1],
    [1, 0],
    [1, 1],
  ])("Gemm with transA %i, transB %i", (transA, transB) => {
    const [m, n, k] = [3, 7, 5];
    const a = transA === 1 ? [k, m] : [m, k];
    const b = transB === 1 ? [n, k] : [k, n];
    expect(macs("Gemm", [a, b, [n]], [m, n], { transA, transB })).toBe(loops(m, n, k));
  });

  test.each<readonly [string, readonly Shape[], Shape, number]>([
    [
      "ij,jk->ik",
      [
        [3, 5],
        [5, 7],
      ],
      [3, 7],
      loops(3, 5, 7),
    ],
    [
      "bhid,bhjd->bhij",
      [
        [2, 4, 6, 5],
        [2, 4, 8, 5],
      ],
      [2, 4, 6, 8],
      loops(2, 4, 6, 8, 5),
    ],
    [
      "bchw, kc -> bkhw",
      [
        [1, 6, 4, 5],
        [3, 6],
      ],
      [1, 3, 4, 5],
      loops(1, 3, 4, 5, 6),
    ],
    ["bij->bji", [[2, 3, 4]], [2, 4, 3], 0],
  ])("Einsum %s", (equation, inputs, output, count) => {
    expect(macs("Einsum", inputs, output, { equation })).toBe(count);
  });
});

test("what multiplies nothing, and what is not known, costs nothing", () => {
  expect(macs("Relu", [[1, 8, 4, 4]], [1, 8, 4, 4])).toBe(0);
  expect(macs("Resize", [[1, 8, 4, 4]], [1, 8, 8, 8])).toBe(0);
  expect(macsOf(nodeOf("Conv", ["x", "w"], ["y"]), () => undefined)).toBe(0);
});
