// The textures of the street, painted by formula. The fourth number of a texel is its cover where the texture has holes
// (leaves, railings, wheels; `gapCover` in gaps between them), and elsewhere how much of the face's tint it takes; windows of facades have 0 there.

import { chanceAt, Dice, modulo, smoothNoise } from "./dice.ts";
import { gapCover, painted, type Texel, type Texture } from "./texture.ts";

/** Grain around a grey, with coarse stains. @param spread of the grain, of 255 */
function grain(u: number, v: number, seed: number, grey: number, spread: number, cells = 48): number {
  const fine = smoothNoise(u * cells, v * cells, seed, 2, cells) - 0.5;
  const coarse = smoothNoise(u * 5, v * 5, seed + 7, 3, 5) - 0.5;
  return grey + 2 * spread * (0.6 * fine + coarse);
}

function grey(value: number, cover = 255): Texel {
  return [value, value, value, cover];
}

/** Asphalt with patches and seams, 8 m. */
export function asphalt(seed: number): Texture {
  return painted(256, 8, (u, v) => {
    const patch = smoothNoise(u * 3, v * 3, seed + 3, 1, 3) > 0.68 ? -16 : 0;
    const seam = Math.abs(smoothNoise(u * 3, v * 3, seed + 5, 2, 3) - 0.62) < 0.004 ? -16 : 0;
    const value = grain(u, v, seed, 205, 20, 64) + patch + seam;
    return [value * 0.99, value, value * 1.01, 255];
  });
}

/** Slabs of a pavement, 2.4 m. */
export function slabs(seed: number): Texture {
  return painted(128, 2.4, (u, v) => {
    const [row, column] = [Math.floor(v * 4), Math.floor(u * 4 + (Math.floor(v * 4) % 2) / 2)];
    const [x, y] = [modulo(u * 4 + (row % 2) / 2, 1), modulo(v * 4, 1)];
    const joint = Math.min(x, 1 - x, y, 1 - y) < 0.035 ? -45 : 0;
    return grey(grain(u, v, seed, 215, 9) + 22 * (chanceAt(column % 4, row, seed) - 0.5) + joint);
  });
}

/** Meadow, 4 m: its own colour. */
export function grass(seed: number): Texture {
  return painted(128, 4, (u, v) => {
    const value = grain(u, v, seed, 0, 36, 40);
    return [104 + value, 126 + value, 70 + 0.6 * value, 255];
  });
}

/** Leaves close together, 2 m. */
export function foliage(seed: number): Texture {
  return painted(128, 2, (u, v) => {
    const light =
      smoothNoise(u * 12, v * 12, seed, 3, 12) - 0.5 + 0.6 * (smoothNoise(u * 4, v * 4, seed + 9, 1, 4) - 0.5);
    return grey(165 + 190 * light);
  });
}

/** A clump of leaves with holes, 3 m. */
export function leaves(seed: number): Texture {
  return painted(128, 3, (u, v) => {
    const far = 2 * Math.hypot(u - 0.5, v - 0.5);
    const lobes = smoothNoise(u * 5, v * 5, seed, 2, 5);
    const fine = smoothNoise(u * 22, v * 22, seed + 4, 2, 22);
    const rim = 0.36 + 0.62 * far ** 2.2;
    const isLeaf = 0.75 * lobes + 0.55 * fine > rim;
    // Where there would be leaves if they were as dense as they ever are.
    const isBetween = 0.75 * lobes + 0.4 > rim;
    const light = 165 + 150 * (fine - 0.5) + 90 * (lobes - 0.5) + 34 * (v - 0.5);
    return grey(light, far >= 0.98 ? 0 : isLeaf ? 255 : isBetween ? gapCover : 0);
  });
}

/** Bare twigs that branch upwards, 3 m. */
export function twigs(seed: number): Texture {
  const size = 128;
  const cover = new Uint8Array(size * size);
  const dice = new Dice(seed, 0x7477);
  const grow = (x: number, y: number, turn: number, length: number, wide: number): void => {
    const steps = Math.ceil(length * size);
    for (let step = 0; step <= steps; step++) {
      const px = (x + (Math.sin(turn) * step) / size) * size;
      const py = (y + (Math.cos(turn) * step) / size) * size;
      for (let dy = -1; dy <= 1; dy++) {
        for (let dx = -1; dx <= 1; dx++) {
          if (Math.hypot(dx, dy) > wide) continue;
          const [column, row] = [Math.round(px) + dx, Math.round(py) + dy];
          if (column >= 0 && row >= 0 && column < size && row < size) cover[row * size + column] = 255;
        }
      }
    }
    if (length < 0.05) return;
    const [endX, endY] = [x + Math.sin(turn) * length, y + Math.cos(turn) * length];
    for (const side of [-1, 1, 0]) {
      grow(
        endX,
        endY,
        turn + side * dice.between(0.25, 0.7) + dice.between(-0.15, 0.15),
        length * dice.between(0.55, 0.8),
        wide * 0.72,
      );
    }
  };
  for (const [x, turn] of [
    [0.5, 0],
    [0.35, -0.5],
    [0.65, 0.5],
    [0.45, 0.2],
    [0.56, -0.25],
  ] as const)
    grow(x, 0.06, turn, 0.24, 1.2);
  return painted(size, 3, (u, v) => {
    const [column, row] = [Math.floor(u * size), Math.floor(v * size)];
    if (cover[row * size + column] === 255) return grey(170);
    return grey(170, isNear(cover, size, column, row, 6) ? gapCover : 0);
  });
}

/** Whether anything is covered around a place of a picture. */
function isNear(cover: Uint8Array, size: number, column: number, row: number, reach: number): boolean {
  for (let y = Math.max(0, row - reach); y <= Math.min(size - 1, row + reach); y++) {
    for (let x = Math.max(0, column - reach); x <= Math.min(size - 1, column + reach); x++) {
      if (cover[y * size + x] === 255 && Math.hypot(x - column, y - row) <= reach) return true;
    }
  }
  return false;
}

/** Upright bars with rails, 1.2 m. */
export function railing(): Texture {
  return painted(64, 1.2, (u, v) => {
    const bar = Math.abs(modulo(u * 8, 1) - 0.5) < 0.2;
    const rail = (v > 0.1 && v < 0.18) || (v > 0.84 && v < 0.94);
    return grey(200, bar || rail ? 255 : gapCover);
  });
}

/** Boards, 1.6 m. */
export function boards(seed: number): Texture {
  return painted(128, 1.6, (u, v) => {
    const board = Math.floor(u * 10);
    const gap = modulo(u * 10, 1) < 0.09 ? -70 : 0;
    const vein = 26 * (smoothNoise(u * 40, v * 5, seed, 2, 40) - 0.5);
    return grey(196 + 36 * (chanceAt(board, 0, seed) - 0.5) + gap + vein);
  });
}

/** Bark, 1 m. */
export function bark(seed: number): Texture {
  return painted(64, 1, (u, v) => grey(170 + 130 * (smoothNoise(u * 14, v * 4, seed, 2, 14) - 0.5)));
}

/** Bricks, 2 m. */
export function bricks(seed: number): Texture {
  return painted(128, 2, (u, v) => grey(brick(u * 2, v * 2, seed)));
}

/** Roof tiles, 2 m; u runs up the roof. */
export function tiles(seed: number): Texture {
  return painted(128, 2, (u, v) => {
    const row = Math.floor(u * 8);
    const along = v * 12 + (row % 2) / 2;
    const shade = 220 - 70 * modulo(u * 8, 1) + 26 * (chanceAt(Math.floor(along) % 12, row, seed) - 0.5);
    return grey(shade - (modulo(along, 1) < 0.08 ? 40 : 0));
  });
}

/** A wheel with spokes, 1 m: for bicycles. */
export function spokes(): Texture {
  return painted(64, 1, (u, v) => {
    const [x, y] = [2 * u - 1, 2 * v - 1];
    const far = Math.hypot(x, y);
    const spoke = far < 0.9 && modulo((Math.atan2(y, x) * 12) / (2 * Math.PI), 1) < 0.16;
    const isSolid = (far > 0.84 && far < 1) || far < 0.1 || spoke;
    return grey(far > 0.8 ? 50 : 150, isSolid ? 255 : far < 1 ? gapCover : 0);
  });
}

/** Clouds, as share of cover in the first number, 1 unit. */
export function clouds(seed: number, cover: number): Texture {
  return painted(256, 1, (u, v) => {
    const bank = smoothNoise(u * 4, v * 4, seed, 5, 4);
    const wisp = smoothNoise(u * 16, v * 16, seed + 11, 3, 16);
    return grey(255 * Math.max(0, Math.min(1, (bank + 0.12 * wisp - 1.02 + 0.75 * cover) * 3.6)));
  });
}

/** What a facade looks like. */
export interface FacadeStyle {
  readonly wall: "brick" | "plaster" | "concrete" | "panels";
  /** Shares of the bay that the window is wide and high. */
  readonly window: readonly [number, number];
  /** Panes beside each other and on top of each other. */
  readonly panes: readonly [number, number];
  readonly shutters: boolean;
  readonly balcony: boolean;
  readonly frame: number;
}

/** A bay of a facade: a window and the wall around it. Side: the bay's, whatever its metres. */
export function facade(seed: number, style: FacadeStyle): Texture {
  const [width, height] = style.window;
  const [left, low] = [0.5 - width / 2, 0.52 - height / 2];
  return painted(128, 1, (u, v) => {
    const [x, y] = [(u - left) / width, (v - low) / height];
    const frameU = 0.05 / width;
    const frameV = 0.035 / height;
    if (style.balcony && v < low + 0.3 && v > low - 0.06 && Math.abs(u - 0.5) < width / 2 + 0.14) {
      const isBar = v > low + 0.26 || v < low || modulo(u * 22, 1) < 0.35;
      if (isBar) return [84, 84, 88, 120];
    }
    if (x >= 0 && x <= 1 && y >= 0 && y <= 1) {
      const [px, py] = [modulo(x * style.panes[0], 1), modulo(y * style.panes[1], 1)];
      const bars = Math.min(px, 1 - px) < frameU * 0.8 || Math.min(py, 1 - py) < frameV * 0.8;
      const rim = x < frameU || x > 1 - frameU || y < frameV || y > 1 - frameV;
      if (bars || rim) return [style.frame, style.frame, style.frame, 60];
      return [70 + 20 * y, 82 + 22 * y, 96 + 26 * y, 0];
    }
    if (x > -0.08 && x < 1.08 && y > -0.14 && y < 0) return [196, 192, 184, 90];
    if (style.wall === "brick" && x > -0.06 && x < 1.06 && y >= 1 && y < 1.16) return [206, 198, 188, 120];
    if (style.shutters && y >= 0 && y <= 1 && x > -0.46 && x < 1.46) {
      const shade = 120 + 40 * (modulo(y * 14, 1) < 0.3 ? 0 : 1);
      return [shade * 0.62, shade * 0.86, shade * 0.8, 0.3 * 255];
    }
    return wallTexel(u, v, seed, style.wall);
  });
}

/** A bay of a ground floor: a shop's window under its sign, or a door and a window. */
export function groundFloor(seed: number, kind: "shop" | "door" | "garage"): Texture {
  return painted(128, 1, (u, v) => {
    if (kind === "shop") {
      if (v > 0.8 && v < 0.95 && u > 0.04 && u < 0.96) {
        const isLetter =
          v > 0.84 && v < 0.91 && u > 0.15 && u < 0.85 && chanceAt(Math.floor(u * 26), Math.floor(v * 60), seed) > 0.5;
        return isLetter ? [240, 236, 220, 40] : [150, 150, 150, 250];
      }
      const isDoor = u > 0.68 && u < 0.9;
      if (v > (isDoor ? 0.02 : 0.16) && v < 0.76 && u > 0.08 && u < 0.92) {
        const rim = Math.abs(u - 0.67) < 0.014 || Math.abs(u - 0.37) < 0.01 || u < 0.1 || u > 0.9 || v > 0.74;
        return rim ? [70, 66, 62, 60] : [64 + 26 * v, 72 + 30 * v, 80 + 34 * v, 0];
      }
    }
    if (kind === "door") {
      if (u > 0.12 && u < 0.4 && v > 0.01 && v < 0.72) {
        const panel = modulo((u - 0.12) / 0.14, 1) > 0.14 && modulo(v / 0.24, 1) > 0.16;
        return v > 0.62 ? [86, 98, 110, 0] : [96 + (panel ? 14 : 0), 60, 44, 40];
      }
      if (u > 0.55 && u < 0.9 && v > 0.3 && v < 0.76) {
        const rim = u < 0.575 || u > 0.875 || v < 0.32 || v > 0.74 || Math.abs(u - 0.725) < 0.014;
        return rim ? [228, 226, 220, 40] : [70, 84, 98, 0];
      }
    }
    if (kind === "garage" && u > 0.14 && u < 0.86 && v > 0.01 && v < 0.78) {
      return grey(150 + (modulo(v * 14, 1) < 0.16 ? -40 : 0), 200);
    }
    return v < 0.06 ? [120, 116, 112, 160] : wallTexel(u, v, seed, kind === "garage" ? "concrete" : "plaster");
  });
}

function wallTexel(u: number, v: number, seed: number, wall: FacadeStyle["wall"]): Texel {
  switch (wall) {
    case "brick":
      return grey(brick(3 * u, 3 * v, seed));
    case "plaster":
      return grey(grain(u, v, seed, 232, 9, 30));
    case "concrete":
      return grey(grain(u, v, seed, 214, 16, 24) - (v > 0.97 || v < 0.015 ? 40 : 0));
    case "panels":
      return grey(grain(u, v, seed, 226, 5, 30) - (Math.min(u, 1 - u, v, 1 - v) < 0.012 ? 70 : 0));
  }
}

/** A wall of bricks, by metres. */
function brick(x: number, y: number, seed: number): number {
  const row = Math.floor(y * 10);
  const along = x * 4.5 + (row % 2) / 2;
  const joint = modulo(along, 1) < 0.07 || modulo(y * 10, 1) < 0.14;
  return joint ? 222 : 190 + 44 * (chanceAt(Math.floor(along) % 9, row % 10, seed) - 0.5);
}

/** The face of a traffic sign, 1 m: what is outside its shape is cut by the face's outline. */
export function signFace(kind: "limit" | "warning" | "direction" | "parking" | "no-entry"): Texture {
  return painted(64, 1, (u, v) => {
    // Seen from the front, u runs to the left.
    const [x, y] = [1 - 2 * u, 2 * v - 1];
    const far = Math.hypot(x, y);
    const white: Texel = [238, 238, 236, 0];
    const red: Texel = [190, 28, 34, 0];
    switch (kind) {
      case "limit":
        if (far > 0.72) return red;
        return Math.abs(Math.abs(x) - 0.3) < 0.09 + 0.05 * (y > 0 ? 1 : 0) && Math.abs(y) < 0.4
          ? [24, 24, 24, 0]
          : white;
      case "warning":
        return y < -0.36 || Math.abs(x) > 0.56 - 0.62 * (y + 0.36)
          ? red
          : Math.abs(x) < 0.07 && y < 0.3
            ? [24, 24, 24, 0]
            : white;
      case "direction": {
        const isText =
          Math.abs(modulo(y * 2.5, 1) - 0.5) < 0.16 && chanceAt(Math.floor(x * 11), Math.floor(y * 2.5), 5) > 0.35;
        return Math.max(Math.abs(x), Math.abs(y)) > 0.93 || (isText && Math.abs(x) < 0.8) ? white : [22, 74, 150, 0];
      }
      case "parking":
        return (x > -0.3 && x < -0.1 && Math.abs(y) < 0.62) ||
          (Math.abs(Math.hypot(x + 0.08, y - 0.25) - 0.28) < 0.09 && x > -0.2)
          ? white
          : [26, 84, 170, 0];
      case "no-entry":
        return Math.abs(y) < 0.17 && Math.abs(x) < 0.66 ? white : red;
    }
  });
}
