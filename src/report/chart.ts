// One plot as inline SVG, drawn by Observable Plot on a document that lives in memory. Colours are the page's CSS
// variables and text is the page's, so that a plot needs nothing of its own. No JavaScript stays in it.

import { plot, type PlotOptions } from "@observablehq/plot";
import { parseHTML } from "linkedom";
import { Markup, markup } from "./markup.ts";

/** Width of the page's text, in pixels: that of plots over the whole video. */
export const fullWidth = 1040;

/** Options of a plot, with what it needs here. */
export interface ChartOptions extends PlotOptions {
  readonly width: number;
  readonly height: number;
}

/** Size of text in plots, in pixels. */
const fontSize = 12;

/** A plot; `description` is what those hear who do not see it. */
export function chart(description: string, options: ChartOptions): Markup {
  const { document } = parseHTML("<!doctype html><html><body></body></html>");
  const svg = plot({ ...options, document });
  // Plot's own style sheet would stand on the page once for each plot; `style.ts` has what is needed of it.
  for (const sheet of svg.querySelectorAll("style")) sheet.remove();
  const content = new Markup(shorter(svg.innerHTML));
  const { width, height } = options;
  return markup`<svg class="plot" role="img" aria-label="${description}" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" fill="currentColor" font-size="${fontSize}" text-anchor="middle">${content}</svg>`;
}

/** A plot that is wider than a phone, in a box that scrolls. */
export function wideChart(description: string, options: ChartOptions): Markup {
  return markup`<div class="scroll" role="region" tabindex="0" aria-label="${description}, plot"><div class="wide">${chart(description, options)}</div></div>`;
}

/** A tenth of a pixel is enough: paths of long videos get half as long. */
function shorter(content: string): string {
  return content
    .replace(/ d="([^"]*)"/g, (_, path: string) => ` d="${rounded(path)}"`)
    .replace(/translate\(([^)]*)\)/g, (_, offset: string) => `translate(${rounded(offset)})`);
}

function rounded(numbers: string): string {
  return numbers.replace(/-?\d*\.\d+(?:e[-+]?\d+)?/g, (number) => String(Math.round(Number(number) * 10) / 10));
}
