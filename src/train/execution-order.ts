// The order in which ONNX Runtime executes the nodes of a graph on one processor (its execution order "default"):
// depth first from the nodes whose outputs no node reads, against the edges; of several, the one that is later in the
// file comes first. ONNX Runtime, core/graph/graph_viewer.cc, GraphViewer::GraphViewer. Not what a parallel executor does.

import { GraphIndex, type Graph, type Node } from "../onnx/index.ts";

/**
 * Nodes in the order of execution.
 * @throws ClockworkError `invalid-model` where tensors are produced twice, missing, or in a cycle
 */
export function executionOrder(graph: Graph): readonly Node[] {
  const index = new GraphIndex(graph);
  const sources = index.nodes.map((_, at) => {
    const origins = (index.reads[at] ?? []).flatMap((tensor) => index.producerOf(tensor) ?? []);
    return [...new Set(origins)].sort((a, b) => a - b);
  });
  const isLeaf = index.nodes.map(({ outputs }) => outputs.every((output) => index.consumersOf(output).length === 0));
  const order: Node[] = [];
  const seen = new Uint8Array(index.nodes.length);
  const stack = isLeaf.flatMap((leaf, at) => (leaf ? [{ at, leaves: false }] : []));
  for (let top = stack.pop(); top !== undefined; top = stack.pop()) {
    const { at, leaves } = top;
    if (leaves) order.push(index.node(at));
    if (leaves || seen[at] === 1) continue;
    seen[at] = 1;
    stack.push({ at, leaves: true });
    for (const source of sources[at] ?? []) if (seen[source] === 0) stack.push({ at: source, leaves: false });
  }
  return order;
}
