// Mean squared error.

import type { Expressions } from "../../onnx/index.ts";
import { mean } from "./mean.ts";

/** What {@link meanSquaredError} is of. */
export interface MseOptions {
  /** float32, any shape. */
  readonly prediction: string;
  /** float32 in the same shape, or one number for all elements. Gradients go there, too, unless it is stopped. */
  readonly target: string | number;
  /** float32 in the same shape, the weight of each element; default 1 each. */
  readonly mask?: string;
}

/** Mean of (prediction - target)^2, a scalar float32 []; 0 where the mask is 0 everywhere. */
export function meanSquaredError(ops: Expressions, { prediction, target, mask }: MseOptions): string {
  const difference = ops.sub(prediction, typeof target === "number" ? ops.scalar(target) : target);
  return mean(ops, ops.mul(difference, difference), mask);
}
