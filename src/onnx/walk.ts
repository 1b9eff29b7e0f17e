// Who makes a tensor, who uses it, in which order: the questions that every analysis of a graph asks.

import { ClockworkError } from "../errors.ts";
import { subgraphsOf } from "./attribute.ts";
import { nodeLabel, type Graph, type Node } from "./model.ts";

/**
 * Tensors that a node reads: its inputs, and what the bodies it carries take from around them.
 * Each name once, "" left out.
 */
export function tensorsReadBy(node: Node): readonly string[] {
  const names = new Set(node.inputs);
  for (const body of subgraphsOf(node)) for (const name of capturesOf(body)) names.add(name);
  names.delete("");
  return [...names];
}

/** Tensors that a body reads from the graphs around it. */
export function capturesOf(body: Graph): ReadonlySet<string> {
  const own = new Set(givenIn(body));
  for (const node of body.nodes) for (const output of node.outputs) own.add(output);
  const captures = new Set<string>();
  for (const node of body.nodes) for (const name of tensorsReadBy(node)) if (!own.has(name)) captures.add(name);
  for (const output of body.outputs) if (!own.has(output.name)) captures.add(output.name);
  return captures;
}

/** Tensors that are in a graph without a node of it making them: inputs and constants. */
function givenIn(graph: Graph): readonly string[] {
  return [
    ...graph.inputs.map((input) => input.name),
    ...graph.initializers.keys(),
    ...(graph.sparseInitializers ?? []).map((sparse) => sparse.values?.name ?? ""),
  ];
}

/** Every name that a graph or a body in it gives to a tensor. */
export function namesIn(graph: Graph): ReadonlySet<string> {
  const names = new Set(givenIn(graph));
  for (const node of graph.nodes) {
    for (const output of node.outputs) names.add(output);
    for (const body of subgraphsOf(node)) for (const name of namesIn(body)) names.add(name);
  }
  return names;
}

/** The nodes of a graph with the edges between them. Nodes are known by their index in `nodes`. */
export class GraphIndex {
  readonly graph: Graph;
  /** In topological order. */
  readonly nodes: readonly Node[];
  /** Tensors that each node reads, constants included. */
  readonly reads: readonly (readonly string[])[];
  readonly #producers = new Map<string, number>();
  readonly #consumers = new Map<string, number[]>();

  /** @throws ClockworkError `invalid-model` where tensors are produced twice, missing, or in a cycle */
  constructor(graph: Graph) {
    this.graph = graph;
    this.nodes = topologicalOrder(graph);
    this.reads = this.nodes.map(tensorsReadBy);
    for (const [index, node] of this.nodes.entries()) {
      for (const output of node.outputs) if (output !== "") this.#producers.set(output, index);
      for (const name of this.reads[index] ?? []) {
        const list = this.#consumers.get(name);
        if (list === undefined) this.#consumers.set(name, [index]);
        else list.push(index);
      }
    }
  }

  /** Index of the node that makes a tensor; `undefined` for inputs and initializers. */
  producerOf(tensor: string): number | undefined {
    return this.#producers.get(tensor);
  }

  /** Indices of the nodes that read a tensor, ascending. */
  consumersOf(tensor: string): readonly number[] {
    return this.#consumers.get(tensor) ?? [];
  }

  /** The node at an index. */
  node(index: number): Node {
    const node = this.nodes[index];
    if (node === undefined) throw new RangeError(`node ${index} of ${this.nodes.length}`);
    return node;
  }

  /** Index of the node that goes by a label (see `nodeLabel`); `undefined` where none does. */
  find(label: string): number | undefined {
    const index = this.nodes.findIndex((node) => nodeLabel(node) === label);
    return index === -1 ? this.producerOf(label) : index;
  }

  /**
   * Nodes that some of `sources` reach along edges that `passes` lets through: a flag per node.
   * An edge is a tensor and the node that reads it.
   */
  reach(sources: Iterable<string>, passes: (tensor: string, consumer: number) => boolean = () => true): Uint8Array {
    const reached = new Uint8Array(this.nodes.length);
    const live = new Set(sources);
    for (const [index, node] of this.nodes.entries()) {
      if (!(this.reads[index] ?? []).some((tensor) => live.has(tensor) && passes(tensor, index))) continue;
      reached[index] = 1;
      for (const output of node.outputs) live.add(output);
    }
    return reached;
  }
}

/**
 * Nodes in an order in which every tensor is produced before it is used; the given order where that is one already.
 * @throws ClockworkError `invalid-model` where a tensor is produced twice, by nothing, or from itself
 */
export function topologicalOrder(graph: Graph): readonly Node[] {
  const producers = new Map<string, Node>();
  const known = new Set(givenIn(graph));
  for (const node of graph.nodes) {
    for (const output of node.outputs) {
      if (output === "") continue;
      const other = producers.get(output);
      if (other !== undefined || known.has(output)) {
        throw new ClockworkError(
          "invalid-model",
          `graph: expected one origin of tensor "${output}", got node "${nodeLabel(node)}" and ` +
            (other === undefined ? "an input or initializer" : `node "${nodeLabel(other)}"`),
        );
      }
      producers.set(output, node);
    }
  }
  const state = new Map<Node, "open" | "done">();
  const order: Node[] = [];
  // Depth first with a stack of its own: graphs can be deeper than the call stack.
  for (const root of graph.nodes) {
    const stack: { node: Node; pending: string[] }[] = [];
    const open = (node: Node): void => {
      state.set(node, "open");
      stack.push({ node, pending: [...tensorsReadBy(node)].reverse() });
    };
    if (!state.has(root)) open(root);
    for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
      const name = top.pending.pop();
      if (name === undefined) {
        state.set(top.node, "done");
        order.push(top.node);
        stack.pop();
        continue;
      }
      const producer = producers.get(name);
      if (producer === undefined) {
        if (known.has(name)) continue;
        throw new ClockworkError(
          "invalid-model",
          `node "${nodeLabel(top.node)}" (${top.node.op}): expected tensor "${name}" to be produced in the graph, got nothing of that name`,
        );
      }
      const seen = state.get(producer);
      if (seen === "open") {
        throw new ClockworkError("invalid-model", `graph: expected no cycles, got one through tensor "${name}"`);
      }
      if (seen === undefined) open(producer);
    }
  }
  return order;
}
