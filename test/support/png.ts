// PNG files read by their specification, with Node's zlib alone: an opinion apart from FFmpeg's.
// Only what is written here: 8 or 16 bits, not interlaced.

import { inflateSync } from "node:zlib";

/** A PNG file, its samples as they are stored. */
export interface Png {
  readonly widthPx: number;
  readonly heightPx: number;
  readonly bitDepth: number;
  /** 0 gray, 2 RGB, 3 indexed. */
  readonly colourType: number;
  /** Samples row by row, [heightPx, widthPx, channels]. */
  readonly samples: readonly number[];
  /** RGB triplets of an indexed picture. */
  readonly palette: readonly number[];
}

/** @throws where the bytes are no PNG of the kinds above */
export function decodePng(file: Uint8Array): Png {
  const bytes = Buffer.from(file.buffer, file.byteOffset, file.byteLength);
  if (bytes.toString("latin1", 1, 4) !== "PNG") throw new Error("no PNG");
  const data: Buffer[] = [];
  let [header, palette]: [Buffer, Buffer] = [Buffer.alloc(13), Buffer.alloc(0)];
  for (let at = 8; at < bytes.length;) {
    const length = bytes.readUInt32BE(at);
    const content = bytes.subarray(at + 8, at + 8 + length);
    const kind = bytes.toString("latin1", at + 4, at + 8);
    if (kind === "IHDR") header = content;
    if (kind === "PLTE") palette = content;
    if (kind === "IDAT") data.push(content);
    at += length + 12;
  }
  const [widthPx, heightPx] = [header.readUInt32BE(0), header.readUInt32BE(4)];
  const [bitDepth, colourType] = [header.readUInt8(8), header.readUInt8(9)];
  if (bitDepth < 8 || header.readUInt8(12) !== 0) throw new Error("a PNG of a kind that is not read here");
  const pixelBytes = ((colourType === 2 ? 3 : 1) * bitDepth) / 8;
  const rows = unfiltered(inflateSync(Buffer.concat(data)), widthPx * pixelBytes, heightPx, pixelBytes);
  const samples =
    bitDepth === 8 ? [...rows] : Array.from({ length: rows.length / 2 }, (_, index) => rows.readUInt16BE(2 * index));
  return { widthPx, heightPx, bitDepth, colourType, samples, palette: [...palette] };
}

/** Undoes the filter of each row: none, left, up, mean, Paeth. */
function unfiltered(lines: Buffer, rowBytes: number, rows: number, pixelBytes: number): Buffer {
  const out = Buffer.alloc(rowBytes * rows);
  for (let row = 0; row < rows; row++) {
    const filter = lines[row * (rowBytes + 1)] ?? 0;
    for (let column = 0; column < rowBytes; column++) {
      const at = row * rowBytes + column;
      const left = column < pixelBytes ? 0 : (out[at - pixelBytes] ?? 0);
      const up = row === 0 ? 0 : (out[at - rowBytes] ?? 0);
      const corner = row === 0 || column < pixelBytes ? 0 : (out[at - rowBytes - pixelBytes] ?? 0);
      const predicted = [0, left, up, (left + up) >> 1, paeth(left, up, corner)][filter] ?? 0;
      out[at] = ((lines[row * (rowBytes + 1) + 1 + column] ?? 0) + predicted) & 255;
    }
  }
  return out;
}

function paeth(left: number, up: number, corner: number): number {
  const guess = left + up - corner;
  const [a, b, c] = [Math.abs(guess - left), Math.abs(guess - up), Math.abs(guess - corner)];
  if (a <= b && a <= c) return left;
  return b <= c ? up : corner;
}
