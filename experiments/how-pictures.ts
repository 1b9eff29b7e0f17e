// Pictures of what happens on each frame: labels of one frame under schedules that rested on it, and what an adaptive clock
// sees on a street on which the camera's car stops and goes on.

import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { areaY, dot, gridY, line, ruleY } from "@observablehq/plot";
import type { Frame, LabelMap } from "../src/index.ts";
import { encodeImage, openSegmenter, paletteFor, type OpenSegmenterOptions } from "../src/node.ts";
import { chart } from "../src/report/chart.ts";
import { markup } from "../src/report/markup.ts";
import { Street, streetClasses } from "../src/video/street/index.ts";
import { labelPicture, montage } from "./flow-colours.ts";
import { svgFile } from "./svg-file.ts";

/** A street with people and turns near by; the frame that is shown is the last before all would fire again. */
const held = { seed: 900_021, camera: "turn", period: 6, first: 24 } as const;
/** A street on which the car stops. */
const watched = { seed: 900_003, camera: "stop-and-go", frames: 120, threshold: 0.03 } as const;

/** Schedules that rested on the frame, in columns. */
const shown: readonly string[] = [`skip:${held.period}`, `fixed:${held.period}`, `fixed:${held.period}+flow`];

/** Writes them. @returns what they are */
export async function howPictures(folder: string, model?: string): Promise<readonly string[]> {
  await mkdir(folder, { recursive: true });
  const chosen = model === undefined ? {} : { model };
  await writeFile(
    join(folder, "how-held.jpg"),
    await encodeImage(await heldPicture(chosen), { format: "jpeg", mostWidthPx: 1440 }),
  );
  await writeFile(join(folder, "how-clock.svg"), await clockPicture(chosen));
  return [
    `how-held.jpg: frame ${held.period - 1} after a firing: labels under ${shown.join(", ")}; ` +
      "below, what differs from the oracle's",
    `how-clock.svg: what adaptive:${watched.threshold}@motion+flow sees on ${watched.camera}, and when it fires`,
  ];
}

/** Labels in the upper row, and below them in orange what the oracle has otherwise. */
async function heldPicture(model: OpenSegmenterOptions): Promise<Frame> {
  const street = new Street({ seed: held.seed, camera: held.camera });
  const frames = Array.from({ length: held.period }, (_, index) => street.still(held.first + index).frame);
  const frame = frames.at(-1);
  if (frame === undefined) throw new RangeError("expected frames");
  const oracle = await lastLabels(frames, { ...model, clock: "every" });
  const palette = paletteFor(streetClasses, streetClasses.length);
  const [above, below]: [Frame[], Frame[]] = [[], []];
  for (const clock of shown) {
    const labels = await lastLabels(frames, { ...model, clock });
    above.push(labelPicture(frame, labels, palette));
    below.push(differences(frame, labels, oracle));
  }
  return montage([...above, ...below], shown.length);
}

async function lastLabels(frames: readonly Frame[], options: OpenSegmenterOptions): Promise<LabelMap> {
  await using segmenter = await openSegmenter({ ...options, shots: false });
  let last: LabelMap | undefined;
  for await (const { labels } of segmenter.segment(frames)) last = { ...labels, data: Uint8Array.from(labels.data) };
  if (last === undefined) throw new RangeError("expected labels");
  return last;
}

/** The frame in dim grey, with what differs in orange. */
function differences(frame: Frame, labels: LabelMap, oracle: LabelMap): Frame {
  const data = new Uint8Array(frame.data.length);
  for (let at = 0; at < labels.data.length; at++) {
    const grey = 0.2 * ((frame.data[3 * at] ?? 0) + (frame.data[3 * at + 1] ?? 0) + (frame.data[3 * at + 2] ?? 0));
    const differs = labels.data[at] !== oracle.data[at];
    data.set(differs ? [255, 150, 0] : [grey, grey, grey], 3 * at);
  }
  return { ...frame, data };
}

interface Seen {
  readonly sec: number;
  /** What the clock sees, in percent. */
  readonly changed: number;
  readonly fired: boolean;
  /** How far pixels moved since the frame before, on average. */
  readonly movedPx: number;
}

async function clockPicture(model: OpenSegmenterOptions): Promise<string> {
  const street = new Street({ seed: watched.seed, camera: watched.camera });
  const rendered = Array.from({ length: watched.frames }, (_, index) => {
    const { frame, flow } = street.frame(index);
    return { frame, movedPx: meanLength(flow) };
  });
  const seen: Seen[] = [];
  await using segmenter = await openSegmenter({
    ...model,
    stages: 1,
    clock: `adaptive:${watched.threshold}@motion+flow`,
  });
  for await (const { timestampSec, signal, fired } of segmenter.segment(rendered.map(({ frame }) => frame))) {
    seen.push({
      sec: timestampSec,
      changed: 100 * (signal ?? 0),
      fired: fired.at(-1) ?? false,
      movedPx: rendered[seen.length]?.movedPx ?? 0,
    });
  }
  const width = 720;
  const plots = [
    chart("Motion in the picture over time", {
      width,
      height: 110,
      marginLeft: 48,
      x: { label: null, axis: null },
      y: { label: "motion, pixels a frame", nice: true, ticks: 3 },
      marks: [
        gridY({ stroke: "var(--grid)", strokeOpacity: 1 }),
        areaY(seen, { x: "sec", y: "movedPx", fill: "var(--muted)", fillOpacity: 0.35 }),
      ],
    }),
    chart("What the clock sees over time, and when it fires", {
      width,
      height: 230,
      marginLeft: 48,
      x: { label: "time, s" },
      y: { label: "what moved since the last firing, %", nice: true },
      marks: [
        gridY({ stroke: "var(--grid)", strokeOpacity: 1 }),
        ruleY([100 * watched.threshold], { stroke: "var(--fixed)", strokeDasharray: "4 3" }),
        line(seen, { x: "sec", y: "changed", stroke: "var(--adaptive)", strokeWidth: 1.5 }),
        dot(
          seen.filter(({ fired }) => fired),
          { x: "sec", y: "changed", r: 3.5, fill: "var(--adaptive)" },
        ),
      ],
    }),
  ];
  return svgFile(
    { width, height: 350 },
    markup`<g color="var(--ink)">${plots[0] ?? ""}</g><g transform="translate(0 115)" color="var(--ink)">${plots[1] ?? ""}</g>
`,
  );
}

/** Mean length of flow, [2, pixels], in pixels. */
function meanLength(flow: Float32Array): number {
  const pixels = flow.length / 2;
  let sum = 0;
  for (let at = 0; at < pixels; at++) sum += Math.hypot(flow[at] ?? 0, flow[pixels + at] ?? 0);
  return sum / pixels;
}
