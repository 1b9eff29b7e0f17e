// NYU Depth V2 in small folders with the names of the authors' layout. Labels are MAT-files that SciPy wrote.

import { mkdir, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import type { Dataset, LabelledFrame } from "../../src/datasets/dataset.ts";
import { nyudv2Layout } from "../../src/datasets/nyudv2.ts";
import { encodeImage, makeImage, pixelAt, temporaryFolder } from "../video/clips.ts";

/** What follows the header of 128 bytes in a file of `scipy.io.savemat`. */
function matFile(base64: string): Buffer {
  return Buffer.concat([Buffer.alloc(124, " "), Buffer.from([0, 1, 0x49, 0x4d]), Buffer.from(base64, "base64")]);
}

// [[0, 1, 2, 3], [40, 39, 0, 5], [7, 7, 7, 8]] of uint16.
const SMALL = matFile(
  "DwAAAEYAAAB42uNjYGCIAGI2IOYAYm4GCGCF8pmBmAWIGYGYB4iLU9NzU/NKEksy8/MYoHISYB0aDOxAVepAkgnIYwfqZAWaAAAWgQZC",
);
// 425 rows, 560 columns of uint8: (column // 14 + row // 11 * 3) % 41.
const WHOLE = matFile(
  "DwAAAF8FAAB42u3ZS04WURgE0AsIgiK+3w9869AtOSDGgTiQDTl05tJcgj/BpHQDZb7kVHLT6XT3pE7P6mit9ev7ztrbXPc352BdZPfP/Y+ttT" +
    "5sr7W5rMPN+Xby6cvJ6dnHs89fT8/f2zxaPzff/5WdZC85SA6T68mt5G7yIHmcPEteJK+Td8lWcim5nFxJriU3ktvJveRh8iQ5Tl4mb5L3yXay" +
    "m+wnV5Oj5GZyJ7mfPEqeJs8vAgoUKFCgQIECBQoUKFCgQIECBQoUKFCgilDq+KeO87xK3ib/+48GBQoUKFCgQIECBQoUKFCgQIECBQoUKFBFKH" +
    "UMWV1AgQIFChQoUKBAgQIFChQoUKBAgQIFClQRSh1DVhdQoECBAgUKFChQoECBAgUKFChQoECBAlWEUseQ1QUUKFCgQIECBQoUKFCgQIECBQoU" +
    "KFCgQBWh1DFkdQEFChQoUKBAgQIFChQoUKBAgQIFChQoUEUodQxZXUCBAgUKFChQoECBAgUKFChQoECBAgUKVBFKHUNWF1CgQIECBQoUKFCgQI" +
    "ECBQoUKFCgQIECVYRSx5DVBRQoUKBAgQIFChQoUKBAgQIFChQoUKBAFaHUMWR1AQUKFChQoECBAgUKFChQoECBAgUKFChQRSh1DFldQIECBQoU" +
    "KFCgQIECBQoUKFCgQIECBQpUEUodQ1YXUKBAgQIFChQoUKBAgQIFChQoUKBAgQJVhFLHkNUFFChQoECBAgUKFChQoECBAgUKFChQoEAVodQxZH" +
    "UBBQoUKFCgQIECBQoUKFCgQIECBQoUKFBFKHUMWV1AgQIFChQoUKBAgQIFChQoUKBAgQIFClQRSh1DVhdQoECBAgUKFChQoECBAgUKFChQoECB" +
    "AlWEUseQ1QUUKFCgQIECBQoUKFCgQIECBQoUKFCgQBWh1DFkdQEFChQoUKBAgQIFChQoUKBAgQIFChQoUEUodQxZXUCBAgUKFChQoECBAgUKFC" +
    "hQoECBAgUKVBFKHUNWF1CgQIECBQoUKFCgQIECBQoUKFCgQIECVYRSx5DVBRQoUKBAgQIFChQoUKBAgQIFChQoUKBAFaHUMWR1AQUKFChQoECB" +
    "AgUKFChQoECBAgUKFChQRSh1DFldQIECBQoUKFCgQIECBQoUKFCgQIECBQpUEUodQ1YXUKBAgQIFChQoUKBAgQIFChQoUKBAgQJVhFLHkNUFFC" +
    "hQoECBAgUKFChQoECBAgUKFChQoEAVodQxZHUBBQoUKFCgQIECBQoUKFCgQIECBQoUKFBFKHUMWV1AgQIFChQoUKBAgQIFChQoUKBAgQIFClQR" +
    "Sh1DVhdQoECBAgUKFChQoECBAgUKFChQoECBAlWEUseQ1QUUKFCgQIECBQoUKFCgQIECBQoUKFCgQBWh1DFkdQEFChQoUKBAgQIFChQoUKBAgQ" +
    "IFChQoUEUodQxZXUCBAgUKFChQoECBAgUKFChQoECBAgUKVBFKHUNWF1CgQIECBQoUKFCgQIECBQoUKFCgQIECVYRSx5DVBRQoUKBAgQIFChQo" +
    "UKBAgQIFChQoUKBAFaHUMWR1AQUKFChQoECBAgUKFChQoECBAgUKFChQRSh1DFldQIECBQoUKFCgQIECBQoUKFCgQIECBQpUEUodQ1YXUKBAgQ" +
    "IFChQoUKBAgQIFChQoUKBAgQJVhFLHkNUFFChQoECBAgUKFChQoECBAgUKFChQoEAVodQxZHUBBQoUKFCgQIECBQoUKFCgQIECBQoUKFBFKHUM" +
    "WV1AgQIFChQoUKBAgQIFChQoUKBAgQIFClQRSh1DVhdQoECBAgUKFChQoECBAgUKFChQoECBAlWE+g1F0sQa",
);
// A label of no class: [[0, 41]].
const BEYOND = matFile("DwAAADUAAAB42uNjYGBwAGI2IOYAYk4GCGCF8hmBmAlK8wBxcWp6bmpeSWJJZn4eA1gOKKvJwAAAfLMFvg==");

async function put(root: string, path: string, content: string | Uint8Array): Promise<void> {
  await mkdir(dirname(join(root, path)), { recursive: true });
  await writeFile(join(root, path), content);
}

async function picture(root: string, path: string, size: string): Promise<void> {
  await mkdir(dirname(join(root, path)), { recursive: true });
  await makeImage(join(root, path), [200, 100, 50], size);
}

/** A raw frame as the Kinect's tool wrote it: red counts columns, green rows, blue the frame. */
function ppm(blue: number, header = "P6\n640 480\n255\n"): Buffer {
  const pixels = Buffer.alloc(640 * 480 * 3);
  for (let y = 0, at = 0; y < 480; y++) {
    for (let x = 0; x < 640; x++) {
      pixels[at++] = x % 256;
      pixels[at++] = y % 256;
      pixels[at++] = blue;
    }
  }
  return Buffer.concat([Buffer.from(header), pixels]);
}

async function framesOf(dataset: Dataset, index = 0, range = {}): Promise<LabelledFrame[]> {
  const frames: LabelledFrame[] = [];
  for await (const frame of dataset.sequences[index]?.read(range) ?? []) frames.push(frame);
  return frames;
}

test("stills: one frame each, 0 is left out and classes count from 1", async () => {
  await using folder = await temporaryFolder();
  await put(folder.path, "test.txt", "5002\n\nimg_5001\r\n5009\n");
  await picture(folder.path, "data/images/img_5001.png", "4x3");
  await put(folder.path, "segmentation/img_5001.mat", SMALL);
  await picture(folder.path, "data/images/img_5002.png", "4x3");
  // The same numbers as a picture, as converters write it.
  await encodeImage(
    join(folder.path, "segmentation/img_5002.png"),
    "nullsrc=s=4x3:d=0.04:r=25,format=gray,geq=lum='X+4*Y'",
  );
  expect(await nyudv2Layout.recognise(folder.path)).toEqual({ kind: "found" });
  const dataset = await nyudv2Layout.open(folder.path);
  expect(dataset).toMatchObject({ name: "nyudv2", split: "test" });
  expect(dataset.classNames.length).toBe(40);
  expect([dataset.classNames[0], dataset.classNames[23], dataset.classNames[39]]).toEqual([
    "wall",
    "refridgerator",
    "otherprop",
  ]);
  expect(dataset.sequences.map(({ name, length, labelled }) => [name, length, labelled])).toEqual([
    ["img_5002", 1, [0]],
    ["img_5001", 1, [0]],
  ]);
  expect(dataset.notes).toEqual([
    "1 frames of test.txt were left out, having no labels in segmentation/: img_5009",
    "2 of 2 labelled frames are stills, for want of raw/ or test_rawImages.txt: img_5002, img_5001",
  ]);
  const [png] = await framesOf(dataset, 0);
  expect([...(png?.labels?.data ?? [])]).toEqual([255, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  const [mat] = await framesOf(dataset, 1);
  expect([mat?.labels?.widthPx, mat?.labels?.heightPx]).toEqual([4, 3]);
  expect([...(mat?.labels?.data ?? [])]).toEqual([255, 0, 1, 2, 39, 38, 255, 4, 6, 6, 6, 7]);
  expect(mat && pixelAt(mat.frame, 0, 0)).toEqual([200, 100, 50]);
});

test("video: the raw frames around, in order of their times, cut to what labels cover", async () => {
  await using folder = await temporaryFolder();
  const { path } = folder;
  await put(path, "test.txt", "5003\n5004\n5005\n");
  await put(
    path,
    "test_rawImages.txt",
    "kitchen_0004/r-1294886363.011060-3164794231.ppm\nkitchen_0004/r-1294886361.500000-1.ppm\noffice_0001/r-1.0-2.ppm\n",
  );
  // Written in another order than that of time; a digit more must not sort before.
  await put(path, "raw/kitchen_0004/r-1294886363.011060-3164794231.ppm", ppm(3));
  await put(path, "raw/kitchen_0004/r-1294886361.500000-1.ppm", ppm(1));
  await put(path, "raw/kitchen_0004/r-1294886362.000000-9999999999.ppm", ppm(2, "P6\n# a comment\n640 480\n255\n"));
  await put(path, "raw/kitchen_0004/d-1294886362.500000-5.pgm", "depth");
  await put(path, "raw/kitchen_0004/a-1294886362.500000-5.dump", "accelerometer");
  await picture(path, "images/img_5005.png", "4x3");
  for (const number of [5003, 5004]) await put(path, `segmentation/img_${number}.mat`, WHOLE);
  await put(path, "segmentation/img_5005.mat", SMALL);

  const dataset = await nyudv2Layout.open(path, { split: "test" });
  expect(dataset.sequences.map(({ name, length, labelled }) => [name, length, labelled])).toEqual([
    ["kitchen_0004", 3, [0, 2]],
    ["img_5005", 1, [0]],
  ]);
  expect(dataset.notes).toEqual([
    "1 of 3 labelled frames are stills, for want of raw/ or test_rawImages.txt: img_5005",
  ]);
  const frames = await framesOf(dataset);
  expect(frames.map(({ frame }) => pixelAt(frame, 0, 0)[2])).toEqual([1, 2, 3]);
  const times = frames.map(({ frame }) => frame.timestampSec);
  expect(times[0]).toBe(0);
  expect(times[1]).toBeCloseTo(0.5, 5);
  expect(times[2]).toBeCloseTo(1.51106, 5);
  const [, second, last] = frames;
  if (second === undefined || last === undefined) throw new Error("expected three frames");
  expect(second.labels).toBeUndefined();
  expect([last.frame.widthPx, last.frame.heightPx]).toEqual([560, 425]);
  expect(pixelAt(last.frame, 0, 0)).toEqual([40, 44, 3]);
  expect(pixelAt(last.frame, 559, 424)).toEqual([599 % 256, 468 % 256, 3]);
  for (let at = 0; at < 425 * 560; at += 997) {
    const [column, row] = [at % 560, Math.floor(at / 560)];
    const stored = (Math.floor(column / 14) + Math.floor(row / 11) * 3) % 41;
    expect(last.labels?.data[at]).toBe(stored === 0 ? 255 : stored - 1);
  }
});

test("trainval without a list of its own is train and val", async () => {
  await using folder = await temporaryFolder();
  await put(folder.path, "train.txt", "1\n");
  await put(folder.path, "val.txt", "2\n");
  await mkdir(join(folder.path, "images"));
  for (const number of [1, 2]) await put(folder.path, `segmentation/img_${number}.mat`, SMALL);
  const dataset = await nyudv2Layout.open(folder.path, { split: "trainval" });
  expect(dataset.sequences.map(({ name }) => name)).toEqual(["img_1", "img_2"]);
});

test("what is not right is said with its file", async () => {
  await using folder = await temporaryFolder();
  const { path } = folder;
  expect(await nyudv2Layout.recognise(path)).toMatchObject({ kind: "missing" });
  await expect(nyudv2Layout.open(path)).rejects.toThrow(/segmentation/);
  await picture(path, "images/img_1.png", "2x1");
  await put(path, "segmentation/img_1.mat", BEYOND);
  await put(path, "test.txt", "1\n");
  await expect(nyudv2Layout.open(path, { split: "minival" })).rejects.toThrow(/one of train, val, trainval, test/);
  await expect(nyudv2Layout.open(path, { split: "train" })).rejects.toMatchObject({ code: "io" });
  const dataset = await nyudv2Layout.open(path);
  await expect(framesOf(dataset)).rejects.toThrow(/img_1\.mat: expected labels from 0 to 40, got 41/);
  await put(path, "segmentation/img_1.mat", SMALL);
  await expect(framesOf(dataset)).rejects.toThrow(/img_1\.mat: expected labels of 2x1.*got 4x3/);
  await put(path, "segmentation/img_1.mat", "hello");
  await expect(framesOf(dataset)).rejects.toThrow(/img_1\.mat: expected a MAT-file/);
  await put(path, "test_rawImages.txt", "a/r-1.0-1.ppm\na/r-2.0-1.ppm\n");
  await expect(nyudv2Layout.open(path)).rejects.toThrow(/a line for each of the 1 in test\.txt, got 2/);
  await put(path, "test_rawImages.txt", "../../etc/passwd\n");
  await expect(nyudv2Layout.open(path)).rejects.toThrow(/lines as video\/frame\.ppm/);
  await rm(join(path, "test_rawImages.txt"));
  await put(path, "test.txt", "one\n");
  await expect(nyudv2Layout.open(path)).rejects.toThrow(/expected numbers of stills, got "one"/);
  await put(path, "test.txt", "77\n");
  await expect(nyudv2Layout.open(path)).rejects.toThrow(/expected labels for test\.txt, got none/);
});

for (const [name, content, message] of [
  ["another size", Buffer.concat([Buffer.from("P6 2 1 255\n"), Buffer.alloc(6)]), /raw frame of 640x480, got 2x1/],
  ["a text", Buffer.from("P3\n1 1\n255\n1 2 3\n"), /binary PPM picture of 8 bits, got another kind/],
  ["cut short", ppm(0).subarray(0, 1000), /got a file cut short/],
] as const) {
  test(`a raw frame that is no good: ${name}`, async () => {
    await using folder = await temporaryFolder();
    const { path } = folder;
    await mkdir(join(path, "images"));
    await put(path, "test.txt", "1\n");
    await put(path, "test_rawImages.txt", "den/r-1.5-1.ppm\n");
    await put(path, "segmentation/img_1.mat", WHOLE);
    await put(path, "raw/den/r-1.5-1.ppm", content);
    await expect(framesOf(await nyudv2Layout.open(path))).rejects.toThrow(message);
  });
}
