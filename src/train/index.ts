// Training as graphs: from a forward graph and a loss to a step that ONNX Runtime runs. No platform needed; data and
// files are in `clockwork-convnets/node`.

export { differentiate } from "./autodiff/differentiate.ts";
export type { Differentiated, DifferentiateOptions } from "./autodiff/differentiate.ts";
export type { Backward, Forward, Place, Rule } from "./autodiff/rule.ts";
export { rules } from "./autodiff/rules.ts";
export { stopGradient } from "./autodiff/stop-gradient.ts";
export type { Augmentation } from "./data/index.ts";
export {
  binaryCrossEntropy,
  crossEntropy,
  klDivergence,
  lovaszSoftmax,
  meanSquaredError,
  ohemCrossEntropy,
  softIou,
  unionOverIntersection,
} from "./losses/index.ts";
export type {
  BinaryCrossEntropyOptions,
  CrossEntropyOptions,
  KlOptions,
  Labelled,
  MseOptions,
  OhemOptions,
  ScoreDims,
} from "./losses/index.ts";
export { adam, adamW, clipByNorm, clipByValue, movingAverage, sgd } from "./optimisers/index.ts";
export type { AdamOptions, GroupOptions, Optimiser, SgdOptions } from "./optimisers/index.ts";
export { parseRecipe, recipeJsonSchema } from "./recipe.ts";
export type { ClassWeights, LossRecipe, OptimiserRecipe, Recipe } from "./recipe.ts";
export { learningRate } from "./schedules.ts";
export type { RateOptions, RateSchedule, WarmUp } from "./schedules.ts";
export type { Participant, ParticipantOptions } from "./participant.ts";
export { initialOf, StepGraph } from "./step-graph.ts";
export type { Goal, StepMemory, TrainingStep } from "./step-graph.ts";
