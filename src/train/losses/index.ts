// Losses as pieces of a training step's graph: from names of tensors to the name of a scalar.

export { binaryCrossEntropy } from "./binary-cross-entropy.ts";
export type { BinaryCrossEntropyOptions } from "./binary-cross-entropy.ts";
export { crossEntropy } from "./cross-entropy.ts";
export type { CrossEntropyOptions } from "./cross-entropy.ts";
export { klDivergence } from "./kl.ts";
export type { KlOptions } from "./kl.ts";
export { lovaszSoftmax } from "./lovasz.ts";
export { meanSquaredError } from "./mse.ts";
export type { MseOptions } from "./mse.ts";
export { ohemCrossEntropy } from "./ohem.ts";
export type { OhemOptions } from "./ohem.ts";
export type { Labelled, ScoreDims } from "./one-hot.ts";
export { softIou, unionOverIntersection } from "./soft-iou.ts";
export { stopped } from "./stopped.ts";
