// The result of `street-clocks` as tables: accuracy by update rate, and how far adaptive clocks are above fixed ones.

import { sheetsText, type Format, type Sheet } from "./rows.ts";
import type { SceneResult, StreetClocksResult, StreetCurve, StreetCurvePoint } from "./street-clocks.ts";

/** The result as text of a format; JSON has all of it. */
export function streetClocksText(result: StreetClocksResult, format: Format): string {
  if (format === "json") return JSON.stringify(result, undefined, 2);
  return sheetsText(
    [...result.scenes.map((scene) => marginSheet(scene, result)), ...result.scenes.map(curveSheet), aboutSheet(result)],
    format,
  );
}

/** What a scene is called where there is room. */
export function sceneTitle({ scene: { name, style, camera }, oracle }: SceneResult): string {
  return `${name} (${style}, camera ${camera}; oracle ${oracle.mIoU.toFixed(2)})`;
}

/** What a family is called. */
export function curveName({ stages, propagate, clock }: StreetCurve): string {
  return `${stages === 1 ? "whole network" : "2 stages"}, ${propagate}: ${clock}`;
}

function marginSheet(result: SceneResult, { seeds }: StreetClocksResult): Sheet {
  const adaptive = result.curves.filter(({ clock }) => clock !== "fixed");
  const signed = (value: number): string => `${value < 0 ? "-" : "+"}${Math.abs(value).toFixed(2)}`;
  return sheet(
    `Adaptive less fixed, mIoU points at equal update rate: ${sceneTitle(result)}`,
    adaptive,
    ({ margin }) =>
      margin === null
        ? "-"
        : `${signed(margin.mean)} (${signed(margin.low)} to ${signed(margin.high)}; ${signed(margin.pooled)})`,
    [`Mean over ${seeds} streets (95 % interval, paired bootstrap over streets; all frames of all streets together).`],
  );
}

function curveSheet(result: SceneResult): Sheet {
  return sheet(
    `mIoU % at update rate %: ${sceneTitle(result)}`,
    result.curves,
    ({ mIoU, updateRate }) => `${mIoU.toFixed(2)} at ${(100 * updateRate).toFixed(1)}`,
    [],
  );
}

/** A row for each family, a column for each rate that was aimed at. */
function sheet(
  title: string,
  curves: readonly StreetCurve[],
  cell: (point: StreetCurvePoint) => string,
  notes: readonly string[],
): Sheet {
  const aims = [...new Set(curves.flatMap(({ points }) => points.map(({ aimed }) => aimed)))].sort((a, b) => b - a);
  return {
    title,
    cells: [
      ["clock", ...aims.map((aimed) => `1/${Math.round(1 / aimed)}`)],
      ...curves.map((curve) => [
        curveName(curve),
        ...aims.map((aimed) => {
          const point = curve.points.find((one) => one.aimed === aimed);
          return point === undefined ? "-" : cell(point);
        }),
      ]),
    ],
    notes,
  };
}

function aboutSheet(result: StreetClocksResult): Sheet {
  const { seeds, calibrationSeeds, firstSeed, frames, fps, size, notes, model } = result;
  const first = firstSeed + calibrationSeeds;
  return {
    title: "How",
    cells: [
      ["what", "value"],
      ["model", model],
      ["streets of each scene", `${seeds}: seeds ${first} to ${first + seeds - 1}`],
      ["thresholds chosen on", `${calibrationSeeds}: seeds ${firstSeed} to ${first - 1}`],
      ["frames of each", `${frames} at ${fps}/s, ${size.widthPx}x${size.heightPx}`],
    ],
    notes,
  };
}
