// Single images against the video reader on the same files, and against what was written; damage is an error.

import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { openVideo, readImage } from "../../src/video/index.ts";
import { collect, distance, encodeImage, pixelAt, temporaryFolder } from "../video/clips.ts";
import { writeFiles } from "./files.ts";

test("a PNG has the pixels that were written", async () => {
  await using folder = await temporaryFolder();
  const rows = [0, 1, 2].map((y) => [0, 1, 2, 3, 4].map((x) => [x * 50, y * 80, (x + y) * 30] as const));
  await writeFiles(folder.path, { "a.png": { kind: "rgb", rows } });
  const frame = await readImage(join(folder.path, "a.png"));
  expect([frame.widthPx, frame.heightPx, frame.timestampSec]).toEqual([5, 3, 0]);
  expect([...frame.data]).toEqual(rows.flat(2));
});

test("every format gives what a video of the same file does, also when many are read at once", async () => {
  await using folder = await temporaryFolder();
  const picture = "testsrc2=s=70x40:d=0.04:r=25";
  const files = [
    ["a.png", "rgb24"],
    ["b.jpg", "yuvj420p"],
    ["c.bmp", "bgr24"],
    ["d.webp", "yuv420p"],
    ["e.tif", "rgb24"],
    ["f.png", "rgba64be"],
    ["g.png", "gray"],
  ] as const;
  const paths = files.map(([name]) => join(folder.path, name));
  for (const [index, [, format]] of files.entries())
    await encodeImage(paths[index] ?? "", `${picture},format=${format}`);
  const once = await Promise.all(paths.map(readImage));
  const again = await Promise.all([...paths, ...paths].map(readImage));
  for (const [index, path] of paths.entries()) {
    const [expected] = await collect(await openVideo(path));
    expect(once[index]?.data).toEqual(expected?.data);
    expect(again[index]?.data).toEqual(expected?.data);
    expect(again[index + paths.length]?.data).toEqual(expected?.data);
  }
});

test("a JPEG's colours are those of full range and BT.601, whatever its size", async () => {
  await using folder = await temporaryFolder();
  for (const size of ["64x48", "1280x720"]) {
    const path = join(folder.path, `${size}.jpg`);
    await writeFiles(folder.path, { [`${size}.jpg`]: { kind: "jpeg", rgb: [200, 40, 90], size } });
    expect(distance(pixelAt(await readImage(path), 20, 20), [200, 40, 90])).toBeLessThanOrEqual(4);
  }
});

test("a JPEG stands as its EXIF orientation asks", async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "turned.jpg");
  // Left half red, right half blue.
  await encodeImage(path, "color=c=red:s=32x32:d=0.04:r=25,pad=64:32:0:0:blue,format=yuvj444p");
  const bytes = await readFile(path);
  // TIFF header, one entry: orientation (0x0112) is 6, to be turned clockwise.
  const tiff = Buffer.from("4d4d002a00000008000101120003000000010006000000000000", "hex");
  const exif = Buffer.concat([Buffer.from("Exif\0\0", "latin1"), tiff]);
  const marker = Buffer.from([0xff, 0xe1, 0, exif.length + 2]);
  await writeFile(path, Buffer.concat([bytes.subarray(0, 2), marker, exif, bytes.subarray(2)]));
  const frame = await readImage(path);
  expect([frame.widthPx, frame.heightPx]).toEqual([32, 64]);
  // Turned clockwise, what was left is on top.
  expect(distance(pixelAt(frame, 16, 8), [255, 0, 0])).toBeLessThanOrEqual(8);
  expect(distance(pixelAt(frame, 16, 56), [0, 0, 255])).toBeLessThanOrEqual(8);
});

test("what is no whole image is an error with its name", async () => {
  await using folder = await temporaryFolder();
  const path = (name: string): string => join(folder.path, name);
  await encodeImage(path("whole.png"), "testsrc2=s=200x120:d=0.04:r=25,format=rgb24");
  await encodeImage(path("whole.jpg"), "testsrc2=s=200x120:d=0.04:r=25,format=yuvj420p");
  for (const kind of ["png", "jpg"]) {
    const bytes = await readFile(path(`whole.${kind}`));
    await writeFile(path(`cut.${kind}`), bytes.subarray(0, bytes.length / 2));
    await writeFile(path(`head.${kind}`), bytes.subarray(0, 40));
  }
  await writeFile(path("empty.png"), "");
  await writeFile(path("text.jpg"), "no picture");
  for (const name of ["cut.png", "cut.jpg", "head.png", "head.jpg", "empty.png", "text.jpg"]) {
    const reading = readImage(path(name));
    await expect(reading).rejects.toMatchObject({ code: "invalid-video" });
    await expect(reading).rejects.toThrow(path(name));
  }
  await expect(readImage(path("none.png"))).rejects.toMatchObject({ code: "io" });
});
