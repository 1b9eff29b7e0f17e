// Elements that lie apart in memory, brought together: tensors with strides, and transposition. Not arithmetic.

import { ClockworkError } from "../errors.ts";
import { byteLength, elementCount, type DType, type Tensor } from "../onnx/index.ts";

/** Where the elements of a tensor lie among those of a storage; everything counts elements. */
export interface Layout {
  readonly offset: number;
  readonly dims: readonly number[];
  readonly strides: readonly number[];
}

/** Strides of a row-major tensor. */
export function rowMajor(dims: readonly number[]): readonly number[] {
  const strides = dims.map(() => 1);
  for (let axis = dims.length - 2; axis >= 0; axis--) strides[axis] = (strides[axis + 1] ?? 1) * (dims[axis + 1] ?? 1);
  return strides;
}

/** Whether the elements lie one behind the other already; strides of axes of length 1 say nothing. */
export function isContiguous({ dims, strides }: Layout): boolean {
  const packed = rowMajor(dims);
  return elementCount(dims) === 0 || dims.every((dim, axis) => dim === 1 || strides[axis] === packed[axis]);
}

/**
 * The elements of a layout, one behind the other.
 * @param bytes the storage @param elementBytes bytes of an element @throws RangeError where it leaves the storage
 */
export function gathered(bytes: Uint8Array, elementBytes: number, layout: Layout): Uint8Array {
  const count = elementCount(layout.dims);
  // Elements of 8 and 16 bytes are short rows of four bytes each.
  const wordBytes = elementBytes % 4 === 0 ? 4 : elementBytes % 2 === 0 ? 2 : 1;
  const words = elementBytes / wordBytes;
  const dims = [...layout.dims, words];
  const strides = [...layout.strides.map((stride) => stride * words), 1];
  const source = words === 0 ? new Uint8Array(0) : wordsOf(bytes, wordBytes);
  const target = words === 0 ? new Uint8Array(0) : wordsOf(new Uint8Array(count * elementBytes), wordBytes);
  const last = dims.length - 1;
  let at = 0;
  const copy = (axis: number, from: number): void => {
    const [length = 0, stride = 0] = [dims[axis], strides[axis]];
    if (axis < last) {
      for (let i = 0; i < length; i++) copy(axis + 1, from + i * stride);
      return;
    }
    for (let i = 0; i < length; i++) {
      const word = source[from + i * stride];
      if (word === undefined) throw new RangeError(`element ${from + i * stride} of ${source.length}`);
      target[at++] = word;
    }
  };
  copy(0, layout.offset * words);
  return new Uint8Array(target.buffer, target.byteOffset, target.byteLength);
}

function wordsOf(bytes: Uint8Array, wordBytes: number): Uint8Array | Uint16Array | Uint32Array {
  if (wordBytes === 1) return bytes;
  const whole = bytes.byteLength - (bytes.byteLength % wordBytes);
  const fits = bytes.byteOffset % wordBytes === 0;
  // Typed arrays must be aligned; what is read from a file need not be.
  const { buffer, byteOffset } = fits ? bytes : Uint8Array.from(bytes);
  return wordBytes === 4
    ? new Uint32Array(buffer, byteOffset, whole / 4)
    : new Uint16Array(buffer, byteOffset, whole / 2);
}

/** Bytes of one element. @throws ClockworkError `invalid-argument` for types that are packed, or have no fixed size */
export function elementBytes(dtype: DType, where: string): number {
  const bytes = byteLength(dtype, 2) / 2;
  if (Number.isInteger(bytes) && bytes > 0) return bytes;
  throw new ClockworkError("invalid-argument", `${where}: expected elements of whole bytes, got ${dtype}`);
}

/**
 * A tensor with its axes in another order: axis i of the result is axis `order[i]`.
 * @throws ClockworkError `invalid-argument` where `order` is not one of its axes
 */
export function transposed(tensor: Tensor, order: readonly number[], where: string): Tensor {
  const { dims, data } = tensor;
  if (order.length !== dims.length || dims.some((_, axis) => !order.includes(axis)) || !(data instanceof Uint8Array)) {
    throw new ClockworkError(
      "invalid-argument",
      `${where}: transpose: expected an order of the axes of [${dims.join(",")}], got [${order.join(",")}]`,
    );
  }
  const strides = rowMajor(dims);
  const pick = (values: readonly number[]): readonly number[] => order.map((axis) => values[axis] ?? 1);
  const layout = { offset: 0, dims: pick(dims), strides: pick(strides) };
  return { ...tensor, dims: layout.dims, data: gathered(data, elementBytes(tensor.dtype, where), layout) };
}
