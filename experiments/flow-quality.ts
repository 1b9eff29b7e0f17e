// How exact the flow of the motion graph is, next to OpenCV's: endpoint errors on drawn scenes whose motion is known.
// Everything is compared at every pixel: what has cells (the graph, OpenCV's points) is interpolated between them, as
// the graph does for its own use; Farneback's method has pixels of its own. Times mean something only on a machine that
// does nothing else.

import { textTable } from "../src/cli/tables.ts";
import type { Frame } from "../src/index.ts";
import { Random } from "../src/networks/random.ts";
import { byMethod, FlowContestants, flowMethods, type ByFlowMethod } from "./flow-contestants.ts";
import { cameraView, flowAt, frameAt, pasts, placed, type ExactFlow, type Layer, type Scene } from "./moving-scenes.ts";
import { mosaic, roughNoise, smoothNoise, type Paint } from "./paints.ts";

/** What to run. */
export interface FlowQualityOptions {
  /** Each texture is made so many times. */
  readonly seeds: number;
}

/** One scene on one texture. */
export interface FlowQualityRow {
  readonly texture: string;
  readonly scene: string;
  /** Which of its pixels were counted. */
  readonly part: string;
  /** Mean endpoint error in pixels, over the seeds. */
  readonly errorPx: Readonly<ByFlowMethod<number>>;
}

/** What came out. */
export interface FlowQualityResult {
  readonly rows: readonly FlowQualityRow[];
  /** Median over all pairs of frames. */
  readonly milliseconds: Readonly<ByFlowMethod<number>>;
}

const size = { widthPx: 480, heightPx: 360 } as const;

const textures: Readonly<Record<string, (seed: number) => Paint>> = {
  "smooth noise": smoothNoise,
  "rough noise": roughNoise,
  mosaic,
};

/** A pair of frames with known motion between them. */
interface Trial {
  readonly name: string;
  readonly scene: (paint: (seed: number) => Paint, seed: number) => Scene;
  /** What the camera does to levels: of the frame before, and of the current one. */
  readonly levels?: (level: number, isNow: boolean, random: Random) => number;
  readonly parts: Readonly<Record<string, (truth: ExactFlow, at: number) => boolean>>;
}

const [seen, covered] = [pasts.indexOf("seen"), pasts.indexOf("covered")];
const all: Trial["parts"] = { all: ({ past }, at) => past[at] === seen };
const byPart: Trial["parts"] = {
  background: ({ past, onObject }, at) => past[at] === seen && onObject[at] === 0,
  objects: ({ past, onObject }, at) => past[at] === seen && onObject[at] === 1,
  uncovered: ({ past }, at) => past[at] === covered,
};

/** A flat scene before a camera. */
function flat(view: Parameters<typeof cameraView>[1]): Trial["scene"] {
  return (paint, seed) => ({
    ...size,
    layers: [
      {
        paint: paint(seed),
        label: () => 0,
        at: (time) => cameraView(size, time === 0 ? {} : view),
        isObject: false,
      },
    ],
  });
}

/** A shift in a direction that no axis favours. */
function shift(px: number): Trial["scene"] {
  return flat({ shiftX: 0.8 * px, shiftY: -0.6 * px });
}

/** Discs and boxes that go their own ways over a background that moves by 3 px. */
function crowd(paint: (seed: number) => Paint, seed: number): Scene {
  const random = new Random(seed, "crowd");
  const objects = Array.from({ length: 6 }, (_, place): Layer => {
    const radius = 28 + 30 * random.next();
    const [x, y] = [90 + 150 * (place % 3), 100 + 160 * Math.floor(place / 3)];
    const [speed, direction] = [4 + 8 * random.next(), 2 * Math.PI * random.next()];
    return {
      paint: paint(100 * seed + place),
      label: (u, v) => {
        const isInside =
          place % 2 === 0 ? Math.hypot(u, v) < radius : Math.abs(u) < radius && Math.abs(v) < 0.8 * radius;
        return isInside ? 1 : undefined;
      },
      at: (time) => placed(x + speed * Math.cos(direction) * time, y + speed * Math.sin(direction) * time),
      isObject: true,
    };
  });
  const background: Layer = {
    paint: paint(seed),
    label: () => 0,
    at: (time) => cameraView(size, { shiftX: 2.8 * time, shiftY: 1.1 * time }),
    isObject: false,
  };
  return { ...size, layers: [...objects, background] };
}

const trials: readonly Trial[] = [
  { name: "2 px", scene: shift(2), parts: all },
  { name: "8 px", scene: shift(8), parts: all },
  { name: "16 px", scene: shift(16), parts: all },
  { name: "32 px", scene: shift(32), parts: all },
  { name: "5 % closer", scene: flat({ zoom: 1.05 }), parts: all },
  { name: "3° turn", scene: flat({ turnRad: (3 * Math.PI) / 180 }), parts: all },
  {
    name: "8 px, 10 % brighter",
    scene: shift(8),
    levels: (level, isNow) => (isNow ? 1.1 * level : level),
    parts: all,
  },
  { name: "8 px, noise", scene: shift(8), levels: (level, _, random) => level + 5 * normal(random), parts: all },
  { name: "objects", scene: crowd, parts: byPart },
];

/** Runs the experiment. */
export async function flowQuality({ seeds }: FlowQualityOptions): Promise<FlowQualityResult> {
  await using contestants = await FlowContestants.open(size);
  const rows: FlowQualityRow[] = [];
  for (const [texture, made] of Object.entries(textures)) {
    const sheets = new Map<number, Paint>();
    const paint = (seed: number): Paint => {
      const known = sheets.get(seed) ?? made(seed);
      sheets.set(seed, known);
      return known;
    };
    for (const { name, scene, levels = (level: number) => level, parts } of trials) {
      const sums = Object.keys(parts).map((): ByFlowMethod<number> => byMethod(() => 0));
      for (let seed = 1; seed <= seeds; seed++) {
        const drawn = scene(paint, seed);
        const random = new Random(seed, "grain");
        const [before, now] = [0, 1].map((time) =>
          changed(frameAt(drawn, time), (level) => levels(level, time === 1, random)),
        );
        if (before === undefined || now === undefined) continue;
        const flows = await contestants.flows(before, now);
        const truth = flowAt(drawn, 1);
        for (const [place, counts] of Object.values(parts).entries()) {
          const sum = sums[place];
          if (sum === undefined) continue;
          for (const method of flowMethods) {
            sum[method] += endpointError(flows[method], truth.flow, (at) => counts(truth, at)) / seeds;
          }
        }
      }
      for (const [place, part] of Object.keys(parts).entries()) {
        const errorPx = sums[place];
        if (errorPx !== undefined) rows.push({ texture, scene: name, part, errorPx });
      }
    }
  }
  return { rows, milliseconds: contestants.milliseconds };
}

/** The result in columns, or as Markdown. */
export function flowQualityText({ rows, milliseconds }: FlowQualityResult): string {
  const header = ["texture", "scene", ...flowMethods];
  const cells = rows.map(({ texture, scene, part, errorPx }) => [
    texture,
    part === "all" ? scene : `${scene}: ${part}`,
    ...flowMethods.map((method) => errorPx[method].toFixed(2)),
  ]);
  const times = ["ms a pair", "", ...flowMethods.map((method) => milliseconds[method].toFixed(1))];
  return [
    textTable([header, ...cells, times]),
    "",
    "Mean endpoint error in px at 480x360. Times: ours ONNX Runtime, OpenCV's WebAssembly; one thread each.",
  ].join("\n");
}

/** Mean distance between two flows [2, h, w] over some pixels. */
export function endpointError(flow: Float32Array, truth: Float32Array, counts: (at: number) => boolean): number {
  const pixels = truth.length / 2;
  let [sum, count] = [0, 0];
  for (let at = 0; at < pixels; at++) {
    if (!counts(at)) continue;
    const dx = (flow[at] ?? 0) - (truth[at] ?? 0);
    const dy = (flow[pixels + at] ?? 0) - (truth[pixels + at] ?? 0);
    sum += Math.hypot(dx, dy);
    count++;
  }
  return sum / count;
}

function changed(frame: Frame, change: (level: number) => number): Frame {
  return { ...frame, data: frame.data.map((level) => Math.max(0, Math.min(255, Math.round(change(level))))) };
}

/** Of the normal distribution (Box and Muller, 1958). */
function normal(random: Random): number {
  return Math.sqrt(-2 * Math.log(1 - random.next())) * Math.cos(2 * Math.PI * random.next());
}
