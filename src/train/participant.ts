// A network that takes part in a training step: its tensors under names of their own, and copies of its nodes on whatever
// it is applied to. Not what is learned from it (step-graph.ts).

import { ClockworkError } from "../errors.ts";
import { upgraded, type Attribute, type GraphBuilder, type Model, type Node } from "../onnx/index.ts";
import { weightsOf } from "./weights-of.ts";

/** A network that takes part in a step. */
export interface Participant {
  readonly name: string;
  readonly model: Model;
  /** Learned tensors: their names in the model, and in the step. */
  readonly weights: ReadonlyMap<string, string>;
  /** Running statistics likewise. */
  readonly statistics: ReadonlyMap<string, string>;
  /** How many times it was applied. */
  uses: number;
  /** Tensors of the step that have the statistics as they are now, by their names in the model. */
  readonly newest: Map<string, string>;
}

/** How a network takes part. */
export interface ParticipantOptions {
  /** Whether its weights stay as they are, and its normalisation uses the statistics it has. Default no. */
  readonly frozen?: boolean;
  /** Whether normalisation uses the statistics it has, though weights are learned. Default no. */
  readonly fixedStatistics?: boolean;
}

/** Takes a network into a graph: what is learned as inputs, the rest as constants; all constants where it is frozen. */
export function participantIn(
  builder: GraphBuilder,
  opset: number,
  name: string,
  model: Model,
  options: ParticipantOptions,
): Participant {
  const current = upgraded(model, opset);
  const { weights, statistics } = weightsOf(current.graph);
  const own = (tensors: readonly string[]): ReadonlyMap<string, string> =>
    new Map(tensors.map((tensor) => [tensor, `${name}/${tensor}`]));
  const participant: Participant = {
    name,
    model: current,
    weights: own(weights),
    statistics: own(statistics),
    uses: 0,
    newest: new Map(),
  };
  for (const [tensor, inStep] of [...participant.weights, ...participant.statistics]) {
    const initial = current.graph.initializers.get(tensor);
    if (initial === undefined) continue;
    if (options.frozen === true) builder.initializer(inStep, initial);
    else builder.input(inStep, "float32", initial.dims);
  }
  for (const [tensor, inStep] of participant.statistics) participant.newest.set(tensor, inStep);
  for (const [tensor, value] of current.graph.initializers) {
    if (!participant.weights.has(tensor) && !participant.statistics.has(tensor)) {
      builder.initializer(`${name}/${tensor}`, value);
    }
  }
  return participant;
}

/**
 * Adds the nodes of a network, applied to an image tensor.
 * @returns its outputs: their names in the graph, by their names in the model
 */
export function appliedIn(
  builder: GraphBuilder,
  participant: Participant,
  options: ParticipantOptions,
  image: string,
): Readonly<Record<string, string>> {
  const { model, name, newest } = participant;
  const trains = options.frozen !== true && options.fixedStatistics !== true;
  const use = participant.uses++;
  const prefix = use === 0 ? name : `${name}/use${use}`;
  const input = model.graph.inputs.find(({ name: other }) => !model.graph.initializers.has(other));
  if (input === undefined) {
    throw new ClockworkError("unsupported-model", `network "${name}": expected an image input, got none`);
  }
  const rename = (tensor: string): string => {
    if (tensor === "") return "";
    if (tensor === input.name) return image;
    return newest.get(tensor) ?? (model.graph.initializers.has(tensor) ? `${name}/${tensor}` : `${prefix}/${tensor}`);
  };
  for (const node of model.graph.nodes) {
    if ([...node.attributes.values()].some(({ kind }) => kind === "graph" || kind === "graphs")) {
      throw new ClockworkError(
        "unsupported-model",
        `network "${name}": expected no branches or loops, got ${node.op} "${node.name}"; try the network before it was compiled`,
      );
    }
    const renamed: Node = {
      ...node,
      name: node.name === "" ? "" : `${prefix}/${node.name}`,
      inputs: node.inputs.map(rename),
      outputs: node.outputs.map((output) => (output === "" ? "" : `${prefix}/${output}`)),
    };
    builder.append([
      trains && node.op === "BatchNormalization" ? inTraining(renamed, node, participant, prefix) : renamed,
    ]);
  }
  return Object.fromEntries(model.graph.outputs.map(({ name: output }) => [output, rename(output)]));
}

/** A normalisation that uses the batch's statistics, and whose running ones follow. */
function inTraining(renamed: Node, node: Node, { newest }: Participant, prefix: string): Node {
  const follow = [3, 4].map((position) => {
    const statistic = node.inputs[position] ?? "";
    const next = `${prefix}/${statistic}/next`;
    if (newest.has(statistic)) newest.set(statistic, next);
    return next;
  });
  const attributes = new Map<string, Attribute>([...renamed.attributes, ["training_mode", { kind: "int", value: 1n }]]);
  return { ...renamed, outputs: [renamed.outputs[0] ?? "", ...follow], attributes };
}
