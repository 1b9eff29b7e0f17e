// What of a network is learned, and what follows the data: weights and running statistics, by their names.

import type { Graph } from "../onnx/index.ts";
import { parametersOf } from "../weights/index.ts";

/** Learned constants of a graph. */
export interface LearnedNames {
  readonly weights: readonly string[];
  /** Running mean and variance of batch normalisations. */
  readonly statistics: readonly string[];
}

/** Weights (float32, as training needs them) and running statistics of a graph. */
export function weightsOf(graph: Graph): LearnedNames {
  const statistics = new Set(
    graph.nodes.flatMap((node) => (node.op === "BatchNormalization" ? node.inputs.slice(3, 5) : [])),
  );
  const weights = parametersOf(graph)
    .filter(({ name, tensor }) => tensor.dtype === "float32" && !statistics.has(name))
    .map(({ name }) => name);
  return { weights, statistics: [...statistics].filter((name) => graph.initializers.has(name)) };
}
