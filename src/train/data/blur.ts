// Gaussian blur of a crop, as by a lens that is out of focus: the kernel as numbers, and the piece of a graph that applies
// it. For `augment-graph.ts`.

import type { GraphBuilder } from "../../onnx/index.ts";

/** Deviations of the widest blur after which kernels end. */
const REACH = 3;

/** Length of the kernels of blurs up to a deviation, in pixels: odd. */
export function kernelLength(mostSigmaPx: number): number {
  return 2 * Math.ceil(REACH * mostSigmaPx) + 1;
}

/** A Gaussian of `length` numbers whose sum is 1; of deviation 0, the middle alone. */
export function gaussianKernel(sigmaPx: number, length: number): Float32Array<ArrayBuffer> {
  const middle = (length - 1) / 2;
  const weights = Array.from({ length }, (_, at) =>
    at === middle ? 1 : sigmaPx === 0 ? 0 : Math.exp(-0.5 * ((at - middle) / sigmaPx) ** 2),
  );
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return Float32Array.from(weights, (weight) => weight / total);
}

/**
 * Frames [T, 3, pixels] blurred along both axes, in the same shape; the outermost pixels of the crop go on outside of it.
 * @param kernel name of a float32 [length]
 */
export function blurred(
  b: GraphBuilder,
  frames: string,
  kernel: string,
  { widthPx, heightPx, length }: { readonly widthPx: number; readonly heightPx: number; readonly length: number },
): string {
  const margin = (length - 1) / 2;
  const planes = b.add("blur/planes", "Reshape", [
    frames,
    b.int64("blur/planes/shape", [4], [-1, 1, heightPx, widthPx]),
  ]);
  const margins = b.int64("blur/margins", [8], [0, 0, margin, margin, 0, 0, margin, margin]);
  const wide = b.add("blur/wide", "Pad", [planes, margins], { mode: "edge" });
  const across = b.add("blur/across", "Reshape", [kernel, b.int64("blur/across/shape", [4], [1, 1, 1, length])]);
  const down = b.add("blur/down", "Reshape", [kernel, b.int64("blur/down/shape", [4], [1, 1, length, 1])]);
  const rows = b.add("blur/rows", "Conv", [wide, across], { kernel_shape: [1, length] });
  const both = b.add("blur/both", "Conv", [rows, down], { kernel_shape: [length, 1] });
  return b.add("blur", "Reshape", [both, b.int64("blur/shape", [3], [-1, 3, heightPx * widthPx])]);
}
