// When the deepest stage fired, of every schedule that does not go by a signal: a bar code a row.

import { areaY, ruleY } from "@observablehq/plot";
import type { DetailedEvaluation } from "../evaluate/index.ts";
import { fullWidth } from "./chart.ts";
import type { NamedRun } from "./family.ts";
import { count } from "./figures.ts";
import { markup } from "./markup.ts";
import { inRow, type Row, rowMargins, rowsChart } from "./rows.ts";
import type { Section } from "./section.ts";
import { hasSignal } from "./signal-timelines.ts";
import { framesInStep, outlineOfFlags } from "./steps.ts";
import { deepestFirings, framesOf, stepNote, videoAxis } from "./video-axis.ts";

/** Pixels between names and rows. */
const tickRoom = 10;

/** The bar codes; `null` where all schedules but the oracle go by a signal. */
export function firingsSection(evaluation: DetailedEvaluation, runs: readonly NamedRun[]): Section | null {
  const shown = runs.slice(1).flatMap((named) => {
    const timeline = evaluation.timelines[named.index];
    return timeline === undefined || hasSignal(timeline) ? [] : [{ named, timeline, fired: deepestFirings(timeline) }];
  });
  const first = shown[0]?.timeline;
  if (first === undefined) return null;
  const frames = framesOf(evaluation);
  const rows = shown.map(({ named, fired }): Row => ({
    name: named.name,
    colour: named.family.colour,
    note: `${count(fired.filter(Boolean).length)} of ${count(fired.length)}`,
  }));
  const { left, right } = rowMargins(rows, tickRoom);
  const axis = videoAxis(evaluation, first, fullWidth - left - right);
  const bars = shown.flatMap(({ fired }, row) =>
    outlineOfFlags(fired, framesInStep(frames)).map(({ at, share }) => ({
      at,
      row,
      from: inRow(row, 0),
      to: inRow(row, share),
      colour: rows[row]?.colour ?? "",
    })),
  );
  const drawn = rowsChart(
    `Firings of the deepest stage: ${rows.map(({ name, note }) => `${name} ${note}`).join("; ")}`,
    rows,
    {
      rowHeight: 30,
      tickRoom,
      marginTop: axis.roomAbove,
      x: { domain: [0, Math.max(1, frames)] },
      marks: [
        ...axis.marks,
        ruleY(
          rows.map((_, row) => inRow(row, 0)),
          { stroke: "var(--grid)" },
        ),
        areaY(bars, {
          x: "at",
          y1: "from",
          y2: "to",
          z: "row",
          fill: "colour",
          curve: "step-after",
          className: "firings",
        }),
      ],
    },
  );
  const content = markup`<figure>${drawn}<figcaption>Frames on which the deepest stage fired; at the right, on how many.${stepNote(frames, ["bars"])}</figcaption></figure>`;
  return { id: "firings", title: "Firings of the deepest stage", content };
}
