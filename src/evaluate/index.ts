// Schedules against the oracle, on the same frames.

export type {
  Accuracy,
  DetailedEvaluation,
  Evaluation,
  EvaluationProtocol,
  EvaluationRun,
  Timeline,
} from "./evaluation.ts";
