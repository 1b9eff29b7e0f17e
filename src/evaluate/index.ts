// Schedules against the oracle, on the same frames.

export { checkpointVersion } from "./checkpoint.ts";
export { evaluate, type EvaluateOptions, type EvaluationProgress } from "./evaluate.ts";
export type {
  Accuracy,
  DetailedEvaluation,
  Evaluation,
  EvaluationProtocol,
  EvaluationRun,
  TemporalConsistency,
  Timeline,
} from "./evaluation.ts";
export type { FrameMatcher } from "./matcher.ts";
export type { Contender } from "./runner.ts";
export type { EvaluationStore, LabelStore } from "./store.ts";
export type { StretchOptions } from "./stretches.ts";
