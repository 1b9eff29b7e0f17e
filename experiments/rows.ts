// Rows of an experiment, and how they are printed: text in columns, Markdown, or JSON with all that was measured.
// Times are in the JSON alone: they mean something only on a machine that does nothing else.

import { textTable } from "../src/cli/tables.ts";
import type { Evaluation, EvaluationRun } from "../src/index.ts";
import type { Dataset } from "../src/node.ts";

/** What one method did. */
export interface Row {
  /** What a reader calls it. */
  readonly name: string;
  readonly run: EvaluationRun;
}

/** One table. */
export interface Table {
  readonly title: string;
  readonly rows: readonly Row[];
  /** How frames were chosen, and what to know; lines. */
  readonly notes: readonly string[];
}

/** How tables are printed. */
export type Format = "text" | "markdown" | "json";

const header = ["method", "mIoU", "boundary mIoU", "accuracy", "agreement", "update rate %", "MACs"];

/** Rows of an evaluation whose runs are in the order of the names. */
export function rowsOf({ runs }: Evaluation, names: readonly string[]): readonly Row[] {
  return runs.map((run, place) => ({ name: names[place] ?? run.clock, run }));
}

/** A dataset and its split, as titles have it. */
export function titleOf({ name, split }: Pick<Dataset, "name" | "split">): string {
  return split === undefined ? name : `${name} ${split}`;
}

/** Tables as text of a format. */
export function printed(tables: readonly Table[], format: Format): string {
  switch (format) {
    case "json":
      return JSON.stringify(tables, undefined, 2);
    case "text":
      return tables
        .map(({ title, rows, notes }) =>
          [title, "", textTable([header, ...rows.map(cellsOf)]), "", ...notes].join("\n"),
        )
        .join("\n\n");
    case "markdown":
      return tables
        .map(({ title, rows, notes }) => [`### ${title}`, "", ...markdown(rows), "", ...notes].join("\n"))
        .join("\n\n");
  }
}

function markdown(rows: readonly Row[]): readonly string[] {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  return [
    line(header),
    line(header.map((_, column) => (column === 0 ? "---" : "--:"))),
    ...rows.map(cellsOf).map(line),
  ];
}

function cellsOf({ name, run }: Row): readonly string[] {
  return [
    name,
    percent(run.mIoU),
    percent(run.boundary?.mIoU ?? null),
    percent(run.accuracy),
    percent(run.agreement),
    (100 * (run.updateRates.at(-1) ?? 1)).toFixed(1),
    run.macsRatio.toFixed(3),
  ];
}

function percent(value: number | null): string {
  return value === null ? "-" : value.toFixed(2);
}
