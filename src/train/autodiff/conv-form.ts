// The form of a two-dimensional convolution with all defaults filled in, from the attributes of a node.
// ONNX standard, operators Conv and ConvTranspose.

import { intAttribute, intsAttribute, stringAttribute } from "../../onnx/index.ts";
import { inputOf, refuse, type Place } from "./rule.ts";

/** A pair along height and width. */
export type Pair = readonly [number, number];

/** How a kernel moves over a map. */
export interface ConvForm {
  readonly kernel: Pair;
  readonly stride: Pair;
  readonly dilation: Pair;
  /** Zeros at the top and left. */
  readonly before: Pair;
  /** Zeros at the bottom and right. */
  readonly after: Pair;
  readonly groups: number;
}

/** Length that a dilated kernel spans. */
export function reach(kernel: number, dilation: number): number {
  return dilation * (kernel - 1) + 1;
}

/** Form of a node whose strided side is [.., height, width] `wide` and whose other side is `narrow`. */
export function convForm(place: Place, wide: readonly number[], narrow: readonly number[]): ConvForm {
  const { node } = place;
  const weight = place.shapeOf(inputOf(place, 1));
  if (weight.length !== 4) refuse(place, "two spatial axes, weights of 4 axes", `weights [${weight.join(",")}]`);
  const kernel: Pair = [weight[2] ?? 1, weight[3] ?? 1];
  const stride = pair(intsAttribute(node, "strides"), [1, 1]);
  const dilation = pair(intsAttribute(node, "dilations"), [1, 1]);
  const groups = intAttribute(node, "group", 1);
  const auto = stringAttribute(node, "auto_pad", "NOTSET");
  const pads = intsAttribute(node, "pads");
  if (auto === "NOTSET" || auto === "VALID") {
    const [top = 0, left = 0, bottom = 0, right = 0] = auto === "VALID" ? [] : (pads ?? []);
    return { kernel, stride, dilation, before: [top, left], after: [bottom, right], groups };
  }
  // SAME: as many zeros as the output's size asks for, the odd one at the end (UPPER) or at the start (LOWER).
  const all = ([0, 1] as const).map((axis) => {
    const [long, short] = [wide[axis + 2] ?? 1, narrow[axis + 2] ?? 1];
    return Math.max(0, (short - 1) * stride[axis] + reach(kernel[axis], dilation[axis]) - long);
  });
  const low = all.map((count) => (auto === "SAME_LOWER" ? Math.ceil(count / 2) : Math.floor(count / 2)));
  const high = all.map((count, axis) => count - (low[axis] ?? 0));
  return { kernel, stride, dilation, before: pair(low, [0, 0]), after: pair(high, [0, 0]), groups };
}

function pair(values: readonly number[] | undefined, otherwise: Pair): Pair {
  return [values?.[0] ?? otherwise[0], values?.[1] ?? otherwise[1]];
}

/** Attributes of a `Conv` or `ConvTranspose` of a form. */
export function convAttributes(form: ConvForm): Record<string, readonly number[] | number> {
  return {
    kernel_shape: form.kernel,
    strides: form.stride,
    dilations: form.dilation,
    pads: [...form.before, ...form.after],
    group: form.groups,
  };
}
