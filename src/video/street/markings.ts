// What is painted on roads: lines along them, stop lines and crossings where they meet.

import { chanceAt } from "./dice.ts";
import type { Grid } from "./town.ts";

/** Half the width of lines, metres. */
const lineHalf = 0.065;

/** Markings of a town's roads. */
export class Markings {
  readonly #grid: Grid;
  // The street that was looked at last, between which junctions, and what there is on it.
  #i = Number.NaN;
  #j = Number.NaN;
  #isNorth = false;
  #hasCrossing = false;
  #kind = 0;

  constructor(grid: Grid) {
    this.#grid = grid;
  }

  /** How much of a place on the road is painted, 0..1. @param wideX, wideZ what a pixel covers, metres */
  at(x: number, z: number, wideX: number, wideZ: number): number {
    const { east, north, roadHalf, lane, parking, pavement } = this.#grid;
    const i = Math.round(x / east);
    const j = Math.round(z / north);
    const dx = x - i * east;
    const dz = z - j * north;
    const isNorth = Math.abs(dx) < roadHalf;
    if (isNorth && Math.abs(dz) < roadHalf) return 0;
    if (i !== this.#i || j !== this.#j || isNorth !== this.#isNorth) this.#enter(i, j, isNorth);
    const aside = isNorth ? dx : dz;
    const ahead = isNorth ? dz : dx;
    const wide = isNorth ? wideX : wideZ;
    const long = isNorth ? wideZ : wideX;
    const fromJunction = Math.abs(ahead) - roadHalf;
    if (this.#hasCrossing && fromJunction > 0.7 && fromJunction < pavement + 0.5) {
      return stripes(aside, 0.5, 1.0, wide) * 0.92;
    }
    if (fromJunction < pavement + 0.9) return 0;
    if (fromJunction < pavement + 1.35) {
      // The stop line of the lane that comes to the junction: where one drives on the right, on the right.
      const comes = (isNorth ? 1 : -1) * Math.sign(ahead) * Math.sign(lane) * aside;
      return comes < -0.15 && comes > -2 * Math.abs(lane) ? 0.9 * Math.min(1, 0.45 / Math.max(long, 1e-6)) : 0;
    }
    const kind = this.#kind;
    const dash = kind < 0.55 ? stripes(ahead, 3, kind < 0.25 ? 6 : 9, long) : 1;
    const middle = kind < 0.75 ? line(aside, wide) * dash : 0;
    const edge = parking > 0 ? roadHalf - parking : roadHalf - 0.3;
    return 0.88 * Math.max(middle, line(Math.abs(aside) - edge, wide) * 0.8);
  }

  #enter(i: number, j: number, isNorth: boolean): void {
    this.#i = i;
    this.#j = j;
    this.#isNorth = isNorth;
    this.#hasCrossing = chanceAt(i, j, isNorth ? 3 : 4) < 0.55;
    this.#kind = chanceAt(isNorth ? i : j, isNorth ? 1 : 2, 77);
  }
}

/** Cover of a line of paint around 0 by a pixel that is `wide`. */
function line(distance: number, wide: number): number {
  const cover = (lineHalf + wide / 2 - Math.abs(distance)) / wide;
  return Math.max(0, Math.min(1, cover, (2 * lineHalf) / wide));
}

/** Cover of stripes of a length at a spacing. */
function stripes(distance: number, length: number, spacing: number, wide: number): number {
  if (wide > spacing) return length / spacing;
  const place = distance - spacing * Math.floor(distance / spacing);
  const from = Math.min(place, spacing - place);
  const inside = place < length ? Math.min(place, length - place) : -Math.min(place - length, from);
  return Math.max(0, Math.min(1, 0.5 + inside / Math.max(wide, 0.02)));
}
