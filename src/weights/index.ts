// Published weights: read from the files of others, and put into networks. Pure: from bytes to tensors.

export { assignWeights } from "./assign.ts";
export type { AssignedModel, Assignment, AssignOptions } from "./assign.ts";
export type { Fold } from "./batch-norm.ts";
export { readCaffemodel } from "./caffemodel.ts";
export { nameMaps } from "./maps/ready.ts";
export { parseNameMap } from "./name-map.ts";
export type { NameMap, NameRule } from "./name-map.ts";
export { parametersOf } from "./parameters.ts";
export type { Parameter } from "./parameters.ts";
export { readPytorch } from "./pytorch.ts";
export type { CheckpointOptions } from "./pytorch.ts";
export { readWeights } from "./read.ts";
export type { ReadWeightsOptions, WeightFile, WeightFormat } from "./read.ts";
export { readSafetensors, writeSafetensors } from "./safetensors.ts";
export type { Safetensors } from "./safetensors.ts";
export type { ReadWeights, Weights } from "./weights.ts";
