// Whether a region is worth a clock of its own. A region that rests must save something, and what is computed afresh
// around it must have something newer and finer to add: otherwise holding it is only skipping frames.

import { nodeLabel } from "../onnx/index.ts";
import { isSubset, membersOf, segmentsOf, without, type NodeSet } from "./region.ts";
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

/** Judges regions of one network. What a region is by itself is looked up once, since a search asks again and again. */
export class Judge {
  readonly #ground: Ground;
  readonly #merits = new Map<NodeSet, Merits>();

  constructor(ground: Ground) {
    this.#ground = ground;
  }

  /** Judges a region within a stage around it (all data nodes for the first cut). */
  judge(set: NodeSet, parent: NodeSet): Verdict | Rejection {
    const { share, joins, deepBelow } = this.#meritsOf(set);
    if (!isSubset(set, parent) || isSubset(parent, set)) return { reason: "outside", share };
    if (share < leastShare) return { reason: "small", share };
    const within = joins.filter(({ position }) => parent[position] === 1);
    if (within.length === 0) return { reason: "no-join", share };
    if (!within.some(({ freshArea }) => freshArea >= deepBelow)) {
      const label = nodeLabel(this.#ground.network.index.node(within[0]?.position ?? 0));
      return { reason: "no-detail", share, join: label };
    }
    const segments = segmentsOf(this.#ground.network.index, set, parent).length;
    return { share, segments, score: share - segmentPrice * (segments - 1) };
  }

  #meritsOf(set: NodeSet): Merits {
    const known = this.#merits.get(set);
    if (known !== undefined) return known;
    const ground = this.#ground;
    const merits = { share: shareOf(ground, set), joins: joinsOf(ground, set), deepBelow: deepBelow(ground, set) };
    this.#merits.set(set, merits);
    return merits;
  }
}

/** What a region is whatever the stage around it. */
interface Merits {
  readonly share: number;
  readonly joins: readonly Join[];
  /** Least working area of fresh data against which enough of the region is deep. */
  readonly deepBelow: number;
}

interface Join {
  readonly position: number;
  /** Working area of the finest fresh operand. */
  readonly freshArea: number;
}

/** The area at a quarter of which, or less, a region spends the least share of a deep stage. */
function deepBelow(ground: Ground, set: NodeSet): number {
  const areaOf = (position: number): number => ground.areas[position] ?? 0;
  let missing = leastDeepShare * ground.totalCost;
  for (const position of membersOf(set).sort((a, b) => areaOf(a) - areaOf(b))) {
    missing -= ground.costs[position] ?? 0;
    if (missing <= 0) return 4 * areaOf(position);
  }
  return Number.POSITIVE_INFINITY;
}

/** Nodes outside of a region that take both what it holds (or what follows from it) and fresh data. */
function joinsOf(ground: Ground, set: NodeSet): readonly Join[] {
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
    if (set[position] !== 1 && stale[position] === 1 && freshArea > 0) joins.push({ position, freshArea });
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
