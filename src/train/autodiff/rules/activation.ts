// Gradients of activations. At a kink the gradient is that of the flat side, as in the frameworks of the field.

import { byFactor } from "../by-factor.ts";
import { summedTo } from "../broadcast.ts";
import { inputOf, refuse, type Backward, type Rule } from "../rule.ts";

function floatAttribute({ node }: Backward, name: string, otherwise: number): number {
  const attribute = node.attributes.get(name);
  return attribute?.kind === "float" ? attribute.value : otherwise;
}

/** 1 where a > b, 0 elsewhere. Comparing, casting and multiplying takes half the time of `Where` or `Sign`. */
function above({ ops }: Backward, a: string, b: string): string {
  return ops.cast(ops.op("Greater", [a, b]), "float32");
}

export const relu: Rule = byFactor((c, _, y) => above(c, y, c.ops.scalar(0)));

/** 1 above zero, the slope below. */
export const leakyRelu: Rule = byFactor((c, x) => {
  const slope = floatAttribute(c, "alpha", 0.01);
  return c.ops.add(c.ops.scale(above(c, x, c.ops.scalar(0)), 1 - slope), c.ops.scalar(slope));
});

/** The slope, of any shape that is broadcast, is learned, too. */
export const prelu: Rule = {
  backward: (c) => {
    const dy = c.gradient();
    if (dy === undefined) return [];
    const { ops } = c;
    const [x, slope] = [inputOf(c, 0), inputOf(c, 1)];
    const zero = ops.scalar(0);
    // slope + (1 - slope) [x > 0]
    const factor = (): string => ops.add(slope, ops.mul(ops.sub(ops.scalar(1), slope), above(c, x, zero)));
    const below = (): string => ops.mul(dy, ops.op("Min", [x, zero]));
    return [
      c.wants(0) ? ops.mul(dy, factor()) : undefined,
      c.wants(1) ? summedTo(ops, below(), c.shapeOf(x), c.shapeOf(slope)) : undefined,
    ];
  },
};

/** 1 strictly between the bounds. */
export const clip: Rule = byFactor((c, x) => {
  const { ops, node } = c;
  if (c.wants(1) || c.wants(2)) refuse(c, "bounds that are constants", "computed ones");
  const [, low = "", high = ""] = node.inputs;
  const inside = [low === "" ? undefined : above(c, x, low), high === "" ? undefined : above(c, high, x)];
  const [first, ...rest] = inside.filter((part) => part !== undefined);
  return first === undefined ? ops.scalar(1) : rest.reduce((a, b) => ops.mul(a, b), first);
});

/** y (1 - y) */
export const sigmoid: Rule = byFactor(({ ops }, _, y) => ops.mul(y, ops.sub(ops.scalar(1), y)));

/** 1 - y^2 */
export const tanh: Rule = byFactor(({ ops }, _, y) => ops.sub(ops.scalar(1), ops.mul(y, y)));

/** max(0, min(1, alpha x + beta)): alpha inside. */
export const hardSigmoid: Rule = byFactor((c, _, y) => {
  const inside = c.ops.mul(above(c, y, c.ops.scalar(0)), above(c, c.ops.scalar(1), y));
  return c.ops.scale(inside, floatAttribute(c, "alpha", 0.2));
});

/** x max(0, min(1, x / 6 + 1/2)): 0 below -3, x / 3 + 1/2 between, 1 above 3. */
export const hardSwish: Rule = byFactor((c, x) => {
  const { ops } = c;
  const inside = ops.mul(above(c, x, ops.scalar(-3)), above(c, ops.scalar(3), x));
  const between = ops.mul(inside, ops.add(ops.scale(x, 1 / 3), ops.scalar(0.5)));
  return ops.add(between, ops.cast(ops.op("GreaterOrEqual", [x, ops.scalar(3)]), "float32"));
});

/** 2 / sqrt(pi) exp(-x^2) */
export const erf: Rule = byFactor(({ ops }, x) => ops.scale(ops.exp(ops.neg(ops.mul(x, x))), 2 / Math.sqrt(Math.PI)));

/** x Phi(x): Phi(x) + x phi(x); with `approximate` tanh, the derivative of that approximation. */
export const gelu: Rule = byFactor((c, x) => {
  const { ops, node } = c;
  const one = ops.scalar(1);
  const approximate = node.attributes.get("approximate");
  if (approximate?.kind === "string" && new TextDecoder().decode(approximate.value) === "tanh") {
    // u = k (x + 0.044715 x^3), k = sqrt(2 / pi); y = x (1 + tanh u) / 2
    const k = Math.sqrt(2 / Math.PI);
    const square = ops.mul(x, x);
    const inner = ops.scale(ops.mul(x, ops.add(one, ops.scale(square, 0.044715))), k);
    const t = ops.op("Tanh", [inner]);
    const slope = ops.scale(ops.add(one, ops.scale(square, 3 * 0.044715)), k);
    const bend = ops.mul(ops.mul(x, ops.sub(one, ops.mul(t, t))), slope);
    return ops.scale(ops.add(ops.add(one, t), bend), 0.5);
  }
  const phi = ops.scale(ops.add(one, ops.op("Erf", [ops.scale(x, Math.SQRT1_2)])), 0.5);
  const density = ops.scale(ops.exp(ops.scale(ops.mul(x, x), -0.5)), 1 / Math.sqrt(2 * Math.PI));
  return ops.add(phi, ops.mul(x, density));
});

/** 1 - exp(-y) where y = log(1 + exp x) */
export const softplus: Rule = byFactor(({ ops }, x) => ops.op("Sigmoid", [x]));

/** 1 above zero, y + alpha below. */
export const elu: Rule = byFactor((c, x, y) => {
  const { ops } = c;
  const positive = above(c, x, ops.scalar(0));
  const below = ops.add(y, ops.scalar(floatAttribute(c, "alpha", 1)));
  return ops.add(positive, ops.mul(ops.sub(ops.scalar(1), positive), below));
});
