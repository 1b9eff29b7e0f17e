// Nodes with tensors called differently. A tensor goes by another name where it is another version of the source's: what
// a branch makes, what a stage sees a frame late.

import type { Attribute, Graph, Node } from "../onnx/index.ts";

/** A node with tensors called differently, in the bodies that it carries, too. */
export function renamed(node: Node, names: ReadonlyMap<string, string>): Node {
  const to = (name: string): string => names.get(name) ?? name;
  if (names.size === 0) return node;
  return {
    ...node,
    inputs: node.inputs.map(to),
    outputs: node.outputs.map(to),
    attributes: new Map([...node.attributes].map(([name, attribute]) => [name, renamedAttribute(attribute, names)])),
  };
}

function renamedAttribute(attribute: Attribute, names: ReadonlyMap<string, string>): Attribute {
  const graph = (body: Graph): Graph => ({
    ...body,
    nodes: body.nodes.map((node) => renamed(node, names)),
    outputs: body.outputs.map((output) => ({ ...output, name: names.get(output.name) ?? output.name })),
  });
  switch (attribute.kind) {
    case "graph":
      return { kind: "graph", value: graph(attribute.value) };
    case "graphs":
      return { kind: "graphs", value: attribute.value.map(graph) };
    default:
      return attribute;
  }
}
