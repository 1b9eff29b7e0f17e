// Optical flow as the bytes of a Middlebury file (.flo): "PIEH", width and height as 32-bit integers, then u and v of
// each pixel in turn as 32-bit floats, row by row from the top; all little-endian (Baker et al., IJCV 2011).

import { ClockworkError } from "../errors.ts";

/** Where the pixels of one picture are in another. */
export interface FlowField {
  /** Pixels from here to there: x of all pixels, then y, [2, heightPx, widthPx]. */
  readonly data: Float32Array<ArrayBuffer>;
  readonly widthPx: number;
  readonly heightPx: number;
}

const magic = [0x50, 0x49, 0x45, 0x48] as const;
const headerBytes = 12;

/** The bytes of a .flo file. */
export function encodeFlow({ data, widthPx, heightPx }: FlowField): Uint8Array<ArrayBuffer> {
  const pixels = widthPx * heightPx;
  const bytes = new Uint8Array(headerBytes + pixels * 8);
  const view = new DataView(bytes.buffer);
  bytes.set(magic);
  view.setInt32(4, widthPx, true);
  view.setInt32(8, heightPx, true);
  for (let pixel = 0, at = headerBytes; pixel < pixels; pixel++, at += 8) {
    view.setFloat32(at, data[pixel] ?? 0, true);
    view.setFloat32(at + 4, data[pixels + pixel] ?? 0, true);
  }
  return bytes;
}

/**
 * Reads the bytes of a .flo file.
 *
 * @param where its file, for errors.
 * @throws {ClockworkError} `invalid-argument` where they are of another kind, or too few or too many.
 */
export function decodeFlow(bytes: Uint8Array, where: string): FlowField {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < headerBytes || magic.some((byte, at) => bytes[at] !== byte)) {
    throw new ClockworkError("invalid-argument", `${where}: expected a .flo file, got another kind of file`);
  }
  const [widthPx, heightPx] = [view.getInt32(4, true), view.getInt32(8, true)];
  const pixels = widthPx * heightPx;
  const expected = headerBytes + pixels * 8;
  if (widthPx < 1 || heightPx < 1 || bytes.length !== expected) {
    throw new ClockworkError(
      "invalid-argument",
      `${where}: expected ${expected} bytes for a flow of ${widthPx}x${heightPx}, got ${bytes.length}`,
    );
  }
  const data = new Float32Array(pixels * 2);
  for (let pixel = 0, at = headerBytes; pixel < pixels; pixel++, at += 8) {
    data[pixel] = view.getFloat32(at, true);
    data[pixels + pixel] = view.getFloat32(at + 4, true);
  }
  return { data, widthPx, heightPx };
}
