// A sampler of its own for comparison: pixel by pixel, in doubles, from the words of the doc comments.

import type { Transform } from "../../../src/train/data/index.ts";

/** A decoded frame with labels. */
export interface Source {
  readonly widthPx: number;
  readonly heightPx: number;
  readonly rgb: Uint8Array<ArrayBuffer>;
  readonly labels: Uint8Array<ArrayBuffer>;
}

/** What a pixel of the result has to be. */
export interface ExpectedPixel {
  /** RGB after the colour transform, 0 to 1; `undefined` outside of the source. */
  readonly rgb: readonly number[] | undefined;
  /** Label of the source; `undefined` outside. */
  readonly label: number | undefined;
  /** Distance in pixels to the next place where another pixel would be the nearest. */
  readonly margin: number;
}

/** The pixel of the result at a place, without any low-pass. */
export function expectedPixel(source: Source, { affine, colour }: Transform, x: number, y: number): ExpectedPixel {
  const [a, b, c, d, e, f] = affine;
  const [u, v] = [a * x + b * y + c, d * x + e * y + f];
  const margin = Math.min(edgeDistance(u), edgeDistance(v));
  const [column, row] = [Math.round(u), Math.round(v)];
  if (column < 0 || row < 0 || column >= source.widthPx || row >= source.heightPx) {
    return { rgb: undefined, label: undefined, margin };
  }
  const at = (px: number, py: number, channel: number): number => {
    const cx = Math.min(source.widthPx - 1, Math.max(0, px));
    const cy = Math.min(source.heightPx - 1, Math.max(0, py));
    return (source.rgb[(cy * source.widthPx + cx) * 3 + channel] ?? Number.NaN) / 255;
  };
  const [left, top] = [Math.floor(u), Math.floor(v)];
  const sampled = [0, 1, 2].map((channel) => {
    const upper = at(left, top, channel) * (left + 1 - u) + at(left + 1, top, channel) * (u - left);
    const lower = at(left, top + 1, channel) * (left + 1 - u) + at(left + 1, top + 1, channel) * (u - left);
    return upper * (top + 1 - v) + lower * (v - top);
  });
  const rgb = [0, 1, 2].map((channel) => {
    const terms = colour.slice(channel * 4, channel * 4 + 4);
    const mixed = sampled.reduce((sum, value, index) => sum + value * (terms[index] ?? 0), terms[3] ?? 0);
    return Math.min(1, Math.max(0, mixed));
  });
  return { rgb, label: source.labels[row * source.widthPx + column], margin };
}

function edgeDistance(place: number): number {
  const fraction = place + 0.5 - Math.floor(place + 0.5);
  return Math.min(fraction, 1 - fraction);
}

/** Noise, and labels 0 to `classes - 1` in noise. */
export function noiseSource(widthPx: number, heightPx: number, classes: number, next: () => number): Source {
  return {
    widthPx,
    heightPx,
    rgb: Uint8Array.from({ length: widthPx * heightPx * 3 }, () => Math.floor(256 * next())),
    labels: Uint8Array.from({ length: widthPx * heightPx }, () => Math.floor(classes * next())),
  };
}
