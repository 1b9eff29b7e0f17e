// The curves of `street-clocks` as a page and as one picture: a panel for each scene, mIoU against update rate, a line for
// each family. Colour says what a clock looks at, the shape of points what is held, dashes that it moves along the flow.

import { dot, gridX, gridY, line, ruleY } from "@observablehq/plot";
import { chart } from "../src/report/chart.ts";
import { Markup, markup } from "../src/report/markup.ts";
import { style } from "../src/report/style.ts";
import { svgFile } from "./svg-file.ts";
import { curveName, sceneTitle } from "./street-clocks-text.ts";
import type { ClockName, SceneResult, StreetClocksResult, StreetCurve } from "./street-clocks.ts";

const panel = { width: 500, height: 340 } as const;

const colours: Readonly<Record<ClockName, string>> = {
  fixed: "var(--fixed)",
  labels: "var(--adaptive)",
  probe: "var(--features)",
  residual: "var(--expected)",
  arrived: "var(--probe)",
  motion: "var(--deadline)",
};

/** The page. It loads nothing and runs nothing. */
export function streetClocksHtml(result: StreetClocksResult): string {
  const title = "Adaptive clocks on streets";
  return `${markup`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title}</title>
<style>${new Markup(style)}</style>
</head>
<body>
<header><h1>${title}</h1><p class="lead">${leadOf(result)}</p></header>
<main>
<p>${legendOf(result).map(([text, colour]) => markup`<b style="color: ${colour}">${text}</b> `)}</p>
<p class="note">${keyText}</p>
<div class="pair">
${result.scenes.map((scene) => markup`<figure>${panelOf(scene)}<figcaption>${sceneTitle(scene)}</figcaption></figure>`)}
</div>
</main>
</body>
</html>
`}`;
}

/** The panels as one SVG, two in a row. */
export function streetClocksSvg(result: StreetClocksResult): string {
  const rowHeight = panel.height + 36;
  const top = 56;
  const width = 2 * panel.width + 20;
  const height = top + rowHeight * Math.ceil(result.scenes.length / 2);
  const legend = legendOf(result).map(
    ([text, colour]) => markup`<tspan dx="14" font-weight="600" fill="${colour}">${text}</tspan>`,
  );
  const panels = result.scenes.map((scene, place) => {
    const at = `translate(${(place % 2) * (panel.width + 20)} ${top + Math.floor(place / 2) * rowHeight})`;
    return markup`<g transform="${at}"><text x="44" y="12" font-weight="600" fill="var(--ink)">${sceneTitle(scene)}</text><g transform="translate(0 16)" color="var(--ink)">${panelOf(scene)}</g></g>
`;
  });
  return svgFile(
    { width, height },
    markup`<text x="30" y="18" fill="var(--ink)">${legend}</text>
<text x="44" y="38" fill="var(--muted)">${keyText}</text>
${panels}`,
  );
}

const keyText =
  "★ is the oracle. Squares: the whole network is held; circles: its deep stage. Hollow and dashed: what is held moves along the flow.";

function leadOf({ model, seeds, frames, fps, size }: StreetClocksResult): string {
  return `mIoU against exact labels by update rate · ${model} · ${seeds} streets of ${frames} frames at ${fps}/s for each scene, ${size.widthPx}x${size.heightPx}`;
}

/** Clocks that occur, with their colours. */
function legendOf({ scenes }: StreetClocksResult): readonly (readonly [ClockName, string])[] {
  const seen = new Set(scenes.flatMap(({ curves }) => curves.map(({ clock }) => clock)));
  return [...seen].map((clock) => [clock, colours[clock]] as const);
}

interface Place {
  readonly x: number;
  readonly y: number;
  readonly title: string;
  readonly curve: StreetCurve;
}

function panelOf(scene: SceneResult): Markup {
  const { oracle, curves } = scene;
  const places = curves.map((curve): readonly Place[] =>
    curve.points.map(({ updateRate, mIoU, name }) => ({
      x: 100 * updateRate,
      y: mIoU,
      title: `${curveName(curve)}, ${name}: ${mIoU.toFixed(2)} % at ${(100 * updateRate).toFixed(1)} %`,
      curve,
    })),
  );
  const start = { x: 100, y: oracle.mIoU };
  const colourOf = ({ curve }: Place): string => colours[curve.clock];
  return chart(`mIoU by update rate: ${sceneTitle(scene)}`, {
    ...panel,
    marginLeft: 44,
    x: { label: "update rate, %", domain: [0, 104] },
    y: { label: "mIoU, %", nice: true },
    marks: [
      gridX({ stroke: "var(--grid)", strokeOpacity: 1 }),
      gridY({ stroke: "var(--grid)", strokeOpacity: 1 }),
      ruleY([oracle.mIoU], { stroke: "var(--muted)", strokeDasharray: "2 4" }),
      ...places.flatMap((members) => {
        const [first] = members;
        if (first === undefined) return [];
        const path = [...members, start].sort((a, b) => a.x - b.x);
        const dashes = first.curve.propagate === "flow" ? { strokeDasharray: "5 3" } : {};
        return [line(path, { x: "x", y: "y", stroke: colourOf(first), strokeWidth: 1.25, ...dashes })];
      }),
      dot(places.flat(), {
        x: "x",
        y: "y",
        r: 3.5,
        symbol: ({ curve }: Place) => (curve.stages === 1 ? "square" : "circle"),
        fill: (place: Place) => (place.curve.propagate === "flow" ? "var(--paper)" : colourOf(place)),
        stroke: colourOf,
        strokeWidth: 1.5,
        title: "title",
      }),
      dot([start], { x: "x", y: "y", r: 5, symbol: "star", fill: "var(--ink)" }),
    ],
  });
}
