// Evaluations as tables for other programs: comma-separated values as RFC 4180, numbers unrounded, `null` as nothing.

import type { DetailedEvaluation, Evaluation, EvaluationRun, Timeline } from "../evaluate/index.ts";

type Cell = string | number | boolean | null;

/** A column: its name, and what it has of a row. */
interface Column<Row> {
  readonly name: string;
  readonly of: (row: Row) => Cell;
}

/** A frame of a run. */
interface FrameRow {
  readonly run: EvaluationRun;
  readonly timeline: Timeline;
  /** Index over all frames in order. */
  readonly at: number;
}

/** One row a run. Update rates have a column a stage, `updateRate1` the shallowest; units are those of `EvaluationRun`. */
export function runsCsv(evaluation: Evaluation): string {
  const stages = Math.max(0, ...evaluation.runs.map((run) => run.updateRates.length));
  const columns: readonly Column<EvaluationRun>[] = [
    { name: "clock", of: (run) => run.clock },
    { name: "propagate", of: (run) => run.propagate },
    { name: "stages", of: (run) => run.stages },
    { name: "mIoU", of: (run) => run.mIoU },
    { name: "accuracy", of: (run) => run.accuracy },
    { name: "meanAccuracy", of: (run) => run.meanAccuracy },
    { name: "frequencyWeightedIoU", of: (run) => run.frequencyWeightedIoU },
    { name: "boundaryMIoU", of: (run) => run.boundary?.mIoU ?? null },
    { name: "boundaryAccuracy", of: (run) => run.boundary?.accuracy ?? null },
    { name: "boundaryMeanAccuracy", of: (run) => run.boundary?.meanAccuracy ?? null },
    { name: "boundaryFrequencyWeightedIoU", of: (run) => run.boundary?.frequencyWeightedIoU ?? null },
    { name: "agreement", of: (run) => run.agreement },
    { name: "agreementMIoU", of: (run) => run.agreementMIoU },
    { name: "flicker", of: (run) => run.flicker },
    { name: "consistency", of: (run) => run.consistency?.value ?? null },
    { name: "consistencyMIoU", of: (run) => run.consistency?.mIoU ?? null },
    { name: "consistencyPixels", of: (run) => run.consistency?.pixels ?? null },
    ...perStage<EvaluationRun>("updateRate", stages, (run, stage) => run.updateRates[stage] ?? null),
    { name: "macsRatio", of: (run) => run.macsRatio },
    { name: "msPerFrame", of: (run) => run.msPerFrame },
    { name: "speedup", of: (run) => run.speedup },
    { name: "latencyP50Ms", of: (run) => run.latencyMs.p50 },
    { name: "latencyP95Ms", of: (run) => run.latencyMs.p95 },
    { name: "latencyP99Ms", of: (run) => run.latencyMs.p99 },
    { name: "latencyMaxMs", of: (run) => run.latencyMs.max },
    { name: "ageMean", of: (run) => run.age.mean },
    { name: "ageMax", of: (run) => run.age.max },
    { name: "worstFrameIndex", of: (run) => run.worstFrame.index },
    { name: "worstFrameAgreement", of: (run) => run.worstFrame.agreement },
  ];
  return csv(columns, evaluation.runs);
}

/** One row a run and class: IoU in percent. Only a header where nothing has labels. */
export function classesCsv(evaluation: Evaluation): string {
  const rows = evaluation.runs.flatMap((run) =>
    Object.entries(run.perClass).map(([name, iou]) => ({ run, name, iou })),
  );
  const columns: readonly Column<(typeof rows)[number]>[] = [
    { name: "clock", of: ({ run }) => run.clock },
    { name: "propagate", of: ({ run }) => run.propagate },
    { name: "class", of: ({ name }) => name },
    { name: "IoU", of: ({ iou }) => iou },
  ];
  return csv(columns, rows);
}

/** One row a run and frame. Firings have a column a stage, `fired1` the shallowest; units are those of `Timeline`. */
export function framesCsv(evaluation: DetailedEvaluation): string {
  const stages = Math.max(0, ...evaluation.timelines.map(({ fired }) => fired[0]?.length ?? 0));
  const columns: readonly Column<FrameRow>[] = [
    { name: "clock", of: ({ run }) => run.clock },
    { name: "propagate", of: ({ run }) => run.propagate },
    { name: "index", of: ({ at }) => at },
    { name: "sequence", of: ({ timeline, at }) => evaluation.sequences[timeline.sequence[at] ?? -1] ?? null },
    { name: "frame", of: ({ timeline, at }) => timeline.frame[at] ?? null },
    ...perStage<FrameRow>("fired", stages, ({ timeline, at }, stage) => timeline.fired[at]?.[stage] ?? null),
    { name: "signal", of: ({ timeline, at }) => timeline.signal[at] ?? null },
    { name: "shot", of: ({ timeline, at }) => timeline.shot[at] ?? null },
    { name: "agreement", of: ({ timeline, at }) => timeline.agreement[at] ?? null },
    { name: "accuracy", of: ({ timeline, at }) => timeline.accuracy[at] ?? null },
    { name: "age", of: ({ timeline, at }) => timeline.age[at] ?? null },
    { name: "ms", of: ({ timeline, at }) => timeline.ms[at] ?? null },
  ];
  const rows = evaluation.runs.flatMap((run, index): readonly FrameRow[] => {
    const timeline = evaluation.timelines[index];
    return timeline === undefined ? [] : timeline.frame.map((_, at) => ({ run, timeline, at }));
  });
  return csv(columns, rows);
}

function csv<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): string {
  const header = columns.map(({ name }) => field(name));
  return [header, ...rows.map((row) => columns.map(({ of }) => field(of(row))))]
    .map((fields) => `${fields.join(",")}\r\n`)
    .join("");
}

/** Quoted where RFC 4180 wants it. */
function field(cell: Cell): string {
  if (cell === null) return "";
  const text = String(cell);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function perStage<Row>(name: string, stages: number, of: (row: Row, stage: number) => Cell): readonly Column<Row>[] {
  return Array.from({ length: stages }, (_, stage) => ({
    name: `${name}${stage + 1}`,
    of: (row: Row) => of(row, stage),
  }));
}
