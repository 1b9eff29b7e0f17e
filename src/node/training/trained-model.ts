// A network with the weights that a training has come to.

import type { EngineTensor } from "../../engine/index.ts";
import { ofBytes, type Graph, type Model, type Tensor, type Value } from "../../onnx/index.ts";
import type { TrainingStep } from "../../train/step-graph.ts";

/** A model with the values of a step's memory: moving averages where they are kept. Other outputs than `logits` go. */
export function trainedModel(
  model: Model,
  network: string,
  step: TrainingStep,
  memory: Readonly<Record<string, EngineTensor>>,
): Model {
  const initializers = new Map<string, Tensor>(model.graph.initializers);
  for (const [name, input] of step.learned.get(network) ?? []) {
    const value = memory[step.averages.get(input) ?? input];
    if (value !== undefined) initializers.set(name, ofBytes(value.dtype, value.dims, value.data));
  }
  // Weights of a file may be nodes: then they are tensors now.
  const nodes = model.graph.nodes.filter(({ op, outputs }) => op !== "Constant" || !initializers.has(outputs[0] ?? ""));
  return { ...model, graph: pruned({ ...model.graph, nodes, initializers }) };
}

/** The graph without what only other outputs than the first need. */
function pruned(graph: Graph): Graph {
  const outputs: readonly Value[] = graph.outputs.slice(0, 1);
  const needed = new Set(outputs.map(({ name }) => name));
  const nodes = graph.nodes.toReversed().filter((node) => {
    if (!node.outputs.some((name) => needed.has(name))) return false;
    for (const name of node.inputs) needed.add(name);
    return true;
  });
  return {
    ...graph,
    nodes: nodes.toReversed(),
    outputs,
    initializers: new Map([...graph.initializers].filter(([name]) => needed.has(name))),
  };
}
