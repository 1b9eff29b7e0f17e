// Square pictures that repeat, in all sizes down to one pixel: sampled where a pixel covers about one of theirs.

/** Red, green, blue (0..255), and a fourth number (0..255) whose meaning is the material's. */
export type Texel = readonly [number, number, number, number];

/**
 * Cover of a texel in a gap: nothing is seen there, and yet it belongs to the thing. Next to 0, so that where gaps are too
 * small to be seen it counts as none.
 */
export const gapCover = 16;

/** One size of a texture. */
export interface TextureLevel {
  readonly size: number;
  /** [size, size, 4]; the first row is the lowest. */
  readonly data: Uint8Array;
}

/** A texture. */
export interface Texture {
  /** Length of a side of what repeats. */
  readonly metres: number;
  /** From the largest to 1x1. */
  readonly levels: readonly [TextureLevel, ...TextureLevel[]];
}

/** Paints a texture of `size` (a power of two) pixels; `paint` gets places from 0 to 1, u to the right and v up. */
export function painted(size: number, metres: number, paint: (u: number, v: number) => Texel): Texture {
  const data = new Uint8Array(4 * size * size);
  for (let y = 0, at = 0; y < size; y++) {
    for (let x = 0; x < size; x++, at += 4) {
      const texel = paint((x + 0.5) / size, (y + 0.5) / size);
      for (let c = 0; c < 4; c++) data[at + c] = Math.max(0, Math.min(255, Math.round(texel[c] ?? 0)));
    }
  }
  const first: TextureLevel = { size, data };
  const levels: [TextureLevel, ...TextureLevel[]] = [first];
  for (let level = first; level.size > 1; levels.push(level)) level = halved(level);
  return { metres, levels };
}

function halved({ size, data }: TextureLevel): TextureLevel {
  const half = size / 2;
  const small = new Uint8Array(4 * half * half);
  for (let y = 0; y < half; y++) {
    for (let x = 0; x < half; x++) {
      const from = 8 * (y * size + x);
      for (let c = 0; c < 4; c++) {
        const row = from + c;
        const below = row + 4 * size;
        const sum = (data[row] ?? 0) + (data[row + 4] ?? 0) + (data[below] ?? 0) + (data[below + 4] ?? 0);
        small[4 * (y * half + x) + c] = (sum + 2) >> 2;
      }
    }
  }
  return { size: half, data: small };
}

/** Looks texels up. One object is reused for all. */
export class TexelReader {
  /** What was found last, 0..255. */
  r = 0;
  g = 0;
  b = 0;
  a = 0;

  /**
   * Bilinear in the size that fits.
   * @param u, v places, of which the texture is 1 wide @param texels of the largest size that a pixel covers, along each axis
   */
  read({ levels }: Texture, u: number, v: number, texels: number): void {
    // log2, rounded.
    const lod = texels <= 1 ? 0 : 31 - Math.clz32(texels * Math.SQRT2);
    const { size, data } = levels[lod < levels.length ? lod : levels.length - 1] ?? levels[0];
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
    this.r = wp * (data[p] ?? 0) + wq * (data[q] ?? 0) + wr * (data[r] ?? 0) + ws * (data[s] ?? 0);
    this.g = wp * (data[p + 1] ?? 0) + wq * (data[q + 1] ?? 0) + wr * (data[r + 1] ?? 0) + ws * (data[s + 1] ?? 0);
    this.b = wp * (data[p + 2] ?? 0) + wq * (data[q + 2] ?? 0) + wr * (data[r + 2] ?? 0) + ws * (data[s + 2] ?? 0);
    this.a = wp * (data[p + 3] ?? 0) + wq * (data[q + 3] ?? 0) + wr * (data[r + 3] ?? 0) + ws * (data[s + 3] ?? 0);
  }
}
