// Elements of one type as elements of another, for weights that were saved in less or more precision than a network has.
// Rounds to nearest, ties to even, as IEEE 754 has it; what is too large becomes infinite.

import { ClockworkError } from "../errors.ts";
import { bfloat16Bits, float16Bits, float16Value, numbersOf, type DType, type Tensor } from "../onnx/index.ts";

/** Types that measure and are converted into each other. */
const floatTypes: ReadonlySet<DType> = new Set(["float16", "bfloat16", "float32", "float64"]);

/** Whether a type measures: one of float16, bfloat16, float32 and float64. */
export function isFloat(dtype: DType): boolean {
  return floatTypes.has(dtype);
}

/**
 * A tensor with its elements as another type. Floating-point types become each other, by rounding; any other type only
 * stays itself.
 * @throws ClockworkError `invalid-argument` for other pairs of types
 */
export function asType(tensor: Tensor, dtype: DType, where: string): Tensor {
  if (tensor.dtype === dtype) return tensor;
  if (!isFloat(dtype) || !isFloat(tensor.dtype)) {
    throw new ClockworkError("invalid-argument", `${where}: expected elements of type ${dtype}, got ${tensor.dtype}`);
  }
  return { dtype, dims: tensor.dims, data: bytesOf(floatsOf(tensor), dtype) };
}

/** Elements of a floating-point tensor as numbers, exactly. */
export function floatsOf(tensor: Tensor): Float32Array | Float64Array {
  if (!(tensor.data instanceof Uint8Array)) return new Float64Array(0);
  // A copy, since typed arrays must be aligned.
  const { buffer } = Uint8Array.from(tensor.data);
  switch (tensor.dtype) {
    case "float32":
      return new Float32Array(buffer);
    case "float64":
      return new Float64Array(buffer);
    case "float16":
      return Float32Array.from(new Uint16Array(buffer), float16Value);
    case "bfloat16":
      return new Float32Array(Uint32Array.from(new Uint16Array(buffer), (bits) => bits << 16).buffer);
    default:
      return Float64Array.from(numbersOf(tensor) ?? []);
  }
}

function bytesOf(values: Float32Array | Float64Array, dtype: DType): Uint8Array {
  const made =
    dtype === "float64"
      ? Float64Array.from(values)
      : dtype === "float32"
        ? Float32Array.from(values)
        : Uint16Array.from(values, dtype === "float16" ? float16Bits : bfloat16Bits);
  return new Uint8Array(made.buffer);
}
