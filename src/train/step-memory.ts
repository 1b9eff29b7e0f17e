// How much memory a training step takes, told before it starts from the shapes of its tensors. An estimate: what the
// engine packs, fuses and keeps in reserve is a stated factor, and the rest of the process (Node, feeders, decoded frames)
// is not in it.

import type { TensorType } from "../network/tensor-types.ts";
import { byteLength, elementCount, type Node } from "../onnx/index.ts";
import { executionOrder } from "./execution-order.ts";
import type { TrainingStep } from "./step-graph.ts";

/** What a step takes, in bytes. */
export interface StepBytes {
  /** In all: a session, weights, feeds, and `engineFactor` times the activations. */
  readonly bytes: number;
  /** Memory of the step (weights, statistics, moments, averages), in two buffers each, and its constants. */
  readonly weightsBytes: number;
  /** Most that is alive at once of what nodes make and only later nodes read. */
  readonly activationBytes: number;
  /** Tensors whose shape is not known before a run, and that are not counted. */
  readonly unknown: readonly string[];
}

/**
 * What the engine takes for each byte of activations that is alive at once. In the first run 1.4, for blocks that leave
 * gaps and maps unfolded in front of convolutions; from the second run on ONNX Runtime has one planned block for all of
 * them beside the blocks of the first, which it keeps.
 * Measured: resident memory of street at 320x240, batches of 1 and 8, onnxruntime-node.
 */
export const engineFactor = 3;

/** What a session takes for itself: its worker thread, the file, the graph made of it. Measured likewise. */
export const sessionBytes = 150e6;

/** Operators whose output lies where their first input does: the engine copies nothing for them. */
const views: ReadonlySet<string> = new Set(["Reshape", "Squeeze", "Unsqueeze", "Flatten", "Identity"]);

/** Names of all tensors that the nodes of a step make: what {@link stepMemory} has to be told the types of. */
export function madeInStep({ model }: TrainingStep): readonly string[] {
  return model.graph.nodes.flatMap(({ outputs }) => outputs.filter((output) => output !== ""));
}

/**
 * Memory of a step.
 * @param types of all tensors of the step, by name (see `tensorTypesOf`)
 */
export function stepMemory(step: TrainingStep, types: ReadonlyMap<string, TensorType>): StepBytes {
  const { graph } = step.model;
  let weightsBytes = 0;
  for (const { dtype, dims } of step.memory) weightsBytes += 2 * byteLength(dtype, elementCount(dims));
  for (const { dtype, dims } of graph.initializers.values()) weightsBytes += byteLength(dtype, elementCount(dims));
  let feedBytes = 0;
  for (const { dtype, dims } of step.inputs) feedBytes += byteLength(dtype, elementCount(dims));
  const unknown: string[] = [];
  const sizeOf = (tensor: string): number => {
    const bytes = bytesOf(types.get(tensor));
    if (bytes === undefined) unknown.push(tensor);
    return bytes ?? 0;
  };
  // What is memory is written into buffers that are there already.
  const elsewhere = new Set(step.memory.map(({ output }) => output));
  const activationBytes = peakOf(executionOrder(graph), elsewhere, sizeOf);
  return {
    bytes: sessionBytes + weightsBytes + feedBytes + Math.ceil(engineFactor * activationBytes),
    weightsBytes,
    activationBytes,
    unknown,
  };
}

/** `undefined` where a length is not known. */
function bytesOf(type: TensorType | undefined): number | undefined {
  if (type === undefined) return undefined;
  let count = 1;
  for (const length of type.shape) {
    if (typeof length !== "number") return undefined;
    count *= length;
  }
  return byteLength(type.dtype, count);
}

/** Most bytes alive at once: a tensor is from the node that makes it to the last one that reads it or a view of it. */
function peakOf(nodes: readonly Node[], elsewhere: ReadonlySet<string>, sizeOf: (tensor: string) => number): number {
  /** Tensor -> the one whose bytes it lies on. */
  const origins = new Map<string, string>();
  for (const { op, inputs, outputs } of nodes) {
    const [from = ""] = inputs;
    for (const output of outputs) {
      const isView = views.has(op) && !elsewhere.has(output);
      origins.set(output, isView ? (origins.get(from) ?? from) : output);
    }
  }
  const lastUse = new Map<string, number>();
  for (const [at, { inputs, outputs }] of nodes.entries()) {
    for (const tensor of [...inputs, ...outputs]) lastUse.set(origins.get(tensor) ?? tensor, at);
  }
  const alive = new Map<string, number>();
  let [now, peak] = [0, 0];
  for (const [at, { inputs, outputs }] of nodes.entries()) {
    for (const output of outputs) {
      if (output === "" || elsewhere.has(output) || origins.get(output) !== output) continue;
      const bytes = sizeOf(output);
      alive.set(output, bytes);
      now += bytes;
    }
    peak = Math.max(peak, now);
    for (const tensor of new Set([...inputs, ...outputs].map((name) => origins.get(name) ?? name))) {
      if (lastUse.get(tensor) !== at) continue;
      now -= alive.get(tensor) ?? 0;
      alive.delete(tensor);
    }
  }
  return peak;
}
