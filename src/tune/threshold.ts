// A threshold between two signal values, as a number with few digits. Half way between values that occur, the rounding of
// float32 in the engine cannot change a decision.

/** Closest that two signal values may be for a threshold between them to be safe from rounding in the engine. */
export const leastGap = 4e-6;

/**
 * A threshold in (above, upTo] well away from both ends, with as few digits as fit.
 * @param above the highest signal that must not fire; `-Infinity` where all must fire
 * @param upTo the lowest signal that must fire; `Infinity` where none does
 */
export function thresholdBetween(above: number, upTo: number): number {
  // No signal is below 0.
  if (above === -Infinity) return 0;
  const margin = upTo === Infinity ? 0.1 * above + 1e-3 : (upTo - above) / 4;
  const low = above + margin;
  const high = upTo === Infinity ? low + 2 * margin : upTo - margin;
  const middle = (low + high) / 2;
  for (let digits = 1; digits < 17; digits++) {
    const short = Number(middle.toPrecision(digits));
    if (short >= low && short <= high) return short;
  }
  return middle;
}

/** The next greater float32 of a number from 0 up. */
export function nextFloat32(value: number): number {
  const float = Float32Array.of(value);
  const bits = new Int32Array(float.buffer);
  bits[0] = (bits[0] ?? 0) + 1;
  return float[0] ?? value;
}
