// What drawn scenes are painted with: pictures that repeat without end in both directions, read between their pixels by
// linear interpolation, so that any motion is exact to any fraction of a pixel.

import { Random } from "../src/networks/random.ts";

/** Writes the colour of a point, levels 0 to 255, into `colour`. */
export type Paint = (u: number, v: number, colour: Float32Array) => void;

/** Red, green, blue; 0 to 255. */
export type Rgb = readonly [red: number, green: number, blue: number];

/** Edge of the pictures, a power of two. */
const edgePx = 1024;

/** Where no class was given, within a sheet. */
const seeThrough = -1;

/** A picture that repeats, to be painted on. */
export class Sheet {
  readonly #levels: Float32Array = new Float32Array(edgePx * edgePx * 3);
  readonly #classes: Int16Array = new Int16Array(edgePx * edgePx).fill(seeThrough);

  constructor(ground: Rgb, label?: number) {
    this.rectangle(0, 0, edgePx, edgePx, ground, label);
  }

  /** Fills a rectangle; what leaves the sheet comes in at the other side. Without a class the one that is there stays. */
  rectangle(left: number, top: number, width: number, height: number, colour: Rgb, label?: number): void {
    for (let y = Math.round(top); y < Math.round(top + height); y++) {
      for (let x = Math.round(left); x < Math.round(left + width); x++) this.#set(x, y, colour, label);
    }
  }

  /** Fills a disc, alike. */
  disc(centreX: number, centreY: number, radius: number, colour: Rgb, label?: number): void {
    for (let y = Math.floor(centreY - radius); y <= centreY + radius; y++) {
      for (let x = Math.floor(centreX - radius); x <= centreX + radius; x++) {
        if (Math.hypot(x + 0.5 - centreX, y + 0.5 - centreY) <= radius) this.#set(x, y, colour, label);
      }
    }
  }

  /** Adds a map [1024, 1024] to every channel. */
  shade(map: Float32Array): this {
    for (let at = 0; at < this.#levels.length; at++) {
      const level = (this.#levels[at] ?? 0) + (map[Math.floor(at / 3)] ?? 0);
      this.#levels[at] = Math.max(0, Math.min(255, level));
    }
    return this;
  }

  /** Reads it. */
  get paint(): Paint {
    const levels = this.#levels;
    const mask = edgePx - 1;
    return (u, v, colour) => {
      const left = Math.floor(u - 0.5);
      const top = Math.floor(v - 0.5);
      const across = u - 0.5 - left;
      const down = v - 0.5 - top;
      const x0 = (left & mask) * 3;
      const x1 = ((left + 1) & mask) * 3;
      const row0 = (top & mask) * edgePx * 3;
      const row1 = ((top + 1) & mask) * edgePx * 3;
      for (let channel = 0; channel < 3; channel++) {
        const upper = (1 - across) * (levels[row0 + x0 + channel] ?? 0) + across * (levels[row0 + x1 + channel] ?? 0);
        const lower = (1 - across) * (levels[row1 + x0 + channel] ?? 0) + across * (levels[row1 + x1 + channel] ?? 0);
        colour[channel] = (1 - down) * upper + down * lower;
      }
    };
  }

  /** Reads the class of what was painted; `undefined` where no class was given. */
  readonly label = (u: number, v: number): number | undefined => {
    const label = this.#classes[(Math.floor(v) & (edgePx - 1)) * edgePx + (Math.floor(u) & (edgePx - 1))];
    return label === seeThrough ? undefined : label;
  };

  #set(x: number, y: number, colour: Rgb, label: number | undefined): void {
    const at = (y & (edgePx - 1)) * edgePx + (x & (edgePx - 1));
    for (let channel = 0; channel < 3; channel++) this.#levels[3 * at + channel] = colour[channel] ?? 0;
    if (label !== undefined) this.#classes[at] = label;
  }
}

/**
 * Levels around 0, [1024, 1024], that repeat: lattice noise from 128 px down to `finestPx`. Each octave is weaker than the
 * coarser one by a half to the power of `decay`; 0 is about the spectrum of photographs.
 */
export function noise(seed: number, strength: number, finestPx = 8, decay = 0.6): Float32Array {
  const map = new Float32Array(edgePx * edgePx);
  for (let px = 128; px >= finestPx; px /= 2) {
    const cells = edgePx / px;
    const weight = strength * (px / 128) ** decay;
    const values = new Random(seed, `noise ${px}`).uniform(cells * cells, -weight, weight);
    for (let y = 0, at = 0; y < edgePx; y++) {
      const row0 = Math.floor(y / px) * cells;
      const row1 = (row0 + cells) % (cells * cells);
      const down = smooth((y % px) / px);
      for (let x = 0; x < edgePx; x++, at++) {
        const column0 = Math.floor(x / px);
        const column1 = (column0 + 1) % cells;
        const across = smooth((x % px) / px);
        const upper = (1 - across) * (values[row0 + column0] ?? 0) + across * (values[row0 + column1] ?? 0);
        const lower = (1 - across) * (values[row1 + column0] ?? 0) + across * (values[row1 + column1] ?? 0);
        map[at] = (map[at] ?? 0) + (1 - down) * upper + down * lower;
      }
    }
  }
  return map;
}

/** Soft spots of many sizes, without an edge. */
export function smoothNoise(seed: number): Paint {
  return new Sheet([122, 120, 116]).shade(noise(seed, 70)).paint;
}

/** Spots of all sizes down to 2 px, with about the spectrum of photographs. */
export function roughNoise(seed: number): Paint {
  return new Sheet([122, 120, 116]).shade(noise(seed, 45, 2, 0.15)).paint;
}

/** Walls of flat colour, many with windows, some with discs: edges, repetition, and areas where nothing can be seen to move. */
export function mosaic(seed: number): Paint {
  const random = new Random(seed, "mosaic");
  const between = (low: number, high: number): number => low + (high - low) * random.next();
  const sheet = new Sheet([128, 128, 128]);
  const tinted = (level: number): Rgb => [level + between(-18, 18), level + between(-12, 12), level + between(-18, 18)];
  const divide = (left: number, top: number, width: number, height: number): void => {
    const most = between(70, 220);
    if (Math.max(width, height) > most) {
      const share = between(0.3, 0.7);
      if (width > height) {
        divide(left, top, width * share, height);
        divide(left + width * share, top, width * (1 - share), height);
      } else {
        divide(left, top, width, height * share);
        divide(left, top + height * share, width, height * (1 - share));
      }
      return;
    }
    const level = between(45, 210);
    sheet.rectangle(left, top, width, height, tinted(level));
    const kind = random.next();
    if (kind < 0.45) {
      const [pane, gap] = [between(7, 16), between(6, 14)];
      const glass = tinted(level + (level > 128 ? -between(35, 80) : between(35, 80)));
      for (let y = top + gap; y + pane < top + height; y += pane * 1.4 + gap) {
        for (let x = left + gap; x + pane < left + width; x += pane + gap)
          sheet.rectangle(x, y, pane, pane * 1.4, glass);
      }
    } else if (kind < 0.7) {
      for (let disc = 0; disc < 5; disc++) {
        const radius = between(4, 16);
        sheet.disc(left + between(0, width), top + between(0, height), radius, tinted(between(45, 210)));
      }
    }
  };
  divide(0, 0, edgePx, edgePx);
  return sheet.paint;
}

function smooth(share: number): number {
  return share * share * (3 - 2 * share);
}
