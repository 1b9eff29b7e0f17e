// A region: a set of nodes of a network that could rest together. What it holds, where it is entered, in how many
// pieces it lies. Sets are flags by node index.

import type { Network } from "../network/index.ts";
import type { GraphIndex } from "../onnx/index.ts";

/** Flags by node index: 1 for members. */
export type NodeSet = Uint8Array;

/** Edges by which data enters: a tensor and the nodes of the region that read it. */
export interface Entry {
  readonly tensor: string;
  readonly consumers: readonly number[];
}

/** Number of members. */
export function sizeOf(set: NodeSet): number {
  return set.reduce((sum, flag) => sum + flag, 0);
}

/** Whether every member of `inner` is one of `outer`. */
export function isSubset(inner: NodeSet, outer: NodeSet): boolean {
  for (let index = 0; index < inner.length; index++) if (inner[index] === 1 && outer[index] !== 1) return false;
  return true;
}

/** Members of `set` that are not in `other`. */
export function without(set: NodeSet, other: NodeSet): NodeSet {
  return set.map((flag, index) => (flag === 1 && other[index] !== 1 ? 1 : 0));
}

/** Sum of a cost over the members. */
export function sumOver(set: NodeSet, costs: readonly number[]): number {
  let sum = 0;
  for (let index = 0; index < set.length; index++) if (set[index] === 1) sum += costs[index] ?? 0;
  return sum;
}

/** Indices of the members, ascending. */
export function membersOf(set: NodeSet): number[] {
  const members: number[] = [];
  for (let index = 0; index < set.length; index++) if (set[index] === 1) members.push(index);
  return members;
}

/** Nodes whose outputs depend on the frame. */
export function dataNodes(network: Network): NodeSet {
  return Uint8Array.from(network.index.nodes, (node) => (node.outputs.some((name) => network.isData(name)) ? 1 : 0));
}

/** Tensors that are made in a region and used outside of it: what it holds while it rests. */
export function heldBy(network: Network, set: NodeSet): readonly string[] {
  const outputs = new Set(network.model.graph.outputs.map((output) => output.name));
  return membersOf(set).flatMap((index) =>
    network.index
      .node(index)
      .outputs.filter(
        (name) =>
          name !== "" && (outputs.has(name) || network.index.consumersOf(name).some((consumer) => set[consumer] !== 1)),
      ),
  );
}

/** Bytes of what a region holds; infinite where it would have to hold what is no tensor. */
export function heldBytes(network: Network, set: NodeSet): number {
  const bytesOf = (name: string): number =>
    network.dtypeOf(name) === undefined ? Number.POSITIVE_INFINITY : network.bytesOf(name);
  return heldBy(network, set).reduce((sum, name) => sum + bytesOf(name), 0);
}

/** Edges by which data from outside enters a region, in topological order. */
export function entriesOf(network: Network, set: NodeSet): readonly Entry[] {
  const entries = new Map<string, number[]>();
  for (const index of membersOf(set)) {
    for (const tensor of network.index.reads[index] ?? []) {
      const producer = network.index.producerOf(tensor);
      if (!network.isData(tensor) || (producer !== undefined && set[producer] === 1)) continue;
      const consumers = entries.get(tensor);
      if (consumers === undefined) entries.set(tensor, [index]);
      else consumers.push(index);
    }
  }
  return [...entries].map(([tensor, consumers]) => ({ tensor, consumers }));
}

/**
 * The pieces in which a region has to be run, within the nodes of `body`: a piece ends where something outside has to
 * run before the region can go on. Members of a piece run together; pieces run in the order given.
 */
export function segmentsOf(index: GraphIndex, set: NodeSet, body?: NodeSet): readonly NodeSet[] {
  const phase = new Int32Array(index.nodes.length);
  const segments: NodeSet[] = [];
  for (const position of index.nodes.keys()) {
    if (body !== undefined && body[position] !== 1) continue;
    let now = 0;
    for (const tensor of index.reads[position] ?? []) {
      const producer = index.producerOf(tensor);
      if (producer === undefined || (body !== undefined && body[producer] !== 1)) continue;
      // Going back in counts one; what never was in the region has phase 0 and can go in first.
      const enters = set[position] === 1 && set[producer] !== 1 && (phase[producer] ?? 0) > 0;
      now = Math.max(now, (phase[producer] ?? 0) + (enters ? 1 : 0));
    }
    if (set[position] === 1) now = Math.max(now, 1);
    phase[position] = now;
    if (set[position] !== 1) continue;
    const segment = (segments[now - 1] ??= new Uint8Array(index.nodes.length));
    segment[position] = 1;
  }
  return segments.filter((segment) => segment !== undefined);
}
