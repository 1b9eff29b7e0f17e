// The colour of a place on a face: its material in the light that falls on it. One object is reused for all pixels.

import { chanceAt } from "./dice.ts";
import type { Daylight, GroundLight } from "./daylight.ts";
import { label } from "./label.ts";
import type { Light } from "./light.ts";
import type { Material } from "./materials.ts";
import type { Pose } from "./pose.ts";
import { numbersPerFace, type Raster } from "./raster.ts";
import type { Texture } from "./texture.ts";
import type { Grid } from "./town.ts";

/** A camera at a time, as the surfaces need it. */
export interface Eye {
  /** From the camera to the world. */
  readonly pose: Pose;
  readonly focalPx: number;
  readonly widthPx: number;
  readonly heightPx: number;
  /** Whether it is on a car with its headlights on. */
  readonly hasHeadlights: boolean;
}

/** Width of lines on the road. */
const lineHalf = 0.065;

/** Colours of faces. */
export class Surface {
  /** What was found last, of 255 and above where it shines. */
  red = 0;
  green = 0;
  blue = 0;
  /** How much it mirrors what is above it, 0..1. */
  mirror = 0;
  readonly #raster: Raster;
  readonly #light: Light;
  readonly #daylight: Daylight;
  readonly #grid: Grid;
  readonly #table: readonly Material[];
  /** Light on each face that is drawn: 3 factors. */
  #lit: Float32Array = new Float32Array(0);
  #eye: Eye | undefined;
  // The map of the tile that was looked at last.
  #mapI = Number.NaN;
  #mapJ = Number.NaN;
  #map: GroundLight | undefined;
  // Texel that was looked up last.
  #r = 0;
  #g = 0;
  #b = 0;
  #a = 0;

  constructor(raster: Raster, light: Light, daylight: Daylight, grid: Grid, table: readonly Material[]) {
    this.#raster = raster;
    this.#light = light;
    this.#daylight = daylight;
    this.#grid = grid;
    this.#table = table;
  }

  /** Lights all faces that the raster has. */
  begin(eye: Eye): void {
    const { count, normals } = this.#raster;
    const { sun, sunColour, skyLight } = this.#light;
    this.#eye = eye;
    if (this.#lit.length < 3 * count) this.#lit = new Float32Array(6 * count);
    for (let face = 0; face < count; face++) {
      const x = normals[3 * face] ?? 0;
      const y = normals[3 * face + 1] ?? 0;
      const z = normals[3 * face + 2] ?? 0;
      const direct = Math.max(0, x * sun[0] + y * sun[1] + z * sun[2]);
      // Leaves let light through.
      const isLeaf = this.#table[this.#raster.materials[face] ?? 0]?.kind === "card";
      const sunShare = isLeaf ? 0.45 + 0.35 * direct : direct;
      const skyShare = isLeaf ? 0.85 : 0.72 + 0.28 * y;
      for (let c = 0; c < 3; c++)
        this.#lit[3 * face + c] = (skyLight[c] ?? 0) * skyShare + (sunColour[c] ?? 0) * sunShare;
    }
  }

  /** Finds the colour of a face at a place of the picture. */
  look(face: number, x: number, y: number): void {
    const raster = this.#raster;
    const { linear, tints } = raster;
    const at = face * numbersPerFace;
    const eye = this.#eye;
    const material = this.#table[raster.materials[face] ?? 0];
    if (eye === undefined || material === undefined) throw new Error("surface: begin comes first");
    const a = linear[at] ?? 0;
    const b = linear[at + 1] ?? 0;
    const w = a * x + b * y + (linear[at + 2] ?? 0);
    const depth = 1 / w;
    const tintR = tints[3 * face] ?? 0;
    const tintG = tints[3 * face + 1] ?? 0;
    const tintB = tints[3 * face + 2] ?? 0;
    let [lightR, lightG, lightB] = [
      this.#lit[3 * face] ?? 0,
      this.#lit[3 * face + 1] ?? 0,
      this.#lit[3 * face + 2] ?? 0,
    ];
    const light = this.#light;
    this.mirror = 0;
    let glow = 0;
    const isGround = material.kind === "ground" || material.kind === "shade";
    if (isGround || light.isDark || light.lamps > 0) {
      // Where in the world it is.
      const { pose } = eye;
      const rayX = (x - eye.widthPx / 2) / eye.focalPx;
      const rayY = (y - eye.heightPx / 2) / eye.focalPx;
      const worldX = pose[3] + depth * (pose[0] * rayX + pose[1] * rayY + pose[2]);
      const eyeHeight = pose[7];
      const worldY = eyeHeight + depth * (pose[4] * rayX + pose[5] * rayY + pose[6]);
      const worldZ = pose[11] + depth * (pose[8] * rayX + pose[9] * rayY + pose[10]);
      if (isGround) {
        const { sunColour, skyLight, sun } = light;
        const share = (this.#sunAt(worldX, worldZ) * sun[1]) / 255;
        lightR = skyLight[0] + sunColour[0] * share;
        lightG = skyLight[1] + sunColour[1] * share;
        lightB = skyLight[2] + sunColour[2] * share;
      }
      if (light.lamps > 0) {
        const high = Math.max(0, worldY - 0.6 * this.#grid.lampHeight) / this.#grid.lampHeight;
        const lamp = (light.isDark ? (this.#lampAt(worldX, worldZ) * light.lamps) / (1 + 5 * high * high) : 0) / 255;
        let beam = 0;
        if (eye.hasHeadlights) {
          const aside = rayX / 0.55;
          const down = (rayY - 0.07) / (rayY > 0.07 ? 0.3 : 0.075);
          beam = (light.lamps * Math.exp(-aside * aside - down * down)) / (1 + (depth / 14) ** 2);
        }
        lightR += lamp + 1.02 * beam;
        lightG += 0.78 * lamp + beam;
        lightB += 0.46 * lamp + 0.9 * beam;
      }
      if (isGround) {
        // A pixel on the ground is as wide as that across the way, and much longer along it.
        const footprint = depth / eye.focalPx;
        const long = footprint * Math.min(40, Math.max(1, depth / Math.max(0.5, eyeHeight - worldY)));
        const dark = material.kind === "shade" ? this.#shade(face, x, y, depth, material.halfExtent) : 1;
        this.#ground(material, face, worldX, worldZ, footprint, long, Math.abs(pose[10]) > Math.abs(pose[2]));
        this.red *= dark * lightR;
        this.green *= dark * lightG;
        this.blue *= dark * lightB;
        this.#fade(depth, 0);
        return;
      }
    }
    let red = tintR;
    let green = tintG;
    let blue = tintB;
    switch (material.kind) {
      case "plain":
        if (material.texture !== undefined) {
          this.#sample(material.texture, at, x, y, depth);
          red *= this.#r / 255;
          green *= this.#g / 255;
          blue *= this.#b / 255;
        }
        break;
      case "card":
        this.#sample(material.texture, at, x, y, depth);
        red *= this.#r / 255;
        green *= this.#g / 255;
        blue *= this.#b / 255;
        break;
      case "facade": {
        const u = ((linear[at + 3] ?? 0) * x + (linear[at + 4] ?? 0) * y + (linear[at + 5] ?? 0)) * depth;
        const v = ((linear[at + 6] ?? 0) * x + (linear[at + 7] ?? 0) * y + (linear[at + 8] ?? 0)) * depth;
        const [bayWidth, bayHeight] = material.bay;
        const bayU = u / bayWidth;
        const bayV = v / bayHeight;
        const column = Math.floor(bayU);
        const row = Math.floor(bayV);
        const { levels } = material.texture;
        const size = levels[0].size;
        // Walls are seen at a slant: half of the stretch is let blur.
        const slant = Math.sqrt(Math.max(0.08, Math.abs(this.#facing(face, x, y))));
        const lod = Math.log2(Math.max(1, (size * depth) / (eye.focalPx * Math.min(bayWidth, bayHeight) * slant)));
        this.#fetch(material.texture, bayU, bayV, lod);
        const wall = this.#a / 255;
        red = this.#r * (1 - wall + (wall * tintR) / 255);
        green = this.#g * (1 - wall + (wall * tintG) / 255);
        blue = this.#b * (1 - wall + (wall * tintB) / 255);
        const glass = lod > 2.5 ? (1 - wall) * 0.8 : wall < 0.2 ? 1 - wall * 5 : 0;
        if (glass > 0) {
          const chance = chanceAt(column, row, material.seed + (raster.instances[face] ?? 0));
          if (chance < light.litWindows) {
            const shine = light.isDark ? 150 + 90 * ((chance * 977) % 1) : 90;
            glow = glass * 0.9;
            red += glow * (shine - red);
            green += glow * (shine * 0.82 - green);
            blue += glow * (shine * 0.5 - blue);
          } else {
            const mirrored = glass * (0.18 + 0.5 * chance * chance);
            red += mirrored * (light.horizon[0] - red);
            green += mirrored * (light.horizon[1] - green);
            blue += mirrored * (light.horizon[2] - blue);
          }
        }
        break;
      }
      case "glass": {
        const up = raster.normals[3 * face + 1] ?? 0;
        const slant = 1 - Math.abs(this.#facing(face, x, y));
        const mirrored = 0.06 + 0.26 * Math.max(0, up) * (0.4 + slant) + 0.34 * slant * slant;
        red = 22 + mirrored * light.horizon[0];
        green = 25 + mirrored * light.horizon[1];
        blue = 28 + mirrored * light.horizon[2];
        // What is mirrored is as bright as it is: only the inside needs light.
        glow = 0.7;
        break;
      }
      case "lamp": {
        const isOn = material.when === "always" || light.isDark || light.wet > 0;
        if (isOn) {
          glow = 1;
          red *= 1.2;
          green *= 1.2;
          blue *= 1.2;
        }
        break;
      }
    }
    this.red = red * (glow + (1 - glow) * lightR);
    this.green = green * (glow + (1 - glow) * lightG);
    this.blue = blue * (glow + (1 - glow) * lightB);
    this.#fade(depth, glow);
  }

  /** Into the haze; what shines is seen from further. */
  #fade(depth: number, glow: number): void {
    const { haze, hazePerMetre } = this.#light;
    const fog = 1 - Math.exp(-depth * hazePerMetre * (1 - 0.5 * glow));
    this.red += fog * (haze[0] - this.red);
    this.green += fog * (haze[1] - this.green);
    this.blue += fog * (haze[2] - this.blue);
    this.mirror *= 1 - fog;
  }

  /** Road, pavement or meadow, without light. */
  #ground(
    material: Material,
    face: number,
    x: number,
    z: number,
    across: number,
    along: number,
    isNorth: boolean,
  ): void {
    const surface =
      material.kind === "ground" ? material.surface : this.#raster.labels[face] === label.road ? "road" : "pavement";
    if (material.kind === "ground") {
      const { texture } = material;
      const lod = Math.log2(Math.max(1, (texture.levels[0].size / texture.metres) * Math.sqrt(across * along)));
      this.#fetch(texture, x / texture.metres, z / texture.metres, lod);
    } else {
      this.#r = this.#g = this.#b = 200;
    }
    const wet = this.#light.wet;
    if (surface === "road") {
      const dim = 0.55 * (1 - 0.35 * wet);
      const paint =
        material.kind === "ground" ? this.#marking(x, z, isNorth ? across : along, isNorth ? along : across) : 0;
      this.red = this.#r * dim + paint * (214 - this.#r * dim);
      this.green = this.#g * dim + paint * (212 - this.#g * dim);
      this.blue = this.#b * (dim + 0.01) + paint * (204 - this.#b * dim);
      this.mirror = wet;
      return;
    }
    const tints = this.#raster.tints;
    const dim = material.kind === "shade" ? 0.78 : 1 - 0.25 * wet;
    this.red = ((this.#r * (tints[3 * face] ?? 255)) / 255) * dim;
    this.green = ((this.#g * (tints[3 * face + 1] ?? 255)) / 255) * dim;
    this.blue = ((this.#b * (tints[3 * face + 2] ?? 255)) / 255) * dim;
    this.mirror = surface === "pavement" ? 0.4 * wet : 0;
  }

  /** How much of a place on the road is painted. @param wideX, wideZ what a pixel covers, metres */
  #marking(x: number, z: number, wideX: number, wideZ: number): number {
    const { east, north, roadHalf, lane, parking, pavement } = this.#grid;
    const i = Math.round(x / east);
    const j = Math.round(z / north);
    const dx = x - i * east;
    const dz = z - j * north;
    const onNorth = Math.abs(dx) < roadHalf;
    const onEast = Math.abs(dz) < roadHalf;
    if (onNorth && onEast) return 0;
    const isNorth = onNorth;
    const [aside, ahead, wide, long] = isNorth ? [dx, dz, wideX, wideZ] : [dz, dx, wideZ, wideX];
    const fromJunction = Math.abs(ahead) - roadHalf;
    const hasCrossing = chanceAt(i, j, isNorth ? 3 : 4) < 0.55;
    if (hasCrossing && fromJunction > 0.7 && fromJunction < pavement + 0.5) {
      return stripes(aside, 0.5, 1.0, wide) * 0.92;
    }
    if (fromJunction < pavement + 0.9) return 0;
    if (fromJunction < pavement + 1.35) {
      // The stop line of the lane that comes to the junction: where one drives on the right, on the right.
      const comes = (isNorth ? 1 : -1) * Math.sign(ahead) * Math.sign(lane) * aside;
      return comes < -0.15 && comes > -2 * Math.abs(lane) ? 0.9 * Math.min(1, 0.45 / Math.max(long, 1e-6)) : 0;
    }
    const kind = chanceAt(isNorth ? i : j, isNorth ? 1 : 2, 77);
    let paint = 0;
    if (kind < 0.75) {
      const dash = kind < 0.55 ? stripes(ahead, 3, kind < 0.25 ? 6 : 9, long) : 1;
      paint = line(aside, wide) * dash;
    }
    if (parking > 0) paint = Math.max(paint, line(Math.abs(aside) - (roadHalf - parking), wide) * 0.8);
    else paint = Math.max(paint, line(Math.abs(aside) - (roadHalf - 0.3), wide) * 0.8);
    return 0.88 * paint;
  }

  #shade(face: number, x: number, y: number, depth: number, [halfAside, halfAhead]: readonly [number, number]): number {
    const { linear } = this.#raster;
    const at = face * numbersPerFace;
    const u = ((linear[at + 3] ?? 0) * x + (linear[at + 4] ?? 0) * y + (linear[at + 5] ?? 0)) * depth;
    const v = ((linear[at + 6] ?? 0) * x + (linear[at + 7] ?? 0) * y + (linear[at + 8] ?? 0)) * depth;
    const soft = (value: number, half: number): number =>
      Math.max(0, Math.min(1, ((half - Math.abs(value)) / half) * 2.6));
    return 1 - 0.62 * soft(u, halfAhead) * soft(v, halfAside);
  }

  /** Cosine between the way to the eye and the face's normal. */
  #facing(face: number, x: number, y: number): number {
    const eye = this.#eye;
    const { normals } = this.#raster;
    if (eye === undefined) return 1;
    const { pose } = eye;
    const rayX = (x - eye.widthPx / 2) / eye.focalPx;
    const rayY = (y - eye.heightPx / 2) / eye.focalPx;
    const dx = pose[0] * rayX + pose[1] * rayY + pose[2];
    const dy = pose[4] * rayX + pose[5] * rayY + pose[6];
    const dz = pose[8] * rayX + pose[9] * rayY + pose[10];
    const dot = dx * (normals[3 * face] ?? 0) + dy * (normals[3 * face + 1] ?? 0) + dz * (normals[3 * face + 2] ?? 0);
    return -dot / Math.sqrt(dx * dx + dy * dy + dz * dz);
  }

  /** Looks up a texture that lies on the face by its metres. */
  #sample(texture: Texture, at: number, x: number, y: number, depth: number): void {
    const { linear } = this.#raster;
    const u = ((linear[at + 3] ?? 0) * x + (linear[at + 4] ?? 0) * y + (linear[at + 5] ?? 0)) * depth;
    const v = ((linear[at + 6] ?? 0) * x + (linear[at + 7] ?? 0) * y + (linear[at + 8] ?? 0)) * depth;
    const texels = (texture.levels[0].size / texture.metres) * (depth / (this.#eye?.focalPx ?? 1)) * 1.3;
    this.#fetch(texture, u / texture.metres, v / texture.metres, Math.log2(Math.max(1, texels)));
  }

  /** Bilinear in the nearest size. */
  #fetch(texture: Texture, u: number, v: number, lod: number): void {
    const { levels } = texture;
    const level = levels[Math.min(levels.length - 1, (lod + 0.5) | 0)] ?? levels[0];
    const { size, data } = level;
    const mask = size - 1;
    const x = u * size - 0.5;
    const y = v * size - 0.5;
    const ix = Math.floor(x);
    const iy = Math.floor(y);
    const fx = x - ix;
    const fy = y - iy;
    const x0 = ix & mask;
    const x1 = (ix + 1) & mask;
    const y0 = (iy & mask) * size;
    const y1 = ((iy + 1) & mask) * size;
    const p = 4 * (y0 + x0);
    const q = 4 * (y0 + x1);
    const r = 4 * (y1 + x0);
    const s = 4 * (y1 + x1);
    const wp = (1 - fx) * (1 - fy);
    const wq = fx * (1 - fy);
    const wr = (1 - fx) * fy;
    const ws = fx * fy;
    this.#r = wp * (data[p] ?? 0) + wq * (data[q] ?? 0) + wr * (data[r] ?? 0) + ws * (data[s] ?? 0);
    this.#g = wp * (data[p + 1] ?? 0) + wq * (data[q + 1] ?? 0) + wr * (data[r + 1] ?? 0) + ws * (data[s + 1] ?? 0);
    this.#b = wp * (data[p + 2] ?? 0) + wq * (data[q + 2] ?? 0) + wr * (data[r + 2] ?? 0) + ws * (data[s + 2] ?? 0);
    this.#a = wp * (data[p + 3] ?? 0) + wq * (data[q + 3] ?? 0) + wr * (data[r + 3] ?? 0) + ws * (data[s + 3] ?? 0);
  }

  #sunAt(x: number, z: number): number {
    const map = this.#mapAt(x, z);
    return bilinear(map.sun, map, x - this.#mapI * this.#grid.east, z - this.#mapJ * this.#grid.north);
  }

  #lampAt(x: number, z: number): number {
    const map = this.#mapAt(x, z);
    return bilinear(map.lamps, map, x - this.#mapI * this.#grid.east, z - this.#mapJ * this.#grid.north);
  }

  #mapAt(x: number, z: number): GroundLight {
    const i = Math.floor(x / this.#grid.east);
    const j = Math.floor(z / this.#grid.north);
    if (this.#map === undefined || i !== this.#mapI || j !== this.#mapJ) {
      this.#map = this.#daylight.map(i, j);
      this.#mapI = i;
      this.#mapJ = j;
    }
    return this.#map;
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
