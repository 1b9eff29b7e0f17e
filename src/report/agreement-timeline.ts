// Agreement with the oracle over the video: a line a schedule, all on the same scale, the worst frame marked.

import { areaY, dot, line, ruleY, text } from "@observablehq/plot";
import type { DetailedEvaluation } from "../evaluate/index.ts";
import { fullWidth } from "./chart.ts";
import type { NamedRun } from "./family.ts";
import { percent } from "./figures.ts";
import { markup } from "./markup.ts";
import { inRow, type Row, rowMargins, rowsChart } from "./rows.ts";
import type { Section } from "./section.ts";
import { framesInStep, rangesInSteps } from "./steps.ts";
import { framesOf, stepNote, videoAxis } from "./video-axis.ts";

/** Pixels between names and rows: room for the ticks. */
const tickRoom = 34;

/** Where rows may begin: three quarters of the way to 100 is a round number then. */
const floors = [96, 92, 80, 60, 40, 20, 0];

/** The lines; `null` where there is only the oracle. */
export function agreementSection(evaluation: DetailedEvaluation, runs: readonly NamedRun[]): Section | null {
  const shown = runs.slice(1).flatMap((named) => {
    const timeline = evaluation.timelines[named.index];
    return timeline === undefined ? [] : [{ named, timeline }];
  });
  const first = shown[0]?.timeline;
  if (first === undefined) return null;
  const frames = framesOf(evaluation);
  const step = framesInStep(frames);
  const least = shown.reduce((low, { timeline }) => timeline.agreement.reduce((a, b) => Math.min(a, b), low), 99);
  const floor = floors.find((value) => value <= least) ?? 0;
  // Stretched towards 100, where schedules worth having are.
  const heightOf = (agreement: number): number => 1 - Math.sqrt((100 - agreement) / (100 - floor));
  const middle = 100 - (100 - floor) / 4;
  const rows = shown.map(({ named: { name, run, family } }): Row => ({
    name,
    colour: family.colour,
    note: `mean ${percent(run.agreement)}, worst ${percent(run.worstFrame.agreement)}`,
  }));
  const { left, right } = rowMargins(rows, tickRoom);
  const axis = videoAxis(evaluation, first, fullWidth - left - right);
  const points = shown.flatMap(({ timeline, named }, row) =>
    rangesInSteps(timeline.agreement, step).map(({ at, values }) => ({
      at,
      row,
      colour: named.family.colour,
      low: inRow(row, heightOf(values?.low ?? Number.NaN)),
      mean: inRow(row, heightOf(values?.mean ?? Number.NaN)),
      high: inRow(row, heightOf(values?.high ?? Number.NaN)),
    })),
  );
  const worst = shown.map(({ named: { run, family } }, row) => ({
    at: run.worstFrame.index + 0.5,
    y: inRow(row, heightOf(run.worstFrame.agreement)),
    colour: family.colour,
  }));
  const guides = rows.flatMap((_, row) => [
    { y: inRow(row, 0), text: String(floor) },
    { y: inRow(row, 0.5), text: String(middle) },
    { y: inRow(row, 1), text: "100" },
  ]);
  const drawn = rowsChart(
    `Agreement with the oracle in percent over the video: ${rows.map(({ name, note }) => `${name} ${note}`).join("; ")}`,
    rows,
    {
      rowHeight: 76,
      tickRoom,
      marginTop: axis.roomAbove,
      x: { domain: [0, Math.max(1, frames)] },
      marks: [
        ...axis.marks,
        ruleY(guides, { y: "y", stroke: "var(--grid)" }),
        text(guides, {
          y: "y",
          text: "text",
          frameAnchor: "left",
          textAnchor: "end",
          dx: -4,
          fontSize: 10,
          fill: "var(--muted)",
        }),
        ...(step === 1
          ? []
          : [
              areaY(points, {
                x: "at",
                y1: "low",
                y2: "high",
                z: "row",
                fill: "colour",
                fillOpacity: 0.3,
                className: "range",
              }),
            ]),
        line(points, { x: "at", y: "mean", z: "row", stroke: "colour", strokeWidth: 1.5, className: "agreement" }),
        dot(worst, {
          x: "at",
          y: "y",
          r: 3.5,
          fill: "var(--paper)",
          stroke: "colour",
          strokeWidth: 1.75,
          className: "worst-frames",
        }),
      ],
    },
  );
  const content = markup`<figure>${drawn}<figcaption>Percent of the pixels with the oracle's label, frame by frame; every row from ${floor} to 100, as the square root of what is missing to 100. ○ is the worst frame.${stepNote(frames, ["lines"])}</figcaption></figure>`;
  return { id: "agreement", title: "Agreement over time", content };
}
