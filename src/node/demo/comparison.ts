// A frame under two label maps side by side, with a strip below. Pure.

import type { Frame, LabelMap } from "../../frame.ts";
import type { Picture } from "./firing-strip.ts";

/** Pixels between the two, and above the strip. */
export const comparisonGapPx = 8;

/** What to draw. */
export interface ComparisonOptions {
  readonly frame: Frame;
  /** Label maps of the frame's size. */
  readonly left: LabelMap;
  readonly right: LabelMap;
  /** RGB triplets, [256, 3]. */
  readonly palette: Uint8Array;
  /** As wide as {@link comparisonWidth} says. */
  readonly strip: Picture;
}

/** Width of the picture of frames of a width. */
export function comparisonWidth(widthPx: number): number {
  return 2 * widthPx + comparisonGapPx;
}

/** The frame twice, each half covered by the colours of its labels, and the strip below; between them black. */
export function comparison({ frame, left, right, palette, strip }: ComparisonOptions): Frame {
  const widthPx = comparisonWidth(frame.widthPx);
  const heightPx = frame.heightPx + comparisonGapPx + strip.heightPx;
  const data = new Uint8Array(widthPx * heightPx * 3);
  for (const [labels, from] of [
    [left, 0],
    [right, frame.widthPx + comparisonGapPx],
  ] as const) {
    for (let y = 0; y < frame.heightPx; y++) {
      let to = 3 * (y * widthPx + from);
      for (let at = y * frame.widthPx; at < (y + 1) * frame.widthPx; at++) {
        const colour = 3 * (labels.data[at] ?? 0);
        for (let channel = 0; channel < 3; channel++) {
          data[to++] = ((frame.data[3 * at + channel] ?? 0) + (palette[colour + channel] ?? 0)) >> 1;
        }
      }
    }
  }
  data.set(strip.data, 3 * widthPx * (frame.heightPx + comparisonGapPx));
  return { data, widthPx, heightPx, timestampSec: frame.timestampSec };
}
