// Constant tensors from and to the typed arrays of JavaScript.

import { ClockworkError } from "../errors.ts";
import { byteLength, type DType } from "./dtype.ts";
import type { Tensor } from "./model.ts";

/** Number of elements of a shape; 1 for a scalar. */
export function elementCount(dims: readonly number[]): number {
  return dims.reduce((product, dim) => product * dim, 1);
}

/** A float32 tensor. */
export function float32Tensor(dims: readonly number[], values: ArrayLike<number>): Tensor {
  return ofBytes("float32", dims, Float32Array.from(values));
}

/** An int64 tensor. */
export function int64Tensor(dims: readonly number[], values: readonly number[]): Tensor {
  return ofBytes(
    "int64",
    dims,
    BigInt64Array.from(values, (value) => BigInt(value)),
  );
}

/** A tensor of bytes: uint8, int8 or bool. */
export function byteTensor(
  dtype: "uint8" | "int8" | "bool",
  dims: readonly number[],
  values: ArrayLike<number>,
): Tensor {
  return ofBytes(dtype, dims, Uint8Array.from(values));
}

/**
 * A tensor over the bytes of a typed array, which are not copied.
 * @throws ClockworkError `invalid-argument` where the bytes do not fit the shape
 */
export function ofBytes(dtype: DType, dims: readonly number[], data: ArrayBufferView): Tensor {
  const expected = byteLength(dtype, elementCount(dims));
  if (data.byteLength !== expected) {
    throw new ClockworkError(
      "invalid-argument",
      `tensor: expected ${expected} bytes for ${dtype} [${dims.join(",")}], got ${data.byteLength}`,
    );
  }
  return { dtype, dims, data: new Uint8Array(data.buffer, data.byteOffset, data.byteLength) };
}

/** Bytes that the elements of a tensor take. */
export function tensorBytes(tensor: Tensor): number {
  return tensor.data instanceof Uint8Array
    ? tensor.data.byteLength
    : tensor.data.reduce((sum, item) => sum + item.byteLength, 0);
}

/** Elements of an integer, bool or float32/float64 tensor as numbers; `undefined` for other types. */
export function numbersOf(tensor: Tensor): number[] | undefined {
  if (!(tensor.data instanceof Uint8Array)) return undefined;
  // A copy, since typed arrays must be aligned and the bytes of a file need not be; of a Buffer, `slice` makes none.
  const { buffer } = Uint8Array.from(tensor.data);
  switch (tensor.dtype) {
    case "float32":
      return Array.from(new Float32Array(buffer));
    case "float64":
      return Array.from(new Float64Array(buffer));
    case "int64":
      return Array.from(new BigInt64Array(buffer), Number);
    case "uint64":
      return Array.from(new BigUint64Array(buffer), Number);
    case "int32":
      return Array.from(new Int32Array(buffer));
    case "uint32":
      return Array.from(new Uint32Array(buffer));
    case "int16":
      return Array.from(new Int16Array(buffer));
    case "uint16":
      return Array.from(new Uint16Array(buffer));
    case "int8":
      return Array.from(new Int8Array(buffer));
    case "uint8":
    case "bool":
      return Array.from(new Uint8Array(buffer));
    default:
      return undefined;
  }
}
