// What a node costs on paper: multiply-accumulates and parameters.
// MACs are not time (a resize has none and can be the slowest node): measured times are another matter.

import { intAttribute, stringAttribute } from "./attribute.ts";
import { isIntegral } from "./dtype.ts";
import type { Graph, Node } from "./model.ts";
import { elementCount } from "./tensor.ts";

/** Shape of a tensor where it is known. */
export type ShapeOf = (tensor: string) => readonly number[] | undefined;

/**
 * Multiply-accumulates of one run of a node: convolutions, matrix products and recurrences; everything else counts 0,
 * as in the papers of the field. Unknown shapes count 0, too.
 */
export function macsOf(node: Node, shapeOf: ShapeOf): number {
  const shape = (name: string | undefined): readonly number[] =>
    name === undefined || name === "" ? [] : (shapeOf(name) ?? []);
  const input = (index: number): readonly number[] => shape(node.inputs[index]);
  const output = shape(node.outputs[0]);
  switch (node.op) {
    case "Conv":
    case "FusedConv":
    case "ConvInteger":
    case "DeformConv":
      return convMacs(output, input(1));
    case "QLinearConv":
      return convMacs(output, input(3));
    case "ConvTranspose":
      // Every element of the input meets the whole kernel [in, out / group, ...].
      return elementCount(input(0)) * elementCount(input(1).slice(1)) * known(input(1));
    case "MatMul":
    case "FusedMatMul":
    case "MatMulInteger":
      return matMulMacs(output, input(0), intAttribute(node, "transA", 0) === 1);
    case "QLinearMatMul":
      return matMulMacs(output, input(0), false);
    case "Gemm":
      return matMulMacs(output, input(0), intAttribute(node, "transA", 0) === 1);
    case "Einsum":
      return einsumMacs(stringAttribute(node, "equation", ""), node, shape);
    case "LSTM":
      return recurrentMacs(input(0), input(1), input(2));
    case "GRU":
    case "RNN":
      return recurrentMacs(input(0), input(1), input(2));
    default:
      return 0;
  }
}

/** 0 for a shape that is not known, 1 for one that is. */
function known(shape: readonly number[]): number {
  return shape.length === 0 ? 0 : 1;
}

/** Kernel [out, in / group, ...]: every element of the output meets one filter. */
function convMacs(output: readonly number[], kernel: readonly number[]): number {
  return elementCount(output) * elementCount(kernel.slice(1)) * known(output) * known(kernel);
}

function matMulMacs(output: readonly number[], left: readonly number[], transposed: boolean): number {
  const inner = left.at(transposed ? -2 : -1) ?? 0;
  return elementCount(output) * inner;
}

/** The product of the lengths of all indices. */
function einsumMacs(equation: string, node: Node, shape: (name: string) => readonly number[]): number {
  const lengths = new Map<string, number>();
  const terms = (equation.replaceAll(" ", "").split("->")[0] ?? "").split(",");
  for (const [index, term] of terms.entries()) {
    const dims = shape(node.inputs[index] ?? "");
    if (term.includes(".")) return 0;
    for (const [axis, letter] of term.split("").entries()) lengths.set(letter, dims[axis] ?? 0);
  }
  return terms.length < 2 ? 0 : elementCount([...lengths.values()]);
}

/** x [steps, batch, in], W [directions, gates * hidden, in], R [directions, gates * hidden, hidden]. */
function recurrentMacs(x: readonly number[], w: readonly number[], r: readonly number[]): number {
  const [steps = 0, batch = 0] = x;
  return steps * batch * (elementCount(w) * known(w) + elementCount(r) * known(r));
}

/** Inputs of an operator that are constants of its making and not learned. */
const notLearned: Readonly<Record<string, readonly number[]>> = {
  // Running mean and variance.
  BatchNormalization: [3, 4],
  // Regions, scales, bounds.
  Resize: [1, 2],
  Clip: [1, 2],
  Pad: [2],
};

/** Learned numbers that a node reads as constants: the elements of its float (or quantised) initializers of one axis or more. */
export function parametersOf(node: Node, graph: Graph): number {
  let count = 0;
  for (const [position, name] of node.inputs.entries()) {
    const tensor = graph.initializers.get(name);
    if (tensor === undefined || notLearned[node.op]?.includes(position)) continue;
    const quantised = tensor.dtype === "int8" || tensor.dtype === "uint8";
    if (tensor.dims.length === 0 || (isIntegral(tensor.dtype) && !quantised)) continue;
    count += elementCount(tensor.dims);
  }
  return count;
}

/** Learned numbers of a whole graph; those that several nodes share count once. */
export function totalParameters(graph: Graph): number {
  const counted = new Set<string>();
  let count = 0;
  for (const node of graph.nodes) {
    const fresh = node.inputs.map((name) => (counted.has(name) ? "" : name));
    count += parametersOf({ ...node, inputs: fresh }, graph);
    for (const name of node.inputs) counted.add(name);
  }
  return count;
}
