// Pictures as PNG and JPEG: read again, they are what went in, exactly or nearly.

import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { Frame } from "../../src/frame.ts";
import { encodeImage, readImage, type EncodeImageOptions } from "../../src/video/index.ts";
import { frameOf, Scene, staticNoise } from "../support/pictures.ts";
import { temporaryFolder } from "./clips.ts";

/** Encodes a picture and reads it again. */
async function through(picture: Frame, options?: EncodeImageOptions): Promise<Frame> {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "picture");
  await writeFile(path, await encodeImage(picture, options));
  return await readImage(path);
}

const sizeOf = ({ widthPx, heightPx }: Frame): string => `${widthPx}x${heightPx}`;

/** Mean over channels of how far two pictures are apart. */
function apart(a: Frame, b: Frame): number {
  return a.data.reduce((sum, value, at) => sum + Math.abs(value - (b.data[at] ?? 0)), 0) / a.data.length;
}

test.each([
  { widthPx: 64, heightPx: 48 },
  { widthPx: 61, heightPx: 3 },
  { widthPx: 1, heightPx: 1 },
])("PNG keeps every pixel of $widthPx x $heightPx", async (size) => {
  const picture = staticNoise(size, 1);
  const read = await through(picture);
  expect(sizeOf(read)).toBe(sizeOf(picture));
  expect(read.data).toEqual(picture.data);
});

test("the bytes begin as those of the format do", async () => {
  const picture = new Scene(1).at({ widthPx: 32, heightPx: 16 });
  expect((await encodeImage(picture)).slice(0, 4)).toEqual(Uint8Array.of(0x89, 0x50, 0x4e, 0x47));
  expect((await encodeImage(picture, { format: "jpeg" })).slice(0, 3)).toEqual(Uint8Array.of(0xff, 0xd8, 0xff));
});

test("JPEG keeps colours of every brightness nearly, with its full range", async () => {
  const size = { widthPx: 63, heightPx: 41 };
  const scene = new Scene(2).at(size);
  const read = await through(scene, { format: "jpeg" });
  expect(sizeOf(read)).toBe(sizeOf(scene));
  expect(apart(read, scene)).toBeLessThan(3);
  for (const colour of [
    [0, 0, 0],
    [255, 255, 255],
    [255, 150, 0],
    [10, 20, 240],
  ]) {
    const plain = frameOf(size, (_x, _y, channel) => colour[channel] ?? 0);
    expect(apart(await through(plain, { format: "jpeg" }), plain)).toBeLessThan(3);
  }
});

test("a picture that is too wide is scaled down in proportion, by the mean of its pixels", async () => {
  const picture = frameOf({ widthPx: 96, heightPx: 64 }, (x, y, channel) => (x + 2 * y + 20 * channel) % 250);
  const read = await through(picture, { mostWidthPx: 48 });
  expect(sizeOf(read)).toBe("48x32");
  const mean = frameOf({ widthPx: 48, heightPx: 32 }, (x, y, channel) => {
    const at = (u: number, v: number): number => picture.data[3 * ((2 * y + v) * 96 + 2 * x + u) + channel] ?? 0;
    return (at(0, 0) + at(1, 0) + at(0, 1) + at(1, 1)) / 4;
  });
  expect(Math.max(...read.data.map((value, at) => Math.abs(value - (mean.data[at] ?? 0))))).toBeLessThanOrEqual(1);
  expect(sizeOf(await through(picture, { mostWidthPx: 200 }))).toBe("96x64");
  expect(
    sizeOf(
      await through(
        frameOf({ widthPx: 90, heightPx: 1 }, () => 7),
        { mostWidthPx: 30 },
      ),
    ),
  ).toBe("30x1");
});

test("scaled to the nearest pixel it has no colour that was not there", async () => {
  const palette = [
    [128, 64, 128],
    [0, 0, 142],
    [70, 130, 180],
  ];
  const labels = frameOf({ widthPx: 97, heightPx: 65 }, (x, y, channel) => {
    return palette[(Math.floor(x / 5) + Math.floor(y / 7)) % 3]?.[channel] ?? 0;
  });
  const read = await through(labels, { mostWidthPx: 40, nearest: true });
  expect(sizeOf(read)).toBe("40x27");
  const colours = new Set<string>();
  for (let at = 0; at < read.data.length; at += 3) colours.add(read.data.subarray(at, at + 3).join(" "));
  expect(colours).toEqual(new Set(palette.map((colour) => colour.join(" "))));
});
