// Gradients of Conv and ConvTranspose against the definition as a plain loop in double precision, and against TensorFlow.js
// where it has the form.

// oxlint-disable vitest/expect-expect -- what tensors are compared by expects
import * as tf from "@tensorflow/tfjs-core";
import { expect, test } from "vitest";
import { Random } from "../../../src/networks/random.ts";
import type { AttributeInits } from "../../../src/onnx/index.ts";
import { expectClose, floats, gradientsOf, whole, type Floats, type FloatsByName } from "./gradients-of.ts";
import { channelsFirst, channelsLast, expectTensorflow } from "./tensorflow.ts";

interface Form {
  readonly kernel: readonly [number, number];
  readonly strides: readonly [number, number];
  readonly dilations: readonly [number, number];
  /** Top, left, bottom, right. */
  readonly pads: readonly [number, number, number, number];
  readonly group: number;
}

const plain: Form = { kernel: [3, 3], strides: [1, 1], dilations: [1, 1], pads: [0, 0, 0, 0], group: 1 };

function attributesOf({ kernel, strides, dilations, pads, group }: Form): AttributeInits {
  return { kernel_shape: kernel, strides, dilations, pads, group };
}

/**
 * Meets every product of a convolution from the wide map [N,C,H,W] to the narrow one [N,K,h,w], weights [K,C/g,kh,kw], by
 * the positions of its three elements.
 */
function eachProduct(
  wide: readonly number[],
  narrow: readonly number[],
  { kernel, strides, dilations, pads, group }: Form,
  meet: (wide: number, narrow: number, weight: number) => void,
): void {
  const [batch = 0, channels = 0, height = 0, width = 0] = wide;
  const [, filters = 0, rows = 0, columns = 0] = narrow;
  const [own, each] = [channels / group, filters / group];
  const [kh, kw] = kernel;
  for (let n = 0; n < batch; n++)
    for (let k = 0; k < filters; k++)
      for (let c = 0; c < own; c++)
        for (let row = 0; row < rows; row++)
          for (let column = 0; column < columns; column++)
            for (let i = 0; i < kh; i++)
              for (let j = 0; j < kw; j++) {
                const y = row * strides[0] - pads[0] + i * dilations[0];
                const x = column * strides[1] - pads[1] + j * dilations[1];
                if (y < 0 || x < 0 || y >= height || x >= width) continue;
                const channel = Math.floor(k / each) * own + c;
                meet(
                  ((n * channels + channel) * height + y) * width + x,
                  ((n * filters + k) * rows + row) * columns + column,
                  ((k * own + c) * kh + i) * kw + j,
                );
              }
}

function rounded(dims: readonly number[], values: Float64Array): Floats {
  return { dims, data: Float32Array.from(values) };
}

/** Value and gradients of one node by the loop; the bias is added to the value. */
async function expectLoop(
  what: string,
  inputs: FloatsByName,
  op: "Conv" | "ConvTranspose",
  form: Form,
  attributes: AttributeInits,
): Promise<void> {
  const result = await gradientsOf(inputs, (b) => b.add("y", op, Object.keys(inputs), attributes));
  const [x, w, bias] = Object.values(inputs);
  const [y, dy] = [result.values["y"], result.weights[0]];
  if (x === undefined || w === undefined || y === undefined || dy === undefined) throw new Error("test: no tensors");
  const value = new Float64Array(y.data.length);
  const [dx, dw] = [new Float64Array(x.data.length), new Float64Array(w.data.length)];
  const isForwards = op === "Conv";
  eachProduct(isForwards ? x.dims : y.dims, isForwards ? y.dims : x.dims, form, (wide, narrow, weight) => {
    const [from, to] = isForwards ? [wide, narrow] : [narrow, wide];
    value[to] = (value[to] ?? 0) + (x.data[from] ?? 0) * (w.data[weight] ?? 0);
    dx[from] = (dx[from] ?? 0) + (dy.data[to] ?? 0) * (w.data[weight] ?? 0);
    dw[weight] = (dw[weight] ?? 0) + (dy.data[to] ?? 0) * (x.data[from] ?? 0);
  });
  const [, channels = 1, height = 1, width = 1] = y.dims;
  const db = new Float64Array(channels);
  for (let i = 0; i < value.length; i++) {
    const channel = Math.floor(i / (height * width)) % channels;
    value[i] = (value[i] ?? 0) + (bias?.data[channel] ?? 0);
    db[channel] = (db[channel] ?? 0) + (dy.data[i] ?? 0);
  }
  expectClose(y, rounded(y.dims, value), 1e-5, `${what}: value`);
  expectClose(result.gradients["x"], rounded(x.dims, dx), 1e-4, `${what}: by x`);
  expectClose(result.gradients["w"], rounded(w.dims, dw), 1e-4, `${what}: by w`);
  if (bias !== undefined) expectClose(result.gradients["bias"], rounded(bias.dims, db), 1e-4, `${what}: by bias`);
}

function label(form: Form, size: readonly number[]): string {
  return `${size.join("x")} ${JSON.stringify(form)}`;
}

/** Inputs of a convolution. */
function convInputs(form: Form, channels: number, filters: number, size: readonly number[], batch = 2): FloatsByName {
  return {
    x: floats("conv x", [batch, channels, ...size]),
    w: floats("conv w", [filters, channels / form.group, ...form.kernel]),
    bias: floats("conv bias", [filters]),
  };
}

const kernels = [1, 2, 3, 5, 7];

test.each(kernels)("stride 2, kernel %i, odd and even sizes", async (k) => {
  for (const size of [
    [9, 11],
    [8, 9],
  ]) {
    for (const pad of new Set([0, Math.floor(k / 2)])) {
      const form: Form = { ...plain, kernel: [k, k], strides: [2, 2], pads: [pad, pad, pad, pad] };
      await expectLoop(label(form, size), convInputs(form, 3, 4, size), "Conv", form, attributesOf(form));
    }
  }
});

test("random forms", async () => {
  const random = new Random(5, "conv");
  for (let round = 0; round < 30; round++) {
    const of = (values: readonly number[]): number => values[whole(random, 0, values.length - 1)] ?? 1;
    const pair = (values: readonly number[], even: number): [number, number] => {
      const first = of(values);
      return [first, random.next() < even ? first : of(values)];
    };
    const kernel = pair(kernels, 0.6);
    const dilations = random.next() < 0.6 ? ([1, 1] as [number, number]) : pair([1, 2, 3], 0.5);
    const reach = kernel.map((k, axis) => (k - 1) * (dilations[axis] ?? 1) + 1);
    const size = reach.map((length) => length + whole(random, 0, 6));
    const side = (axis: number): number => whole(random, 0, Math.floor((reach[axis] ?? 1) / 2) + 1);
    const form: Form = {
      kernel,
      strides: pair([1, 2, 3], 0.6),
      dilations,
      pads: random.next() < 0.3 ? [0, 0, 0, 0] : [side(0), side(1), side(0), side(1)],
      group: of([1, 1, 2, 4]),
    };
    const [channels, filters] = [form.group * whole(random, 1, 2), form.group * whole(random, 1, 3)];
    await expectLoop(label(form, size), convInputs(form, channels, filters, size), "Conv", form, attributesOf(form));
  }
});

test.each([
  ["stride [1,2]", { ...plain, strides: [1, 2], pads: [1, 1, 1, 1] }],
  ["stride [2,1], 1x1", { ...plain, kernel: [1, 1], strides: [2, 1] }],
  ["stride 3 beyond the kernel", { ...plain, kernel: [2, 2], strides: [3, 3] }],
  ["stride 3, 1x1, with pads", { ...plain, kernel: [1, 1], strides: [3, 3], pads: [1, 0, 1, 2] }],
  ["pads beyond the kernel", { ...plain, pads: [3, 4, 2, 5] }],
  ["1x1 with pads", { ...plain, kernel: [1, 1], pads: [1, 1, 1, 1] }],
  ["depthwise, dilated", { ...plain, dilations: [2, 2], pads: [2, 2, 2, 2], group: 4 }],
  ["depthwise, stride 2", { ...plain, kernel: [5, 5], strides: [2, 2], pads: [2, 2, 2, 2], group: 4 }],
  ["row of taps", { ...plain, kernel: [1, 7], pads: [0, 3, 0, 3] }],
  ["dilated under a stride", { ...plain, strides: [2, 2], dilations: [3, 3], pads: [3, 3, 3, 3] }],
] as const satisfies readonly (readonly [string, Form])[])("%s", async (what, form) => {
  for (const size of [
    [9, 11],
    [10, 8],
  ]) {
    await expectLoop(`${what} ${size.join()}`, convInputs(form, 4, 4, size, 1), "Conv", form, attributesOf(form));
  }
});

test("many channels, where taps are not gathered", async () => {
  const form: Form = { ...plain, pads: [1, 1, 1, 1] };
  await expectLoop("70 channels", convInputs(form, 70, 3, [4, 5], 1), "Conv", form, attributesOf(form));
});

/** Zeros of auto_pad as the standard puts it: the output is ceil(input / stride) long. */
function samePads(size: readonly number[], form: Form, isLower: boolean): Form {
  const all = size.map((length, axis) => {
    const [stride, kernel, dilation] = [form.strides[axis] ?? 1, form.kernel[axis] ?? 1, form.dilations[axis] ?? 1];
    return Math.max(0, (Math.ceil(length / stride) - 1) * stride + (kernel - 1) * dilation + 1 - length);
  });
  const [less, more] = [all.map((total) => Math.floor(total / 2)), all.map((total) => Math.ceil(total / 2))];
  const [start, end] = isLower ? [more, less] : [less, more];
  return { ...form, pads: [start[0] ?? 0, start[1] ?? 0, end[0] ?? 0, end[1] ?? 0] };
}

test.each(["SAME_UPPER", "SAME_LOWER", "VALID"])("auto_pad %s", async (mode) => {
  for (const kernel of [
    [2, 2],
    [3, 4],
  ] as const) {
    for (const strides of [
      [1, 1],
      [2, 2],
      [2, 3],
    ] as const) {
      const size = [9, 8];
      const base: Form = { ...plain, kernel, strides };
      const form = mode === "VALID" ? base : samePads(size, base, mode === "SAME_LOWER");
      const attributes: AttributeInits = { kernel_shape: kernel, strides, auto_pad: mode };
      await expectLoop(`${mode} ${label(form, size)}`, convInputs(form, 2, 3, size), "Conv", form, attributes);
    }
  }
});

test.each([1, 2, 3])("Conv against TensorFlow.js, stride %i", async (stride) => {
  for (const kernel of [
    [1, 1],
    [3, 3],
    [4, 2],
  ] as const) {
    const inputs = { x: floats("tf x", [2, 3, 9, 10]), w: floats("tf w", [4, 3, ...kernel]) };
    await expectTensorflow(
      `kernel ${kernel.join()}`,
      inputs,
      (b) => b.add("y", "Conv", ["x", "w"], { strides: [stride, stride], pads: [1, 0, 2, 1] }),
      (x, w) => {
        const filter = tf.transpose(w, [2, 3, 1, 0]) as tf.Tensor4D;
        const padded = tf.pad(channelsLast(x), [
          [0, 0],
          [1, 2],
          [0, 1],
          [0, 0],
        ]);
        return channelsFirst(tf.conv2d(padded, filter, stride, "valid"));
      },
    );
  }
});

test("ConvTranspose, random forms with output_padding, groups and dilation", async () => {
  const random = new Random(6, "transposed");
  for (let round = 0; round < 24; round++) {
    const pair = (low: number, high: number): [number, number] => [whole(random, low, high), whole(random, low, high)];
    const [kernel, strides] = [pair(1, 4), pair(1, 3)];
    const dilations = random.next() < 0.5 ? ([1, 1] as [number, number]) : pair(1, 2);
    const side = (axis: 0 | 1): number => whole(random, 0, Math.floor((kernel[axis] - 1) / 2));
    const form: Form = {
      kernel,
      strides,
      dilations,
      pads: [side(0), side(1), side(0), side(1)],
      group: whole(random, 1, 2),
    };
    const size = pair(3, 6);
    const [channels, each] = [2 * form.group, whole(random, 1, 2)];
    const extra = strides.map((stride) => whole(random, 0, stride - 1));
    const inputs = {
      x: floats("transposed x", [2, channels, ...size]),
      w: floats("transposed w", [channels, each, ...kernel]),
      bias: floats("transposed bias", [each * form.group]),
    };
    const attributes = { ...attributesOf(form), output_padding: extra };
    await expectLoop(`+${extra.join()} ${label(form, size)}`, inputs, "ConvTranspose", form, attributes);
  }
});

test.each([
  ["SAME_UPPER", [2, 2], [4, 3]],
  ["SAME_LOWER", [2, 2], [4, 3]],
  ["SAME_UPPER", [1, 3], [2, 5]],
  ["SAME_LOWER", [1, 3], [2, 5]],
] as const)("ConvTranspose, auto_pad %s, strides %o, kernel %o", async (mode, strides, kernel) => {
  const size = [4, 5];
  const base: Form = { ...plain, kernel, strides };
  const made = size.map((length, axis) => length * (strides[axis] ?? 1));
  const form = samePads(made, base, mode === "SAME_LOWER");
  const inputs = { x: floats("same x", [1, 2, ...size]), w: floats("same w", [2, 3, ...kernel]) };
  await expectLoop(mode, inputs, "ConvTranspose", form, { kernel_shape: kernel, strides, auto_pad: mode });
});

test("ConvTranspose with output_shape: zeros follow from it, the odd one at the start", async () => {
  const form: Form = { ...plain, kernel: [4, 4], strides: [2, 2], pads: [1, 1, 0, 1] };
  const inputs = { x: floats("shaped x", [1, 2, 4, 5]), w: floats("shaped w", [2, 3, 4, 4]) };
  // Full length: (4 - 1) 2 + 4 = 10 and (5 - 1) 2 + 4 = 12; less 1 and 2.
  const attributes = { kernel_shape: [4, 4], strides: [2, 2], output_shape: [9, 10] };
  await expectLoop("output_shape", inputs, "ConvTranspose", form, attributes);
});

test("a convolution along one axis is refused by name", async () => {
  const inputs = { x: floats("line x", [1, 2, 8]), w: floats("line w", [3, 2, 3]) };
  await expect(gradientsOf(inputs, (b) => b.add("line", "Conv", ["x", "w"]))).rejects.toThrow(
    /Conv "line".*two spatial axes/,
  );
});

test("weights alone, the input alone", async () => {
  const inputs = convInputs(plain, 2, 3, [5, 5]);
  const build = (by: readonly string[]): Promise<{ gradients: FloatsByName }> =>
    gradientsOf(inputs, (b) => b.add("y", "Conv", ["x", "w", "bias"]), { by });
  const [all, some, other] = [await build(["x", "w", "bias"]), await build(["w"]), await build(["x"])];
  expect(Object.keys(some.gradients)).toEqual(["w"]);
  expect(some.gradients["w"]).toEqual(all.gradients["w"]);
  expect(other.gradients["x"]).toEqual(all.gradients["x"]);
});
