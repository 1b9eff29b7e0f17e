// The sky: from the horizon up to the zenith, with clouds that drift, and the sun's glow.

import type { Light } from "./light.ts";
import type { Texture } from "./texture.ts";

/** Colours of the sky. */
export class Firmament {
  red = 0;
  green = 0;
  blue = 0;
  /** It mirrors nothing. */
  readonly mirror = 0;
  readonly #light: Light;
  readonly #clouds: Texture;

  constructor(light: Light, clouds: Texture) {
    this.#light = light;
    this.#clouds = clouds;
  }

  /** Finds the colour in a direction, of any length. @param sec of the clouds' drift */
  look(x: number, y: number, z: number, sec: number): void {
    const { zenith, horizon, cloud, sun, isDark, sunColour } = this.#light;
    const length = Math.sqrt(x * x + y * y + z * z);
    const up = Math.max(0, y / length);
    const high = Math.sqrt(up);
    this.red = horizon[0] + high * (zenith[0] - horizon[0]);
    this.green = horizon[1] + high * (zenith[1] - horizon[1]);
    this.blue = horizon[2] + high * (zenith[2] - horizon[2]);
    const towardsSun = Math.max(0, (x * sun[0] + y * sun[1] + z * sun[2]) / length);
    const glow = (isDark && sunColour[0] < 0.1 ? 4 : 70) * towardsSun ** 24 * (sunColour[0] + 0.1);
    this.red += glow * 1.2;
    this.green += glow;
    this.blue += glow * 0.8;
    if (up < 0.015) return;
    // The clouds are a ceiling.
    const scale = 0.16 / (up + 0.06);
    const { levels } = this.#clouds;
    const level = levels[up > 0.25 ? 0 : up > 0.1 ? 1 : 2] ?? levels[0];
    const { size, data } = level;
    const mask = size - 1;
    const px = ((x / length) * scale + 0.0012 * sec) * size;
    const py = ((z / length) * scale + 0.0006 * sec) * size;
    const ix = Math.floor(px);
    const iy = Math.floor(py);
    const fx = px - ix;
    const row = (iy & mask) * size;
    const next = ((iy + 1) & mask) * size;
    const west = ix & mask;
    const east = (ix + 1) & mask;
    const upper = (data[4 * (row + west)] ?? 0) * (1 - fx) + (data[4 * (row + east)] ?? 0) * fx;
    const lower = (data[4 * (next + west)] ?? 0) * (1 - fx) + (data[4 * (next + east)] ?? 0) * fx;
    const fy = py - iy;
    const cover = ((upper + fy * (lower - upper)) / 255) * Math.min(1, up * 7) * 0.92;
    const body = 1 - 0.16 * cover;
    this.red += cover * (cloud[0] * body - this.red);
    this.green += cover * (cloud[1] * body - this.green);
    this.blue += cover * (cloud[2] * body - this.blue);
  }
}
