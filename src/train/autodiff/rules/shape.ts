// Gradients of operators that move elements and compute nothing: each way back is the move undone.

import { elementCount, intAttribute, intsAttribute, numbersOf, stringAttribute } from "../../../onnx/index.ts";
import { alongAxis, matrixOf } from "../along-axis.ts";
import { constantNumbers } from "../axes.ts";
import { summedTo } from "../broadcast.ts";
import { inputOf, outputOf, refuse, type Backward, type Rule } from "../rule.ts";

/** A rule of an operator with one tensor of data. */
function move(back: (c: Backward, dy: string, shape: readonly number[]) => string): Rule {
  return {
    backward: (c) => {
      const dy = c.gradient();
      return dy === undefined || !c.wants(0) ? [] : [back(c, dy, c.shapeOf(inputOf(c, 0)))];
    },
  };
}

/** Reshape, Flatten, Squeeze, Unsqueeze. */
export const reshape: Rule = move(({ ops }, dy, shape) => ops.reshape(dy, shape));

export const transpose: Rule = move(({ ops, node }, dy, shape) => {
  const perm = intsAttribute(node, "perm") ?? shape.map((_, axis) => shape.length - 1 - axis);
  return ops.transpose(
    dy,
    perm.map((_, axis) => perm.indexOf(axis)),
  );
});

export const expand: Rule = move((c, dy, shape) => summedTo(c.ops, dy, c.shapeOf(outputOf(c)), shape));

/** Every copy adds up. */
export const tile: Rule = move((c, dy, shape) => {
  const out = c.shapeOf(outputOf(c));
  const split = shape.flatMap((length, axis) => [(out[axis] ?? 0) / Math.max(1, length), length]);
  const axes = shape.map((_, axis) => 2 * axis);
  return c.ops.reshape(c.ops.reduceSum(c.ops.reshape(dy, split), axes), shape);
});

export const concat: Rule = {
  backward: (c) => {
    const dy = c.gradient();
    if (dy === undefined) return [];
    const rank = c.shapeOf(outputOf(c)).length;
    const stated = intAttribute(c.node, "axis", 0);
    const axis = stated < 0 ? stated + rank : stated;
    let start = 0;
    return c.node.inputs.map((input, index) => {
      const from = start;
      start += c.shapeOf(input)[axis] ?? 0;
      return c.wants(index) ? c.ops.slice(dy, [axis], [from], [start]) : undefined;
    });
  },
};

/** Parts without a gradient count as zeros. */
export const split: Rule = {
  backward: (c) => {
    const shape = c.shapeOf(inputOf(c, 0));
    const stated = intAttribute(c.node, "axis", 0);
    const axis = stated < 0 ? stated + shape.length : stated;
    if (!c.wants(0)) return [];
    const parts = c.node.outputs.map(
      (output, index) => c.gradient(index) ?? zeros(c, output === "" ? restOf(c, axis, shape) : c.shapeOf(output)),
    );
    return [c.ops.concat(parts, axis)];
  },
};

/** Shape of a part of a `Split` that has no name. */
function restOf(c: Backward, axis: number, shape: readonly number[]): readonly number[] {
  const named = c.node.outputs.filter((output) => output !== "");
  const unnamed = c.node.outputs.length - named.length;
  if (unnamed !== 1) refuse(c, "at most one part without a name", `${unnamed}`);
  const taken = named.reduce((total, output) => total + (c.shapeOf(output)[axis] ?? 0), 0);
  return shape.map((length, other) => (other === axis ? length - taken : length));
}

function zeros({ ops }: Backward, shape: readonly number[]): string {
  return ops.expand(
    ops.float32(
      shape.map(() => 1),
      [0],
    ),
    shape,
  );
}

/** What was left out gets zeros; under steps, the gaps do. */
export const slice: Rule = move((c, dy, shape) => {
  const { ops } = c;
  const rank = shape.length;
  const starts = constantNumbers(c, 1, "starts") ?? refuse(c, "starts", "none");
  const axes = (constantNumbers(c, 3, "axes") ?? starts.map((_, axis) => axis)).map((axis) =>
    axis < 0 ? axis + rank : axis,
  );
  const steps = constantNumbers(c, 4, "steps") ?? axes.map(() => 1);
  const made = c.shapeOf(outputOf(c));
  let back = dy;
  const before = shape.map(() => 0);
  const after = shape.map(() => 0);
  for (const [index, axis] of axes.entries()) {
    const [length, step, count] = [shape[axis] ?? 0, steps[index] ?? 1, made[axis] ?? 0];
    const stated = starts[index] ?? 0;
    const low = step < 0 ? length - 1 : length;
    const start = Math.max(0, Math.min(low, stated < 0 ? stated + length : stated));
    if (step !== 1) {
      // Elements go back to where they came from by a matrix with a 1 in each row.
      const matrix = matrixOf(count, length, (put) => {
        for (let i = 0; i < count; i++) put(i, start + i * step, 1);
      });
      back = alongAxis(ops, back, axis, rank, matrix);
      continue;
    }
    before[axis] = start;
    after[axis] = length - start - count;
  }
  return ops.pad(back, before, after);
});

/** Padding by a constant value: what was added is cut off again, what was cut off gets zeros. */
export const pad: Rule = move((c, dy, shape) => {
  const mode = stringAttribute(c.node, "mode", "constant");
  if (mode !== "constant") refuse(c, "padding by a constant", `mode ${mode}`);
  if (c.wants(2)) refuse(c, "a value that is a constant", "a computed one");
  const pads = constantNumbers(c, 1, "pads") ?? refuse(c, "pads", "none");
  const stated = constantNumbers(c, 3, "axes");
  const rank = shape.length;
  const axes = (stated ?? shape.map((_, axis) => axis)).map((axis) => (axis < 0 ? axis + rank : axis));
  const before = shape.map(() => 0);
  const after = shape.map(() => 0);
  for (const [index, axis] of axes.entries()) {
    before[axis] = -(pads[index] ?? 0);
    after[axis] = -(pads[index + axes.length] ?? 0);
  }
  return c.ops.pad(dy, before, after);
});

export const depthToSpace: Rule = move(({ ops, node }, dy, shape) => {
  const blocksize = intAttribute(node, "blocksize", 1);
  if (stringAttribute(node, "mode", "DCR") === "DCR") return ops.op("SpaceToDepth", [dy], { blocksize });
  const [batch = 1, channels = 1, height = 1, width = 1] = shape;
  const cells = [batch, channels / blocksize ** 2, height, blocksize, width, blocksize];
  return ops.reshape(ops.transpose(ops.reshape(dy, cells), [0, 1, 3, 5, 2, 4]), shape);
});

export const spaceToDepth: Rule = move(({ ops, node }, dy) =>
  ops.op("DepthToSpace", [dy], { blocksize: intAttribute(node, "blocksize", 1), mode: "DCR" }),
);

/** Along one axis: each gradient is added where its element came from. */
export const gather: Rule = {
  backward: (c) => {
    const dy = c.gradient();
    if (dy === undefined || !c.wants(0)) return [];
    const { ops } = c;
    const shape = c.shapeOf(inputOf(c, 0));
    const stated = intAttribute(c.node, "axis", 0);
    const axis = stated < 0 ? stated + shape.length : stated;
    const indices = inputOf(c, 1);
    const places = c.shapeOf(indices);
    const length = shape[axis] ?? 1;
    const count = elementCount(places);
    // [before, count, after] -> [before, length, after] by a matrix with a 1 where an index names an element.
    const [before, after] = [elementCount(shape.slice(0, axis)), elementCount(shape.slice(axis + 1))];
    const constant = c.constantOf(indices);
    const known = constant === undefined ? undefined : numbersOf(constant);
    const flat = ops.reshape(dy, [before, count, after]);
    let chosen: string;
    if (known === undefined) {
      const from = ops.cast(ops.reshape(indices, [1, count]), "int64");
      const wrapped = ops.where(ops.op("Less", [from, ops.int64([0])]), ops.add(from, ops.int64([length])), from);
      const rows = ops.reshape(ops.int64(Array.from({ length }, (_, row) => row)), [length, 1]);
      chosen = ops.cast(ops.op("Equal", [rows, wrapped]), "float32");
    } else {
      const matrix = new Array<number>(length * count).fill(0);
      for (const [column, index] of known.entries()) matrix[(index < 0 ? index + length : index) * count + column] = 1;
      chosen = ops.float32([length, count], matrix);
    }
    return [ops.reshape(ops.matmul(chosen, flat), shape)];
  },
};
