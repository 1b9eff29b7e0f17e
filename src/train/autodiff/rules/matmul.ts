// Gradients of matrix products.

import { intAttribute } from "../../../onnx/index.ts";
import { summedTo } from "../broadcast.ts";
import { inputOf, outputOf, refuse, type Backward, type Rule } from "../rule.ts";

/** The last two axes swapped. */
function swapped(c: Backward, tensor: string, rank: number): string {
  const perm = Array.from({ length: rank }, (_, axis) => axis);
  perm.push(...perm.splice(-2).toReversed());
  return c.ops.transpose(tensor, perm);
}

/** Y = A B: dA = dY B^T, dB = A^T dY, summed over what was broadcast. */
export const matmul: Rule = {
  backward: (c) => {
    const dy = c.gradient();
    if (dy === undefined) return [];
    const { ops } = c;
    const [a, b] = [inputOf(c, 0), inputOf(c, 1)];
    const [left, right, out] = [c.shapeOf(a), c.shapeOf(b), c.shapeOf(outputOf(c))];
    if (left.length < 2 || right.length < 2) refuse(c, "matrices on both sides", "a vector");
    const lead = out.slice(0, -2);
    let towardsA: string | undefined;
    let towardsB: string | undefined;
    if (c.wants(0)) {
      const product = ops.matmul(dy, swapped(c, b, right.length));
      towardsA = summedTo(ops, product, [...lead, ...left.slice(-2)], left);
    }
    if (c.wants(1) && right.length === 2 && left.length > 2) {
      // One tall product in place of many that are added up.
      const [inner = 1, columns = 1] = right;
      const tall = ops.transpose(ops.reshape(a, [-1, inner]), [1, 0]);
      towardsB = ops.matmul(tall, ops.reshape(dy, [-1, columns]));
    } else if (c.wants(1)) {
      const product = ops.matmul(swapped(c, a, left.length), dy);
      towardsB = summedTo(ops, product, [...lead, ...right.slice(-2)], right);
    }
    return [towardsA, towardsB];
  },
};

/** Y = alpha A' B' + beta C, A' and B' perhaps transposed. */
export const gemm: Rule = {
  backward: (c) => {
    const dy = c.gradient();
    if (dy === undefined) return [];
    const { ops, node } = c;
    const factor = (name: string): number => {
      const attribute = node.attributes.get(name);
      return attribute?.kind === "float" ? attribute.value : 1;
    };
    const [a, b, bias = ""] = node.inputs;
    const [flipA, flipB] = [intAttribute(node, "transA", 0) === 1, intAttribute(node, "transB", 0) === 1];
    const t = (tensor: string): string => ops.transpose(tensor, [1, 0]);
    const scaled = ops.scale(dy, factor("alpha"));
    const fromB = (): string => (flipB ? (b ?? "") : t(b ?? ""));
    const fromA = (): string => (flipA ? (a ?? "") : t(a ?? ""));
    const towardsA = (): string => {
      const gradient = ops.matmul(scaled, fromB());
      return flipA ? t(gradient) : gradient;
    };
    const towardsB = (): string => {
      const gradient = ops.matmul(fromA(), scaled);
      return flipB ? t(gradient) : gradient;
    };
    const towardsBias = (): string =>
      summedTo(ops, ops.scale(dy, factor("beta")), c.shapeOf(outputOf(c)), c.shapeOf(bias));
    return [
      c.wants(0) ? towardsA() : undefined,
      c.wants(1) ? towardsB() : undefined,
      c.wants(2) ? towardsBias() : undefined,
    ];
  },
};
