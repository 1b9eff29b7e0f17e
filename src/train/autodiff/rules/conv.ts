// Gradients of Conv and ConvTranspose. Each is the other's gradient with regard to its input.

import { intsAttribute, stringAttribute } from "../../../onnx/index.ts";
import { convAttributes, convForm, reach, type ConvForm } from "../conv-form.ts";
import { inputGradient, weightGradient } from "../conv-gradient.ts";
import { inputOf, outputOf, type Backward, type Rule } from "../rule.ts";

/** Y = W * X + b */
export const conv: Rule = {
  backward: (c) => {
    const dy = c.gradient();
    if (dy === undefined) return [];
    const [x, w] = [inputOf(c, 0), inputOf(c, 1)];
    const shapes = { x: c.shapeOf(x), y: c.shapeOf(outputOf(c)) };
    const form = convForm(c, shapes.x, shapes.y);
    return [
      c.wants(0) ? inputGradient(c.ops, dy, w, form, shapes) : undefined,
      c.wants(1) ? weightGradient(c.ops, x, dy, form, shapes) : undefined,
      biasGradient(c, dy),
    ];
  },
};

/** Y = W^T * X + b: a convolution the other way round, from Y to X. */
export const convTranspose: Rule = {
  backward: (c) => {
    const dy = c.gradient();
    if (dy === undefined) return [];
    const [x, w] = [inputOf(c, 0), inputOf(c, 1)];
    const shapes = { x: c.shapeOf(outputOf(c)), y: c.shapeOf(x) };
    const form = transposedForm(c, convForm(c, shapes.x, shapes.y), shapes);
    return [
      c.wants(0) ? c.ops.op("Conv", [dy, w], convAttributes(form)) : undefined,
      c.wants(1) ? weightGradient(c.ops, dy, x, form, shapes) : undefined,
      biasGradient(c, dy),
    ];
  },
};

/**
 * The zeros of a transposed convolution as its shapes say: `output_shape` overrides those that are stated, the odd one at
 * the start, and `output_padding` takes from those at the end.
 */
function transposedForm(
  { node }: Backward,
  form: ConvForm,
  { x, y }: { readonly x: readonly number[]; readonly y: readonly number[] },
): ConvForm {
  const isShaped = node.attributes.has("output_shape") && stringAttribute(node, "auto_pad", "NOTSET") === "NOTSET";
  const extra = intsAttribute(node, "output_padding");
  const pads = ([0, 1] as const).map((axis) => {
    const covered = ((y[axis + 2] ?? 1) - 1) * form.stride[axis] + reach(form.kernel[axis], form.dilation[axis]);
    const left = covered - (x[axis + 2] ?? 1);
    const before = isShaped ? Math.max(0, Math.ceil((left + (extra?.[axis] ?? 0)) / 2)) : form.before[axis];
    return { before, after: Math.max(0, left - before) };
  });
  return {
    ...form,
    before: [pads[0]?.before ?? 0, pads[1]?.before ?? 0],
    after: [pads[0]?.after ?? 0, pads[1]?.after ?? 0],
  };
}

function biasGradient(c: Backward, dy: string): string | undefined {
  return c.wants(2) ? c.ops.reduceSum(dy, [0, 2, 3], false) : undefined;
}
