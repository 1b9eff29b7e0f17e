// Intersection over union with probabilities in place of decisions, over a whole batch, which stands for the corpus.
// `softIou`: Rahman and Wang, ISVC 2016. `unionOverIntersection`: Cogswell et al., arXiv 1412.4313.

import type { Expressions } from "../../onnx/index.ts";
import { ratio } from "./mean.ts";
import { labelled, oneHot, type Labelled } from "./one-hot.ts";

/** Lower bound of probabilities where they are divided by. */
const leastProbability = 1e-8;

/** Figures by class, float32 [C] each, over labelled pixels. */
interface Overlap {
  /** Sum of p y. */
  readonly intersection: string;
  /** Sum of p + y - p y. */
  readonly union: string;
  /** 1 where the class is in the labels. */
  readonly present: string;
  /** 1 - present. */
  readonly absent: string;
}

/** 1 - the mean over present classes of I_c / U_c, a scalar float32 [] from 0 to 1; 0 where nothing is labelled. */
export function softIou(ops: Expressions, options: Labelled): string {
  const { intersection, union, present, absent } = overlap(ops, options, 0);
  const lost = ops.sub(present, ops.div(ops.mul(intersection, present), ops.add(union, absent)));
  return ratio(ops, ops.total(lost), ops.total(present));
}

/**
 * The mean over present classes of U_c / I_c, a scalar float32 [], 1 at best; 0 where nothing is labelled. Probabilities
 * are at least 1e-8: below, a pixel has no gradient.
 */
export function unionOverIntersection(ops: Expressions, options: Labelled): string {
  const { intersection, union, present, absent } = overlap(ops, options, leastProbability);
  const quotient = ops.div(ops.mul(union, present), ops.add(intersection, absent));
  return ratio(ops, ops.total(quotient), ops.total(present));
}

function overlap(ops: Expressions, options: Labelled, least: number): Overlap {
  const hot = oneHot(ops, options);
  const softmax = ops.op("Softmax", [options.logits], { axis: 1 });
  const probability = least > 0 ? ops.op("Clip", [softmax, ops.scalar(least)]) : softmax;
  const overPixels = (x: string): string => ops.reduceSum(x, [0, 2, 3], false);
  const intersection = overPixels(ops.mul(probability, hot));
  const predicted = overPixels(ops.mul(probability, labelled(ops, hot)));
  const count = overPixels(hot);
  const present = ops.cast(ops.op("Greater", [count, ops.scalar(0)]), "float32");
  return {
    intersection,
    union: ops.sub(ops.add(predicted, count), intersection),
    present,
    absent: ops.sub(ops.scalar(1), present),
  };
}
