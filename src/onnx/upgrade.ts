// The same network at a later operator set, where parts that are added need it. Between the sets from 11 to 17 most
// operators only took on more types; those whose meaning or form changed are rewritten here, node for node. What cannot be
// said the same way is refused. Sources: the operator changelog of ONNX (onnx.ai/onnx/operators).

import { ClockworkError } from "../errors.ts";
import { attributeOf, intAttribute, intsAttribute, subgraphsOf } from "./attribute.ts";
import { nodeLabel, type Attribute, type Graph, type Model, type Node, type Tensor } from "./model.ts";
import { int64Tensor } from "./tensor.ts";

/** Operator sets that can be left, and reached. */
const range = { from: 11, to: 17 } as const;

/**
 * A model at an operator set of at least `least`: itself where it is there already. Nodes keep their places, and compute
 * the same.
 * @throws ClockworkError `unsupported-model` where a node has no like there
 */
export function upgraded(model: Model, least: number): Model {
  const now = model.opsets.get("") ?? 0;
  if (now >= least) return model;
  if (now < range.from || least > range.to) {
    throw new ClockworkError(
      "unsupported-model",
      `operator set: expected one from ${range.from} to ${range.to}, got ${now}; try exporting the network with opset 17`,
    );
  }
  const initializers = new Map<string, Tensor>();
  const nodes = model.graph.nodes.map((node, position) => upgradedNode(node, position, now, initializers));
  const graph: Graph = {
    ...model.graph,
    nodes,
    initializers: new Map([...model.graph.initializers, ...initializers]),
  };
  return { ...model, opsets: new Map([...model.opsets, ["", least]]), graph };
}

/** Operators whose list of axes (or sizes) became an input in operator set 13. */
const listBecameInput: ReadonlyMap<string, string> = new Map([
  ["Squeeze", "axes"],
  ["Unsqueeze", "axes"],
  ["ReduceSum", "axes"],
  ["Split", "split"],
]);

function upgradedNode(node: Node, position: number, from: number, initializers: Map<string, Tensor>): Node {
  if (node.domain !== "" && node.domain !== "ai.onnx") return node;
  for (const body of subgraphsOf(node)) {
    for (const inner of body.nodes) {
      if (upgradedNode(inner, position, from, new Map()) !== inner) refuse(inner, "within a branch or loop");
    }
  }
  const { op, attributes } = node;
  if (from < 13) {
    const list = listBecameInput.get(op);
    const values = list === undefined ? undefined : intsAttribute(node, list);
    if (list !== undefined && values !== undefined) {
      const name = `clockwork/upgrade/${position}/${list}`;
      initializers.set(name, int64Tensor([values.length], values));
      return { ...node, inputs: [...node.inputs.slice(0, 1), name], attributes: without(attributes, list) };
    }
    // Up to set 12 all axes from this one on were taken together; with the last one that is the same as today.
    if (/^(Log)?Softmax$|^Hardmax$/.test(op) && intAttribute(node, "axis", 1) !== -1) {
      return refuse(node, "along an axis that is not the last, -1");
    }
  }
  if (from < 14 && op === "BatchNormalization" && node.outputs.filter((name) => name !== "").length > 1) {
    return refuse(node, "in training");
  }
  if (from < 16 && op === "RoiAlign" && !attributes.has("coordinate_transformation_mode")) {
    // The default moved by half a pixel.
    const mode = attributeOf("output_half_pixel");
    return { ...node, attributes: new Map([...attributes, ["coordinate_transformation_mode", mode]]) };
  }
  return node;
}

function without(attributes: ReadonlyMap<string, Attribute>, name: string): ReadonlyMap<string, Attribute> {
  return new Map([...attributes].filter(([other]) => other !== name));
}

function refuse(node: Node, how: string): never {
  throw new ClockworkError(
    "unsupported-model",
    `operator set: expected operators that later sets have alike, got ${node.op} "${nodeLabel(node)}" ${how}; ` +
      "try exporting the network with opset 17",
  );
}
