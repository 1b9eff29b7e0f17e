// Kullback-Leibler divergence of a network's class probabilities from a teacher's, at a temperature.
// Hinton et al., "Distilling the Knowledge in a Neural Network", arXiv 1503.02531, section 2.

import { ClockworkError } from "../../errors.ts";
import { elementCount, type Expressions } from "../../onnx/index.ts";
import { ratio } from "./mean.ts";
import type { ScoreDims } from "./one-hot.ts";
import { stopped } from "./stopped.ts";

/** What {@link klDivergence} is of. */
export interface KlOptions {
  /** float32 [N,C,H,W], before the softmax; no gradient goes there. */
  readonly teacher: string;
  /** float32 [N,C,H,W], before the softmax. */
  readonly student: string;
  readonly dims: ScoreDims;
  /** T, above 0; default 1. */
  readonly temperature?: number;
  /** float32 [N,H,W], the weight of each pixel; default 1 each. */
  readonly mask?: string;
}

/**
 * T^2 times the mean over pixels of KL(softmax(teacher / T) || softmax(student / T)), a scalar float32 []; 0 where the mask
 * is 0 everywhere.
 * @throws ClockworkError `invalid-argument` where the temperature is not above 0
 */
export function klDivergence(ops: Expressions, options: KlOptions): string {
  const { teacher, student, dims, temperature = 1, mask } = options;
  if (!(temperature > 0)) {
    throw new ClockworkError("invalid-argument", `temperature: expected a number above 0, got ${temperature}`);
  }
  const [batch, classes, height, width] = dims;
  const logOf = (x: string): string => ops.op("LogSoftmax", [ops.scale(x, 1 / temperature)], { axis: 1 });
  const wanted = logOf(stopped(ops, teacher));
  const probability = ops.exp(wanted);
  const target = mask === undefined ? probability : ops.mul(probability, ops.reshape(mask, [batch, 1, height, width]));
  const total = ops.total(ops.mul(target, ops.sub(wanted, logOf(student))));
  const weighed =
    mask === undefined ? ops.scale(total, classes / elementCount(dims)) : ratio(ops, total, ops.total(mask));
  return ops.scale(weighed, temperature ** 2);
}
