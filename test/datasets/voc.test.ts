// PASCAL VOC in small folders with the names of its archives.

import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { Dataset, LabelledFrame } from "../../src/datasets/dataset.ts";
import { readyMaps } from "../../src/datasets/maps/ready.ts";
import { parseViewport, translatingViewport } from "../../src/datasets/viewport.ts";
import { vocLayout } from "../../src/datasets/voc.ts";
import { encodeImage, makeImage, temporaryFolder } from "../video/clips.ts";

/** Stills of 40x30 whose label is 255 in the left column, and the column after that. */
async function makeVoc(root: string, lists: Readonly<Record<string, string>>): Promise<void> {
  for (const part of ["JPEGImages", "SegmentationClass", "ImageSets/Segmentation"]) {
    await mkdir(join(root, part), { recursive: true });
  }
  for (const name of ["2007_000033", "2008_000666"]) {
    await makeImage(join(root, "JPEGImages", `${name}.jpg`), [90, 120, 30], "40x30", "yuvj444p");
    const labels = "nullsrc=s=40x30:d=0.04:r=25,format=gray,geq=lum='if(X,mod(X,21),255)'";
    await encodeImage(join(root, "SegmentationClass", `${name}.png`), labels);
  }
  for (const [split, text] of Object.entries(lists)) {
    await writeFile(join(root, "ImageSets/Segmentation", `${split}.txt`), text);
  }
}

async function framesOf(dataset: Dataset, index = 0): Promise<LabelledFrame[]> {
  const frames: LabelledFrame[] = [];
  for await (const frame of dataset.sequences[index]?.read() ?? []) frames.push(frame);
  return frames;
}

for (const place of ["", "VOC2012", "VOCdevkit/VOC2012", "VOCdevkit/VOC2011"]) {
  test(`found in ${place === "" ? "the folder itself" : place}`, async () => {
    await using folder = await temporaryFolder();
    await makeVoc(join(folder.path, place), { val: "2008_000666\n" });
    expect(await vocLayout.recognise(folder.path)).toEqual({ kind: "found" });
    const { sequences } = await vocLayout.open(folder.path);
    expect(sequences.map(({ name, length, labelled }) => [name, length, labelled])).toEqual([["2008_000666", 1, [0]]]);
  });
}

test("stills of a split, with labels as stored", async () => {
  await using folder = await temporaryFolder();
  await makeVoc(folder.path, { val: "2008_000666\n", seg11valid: "2007_000033\r\n2008_000666\r\n" });
  const dataset = await vocLayout.open(folder.path, { split: "seg11valid" });
  expect(dataset).toMatchObject({ name: "voc", split: "seg11valid" });
  expect(Object.keys(readyMaps.get("voc->youtube-objects")?.classes ?? {})).toEqual(dataset.classNames);
  expect(dataset.classNames.length).toBe(21);
  expect(dataset.sequences.map(({ name }) => name)).toEqual(["2007_000033", "2008_000666"]);
  const [still] = await framesOf(dataset);
  const row = Array.from({ length: 40 }, (_, x) => (x === 0 ? 255 : x % 21));
  expect([...(still?.labels?.data ?? [])]).toEqual(Array.from({ length: 30 }, () => row).flat());
});

test("seen through a moving viewport, labels move with the picture", async () => {
  await using folder = await temporaryFolder();
  await makeVoc(folder.path, { val: "2007_000033\n2008_000666\n" });
  const moving = translatingViewport(await vocLayout.open(folder.path), parseViewport("4x6"));
  expect(moving.sequences.map(({ name, length }) => [name, length])).toEqual([
    ["2007_000033", 6],
    ["2008_000666", 6],
  ]);
  const frames = await framesOf(moving, 1);
  for (const [k, { labels }] of frames.entries()) {
    expect([labels?.widthPx, labels?.heightPx]).toEqual([20, 30]);
    const first = Array.from({ length: 20 }, (_, x) => (x + 4 * k === 0 ? 255 : (x + 4 * k) % 21));
    expect([...(labels?.data.subarray(0, 20) ?? [])]).toEqual(first);
  }
});

test("what is not right is said with its file", async () => {
  await using folder = await temporaryFolder();
  const { path } = folder;
  expect(await vocLayout.recognise(path)).toMatchObject({ kind: "missing" });
  await expect(vocLayout.open(path)).rejects.toThrow(/JPEGImages/);
  await makeVoc(path, {
    val: "2007_000033\n2007_999999\n",
    train: "aeroplane 1\n",
    trainval: "../../secret\n",
    seg11valid: "\n",
  });
  await expect(vocLayout.open(path, { split: "test" })).rejects.toThrow(/one of train, val, trainval, seg11valid/);
  await expect(vocLayout.open(path, { split: "train" })).rejects.toThrow(/train\.txt: .*got "aeroplane 1"/);
  await expect(vocLayout.open(path, { split: "trainval" })).rejects.toThrow(/got "\.\.\/\.\.\/secret"/);
  await expect(vocLayout.open(path, { split: "seg11valid" })).rejects.toThrow(/expected names, got none/);
  // A still that is listed and not there is an error when it is read, not before.
  const dataset = await vocLayout.open(path);
  await expect(framesOf(dataset, 0)).resolves.toHaveLength(1);
  await expect(framesOf(dataset, 1)).rejects.toMatchObject({ code: "io" });
});
