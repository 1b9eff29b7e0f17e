// Gradients of pooling over windows of a map [N,C,H,W].

import { elementCount, intAttribute, intsAttribute, type Node } from "../../../onnx/index.ts";
import { alongAxis, matrixOf, type Matrix } from "../along-axis.ts";
import { inputOf, outputOf, refuse, type Backward, type Place, type Rule } from "../rule.ts";

/** How windows lie along one axis. */
interface Window {
  readonly kernel: number;
  readonly stride: number;
  readonly dilation: number;
  /** Elements that the first window reaches beyond the start. */
  readonly before: number;
  readonly after: number;
}

function windowsOf(place: Place): readonly [Window, Window] {
  const { node } = place;
  const kernel = intsAttribute(node, "kernel_shape") ?? [];
  if (kernel.length !== 2) refuse(place, "windows along two axes", `${kernel.length}`);
  const auto = node.attributes.get("auto_pad");
  if (auto?.kind === "string" && !["NOTSET", "VALID"].includes(new TextDecoder().decode(auto.value))) {
    refuse(place, "explicit pads", "auto_pad");
  }
  const pads = intsAttribute(node, "pads") ?? [];
  const axis = (index: 0 | 1): Window => ({
    kernel: kernel[index] ?? 1,
    stride: intsAttribute(node, "strides")?.[index] ?? 1,
    dilation: intsAttribute(node, "dilations")?.[index] ?? 1,
    before: pads[index] ?? 0,
    after: pads[index + 2] ?? 0,
  });
  return [axis(0), axis(1)];
}

/** Places of the maxima are kept; each takes the gradient of its window. */
export const maxPool: Rule = {
  forward: (place) => {
    const { node, ops } = place;
    const indices = node.outputs[1] || ops.fresh("indices");
    const whole: Node = { ...node, outputs: [outputOf(place), indices] };
    return { nodes: [whole], saved: { indices } };
  },
  backward: (c) => {
    const dy = c.gradient();
    if (dy === undefined || !c.wants(0)) return [];
    const { ops } = c;
    if (intAttribute(c.node, "storage_order", 0) === 1) refuse(c, "storage_order 0", "1");
    const shape = c.shapeOf(inputOf(c, 0));
    const windows = windowsOf(c);
    const apart = windows.every(
      ({ kernel, stride, dilation, before, after }) =>
        stride === kernel && dilation === 1 && before === 0 && after === 0,
    );
    if (apart && intAttribute(c.node, "ceil_mode", 0) === 0) {
      const kernel_shape = windows.map(({ kernel }) => kernel);
      return [ops.op("MaxUnpool", [dy, c.saved("indices"), ops.int64(shape)], { kernel_shape, strides: kernel_shape })];
    }
    // Windows that overlap may have a maximum in common.
    const empty = ops.expand(ops.float32([1], [0]), [elementCount(shape)]);
    const inputs = [empty, ops.reshape(c.saved("indices"), [-1]), ops.reshape(dy, [-1])];
    return [ops.reshape(ops.op("ScatterElements", inputs, { axis: 0, reduction: "add" }), shape)];
  },
};

/** What an average takes of each element along one axis, [output, input]. */
function averageMatrix(c: Backward, window: Window, length: number, count: number): Matrix {
  const { kernel, stride, dilation, before, after } = window;
  const includesPad = intAttribute(c.node, "count_include_pad", 0) === 1;
  return matrixOf(count, length, (put) => {
    for (let row = 0; row < count; row++) {
      const places = Array.from({ length: kernel }, (_, tap) => row * stride - before + tap * dilation);
      const inside = places.filter((place) => place >= 0 && place < length);
      const counted = includesPad ? places.filter((place) => place < length + after).length : inside.length;
      for (const place of inside) put(row, place, 1 / counted);
    }
  });
}

/** The mean of a window is the product of two means along one axis each. */
export const averagePool: Rule = {
  backward: (c) => {
    const dy = c.gradient();
    if (dy === undefined || !c.wants(0)) return [];
    const shape = c.shapeOf(inputOf(c, 0));
    const made = c.shapeOf(outputOf(c));
    let back = dy;
    for (const [index, window] of windowsOf(c).entries()) {
      const axis = index + 2;
      back = alongAxis(c.ops, back, axis, 4, averageMatrix(c, window, shape[axis] ?? 1, made[axis] ?? 1));
    }
    return [back];
  },
};

export const globalAveragePool: Rule = {
  backward: (c) => {
    const dy = c.gradient();
    if (dy === undefined || !c.wants(0)) return [];
    const shape = c.shapeOf(inputOf(c, 0));
    return [c.ops.expand(c.ops.scale(dy, 1 / elementCount(shape.slice(2))), shape)];
  },
};

/** Elements that have the largest value share the gradient. */
export const globalMaxPool: Rule = {
  backward: (c) => {
    const dy = c.gradient();
    if (dy === undefined || !c.wants(0)) return [];
    const { ops } = c;
    const x = inputOf(c, 0);
    const axes = c.shapeOf(x).flatMap((_, axis) => (axis < 2 ? [] : [axis]));
    const hits = ops.cast(ops.op("Equal", [x, outputOf(c)]), "float32");
    return [ops.mul(hits, ops.div(dy, ops.reduceSum(hits, axes)))];
  },
};
