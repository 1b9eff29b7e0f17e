// The two products that go back through a convolution, in the forms that ONNX Runtime's CPU provider runs fastest
// (measured: docs/training.md). Y = Conv(X, W): X [N,C,H,W], W [K,C/g,kh,kw], Y [N,K,Ho,Wo].

import type { Expressions } from "../../onnx/index.ts";
import { convAttributes, reach, type ConvForm, type Pair } from "./conv-form.ts";

/** Shapes around a convolution. */
export interface ConvShapes {
  /** [N,C,H,W] */
  readonly x: readonly number[];
  /** [N,K,Ho,Wo] */
  readonly y: readonly number[];
}

/**
 * Gradient with regard to X, in its shape.
 * At stride 1 a convolution of dY with the kernel turned by half a turn; beyond, one convolution to all phases of the
 * stride at once, which are then put side by side; where strides differ or kernels are dilated, a transposed convolution.
 */
export function inputGradient(ops: Expressions, dy: string, w: string, form: ConvForm, shapes: ConvShapes): string {
  const { kernel, stride, dilation, before, groups } = form;
  const [sh, sw] = stride;
  if (sh === 1 && sw === 1) {
    const span: Pair = [reach(kernel[0], dilation[0]) - 1, reach(kernel[1], dilation[1]) - 1];
    const low: Pair = [span[0] - before[0], span[1] - before[1]];
    const high: Pair = [span[0] - form.after[0], span[1] - form.after[1]];
    if (Math.min(...low, ...high) >= 0) {
      const turned: ConvForm = { ...form, before: low, after: high };
      return ops.op("Conv", [dy, turnedKernel(ops, w, form, shapes)], convAttributes(turned));
    }
  }
  if (sh === sw && sh > 1 && groups === 1 && dilation[0] === 1 && dilation[1] === 1) {
    return kernel[0] === 1 && kernel[1] === 1 ? scattered(ops, dy, w, form, shapes) : phases(ops, dy, w, form, shapes);
  }
  return transposed(ops, dy, w, form, shapes);
}

/** W [K,C/g,kh,kw] as [C,K/g,kh,kw], both spatial axes reversed. */
function turnedKernel(ops: Expressions, w: string, form: ConvForm, { x, y }: ConvShapes): string {
  const [channels, filters] = [x[1] ?? 0, y[1] ?? 0];
  const { groups, kernel } = form;
  const taps = kernel[0] * kernel[1];
  const flat = ops.reshape(w, [groups, filters / groups, channels / groups, taps]);
  const swapped = ops.transpose(flat, [0, 2, 1, 3]);
  const reversed = taps === 1 ? swapped : ops.op("Gather", [swapped, ops.int64(countdown(taps))], { axis: 3 });
  return ops.reshape(reversed, [channels, filters / groups, ...kernel]);
}

function countdown(length: number): readonly number[] {
  return Array.from({ length }, (_, index) => length - 1 - index);
}

/** A strided 1x1 convolution touches one element of each cell of the stride: the others get zero. */
function scattered(ops: Expressions, dy: string, w: string, form: ConvForm, shapes: ConvShapes): string {
  const [batch = 1, channels = 0, height = 0, width = 0] = shapes.x;
  const [, filters = 0, rows = 0, columns = 0] = shapes.y;
  const [s] = form.stride;
  const turned = ops.transpose(ops.reshape(w, [filters, channels]), [1, 0]);
  const each = ops.op("Conv", [dy, ops.reshape(turned, [channels, filters, 1, 1])], { kernel_shape: [1, 1] });
  const cells = ops.reshape(each, [batch, channels, rows, 1, columns, 1]);
  const spread = ops.pad(cells, [0, 0, 0, 0, 0, 0], [0, 0, 0, s - 1, 0, s - 1]);
  const map = ops.reshape(spread, [batch, channels, rows * s, columns * s]);
  const [top, left] = form.before;
  return ops.pad(map, [0, 0, -top, -left], [0, 0, height + top - rows * s, width + left - columns * s]);
}

/**
 * Row i + before of the padded image is row q of phase r, i + before = s q + r, and meets the taps k = s t + r of the
 * output rows q - t: for each phase a convolution at stride 1 with every s-th tap. Kernels are filled up with zeros to
 * T = ceil(k / s) taps a phase, so that one convolution does all phases; `DepthToSpace` puts them side by side.
 */
function phases(ops: Expressions, dy: string, w: string, form: ConvForm, shapes: ConvShapes): string {
  const [, channels = 0, height = 0, width = 0] = shapes.x;
  const [, filters = 0, rows = 0, columns = 0] = shapes.y;
  const [s] = form.stride;
  const [kh, kw] = form.kernel;
  const [th, tw] = [Math.ceil(kh / s), Math.ceil(kw / s)];
  const filled = ops.pad(w, [0, 0, 0, 0], [0, 0, s * th - kh, s * tw - kw]);
  const split = ops.reshape(filled, [filters, channels, th, s, tw, s]);
  const sorted = ops.reshape(ops.transpose(split, [3, 5, 1, 0, 2, 4]), [s * s * channels, filters, th * tw]);
  const turned = th * tw === 1 ? sorted : ops.op("Gather", [sorted, ops.int64(countdown(th * tw))], { axis: 2 });
  const kernel = ops.reshape(turned, [s * s * channels, filters, th, tw]);
  const each = ops.op("Conv", [dy, kernel], { kernel_shape: [th, tw], pads: [th - 1, tw - 1, th - 1, tw - 1] });
  const map = ops.op("DepthToSpace", [each], { blocksize: s, mode: "DCR" });
  const [top, left] = form.before;
  const made: Pair = [(rows + th - 1) * s, (columns + tw - 1) * s];
  return ops.pad(map, [0, 0, -top, -left], [0, 0, height + top - made[0], width + left - made[1]]);
}

/** The transposed convolution, which is the definition; rows and columns that no window reached get zero. */
function transposed(ops: Expressions, dy: string, w: string, form: ConvForm, { x, y }: ConvShapes): string {
  const left = ([0, 1] as const).map((axis) => {
    const covered = ((y[axis + 2] ?? 1) - 1) * form.stride[axis] + reach(form.kernel[axis], form.dilation[axis]);
    return (x[axis + 2] ?? 1) + form.before[axis] + form.after[axis] - covered;
  });
  return ops.op("ConvTranspose", [dy, w], { ...convAttributes(form), output_padding: left });
}

/** Fewer channels than this times taps are gathered into one product: many small ones would leave the cores idle. */
const gatherLimit = 64;

/**
 * Gradient with regard to W, [K,C/g,kh,kw].
 * X is padded once and flattened, dY is widened to the same rows: then the part of X that a tap saw is one flat slice,
 * and each tap's gradient is one matrix product. Under strides X is first sorted by phase, so that slices stay flat.
 */
export function weightGradient(ops: Expressions, x: string, dy: string, form: ConvForm, shapes: ConvShapes): string {
  const [batch = 1, channels = 0, height = 0, width = 0] = shapes.x;
  const [, filters = 0, rows = 0, columns = 0] = shapes.y;
  const { kernel, stride, dilation, before, groups } = form;
  const [kh, kw] = kernel;
  const [each, own] = [filters / groups, channels / groups];
  const taps = kh * kw;
  const isPoint = taps === 1 && stride[0] === 1 && stride[1] === 1 && Math.max(...before, ...form.after) === 0;
  if (isPoint) {
    const seen = ops.reshape(x, [batch, groups, own, height * width]);
    const product = tapProduct(ops, seen, ops.reshape(dy, [batch, groups, each, rows * columns]), each * own === 1);
    return ops.reshape(product, [filters, own, 1, 1]);
  }
  const even = stride[0] === stride[1];
  const s = even ? stride[0] : 1;
  // Room for the last tap of the last row, in whole cells of the stride.
  const span: Pair = [
    (rows - 1) * stride[0] + reach(kh, dilation[0]),
    (columns - 1) * stride[1] + reach(kw, dilation[1]),
  ];
  const [tall, wide] = [Math.ceil(span[0] / s), Math.ceil(span[1] / s)];
  const [top, left] = before;
  // One more row: slices for the taps at the right run over the end by less than that. Columns of dY that were added are
  // zero, so what is sliced beyond a row does not matter.
  const padded = ops.pad(
    x,
    [0, 0, top, left],
    [0, 0, (tall + (even ? 1 : 0)) * s - height - top, wide * s - width - left],
  );
  const slices: string[] = [];
  let gradient: string;
  if (even) {
    const sorted = s === 1 ? padded : ops.op("SpaceToDepth", [padded], { blocksize: s });
    const flat = ops.reshape(sorted, [batch, s * s * channels, (tall + 1) * wide]);
    const length = rows * wide;
    for (let i = 0; i < kh; i++) {
      for (let j = 0; j < kw; j++) {
        const [row, column] = [i * dilation[0], j * dilation[1]];
        const start = Math.floor(row / s) * wide + Math.floor(column / s);
        const phase = ((row % s) * s + (column % s)) * channels;
        slices.push(
          s === 1
            ? ops.slice(flat, [2], [start], [start + length])
            : ops.slice(flat, [1, 2], [phase, start], [phase + channels, start + length]),
        );
      }
    }
    gradient = ops.reshape(ops.pad(dy, [0, 0, 0, 0], [0, 0, 0, wide - columns]), [batch, groups, each, length]);
  } else {
    for (let i = 0; i < kh; i++) {
      for (let j = 0; j < kw; j++) {
        const [row, column] = [i * dilation[0], j * dilation[1]];
        const ends = [row + (rows - 1) * stride[0] + 1, column + (columns - 1) * stride[1] + 1];
        const seen = ops.slice(padded, [2, 3], [row, column], ends, stride);
        slices.push(ops.reshape(seen, [batch, channels, rows * columns]));
      }
    }
    gradient = ops.reshape(dy, [batch, groups, each, rows * columns]);
  }
  const isDepthwise = each * own === 1;
  if (!isDepthwise && groups === 1 && own < gatherLimit) {
    const seen = ops.reshape(ops.concat(slices, 1), [batch, 1, taps * own, -1]);
    const product = ops.reshape(tapProduct(ops, seen, gradient, false), [filters, taps, own]);
    return ops.reshape(ops.transpose(product, [0, 2, 1]), [filters, own, kh, kw]);
  }
  const products = slices.map((slice) => {
    const seen = ops.reshape(slice, [batch, groups, own, -1]);
    return ops.reshape(tapProduct(ops, seen, gradient, isDepthwise), [filters, own, 1]);
  });
  return ops.reshape(ops.concat(products, 2), [filters, own, kh, kw]);
}

/**
 * x [N,g,C,L], dy [N,g,K,L] -> the sum over N of dy x^T, [1,g,K,C].
 * @param isDepthwise K = C = 1, where sums of products are faster than products of one row
 */
function tapProduct(ops: Expressions, x: string, dy: string, isDepthwise: boolean): string {
  if (isDepthwise) return ops.reduceSum(ops.mul(dy, x), [0, 3]);
  // A transposition in front of a product costs nothing: the engine makes one operation of both.
  return ops.reduceSum(ops.matmul(dy, ops.transpose(x, [0, 1, 3, 2])), [0]);
}
