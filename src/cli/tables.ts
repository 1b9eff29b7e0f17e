// Evaluations as text in columns.

import type { DetailedEvaluation, Evaluation } from "../evaluate/index.ts";

/** An evaluation as `--json` prints it: what happened frame by frame is in reports only. */
export function evaluationJson(evaluation: DetailedEvaluation): string {
  const { timelines: _, ...printed } = evaluation;
  return JSON.stringify(printed, undefined, 2);
}

/** The runs of an evaluation, one a line. */
export function evaluationTable({ runs, frames, labelled }: Evaluation): string {
  const hasLabels = runs.some(({ mIoU }) => mIoU !== null);
  const hasConsistency = runs.some(({ consistency }) => consistency !== null);
  // Two runs of one clock are told apart by the stages that the network was cut into.
  const hasStages = new Set(runs.map(({ clock }) => clock)).size < runs.length;
  const percent = (value: number | null): string => (value === null ? "-" : value.toFixed(2));
  const rows = runs.map((run) => [
    run.clock,
    ...(hasStages ? [String(run.stages)] : []),
    ...(hasLabels ? [percent(run.mIoU), percent(run.boundary?.mIoU ?? null), percent(run.accuracy)] : []),
    percent(run.agreement),
    ...(hasConsistency ? [percent(run.consistency?.value ?? null)] : []),
    run.updateRates.map((rate) => rate.toFixed(2)).join(" "),
    run.macsRatio.toFixed(3),
    run.msPerFrame.toFixed(1),
    run.speedup.toFixed(2),
    percent(run.worstFrame.agreement),
  ]);
  const header = [
    "clock",
    ...(hasStages ? ["stages"] : []),
    ...(hasLabels ? ["mIoU", "boundary", "accuracy"] : []),
    "agreement",
    ...(hasConsistency ? ["consistency"] : []),
    "update rates",
    "MACs",
    "ms/frame",
    "speedup",
    "worst frame",
  ];
  const footer =
    `${frames} frames${hasLabels ? `, ${labelled} with labels` : ""}; ` +
    `mIoU, boundary mIoU, accuracy${hasConsistency ? ", consistency" : ""} and agreement with the oracle in percent`;
  return `${textTable([header, ...rows])}\n${footer}`;
}

/** Rows as text: the first column to the left, the others to the right. */
export function textTable(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows
    .map((row) =>
      row
        .map((cell, column) => (column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}
