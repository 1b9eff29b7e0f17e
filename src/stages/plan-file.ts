// A plan as JSON: to look at, to keep, to apply again. Nodes are known by their first output, which is unique in a file;
// a plan fits every size of the network that it was made from.

import { ClockworkError } from "../errors.ts";
import type { Network } from "../network/index.ts";
import { groundOf } from "./candidates.ts";
import { planFrom, type Plan } from "./plan.ts";
import { isSubset, membersOf, sizeOf, type NodeSet } from "./region.ts";

/** Version of the format. */
const version = 1;

/** What a plan looks like as JSON. */
export interface PlanFile {
  readonly format: "clockwork-plan";
  readonly version: number;
  readonly size: { readonly widthPx: number; readonly heightPx: number };
  readonly macs: number;
  readonly parameters: number;
  readonly milliseconds?: number;
  readonly stages: readonly StageFile[];
  readonly notes: readonly string[];
}

/** A stage as JSON. */
export interface StageFile {
  readonly index: number;
  readonly entry: string | null;
  readonly macs: number;
  readonly share: number;
  readonly milliseconds?: number;
  readonly segments: number;
  readonly held: readonly { readonly tensor: string; readonly shape: readonly number[]; readonly dtype: string }[];
  readonly scoreMap: string | null;
  /** First outputs of the stage's nodes, those of deeper stages included; `null` for stage 1, which has all. */
  readonly nodes: readonly string[] | null;
}

/** A plan as plain data for `JSON.stringify`. */
export function planToFile(plan: Plan, network: Network): PlanFile {
  return {
    format: "clockwork-plan",
    version,
    size: plan.size,
    macs: plan.macs,
    parameters: plan.parameters,
    ...(plan.milliseconds !== undefined && { milliseconds: plan.milliseconds }),
    stages: plan.stages.map((stage) => ({
      index: stage.index,
      entry: stage.entry,
      macs: stage.macs,
      share: stage.share,
      ...(stage.milliseconds !== undefined && { milliseconds: stage.milliseconds }),
      segments: stage.segments,
      held: stage.held,
      scoreMap: stage.scoreMap,
      nodes: stage.index === 1 ? null : membersOf(stage.nodes).map((position) => keyOf(network, position)),
    })),
    notes: plan.notes,
  };
}

/**
 * The plan of a file, for a network.
 * @param where what to call the file in errors
 * @throws ClockworkError `invalid-argument` where it is no plan, `uncuttable` where it does not fit the network
 */
export function planFromFile(file: unknown, network: Network, where = "plan"): Plan {
  const stages = checkedStages(file, where);
  const positions = new Map(network.index.nodes.map((_, position) => [keyOf(network, position), position]));
  const ground = groundOf(network);
  let parent: NodeSet = ground.data;
  const chain = stages.slice(1).map((names, depth) => {
    const set: NodeSet = new Uint8Array(network.index.nodes.length);
    for (const name of names) {
      const position = positions.get(name);
      if (position === undefined || ground.data[position] !== 1) {
        throw new ClockworkError(
          "uncuttable",
          `${where}: stage ${depth + 2} has a node that makes "${name}", which the network does not have; was it made from another network?`,
        );
      }
      set[position] = 1;
    }
    if (sizeOf(set) === 0 || !isSubset(set, parent)) {
      throw new ClockworkError("uncuttable", `${where}: expected stage ${depth + 2} to lie within stage ${depth + 1}`);
    }
    parent = set;
    return set;
  });
  return planFrom(ground, chain);
}

/** The node lists of a file; an empty one for stage 1. */
function checkedStages(file: unknown, where: string): readonly (readonly string[])[] {
  const fail = (problem: string): never => {
    throw new ClockworkError(
      "invalid-argument",
      `${where}: ${problem}; try saving it again with \`clockwork inspect --save\``,
    );
  };
  if (!isRecord(file) || file["format"] !== "clockwork-plan") return fail('expected "format": "clockwork-plan"');
  if (file["version"] !== version)
    return fail(`expected "version": ${version}, got ${JSON.stringify(file["version"])}`);
  const { stages } = file;
  if (!Array.isArray(stages) || stages.length === 0) return fail('expected a list "stages"');
  return stages.map((stage: unknown, depth): readonly string[] => {
    const nodes = isRecord(stage) ? stage["nodes"] : undefined;
    if (depth === 0) return [];
    if (!Array.isArray(nodes) || !nodes.every((name): name is string => typeof name === "string")) {
      return fail(`expected "stages[${depth}].nodes" to be a list of names`);
    }
    return nodes;
  });
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

function keyOf(network: Network, position: number): string {
  return network.index.node(position).outputs.find((output) => output !== "") ?? "";
}
