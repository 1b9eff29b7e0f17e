// Numbers of 16 bits and the numbers that they stand for: float16 (IEEE 754 binary16) and bfloat16. Rounds to nearest, ties
// to even; what is too large becomes infinite.

/** The number that 16 bits stand for: sign, 5 bits of exponent, 10 of fraction. */
export function float16Value(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0x1f) return fraction === 0 ? sign * Infinity : Number.NaN;
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** The float16 nearest to a number. */
export function float16Bits(value: number): number {
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

/** The bfloat16 nearest to a number: the upper half of a float32. */
export function bfloat16Bits(value: number): number {
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
