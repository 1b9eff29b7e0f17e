// Label maps from PNG files: indices as stored, whatever the depth; colours refused.

import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { deflateSync } from "node:zlib";
import { expect, test } from "vitest";
import { readLabelImage } from "../../src/video/index.ts";
import { makeImage, temporaryFolder } from "./clips.ts";

/** A PNG of one row for each array, its samples packed by `depth`. */
function png(rows: readonly (readonly number[])[], depth: number, colourType: number): Buffer {
  const width = rows[0]?.length ?? 0;
  const lines = rows.map((row) => {
    const bytes = new Uint8Array(1 + Math.ceil((width * depth) / 8));
    for (const [x, value] of row.entries()) {
      const bit = x * depth;
      const at = 1 + (bit >> 3);
      bytes[at] = (bytes[at] ?? 0) | (value << (8 - depth - (bit & 7)));
    }
    return bytes;
  });
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(rows.length, 4);
  header.set([depth, colourType], 8);
  const palette = Buffer.from(Array.from({ length: 3 * 2 ** Math.min(depth, 8) }, (_, i) => 255 - i));
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    chunk("IHDR", header),
    ...(colourType === 3 ? [chunk("PLTE", palette)] : []),
    chunk("IDAT", deflateSync(Buffer.concat(lines))),
    chunk("IEND", Buffer.alloc(0)),
  ]);
}

function chunk(name: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(name, "latin1"), data]);
  const frame = Buffer.alloc(8);
  frame.writeUInt32BE(data.length, 0);
  frame.writeUInt32BE(checksum(body), 4);
  return Buffer.concat([frame.subarray(0, 4), body, frame.subarray(4)]);
}

/** The checksum of PNG chunks. */
function checksum(bytes: Uint8Array): number {
  let crc = 0xff_ff_ff_ff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xed_b8_83_20 : crc >>> 1;
  }
  return (crc ^ 0xff_ff_ff_ff) >>> 0;
}

for (const depth of [1, 2, 4, 8]) {
  for (const [kind, colourType] of [
    ["gray", 0],
    ["indexed", 3],
  ] as const) {
    test(`${kind}, ${depth} bit`, async () => {
      await using folder = await temporaryFolder();
      const top = 2 ** depth - 1;
      const rows = [0, 1, 2].map((y) => Array.from({ length: 11 }, (_, x) => (x * 3 + y * 5) & top));
      const path = join(folder.path, "labels.png");
      await writeFile(path, png(rows, depth, colourType));
      const map = await readLabelImage(path);
      expect([map.widthPx, map.heightPx]).toEqual([11, 3]);
      expect([...map.data]).toEqual(rows.flat());
    });
  }
}

test("colours, deep gray, other files and missing files are refused", async () => {
  await using folder = await temporaryFolder();
  const at = (name: string): string => join(folder.path, name);
  await makeImage(at("colour.png"), [200, 30, 60], "8x8");
  await makeImage(at("deep.png"), [20, 20, 20], "8x8", "gray16be");
  await writeFile(at("text.png"), "not a picture, but a text that is long enough");
  await writeFile(at("cut.png"), png([[1, 2, 3]], 8, 0).subarray(0, 40));
  for (const name of ["colour.png", "deep.png", "text.png", "cut.png"]) {
    const reading = readLabelImage(at(name));
    await expect(reading).rejects.toMatchObject({ code: "invalid-argument" });
  }
  await expect(readLabelImage(at("none.png"))).rejects.toMatchObject({ code: "io" });
});
