// Pictures that look like nothing else turned, mirrored or with other channels first, and pictures that correlate with
// no other seed's: made from a seed, without a file.

import type { Frame } from "../../src/frame.ts";
import { Random } from "../../src/networks/random.ts";

/** Width and height in pixels. */
export interface Extent {
  readonly widthPx: number;
  readonly heightPx: number;
}

/** A frame from a function of pixel and channel, cut to whole numbers from 0 to 255. */
export function frameOf(
  { widthPx, heightPx }: Extent,
  value: (x: number, y: number, channel: number) => number,
  timestampSec = 0,
): Frame {
  const data = new Uint8Array(widthPx * heightPx * 3);
  let at = 0;
  for (let y = 0; y < heightPx; y++) {
    for (let x = 0; x < widthPx; x++) {
      for (let c = 0; c < 3; c++) data[at++] = Math.max(0, Math.min(255, Math.round(value(x, y, c))));
    }
  }
  return { data, widthPx, heightPx, timestampSec };
}

/** Every value drawn by itself: no picture is less symmetric. */
export function staticNoise(size: Extent, seed: number): Frame {
  const random = new Random(seed, "static");
  return frameOf(size, () => 256 * random.next() - 0.5);
}

/** A scene: smooth patches of colour, looked at through a window that can move and zoom. */
export class Scene {
  readonly #waves: readonly { fx: number; fy: number; phase: number; amplitude: readonly number[] }[];
  readonly #mean: readonly number[];

  constructor(seed: number) {
    const random = new Random(seed, "scene");
    const between = (low: number, high: number): number => low + (high - low) * random.next();
    this.#mean = [between(90, 160), between(90, 160), between(90, 160)];
    this.#waves = Array.from({ length: 8 }, () => ({
      fx: between(-3, 3),
      fy: between(-3, 3),
      phase: between(0, 2 * Math.PI),
      amplitude: [between(-30, 30), between(-30, 30), between(-30, 30)],
    }));
  }

  /**
   * The scene at a size.
   * @param view its corner, in widths and heights of the picture, and its zoom; 1 shows it as it is
   */
  at(size: Extent, view: { readonly x?: number; readonly y?: number; readonly zoom?: number } = {}): Frame {
    const { x: left = 0, y: top = 0, zoom = 1 } = view;
    return frameOf(size, (x, y, c) => {
      const u = left + (x / size.widthPx - 0.5) / zoom;
      const v = top + (y / size.heightPx - 0.5) / zoom;
      return this.#waves.reduce(
        (sum, { fx, fy, phase, amplitude }) =>
          sum + (amplitude[c] ?? 0) * Math.sin(2 * Math.PI * (fx * u + fy * v) + phase),
        this.#mean[c] ?? 0,
      );
    });
  }
}

/** A frame with each value changed by a function of it. */
export function adjusted(frame: Frame, change: (value: number) => number): Frame {
  return { ...frame, data: frame.data.map((value) => Math.max(0, Math.min(255, Math.round(change(value))))) };
}

/** A frame under noise of whole grey levels from `-most` to `most`. */
export function noisy(frame: Frame, most: number, seed: number): Frame {
  const random = new Random(seed, "noise");
  return adjusted(frame, (value) => value + Math.floor((2 * most + 1) * random.next()) - most);
}
