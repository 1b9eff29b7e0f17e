// Labels as one map for each class, the form in which losses meet them. Not a loss.

import type { Expressions } from "../../onnx/index.ts";

/** Shape [N,C,H,W] of scores. */
export type ScoreDims = readonly [batch: number, classes: number, height: number, width: number];

/** Scores and what they should have been. */
export interface Labelled {
  /** float32 [N,C,H,W], before the softmax. */
  readonly logits: string;
  /** uint8 [N,H,W]. Labels that are no class, and `ignore`, count as unlabelled. */
  readonly labels: string;
  readonly dims: ScoreDims;
  /** Label of pixels to leave out, a class or not; default 255. */
  readonly ignore?: number;
}

/**
 * float32 [N,C,H,W]: 1 at the class of a pixel, 0 elsewhere and at unlabelled pixels.
 * Losses of one graph may each call this: the engine merges equal nodes.
 */
export function oneHot(ops: Expressions, { labels, dims, ignore = 255 }: Labelled): string {
  const classes = dims[1];
  // The class that is left out gets a number that no label has.
  const numbers = Array.from({ length: classes }, (_, index) => (index === ignore ? -1 : index));
  const wide = ops.reshape(ops.cast(labels, "int32"), [dims[0], 1, dims[2], dims[3]]);
  const arange = ops.cast(ops.float32([1, classes, 1, 1], numbers), "int32");
  return ops.cast(ops.op("Equal", [wide, arange]), "float32");
}

/** float32 [N,1,H,W]: 1 where a pixel is labelled. */
export function labelled(ops: Expressions, target: string): string {
  return ops.reduceSum(target, [1]);
}
