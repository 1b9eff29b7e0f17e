// Plots with a row for each schedule over one shared axis: names at the left, a few words at the right. Rows are numbered
// from 0 downwards; row r has the values from r (its bottom line is at r + 1 less the gap) in a plot's y.

import { type Markish, text } from "@observablehq/plot";
import type { Markup } from "./markup.ts";
import { type ChartOptions, fullWidth, wideChart } from "./chart.ts";

/** A row: what stands beside it. */
export interface Row {
  readonly name: string;
  readonly colour: string;
  /** Right of the row. */
  readonly note: string;
}

/** What rows look like. */
export interface RowsOptions {
  /** Height of a row, in pixels. */
  readonly rowHeight: number;
  readonly x: NonNullable<ChartOptions["x"]>;
  /** What is drawn for all rows, with y from {@link inRow}. */
  readonly marks: readonly Markish[];
  /** Room above the rows, in pixels. */
  readonly marginTop: number;
  /** Room between names and rows, in pixels: what {@link rowMargins} was given. */
  readonly tickRoom: number;
}

/** Share of a row's height that is left free above it. */
const gap = 0.22;

/** Widths of characters, in pixels: names are bold. */
const charWidth = { name: 7.6, note: 6.8 };

/** y of a height from 0 (bottom of the row) to 1 (its top). */
export function inRow(row: number, height: number): number {
  return row + 1 - height * (1 - gap);
}

/** Pixels left and right of the rows, with `tickRoom` pixels between names and rows. */
export function rowMargins(rows: readonly Row[], tickRoom: number): { readonly left: number; readonly right: number } {
  const longest = (texts: readonly string[]): number => Math.max(0, ...texts.map((text) => text.length));
  return {
    left: longest(rows.map(({ name }) => name)) * charWidth.name + 8 + tickRoom,
    right: longest(rows.map(({ note }) => note)) * charWidth.note + 16,
  };
}

/** Draws rows. */
export function rowsChart(description: string, rows: readonly Row[], options: RowsOptions): Markup {
  const { left, right } = rowMargins(rows, options.tickRoom);
  const marginBottom = 38;
  const numbered = rows.map((row, index) => ({ ...row, y: inRow(index, 0.5) }));
  return wideChart(description, {
    width: fullWidth,
    height: Math.round(options.marginTop + marginBottom + rows.length * options.rowHeight),
    marginLeft: left,
    marginRight: right,
    marginTop: options.marginTop,
    marginBottom,
    x: options.x,
    y: { domain: [rows.length, 0], axis: null },
    marks: [
      ...options.marks,
      text(numbered, {
        y: "y",
        text: "name",
        fill: "colour",
        frameAnchor: "left",
        textAnchor: "end",
        dx: -options.tickRoom,
        fontWeight: 600,
        className: "names-of-runs",
      }),
      text(numbered, {
        y: "y",
        text: "note",
        frameAnchor: "right",
        textAnchor: "start",
        dx: 10,
        fill: "var(--muted)",
        className: "notes",
      }),
    ],
  });
}
