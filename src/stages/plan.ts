// The plan: how a network is cut into stages, what each costs and holds, and why it is not cut further.
// Planning looks and decides; compile/ acts on the plan and decides nothing.

import { ClockworkError } from "../errors.ts";
import type { Network, Size } from "../network/index.ts";
import { nodeLabel, type DType } from "../onnx/index.ts";
import { behind, candidatesAt, groundOf, peel, type Candidate, type Ground } from "./candidates.ts";
import type { Cut } from "./cut.ts";
import { freshOf, isVerdict, Judge, ownNodes, type Rejection, type Verdict } from "./judge.ts";
import {
  entriesOf,
  heldBy,
  isSubset,
  membersOf,
  segmentsOf,
  sizeOf,
  sumOver,
  without,
  type Entry,
  type NodeSet,
} from "./region.ts";

/** A tensor that a stage keeps while it rests. */
export interface Held {
  readonly tensor: string;
  readonly shape: readonly number[];
  readonly dtype: DType;
}

/** What an adaptive clock of a stage can watch, computed by the stage around it. */
export type Watch =
  /** A score map: the share of its labels that changed. */
  | { readonly kind: "labels"; readonly tensor: string }
  /** Features that enter the stage: how much they changed, relative to their size. */
  | { readonly kind: "features"; readonly tensor: string };

/** A part of a network with one clock. Stage 1 has everything; each further stage lies within the one before. */
export interface Stage {
  /** From 1, the shallowest. */
  readonly index: number;
  /** The edges by which data enters, as `tensor -> node, node; ...`; `null` for stage 1. */
  readonly entry: string | null;
  /** Nodes, those of deeper stages included. */
  readonly nodes: NodeSet;
  /** Multiply-accumulates, those of deeper stages left out. */
  readonly macs: number;
  /** `macs` as a share of the network's. */
  readonly share: number;
  /** Measured time of the nodes of `macs`, where it was asked for. */
  readonly milliseconds?: number;
  /** Pieces in which the stage runs, all on its clock. */
  readonly segments: number;
  /** Empty for stage 1, which rests only together with its result. */
  readonly held: readonly Held[];
  /** A tensor with one channel per class that this stage computes afresh whenever it fires; `null` without one. */
  readonly scoreMap: string | null;
  /** What an adaptive clock of this stage watches; `null` for stage 1. */
  readonly watch: Watch | null;
}

/** How a network is cut. */
export interface Plan {
  readonly size: Size;
  /** Multiply-accumulates of the whole network. */
  readonly macs: number;
  readonly parameters: number;
  /** Measured time of the whole network, where it was asked for. */
  readonly milliseconds?: number;
  readonly stages: readonly Stage[];
  /** What a user should know: why there are fewer stages than wanted, what is unusual. */
  readonly notes: readonly string[];
}

/** How to plan. */
export interface PlanOptions {
  /** Wanted number of stages; default 2, 1 is the whole network. Fewer come out where the network has no more. */
  readonly stages?: number;
  /** Explicit cuts, shallowest first: one per stage after the first. */
  readonly cuts?: readonly Cut[];
  /** Measured milliseconds of each node, by index: the cost to choose by, in place of MACs. */
  readonly milliseconds?: readonly number[];
}

/** Strides at which stages are looked for; the finer one where the coarser finds too little. */
const strides = { usual: 8, finer: 4, finerBelow: 0.2 } as const;

/** Largest number of stages that is looked for. */
const stageLimit = 6;

/**
 * Cuts a network.
 * @throws ClockworkError `invalid-argument` for a number of stages outside 1..6, `uncuttable` for an explicit cut that
 *   leaves nothing to rest or nothing to run
 */
export function planOf(network: Network, options: PlanOptions = {}): Plan {
  const wanted = options.cuts !== undefined ? options.cuts.length + 1 : (options.stages ?? 2);
  if (!Number.isInteger(wanted) || wanted < 1 || wanted > stageLimit) {
    throw new ClockworkError(
      "invalid-argument",
      `stages: expected a whole number from 1 to ${stageLimit}, got ${wanted}`,
    );
  }
  const ground = groundOf(network, options.milliseconds);
  const notes: string[] = [];
  const chain =
    options.cuts !== undefined ? explicitChain(ground, options.cuts, notes) : bestChain(ground, wanted, notes);
  return planFrom(ground, chain, notes);
}

/** The plan of a network whose stages after the first are the regions of a chain, each within the one before. */
export function planFrom(ground: Ground, chain: readonly NodeSet[], notes: readonly string[] = []): Plan {
  const { network, milliseconds } = ground;
  const sets = [ground.data, ...chain];
  const stages = sets.map((set, depth) => describe(ground, sets, depth, set));
  const watches = stages.flatMap(({ index, watch }) =>
    watch?.kind === "features"
      ? [
          `stage ${index - 1} makes no score map: an adaptive clock of stage ${index} watches the relative change of ${watch.tensor}`,
        ]
      : [],
  );
  return {
    size: network.size,
    macs: network.totalMacs,
    parameters: network.parameters,
    ...(milliseconds !== undefined && { milliseconds: ground.totalCost }),
    stages,
    notes: [...notes, ...watches],
  };
}

/** The nested regions that rest most together, deepest last. */
function bestChain(ground: Ground, wanted: number, notes: string[]): readonly NodeSet[] {
  if (wanted === 1) return [];
  const judge = new Judge(ground);
  const usual = candidatesAt(ground, strides.usual);
  let found = search(ground, judge, usual, wanted - 1);
  let tried = usual;
  if ((found.at(0)?.verdict.share ?? 0) < strides.finerBelow) {
    const finer = candidatesAt(ground, strides.finer);
    const other = search(ground, judge, finer, wanted - 1);
    tried = [...usual, ...finer];
    if ((other.at(0)?.verdict.score ?? 0) > (found.at(0)?.verdict.score ?? 0)) found = other;
  }
  if (found.length < wanted - 1) {
    const parent = found.at(-1)?.nodes ?? ground.data;
    notes.push(`${found.length + 1} of ${wanted} stages: ${whyNot(ground, judge, tried, parent, found.length + 1)}`);
  }
  return found.map(({ nodes }) => nodes);
}

interface Link {
  readonly nodes: NodeSet;
  readonly verdict: Verdict;
}

/** Candidates looked at for the deeper stages of one chain, best first: enough, and the search stays small. */
const breadth = 24;

/** The longest chain of nested stages, up to `depth`; among those the one with the largest sum of scores. */
function search(ground: Ground, judge: Judge, candidates: readonly Candidate[], depth: number): readonly Link[] {
  // What comes below a region does not depend on how the search came to it.
  const found = Array.from({ length: depth }, () => new Map<NodeSet, readonly Link[]>());
  const below = (parent: NodeSet, remaining: number): readonly Link[] => {
    const chain = found[remaining]?.get(parent) ?? extend(parent, remaining);
    found[remaining]?.set(parent, chain);
    return chain;
  };
  const extend = (parent: NodeSet, remaining: number): readonly Link[] => {
    const links = candidates
      .map(({ nodes }) => ({ nodes, verdict: judge.judge(nodes, parent) }))
      .filter((link): link is Link => isVerdict(link.verdict))
      .sort((a, b) => b.verdict.score - a.verdict.score || sizeOf(b.nodes) - sizeOf(a.nodes));
    if (remaining === 1) return links.slice(0, 1);
    let best: readonly Link[] = [];
    for (const link of links.slice(0, breadth)) {
      const chain = [link, ...below(link.nodes, remaining - 1)];
      if (chain.length > best.length || (chain.length === best.length && scoreOf(chain) > scoreOf(best))) best = chain;
    }
    return best;
  };
  return extend(ground.data, depth);
}

function scoreOf(chain: readonly Link[]): number {
  return chain.reduce((sum, link) => sum + link.verdict.score, 0);
}

/** Says in a sentence why no further stage was found, from the largest region that was turned down. */
function whyNot(
  ground: Ground,
  judge: Judge,
  candidates: readonly Candidate[],
  parent: NodeSet,
  stage: number,
): string {
  const around = stage === 1 ? "the network" : `stage ${stage}`;
  const rejections = candidates
    .map(({ nodes }) => ({ nodes, verdict: judge.judge(nodes, parent) }))
    .filter((item): item is { nodes: NodeSet; verdict: Rejection } => !isVerdict(item.verdict))
    .filter(({ verdict }) => verdict.reason !== "outside")
    .sort((a, b) => b.verdict.share - a.verdict.share);
  const largest = rejections[0];
  if (largest === undefined) return `${around} has no part at stride ${strides.usual} or deeper that could rest`;
  const entry = entryText(ground.network, entriesOf(ground.network, largest.nodes));
  const percent = `${(100 * largest.verdict.share).toFixed(1)} %`;
  switch (largest.verdict.reason) {
    case "small":
      return `the largest part of ${around} that could rest (behind ${entry}) has only ${percent} of the cost`;
    case "no-join":
      return (
        `the part of ${around} behind ${entry} (${percent} of the cost) leads straight to the result: ` +
        `no skip joins it with fresher data, so letting it rest would be skipping frames`
      );
    default:
      return (
        `the part of ${around} behind ${entry} (${percent} of the cost) is joined with nothing finer than itself, ` +
        `so letting it rest would be skipping frames`
      );
  }
}

/** Regions behind explicit cuts. */
function explicitChain(ground: Ground, cuts: readonly Cut[], notes: string[]): readonly NodeSet[] {
  const judge = new Judge(ground);
  const chain: NodeSet[] = [];
  for (const [position, cut] of cuts.entries()) {
    const { text } = cut;
    const parent = chain.at(-1) ?? ground.data;
    const nodes = peel(ground, behind(ground, cut.entriesIn(ground.network)));
    if (sizeOf(nodes) === 0) {
      throw new ClockworkError(
        "uncuttable",
        `cut "${text}": expected edges that some part of the network depends on alone, got edges that other paths go around; ` +
          `try cutting those paths too, as "tensor->node; tensor->node"`,
      );
    }
    if (!isSubset(nodes, parent)) {
      throw new ClockworkError(
        "uncuttable",
        `cut "${text}": expected a part of stage ${position + 1}, got nodes outside of it; try giving the cuts shallowest first`,
      );
    }
    const judgement = judge.judge(nodes, parent);
    if (!isVerdict(judgement)) {
      notes.push(
        `stage ${position + 2} (cut "${text}") ${
          judgement.reason === "small"
            ? `has only ${(100 * judgement.share).toFixed(1)} % of the cost`
            : "is joined with nothing fresher and finer than itself: letting it rest is skipping frames"
        }`,
      );
    }
    chain.push(nodes);
  }
  return chain;
}

function describe(ground: Ground, sets: readonly NodeSet[], depth: number, set: NodeSet): Stage {
  const { network, milliseconds } = ground;
  const deeper = sets[depth + 1];
  const parent = sets[depth - 1];
  const own = ownNodes(set, deeper);
  const macs = sumOver(own, network.macs);
  const entries = entriesOf(network, set);
  return {
    index: depth + 1,
    entry: parent === undefined ? null : entryText(network, entries),
    nodes: set,
    macs,
    share: network.totalMacs === 0 ? 0 : macs / network.totalMacs,
    ...(milliseconds !== undefined && { milliseconds: sumOver(own, milliseconds) }),
    segments: parent === undefined ? 1 : segmentsOf(network.index, set, parent).length,
    held:
      parent === undefined
        ? []
        : heldBy(network, set).map((tensor) => ({
            tensor,
            shape: network.shapeOf(tensor) ?? [],
            dtype: network.dtypeOf(tensor) ?? "undefined",
          })),
    scoreMap: scoreMapOf(ground, own, deeper),
    watch: parent === undefined ? null : watchOf(ground, without(parent, set), set, entries),
  };
}

function watchOf(ground: Ground, around: NodeSet, set: NodeSet, entries: readonly Entry[]): Watch | null {
  const scores = scoreMapOf(ground, around, set);
  if (scores !== null) return { kind: "labels", tensor: scores };
  const typed = (pattern: RegExp): Entry | undefined =>
    entries.find(({ tensor }) => pattern.test(ground.network.dtypeOf(tensor) ?? ""));
  // Quantised features where there are no others.
  const features = typed(/^float/) ?? typed(/^u?int8$/);
  return features === undefined ? null : { kind: "features", tensor: features.tensor };
}

/** The deepest map with one channel per class among nodes that are fresh with respect to the stage below them. */
function scoreMapOf(ground: Ground, own: NodeSet, deeper: NodeSet | undefined): string | null {
  const { network } = ground;
  const classes = network.output.kind === "foreground" ? undefined : network.output.classes;
  if (classes === undefined || classes < 2) return null;
  const fresh = deeper === undefined ? own : freshOf(ground, deeper);
  const maps = membersOf(own).filter((position) => {
    if (fresh[position] !== 1) return false;
    const node = network.index.node(position);
    const [output = ""] = node.outputs;
    const shape = network.shapeOf(output) ?? [];
    const map = shape.length === 4 && shape[1] === classes && (shape[2] ?? 1) > 1 && (shape[3] ?? 1) > 1;
    return map && output !== network.output.name && network.dtypeOf(output)?.startsWith("float") === true;
  });
  const weighted = maps.filter((position) => (network.macs[position] ?? 0) > 0);
  const pool = weighted.length > 0 ? weighted : maps;
  // Coarsest first, then latest: what is upsampled says nothing new.
  const [best] = pool.sort((a, b) => (ground.areas[a] ?? 0) - (ground.areas[b] ?? 0) || b - a);
  return best === undefined ? null : (network.index.node(best).outputs[0] ?? null);
}

/** Entries as people read them, and as `--cut` takes them. */
function entryText(network: Network, entries: readonly Entry[]): string {
  return entries
    .map(({ tensor, consumers }) => {
      const labels = consumers.map((consumer) => nodeLabel(network.index.node(consumer)));
      return `${tensor} -> ${labels.join(", ")}`;
    })
    .join("; ");
}
