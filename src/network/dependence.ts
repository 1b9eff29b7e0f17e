// What the value of a tensor depends on: the pixels of the frame, only its size, or nothing.

import type { GraphIndex } from "../onnx/index.ts";

/** Operators that look at the shape of a tensor and not at its values. */
const shapeOperators = new Set(["Shape", "Size"]);

/** Operators that give another value at every run, whatever goes in. */
const randomOperators = new Set([
  "RandomNormal",
  "RandomUniform",
  "RandomNormalLike",
  "RandomUniformLike",
  "Multinomial",
  "Bernoulli",
]);

/** What each tensor of a graph depends on. */
export interface Dependence {
  /** Whether a tensor is data: its values depend on those of the frame (or on chance). */
  onPixels(tensor: string): boolean;
  /** Whether a tensor depends on the size of the frame and nothing else. */
  onSize(tensor: string): boolean;
}

/** Follows the image through a graph. */
export function dependenceOf(index: GraphIndex, image: string): Dependence {
  const pixels = new Set([image]);
  const size = new Set<string>();
  for (const [position, node] of index.nodes.entries()) {
    const reads = index.reads[position] ?? [];
    const looksAtShape = shapeOperators.has(node.op) && node.domain === "";
    const onPixels = reads.some((name) => pixels.has(name));
    const into =
      randomOperators.has(node.op) || (onPixels && !looksAtShape)
        ? pixels
        : onPixels || reads.some((name) => size.has(name))
          ? size
          : undefined;
    if (into !== undefined) for (const output of node.outputs) if (output !== "") into.add(output);
  }
  return { onPixels: (tensor) => pixels.has(tensor), onSize: (tensor) => size.has(tensor) };
}
