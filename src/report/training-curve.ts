// The course of a training as one page: loss, score on validation and learning rate over the steps. Written again and
// again while it runs.

import { dot, gridY, lineY } from "@observablehq/plot";
import { chart, fullWidth } from "./chart.ts";
import { Markup, markup } from "./markup.ts";
import { style } from "./style.ts";

/** What is drawn. */
export interface TrainingCurve {
  readonly title: string;
  /** In a line: network, data, recipe. */
  readonly lead: string;
  readonly steps: readonly { readonly step: number; readonly loss: number; readonly rate: number }[];
  /** mIoU in percent. */
  readonly validations: readonly { readonly step: number; readonly meanIou: number }[];
  /** Seconds until the page is loaded anew; none for a training that has ended. */
  readonly refreshSec?: number;
}

/** Most points of a line: more are not seen. */
const mostPoints = 1000;

/** The page. It loads nothing and runs nothing. */
export function trainingCurveHtml({ title, lead, steps, validations, refreshSec }: TrainingCurve): string {
  const thinned = steps.filter((_, index) => index % Math.max(1, Math.ceil(steps.length / mostPoints)) === 0);
  const size = { width: fullWidth, height: 260 };
  const best = validations.reduce<(typeof validations)[number] | undefined>(
    (top, one) => (top === undefined || one.meanIou > top.meanIou ? one : top),
    undefined,
  );
  const last = Math.max(0, ...[...steps, ...validations].map(({ step }) => step));
  const x = { label: "step", domain: [0, last] };
  const loss = chart("Loss by step", {
    ...size,
    x,
    y: { label: "loss", type: "log", tickFormat: "~g" },
    marks: [gridY(), lineY(thinned, { x: "step", y: "loss" })],
  });
  const score = chart("mIoU on validation by step", {
    ...size,
    x,
    y: { label: "mIoU, %" },
    marks: [
      gridY(),
      lineY(validations, { x: "step", y: "meanIou" }),
      dot(validations, { x: "step", y: "meanIou", fill: "currentColor" }),
    ],
  });
  const rate = chart("Learning rate by step", {
    ...size,
    height: 160,
    x,
    y: { label: "learning rate" },
    marks: [gridY(), lineY(thinned, { x: "step", y: "rate" })],
  });
  const reload = refreshSec === undefined ? "" : markup`<meta http-equiv="refresh" content="${refreshSec}">`;
  const summary =
    best === undefined
      ? "No validation yet."
      : `Best mIoU on validation: ${best.meanIou.toFixed(2)} % at step ${best.step}.`;
  return `${markup`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
${reload}
<title>${title}</title>
<style>${new Markup(style)}</style>
</head>
<body>
<header><h1>${title}</h1><p class="lead">${lead}</p><p>${summary}</p></header>
<main>
<figure>${loss}</figure>
${validations.length === 0 ? "" : markup`<figure>${score}</figure>`}
<figure>${rate}</figure>
</main>
</body>
</html>
`}`;
}
