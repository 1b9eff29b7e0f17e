// One number for each pixel as the bytes of a portable float map (.pfm): "Pf", width and height, a scale whose sign says
// the order of bytes, each on a line, then 32-bit floats row by row from the bottom (Debevec's PFM).

import { ClockworkError } from "../errors.ts";

/** A number for each pixel. */
export interface DepthMap {
  /** In metres where it is depth; Infinity where nothing is. [heightPx, widthPx] */
  readonly data: Float32Array<ArrayBuffer>;
  readonly widthPx: number;
  readonly heightPx: number;
}

/** The bytes of a .pfm file, little-endian. */
export function encodeDepth({ data, widthPx, heightPx }: DepthMap): Uint8Array<ArrayBuffer> {
  const header = new TextEncoder().encode(`Pf\n${widthPx} ${heightPx}\n-1.0\n`);
  const bytes = new Uint8Array(header.length + widthPx * heightPx * 4);
  bytes.set(header);
  const view = new DataView(bytes.buffer);
  let at = header.length;
  for (let row = heightPx - 1; row >= 0; row--) {
    for (let column = 0; column < widthPx; column++, at += 4) {
      view.setFloat32(at, data[row * widthPx + column] ?? 0, true);
    }
  }
  return bytes;
}

/**
 * Reads the bytes of a .pfm file of one channel, in either order of bytes. The amount of its scale has no unit, and is
 * not applied.
 *
 * @param where its file, for errors.
 * @throws {ClockworkError} `invalid-argument` where they are of another kind, or too few or too many.
 */
export function decodeDepth(bytes: Uint8Array, where: string): DepthMap {
  // The header is short, and of ASCII.
  const start = new TextDecoder("latin1").decode(bytes.subarray(0, 128));
  const header = /^Pf\s+(\d{1,6})\s+(\d{1,6})\s+(-?[\d.]+(?:[eE][+-]?\d+)?)\s/u.exec(start);
  const scale = Number(header?.[3]);
  if (header === null || !(Math.abs(scale) > 0)) {
    throw new ClockworkError(
      "invalid-argument",
      `${where}: expected a .pfm file of one channel, got another kind of file`,
    );
  }
  const [widthPx, heightPx] = [Number(header[1]), Number(header[2])];
  const expected = header[0].length + widthPx * heightPx * 4;
  if (widthPx < 1 || heightPx < 1 || bytes.length !== expected) {
    throw new ClockworkError(
      "invalid-argument",
      `${where}: expected ${expected} bytes for a map of ${widthPx}x${heightPx}, got ${bytes.length}`,
    );
  }
  const data = new Float32Array(widthPx * heightPx);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = header[0].length;
  for (let row = heightPx - 1; row >= 0; row--) {
    for (let column = 0; column < widthPx; column++, at += 4) {
      data[row * widthPx + column] = view.getFloat32(at, scale < 0);
    }
  }
  return { data, widthPx, heightPx };
}
