// The sky: from the horizon up to the zenith, with clouds that drift, and the sun's glow.

import type { Light } from "./light.ts";
import type { Canvas, Eye } from "./surface.ts";
import type { Texture } from "./texture.ts";

/** Colours of the sky. */
export class Firmament {
  readonly #light: Light;
  readonly #clouds: Texture;

  constructor(light: Light, clouds: Texture) {
    this.#light = light;
    this.#clouds = clouds;
  }

  /** Paints pixels beside each other. @param sec of the clouds' drift @param x, y place of the first @param at its number */
  paint(eye: Eye, sec: number, x: number, y: number, count: number, { light, mirrors }: Canvas, at: number): void {
    const { zenith, horizon, cloud, sun, isDark, sunColour } = this.#light;
    const { pose, focalPx } = eye;
    const { levels } = this.#clouds;
    const strength = (isDark && sunColour[0] < 0.1 ? 4 : 70) * (sunColour[0] + 0.1);
    const rayY = (y - eye.heightPx / 2) / focalPx;
    for (let i = 0; i < count; i++) {
      const rayX = (x + i - eye.widthPx / 2) / focalPx;
      const length = Math.sqrt(rayX * rayX + rayY * rayY + 1);
      const east = (pose[0] * rayX + pose[1] * rayY + pose[2]) / length;
      const up = Math.max(0, (pose[4] * rayX + pose[5] * rayY + pose[6]) / length);
      const north = (pose[8] * rayX + pose[9] * rayY + pose[10]) / length;
      const high = Math.sqrt(up);
      // The glow around the sun is the cosine's 24th power.
      const cosine = Math.max(0, east * sun[0] + up * sun[1] + north * sun[2]);
      const power2 = cosine * cosine;
      const power4 = power2 * power2;
      const power8 = power4 * power4;
      const glow = strength * power8 * power8 * power8;
      let red = horizon[0] + high * (zenith[0] - horizon[0]) + glow * 1.2;
      let green = horizon[1] + high * (zenith[1] - horizon[1]) + glow;
      let blue = horizon[2] + high * (zenith[2] - horizon[2]) + glow * 0.8;
      if (up >= 0.015) {
        // The clouds are a ceiling.
        const scale = 0.16 / (up + 0.06);
        const { size, data } = levels[up > 0.25 ? 0 : up > 0.1 ? 1 : 2] ?? levels[0];
        const mask = size - 1;
        const px = (east * scale + 0.0012 * sec) * size;
        const py = (north * scale + 0.0006 * sec) * size;
        const ix = Math.floor(px);
        const iy = Math.floor(py);
        const fx = px - ix;
        const fy = py - iy;
        const row = (iy & mask) * size;
        const next = ((iy + 1) & mask) * size;
        const left = ix & mask;
        const right = (ix + 1) & mask;
        const upper = (data[4 * (row + left)] ?? 0) * (1 - fx) + (data[4 * (row + right)] ?? 0) * fx;
        const lower = (data[4 * (next + left)] ?? 0) * (1 - fx) + (data[4 * (next + right)] ?? 0) * fx;
        const cover = ((upper + fy * (lower - upper)) / 255) * Math.min(1, up * 7) * 0.92;
        const body = 1 - 0.16 * cover;
        red += cover * (cloud[0] * body - red);
        green += cover * (cloud[1] * body - green);
        blue += cover * (cloud[2] * body - blue);
      }
      const to = at + i;
      light[3 * to] = red;
      light[3 * to + 1] = green;
      light[3 * to + 2] = blue;
      mirrors[to] = 0;
    }
  }
}
