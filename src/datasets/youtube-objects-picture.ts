// Frames and masks of YouTube-Objects at the size at which Shelhamer et al. 2016 use them: the longer side 500 pixels, as
// in PASCAL VOC, frames bilinear and masks nearest, both as Pillow does it. Reads no file.
// A loop over pixels where FFmpeg could scale, for the sake of the same pixels as theirs.

import type { Frame, LabelMap } from "../frame.ts";

/** The longer side of a frame, in pixels. */
const LONGER_SIDE_PX = 500;
/** Masks are JPEG files, so black is not quite black. */
const BRIGHTEST_BACKGROUND = 15;

interface Size {
  readonly widthPx: number;
  readonly heightPx: number;
}

/** The size at which a picture is used: sides cut to whole numbers. */
export function usedSize({ widthPx, heightPx }: Size): Size {
  // Multiplied by the quotient, not the other way round: the cut must fall as theirs.
  const scale = LONGER_SIDE_PX / Math.max(widthPx, heightPx);
  return {
    widthPx: Math.max(1, Math.trunc(widthPx * scale)),
    heightPx: Math.max(1, Math.trunc(heightPx * scale)),
  };
}

/** The frame at that size. */
export function resizedFrame(frame: Frame): Frame {
  const { widthPx, heightPx } = usedSize(frame);
  if (widthPx === frame.widthPx && heightPx === frame.heightPx) return frame;
  const wide = resampled(frame.data, frame.heightPx, frame.widthPx * 3, 3, tapsOf(frame.widthPx, widthPx));
  const data = resampled(wide, 1, widthPx * 3 * frame.heightPx, widthPx * 3, tapsOf(frame.heightPx, heightPx));
  return { data, widthPx, heightPx, timestampSec: frame.timestampSec };
}

/**
 * A mask as labels at that size: `label` where it is bright, 0 elsewhere.
 * @param mask gray, as RGB.
 */
export function labelsOfMask(mask: Frame, label: number): LabelMap {
  const { widthPx, heightPx } = usedSize(mask);
  const columns = nearestOf(mask.widthPx, widthPx);
  const rows = nearestOf(mask.heightPx, heightPx);
  const data = new Uint8Array(widthPx * heightPx);
  let at = 0;
  for (const row of rows) {
    for (const column of columns) {
      const gray = mask.data[(row * mask.widthPx + column) * 3] ?? 0;
      data[at++] = gray > BRIGHTEST_BACKGROUND ? label : 0;
    }
  }
  return { data, widthPx, heightPx };
}

/** The old pixel that each new one lies in the middle of. */
function nearestOf(from: number, to: number): Int32Array {
  const scale = from / to;
  const pixels = new Int32Array(to);
  // Summed up step by step: where a middle falls on an edge, the rounding decides as it does in Pillow.
  let middle = scale / 2;
  for (let index = 0; index < to; index++, middle += scale) pixels[index] = Math.min(from - 1, Math.trunc(middle));
  return pixels;
}

/** Which old pixels make a new one, and with what weight. */
interface Taps {
  readonly first: number;
  readonly weights: Float64Array;
}

/** A triangle over the new pixel's neighbours; where the picture shrinks, as wide as what a new pixel covers. */
function tapsOf(from: number, to: number): Taps[] {
  const scale = from / to;
  const reach = Math.max(1, scale);
  return Array.from({ length: to }, (_, index) => {
    const centre = (index + 0.5) * scale;
    const first = Math.max(0, Math.trunc(centre - reach + 0.5));
    const end = Math.min(from, Math.trunc(centre + reach + 0.5));
    const weights = Float64Array.from({ length: end - first }, (_, tap) =>
      Math.max(0, 1 - Math.abs(first + tap + 0.5 - centre) / reach),
    );
    const sum = weights.reduce((total, weight) => total + weight, 0);
    return { first, weights: weights.map((weight) => weight / sum) };
  });
}

/**
 * Every line of a picture resampled. A line is `lineBytes` long and made of points of `pointBytes`: along a row a point is
 * a pixel, down the picture it is a row.
 */
function resampled(
  data: Uint8Array,
  lines: number,
  lineBytes: number,
  pointBytes: number,
  taps: readonly Taps[],
): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(lines * taps.length * pointBytes);
  let at = 0;
  for (let line = 0; line < lines; line++) {
    for (const { first, weights } of taps) {
      const start = line * lineBytes + first * pointBytes;
      for (let byte = 0; byte < pointBytes; byte++) {
        let sum = 0.5;
        for (let tap = 0; tap < weights.length; tap++) {
          sum += (weights[tap] ?? 0) * (data[start + tap * pointBytes + byte] ?? 0);
        }
        out[at++] = sum;
      }
    }
  }
  return out;
}
