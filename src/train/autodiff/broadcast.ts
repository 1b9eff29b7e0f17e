// Broadcasting backwards: what was repeated on the way forward is summed up on the way back.

import type { Expressions } from "../../onnx/index.ts";

/** A gradient of shape `from`, summed to the shape `to` that was broadcast to `from`. */
export function summedTo(ops: Expressions, gradient: string, from: readonly number[], to: readonly number[]): string {
  const lead = from.length - to.length;
  const axes = from.flatMap((length, axis) => (axis < lead || (to[axis - lead] === 1 && length !== 1) ? [axis] : []));
  if (axes.length === 0) return lead === 0 ? gradient : ops.reshape(gradient, to);
  const summed = ops.reduceSum(gradient, axes);
  return lead === 0 ? summed : ops.reshape(summed, to);
}

/** The shape that two shapes broadcast to. */
export function broadcastShape(a: readonly number[], b: readonly number[]): readonly number[] {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, axis) => {
    const [x, y] = [a[axis - rank + a.length] ?? 1, b[axis - rank + b.length] ?? 1];
    return x === 1 ? y : x;
  });
}
