// Gradients of normalisations whose statistics are those of the sample itself: over channels, a map, groups of channels,
// or to unit length. Not BatchNormalization (batch-normalization.ts).
// Ba et al., "Layer Normalization", 2016; Ulyanov et al., "Instance Normalization", 2016; Wu and He, "Group
// Normalization", ECCV 2018. All three are y = scale x_hat + shift, x_hat = (x - mean) / sqrt(variance + epsilon), and
// dx = (g - mean of g - x_hat mean of (g x_hat)) / sqrt(variance + epsilon) where g = scale dy.

import { elementCount, float, intAttribute } from "../../../onnx/index.ts";
import { summedTo } from "../broadcast.ts";
import { inputOf, refuse, type Backward, type Rule } from "../rule.ts";

function epsilonOf({ node }: Backward): number {
  const attribute = node.attributes.get("epsilon");
  return attribute?.kind === "float" ? attribute.value : 1e-5;
}

function onesOf({ ops }: Backward, shape: readonly number[]): string {
  const one = shape.map(() => 1);
  return ops.expand(ops.float32(one, [1]), shape);
}

/**
 * x_hat and 1 / sqrt(variance + epsilon) of x [rows, length], for each row. They are made anew on the way back, where they
 * take one pass of an operator that the engine runs on all cores: keeping x_hat would cost a map for each layer.
 */
function standardised(c: Backward, x: string, rows: readonly number[]): readonly [normal: string, inverse: string] {
  const attributes = { axis: rows.length - 1, epsilon: float(epsilonOf(c)) };
  // A scale for each element is several times as fast as one that is broadcast, as long as it stays in the cache.
  const length = rows.at(-1) ?? 1;
  const ones = onesOf(c, [length <= 4096 ? length : 1]);
  const [normal = "", , inverse = ""] = c.ops.ops("LayerNormalization", [x, ones], attributes, 3);
  return [normal, inverse];
}

/** (g - (sums + x_hat products) / count) inverse; sums are of g, products of g x_hat, over `count` elements of a row. */
function withoutStatistics(
  { ops }: Backward,
  parts: Readonly<Record<"g" | "sums" | "products" | "normal" | "inverse", string>>,
  count: number,
): string {
  const factor = ops.scale(parts.inverse, -1 / count);
  const offset = ops.mul(parts.sums, factor);
  const slope = ops.mul(parts.products, factor);
  return ops.add(ops.mul(parts.g, parts.inverse), ops.add(ops.mul(parts.normal, slope), offset));
}

/** Over the axes from `axis` on; scale and shift have their shape, or one that is broadcast to it. */
export const layerNormalization: Rule = {
  backward: (c) => {
    if (c.gradient(1) !== undefined || c.gradient(2) !== undefined) {
      refuse(c, "a loss that depends on the normalised tensor", "one that depends on its mean or deviation");
    }
    const dy = c.gradient();
    if (dy === undefined) return [];
    const { ops } = c;
    const [x, scale] = [inputOf(c, 0), inputOf(c, 1)];
    const shape = c.shapeOf(x);
    const stated = intAttribute(c.node, "axis", -1);
    const own = shape.slice(stated < 0 ? stated + shape.length : stated);
    const length = elementCount(own);
    const rows = [elementCount(shape) / length, length];
    const flat = (tensor: string): string =>
      shape.length === 2 && own.length === 1 ? tensor : ops.reshape(tensor, rows);
    const whole = (dims: readonly number[]): boolean => elementCount(dims) === length;
    const towards = (input: number, perRow: string): string => {
      const dims = c.shapeOf(inputOf(c, input));
      // A product with a row of ones: the engine's sum over the first axis takes several times as long.
      const sum = ops.reshape(ops.matmul(onesOf(c, [1, elementCount(shape) / length]), perRow), own);
      return whole(dims) ? ops.reshape(sum, dims) : summedTo(ops, sum, own, dims);
    };
    const up = flat(dy);
    const shift = c.wants(2) ? towards(2, up) : undefined;
    if (!c.wants(0) && !c.wants(1)) return [undefined, undefined, shift];
    const [normal, inverse] = standardised(c, flat(x), rows);
    const aligned = ops.mul(up, normal);
    let dx: string | undefined;
    if (c.wants(0)) {
      // Sums weighted with the scale are products with it as a column.
      const column = ops.reshape(whole(c.shapeOf(scale)) ? scale : ops.expand(scale, own), [length, 1]);
      const g = ops.mul(up, ops.reshape(column, [length]));
      const sums = ops.matmul(up, column);
      const products = ops.matmul(aligned, column);
      dx = ops.reshape(withoutStatistics(c, { g, sums, products, normal, inverse }, length), shape);
    }
    return [dx, c.wants(1) ? towards(1, aligned) : undefined, shift];
  },
};

/** Over the spatial axes of each channel. */
export const instanceNormalization: Rule = { backward: (c) => grouped(c, c.shapeOf(inputOf(c, 0))[1] ?? 1) };

/** Over the channels of each group and all spatial axes; scale and shift for each group (operator set 18) or channel (21). */
export const groupNormalization: Rule = { backward: (c) => grouped(c, intAttribute(c.node, "num_groups", 1)) };

/** x [N,C,...] as groups [N,groups,C/groups,L]; scale and shift [groups] or [C]. */
function grouped(c: Backward, groups: number): readonly (string | undefined)[] {
  const dy = c.gradient();
  if (dy === undefined) return [];
  const { ops } = c;
  const [x, scale] = [inputOf(c, 0), inputOf(c, 1)];
  const shape = c.shapeOf(x);
  const [batch = 1, channels = 1] = shape;
  const own = channels / groups;
  const length = elementCount(shape) / (batch * channels);
  const known = elementCount(c.shapeOf(scale));
  if (known !== groups && known !== channels) refuse(c, `${groups} or ${channels} scales`, `${known}`);
  // [N,groups,K,L]: what lies under one scale is one row of L.
  const [inner, rest] = known === groups ? [1, own * length] : [own, length];
  const dims = [batch, groups, inner, rest];
  const up = ops.reshape(dy, dims);
  const sum = ops.reduceSum(up, [3]);
  const perScale = (sums: string): string => ops.reshape(ops.reduceSum(sums, [0], false), [known]);
  const shift = c.wants(2) ? perScale(sum) : undefined;
  if (!c.wants(0) && !c.wants(1)) return [undefined, undefined, shift];
  const rows = [batch, groups, inner * rest];
  const [flat, deviation] = standardised(c, ops.reshape(x, rows), rows);
  const normal = ops.reshape(flat, dims);
  const aligned = ops.reduceSum(ops.mul(up, normal), [3]);
  let dx: string | undefined;
  if (c.wants(0)) {
    const gain = ops.reshape(scale, [1, groups, inner, 1]);
    const inverse = ops.reshape(deviation, [batch, groups, 1, 1]);
    const sums = ops.reduceSum(ops.mul(sum, gain), [2]);
    const products = ops.reduceSum(ops.mul(aligned, gain), [2]);
    // The scale is taken into the inverse deviation, which is far smaller than a map.
    const factor = ops.scale(inverse, -1 / (inner * rest));
    const bend = ops.add(ops.mul(normal, ops.mul(products, factor)), ops.mul(sums, factor));
    dx = ops.reshape(ops.add(ops.mul(up, ops.mul(gain, inverse)), bend), shape);
  }
  return [dx, c.wants(1) ? perScale(aligned) : undefined, shift];
}

/** y = x / n, n the sum of sizes (p = 1) or the length (p = 2) along an axis; 0 where n is 0, and nothing goes back there. */
export const lpNormalization: Rule = {
  backward: (c) => {
    const dy = c.gradient();
    if (dy === undefined || !c.wants(0)) return [];
    const { ops } = c;
    const x = inputOf(c, 0);
    const stated = intAttribute(c.node, "axis", -1);
    const axes = [stated < 0 ? stated + c.shapeOf(x).length : stated];
    const p = intAttribute(c.node, "p", 2);
    if (p !== 1 && p !== 2) refuse(c, "p 1 or 2", `${p}`);
    const norm = p === 1 ? ops.reduceSum(ops.op("Abs", [x]), axes) : ops.sqrt(ops.reduceSumSquare(x, axes));
    const isZero = ops.op("Equal", [norm, ops.scalar(0)]);
    const inverse = ops.where(isZero, ops.scalar(0), ops.op("Reciprocal", [ops.where(isZero, ops.scalar(1), norm)]));
    // dn / dx is the sign of x, or x / n = y.
    const y = ops.mul(x, inverse);
    const slope = p === 1 ? ops.op("Sign", [x]) : y;
    return [ops.mul(ops.sub(dy, ops.mul(slope, ops.reduceSum(ops.mul(y, dy), axes))), inverse)];
  },
};
