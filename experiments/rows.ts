// Rows of an experiment, and how they are printed: text in columns, Markdown, or JSON with all that was measured.
// Times are in the JSON alone: they mean something only on a machine that does nothing else.

import type { Command } from "commander";
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

/** Flags that choose a format. */
export interface FormatFlags {
  readonly json?: boolean;
  readonly markdown?: boolean;
}

/** Adds the flags of a format to a command. */
export function withFormat(command: Command): Command {
  return command
    .option("--json", "print JSON, with everything that was measured")
    .option("--markdown", "print Markdown");
}

/** The format that flags choose; without any, text. */
export function formatOf({ json, markdown }: FormatFlags): Format {
  return json === true ? "json" : markdown === true ? "markdown" : "text";
}

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
  if (format === "json") return JSON.stringify(tables, undefined, 2);
  const sheets = tables.map(({ title, rows, notes }) => ({ title, cells: [header, ...rows.map(cellsOf)], notes }));
  return sheetsText(sheets, format);
}

/** A table of any kind, as it is printed. */
export interface Sheet {
  readonly title: string;
  /** Row by row, the header first. */
  readonly cells: readonly (readonly string[])[];
  /** Lines under the table. */
  readonly notes: readonly string[];
}

/** Sheets in columns, or as Markdown. */
export function sheetsText(sheets: readonly Sheet[], format: Exclude<Format, "json">): string {
  return sheets
    .map(({ title, cells, notes }) => {
      const [head, body] = format === "text" ? [title, textTable(cells)] : [`### ${title}`, markdownTable(cells)];
      return [head, "", body, "", ...notes].join("\n").trimEnd();
    })
    .join("\n\n");
}

/** Rows as a Markdown table: the first column to the left, the others to the right. */
function markdownTable([head = [], ...rows]: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map((_, column) => (column === 0 ? "---" : "--:"))), ...rows.map(line)].join("\n");
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
