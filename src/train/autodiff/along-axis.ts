// Linear maps along one axis: resampling and average pooling forwards, and so, by the transposed matrix, their gradients.

import type { Expressions } from "../../onnx/index.ts";

/** A matrix [rows, columns], row by row. */
export interface Matrix {
  readonly rows: number;
  readonly columns: number;
  readonly values: readonly number[];
}

/** A matrix from a function that adds its elements. */
export function matrixOf(
  rows: number,
  columns: number,
  fill: (add: (row: number, column: number, value: number) => void) => void,
): Matrix {
  const values = new Array<number>(rows * columns).fill(0);
  fill((row, column, value) => {
    values[row * columns + column] = (values[row * columns + column] ?? 0) + value;
  });
  return { rows, columns, values };
}

/** x of `rank` axes with the elements of one axis, as a row vector, multiplied by a matrix. */
export function alongAxis(ops: Expressions, x: string, axis: number, rank: number, matrix: Matrix): string {
  const { rows, columns, values } = matrix;
  if (axis === rank - 2) {
    const turned = Array.from(
      { length: values.length },
      (_, i) => values[(i % rows) * columns + Math.floor(i / rows)] ?? 0,
    );
    return ops.matmul(ops.float32([columns, rows], turned), x);
  }
  const right = ops.float32([rows, columns], values);
  if (axis === rank - 1) return ops.matmul(x, right);
  const perm = Array.from({ length: rank }, (_, other) => other).filter((other) => other !== axis);
  perm.push(axis);
  const moved = ops.matmul(ops.transpose(x, perm), right);
  return ops.transpose(
    moved,
    perm.map((_, other) => perm.indexOf(other)),
  );
}
