// Elements of one type as elements of another, for weights that were saved in less or more precision than a network has.
// Rounds to nearest, ties to even, as IEEE 754 has it; what is too large becomes infinite.

import { ClockworkError } from "../errors.ts";
import { numbersOf, type DType, type Tensor } from "../onnx/index.ts";

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
      return Float32Array.from(new Uint16Array(buffer), halfValue);
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
        : Uint16Array.from(values, dtype === "float16" ? halfBits : bfloatBits);
  return new Uint8Array(made.buffer);
}

/** The number that 16 bits stand for: sign, 5 bits of exponent, 10 of fraction. */
function halfValue(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0x1f) return fraction === 0 ? sign * Infinity : Number.NaN;
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

function halfBits(value: number): number {
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  if (Number.isNaN(value)) return 0x7e00;
  const size = Math.abs(value);
  // From halfway between the largest number and what would come next.
  if (size >= 65520) return sign | 0x7c00;
  const exponent = Math.max(-14, Math.floor(Math.log2(size)));
  // A logarithm may be off by one next to a power of two; the carry of the addition below puts it right upwards.
  const scaled = size * 2 ** (10 - exponent);
  const rounded = nearestEven(scaled);
  return sign | (((exponent + 14) << 10) + rounded);
}

function bfloatBits(value: number): number {
  if (Number.isNaN(value)) return 0x7fc0;
  const size = Math.abs(value);
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  // From halfway between the largest number and what would come next.
  if (size >= (2 - 2 ** -8) * 2 ** 127) return sign | 0x7f80;
  const exponent = Math.max(-126, Math.floor(Math.log2(size)));
  return sign | (((exponent + 126) << 7) + nearestEven(size * 2 ** (7 - exponent)));
}

function nearestEven(value: number): number {
  const below = Math.floor(value);
  const rest = value - below;
  return rest > 0.5 || (rest === 0.5 && below % 2 === 1) ? below + 1 : below;
}
