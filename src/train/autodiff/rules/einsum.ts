// Gradients of Einsum: a sum of products under letters, whose gradient towards one operand is the sum of products of dY
// and all others under that operand's letters. Laue et al., "A Simple and Efficient Tensor Calculus", AAAI 2020, theorem 8.
// Not with an ellipsis, not with a letter twice in one operand, not with axes of length 1 that are broadcast.

import { stringAttribute } from "../../../onnx/index.ts";
import { refuse, type Backward, type Rule } from "../rule.ts";

/** Any number of operands. */
export const einsum: Rule = {
  backward: (c) => {
    const dy = c.gradient();
    if (dy === undefined) return [];
    const { ops, node } = c;
    const { operands, result, lengths } = lettersOf(c);
    return operands.map((own, index) => {
      if (!c.wants(index)) return undefined;
      const others = operands.flatMap((letters, other) => (other === index ? [] : [letters]));
      const tensors = node.inputs.filter((_, other) => other !== index);
      // A letter that stands in this operand alone was summed over: its gradient is the same all along.
      const known = new Set(lettersIn([result, ...others].join("")));
      const kept = lettersIn(own).filter((letter) => known.has(letter));
      const equation = `${[result, ...others].join(",")}->${kept.join("")}`;
      const gradient = ops.op("Einsum", [dy, ...tensors], { equation });
      if (kept.length === own.length) return gradient;
      const length = (letter: string): number => lengths.get(letter) ?? 1;
      const spread = lettersIn(own).map((letter) => (known.has(letter) ? length(letter) : 1));
      return ops.expand(ops.reshape(gradient, spread), lettersIn(own).map(length));
    });
  },
};

interface Letters {
  readonly operands: readonly string[];
  readonly result: string;
  readonly lengths: ReadonlyMap<string, number>;
}

function lettersOf(c: Backward): Letters {
  const equation = stringAttribute(c.node, "equation", "").replaceAll(" ", "");
  if (equation.includes("...")) refuse(c, "an equation without an ellipsis", `"${equation}"`);
  const [left = "", right] = equation.split("->");
  const operands = left.split(",");
  const lengths = new Map<string, number>();
  for (const [index, letters] of operands.entries()) {
    if (new Set(lettersIn(letters)).size < letters.length) refuse(c, "letters once in each operand", `"${equation}"`);
    const shape = c.shapeOf(c.node.inputs[index] ?? "");
    for (const [axis, letter] of lettersIn(letters).entries()) {
      const length = shape[axis] ?? 1;
      const known = lengths.get(letter) ?? length;
      if (known !== length) refuse(c, `one length for letter ${letter}`, `${known} and ${length}`);
      lengths.set(letter, length);
    }
  }
  return { operands, result: right ?? implicit(operands), lengths };
}

/** Without an arrow: the letters that stand once, in the order of the alphabet. */
function implicit(operands: readonly string[]): string {
  const all = lettersIn(operands.join(""));
  return all
    .filter((letter) => all.indexOf(letter) === all.lastIndexOf(letter))
    .toSorted()
    .join("");
}

/** Letters of the standard are ASCII. */
function lettersIn(text: string): readonly string[] {
  return text.split("");
}
