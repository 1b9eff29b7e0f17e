// Pictures of a smooth scene whose motion is known exactly: a sum of waves, looked at through an affine view. Rotations,
// zooms and shifts are exact to any fraction of a pixel, since nothing is resampled.

import type { EngineTensor } from "../../src/engine/engine.ts";
import { Random } from "../../src/networks/random.ts";

/** Width and height in pixels. */
export interface Extent {
  readonly widthPx: number;
  readonly heightPx: number;
}

/** An affine view: where in the scene each point of the picture is, both in pixels from the picture's centre. */
export interface View {
  readonly shiftX: number;
  readonly shiftY: number;
  readonly zoom: number;
  readonly turnRad: number;
}

/** The scene as it is. */
export const still: View = { shiftX: 0, shiftY: 0, zoom: 1, turnRad: 0 };

/** Where in the scene a point of the picture is. */
export function seen(view: View, size: Extent, x: number, y: number): { x: number; y: number } {
  const [dx, dy] = [x - size.widthPx / 2, y - size.heightPx / 2];
  const [cos, sin] = [Math.cos(view.turnRad) / view.zoom, Math.sin(view.turnRad) / view.zoom];
  return {
    x: size.widthPx / 2 + view.shiftX + cos * dx - sin * dy,
    y: size.heightPx / 2 + view.shiftY + sin * dx + cos * dy,
  };
}

/** A scene of waves of many lengths, strong where they are long, as in photographs. */
export class MovingScene {
  readonly #waves: readonly { fx: number; fy: number; phase: number; amplitudes: readonly number[] }[];

  /** @param widthPx of the pictures: the scene's details grow with it @param waves fewer are drawn faster */
  constructor(seed: number, widthPx: number, waves = 48) {
    const random = new Random(seed, "moving scene");
    const between = (low: number, high: number): number => low + (high - low) * random.next();
    const lengths = Array.from({ length: waves }, () => (widthPx / 480) * 16 * 20 ** random.next());
    const strengths = lengths.map((length) => length ** 0.75);
    const power = strengths.reduce((sum, strength) => sum + (strength * strength) / 2, 0);
    this.#waves = lengths.map((length, index) => {
      const direction = between(0, Math.PI);
      const amplitude = (40 * (strengths[index] ?? 0)) / Math.sqrt(power);
      return {
        fx: (2 * Math.PI * Math.cos(direction)) / length,
        fy: (2 * Math.PI * Math.sin(direction)) / length,
        phase: between(0, 2 * Math.PI),
        amplitudes: [1, 2, 3].map(() => amplitude * between(0.6, 1.4)),
      };
    });
  }

  /** The scene in a view: uint8 RGB [heightPx, widthPx, 3]. */
  frame(
    size: Extent,
    view: View = still,
    change: (level: number, at: number) => number = (level) => level,
  ): EngineTensor {
    const { widthPx, heightPx } = size;
    const levels = new Float32Array(widthPx * heightPx * 3).fill(128);
    // A wave's phase is linear in x and y, so rows and columns can be taken apart: sin(a + b).
    const origin = seen(view, size, 0.5, 0.5);
    const alongX = seen(view, size, 1.5, 0.5);
    const alongY = seen(view, size, 0.5, 1.5);
    for (const { fx, fy, phase, amplitudes } of this.#waves) {
      const start = phase + fx * origin.x + fy * origin.y;
      const perColumn = fx * (alongX.x - origin.x) + fy * (alongX.y - origin.y);
      const perRow = fx * (alongY.x - origin.x) + fy * (alongY.y - origin.y);
      const sines = Float32Array.from({ length: widthPx }, (_, x) => Math.sin(perColumn * x));
      const cosines = Float32Array.from({ length: widthPx }, (_, x) => Math.cos(perColumn * x));
      const [red = 0, green = 0, blue = 0] = amplitudes;
      for (let y = 0; y < heightPx; y++) {
        const [sin, cos] = [Math.sin(start + perRow * y), Math.cos(start + perRow * y)];
        for (let x = 0, at = y * widthPx * 3; x < widthPx; x++, at += 3) {
          const wave = sin * (cosines[x] ?? 0) + cos * (sines[x] ?? 0);
          levels[at] = (levels[at] ?? 0) + red * wave;
          levels[at + 1] = (levels[at + 1] ?? 0) + green * wave;
          levels[at + 2] = (levels[at + 2] ?? 0) + blue * wave;
        }
      }
    }
    const data = Uint8Array.from(levels, (level, at) => Math.max(0, Math.min(255, Math.round(change(level, at)))));
    return { dtype: "uint8", dims: [heightPx, widthPx, 3], data };
  }
}
