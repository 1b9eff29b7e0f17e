// Gradients of operators that pick or put single elements by index (ONNX standard: GatherElements, GatherND,
// ScatterElements, ScatterND, TopK), and of running sums. Picking and putting are each other's way back. Not Gather, which
// picks whole slices (shape.ts).

import { elementCount, intAttribute, stringAttribute } from "../../../onnx/index.ts";
import { inputOf, outputOf, refuse, type Backward, type Rule } from "../rule.ts";

function zeros({ ops }: Backward, shape: readonly number[]): string {
  const one = shape.map(() => 1);
  return ops.expand(ops.float32(one, [0]), shape);
}

/** Sums need an attribute that operator set 16 brought. */
function addition(c: Backward): { readonly reduction: "add" } {
  return c.ops.opset < 16 ? refuse(c, "operator set 16 or later", `${c.ops.opset}`) : { reduction: "add" };
}

/** Each gradient is added where its element came from. */
export const gatherElements: Rule = {
  backward: (c) => {
    const dy = c.gradient();
    if (dy === undefined || !c.wants(0)) return [];
    const axis = intAttribute(c.node, "axis", 0);
    const empty = zeros(c, c.shapeOf(inputOf(c, 0)));
    return [c.ops.op("ScatterElements", [empty, inputOf(c, 1), dy], { axis, ...addition(c) })];
  },
};

/** Each slice is added where it came from: by rows, since the engine's `ScatterND` loses additions to the same place. */
export const gatherNd: Rule = {
  backward: (c) => {
    const dy = c.gradient();
    if (dy === undefined || !c.wants(0)) return [];
    const batchDims = intAttribute(c.node, "batch_dims", 0);
    if (batchDims !== 0) refuse(c, "batch_dims 0", `${batchDims}`);
    const { ops } = c;
    const shape = c.shapeOf(inputOf(c, 0));
    const indices = inputOf(c, 1);
    const places = c.shapeOf(indices);
    const depth = places.at(-1) ?? 0;
    const count = elementCount(places.slice(0, -1));
    const [lead, size] = [shape.slice(0, depth), elementCount(shape.slice(depth))];
    const lengths = ops.int64(lead);
    const steps = ops.int64(lead.map((_, axis) => elementCount(lead.slice(axis + 1))));
    // Indices from the end are negative.
    const wrapped = ops.op("Mod", [ops.add(ops.reshape(indices, [count, depth]), lengths), lengths]);
    const rows = ops.reduceSum(ops.mul(wrapped, steps), [1]);
    const empty = zeros(c, [elementCount(lead), size]);
    const inputs = [empty, ops.expand(rows, [count, size]), ops.reshape(dy, [count, size])];
    return [ops.reshape(ops.op("ScatterElements", inputs, { axis: 0, ...addition(c) }), shape)];
  },
};

/** A rule of an operator that puts `updates` into `data`; both ways are left to the operators of its family. */
function putting(
  put: (c: Backward, data: string, updates: string) => string,
  pick: (c: Backward, from: string) => string,
): Rule {
  return {
    backward: (c) => {
      const dy = c.gradient();
      if (dy === undefined) return [];
      const reduction = stringAttribute(c.node, "reduction", "none");
      if (reduction !== "none" && reduction !== "add") refuse(c, "reduction none or add", reduction);
      // What was put over is lost; what was added to is not.
      const towardsData = (): string => (reduction === "add" ? dy : put(c, dy, zeros(c, c.shapeOf(inputOf(c, 2)))));
      return [c.wants(0) ? towardsData() : undefined, undefined, c.wants(2) ? pick(c, dy) : undefined];
    },
  };
}

/** Without a reduction, indices have to differ, as the standard asks. */
export const scatterElements: Rule = putting(
  (c, data, updates) =>
    c.ops.op("ScatterElements", [data, inputOf(c, 1), updates], { axis: intAttribute(c.node, "axis", 0) }),
  (c, from) => c.ops.op("GatherElements", [from, inputOf(c, 1)], { axis: intAttribute(c.node, "axis", 0) }),
);

/** Without a reduction, indices have to differ, as the standard asks. */
export const scatterNd: Rule = putting(
  (c, data, updates) => c.ops.op("ScatterND", [data, inputOf(c, 1), updates]),
  (c, from) => c.ops.op("GatherND", [from, inputOf(c, 1)]),
);

/** The values go back to where they were; the indices get nothing. */
export const topK: Rule = {
  backward: (c) => {
    const dy = c.gradient();
    if (dy === undefined || !c.wants(0)) return [];
    const axis = intAttribute(c.node, "axis", -1);
    // No place is picked twice.
    return [c.ops.op("ScatterElements", [zeros(c, c.shapeOf(inputOf(c, 0))), outputOf(c, 1), dy], { axis })];
  },
};

/** The running sum from the other end. */
export const cumSum: Rule = {
  backward: (c) => {
    const dy = c.gradient();
    if (dy === undefined || !c.wants(0)) return [];
    const exclusive = intAttribute(c.node, "exclusive", 0);
    const reverse = 1 - intAttribute(c.node, "reverse", 0);
    return [c.ops.op("CumSum", [dy, inputOf(c, 1)], { exclusive, reverse })];
  },
};
