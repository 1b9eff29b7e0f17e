// Label maps in: one indexed or gray PNG, its stored values taken as class indices.
// Colour pictures are refused: which class a colour means is nothing to guess at.

import { readFile } from "node:fs/promises";
import { AV_CODEC_ID_PNG } from "node-av/constants";
import { Codec, CodecContext, Frame, Packet } from "node-av/lib";
import { ClockworkError, reasonOf } from "../errors.ts";
import type { LabelMap } from "../frame.ts";
import { check, quietLogs } from "./native.ts";

const PNG_SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
const COLOUR_TYPES: Readonly<Record<number, string>> = {
  0: "gray",
  2: "RGB",
  3: "indexed",
  4: "gray with alpha",
  6: "RGB with alpha",
};

/**
 * Reads the class of every pixel from an indexed PNG (the indices, not their colours) or a gray one of at most 8 bits.
 *
 * @throws {ClockworkError} `io` where the file cannot be read, `invalid-argument` where it is no such PNG.
 */
export async function readLabelImage(path: string): Promise<LabelMap> {
  quietLogs();
  const bytes = await readBytes(path);
  // Width, height, bit depth and colour type stand at fixed places in the first chunk.
  const isPng = bytes.length > 26 && bytes.subarray(0, 8).equals(PNG_SIGNATURE);
  if (!isPng) throw bad(path, "another kind of file");
  const depth = bytes.readUInt8(24);
  const colourType = bytes.readUInt8(25);
  if ((colourType !== 0 && colourType !== 3) || depth > 8) {
    throw bad(path, `${COLOUR_TYPES[colourType] ?? "unknown"} of ${depth} bits`);
  }
  const { pixels, widthPx, heightPx } = await decodePng(path, bytes);
  const isGray = colourType === 0;
  const data = new Uint8Array(widthPx * heightPx);
  if (isGray && depth === 1) {
    unpackBits(pixels, data, widthPx);
  } else {
    data.set(pixels.subarray(0, data.length));
    // FFmpeg stretches gray of 2 and 4 bits to the whole range of a byte.
    if (isGray && depth < 8) stretchBack(data, 255 / (2 ** depth - 1));
  }
  return { data, widthPx, heightPx };
}

async function readBytes(path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (error) {
    throw new ClockworkError("io", `${path}: expected a readable file, got: ${reasonOf(error)}`, {
      cause: error,
    });
  }
}

async function decodePng(path: string, bytes: Buffer): Promise<{ pixels: Buffer; widthPx: number; heightPx: number }> {
  const codec = Codec.findDecoder(AV_CODEC_ID_PNG);
  const decoder = new CodecContext();
  const packet = new Packet();
  const frame = new Frame();
  decoder.allocContext3(codec);
  packet.alloc();
  frame.alloc();
  try {
    decoder.threadCount = 1;
    check(await decoder.open2(codec), `${path}: png decoder`, "invalid-argument");
    packet.data = bytes;
    check(await decoder.sendPacket(packet), `${path}: decoding`, "invalid-argument");
    check(await decoder.receiveFrame(frame), `${path}: decoding`, "invalid-argument");
    return { pixels: frame.toBuffer(), widthPx: frame.width, heightPx: frame.height };
  } finally {
    frame.free();
    packet.free();
    decoder.freeContext();
  }
}

function unpackBits(packed: Buffer, out: Uint8Array, widthPx: number): void {
  const rowBytes = Math.ceil(widthPx / 8);
  for (let index = 0; index < out.length; index++) {
    const column = index % widthPx;
    const row = (index - column) / widthPx;
    const byte = packed[row * rowBytes + (column >> 3)] ?? 0;
    out[index] = (byte >> (7 - (column & 7))) & 1;
  }
}

function stretchBack(data: Uint8Array, factor: number): void {
  for (let index = 0; index < data.length; index++) data[index] = (data[index] ?? 0) / factor;
}

function bad(path: string, got: string): ClockworkError {
  return new ClockworkError(
    "invalid-argument",
    `${path}: expected an indexed or gray PNG of at most 8 bits, got ${got}; try the file with class indices, not colours`,
  );
}
