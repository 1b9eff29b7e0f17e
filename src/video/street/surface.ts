// The colours of faces: their materials in the light that falls on them, by rows of pixels, so that what a face and a row
// have in common is worked out once for all of them.

import { chanceAt } from "./dice.ts";
import type { Daylight } from "./daylight.ts";
import { label } from "./label.ts";
import type { Light } from "./light.ts";
import { Markings } from "./markings.ts";
import type { Material } from "./materials.ts";
import type { Pose } from "./pose.ts";
import { numbersPerFace, type Raster } from "./raster.ts";
import { TexelReader } from "./texture.ts";
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

/** Where colours go: red, green, blue of 255 and above where it shines; and how much a pixel mirrors, 0..1. */
export interface Canvas {
  /** 3 numbers a pixel. */
  readonly light: Float32Array;
  readonly mirrors: Float32Array;
}

type Ground = Extract<Material, { kind: "ground" | "shade" }>;
type Upright = Exclude<Material, Ground>;

/** Colours of faces. */
export class Surface {
  readonly #raster: Raster;
  readonly #light: Light;
  readonly #daylight: Daylight;
  readonly #markings: Markings;
  readonly #lampHeight: number;
  readonly #table: readonly Material[];
  readonly #texel = new TexelReader();
  /** Light on each face that is drawn: 3 factors. */
  #lit: Float32Array = new Float32Array(0);
  #eye: Eye | undefined;
  // Lamps and headlights at a place: what is added to the light there.
  #lampR = 0;
  #lampG = 0;
  #lampB = 0;

  constructor(raster: Raster, light: Light, daylight: Daylight, grid: Grid, table: readonly Material[]) {
    this.#raster = raster;
    this.#light = light;
    this.#daylight = daylight;
    this.#markings = new Markings(grid);
    this.#lampHeight = grid.lampHeight;
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

  /**
   * Paints pixels of a face beside each other.
   * @param x, y place of the first, in pixels @param at its number in `canvas` @returns whether any of them mirrors
   */
  paint(face: number, x: number, y: number, count: number, canvas: Canvas, at: number): boolean {
    const material = this.#table[this.#raster.materials[face] ?? 0];
    const eye = this.#eye;
    if (eye === undefined || material === undefined) throw new Error("surface: begin comes first");
    if (material.kind === "ground" || material.kind === "shade") {
      return this.#ground(material, eye, face, x, y, count, canvas, at);
    }
    this.#upright(material, eye, face, x, y, count, canvas, at);
    return false;
  }

  /** What stands. */
  #upright(
    material: Upright,
    eye: Eye,
    face: number,
    x: number,
    y: number,
    count: number,
    { light, mirrors }: Canvas,
    at: number,
  ): void {
    const { linear, tints, normals } = this.#raster;
    const k = face * numbersPerFace;
    const wx = linear[k] ?? 0;
    const w0 = (linear[k + 1] ?? 0) * y + (linear[k + 2] ?? 0);
    const ux = linear[k + 3] ?? 0;
    const u0 = (linear[k + 4] ?? 0) * y + (linear[k + 5] ?? 0);
    const vx = linear[k + 6] ?? 0;
    const v0 = (linear[k + 7] ?? 0) * y + (linear[k + 8] ?? 0);
    const tintR = tints[3 * face] ?? 0;
    const tintG = tints[3 * face + 1] ?? 0;
    const tintB = tints[3 * face + 2] ?? 0;
    const litR = this.#lit[3 * face] ?? 0;
    const litG = this.#lit[3 * face + 1] ?? 0;
    const litB = this.#lit[3 * face + 2] ?? 0;
    const { horizon, haze, hazePerMetre, isDark, lamps, litWindows, wet } = this.#light;
    const { pose, focalPx } = eye;
    const rayY = (y - eye.heightPx / 2) / focalPx;
    // The normal as the camera has it.
    const n0 = normals[3 * face] ?? 0;
    const n1 = normals[3 * face + 1] ?? 0;
    const n2 = normals[3 * face + 2] ?? 0;
    const normalX = pose[0] * n0 + pose[4] * n1 + pose[8] * n2;
    const normalYZ = (pose[1] * n0 + pose[5] * n1 + pose[9] * n2) * rayY + pose[2] * n0 + pose[6] * n1 + pose[10] * n2;
    const texel = this.#texel;
    const { kind } = material;
    const texture = kind === "plain" || kind === "card" ? material.texture : undefined;
    const perMetre = texture === undefined ? 0 : 1 / texture.metres;
    const texelsPerDepth = texture === undefined ? 0 : ((texture.levels[0].size / texture.metres) * 1.3) / focalPx;
    const isOn = kind === "lamp" && (material.when === "always" || isDark || wet > 0);
    const instance = this.#raster.instances[face] ?? 0;
    for (let i = 0; i < count; i++) {
      const px = x + i;
      const depth = 1 / (wx * px + w0);
      let red = tintR;
      let green = tintG;
      let blue = tintB;
      let glow = 0;
      if (texture !== undefined) {
        const scale = depth * perMetre;
        texel.read(texture, (ux * px + u0) * scale, (vx * px + v0) * scale, depth * texelsPerDepth);
        red *= texel.r / 255;
        green *= texel.g / 255;
        blue *= texel.b / 255;
      } else if (kind === "facade") {
        const rayX = (px - eye.widthPx / 2) / focalPx;
        const facing = Math.abs(normalX * rayX + normalYZ) / Math.sqrt(rayX * rayX + rayY * rayY + 1);
        const bayU = ((ux * px + u0) * depth) / material.bay[0];
        const bayV = ((vx * px + v0) * depth) / material.bay[1];
        const { size } = material.texture.levels[0];
        // Walls are seen at a slant: half of the stretch is let blur.
        const slant = Math.sqrt(Math.max(0.08, facing));
        const texels = (size * depth) / (focalPx * Math.min(material.bay[0], material.bay[1]) * slant);
        texel.read(material.texture, bayU, bayV, texels);
        const wall = texel.a / 255;
        red = texel.r * (1 - wall + (wall * tintR) / 255);
        green = texel.g * (1 - wall + (wall * tintG) / 255);
        blue = texel.b * (1 - wall + (wall * tintB) / 255);
        const glass = texels > blurredTexels ? (1 - wall) * 0.8 : wall < 0.2 ? 1 - wall * 5 : 0;
        if (glass > 0) {
          const chance = chanceAt(Math.floor(bayU), Math.floor(bayV), material.seed + instance);
          if (chance < litWindows) {
            const shine = isDark ? 150 + 90 * ((chance * 977) % 1) : 90;
            glow = glass * 0.9;
            red += glow * (shine - red);
            green += glow * (shine * 0.82 - green);
            blue += glow * (shine * 0.5 - blue);
          } else {
            const mirrored = glass * (0.18 + 0.5 * chance * chance);
            red += mirrored * (horizon[0] - red);
            green += mirrored * (horizon[1] - green);
            blue += mirrored * (horizon[2] - blue);
          }
        }
      } else if (kind === "glass") {
        const rayX = (px - eye.widthPx / 2) / focalPx;
        const slant = 1 - Math.abs(normalX * rayX + normalYZ) / Math.sqrt(rayX * rayX + rayY * rayY + 1);
        const mirrored = 0.06 + 0.26 * Math.max(0, n1) * (0.4 + slant) + 0.34 * slant * slant;
        red = 22 + mirrored * horizon[0];
        green = 25 + mirrored * horizon[1];
        blue = 28 + mirrored * horizon[2];
        // What is mirrored is as bright as it is: only the inside needs light.
        glow = 0.7;
      } else if (isOn) {
        glow = 1;
        red *= 1.2;
        green *= 1.2;
        blue *= 1.2;
      }
      let lightR = litR;
      let lightG = litG;
      let lightB = litB;
      if (lamps > 0) {
        this.#lampsAt(eye, (px - eye.widthPx / 2) / focalPx, rayY, depth);
        lightR += this.#lampR;
        lightG += this.#lampG;
        lightB += this.#lampB;
      }
      // Into the haze; what shines is seen from further.
      const fog = 1 - Math.exp(-depth * hazePerMetre * (1 - 0.5 * glow));
      const dim = 1 - glow;
      red *= glow + dim * lightR;
      green *= glow + dim * lightG;
      blue *= glow + dim * lightB;
      const to = at + i;
      light[3 * to] = red + fog * (haze[0] - red);
      light[3 * to + 1] = green + fog * (haze[1] - green);
      light[3 * to + 2] = blue + fog * (haze[2] - blue);
      mirrors[to] = 0;
    }
  }

  /** Road, pavement or meadow, and the shade on them. @returns whether any of it mirrors */
  #ground(
    material: Ground,
    eye: Eye,
    face: number,
    x: number,
    y: number,
    count: number,
    { light, mirrors }: Canvas,
    at: number,
  ): boolean {
    const { linear, tints, labels } = this.#raster;
    const k = face * numbersPerFace;
    const wx = linear[k] ?? 0;
    const w0 = (linear[k + 1] ?? 0) * y + (linear[k + 2] ?? 0);
    const { sun, sunColour, skyLight, haze, hazePerMetre, lamps, wet } = this.#light;
    const { pose, focalPx } = eye;
    const rayY = (y - eye.heightPx / 2) / focalPx;
    const aheadX = pose[1] * rayY + pose[2];
    const aheadY = pose[5] * rayY + pose[6];
    const aheadZ = pose[9] * rayY + pose[10];
    const isNorth = Math.abs(pose[10]) > Math.abs(pose[2]);
    const texel = this.#texel;
    const texture = material.kind === "ground" ? material.texture : undefined;
    const perMetre = texture === undefined ? 0 : 1 / texture.metres;
    const texelsPerMetre = texture === undefined ? 0 : texture.levels[0].size / texture.metres;
    const surface = material.kind === "ground" ? material.surface : labels[face] === label.road ? "road" : "pavement";
    const isRoad = surface === "road";
    const dim = isRoad ? 0.55 * (1 - 0.35 * wet) : texture === undefined ? 0.78 : 1 - 0.25 * wet;
    const dimR = isRoad ? dim : (dim * (tints[3 * face] ?? 255)) / 255;
    const dimG = isRoad ? dim : (dim * (tints[3 * face + 1] ?? 255)) / 255;
    const dimB = isRoad ? dim + 0.01 : (dim * (tints[3 * face + 2] ?? 255)) / 255;
    const mirror = isRoad ? wet : surface === "pavement" ? 0.4 * wet : 0;
    for (let i = 0; i < count; i++) {
      const px = x + i;
      const depth = 1 / (wx * px + w0);
      const rayX = (px - eye.widthPx / 2) / focalPx;
      // Where in the world it is.
      const worldX = pose[3] + depth * (pose[0] * rayX + aheadX);
      const below = -depth * (pose[4] * rayX + aheadY);
      const worldZ = pose[11] + depth * (pose[8] * rayX + aheadZ);
      // A pixel on the ground is as wide as that across the way, and much longer along it.
      const across = depth / focalPx;
      const along = across * Math.min(40, Math.max(1, depth / Math.max(0.5, below)));
      let red = 200;
      let green = 200;
      let blue = 200;
      if (texture !== undefined) {
        texel.read(texture, worldX * perMetre, worldZ * perMetre, texelsPerMetre * Math.sqrt(across * along));
        red = texel.r;
        green = texel.g;
        blue = texel.b;
      }
      red *= dimR;
      green *= dimG;
      blue *= dimB;
      if (isRoad && texture !== undefined) {
        const paint = this.#markings.at(worldX, worldZ, isNorth ? across : along, isNorth ? along : across);
        if (paint > 0) {
          red += paint * (214 - red);
          green += paint * (212 - green);
          blue += paint * (204 - blue);
        }
      }
      const share = (this.#daylight.sunAt(worldX, worldZ) * sun[1]) / 255;
      let lightR = skyLight[0] + sunColour[0] * share;
      let lightG = skyLight[1] + sunColour[1] * share;
      let lightB = skyLight[2] + sunColour[2] * share;
      if (lamps > 0) {
        this.#lampsAt(eye, rayX, rayY, depth);
        lightR += this.#lampR;
        lightG += this.#lampG;
        lightB += this.#lampB;
      }
      const dark = material.kind === "shade" ? this.#shade(k, px, y, depth, material.halfExtent) : 1;
      const fog = 1 - Math.exp(-depth * hazePerMetre);
      red *= dark * lightR;
      green *= dark * lightG;
      blue *= dark * lightB;
      const to = at + i;
      light[3 * to] = red + fog * (haze[0] - red);
      light[3 * to + 1] = green + fog * (haze[1] - green);
      light[3 * to + 2] = blue + fog * (haze[2] - blue);
      mirrors[to] = mirror * (1 - fog);
    }
    return mirror > 0;
  }

  /** Finds the light of lamps and headlights in a direction at a depth. */
  #lampsAt({ pose, hasHeadlights }: Eye, rayX: number, rayY: number, depth: number): void {
    const { isDark, lamps } = this.#light;
    let lamp = 0;
    if (isDark) {
      const x = pose[3] + depth * (pose[0] * rayX + pose[1] * rayY + pose[2]);
      const y = pose[7] + depth * (pose[4] * rayX + pose[5] * rayY + pose[6]);
      const z = pose[11] + depth * (pose[8] * rayX + pose[9] * rayY + pose[10]);
      const high = Math.max(0, y - 0.6 * this.#lampHeight) / this.#lampHeight;
      lamp = (this.#daylight.lampAt(x, z) * lamps) / (1 + 5 * high * high) / 255;
    }
    let beam = 0;
    if (hasHeadlights) {
      const aside = rayX / 0.55;
      const down = (rayY - 0.07) / (rayY > 0.07 ? 0.3 : 0.075);
      beam = (lamps * Math.exp(-aside * aside - down * down)) / (1 + (depth / 14) ** 2);
    }
    this.#lampR = lamp + 1.02 * beam;
    this.#lampG = 0.78 * lamp + beam;
    this.#lampB = 0.46 * lamp + 0.9 * beam;
  }

  #shade(k: number, x: number, y: number, depth: number, [halfAside, halfAhead]: readonly [number, number]): number {
    const { linear } = this.#raster;
    const u = ((linear[k + 3] ?? 0) * x + (linear[k + 4] ?? 0) * y + (linear[k + 5] ?? 0)) * depth;
    const v = ((linear[k + 6] ?? 0) * x + (linear[k + 7] ?? 0) * y + (linear[k + 8] ?? 0)) * depth;
    return 1 - 0.62 * soft(u, halfAhead) * soft(v, halfAside);
  }
}

/** Texels in a pixel from which windows are no longer told from the wall around them. */
const blurredTexels = 2 ** 2.5;

/** From 1 in the middle to 0 at the end. */
function soft(value: number, half: number): number {
  return Math.max(0, Math.min(1, ((half - Math.abs(value)) / half) * 2.6));
}
