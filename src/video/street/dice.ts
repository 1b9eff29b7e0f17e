// Chance that is the same on every machine: streams of numbers from a seed, and numbers that belong to places.
// Places are mixed as in mulberry32 (Tommy Ettinger, public domain) and in Jenkins' hashes.

import { seeded, type Random } from "../../seeded.ts";

/** An even number in [0, 1) that belongs to three integers. */
export function chanceAt(a: number, b: number, c: number): number {
  let mixed = Math.imul(a | 0, 0x27d4eb2d) ^ Math.imul((b | 0) + 0x165667b1, 0x9e3779b1) ^ Math.imul(c | 0, 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x2c1b3c6d);
  mixed = Math.imul(mixed ^ (mixed >>> 12), 0x297a2d39);
  return ((mixed ^ (mixed >>> 15)) >>> 0) / 0x1_0000_0000;
}

/** Smooth noise in [0, 1] with a feature a unit, of one or more octaves; it repeats every `period` units (of the first). */
export function smoothNoise(x: number, y: number, seed: number, octaves = 1, period = 0x10000): number {
  let sum = 0;
  let weight = 0;
  for (let octave = 0, scale = 1; octave < octaves; octave++, scale *= 2) {
    const px = x * scale;
    const py = y * scale;
    const wrap = period * scale;
    const ix = Math.floor(px);
    const iy = Math.floor(py);
    const fx = eased(px - ix);
    const fy = eased(py - iy);
    const west = modulo(ix, wrap);
    const east = modulo(ix + 1, wrap);
    const south = modulo(iy, wrap);
    const north = modulo(iy + 1, wrap);
    const lower = chanceAt(west, south, seed + octave);
    const upper = chanceAt(west, north, seed + octave);
    const low = lower + fx * (chanceAt(east, south, seed + octave) - lower);
    const high = upper + fx * (chanceAt(east, north, seed + octave) - upper);
    sum += (low + fy * (high - low)) / scale;
    weight += 1 / scale;
  }
  return sum / weight;
}

/** The remainder that is never negative. */
export function modulo(value: number, length: number): number {
  return value - length * Math.floor(value / length);
}

function eased(t: number): number {
  return t * t * (3 - 2 * t);
}

/** A stream of numbers. */
export class Dice {
  /** The next number in [0, 1). */
  readonly next: Random;

  constructor(a: number, b = 0, c = 0) {
    this.next = seeded(Math.floor(chanceAt(a, b, c) * 0x1_0000_0000));
  }

  between(low: number, high: number): number {
    return low + (high - low) * this.next();
  }

  /** A whole number from `low` to `high`, both included. */
  whole(low: number, high: number): number {
    return low + Math.floor((high - low + 1) * this.next());
  }

  chance(share: number): boolean {
    return this.next() < share;
  }

  pick<T>(from: readonly [T, ...T[]]): T {
    return from[Math.floor(this.next() * from.length)] ?? from[0];
  }
}
