// What of the sun and of the street lamps reaches the ground: one map for each tile of the town, a cell a metre.

import type { Light } from "./light.ts";
import type { Solid, Tile, Town } from "./town.ts";

/** Sun (0 in shadow, 255 in the sun) and light of lamps (255 is as much as full daylight) of a tile's ground. */
interface GroundLight {
  readonly columns: number;
  readonly rows: number;
  readonly sun: Uint8Array;
  readonly lamps: Uint8Array;
}

/** Shadows longer than this are not looked for. */
const longestShadow = 55;

/** Maps of the tiles, made when they are first asked for. */
export class Daylight {
  readonly #town: Town;
  readonly #light: Light;
  readonly #maps = new Map<number, GroundLight>();
  // The tile that was asked for last.
  #i = Number.NaN;
  #j = Number.NaN;
  #map: GroundLight | undefined;

  constructor(town: Town, light: Light) {
    this.#town = town;
    this.#light = light;
  }

  /** Sun that a place on the ground has, 0..255. */
  sunAt(x: number, z: number): number {
    const map = this.#mapAt(x, z);
    return bilinear(map.sun, map, x - this.#i * this.#town.grid.east, z - this.#j * this.#town.grid.north);
  }

  /** Light of lamps that a place on the ground has, 0..255. */
  lampAt(x: number, z: number): number {
    const map = this.#mapAt(x, z);
    return bilinear(map.lamps, map, x - this.#i * this.#town.grid.east, z - this.#j * this.#town.grid.north);
  }

  #mapAt(x: number, z: number): GroundLight {
    const { east, north } = this.#town.grid;
    const i = Math.floor(x / east);
    const j = Math.floor(z / north);
    if (this.#map !== undefined && i === this.#i && j === this.#j) return this.#map;
    this.#i = i;
    this.#j = j;
    this.#map = this.#mapOf(i, j);
    return this.#map;
  }

  /** The map of tile (i, j). */
  #mapOf(i: number, j: number): GroundLight {
    const key = (i + 0x8000) * 0x10000 + (j + 0x8000);
    let map = this.#maps.get(key);
    if (map === undefined) {
      if (this.#maps.size > 200) this.#maps.clear();
      map = this.#make(i, j);
      this.#maps.set(key, map);
    }
    return map;
  }

  #make(i: number, j: number): GroundLight {
    const { grid } = this.#town;
    const [columns, rows] = [Math.ceil(grid.east), Math.ceil(grid.north)];
    const sun = new Uint8Array(columns * rows).fill(255);
    const lamps = new Uint8Array(columns * rows);
    const [west, south] = [i * grid.east, j * grid.north];
    for (let di = -1; di <= 1; di++) {
      for (let dj = -1; dj <= 1; dj++) {
        const tile: Tile = this.#town.tile(i + di, j + dj);
        for (const solid of tile.solids) this.#shade(sun, solid, west, south, columns, rows);
        if (!this.#light.isDark) continue;
        for (const [x, z] of tile.lamps) shine(lamps, x - west, z - south, grid.lampHeight, columns, rows);
      }
    }
    return { columns, rows, sun, lamps };
  }

  #shade(sun: Uint8Array, solid: Solid, west: number, south: number, columns: number, rows: number): void {
    const [sx, sy, sz] = this.#light.sun;
    const flat = Math.hypot(sx, sz);
    const [dx, dz, rise] = [sx / flat, sz / flat, sy / flat];
    const height = solid.kind === "box" ? solid.height : solid.middle + solid.radius;
    const length = Math.min(longestShadow, height / rise);
    const [x0, x1] = solid.kind === "box" ? solid.x : [solid.at[0] - solid.radius, solid.at[0] + solid.radius];
    const [z0, z1] = solid.kind === "box" ? solid.z : [solid.at[1] - solid.radius, solid.at[1] + solid.radius];
    const first = Math.max(0, Math.floor(Math.min(x0, x0 - dx * length) - west));
    const last = Math.min(columns - 1, Math.ceil(Math.max(x1, x1 - dx * length) - west));
    const from = Math.max(0, Math.floor(Math.min(z0, z0 - dz * length) - south));
    const to = Math.min(rows - 1, Math.ceil(Math.max(z1, z1 - dz * length) - south));
    for (let row = from; row <= to; row++) {
      for (let column = first; column <= last; column++) {
        const [x, z] = [west + column + 0.5, south + row + 0.5];
        const at = row * columns + column;
        if (solid.kind === "box") {
          const enters = entry(x, z, dx, dz, solid.x, solid.z);
          if (enters !== undefined && enters * rise < solid.height) sun[at] = 0;
          continue;
        }
        // Where the way to the sun is at the height of the crown.
        const ahead = solid.middle / rise;
        const far = Math.hypot(x + dx * ahead - solid.at[0], z + dz * ahead - solid.at[1]) / solid.radius;
        if (far < 1) sun[at] = Math.min(sun[at] ?? 255, 90 + 130 * far * far);
      }
    }
  }
}

/** How far a ray from (x, z) runs until it is in a rectangle: 0 from within, undefined where it never is. */
function entry(
  x: number,
  z: number,
  dx: number,
  dz: number,
  [x0, x1]: readonly [number, number],
  [z0, z1]: readonly [number, number],
): number | undefined {
  let [start, end] = [0, Infinity];
  for (const [at, step, low, high] of [
    [x, dx, x0, x1],
    [z, dz, z0, z1],
  ] as const) {
    if (Math.abs(step) < 1e-9) {
      if (at < low || at > high) return undefined;
      continue;
    }
    const [a, b] = [(low - at) / step, (high - at) / step];
    start = Math.max(start, Math.min(a, b));
    end = Math.min(end, Math.max(a, b));
  }
  return start <= end ? start : undefined;
}

/** Adds the pool of light under a lamp at (x, z) of the map. */
function shine(lamps: Uint8Array, x: number, z: number, height: number, columns: number, rows: number): void {
  const reach = 3.2 * height;
  for (let row = Math.max(0, Math.floor(z - reach)); row < Math.min(rows, z + reach); row++) {
    for (let column = Math.max(0, Math.floor(x - reach)); column < Math.min(columns, x + reach); column++) {
      const far = Math.hypot(column + 0.5 - x, row + 0.5 - z) / height;
      const strength = 150 / (1 + far * far) ** 1.6;
      const at = row * columns + column;
      lamps[at] = Math.min(255, (lamps[at] ?? 0) + strength);
    }
  }
}

function bilinear(values: Uint8Array, { columns, rows }: GroundLight, x: number, z: number): number {
  const px = Math.max(0, Math.min(columns - 1.001, x - 0.5));
  const pz = Math.max(0, Math.min(rows - 1.001, z - 0.5));
  const ix = px | 0;
  const iz = pz | 0;
  const fx = px - ix;
  const fz = pz - iz;
  const at = iz * columns + ix;
  const upper = (values[at] ?? 0) * (1 - fx) + (values[at + 1] ?? 0) * fx;
  const lower = (values[at + columns] ?? 0) * (1 - fx) + (values[at + columns + 1] ?? 0) * fx;
  return upper + fz * (lower - upper);
}
