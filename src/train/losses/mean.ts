// Means of losses: over all elements, or weighted, where nothing to count gives 0. Not a loss.

import type { Expressions } from "../../onnx/index.ts";

/** Less than any weight that matters, above nothing. */
const tiny = 1e-12;

/** total / weight, two scalars; 0 where the weight is 0, as the total is then. */
export function ratio(ops: Expressions, total: string, weight: string): string {
  return ops.div(total, ops.op("Max", [weight, ops.scalar(tiny)]));
}

/**
 * Mean of the elements, a scalar float32 [].
 * @param weights float32 in the shape of `values`, of nothing that is learned; 0 leaves an element out
 */
export function mean(ops: Expressions, values: string, weights?: string): string {
  if (weights === undefined) return ops.op("ReduceMean", [values], { keepdims: 0 });
  return ratio(ops, ops.total(ops.mul(values, weights)), ops.total(weights));
}
