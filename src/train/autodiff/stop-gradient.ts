// A tensor that is used but not differentiated through: an `Identity` with a mark in its metadata, which engines ignore.

import type { GraphBuilder, Node } from "../../onnx/index.ts";

const key = "clockwork.gradient";

/** Adds a node that passes a tensor on and no gradient back. */
export function stopGradient(builder: GraphBuilder, name: string, tensor: string): string {
  const node: Node = {
    name,
    op: "Identity",
    domain: "",
    inputs: [tensor],
    outputs: [name],
    attributes: new Map(),
    metadata: new Map([[key, "stop"]]),
  };
  builder.append([node]);
  return name;
}

/** Whether a node stops gradients. */
export function isStopped(node: Node): boolean {
  return node.metadata?.get(key) === "stop";
}
