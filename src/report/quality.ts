// The one number by which schedules are compared: mIoU where there are labels, agreement with the oracle elsewhere.

import type { Evaluation, EvaluationRun } from "../evaluate/index.ts";

/** A measure of quality, in percent. */
export interface Quality {
  readonly name: "mIoU" | "agreement";
  readonly of: (run: EvaluationRun) => number | null;
}

/** What an evaluation's schedules are compared by. */
export function qualityOf(evaluation: Evaluation): Quality {
  return hasLabels(evaluation)
    ? { name: "mIoU", of: (run) => run.mIoU }
    : { name: "agreement", of: (run) => run.agreement };
}

/** Whether anything was compared with true labels. */
export function hasLabels(evaluation: Evaluation): boolean {
  return evaluation.runs.some((run) => run.mIoU !== null);
}
