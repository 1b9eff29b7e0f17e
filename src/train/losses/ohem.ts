// Cross-entropy over the hard pixels only: those whose class has less than a probability, and never fewer than a share
// of all. Shrivastava et al., "Training Region-based Object Detectors with Online Hard Example Mining", CVPR 2016, in
// the form that segmentation networks are trained with: single pixels, a threshold and a minimum.

import { ClockworkError } from "../../errors.ts";
import type { Expressions } from "../../onnx/index.ts";
import { classVector } from "./cross-entropy.ts";
import { ratio } from "./mean.ts";
import { labelled, oneHot, type Labelled } from "./one-hot.ts";
import { stopped } from "./stopped.ts";

/** What {@link ohemCrossEntropy} is of. */
export interface OhemOptions extends Labelled {
  /** Pixels whose class has a probability up to this count, above 0 and below 1; default 0.7. */
  readonly threshold?: number;
  /** At least one of so many labelled pixels counts, the hardest first; default 16. */
  readonly oneIn?: number;
  /** One weight for each class in the mean; the selection does not look at it. */
  readonly classWeights?: readonly number[];
}

/**
 * Mean of -log p_y over the hard pixels, a scalar float32 []; 0 where nothing is labelled. Of labelled pixels L, floor(L /
 * oneIn) count at least (and one, if any is labelled); pixels exactly as hard as the last of them count, too.
 * @throws ClockworkError `invalid-argument` where threshold, minimum or weights are out of range
 */
export function ohemCrossEntropy(ops: Expressions, options: OhemOptions): string {
  const { logits, dims, threshold = 0.7, oneIn = 16, classWeights } = options;
  if (!(threshold > 0 && threshold < 1)) {
    throw new ClockworkError("invalid-argument", `OHEM: expected a probability between 0 and 1, got ${threshold}`);
  }
  if (!(oneIn >= 1)) throw new ClockworkError("invalid-argument", `OHEM: expected 1 in at least 1, got 1 in ${oneIn}`);
  const [batch, classes, height, width] = dims;
  const pixels = batch * height * width;
  const hot = oneHot(ops, options);
  const known = labelled(ops, hot);
  const logProbability = ops.op("LogSoftmax", [logits], { axis: 1 });

  // -log p_y, and -1 where there is no label: less than any.
  const seen = stopped(ops, logProbability);
  const loss = ops.sub(ops.neg(ops.reduceSum(ops.mul(seen, hot), [1])), ops.sub(ops.scalar(1), known));
  const most = Math.max(1, Math.floor(pixels / oneIn));
  const [hardest = ""] = ops.ops("TopK", [ops.reshape(loss, [pixels]), ops.int64([most])], { axis: 0 }, 2);
  const count = ops.op("Floor", [ops.scale(ops.total(known), 1 / oneIn)]);
  const last = ops.op("Max", [ops.sub(count, ops.scalar(1)), ops.scalar(0)]);
  const bound = ops.op("Min", [ops.op("Gather", [hardest, ops.cast(last, "int64")]), ops.scalar(-Math.log(threshold))]);
  const hard = ops.mul(ops.cast(ops.op("GreaterOrEqual", [loss, bound]), "float32"), known);

  const chosen = ops.mul(hot, hard);
  const target = classWeights === undefined ? chosen : ops.mul(chosen, classVector(ops, classWeights, classes));
  return ops.neg(ratio(ops, ops.total(ops.mul(logProbability, target)), ops.total(target)));
}
