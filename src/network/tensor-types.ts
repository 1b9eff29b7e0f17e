// Types and shapes of all tensors of a graph, as the engine infers them without running anything.

import type { Engine } from "../engine/engine.ts";
import { writeModel, type Dim, type DType, type Graph, type Model } from "../onnx/index.ts";

/** What the engine knows of a tensor before a run. */
export interface TensorType {
  readonly dtype: DType;
  /** Empty for a scalar, and where the rank is not known. */
  readonly shape: readonly Dim[];
}

/**
 * Types of the inputs of a graph and of tensors in it, from a session that has them as outputs and is never run. What is
 * no tensor is left out.
 * @throws ClockworkError `engine` where the graph is not valid
 */
export async function tensorTypesOf(
  model: Model,
  names: readonly string[],
  engine: Engine,
): Promise<ReadonlyMap<string, TensorType>> {
  const graph: Graph = {
    ...model.graph,
    // Outputs without a type: the engine infers it.
    outputs: names.map((name) => ({ name, type: { kind: "other", proto: undefined } })),
    values: [],
  };
  await using session = await engine.open(writeModel({ ...model, graph }).bytes, { optimize: "none" });
  const types = new Map<string, TensorType>();
  for (const { name, dtype, shape } of [...session.inputs, ...session.outputs]) {
    if (dtype !== undefined) types.set(name, { dtype, shape });
  }
  return types;
}
