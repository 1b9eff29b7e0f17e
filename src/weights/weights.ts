// Weights: tensors by name, as the file of a trained network has them, and what is said of the file. Knows no format.

import { ClockworkError } from "../errors.ts";
import type { Tensor } from "../onnx/index.ts";

/** Tensors by name, in the order of their file. Elements are little-endian and row-major, whatever the file's are. */
export type Weights = ReadonlyMap<string, Tensor>;

/** Weights with what the reader has to say. */
export interface ReadWeights {
  readonly weights: Weights;
  /** What the file has besides, and what was made of it: sentences for people. */
  readonly notes: readonly string[];
}

/** The error for a file that is damaged, or is not what it should be. */
export function damaged(where: string, problem: string, cause?: unknown): ClockworkError {
  return new ClockworkError("invalid-model", `${where}: ${problem}`, cause === undefined ? {} : { cause });
}

/** A tensor of a file, for messages: `weight float32 [64,3,3,3]`. */
export function describeTensor(name: string, { dtype, dims }: Tensor): string {
  return `${name} ${dtype} [${dims.join(",")}]`;
}
