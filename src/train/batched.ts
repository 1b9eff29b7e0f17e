// A network for one image as a network for several. Networks that are built here take their batch when they are built;
// files have it written into their constants.

import { numbersOf, int64Tensor, tensorValue, type Graph, type Tensor, type Value } from "../onnx/index.ts";

/** Operators whose constant says a whole shape, and at which input. */
const shapeInputs: Readonly<Record<string, number>> = { Reshape: 1, Resize: 3, Expand: 1 };

/**
 * A graph of fixed shapes for batches of `count`: its image input and every constant shape that begins with 1 begin with
 * `count`. Whether the network then does as it did is for the caller to check: some reshape the batch away.
 */
export function batched(graph: Graph, count: number): Graph {
  if (count === 1) return graph;
  const initializers = new Map<string, Tensor>(graph.initializers);
  const nodes = graph.nodes.map((node) => {
    const position = shapeInputs[node.op];
    const name = position === undefined ? undefined : node.inputs[position];
    const tensor = name === undefined ? undefined : graph.initializers.get(name);
    const numbers = tensor?.dtype === "int64" ? numbersOf(tensor) : undefined;
    if (position === undefined || numbers === undefined || numbers.length < 3 || numbers[0] !== 1) return node;
    const own = `${name}/batch${count}`;
    initializers.set(own, int64Tensor([numbers.length], [count, ...numbers.slice(1)]));
    return { ...node, inputs: node.inputs.map((input, index) => (index === position ? own : input)) };
  });
  return {
    ...graph,
    nodes,
    initializers,
    inputs: graph.inputs.map((value) => withBatch(value, count)),
    outputs: graph.outputs.map((value) => withBatch(value, count)),
    values: [],
  };
}

function withBatch(value: Value, count: number): Value {
  if (value.type.kind !== "tensor") return value;
  const { dtype, shape } = value.type;
  return tensorValue(value.name, dtype, shape === undefined ? undefined : [count, ...shape.slice(1)]);
}
