// How old what is held was when it was used: a histogram a schedule, over one axis.

import { areaY, axisX, ruleY } from "@observablehq/plot";
import type { DetailedEvaluation } from "../evaluate/index.ts";
import type { NamedRun } from "./family.ts";
import { count, meanFrames } from "./figures.ts";
import { markup } from "./markup.ts";
import { inRow, type Row, rowsChart } from "./rows.ts";
import type { Section } from "./section.ts";

/** Most bars of a histogram. */
const mostBars = 80;

/** How many values fall on each bar: bar b has those from `b * width` up to, but not with, the next. */
export function ageCounts(ages: readonly number[], width: number): readonly number[] {
  const counts: number[] = [];
  for (const age of ages) {
    const bar = Math.floor(age / width);
    while (counts.length <= bar) counts.push(0);
    counts[bar] = (counts[bar] ?? 0) + 1;
  }
  return counts;
}

/** The histograms; `null` where there is only the oracle, which holds nothing. */
export function ageSection(evaluation: DetailedEvaluation, runs: readonly NamedRun[]): Section | null {
  const shown = runs.slice(1).map((named) => ({ named, ages: evaluation.timelines[named.index]?.age ?? [] }));
  if (shown.length === 0) return null;
  const oldest = shown.reduce((most, { ages }) => ages.reduce((a, b) => Math.max(a, b), most), 0);
  const width = Math.ceil((oldest + 1) / mostBars);
  const rows = shown.map(({ named }): Row => ({
    name: named.name,
    colour: named.family.colour,
    note: `mean ${meanFrames(named.run.age.mean)}, max ${count(named.run.age.max)}`,
  }));
  const bars = shown.flatMap(({ ages }, row) => {
    const counts = ageCounts(ages, width);
    const most = Math.max(1, ...counts);
    const base = { row, from: inRow(row, 0), colour: rows[row]?.colour ?? "" };
    return counts.flatMap((frames, bar) => [
      { ...base, at: (bar - 0.4) * width, to: inRow(row, frames / most) },
      { ...base, at: (bar + 0.4) * width, to: base.from },
    ]);
  });
  const drawn = rowsChart(`Age of what is held: ${rows.map(({ name, note }) => `${name} ${note}`).join("; ")}`, rows, {
    rowHeight: 44,
    tickRoom: 10,
    marginTop: 8,
    x: { domain: [-0.5 * width, (Math.floor(oldest / width) + 0.5) * width] },
    marks: [
      axisX({
        label: "age, frames since the deepest stage fired",
        ...(oldest < 12 ? { ticks: Array.from({ length: oldest + 1 }, (_, age) => age) } : {}),
        tickFormat: (age: number) => (Number.isInteger(age) ? count(age) : ""),
      }),
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
        className: "ages",
      }),
    ],
  });
  const wide = width === 1 ? "" : ` Each bar is ${count(width)} ages wide and stands at its youngest.`;
  const content = markup`<figure>${drawn}<figcaption>Share of frames by the age of what the deepest stage last put out; each row is scaled to its own highest bar.${wide}</figcaption></figure>`;
  return { id: "ages", title: "Age of what is held", content };
}
