// At how many positions of the image an operation works: the measure of how deep in a network it stands.
// Tensors forget it (tokens, vectors, attention maps), so it is followed through the graph.

import { intAttribute, numbersOf, type Node } from "../onnx/index.ts";
import type { Network } from "../network/index.ts";

/** Operators that make or consume maps with rows and columns on their last two axes. */
const spatial = new Set([
  "Conv",
  "FusedConv",
  "ConvTranspose",
  "ConvInteger",
  "QLinearConv",
  "DeformConv",
  "MaxPool",
  "AveragePool",
  "LpPool",
  "QLinearAveragePool",
  "MaxUnpool",
  "GridSample",
  "DepthToSpace",
  "SpaceToDepth",
  "Resize",
  "Upsample",
]);

const resizing = new Set(["Resize", "Upsample"]);

/** Operators that work on the last axis of tokens [..., channels], where what is on the right is a weight or nothing. */
const tokenwise = new Set(["MatMul", "MatMulInteger", "Gemm", "LayerNormalization"]);

/**
 * Working area of each node, in positions (rows times columns times batch), by node index; 0 for nodes that do not
 * depend on the frame.
 *
 * Maps count their own positions, linear layers and layer norms their tokens. Everything else inherits the largest area
 * that goes in: attention maps from the tokens that they are made of, squeeze-and-excitation vectors from their host.
 */
export function workingAreas(network: Network): Float64Array {
  const { index } = network;
  const ofTensor = new Map([[network.input.name, network.size.widthPx * network.size.heightPx]]);
  const areas = new Float64Array(index.nodes.length);
  for (const [position, node] of index.nodes.entries()) {
    const inherited = Math.max(0, ...(index.reads[position] ?? []).map((name) => ofTensor.get(name) ?? 0));
    if (inherited === 0) continue;
    const area = mapArea(node, network) ?? tokenArea(node, network) ?? inherited * slicedShare(node, network);
    areas[position] = area;
    for (const output of node.outputs) if (output !== "") ofTensor.set(output, area);
  }
  return areas;
}

/** Tokens that a linear layer or a layer norm works on; `undefined` where it is none, or there is but one. */
function tokenArea(node: Node, network: Network): number | undefined {
  if (!tokenwise.has(node.op) || network.isData(node.inputs[1] ?? "")) return undefined;
  const axis = node.op === "LayerNormalization" ? intAttribute(node, "axis", -1) : -1;
  const leading = (network.shapeOf(node.outputs[0] ?? "") ?? []).slice(0, axis);
  const tokens = leading.reduce((product, dim) => product * dim, 1);
  return tokens > 1 ? tokens : undefined;
}

/** Positions of the map that a node puts out; `undefined` where it is none, or 1x1. */
function mapArea(node: Node, network: Network): number | undefined {
  if (!spatial.has(node.op)) return undefined;
  const before = network.shapeOf(node.inputs[0] ?? "");
  const after = network.shapeOf(node.outputs[0] ?? "");
  if (before === undefined || after === undefined || after.length < 4) return undefined;
  const positions = (dims: readonly number[]): number =>
    resizing.has(node.op) && dims.length === 4 && isChannelsLast(before, after)
      ? (dims[1] ?? 1) * (dims[2] ?? 1)
      : dims.slice(2).reduce((product, dim) => product * dim, 1);
  if (positions(after) === 1 || (positions(before) === 1 && !resizing.has(node.op))) return undefined;
  return (after[0] ?? 1) * positions(after);
}

/** Whether a resize kept the last axis and changed one before it. */
function isChannelsLast(before: readonly number[], after: readonly number[]): boolean {
  return before[3] === after[3] && before[1] !== after[1];
}

/** Share of the positions that a strided slice keeps (patch merging, space to depth by hand); 1 for other nodes. */
function slicedShare(node: Node, network: Network): number {
  if (node.op !== "Slice") return 1;
  const steps = network.model.graph.initializers.get(node.inputs[4] ?? "");
  const strides = steps === undefined ? undefined : numbersOf(steps);
  return (strides ?? []).reduce((share, stride) => share / Math.max(1, Math.abs(stride)), 1);
}

/** Whether an area is that of a stride or coarser; sizes that do not divide round up, so it is not exact. */
export function atStride(area: number, stride: number, network: Network): boolean {
  const whole = network.size.widthPx * network.size.heightPx;
  return area > 0 && area <= (1.5 * whole) / (stride * stride);
}
