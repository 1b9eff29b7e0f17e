// Gradients of arithmetic, with broadcasting, and of functions of one tensor, element by element.

import { numbersOf } from "../../../onnx/index.ts";
import { byFactor } from "../by-factor.ts";
import { broadcastShape, summedTo } from "../broadcast.ts";
import { inputOf, outputOf, refuse, type Backward, type Rule } from "../rule.ts";

/** 1 where a condition holds, 0 elsewhere. A product with this is faster than `Where`. */
function indicator(c: Backward, condition: string): string {
  return c.ops.cast(condition, "float32");
}

/** A rule of an operator on two tensors that are broadcast, from the gradient towards each in the common shape. */
function pairwise(towards: (c: Backward, dy: string, a: string, b: string, index: 0 | 1) => string): Rule {
  return {
    backward: (c) => {
      const dy = c.gradient();
      if (dy === undefined) return [];
      const [a, b] = [inputOf(c, 0), inputOf(c, 1)];
      const from = broadcastShape(c.shapeOf(a), c.shapeOf(b));
      return ([0, 1] as const).map((index) => {
        if (!c.wants(index)) return undefined;
        return summedTo(c.ops, towards(c, dy, a, b, index), from, c.shapeOf(index === 0 ? a : b));
      });
    },
  };
}

export const add: Rule = pairwise((_, dy) => dy);
export const sub: Rule = pairwise(({ ops }, dy, _a, _b, index) => (index === 0 ? dy : ops.neg(dy)));
export const mul: Rule = pairwise(({ ops }, dy, a, b, index) => ops.mul(dy, index === 0 ? b : a));
export const div: Rule = pairwise((c, dy, _, b, index) => {
  const quotient = c.ops.div(dy, b);
  return index === 0 ? quotient : c.ops.neg(c.ops.mul(quotient, outputOf(c)));
});

/** d a^b / da = b a^(b-1), 0 where b is 0, even at a = 0; d / db = a^b log a, 0 where a is not above 0 (as in the frameworks of the field). */
export const pow: Rule = pairwise((c, dy, a, b, index) => {
  const { ops } = c;
  if (index === 0) return ops.mul(dy, ops.mul(b, ops.op("Pow", [a, lessOne(c, b)])));
  const positive = ops.op("Greater", [a, ops.scalar(0)]);
  const logarithm = ops.log(ops.where(positive, a, ops.scalar(1)));
  return ops.mul(dy, ops.mul(outputOf(c), logarithm));
});

/** b - 1, but 1 where b is 0: its product with b is 0 there, whereas 0 times 0^-1 is no number. */
function lessOne(c: Backward, b: string): string {
  const { ops } = c;
  const constant = c.constantOf(b);
  const values = constant === undefined ? undefined : numbersOf(constant);
  const less = ops.sub(b, ops.scalar(1));
  if (values?.every((value) => value !== 0) === true) return less;
  return ops.where(ops.op("Equal", [b, ops.scalar(0)]), ops.scalar(1), less);
}

/** Max and Min of any number of tensors: the gradient goes to the first that has the value. */
export const extremum: Rule = {
  backward: (c) => {
    const dy = c.gradient();
    if (dy === undefined) return [];
    const { ops } = c;
    const y = outputOf(c);
    const from = c.shapeOf(y);
    let free: string | undefined;
    return c.node.inputs.map((input, index) => {
      const hits = indicator(c, ops.op("Equal", [input, y]));
      const own = free === undefined ? hits : ops.mul(hits, free);
      const left = ops.sub(ops.scalar(1), hits);
      free = free === undefined ? left : ops.mul(free, left);
      return c.wants(index) ? summedTo(ops, ops.mul(dy, own), from, c.shapeOf(input)) : undefined;
    });
  },
};

/** Sum and Mean of any number of tensors. */
function evenly(share: (count: number) => number): Rule {
  return {
    backward: (c) => {
      const dy = c.gradient();
      if (dy === undefined) return [];
      const from = c.shapeOf(outputOf(c));
      const each = c.ops.scale(dy, share(c.node.inputs.length));
      return c.node.inputs.map((input, index) =>
        c.wants(index) ? summedTo(c.ops, each, from, c.shapeOf(input)) : undefined,
      );
    },
  };
}

export const sum: Rule = evenly(() => 1);
export const mean: Rule = evenly((count) => 1 / count);

export const neg: Rule = { backward: (c) => [c.gradient() === undefined ? undefined : c.ops.neg(c.gradient() ?? "")] };
export const sqrt: Rule = byFactor(({ ops }, _, y) => ops.div(ops.scalar(0.5), y));
export const exp: Rule = byFactor((_c, _x, y) => y);
export const log: Rule = byFactor(({ ops }, x) => ops.op("Reciprocal", [x]));
export const abs: Rule = byFactor(({ ops }, x) => ops.op("Sign", [x]));
export const reciprocal: Rule = byFactor(({ ops }, _, y) => ops.neg(ops.mul(y, y)));
export const sin: Rule = byFactor(({ ops }, x) => ops.op("Cos", [x]));
export const cos: Rule = byFactor(({ ops }, x) => ops.neg(ops.op("Sin", [x])));

/** The tensor itself. */
export const identity: Rule = { backward: (c) => [c.gradient()] };

/** The tensor itself: what a network does in use. Elements that are left out at random are not covered. */
export const dropout: Rule = {
  backward: (c) => {
    const training = c.node.inputs[2] ?? "";
    const constant = c.constantOf(training);
    const isOff = constant !== undefined && numbersOf(constant)?.[0] === 0;
    if (training !== "" && !isOff) refuse(c, "training_mode false", "another one");
    return [c.gradient()];
  },
};

/** Between float types; nothing goes back to integers. */
export const cast: Rule = {
  backward: (c) => {
    const dy = c.gradient();
    if (dy === undefined || !c.wants(0)) return [];
    const to = c.node.attributes.get("to");
    return to?.kind === "int" && to.value === 1n ? [dy] : refuse(c, "float32 on both sides", "another type");
  },
};

/** The condition gets nothing. */
export const where: Rule = {
  backward: (c) => {
    const dy = c.gradient();
    if (dy === undefined) return [];
    const { ops } = c;
    const holds = inputOf(c, 0);
    const from = c.shapeOf(outputOf(c));
    const towards = (index: 1 | 2): string | undefined => {
      if (!c.wants(index)) return undefined;
      const zero = ops.scalar(0);
      const part = index === 1 ? ops.where(holds, dy, zero) : ops.where(holds, zero, dy);
      return summedTo(ops, part, from, c.shapeOf(inputOf(c, index)));
    };
    return [undefined, towards(1), towards(2)];
  },
};
