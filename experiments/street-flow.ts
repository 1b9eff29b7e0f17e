// How exact flow is on the street, where the true motion of every pixel is known: endpoint errors by class, of the motion
// graph, of OpenCV's methods, and of no motion at all. Pixels that were hidden a frame before have no match and are not
// counted.

import { Progress } from "../src/cli/progress.ts";
import { ClockworkError } from "../src/errors.ts";
import type { Size } from "../src/index.ts";
import {
  Street,
  streetClasses,
  type StreetCamera,
  type StreetFrame,
  type StreetStyle,
} from "../src/video/street/index.ts";
import { byMethod, FlowContestants, flowMethods, type ByFlowMethod } from "./flow-contestants.ts";
import { closePx, FlowErrorTally, type FlowErrors } from "./flow-errors.ts";
import { sheetsText, type Format, type Sheet } from "./rows.ts";

/** What to run. */
export interface StreetFlowOptions {
  readonly style: StreetStyle;
  readonly camera: StreetCamera;
  readonly size: Size;
  /** The first seed; the others follow. */
  readonly firstSeed: number;
  readonly seeds: number;
  /** Pairs of frames of each seed. */
  readonly pairs: number;
  readonly signal?: AbortSignal;
}

/** One part of the picture. */
export interface StreetFlowRow {
  readonly part: string;
  /** Share of the counted pixels. */
  readonly share: number;
  readonly errors: Readonly<ByFlowMethod<FlowErrors>>;
}

/** What came out. */
export interface StreetFlowResult extends Pick<StreetFlowOptions, "style" | "camera" | "size" | "seeds" | "pairs"> {
  /** Share of all pixels that were left out: hidden a frame before, or outside. */
  readonly occluded: number;
  readonly rows: readonly StreetFlowRow[];
  /** Median over all pairs of frames. */
  readonly milliseconds: Readonly<ByFlowMethod<number>>;
}

/** Instances from here on can move: cars in traffic, people. Below are houses, trees and parked cars. */
const firstMover = 64_001;

/** Frames from one pair to the next, and before the first one: far enough apart to show something else. */
const apart = 24;
const firstFrame = 8;

/** Places where pixels are counted: classes, cars by whether they can move. */
const places = [...streetClasses, "moving car"] as const;
const car = streetClasses.indexOf("car");
const movingCar = streetClasses.length;
const movers: ReadonlySet<number> = new Set(
  ["car", "pedestrian", "bicyclist"].map((name) => streetClasses.indexOf(name)),
);

/** Parts by the places that they have. */
const parts: readonly (readonly [name: string, places: readonly number[]])[] = [
  ["all", [...places.keys()]],
  ["background", [...streetClasses.keys()].filter((label) => !movers.has(label))],
  ...streetClasses.flatMap((name, label): readonly (readonly [string, readonly number[]])[] =>
    label === car
      ? [
          ["car, parked", [car]],
          ["car, in traffic", [movingCar]],
        ]
      : [[name, [label]]],
  ),
];

/** Runs the experiment. */
export async function streetFlow(options: StreetFlowOptions): Promise<StreetFlowResult> {
  const { style, camera, size, firstSeed, seeds, pairs, signal } = options;
  await using contestants = await FlowContestants.open(size);
  const progress = new Progress(process.stderr);
  const tallies = places.map(() => byMethod(() => new FlowErrorTally()));
  let occluded = 0;
  try {
    for (let clip = 0; clip < seeds; clip++) {
      const street = new Street({ ...size, seed: firstSeed + clip, style, camera });
      for (let pair = 0; pair < pairs; pair++) {
        // A turn for the keyboard: all of this goes on without a pause.
        await new Promise((resolve) => setImmediate(resolve));
        if (signal?.aborted === true) throw new ClockworkError("aborted", "street-flow: stopped by its signal");
        const index = firstFrame + apart * pair;
        const { frame: before } = street.still(index - 1);
        const now = street.frame(index);
        const flows = await contestants.flows(before, now.frame);
        for (const flag of now.occluded) occluded += flag;
        for (const method of flowMethods) {
          count(
            flows[method],
            now,
            tallies.map((tally) => tally[method]),
          );
        }
        progress.update({ frames: clip * pairs + pair + 1, unit: "pairs", total: seeds * pairs, note: style });
      }
    }
  } finally {
    progress.done();
  }
  const rows = rowsOf(tallies);
  return {
    style,
    camera,
    size,
    seeds,
    pairs,
    occluded: occluded / (seeds * pairs * size.widthPx * size.heightPx),
    rows,
    milliseconds: contestants.milliseconds,
  };
}

/** Adds the errors of one method on one frame, by place. */
function count(flow: Float32Array, now: StreetFrame, tallies: readonly FlowErrorTally[]): void {
  const { labels, instances, occluded, flow: truth } = now;
  const pixels = labels.data.length;
  for (let at = 0; at < pixels; at++) {
    if (occluded[at] === 1) continue;
    const label = labels.data[at] ?? 0;
    const place = label === car && (instances[at] ?? 0) >= firstMover ? movingCar : label;
    const dx = (flow[at] ?? 0) - (truth[at] ?? 0);
    const dy = (flow[pixels + at] ?? 0) - (truth[pixels + at] ?? 0);
    tallies[place]?.add(Math.sqrt(dx * dx + dy * dy));
  }
}

function rowsOf(tallies: readonly ByFlowMethod<FlowErrorTally>[]): readonly StreetFlowRow[] {
  const errorsOf = (chosen: readonly number[]): ByFlowMethod<FlowErrors> =>
    byMethod((method) => FlowErrorTally.sumOf(chosen.flatMap((place) => tallies[place]?.[method] ?? [])).result());
  const all = errorsOf([...places.keys()]).none.pixels;
  return parts.map(([part, chosen]) => {
    const errors = errorsOf(chosen);
    return { part, share: errors.none.pixels / Math.max(1, all), errors };
  });
}

/** The result as text of a format; JSON has all of it. */
export function streetFlowText(result: StreetFlowResult, format: Format): string {
  if (format === "json") return JSON.stringify(result, undefined, 2);
  const { style, camera, size, seeds, pairs, rows, occluded, milliseconds } = result;
  const digits = (value: number | null, places: number): string => value?.toFixed(places) ?? "-";
  const sheet = (title: string, value: (errors: FlowErrors) => string, notes: readonly string[] = []): Sheet => ({
    title,
    cells: [
      ["part", "% of pixels", ...flowMethods],
      ...rows.map(({ part, share, errors }) => [
        part,
        (100 * share).toFixed(1),
        ...flowMethods.map((method) => value(errors[method])),
      ]),
    ],
    notes,
  });
  const where = `${style}, camera ${camera}, ${size.widthPx}x${size.heightPx}`;
  return sheetsText(
    [
      sheet(`Mean endpoint error in px: ${where}`, ({ mean }) => digits(mean, 2), [
        `${seeds} streets of ${pairs} pairs of frames. "none" is the mean length of the true flow. Not counted: ` +
          `${(100 * occluded).toFixed(1)} % of the pixels, which were hidden a frame before. Background: all but cars ` +
          "and people.",
      ]),
      sheet(`Median endpoint error in px: ${where}`, ({ median }) => digits(median, 2)),
      sheet(
        `Within ${closePx} px, % of the pixels: ${where}`,
        ({ close }) => digits(close === null ? null : 100 * close, 1),
        [
          `Milliseconds a pair: ${flowMethods.map((method) => `${method} ${milliseconds[method].toFixed(1)}`).join(", ")}. ` +
            "Ours ONNX Runtime, OpenCV's WebAssembly; one thread each.",
        ],
      ),
    ],
    format,
  );
}
