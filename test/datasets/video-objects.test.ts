// DAVIS and VSPW: a folder a video, lists of videos, masks in the values that their owners use.

import { expect, test } from "vitest";
import { openDataset } from "../../src/datasets/index.ts";
import { temporaryFolder } from "../support/model-folder.ts";
import { framesOf, writeFiles, type Content } from "./files.ts";

const picture: Content = { kind: "jpeg", rgb: [200, 100, 50], size: "4x2" };

/** A video of DAVIS with two frames and these masks. */
function davisVideo(name: string, mask: Content): Record<string, Content> {
  return Object.fromEntries(
    ["00000", "00001"].flatMap((frame) => [
      [`JPEGImages/480p/${name}/${frame}.jpg`, picture],
      [`Annotations/480p/${name}/${frame}.png`, mask],
    ]),
  );
}

const objects: Content = {
  kind: "indexed",
  rows: [
    [0, 1, 2, 0],
    [0, 3, 255, 0],
  ],
};
const single: Content = {
  kind: "gray",
  rows: [
    [0, 255, 255, 0],
    [0, 0, 255, 0],
  ],
};

test("DAVIS 2017: objects are foreground, 255 is void, 24 frames a second", async () => {
  await using folder = await temporaryFolder();
  await writeFiles(folder.path, {
    ...davisVideo("bear", objects),
    ...davisVideo("bike-packing", objects),
    "ImageSets/2017/train.txt": "bear\n",
    "ImageSets/2017/val.txt": "bike-packing\r\n\r\n",
  });
  const dataset = await openDataset(folder.path);
  expect([dataset.name, dataset.split]).toEqual(["davis-2017", "val"]);
  expect(dataset.classNames).toEqual(["background", "foreground"]);
  expect(dataset.sequences.map(({ name, length }) => [name, length])).toEqual([["bike-packing", 2]]);
  const frames = await framesOf(dataset.sequences[0]);
  expect(frames.map(({ name }) => name)).toEqual(["bike-packing/00000", "bike-packing/00001"]);
  expect(frames[1]?.frame.timestampSec).toBeCloseTo(1 / 24, 12);
  expect([...(frames[0]?.labels?.data ?? [])]).toEqual([0, 1, 1, 0, 0, 1, 255, 0]);
});

test("DAVIS 2016: whatever is not black is foreground, in gray, indexed and coloured masks", async () => {
  await using folder = await temporaryFolder();
  const coloured: Content = {
    kind: "rgb",
    rows: [
      [
        [0, 0, 0],
        [128, 0, 0],
        [255, 255, 255],
        [0, 0, 1],
      ],
      [
        [0, 0, 0],
        [0, 0, 0],
        [0, 128, 0],
        [0, 0, 0],
      ],
    ],
  };
  const masks = { blackswan: single, camel: objects, cows: coloured };
  for (const [name, mask] of Object.entries(masks)) await writeFiles(folder.path, davisVideo(name, mask));
  await writeFiles(folder.path, { "ImageSets/2016/val.txt": "blackswan\ncamel\ncows\n" });
  const dataset = await openDataset(folder.path);
  expect(dataset.name).toBe("davis-2016");
  const first = await Promise.all(dataset.sequences.map(async (sequence) => (await framesOf(sequence))[0]));
  expect(first.map((frame) => [...(frame?.labels?.data ?? [])])).toEqual([
    [0, 1, 1, 0, 0, 0, 1, 0],
    [0, 1, 1, 0, 0, 1, 1, 0],
    [0, 1, 1, 1, 0, 0, 1, 0],
  ]);
});

test("DAVIS 2016 as first distributed lists a picture and its mask on each line", async () => {
  await using folder = await temporaryFolder();
  const line = (video: string, frame: string): string =>
    `/JPEGImages/480p/${video}/${frame}.jpg /Annotations/480p/${video}/${frame}.png `;
  const list = ["camel", "cows"].flatMap((video) => ["00000", "00001"].map((frame) => line(video, frame)));
  await writeFiles(folder.path, {
    ...davisVideo("camel", single),
    ...davisVideo("cows", single),
    "ImageSets/480p/val.txt": list.join("\n"),
  });
  const { sequences } = await openDataset(folder.path);
  expect(sequences.map(({ name, length }) => [name, length])).toEqual([
    ["camel", 2],
    ["cows", 2],
  ]);
});

test("the DAVIS of both years in one folder has to be named", async () => {
  await using folder = await temporaryFolder();
  await writeFiles(folder.path, {
    ...davisVideo("bear", objects),
    "ImageSets/2016/val.txt": "bear",
    "ImageSets/2017/val.txt": "bear",
  });
  await expect(openDataset(folder.path)).rejects.toThrow("--dataset davis-2016, --dataset davis-2017");
  const { name } = await openDataset(folder.path, { layout: "davis-2017" });
  expect(name).toBe("davis-2017");
});

test("listed videos that are not there are counted; none at all is an error", async () => {
  await using folder = await temporaryFolder();
  await writeFiles(folder.path, {
    ...davisVideo("bear", objects),
    "ImageSets/2017/train.txt": "bear\ncat\ndog\n",
    "ImageSets/2017/val.txt": "cat\n",
  });
  const { sequences, notes } = await openDataset(folder.path, { split: "train" });
  expect(sequences.map(({ name }) => name)).toEqual(["bear"]);
  expect(notes).toEqual(["2 listed videos that are not there: cat, dog"]);
  await expect(openDataset(folder.path)).rejects.toThrow(/val\.txt: .*JPEGImages\/480p\/cat, got none/u);
});

/** VSPW with one video of two frames, the second without a mask. */
const vspw: Record<string, Content> = {
  "data/12_abc/origin/00000011.jpg": picture,
  "data/12_abc/origin/00000013.jpg": picture,
  "data/12_abc/mask/00000011.png": {
    kind: "gray",
    rows: [
      [0, 1, 2, 3],
      [124, 125, 254, 255],
    ],
  },
  "val.txt": "12_abc\n",
};

test("VSPW: names from its own file, 0 and everything above the classes is void", async () => {
  await using folder = await temporaryFolder();
  await writeFiles(folder.path, {
    ...vspw,
    "label_num_dic_final.json": JSON.stringify({ ceiling: "2", wall: "1", others: "0", door: "3" }),
  });
  const dataset = await openDataset(folder.path);
  expect([dataset.name, dataset.split]).toEqual(["vspw", "val"]);
  expect(dataset.classNames).toEqual(["wall", "ceiling", "door"]);
  expect(dataset.notes).toEqual(["1 pictures without labels: 12_abc/00000013"]);
  expect(dataset.sequences[0]?.labelled).toEqual([0]);
  const frames = await framesOf(dataset.sequences[0]);
  expect([...(frames[0]?.labels?.data ?? [])]).toEqual([255, 0, 1, 2, 255, 255, 255, 255]);
  expect(frames[1]?.frame.timestampSec).toBeCloseTo(1 / 15, 12);
});

test("VSPW without names has 124 classes, and says so; names with gaps are refused", async () => {
  await using folder = await temporaryFolder();
  await writeFiles(folder.path, vspw);
  const dataset = await openDataset(folder.path);
  expect([dataset.classNames.length, dataset.classNames[0], dataset.classNames[123]]).toEqual([
    124,
    "class 1",
    "class 124",
  ]);
  expect(dataset.notes[0]).toContain("no label_num_dic_final.json");
  const [frame] = await framesOf(dataset.sequences[0], { to: 1 });
  expect([...(frame?.labels?.data ?? [])]).toEqual([255, 0, 1, 2, 123, 255, 255, 255]);
  await writeFiles(folder.path, { "label_num_dic_final.json": '{"wall": "1", "door": "3"}' });
  await expect(openDataset(folder.path)).rejects.toThrow(
    /label_num_dic_final\.json: expected names with numbers from 1/u,
  );
});
