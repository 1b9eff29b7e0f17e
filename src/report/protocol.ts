// How the evaluation was made, in one line for the top of the page and in full for those who want to do it again; and
// the words that the page uses.

import type { DetailedEvaluation, EvaluationProtocol } from "../evaluate/index.ts";
import type { NamedRun } from "./family.ts";
import { count, countOfFrames } from "./figures.ts";
import { type Markup, markup, nothing } from "./markup.ts";
import { hasLabels } from "./quality.ts";
import type { Section } from "./section.ts";

/** The protocol in a line. */
export function protocolLine(evaluation: DetailedEvaluation): string {
  const { protocol } = evaluation;
  return [
    ...(protocol.split === null ? [] : [`split ${protocol.split}`]),
    everyText(protocol.every),
    protocol.before === null ? "whole sequences" : `${countOfFrames(protocol.before)} before each labelled one`,
    ...(protocol.warmUp === 0 ? [] : [`warm-up of ${countOfFrames(protocol.warmUp)}`]),
    ...(protocol.phases ? ["all phases of periodic clocks"] : []),
    ...(hasLabels(evaluation) ? [`boundary band ${count(protocol.boundaryPx)} px`] : []),
    ...(protocol.map === null ? [] : [`class mapping ${protocol.map}`]),
  ].join(" · ");
}

/** The protocol in full. `madeWith` says by what, `command` by which command. */
export function protocolSection(
  evaluation: DetailedEvaluation,
  runs: readonly NamedRun[],
  made: { readonly with: string | null; readonly by: string | null },
): Section {
  const { protocol, sequences } = evaluation;
  const rows: readonly (readonly [string, string | Markup])[] = [
    ["dataset", evaluation.dataset],
    ["split", protocol.split ?? "none"],
    ["model", evaluation.model],
    [
      "frames",
      `${count(evaluation.frames)}, of which ${count(evaluation.labelled)} with labels, in ${countOf(sequences.length, "sequence")}`,
    ],
    ["sampling", everyText(protocol.every)],
    ["before labels", beforeText(protocol)],
    [
      "warm-up",
      protocol.warmUp === 0
        ? "none: every frame is scored"
        : `the first ${countOfFrames(protocol.warmUp)} of each sequence run, but are not scored`,
    ],
    [
      "phases",
      protocol.phases
        ? "each phase of a periodic clock was run, and the histograms added"
        : "one: periodic clocks fire on the first frame of a sequence",
    ],
    ["boundary", `pixels within ${count(protocol.boundaryPx)} px of an edge of the true labels`],
    ["class mapping", protocol.map ?? "none needed"],
    ["schedules", markup`${runs.map(({ name }, index) => markup`${index === 0 ? "" : ", "}<code>${name}</code>`)}`],
    ...(made.with === null ? [] : [["made with", made.with] as const]),
  ];
  const command =
    made.by === null ? nothing : markup`<p>The command that made this page:</p>\n<pre><code>${made.by}</code></pre>\n`;
  const content = markup`<dl>${rows.map(([term, text]) => markup`<dt>${term}</dt><dd>${text}</dd>`)}</dl>
${command}<p>To do it again, take these frames in order, run the model whole on every frame (the oracle) and once with each schedule, start each sequence afresh, and score all of them on the same frames. Agreement, update rates, ages and MACs come out the same on any machine up to rounding of the engine; times are those of the machine that ran it.</p>`;
  return { id: "protocol", title: "Protocol", content };
}

/** The words. */
export function glossarySection(): Section {
  const content = markup`<p><b>Stage</b>: a part of the network with one clock. <b>Clock</b>: what decides, frame by frame, whether a stage fires (runs) or holds (what it last put out is used again). <b>Schedule</b>: the clocks of all stages. <b>Oracle</b>: the network run whole on every frame. <b>Propagate</b>: what is done with what is held: kept still, or moved along the optical flow. <b>Update rate</b>: share of frames on which a stage fired. <b>Age</b>: frames since the deepest stage fired. <b>Agreement</b>: share of pixels whose label is the oracle's; <b>as mIoU</b>: mIoU with the oracle's labels as truth. <b>mIoU</b>: mean over classes of intersection over union; <b>boundary mIoU</b>: the same near edges of the true labels. <b>Consistency</b>: share of pixels with the label that what they show had in the frame before; what shows the same in both is found by block matching, and places where it is not are left out. <b>Flicker</b>: share of pixels whose label differs from the frame before's. <b>MACs</b>: multiply-accumulates. <b>p95</b>: 95 % of the frames took at most this long.</p>`;
  return { id: "words", title: "Words", content };
}

function everyText(every: number): string {
  return every === 1 ? "every frame" : `one frame in ${count(every)}`;
}

function beforeText({ before }: EvaluationProtocol): string {
  return before === null
    ? "sequences were taken whole"
    : `sequences begin ${countOfFrames(before)} before each labelled frame`;
}

function countOf(number: number, noun: string): string {
  return `${count(number)} ${noun}${number === 1 ? "" : "s"}`;
}
