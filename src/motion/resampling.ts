// Linear interpolation between grids as constant matrices: on maps of this size two small products beat the operator
// Resize, and any two grids over the same picture fit together, also where one covers more of it than the other.

/** A row of samples along one axis of the picture, in the middle of spans of equal length. */
export interface Axis {
  readonly count: number;
  /** Length of each span, in pixels. */
  readonly spanPx: number;
  /** Where the first span begins; default at the picture's edge. */
  readonly startPx?: number;
}

/**
 * Weights [to, from], row by row, that interpolate linearly; beyond the outermost samples the outermost value is kept.
 */
export function interpolation(from: Axis, to: Axis): Float32Array {
  const weights = new Float32Array(to.count * from.count);
  for (let row = 0; row < to.count; row++) {
    const px = (to.startPx ?? 0) + (row + 0.5) * to.spanPx;
    const position = (px - (from.startPx ?? 0)) / from.spanPx - 0.5;
    const inside = Math.min(Math.max(position, 0), from.count - 1);
    const first = Math.min(Math.floor(inside), Math.max(0, from.count - 2));
    const share = inside - first;
    weights[row * from.count + first] = 1 - share;
    if (share > 0) weights[row * from.count + first + 1] = share;
  }
  return weights;
}

/** A matrix [rows, columns] as [columns, rows]. */
export function transposed(matrix: ArrayLike<number>, rows: number, columns: number): Float32Array {
  return Float32Array.from(
    { length: rows * columns },
    (_, at) => matrix[(at % rows) * columns + Math.floor(at / rows)] ?? 0,
  );
}

/** Several matrices one behind the other, each times a factor. */
export function scaledCopies(matrix: ArrayLike<number>, factors: readonly number[]): Float32Array {
  return Float32Array.from(
    { length: matrix.length * factors.length },
    (_, at) => (matrix[at % matrix.length] ?? 0) * (factors[Math.floor(at / matrix.length)] ?? 0),
  );
}
