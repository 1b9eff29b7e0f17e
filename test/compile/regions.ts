// Regions of a network that might rest.

import type { Network } from "../../src/network/index.ts";
import { behind, candidatesAt, groundOf } from "../../src/stages/candidates.ts";
import { membersOf, sizeOf, type NodeSet } from "../../src/stages/region.ts";

/** Distinct regions: those that the planner would look at, at all strides, and those behind every edge, good or bad. */
export function regionsOf(network: Network): readonly NodeSet[] {
  const ground = groundOf(network);
  const looked = [2, 4, 8].flatMap((stride) => candidatesAt(ground, stride).map(({ nodes }) => nodes));
  const tensors = network.index.nodes.flatMap(({ outputs }) => outputs).filter((name) => network.isData(name));
  const cut = tensors.flatMap((tensor) => {
    const consumers = network.index.consumersOf(tensor);
    const groups = [consumers, ...consumers.map((consumer) => [consumer])];
    return groups.map((group) => behind(ground, [{ tensor, consumers: group }]));
  });
  const distinct = new Map([...looked, ...cut].map((nodes) => [membersOf(nodes).join(), nodes]));
  return [...distinct.values()].filter((nodes) => sizeOf(nodes) > 0);
}
