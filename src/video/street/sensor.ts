// What a camera's sensor makes of light: exposure that wanders, corners that are darker, noise, and rain on the way.

import { chanceAt, smoothNoise } from "./dice.ts";
import type { ResolvedStreet } from "./street-options.ts";

/** Numbers of noise that are made once and read from other places in every frame. */
const noiseLength = 1 << 16;

/** Turns light into pixels. */
export class Sensor {
  readonly #options: ResolvedStreet;
  readonly #noise: Float32Array = new Float32Array(noiseLength);
  /** How much darker the corners are. */
  readonly #vignette: number;
  readonly #warmth: number;

  constructor(options: ResolvedStreet) {
    this.#options = options;
    const { seed } = options;
    for (let i = 0; i < noiseLength; i++) {
      // Of three even ones: normal enough, with deviation 1.
      this.#noise[i] = 2 * (chanceAt(i, 1, seed) + chanceAt(i, 2, seed) + chanceAt(i, 3, seed) - 1.5);
    }
    this.#vignette = 0.08 + 0.16 * chanceAt(seed, 5, 1);
    this.#warmth = 0.06 * (chanceAt(seed, 6, 1) - 0.5);
  }

  /** @param light red, green and blue of each pixel, of 255, brighter things above @param index of the frame */
  expose(light: Float32Array, index: number): Uint8Array<ArrayBuffer> {
    const { widthPx, heightPx, fps, seed, noise, exposure, style } = this.#options;
    const sec = index / fps;
    const wander = 2 * smoothNoise(sec / 4, 0.5, seed + 21, 2) - 1;
    const gain = exposure ** wander;
    const [gainR, gainB] = [gain * (1 + this.#warmth), gain * (1 - this.#warmth)];
    const data = new Uint8Array(3 * widthPx * heightPx);
    let from = Math.floor(chanceAt(index, 9, seed) * noiseLength);
    const grain = this.#noise;
    const drops = style === "rain" ? this.#rain(index) : undefined;
    const [middleX, middleY] = [widthPx / 2, heightPx / 2];
    const perCorner = this.#vignette / (middleX * middleX + middleY * middleY);
    for (let y = 0, at = 0; y < heightPx; y++) {
      // Rows take up the noise at places of their own, so that no pattern shows.
      from = (from + 7919 * (y + 1)) & (noiseLength - 1);
      const dy = (y - middleY) ** 2;
      for (let x = 0; x < widthPx; x++, at += 3) {
        const fall = 1 - perCorner * ((x - middleX) ** 2 + dy);
        const drop = drops === undefined ? 0 : (drops[at / 3] ?? 0);
        const luma = noise * (grain[(from + 2 * x) & (noiseLength - 1)] ?? 0);
        const chroma = 0.5 * noise * (grain[(from + 2 * x + 31_337) & (noiseLength - 1)] ?? 0);
        data[at] = pixel((light[at] ?? 0) * fall * gainR + drop + luma + chroma);
        data[at + 1] = pixel((light[at + 1] ?? 0) * fall * gain + drop + luma);
        data[at + 2] = pixel((light[at + 2] ?? 0) * fall * gainB + drop + luma - chroma);
      }
    }
    return data;
  }

  /** Streaks of falling drops. */
  #rain(index: number): Float32Array {
    const { widthPx, heightPx, seed } = this.#options;
    const drops = new Float32Array(widthPx * heightPx);
    const count = Math.round((widthPx * heightPx) / 900);
    for (let k = 0; k < count; k++) {
      const x = Math.floor(chanceAt(k, index, seed + 1) * widthPx);
      const y = Math.floor(chanceAt(k, index, seed + 2) * heightPx);
      const near = chanceAt(k, index, seed + 3);
      const length = Math.round((4 + 14 * near * near) * (heightPx / 360));
      for (let step = 0; step < length && y + step < heightPx; step++) {
        const at = (y + step) * widthPx + Math.min(widthPx - 1, x + ((step * 0.12) | 0));
        drops[at] = Math.min(46, (drops[at] ?? 0) + 10 + 22 * near);
      }
    }
    return drops;
  }
}

/** To a byte, with highlights that run out softly. */
function pixel(value: number): number {
  if (value <= 0) return 0;
  if (value < 200) return value;
  return 200 + 55 * (1 - Math.exp(-(value - 200) / 55));
}
