// YouTube-Objects in a small folder with the names of the authors' layout; scaling against Pillow 12.3, which they used.

import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { crc32 } from "node:zlib";
import { expect, test } from "vitest";
import type { Dataset, LabelledFrame } from "../../src/datasets/dataset.ts";
import { readyMaps } from "../../src/datasets/maps/ready.ts";
import { labelsOfMask, resizedFrame, usedSize } from "../../src/datasets/youtube-objects-picture.ts";
import { youtubeObjectsLayout } from "../../src/datasets/youtube-objects.ts";
import type { Frame } from "../../src/frame.ts";
import { distance, makeImage, pixelAt, temporaryFolder } from "../video/clips.ts";

// A gray JPEG of 32x16 that Pillow wrote: 15 on the left half, 16 on the right.
const MASK = Buffer.from(
  "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAAEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB" +
    "AQEBAQH/wAALCAAQACABAREA/8QAFgABAQEAAAAAAAAAAAAAAAAAAAQK/8QAFBABAAAAAAAAAAAAAAAAAAAAAP/aAAgBAQAAPwDDuKBOKB//2Q==",
  "base64",
);

async function framesOf(dataset: Dataset, index = 0, range = {}): Promise<LabelledFrame[]> {
  const frames: LabelledFrame[] = [];
  for await (const frame of dataset.sequences[index]?.read(range) ?? []) frames.push(frame);
  return frames;
}

/** A shot of frames with masks on every tenth, from the first. */
async function makeShot(
  root: string,
  shot: string,
  frames: readonly number[],
  masks: readonly number[],
): Promise<void> {
  const [className = "", video = "", part = ""] = shot.split("/");
  const below = join(className, "data", video, "shots", part);
  await mkdir(join(root, "v1", below), { recursive: true });
  for (const number of frames) {
    const path = join(root, "v1", below, `frame${String(number).padStart(4, "0")}.jpg`);
    await makeImage(path, [number * 10, 60, 200], "32x16", "yuvj444p");
  }
  for (const number of masks) {
    const path = join(root, "youtube_masks", below, "labels", `${String(number).padStart(5, "0")}.jpg`);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, MASK);
  }
}

test("shots with masks are sequences; a mask belongs to the frame of its number", async () => {
  await using folder = await temporaryFolder();
  const { path } = folder;
  await makeShot(path, "dog/0002/001", [1, 2, 10, 11, 12], [1, 11, 21]);
  await makeShot(path, "aeroplane/0010/003", [1], [1]);
  await makeShot(path, "dog/0002/002", [1, 2], []);
  await makeShot(path, "train/0001/001", [5], [1]);
  // What is none of the ten classes is no concern of the layout.
  await makeShot(path, "zebra/0001/001", [1], [1]);
  await writeFile(join(path, "v1/dog/data/0002/shots/001/thumbs.db"), "");
  expect(await youtubeObjectsLayout.recognise(path)).toEqual({ kind: "found" });

  const dataset = await youtubeObjectsLayout.open(path);
  expect(dataset).toMatchObject({ name: "youtube-objects", split: undefined });
  const wanted = new Set(Object.values(readyMaps.get("voc->youtube-objects")?.classes ?? {}));
  expect(dataset.classNames).toEqual([...wanted]);
  expect(dataset.sequences.map(({ name, length, labelled }) => [name, length, labelled])).toEqual([
    ["aeroplane/0010/003", 1, [0]],
    ["dog/0002/001", 5, [0, 3]],
  ]);
  expect(dataset.notes).toEqual([
    "2 masks were left out, there being no frame of their number: dog/0002/001/00021.jpg, train/0001/001/00001.jpg",
  ]);

  const frames = await framesOf(dataset, 1);
  expect(frames.map(({ name }) => name)).toEqual(["frame0001", "frame0002", "frame0010", "frame0011", "frame0012"]);
  expect(frames.map(({ frame }) => [frame.widthPx, frame.heightPx])).toEqual(frames.map(() => [500, 250]));
  for (const [index, number] of [1, 2, 10, 11, 12].entries()) {
    const frame = frames[index]?.frame;
    expect(frame && distance(pixelAt(frame, 250, 125), [number * 10, 60, 200])).toBeLessThanOrEqual(3);
  }
  expect(frames.map(({ labels }) => labels !== undefined)).toEqual([true, false, false, true, false]);
  // Gray 15 is background, gray 16 is a dog: class 7.
  const row = Array.from({ length: 500 }, (_, x) => (x < 250 ? 0 : 7));
  expect([...(frames[3]?.labels?.data.subarray(0, 500) ?? [])]).toEqual(row);
  expect(frames[3]?.labels?.data.length).toBe(500 * 250);
  const [plane] = await framesOf(dataset, 0);
  expect(plane?.labels?.data[499]).toBe(1);
});

test("what is not right is said", async () => {
  await using folder = await temporaryFolder();
  const { path } = folder;
  expect(await youtubeObjectsLayout.recognise(path)).toMatchObject({ kind: "missing" });
  await expect(youtubeObjectsLayout.open(path)).rejects.toThrow(/v1.*youtube_masks/);
  await makeShot(path, "cat/0001/001", [1], []);
  await mkdir(join(path, "youtube_masks"));
  await expect(youtubeObjectsLayout.open(path, { split: "val" })).rejects.toThrow(/expected no split, got "val"/);
  await expect(youtubeObjectsLayout.open(path)).rejects.toThrow(/expected masks such as .* got none/);
  await makeShot(path, "cat/0001/001", [1], [1]);
  await expect(youtubeObjectsLayout.open(path, { signal: AbortSignal.abort() })).rejects.toMatchObject({
    code: "aborted",
  });
});

/** Bytes that look like nothing: (i * i * 7 + i * 13) / 8. */
function pattern(widthPx: number, heightPx: number, channels: number): Frame {
  const one = (i: number): number => ((i * i * 7 + i * 13) >> 3) & 255;
  const data = Uint8Array.from({ length: widthPx * heightPx * 3 }, (_, at) =>
    channels === 3 ? one(at) : one(Math.floor(at / 3)),
  );
  return { data, widthPx, heightPx, timestampSec: 7 };
}

// Image.frombytes(...).resize(size, Image.BILINEAR), every so many bytes; and of the same bytes as a gray picture,
// resized with Image.NEAREST, the CRC-32 of where it is brighter than 15.
const PILLOW = [
  {
    from: [640, 12],
    to: [500, 9],
    step: 331,
    bytes: [
      25, 83, 126, 80, 95, 119, 114, 224, 208, 172, 180, 131, 101, 165, 130, 97, 152, 62, 152, 157, 111, 186, 86, 116,
      151, 105, 186, 122, 195, 59, 130, 136, 193, 191, 160, 183, 128, 157, 165, 202, 151,
    ],
    mask: 1957515770,
  },
  {
    from: [30, 400],
    to: [37, 500],
    step: 997,
    bytes: [
      0, 221, 220, 133, 186, 92, 109, 108, 203, 102, 184, 107, 132, 156, 115, 36, 161, 103, 154, 127, 91, 58, 146, 139,
      125, 135, 183, 135, 173, 157, 66, 107, 86, 184, 85, 201, 94, 131, 218, 150, 99, 59, 168, 122, 109, 94, 200, 202,
      220, 38, 65, 86, 91, 90, 182, 47,
    ],
    mask: 2724022841,
  },
  {
    from: [720, 9],
    to: [500, 6],
    step: 331,
    bytes: [
      70, 152, 126, 129, 87, 132, 167, 164, 109, 204, 185, 154, 86, 156, 184, 155, 108, 89, 104, 152, 80, 79, 82, 99,
      102, 220, 146, 75,
    ],
    mask: 3362639320,
  },
] as const;

for (const { from, to, step, bytes, mask } of PILLOW) {
  test(`${from.join("x")} to ${to.join("x")}, as Pillow does it`, () => {
    const frame = resizedFrame(pattern(from[0], from[1], 3));
    expect([frame.widthPx, frame.heightPx, frame.timestampSec]).toEqual([...to, 7]);
    const samples = [...frame.data].filter((_, at) => at % step === 0);
    expect(samples.length).toBe(bytes.length);
    // Pillow counts in fixed point: halves may fall the other way.
    expect(distance(samples, bytes)).toBeLessThanOrEqual(1);
    const labels = labelsOfMask(pattern(from[0], from[1], 1), 1);
    expect([labels.widthPx, labels.heightPx]).toEqual(to);
    expect(crc32(labels.data)).toBe(mask);
  });
}

test("sizes as Python cuts them", () => {
  const sizes = [
    [480, 360, 500, 375],
    [640, 360, 500, 281],
    [1280, 720, 500, 281],
    [320, 240, 500, 375],
    [1920, 1080, 500, 281],
    [854, 480, 500, 281],
    [426, 240, 500, 281],
    [360, 640, 281, 500],
    [500, 333, 500, 333],
  ] as const;
  for (const [widthPx, heightPx, width, height] of sizes) {
    expect(usedSize({ widthPx, heightPx })).toEqual({ widthPx: width, heightPx: height });
  }
});
