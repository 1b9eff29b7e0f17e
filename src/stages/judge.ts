// Whether a region is worth a clock of its own. A region that rests must save something, and what is computed afresh
// around it must have something newer and finer to add: otherwise holding it is only skipping frames.

import { nodeLabel } from "../onnx/index.ts";
import { isSubset, membersOf, segmentsOf, sizeOf, sumOver, without, type NodeSet } from "./region.ts";
import { shareOf, type Ground } from "./candidates.ts";

/** Why a region is no stage. */
export type Rejection =
  /** It has too little of the network's cost. */
  | { readonly reason: "small"; readonly share: number }
  /** Nothing outside joins what it holds with fresher data. */
  | { readonly reason: "no-join"; readonly share: number }
  /** What it is joined with is no finer than itself. */
  | { readonly reason: "no-detail"; readonly share: number; readonly join: string }
  /** It is not part of the stage around it. */
  | { readonly reason: "outside"; readonly share: number };

/** A region that can be a stage. */
export interface Verdict {
  readonly share: number;
  readonly segments: number;
  /** Share of the cost that rests, less a little for each further segment. */
  readonly score: number;
}

/** Least share of the network's cost that a stage has (measured on 26 networks). */
const leastShare = 0.1;

/** Least share of the network's cost that a stage spends at a quarter or less of the positions of what it is joined with. */
const leastDeepShare = 0.05;

/** Share that each further segment must be worth. */
const segmentPrice = 0.02;

/** Judges a region within a stage around it (`parent`: all data nodes for the first cut). */
export function judge(ground: Ground, set: NodeSet, parent: NodeSet): Verdict | Rejection {
  const share = shareOf(ground, set);
  if (!isSubset(set, parent) || sizeOf(set) === sizeOf(parent)) return { reason: "outside", share };
  if (share < leastShare) return { reason: "small", share };
  const joins = joinsOf(ground, set, parent);
  if (joins.length === 0) return { reason: "no-join", share };
  const deep = joins.some(({ freshArea }) => {
    const below = set.map((flag, index) => (flag === 1 && (ground.areas[index] ?? 0) <= freshArea / 4 ? 1 : 0));
    return sumOver(below, ground.costs) >= leastDeepShare * ground.totalCost;
  });
  if (!deep) return { reason: "no-detail", share, join: joins[0]?.label ?? "" };
  const segments = segmentsOf(ground.network.index, set, parent).length;
  return { share, segments, score: share - segmentPrice * (segments - 1) };
}

interface Join {
  readonly label: string;
  /** Working area of the finest fresh operand. */
  readonly freshArea: number;
}

/** Nodes of the parent, outside the region, that take both what it holds (or what follows from it) and fresh data. */
function joinsOf(ground: Ground, set: NodeSet, parent: NodeSet): readonly Join[] {
  const { network } = ground;
  const { index, input } = network;
  const stale = new Uint8Array(set.length);
  const joins: Join[] = [];
  for (const position of index.nodes.keys()) {
    if (ground.data[position] !== 1) continue;
    let freshArea = 0;
    for (const tensor of index.reads[position] ?? []) {
      const producer = index.producerOf(tensor);
      if (producer !== undefined && (set[producer] === 1 || stale[producer] === 1)) stale[position] = 1;
      else if (producer !== undefined && ground.data[producer] === 1) {
        freshArea = Math.max(freshArea, ground.areas[producer] ?? 0);
      } else if (tensor === input.name) freshArea = network.size.widthPx * network.size.heightPx;
    }
    const outside = set[position] !== 1 && parent[position] === 1;
    if (outside && stale[position] === 1 && freshArea > 0) {
      joins.push({ label: nodeLabel(index.node(position)), freshArea });
    }
  }
  return joins;
}

/** Whether a judgement lets a region be a stage. */
export function isVerdict(judgement: Verdict | Rejection): judgement is Verdict {
  return "score" in judgement;
}

/** Members of a stage that no deeper stage has: what it runs itself when it fires. */
export function ownNodes(stage: NodeSet, deeper: NodeSet | undefined): NodeSet {
  return deeper === undefined ? stage : without(stage, deeper);
}

/** Nodes that do not depend on anything that a region holds: fresh on every frame. */
export function freshOf(ground: Ground, set: NodeSet): NodeSet {
  const { index } = ground.network;
  const sources = membersOf(set).flatMap((position) => index.node(position).outputs);
  const stale = index.reach(sources);
  return ground.data.map((flag, position) => (flag === 1 && set[position] !== 1 && stale[position] !== 1 ? 1 : 0));
}
