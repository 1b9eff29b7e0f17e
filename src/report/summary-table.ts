// The table of all schedules: one row each, the oracle first, then by cost. Marks tell the best at each cost.

import type { DetailedEvaluation } from "../evaluate/index.ts";
import type { NamedRun } from "./family.ts";
import { count, factor, meanFrames, milliseconds, none, percent, shareInPercent } from "./figures.ts";
import { bestAtCost } from "./front.ts";
import { type Markup, markup, type MarkupValue } from "./markup.ts";
import { hasLabels, qualityOf } from "./quality.ts";
import { scrollingTable, type Section } from "./section.ts";

interface Column {
  readonly title: string;
  readonly cell: (row: Row) => MarkupValue;
}

interface Row extends NamedRun {
  /** Whether nothing as good costs as few multiply-accumulates. */
  readonly bestByMacs: boolean;
  /** Whether nothing as good takes as little time. */
  readonly bestByTime: boolean;
}

/** The summary. */
export function summarySection(evaluation: DetailedEvaluation, runs: readonly NamedRun[]): Section {
  const quality = qualityOf(evaluation);
  const byMacs = bestAtCost(runs.map(({ run }) => ({ cost: run.macsRatio, quality: quality.of(run) })));
  const byTime = bestAtCost(runs.map(({ run }) => ({ cost: run.msPerFrame, quality: quality.of(run) })));
  const rows = runs.map((run, index) => ({
    ...run,
    bestByMacs: byMacs[index] ?? false,
    bestByTime: byTime[index] ?? false,
  }));
  const [oracle, ...others] = rows;
  const sorted = [...others].sort((a, b) => b.run.macsRatio - a.run.macsRatio);
  const groups = columnGroups(evaluation, runs);
  const table = markup`<table class="summary">
<caption><span>The oracle first, then from the most multiply-accumulates (MACs) to the fewest. <span class="best">◆</span> best at its cost: no other schedule here has as high ${article(quality.name)} for less MACs (or, beside the time, in less time).${truthText(evaluation)} Percent; ages in frames.</span></caption>
<thead>
<tr><th scope="col" rowspan="2">clock</th><th scope="col" rowspan="2">propagate</th>${groups.map((group) => markup`<th scope="colgroup" colspan="${group.columns.length}">${group.title}</th>`)}</tr>
<tr>${groups.map((group) => group.columns.map((column, index) => markup`<th scope="col"${edge(index)}>${column.title}</th>`))}</tr>
</thead>
<tbody>
${(oracle === undefined ? [] : [oracle, ...sorted]).map((row) => rowOf(row, groups, row === oracle))}</tbody>
</table>`;
  return { id: "summary", title: "Summary", content: scrollingTable("Summary", table) };
}

interface ColumnGroup {
  readonly title: string;
  readonly columns: readonly Column[];
}

function columnGroups(evaluation: DetailedEvaluation, runs: readonly NamedRun[]): readonly ColumnGroup[] {
  const stages = Math.max(1, ...runs.map(({ run }) => run.updateRates.length));
  const rates = Array.from({ length: stages }, (_, stage): Column => ({
    title: `stage ${stage + 1}`,
    cell: ({ run }) => shareInPercent(run.updateRates[stage] ?? null),
  }));
  const cost: readonly Column[] = [
    { title: "MACs", cell: ({ run, bestByMacs }) => marked(shareInPercent(run.macsRatio), bestByMacs, "MACs") },
    { title: "ms/frame", cell: ({ run, bestByTime }) => marked(milliseconds(run.msPerFrame), bestByTime, "time") },
    { title: "speedup", cell: ({ run }) => factor(run.speedup) },
  ];
  const labels: readonly Column[] = [
    { title: "mIoU", cell: ({ run, bestByMacs }) => strong(percent(run.mIoU), bestByMacs) },
    { title: "boundary mIoU", cell: ({ run }) => percent(run.boundary?.mIoU ?? null) },
    { title: "accuracy", cell: ({ run }) => percent(run.accuracy) },
  ];
  const labelled = hasLabels(evaluation);
  const agreement: readonly Column[] = [
    {
      title: "agreement",
      cell: ({ run, bestByMacs }) => strong(percent(run.agreement), bestByMacs && !labelled),
    },
    { title: "as mIoU", cell: ({ run }) => percent(run.agreementMIoU) },
  ];
  const time: readonly Column[] = [
    ...(runs.some(({ run }) => run.consistency !== null)
      ? [{ title: "consistency", cell: ({ run }: Row) => percent(run.consistency?.value ?? null) }]
      : []),
    { title: "flicker", cell: ({ run }) => percent(run.flicker) },
    { title: "mean age", cell: ({ run }) => meanFrames(run.age.mean) },
    { title: "max age", cell: ({ run }) => count(run.age.max) },
  ];
  const latency: readonly Column[] = (["p50", "p95", "p99", "max"] as const).map((title) => ({
    title,
    cell: ({ run }) => milliseconds(run.latencyMs[title]),
  }));
  return [
    { title: "update rate", columns: rates },
    { title: "cost", columns: cost },
    ...(labelled ? [{ title: "against true labels", columns: labels }] : []),
    { title: "against the oracle", columns: agreement },
    { title: "over time", columns: time },
    { title: "latency, ms", columns: latency },
  ];
}

function truthText({ truthConsistency }: DetailedEvaluation): string {
  return truthConsistency === null ? "" : ` The true labels have a consistency of ${percent(truthConsistency.value)}.`;
}

function rowOf(row: Row, groups: readonly ColumnGroup[], oracle: boolean): Markup {
  const { run, name } = row;
  const cells = groups.map((group) =>
    group.columns.map((column, index) => markup`<td${edge(index)}>${column.cell(row)}</td>`),
  );
  const role = oracle ? markup` <small>(oracle)</small>` : "";
  return markup`<tr${oracle ? markup` class="oracle"` : ""}><th scope="row"><code>${name}</code>${role}</th><td class="text">${oracle ? none : run.propagate}</td>${cells}</tr>
`;
}

function marked(text: string, best: boolean, by: string): MarkupValue {
  return best
    ? markup`<span class="best" title="best at this ${by}" role="img" aria-label="best at this ${by}">◆</span> ${text}`
    : text;
}

function strong(text: string, best: boolean): MarkupValue {
  return best ? markup`<strong>${text}</strong>` : text;
}

/** The first column of a group has a line at its left. */
function edge(index: number): Markup | string {
  return index === 0 ? markup` class="edge"` : "";
}

function article(name: string): string {
  return name === "agreement" ? "an agreement" : "an mIoU";
}
