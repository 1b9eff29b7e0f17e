// Gradient of Resize (nearest and linear): resampling is a matrix along each axis, the way back its transpose.
// ONNX standard, operator Resize, coordinate_transformation_mode and nearest_mode.

import { intAttribute, intsAttribute, stringAttribute } from "../../../onnx/index.ts";
import { alongAxis, matrixOf, type Matrix } from "../along-axis.ts";
import { constantNumbers } from "../axes.ts";
import { inputOf, outputOf, refuse, type Backward, type Rule } from "../rule.ts";

export const resize: Rule = {
  backward: (c) => {
    const dy = c.gradient();
    if (dy === undefined || !c.wants(0)) return [];
    if (intAttribute(c.node, "antialias", 0) === 1) refuse(c, "no antialias", "antialias");
    const shape = c.shapeOf(inputOf(c, 0));
    const made = c.shapeOf(outputOf(c));
    const policy = stringAttribute(c.node, "keep_aspect_ratio_policy", "stretch");
    if (policy !== "stretch") refuse(c, "keep_aspect_ratio_policy stretch", policy);
    const named = intsAttribute(c.node, "axes")?.map((axis) => (axis < 0 ? axis + shape.length : axis));
    const axes = named ?? shape.map((_, axis) => axis);
    const scales = c.node.op === "Upsample" ? constantNumbers(c, 1, "scales") : constantNumbers(c, 2, "scales");
    let back = dy;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      const [from, to] = [shape[axis] ?? 1, made[axis] ?? 1];
      const stated = scales?.length === axes.length ? scales[axes.indexOf(axis)] : undefined;
      if (from === to && (stated === undefined || stated === 1)) continue;
      back = alongAxis(c.ops, back, axis, shape.length, resampling(c, from, to, stated ?? to / from));
    }
    return [back];
  },
};

/** Where the centre of an element of the output lies in the input, in elements. */
function sourceOf(c: Backward, from: number, to: number, scale: number): (at: number) => number {
  const mode = stringAttribute(
    c.node,
    "coordinate_transformation_mode",
    c.node.op === "Upsample" ? "asymmetric" : "half_pixel",
  );
  switch (mode) {
    case "half_pixel":
      return (at) => (at + 0.5) / scale - 0.5;
    case "pytorch_half_pixel":
      return (at) => (to > 1 ? (at + 0.5) / scale - 0.5 : 0);
    case "half_pixel_symmetric": {
      // The output's centre is kept where its length was rounded.
      const centre = (from / 2) * (1 - to / (from * scale));
      return (at) => centre + (at + 0.5) / scale - 0.5;
    }
    case "align_corners":
      return (at) => (to > 1 ? (at * (from - 1)) / (to - 1) : 0);
    case "asymmetric":
      return (at) => at / scale;
    default:
      return refuse(c, "half_pixel, pytorch_half_pixel, align_corners or asymmetric", mode);
  }
}

/** Share of each element of the input in each of the output, [to, from]. */
function resampling(c: Backward, from: number, to: number, scale: number): Matrix {
  const source = sourceOf(c, from, to, scale);
  const mode = stringAttribute(c.node, "mode", "nearest");
  const inside = (at: number): number => Math.max(0, Math.min(from - 1, at));
  if (mode === "nearest") {
    const round = rounding(c);
    return matrixOf(to, from, (put) => {
      for (let row = 0; row < to; row++) put(row, inside(round(source(row))), 1);
    });
  }
  if (mode !== "linear" && mode !== "bilinear") refuse(c, "mode nearest or linear", mode);
  return matrixOf(to, from, (put) => {
    for (let row = 0; row < to; row++) {
      const at = inside(source(row));
      const low = Math.floor(at);
      put(row, low, 1 - (at - low));
      put(row, inside(low + 1), at - low);
    }
  });
}

function rounding(c: Backward): (at: number) => number {
  const mode = stringAttribute(c.node, "nearest_mode", c.node.op === "Upsample" ? "floor" : "round_prefer_floor");
  switch (mode) {
    case "floor":
      return Math.floor;
    case "ceil":
      return Math.ceil;
    case "round_prefer_floor":
      return (at) => Math.ceil(at - 0.5);
    case "round_prefer_ceil":
      return (at) => Math.floor(at + 0.5);
    default:
      return refuse(c, "a nearest_mode of the standard", mode);
  }
}
