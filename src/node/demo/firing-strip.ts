// Which stages fired, as a picture: a row for each stage, the shallowest on top, a column for each frame, bright where it
// fired; what is still to come is dim, and the current frame is marked. Pure.

import type { Frame } from "../../frame.ts";

/** What to draw. */
export interface FiringStripOptions {
  /** For each frame, whether each stage fired, shallowest first. */
  readonly fired: readonly (readonly boolean[])[];
  /** Index of the current frame. */
  readonly at: number;
  readonly widthPx: number;
}

/** A picture without a time. */
export type Picture = Omit<Frame, "timestampSec">;

type Rgb = readonly [red: number, green: number, blue: number];

/** What has a colour: what is between cells, of the current frame (`cursor`) and elsewhere, and cells by state and time. */
type StripColour = "ground" | "cursor" | "rested" | "fired" | "restedLater" | "firedLater";

/** Colours of the strip. Orange and white are told apart from grey by whoever sees no colours, too. */
export const stripColours: Readonly<Record<StripColour, Rgb>> = {
  ground: [20, 20, 24],
  cursor: [255, 255, 255],
  rested: [58, 58, 64],
  fired: [255, 150, 0],
  restedLater: [36, 36, 42],
  firedLater: [112, 70, 12],
};

/** Heights in pixels, and the least width of a column that has a gap of one pixel to the next. */
const layout = { row: 14, gap: 4, gapFrom: 3 } as const;

/** Height of the strip of a plan with so many stages, in pixels; an even number. */
export function firingStripHeight(stages: number): number {
  return layout.gap + stages * (layout.row + layout.gap);
}

/** Draws a strip: RGB, [firingStripHeight, widthPx, 3]. Where frames are more than pixels, a pixel is bright for any of its frames. */
export function firingStrip({ fired, at, widthPx }: FiringStripOptions): Picture {
  const frames = fired.length;
  const stages = Math.max(0, ...fired.map((flags) => flags.length));
  const heightPx = firingStripHeight(stages);
  const data = new Uint8Array(widthPx * heightPx * 3);
  const columnOf = (frame: number): number => Math.floor((frame * widthPx) / frames);
  const hasGaps = widthPx >= layout.gapFrom * frames;
  for (let x = 0; x < widthPx; x++) {
    const first = Math.floor((x * frames) / widthPx);
    const last = Math.max(first, Math.ceil(((x + 1) * frames) / widthPx) - 1);
    const isNow = first <= at && at <= last;
    const isGap = hasGaps && x + 1 === columnOf(first + 1);
    const between = isNow && !isGap ? stripColours.cursor : stripColours.ground;
    for (let y = 0; y < heightPx; y++) {
      const stage = Math.floor((y - layout.gap) / (layout.row + layout.gap));
      const inRow = y >= layout.gap && (y - layout.gap) % (layout.row + layout.gap) < layout.row;
      const colour = !inRow || isGap ? between : cellColour(fired, stage, first, last, at);
      data.set(colour, 3 * (y * widthPx + x));
    }
  }
  return { data, widthPx, heightPx };
}

function cellColour(
  fired: readonly (readonly boolean[])[],
  stage: number,
  first: number,
  last: number,
  at: number,
): Rgb {
  const isFired = fired.slice(first, last + 1).some((flags) => flags[stage] === true);
  if (first > at) return isFired ? stripColours.firedLater : stripColours.restedLater;
  return isFired ? stripColours.fired : stripColours.rested;
}
