// A plan as a table that a person reads.

import { sizeText } from "../network/index.ts";
import type { Plan } from "./plan.ts";

/** A plan in lines: one table row per stage, what it holds, and the notes. */
export function planTable(plan: Plan): string {
  const timed = plan.milliseconds !== undefined;
  const header = ["stage", "MMACs", "share", ...(timed ? ["ms", "share"] : []), "enters by", "holds while it rests"];
  const rows = plan.stages.map((stage) => [
    String(stage.index),
    (stage.macs / 1e6).toFixed(1),
    percent(stage.share),
    ...(timed
      ? [(stage.milliseconds ?? 0).toFixed(2), percent((stage.milliseconds ?? 0) / (plan.milliseconds ?? 1))]
      : []),
    stage.entry === null
      ? "(the image)"
      : shortened(stage.entry, 72) + (stage.segments > 1 ? ` (${stage.segments} segments)` : ""),
    stage.held.map(({ tensor, shape }) => `${tensor} [${shape.join(",")}]`).join(", ") || "-",
  ]);
  const total = `${(plan.macs / 1e6).toFixed(1)} MMACs${timed ? `, ${(plan.milliseconds ?? 0).toFixed(2)} ms` : ""}`;
  const lines = [
    `${sizeText(plan.size)}: ${total}, ${(plan.parameters / 1e6).toFixed(3)} M parameters, ${plan.stages.length} ` +
      (plan.stages.length === 1 ? "stage" : "stages"),
    "",
    ...columns([header, ...rows], timed ? 5 : 3),
    "",
  ];
  for (const stage of plan.stages) {
    if (stage.watch === null) continue;
    lines.push(
      stage.watch.kind === "labels"
        ? `An adaptive clock of stage ${stage.index} watches the labels of score map ${stage.watch.tensor}.`
        : `An adaptive clock of stage ${stage.index} watches the features ${stage.watch.tensor}.`,
    );
  }
  for (const note of plan.notes) lines.push(`Note: ${note}.`);
  return lines.join("\n").trimEnd();
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

function shortened(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length - 3)}...`;
}

/** Cells under each other; the first `numbers` columns are set to the right. */
function columns(rows: readonly (readonly string[])[], numbers: number): readonly string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => (row[column] ?? "").length)));
  return rows.map((row) =>
    row
      .map((cell, column) => (column < numbers ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0)))
      .join("  ")
      .trimEnd(),
  );
}
