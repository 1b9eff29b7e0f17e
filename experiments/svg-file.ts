// Plots as a file of their own: the colours of pages, light and dark, without their layout.

import { Markup, markup } from "../src/report/markup.ts";
import { style } from "../src/report/style.ts";

const colourSchemes = style.slice(0, style.indexOf("\n*"));

/** An SVG file around what is drawn; sizes in pixels. */
export function svgFile({ width, height }: { readonly width: number; readonly height: number }, drawn: Markup): string {
  return `${markup`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="system-ui, sans-serif" font-size="12">
<style>${new Markup(colourSchemes)}</style>
<rect width="100%" height="100%" fill="var(--paper)"/>
${drawn}</svg>
`}`;
}
