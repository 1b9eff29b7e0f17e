// Consumers of a tensor that have to be cut together. Ways that part at a tensor and meet again at its scale, as the body
// and the shortcut of a residual block or the branches of a pyramid do, are one strand: to let one of them rest and the
// other run would mix two frames within a layer. Ways between which the scale changes, as around an encoder, are skips.

import type { Network } from "../network/index.ts";
import type { NodeSet } from "./region.ts";

/** Finds strands in one network. */
export class Strands {
  readonly #network: Network;
  readonly #data: NodeSet;
  readonly #areas: Float64Array;
  /** The first node that every way from a node leads through; -1 for none but the end. */
  readonly #meeting: Int32Array;

  constructor(network: Network, data: NodeSet, areas: Float64Array) {
    this.#network = network;
    this.#data = data;
    this.#areas = areas;
    this.#meeting = new Int32Array(data.length).fill(-1);
    const outputs = new Set(network.model.graph.outputs.map((output) => output.name));
    for (const position of [...data.keys()].reverse()) {
      if (data[position] !== 1 || network.index.node(position).outputs.some((name) => outputs.has(name))) continue;
      const [first, ...others] = this.#successors(position);
      if (first === undefined) continue;
      this.#meeting[position] = others.reduce((at, other) => this.#commonMeeting(at, other), first);
    }
  }

  /** Consumers of one tensor, in groups that are cut together. */
  of(consumers: readonly number[]): readonly (readonly number[])[] {
    const strands: number[][] = [];
    for (const consumer of consumers) {
      const joined = strands.filter((strand) => strand.some((other) => this.#belong(consumer, other)));
      const rest = strands.filter((strand) => !joined.includes(strand));
      strands.splice(0, strands.length, ...rest, [...joined.flat(), consumer]);
    }
    return strands.map((strand) => strand.toSorted((a, b) => a - b));
  }

  #successors(position: number): readonly number[] {
    const { index } = this.#network;
    const all = index.node(position).outputs.flatMap((name) => (name === "" ? [] : index.consumersOf(name)));
    return all.filter((consumer) => this.#data[consumer] === 1);
  }

  /** Where the ways from two nodes meet first; one of the two where the other leads to it; -1 at the end alone. */
  #commonMeeting(a: number, b: number): number {
    // Meetings lie behind, so the one that lies before the other moves on.
    while (a !== b && a !== -1 && b !== -1) {
      if (a < b) a = this.#meeting[a] ?? -1;
      else b = this.#meeting[b] ?? -1;
    }
    return a === b ? a : -1;
  }

  #belong(a: number, b: number): boolean {
    const meeting = this.#commonMeeting(a, b);
    if (meeting === -1) return false;
    const area = this.#areas[meeting];
    const seen = new Set([meeting]);
    const open = [a, b];
    for (let at = open.pop(); at !== undefined; at = open.pop()) {
      if (seen.has(at)) continue;
      if (this.#areas[at] !== area) return false;
      seen.add(at);
      open.push(...this.#successors(at));
    }
    return true;
  }
}
