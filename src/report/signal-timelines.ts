// What adaptive clocks saw and did: signal, threshold and firings over the video, one plot a run.

import { areaY, axisY, dot, line, ruleX, ruleY, text } from "@observablehq/plot";
import type { DetailedEvaluation, Timeline } from "../evaluate/index.ts";
import { fullWidth, wideChart } from "./chart.ts";
import { type NamedRun, readClock } from "./family.ts";
import { count, countOfFrames } from "./figures.ts";
import { type Markup, markup } from "./markup.ts";
import type { Section } from "./section.ts";
import { framesInStep, outlineOfFlags, rangesInSteps } from "./steps.ts";
import { deepestFirings, framesOf, stepNote, videoAxis } from "./video-axis.ts";

const margin = { left: 48, right: 78 };

/** Whether a schedule went by a signal. */
export function hasSignal(timeline: Timeline): boolean {
  return timeline.signal.some((value) => value !== null);
}

/** A plot for every run with a signal; `null` where none has one. */
export function signalSection(evaluation: DetailedEvaluation, runs: readonly NamedRun[]): Section | null {
  const figures = runs.flatMap((named) => {
    const timeline = evaluation.timelines[named.index];
    return timeline !== undefined && hasSignal(timeline) ? [figureOf(evaluation, named, timeline)] : [];
  });
  if (figures.length === 0) return null;
  const content = markup`<p class="note">The line is the signal, the dashed line the threshold; bars below are firings of the deepest stage. A dotted line with ▼ is a change of shot, on which the stage fires whatever the signal says.${stepNote(framesOf(evaluation), ["bars", "lines"])}</p>
${figures}`;
  return { id: "signals", title: "Signals of adaptive clocks", content };
}

function figureOf(evaluation: DetailedEvaluation, named: NamedRun, timeline: Timeline): Markup {
  const frames = timeline.frame.length;
  const fired = deepestFirings(timeline);
  const firings = fired.filter(Boolean).length;
  const shots = timeline.shot.flatMap((shot, at) => (shot ? [at + 0.5] : []));
  const clock = readClock(named.run.clock);
  const threshold = clock.kind === "adaptive" ? clock.threshold : null;
  const summary = `${named.name}: fired on ${count(firings)} of ${countOfFrames(frames)}, ${count(shots.length)} ${shots.length === 1 ? "change" : "changes"} of shot`;
  const drawn = plotOf(evaluation, timeline, { fired, shots, threshold, colour: named.family.colour, summary });
  return markup`<figure>${drawn}<figcaption><code>${named.name}</code>${summary.slice(named.name.length)}.</figcaption></figure>
`;
}

interface Parts {
  readonly fired: readonly boolean[];
  readonly shots: readonly number[];
  readonly threshold: number | null;
  readonly colour: string;
  readonly summary: string;
}

function plotOf(evaluation: DetailedEvaluation, timeline: Timeline, parts: Parts): Markup {
  const { threshold, colour } = parts;
  const frames = timeline.frame.length;
  const step = framesInStep(frames);
  const steps = rangesInSteps(timeline.signal, step).map(({ at, values }) => ({
    at,
    low: values?.low ?? Number.NaN,
    mean: values?.mean ?? Number.NaN,
    high: values?.high ?? Number.NaN,
  }));
  const highest = steps.reduce((most, { high }) => (high > most ? high : most), threshold ?? 0);
  const top = highest === 0 ? 1 : highest * 1.1;
  // Firings have a strip of their own below zero.
  const strip = { from: (step === 1 ? -0.2 : -0.4) * top, to: -0.05 * top };
  const bars = outlineOfFlags(parts.fired, step).map(({ at, share }) => ({
    at,
    to: strip.from + share * (strip.to - strip.from),
  }));
  return wideChart(parts.summary, {
    width: fullWidth,
    height: step === 1 ? 210 : 240,
    marginLeft: margin.left,
    marginRight: margin.right,
    marginTop: 32,
    marginBottom: 38,
    x: { domain: [0, Math.max(1, frames)] },
    y: { domain: [strip.from, top] },
    marks: [
      axisY({ ticks: 5, label: "signal", filter: (value: number) => value >= 0 }),
      ...videoAxis(evaluation, timeline, fullWidth - margin.left - margin.right).marks,
      ruleY([0], { stroke: "var(--grid)" }),
      ruleX(parts.shots, { stroke: "var(--ink)", strokeDasharray: "1 3", className: "changes-of-shot" }),
      dot(parts.shots, {
        x: (at: number) => at,
        frameAnchor: "top",
        symbol: "triangle",
        rotate: 180,
        r: 4,
        fill: "var(--ink)",
        className: "changes-of-shot",
      }),
      ...(step === 1
        ? []
        : [areaY(steps, { x: "at", y1: "low", y2: "high", fill: colour, fillOpacity: 0.25, className: "range" })]),
      line(steps, { x: "at", y: "mean", stroke: colour, strokeWidth: 1.5, className: "signal" }),
      areaY(bars, { x: "at", y1: strip.from, y2: "to", curve: "step-after", fill: colour, className: "firings" }),
      ...(threshold === null
        ? []
        : [
            ruleY([threshold], { stroke: "var(--ink)", strokeDasharray: "6 3", className: "threshold" }),
            text([threshold], {
              y: (value: number) => value,
              text: (value: number) => `threshold\n${value}`,
              frameAnchor: "right",
              textAnchor: "start",
              dx: 6,
              fill: "var(--ink)",
            }),
          ]),
    ],
  });
}
