// Which constants of a graph are its weights, in the order in which the graph first uses them. The others are settings:
// scales of resampling, limits, lengths.

import { elementCount, intAttribute, subgraphsOf, type Graph, type Node, type Tensor } from "../onnx/index.ts";
import { isFloat } from "./element-types.ts";

/** A weight of a graph. */
export interface Parameter {
  readonly name: string;
  readonly tensor: Tensor;
  /** Whether it is a matrix [inputs, outputs], other than the [outputs, inputs] that training frameworks save. */
  readonly inputsFirst: boolean;
}

/** Operators whose constants say what is done and are not learned. */
const settingsOf: ReadonlySet<string> = new Set(["Resize", "Upsample", "Pad", "Clip", "Pow", "Where", "Max", "Min"]);

/**
 * The weights of a graph: floating-point constants with at least one axis that an operator uses for more than its
 * settings.
 */
export function parametersOf(graph: Graph): readonly Parameter[] {
  const found = new Map<string, Parameter>();
  const visit = (nodes: readonly Node[]): void => {
    for (const node of nodes) {
      for (const [index, name] of node.inputs.entries()) {
        const tensor = graph.initializers.get(name);
        if (tensor === undefined || found.has(name) || settingsOf.has(node.op)) continue;
        if (!isFloat(tensor.dtype) || tensor.dims.length === 0 || elementCount(tensor.dims) === 0) continue;
        found.set(name, { name, tensor, inputsFirst: isMatrixOf(node, index) && tensor.dims.length === 2 });
      }
      for (const subgraph of subgraphsOf(node)) visit(subgraph.nodes);
    }
  };
  visit(graph.nodes);
  return [...found.values()];
}

function isMatrixOf(node: Node, input: number): boolean {
  if (input !== 1) return false;
  return node.op === "MatMul" || (node.op === "Gemm" && intAttribute(node, "transB", 0) === 0);
}
