// The Lovasz-softmax loss: a convex surrogate of 1 - mean intersection over union.
// Berman et al., "The Lovasz-Softmax loss", CVPR 2018, section 3 and algorithm 1, over present classes of the batch.
// It sorts all pixels once for each class, which on large maps takes longer than a small network.

import type { Expressions } from "../../onnx/index.ts";
import { ratio } from "./mean.ts";
import { labelled, oneHot, type Labelled } from "./one-hot.ts";
import { stopped } from "./stopped.ts";

/** A scalar float32 [] from 0 to 1; 0 where nothing is labelled. */
export function lovaszSoftmax(ops: Expressions, options: Labelled): string {
  const { logits, dims } = options;
  const [batch, classes, height, width] = dims;
  const pixels = batch * height * width;
  const hot = oneHot(ops, options);
  const known = labelled(ops, hot);
  /** [N,k,H,W] -> [k, pixels] */
  const rows = (x: string, count: number): string =>
    ops.reshape(batch === 1 ? x : ops.transpose(x, [1, 0, 2, 3]), [count, pixels]);
  const probability = ops.op("Softmax", [logits], { axis: 1 });
  const errors = rows(ops.mul(ops.op("Abs", [ops.sub(hot, probability)]), known), classes);

  // Weights: how much each error, in falling order, adds to 1 - IoU. Unlabelled pixels are last and add nothing.
  const foreground = rows(hot, classes);
  const counts = rows(known, 1);
  const keys = ops.sub(stopped(ops, errors), ops.sub(ops.scalar(1), counts));
  const order = ops.ops("TopK", [keys, ops.int64([pixels])], { axis: 1 }, 2)[1] ?? "";
  const hits = ops.op("GatherElements", [foreground, order], { axis: 1 });
  const all = ops.op("GatherElements", [ops.expand(counts, [classes, pixels]), order], { axis: 1 });
  const misses = ops.sub(all, hits);
  const sumTo = (x: string): string => ops.op("CumSum", [x, ops.cast(ops.scalar(1), "int64")]);
  const total = ops.reduceSum(foreground, [1]);
  const one = ops.scalar(1);
  const intersection = ops.sub(total, sumTo(hits));
  const union = ops.op("Max", [ops.add(total, sumTo(misses)), one]);
  // The step from IoU to IoU without a difference of nearly equal numbers: 1 / U where the class is, I / (U (U - 1))
  // where it is not.
  const before = ops.op("Max", [ops.sub(union, one), one]);
  const steps = ops.div(ops.add(hits, ops.div(ops.mul(misses, intersection), before)), union);
  const weights = ops.op("ScatterElements", [steps, order, steps], { axis: 1 });

  const present = ops.cast(ops.op("Greater", [total, ops.scalar(0)]), "float32");
  return ratio(ops, ops.total(ops.mul(errors, ops.mul(weights, present))), ops.total(present));
}
