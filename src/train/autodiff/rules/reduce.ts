// Gradients of sums and other figures over axes.

import { elementCount, intAttribute } from "../../../onnx/index.ts";
import { axesOf } from "../axes.ts";
import { inputOf, outputOf, type Backward, type Rule } from "../rule.ts";

/** What a reduction was over. */
interface Reduction {
  readonly x: string;
  readonly shape: readonly number[];
  /** The input's shape with 1 for each axis that was reduced. */
  readonly kept: readonly number[];
  /** Elements that one of the output was made of. */
  readonly count: number;
  /** dY in the shape `kept`. */
  readonly dy: string;
}

/** A rule from the gradient in a shape that broadcasts to the input's; `broadcast` says whether it still has to be. */
function reduction(towards: (c: Backward, r: Reduction) => string): Rule {
  return {
    backward: (c) => {
      const gradient = c.gradient();
      if (gradient === undefined || !c.wants(0)) return [];
      const x = inputOf(c, 0);
      const shape = c.shapeOf(x);
      const named = axesOf(c, shape.length);
      const isNoop = intAttribute(c.node, "noop_with_empty_axes", 0) === 1;
      const none = named === undefined || named.length === 0;
      if (none && isNoop) return [gradient];
      const axes = none ? shape.map((_, axis) => axis) : named;
      const kept = shape.map((length, axis) => (axes.includes(axis) ? 1 : length));
      const keeps = intAttribute(c.node, "keepdims", 1) === 1;
      const dy = keeps ? gradient : c.ops.reshape(gradient, kept);
      return [towards(c, { x, shape, kept, count: elementCount(shape) / elementCount(kept), dy })];
    },
  };
}

/** The output in the shape `kept`. */
function outputKept(c: Backward, { kept }: Reduction): string {
  return intAttribute(c.node, "keepdims", 1) === 1 ? outputOf(c) : c.ops.reshape(outputOf(c), kept);
}

export const reduceSum: Rule = reduction(({ ops }, { dy, shape }) => ops.expand(dy, shape));
export const reduceMean: Rule = reduction(({ ops }, { dy, shape, count }) =>
  ops.expand(ops.scale(dy, 1 / count), shape),
);
export const reduceSumSquare: Rule = reduction(({ ops }, { dy, x }) => ops.mul(x, ops.scale(dy, 2)));
export const reduceL1: Rule = reduction(({ ops }, { dy, x }) => ops.mul(ops.op("Sign", [x]), dy));
/** x / y; 0 where all elements are 0, as in the frameworks of the field. */
export const reduceL2: Rule = reduction((c, r) => {
  const length = c.ops.op("Max", [outputKept(c, r), c.ops.scalar(1e-30)]);
  return c.ops.mul(c.ops.div(r.x, length), r.dy);
});
export const reduceLogSumExp: Rule = reduction((c, r) => c.ops.mul(c.ops.exp(c.ops.sub(r.x, outputKept(c, r))), r.dy));

/** Elements that have the extreme value share its gradient evenly. */
export const reduceExtremum: Rule = reduction((c, r) => {
  const { ops } = c;
  const hits = ops.cast(ops.op("Equal", [r.x, outputKept(c, r)]), "float32");
  const axes = r.shape.flatMap((_, axis) => (r.kept[axis] === r.shape[axis] ? [] : [axis]));
  return ops.mul(hits, ops.div(r.dy, ops.reduceSum(hits, axes)));
});
