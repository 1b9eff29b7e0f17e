// Time in the engine by schedule: a histogram a row, frames on which the deepest stage fired above the line and held ones
// below it, so that the two peaks of a clocked network can be told apart without colours.

import { areaY, ruleY } from "@observablehq/plot";
import type { DetailedEvaluation, Timeline } from "../evaluate/index.ts";
import type { NamedRun } from "./family.ts";
import { countOfFrames, milliseconds } from "./figures.ts";
import { markup } from "./markup.ts";
import { inRow, type Row, rowsChart } from "./rows.ts";
import type { Section } from "./section.ts";
import { deepestFirings } from "./video-axis.ts";

const bins = 90;

/** Frames by latency, fired and held apart. */
export interface LatencyCounts {
  readonly fired: readonly number[];
  readonly held: readonly number[];
  /** Frames slower than the axis is long; they are counted in the last bins. */
  readonly beyond: number;
}

/** Sorts frames into bins of `width` milliseconds from 0. */
export function latencyCounts(timeline: Timeline, bins: number, width: number): LatencyCounts {
  const counts = { fired: new Array<number>(bins).fill(0), held: new Array<number>(bins).fill(0) };
  const fired = deepestFirings(timeline);
  let beyond = 0;
  for (const [frame, ms] of timeline.ms.entries()) {
    if (ms >= bins * width) beyond += 1;
    const side = fired[frame] === true ? counts.fired : counts.held;
    const bin = Math.min(bins - 1, Math.floor(ms / width));
    side[bin] = (side[bin] ?? 0) + 1;
  }
  return { ...counts, beyond };
}

/** The histograms. */
export function latencySection(evaluation: DetailedEvaluation, runs: readonly NamedRun[]): Section {
  const slowest = Math.max(...runs.map(({ run }) => run.latencyMs.p99));
  const width = slowest > 0 ? (slowest * 1.1) / bins : 1;
  const rows = runs.map(({ name, family, run }): Row => ({
    name,
    colour: family.colour,
    note: `p50 ${milliseconds(run.latencyMs.p50)}, p99 ${milliseconds(run.latencyMs.p99)}`,
  }));
  const counts = runs.flatMap(({ index }) => {
    const timeline = evaluation.timelines[index];
    return timeline === undefined ? [] : [latencyCounts(timeline, bins, width)];
  });
  const outlines = counts.flatMap(({ fired, held }, row) => {
    const most = { fired: Math.max(1, ...fired), held: Math.max(1, ...held) };
    return [
      ...outline(fired, width, (frames) => inRow(row, 0.5 + frames / most.fired / 2)).map((point) => ({
        ...point,
        side: "fired",
      })),
      ...outline(held, width, (frames) => inRow(row, 0.5 - frames / most.held / 2)).map((point) => ({
        ...point,
        side: "held",
      })),
    ].map((point) => ({ ...point, key: `${row} ${point.side}`, middle: inRow(row, 0.5) }));
  });
  const mark = (side: "fired" | "held", colour: string, label: string) =>
    areaY(
      outlines.filter((point) => point.side === side),
      { x: "at", y1: "middle", y2: "to", z: "key", fill: colour, curve: "step-after", className: label },
    );
  const drawn = rowsChart(
    `Latency in milliseconds: ${rows.map(({ name, note }) => `${name} ${note}`).join("; ")}`,
    rows,
    {
      rowHeight: 60,
      tickRoom: 10,
      marginTop: 8,
      x: { domain: [0, bins * width], label: "ms in the engine" },
      marks: [
        mark("fired", "var(--fired)", "fired"),
        mark("held", "var(--held)", "held"),
        ruleY(
          rows.map((_, row) => inRow(row, 0.5)),
          { stroke: "var(--muted)", strokeWidth: 0.75 },
        ),
      ],
    },
  );
  const beyond = counts.reduce((sum, count) => sum + count.beyond, 0);
  const slower =
    beyond === 0
      ? ""
      : ` ${countOfFrames(beyond)} slower than ${milliseconds(bins * width)} ms (of all schedules together) ${beyond === 1 ? "is" : "are"} counted at the right end.`;
  const content = markup`<figure>${drawn}<figcaption>Frames by their time in the engine: above the line (<span class="key fired">■</span>) those on which the deepest stage fired, below it (<span class="key held">■</span>) those on which it held. Each side of each row is scaled to its own highest bar.${slower}</figcaption></figure>`;
  return { id: "latency", title: "Latency", content };
}

/** The outline of a histogram that says only where it changes. */
function outline(
  counts: readonly number[],
  width: number,
  yOf: (frames: number) => number,
): readonly { readonly at: number; readonly to: number }[] {
  return counts.flatMap((frames, bin) =>
    bin > 0 && bin < counts.length - 1 && frames === counts[bin - 1]
      ? []
      : [
          { at: bin * width, to: yOf(frames) },
          ...(bin === counts.length - 1 ? [{ at: (bin + 1) * width, to: yOf(frames) }] : []),
        ],
  );
}
