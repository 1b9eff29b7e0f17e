// The report: one HTML file with everything in it. It loads nothing, runs nothing, and forbids both, so that it can be
// mailed, archived and opened anywhere.

import type { DetailedEvaluation } from "../evaluate/index.ts";
import { ClockworkError } from "../errors.ts";
import { ageSection } from "./age-histogram.ts";
import { agreementSection } from "./agreement-timeline.ts";
import { classSection } from "./class-table.ts";
import { costSection } from "./cost-plots.ts";
import { nameRuns } from "./family.ts";
import { count, countOfFrames } from "./figures.ts";
import { firingsSection } from "./firings.ts";
import { latencySection } from "./latency-histogram.ts";
import { Markup, markup } from "./markup.ts";
import { glossarySection, protocolLine, protocolSection } from "./protocol.ts";
import { type Section, showSection } from "./section.ts";
import { signalSection } from "./signal-timelines.ts";
import { type Strip, stripSection } from "./strips.ts";
import { style } from "./style.ts";
import { summarySection } from "./summary-table.ts";

/** What a report has beside the evaluation. */
export interface ReportOptions {
  /** Frames to show; none is fine. */
  readonly strips: readonly Strip[];
  /** Heading of the page; else it names dataset and model. */
  readonly title?: string;
  /** Version, engine and machine, in words. */
  readonly madeWith?: string;
  /** The command that made the evaluation, as typed. */
  readonly command?: string;
}

/**
 * An evaluation as one HTML page that needs nothing else: no network, no scripts. The same input gives the same bytes.
 * Videos of more than 1,500 frames are drawn in steps; tables are not affected.
 * @throws ClockworkError `invalid-argument` where the evaluation has no runs or not one timeline a run, or a picture has
 *   no picture's media type
 */
export function reportHtml(evaluation: DetailedEvaluation, options: ReportOptions): string {
  if (evaluation.runs.length === 0 || evaluation.timelines.length !== evaluation.runs.length) {
    throw new ClockworkError(
      "invalid-argument",
      `report: expected at least one run and a timeline for each, got ${evaluation.runs.length} runs and ${evaluation.timelines.length} timelines`,
    );
  }
  const runs = nameRuns(evaluation.runs);
  const title = options.title ?? `${evaluation.dataset}: ${evaluation.model} on clocks`;
  const sections = [
    summarySection(evaluation, runs),
    costSection(evaluation, runs),
    classSection(evaluation, runs),
    signalSection(evaluation, runs),
    firingsSection(evaluation, runs),
    ageSection(evaluation, runs),
    agreementSection(evaluation, runs),
    latencySection(evaluation, runs),
    stripSection(options.strips, runs),
    notesSection(evaluation.notes),
    protocolSection(evaluation, runs, { with: options.madeWith ?? null, by: options.command ?? null }),
    glossarySection(),
  ].filter((section) => section !== null);
  return `${pageOf(evaluation, title, sections)}`;
}

function pageOf(evaluation: DetailedEvaluation, title: string, sections: readonly Section[]): Markup {
  const { dataset, model, frames, labelled, sequences } = evaluation;
  const inSequences = `${count(sequences.length)} ${sequences.length === 1 ? "sequence" : "sequences"}`;
  return markup`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title}</title>
<style>${new Markup(style)}</style>
</head>
<body>
<header>
<h1>${title}</h1>
<p class="lead">Dataset <b>${dataset}</b> · model <b>${model}</b> · ${countOfFrames(frames)} in ${inSequences}, ${labelled === 0 ? "none" : count(labelled)} with labels</p>
<p class="protocol">${protocolLine(evaluation)}</p>
<nav aria-label="Contents"><ul>${sections.map(({ id, title }) => markup`<li><a href="#${id}">${title}</a></li>`)}</ul></nav>
</header>
<main>
${sections.map(showSection)}</main>
</body>
</html>
`;
}

function notesSection(notes: readonly string[]): Section | null {
  if (notes.length === 0) return null;
  return { id: "notes", title: "Notes", content: markup`<ul>${notes.map((note) => markup`<li>${note}</li>`)}</ul>` };
}
