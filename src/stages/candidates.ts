// Where a network might be cut: every region that could rest, before any is judged.
// Two families, since each finds what the other misses: what is behind a group of edges, and what works at a scale.

import type { Network } from "../network/index.ts";
import { intsAttribute, type Node } from "../onnx/index.ts";
import { atStride, workingAreas } from "./area.ts";
import { dataNodes, heldBytes, membersOf, sizeOf, sumOver, type Entry, type NodeSet } from "./region.ts";
import { Strands } from "./strands.ts";

/** A region that could rest, and how it was found. */
export interface Candidate {
  readonly nodes: NodeSet;
  readonly family: "edges" | "scale" | "cut";
}

/** What candidates are made from. */
export interface Ground {
  readonly network: Network;
  /** Nodes that depend on the frame. */
  readonly data: NodeSet;
  /** Working area of each node. */
  readonly areas: Float64Array;
  /** Cost of each node: MACs or milliseconds. */
  readonly costs: readonly number[];
  readonly totalCost: number;
  /** Measured milliseconds of each node, where they are the cost. */
  readonly milliseconds: readonly number[] | undefined;
}

/** What candidates of a network are made from; it costs MACs unless its nodes were measured. */
export function groundOf(network: Network, milliseconds?: readonly number[]): Ground {
  const costs = milliseconds ?? network.macs;
  return {
    network,
    data: dataNodes(network),
    areas: workingAreas(network),
    costs,
    totalCost: costs.reduce((sum, cost) => sum + cost, 0),
    milliseconds,
  };
}

/** A region with less of the network's cost is not looked at. */
const smallestShare = 0.02;

/** Tensors with more strands than this are not tried with every subset of them. */
const subsetLimit = 4;

/** All distinct candidates whose nodes work at `stride` or coarser. */
export function candidatesAt(ground: Ground, stride: number): readonly Candidate[] {
  const seen = new Set<string>();
  const found = new Map<string, Candidate>();
  const add = (nodes: NodeSet, family: Candidate["family"]): void => {
    const clipped = nodes.map((flag, index) =>
      flag === 1 && atStride(ground.areas[index] ?? 0, stride, ground.network) ? 1 : 0,
    );
    const before = membersOf(clipped).join();
    if (seen.has(before) || shareOf(ground, clipped) < smallestShare) return;
    seen.add(before);
    const region = peel(ground, clipped);
    const key = membersOf(region).join();
    if (key === "" || found.has(key) || heldBytes(ground.network, region) === Number.POSITIVE_INFINITY) return;
    found.set(key, { nodes: region, family });
  };
  for (const entry of entryCandidates(ground)) add(behind(ground, [entry]), "edges");
  for (const scale of [stride, 2 * stride, 4 * stride]) add(enclosed(ground, scale), "scale");
  return [...found.values()];
}

/** Every tensor with every group of its strands that might be an entry. */
function* entryCandidates(ground: Ground): Generator<Entry> {
  const { index, input } = ground.network;
  const tensors = [input.name, ...membersOf(ground.data).flatMap((position) => index.node(position).outputs)];
  const strands = new Strands(ground.network, ground.data, ground.areas);
  for (const tensor of tensors) {
    const consumers = index.consumersOf(tensor).filter((consumer) => ground.data[consumer] === 1);
    for (const group of groupsOf(strands.of(consumers))) yield { tensor, consumers: group.flat() };
  }
}

/** Every subset, or where these would be many the whole, the single items and the whole without each of them. */
function groupsOf<T>(items: readonly T[]): readonly (readonly T[])[] {
  if (items.length <= subsetLimit) {
    const count = 2 ** items.length;
    return Array.from({ length: count - 1 }, (_, mask) => items.filter((_, bit) => ((mask + 1) >> bit) & 1));
  }
  return [items, ...items.map((item) => [item]), ...items.map((item) => items.filter((other) => other !== item))];
}

/** Nodes that the image reaches no more once the entries are cut: what they dominate. */
export function behind(ground: Ground, entries: readonly Entry[]): NodeSet {
  const cut = new Map(entries.map((entry) => [entry.tensor, new Set(entry.consumers)]));
  const reached = ground.network.index.reach(
    [ground.network.input.name],
    (tensor, consumer) => cut.get(tensor)?.has(consumer) !== true,
  );
  return ground.data.map((flag, index) => (flag === 1 && reached[index] !== 1 ? 1 : 0));
}

/** Nodes at a stride or coarser, and finer ones that lie between them on every path. */
function enclosed(ground: Ground, stride: number): NodeSet {
  const { index } = ground.network;
  const set = ground.data.map((flag, position) =>
    flag === 1 && atStride(ground.areas[position] ?? 0, stride, ground.network) ? 1 : 0,
  );
  const outputs = new Set(ground.network.model.graph.outputs.map((output) => output.name));
  const before = new Uint8Array(set.length);
  for (const position of index.nodes.keys()) {
    const reads = (index.reads[position] ?? []).filter((tensor) => ground.network.isData(tensor));
    const only = reads.every((tensor) => {
      const producer = index.producerOf(tensor);
      return producer !== undefined && (set[producer] === 1 || before[producer] === 1);
    });
    before[position] = reads.length > 0 && only ? 1 : 0;
  }
  const after = new Uint8Array(set.length);
  for (const position of [...index.nodes.keys()].reverse()) {
    const names = index.node(position).outputs.filter((name) => name !== "");
    const only = names.every(
      (name) =>
        !outputs.has(name) && index.consumersOf(name).every((consumer) => set[consumer] === 1 || after[consumer] === 1),
    );
    after[position] = only ? 1 : 0;
  }
  return set.map((flag, position) => (flag === 1 || (before[position] === 1 && after[position] === 1) ? 1 : 0));
}

/** Share of the network's cost that may leave a region to make what it holds smaller. */
const peelShare = 0.01;

/** Operators that work on each position alone and keep the shape. */
const pointwise = new Set([
  "Relu",
  "LeakyRelu",
  "PRelu",
  "Clip",
  "Sigmoid",
  "HardSigmoid",
  "HardSwish",
  "Tanh",
  "Elu",
  "Selu",
  "Gelu",
  "Erf",
  "Softmax",
  "BatchNormalization",
  "Add",
  "Sub",
  "Mul",
  "Div",
  "Identity",
  "Cast",
  "Dropout",
]);

/**
 * A region without its tail, where that makes what it holds smaller or fit to be moved: upsampling leaves always (each
 * phase of a strided transposed convolution is different, so its output must not be held), the rest where the held
 * bytes shrink and little cost goes with it.
 */
export function peel(ground: Ground, region: NodeSet): NodeSet {
  const { network } = ground;
  const set = region.slice();
  let spent = 0;
  for (let again = true; again;) {
    again = false;
    for (const position of membersOf(set).reverse()) {
      if (set[position] !== 1 || !isTail(network, set, position)) continue;
      const bytes = heldBytes(network, set);
      const trial = set.slice();
      let cost = 0;
      // Up along the chain that ends here, as far as a reason to peel might be.
      for (let at: number | undefined = position; at !== undefined && trial[at] === 1 && isTail(network, trial, at);) {
        trial[at] = 0;
        cost += ground.costs[at] ?? 0;
        const upsampling = isUpsampling(network, network.index.node(at));
        const shrinks =
          heldBytes(network, trial) < bytes && spent + cost <= peelShare * ground.totalCost && sizeOf(trial) > 0;
        if (upsampling || shrinks) {
          set.set(trial);
          if (!upsampling) spent += cost;
          again = true;
          break;
        }
        at = pointwise.has(network.index.node(at).op) ? singleProducer(network, at) : undefined;
      }
    }
  }
  return set;
}

/** Whether nothing in the region uses a node's outputs. */
function isTail(network: Network, set: NodeSet, position: number): boolean {
  return network.index
    .node(position)
    .outputs.every((name) => network.index.consumersOf(name).every((consumer) => set[consumer] !== 1));
}

/** The node that makes the only data that a node reads; `undefined` where there are more. */
function singleProducer(network: Network, position: number): number | undefined {
  const data = (network.index.reads[position] ?? []).filter((tensor) => network.isData(tensor));
  return data.length === 1 ? network.index.producerOf(data[0] ?? "") : undefined;
}

/** Whether a node puts out more positions than go in. */
function isUpsampling(network: Network, node: Node): boolean {
  switch (node.op) {
    case "ConvTranspose":
      return (intsAttribute(node, "strides") ?? []).some((stride) => stride > 1);
    case "DepthToSpace":
    case "MaxUnpool":
      return true;
    case "Resize":
    case "Upsample": {
      const before = network.shapeOf(node.inputs[0] ?? "") ?? [];
      const after = network.shapeOf(node.outputs[0] ?? "") ?? [];
      return after.some((dim, axis) => dim > (before[axis] ?? dim));
    }
    default:
      return false;
  }
}

/** Cost of a region as a share of the network's. */
export function shareOf(ground: Ground, set: NodeSet): number {
  return ground.totalCost === 0 ? 0 : sumOver(set, ground.costs) / ground.totalCost;
}
