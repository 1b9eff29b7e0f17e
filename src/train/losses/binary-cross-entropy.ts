// Cross-entropy of yes-or-no scores, from scores before the sigmoid, so that large ones do not overflow.

import type { Expressions } from "../../onnx/index.ts";
import { mean } from "./mean.ts";

/** What {@link binaryCrossEntropy} is of. */
export interface BinaryCrossEntropyOptions {
  /** float32, any shape, before the sigmoid. */
  readonly logits: string;
  /** float32 from 0 to 1 in the same shape, or one number for all elements. */
  readonly target: string | number;
  /** float32 in the same shape, the weight of each element; default 1 each. */
  readonly mask?: string;
}

/** Mean of -y log s - (1 - y) log(1 - s), s the sigmoid, a scalar float32 []; 0 where the mask is 0 everywhere. */
export function binaryCrossEntropy(ops: Expressions, { logits, target, mask }: BinaryCrossEntropyOptions): string {
  const wanted = typeof target === "number" ? ops.scalar(target) : target;
  // log(1 + exp x) - x y
  return mean(ops, ops.sub(ops.op("Softplus", [logits]), ops.mul(logits, wanted)), mask);
}
