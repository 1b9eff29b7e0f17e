// IoU of every class under every schedule, and how far it is from the oracle's.

import type { DetailedEvaluation } from "../evaluate/index.ts";
import type { NamedRun } from "./family.ts";
import { difference, none, percent } from "./figures.ts";
import { type Markup, markup } from "./markup.ts";
import { hasLabels } from "./quality.ts";
import { scrollingTable, type Section } from "./section.ts";

/** Differences, in points, from which on a cell has a deeper colour. */
const depths = [0.25, 1, 3, 8];

/** The table; `null` where nothing has labels. */
export function classSection(evaluation: DetailedEvaluation, runs: readonly NamedRun[]): Section | null {
  const [oracle, ...others] = runs;
  if (oracle === undefined || !hasLabels(evaluation)) return null;
  const classes = [...new Set(runs.flatMap(({ run }) => Object.keys(run.perClass)))];
  const valueOf = (named: NamedRun, name: string): number | null => named.run.perClass[name] ?? null;
  const caption =
    others.length === 0
      ? "IoU in percent."
      : markup`IoU in percent, and the difference to the oracle in points: <span class="swatch loss-3">−</span> orange below it, <span class="swatch gain-3">+</span> blue above it, deeper from ${depths.join(", ")} points on.`;
  const table = markup`<table class="classes">
<caption><span>${caption} ${none}: neither in the labels nor predicted.</span></caption>
<thead><tr><th scope="col">class</th>${runs.map(({ name }) => markup`<th scope="col"><code>${name}</code></th>`)}</tr></thead>
<tbody>
${classes.map(
  (
    name,
  ) => markup`<tr><th scope="row">${name}</th><td>${percent(valueOf(oracle, name))}</td>${others.map((named) => cell(valueOf(named, name), valueOf(oracle, name)))}</tr>
`,
)}</tbody>
<tfoot><tr><th scope="row">mIoU</th><td>${percent(oracle.run.mIoU)}</td>${others.map(({ run }) => cell(run.mIoU, oracle.run.mIoU))}</tr></tfoot>
</table>`;
  return { id: "classes", title: "Classes", content: scrollingTable("Classes", table) };
}

function cell(value: number | null, oracle: number | null): Markup {
  if (value === null || oracle === null) return markup`<td>${percent(value)}</td>`;
  const apart = value - oracle;
  const depth = depths.filter((from) => Math.abs(apart) >= from).length;
  const tint = depth === 0 ? "" : markup` class="${apart < 0 ? "loss" : "gain"}-${depth}"`;
  return markup`<td${tint}>${percent(value)} <small>${difference(apart)}</small></td>`;
}
