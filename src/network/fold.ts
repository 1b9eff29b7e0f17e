// A network for one frame size: what depends on nothing but the size becomes a constant, with the value that the engine
// itself computed, so that nothing changes to the bit. Weights that are computed from weights are left as they are.

import {
  float32Tensor,
  ofBytes,
  tensorsReadBy,
  type Graph,
  type GraphIndex,
  type Node,
  type Tensor,
  type Value,
} from "../onnx/index.ts";
import type { Probe } from "./probe.ts";

/**
 * The graph with the size's constants folded in and nodes that nothing needs any more left out.
 * @param image the image input, of fixed shape
 * @param outputs outputs to keep
 */
export function fold(index: GraphIndex, probe: Probe, image: Value, outputs: readonly Value[]): Graph {
  const { graph } = index;
  const constants = new Map(graph.initializers);
  const nodes: Node[] = [];
  for (const node of index.nodes) {
    const values = node.outputs.map((name) => constantOf(node) ?? probe.sized.get(name));
    if (values.every((value) => value !== undefined)) {
      for (const [position, value] of values.entries()) constants.set(node.outputs[position] ?? "", value);
    } else {
      nodes.push(node);
    }
  }
  const needed = new Set(outputs.map((output) => output.name));
  const kept: Node[] = [];
  for (const node of nodes.reverse()) {
    if (!node.outputs.some((name) => needed.has(name))) continue;
    for (const name of tensorsReadBy(node)) needed.add(name);
    kept.push(node);
  }
  return {
    ...graph,
    nodes: kept.reverse(),
    // Files of IR version 3 list constants among the inputs, too: one that is left out must not become an input.
    inputs: graph.inputs
      .filter((input) => !graph.initializers.has(input.name))
      .map((input) => (input.name === image.name ? image : input)),
    outputs,
    initializers: new Map([...constants].filter(([name]) => needed.has(name))),
    values: [],
  };
}

/** The value of a `Constant` node; `undefined` for other nodes, and for sparse and text constants. */
function constantOf(node: Node): Tensor | undefined {
  if (node.op !== "Constant" || node.domain !== "") return undefined;
  for (const [name, attribute] of node.attributes) {
    if (name === "value" && attribute.kind === "tensor") return attribute.value;
    if (attribute.kind === "float") return float32Tensor([], [attribute.value]);
    if (attribute.kind === "floats") return float32Tensor([attribute.value.length], attribute.value);
    // "To the end" of a slice is the largest int64, which no number of JavaScript holds.
    if (attribute.kind === "int") return ofBytes("int64", [], BigInt64Array.of(attribute.value));
    if (attribute.kind === "ints") {
      return ofBytes("int64", [attribute.value.length], BigInt64Array.from(attribute.value));
    }
  }
  return undefined;
}
