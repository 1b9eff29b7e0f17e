// Cross-entropy of class scores with labels, with weights of classes and label smoothing. Not the selection of hard
// pixels (ohem.ts). Smoothing: Szegedy et al., "Rethinking the Inception Architecture", CVPR 2016, section 7.

import { ClockworkError } from "../../errors.ts";
import type { Expressions } from "../../onnx/index.ts";
import { ratio } from "./mean.ts";
import { labelled, oneHot, type Labelled } from "./one-hot.ts";

/** What {@link crossEntropy} is of. */
export interface CrossEntropyOptions extends Labelled {
  /** One weight for each class, at least 0; default 1 each. */
  readonly classWeights?: readonly number[];
  /** Share of the target that is spread evenly over all classes, from 0 up to 1 excluded; default 0. */
  readonly labelSmoothing?: number;
}

/**
 * Sum over labelled pixels of w_y (-log p_y), over the sum of w_y: a scalar float32 []; 0 where nothing is labelled.
 * With smoothing s, the target is (1 - s) of the label and s / C of every class, each class under its own weight.
 * @throws ClockworkError `invalid-argument` where weights or smoothing are out of range
 */
export function crossEntropy(ops: Expressions, options: CrossEntropyOptions): string {
  const { logits, dims, classWeights, labelSmoothing = 0 } = options;
  if (!(labelSmoothing >= 0 && labelSmoothing < 1)) {
    throw new ClockworkError(
      "invalid-argument",
      `label smoothing: expected a number from 0 to below 1, got ${labelSmoothing}`,
    );
  }
  const hot = oneHot(ops, options);
  const weights = classWeights === undefined ? undefined : classVector(ops, classWeights, dims[1]);
  const weighted = weights === undefined ? hot : ops.mul(hot, weights);
  let target = weighted;
  if (labelSmoothing > 0) {
    const share = labelSmoothing / dims[1];
    const everywhere = ops.scale(labelled(ops, hot), share);
    const spread = weights === undefined ? everywhere : ops.mul(everywhere, weights);
    target = ops.add(ops.scale(weighted, 1 - labelSmoothing), spread);
  }
  const logProbability = ops.op("LogSoftmax", [logits], { axis: 1 });
  return ops.neg(ratio(ops, ops.total(ops.mul(logProbability, target)), ops.total(weighted)));
}

/**
 * Weights of classes as float32 [1,C,1,1].
 * @throws ClockworkError `invalid-argument` where they are not one for each class
 */
export function classVector(ops: Expressions, weights: readonly number[], classes: number): string {
  if (weights.length !== classes || !weights.every((weight) => weight >= 0 && Number.isFinite(weight))) {
    throw new ClockworkError(
      "invalid-argument",
      `class weights: expected ${classes} numbers of at least 0, got [${weights.join(", ")}]`,
    );
  }
  return ops.float32([1, classes, 1, 1], weights);
}
