// Cityscapes: snippets and single frames in the names of its owners, and label ids against the list of labels.py.

import { expect, test } from "vitest";
import { openDataset } from "../../src/datasets/index.ts";
import { temporaryFolder } from "../support/model-folder.ts";
import { framesOf, namesOf, plainPicture, writeFiles, type Content } from "./files.ts";

const picture = plainPicture([1, 2, 3]);
const labels: Content = {
  kind: "gray",
  rows: [
    [7, 26, 33, 0],
    [4, 11, 29, 255],
  ],
};

const six = (value: number): string => String(value).padStart(6, "0");
const nameOf = (city: string, recording: number, frame: number): string => `${city}_${six(recording)}_${six(frame)}`;

/** Frames `first` to `last` of a recording in a type of pictures, one of them labelled. */
function snippet(
  type: string,
  split: string,
  [city, recording, first, last]: readonly [string, number, number, number],
  labelled: number | undefined,
): Record<string, Content> {
  const files: Record<string, Content> = {};
  for (let frame = first; frame <= last; frame++) {
    files[`${type}/${split}/${city}/${nameOf(city, recording, frame)}_leftImg8bit.png`] = picture;
  }
  if (labelled !== undefined) {
    files[`gtFine/${split}/${city}/${nameOf(city, recording, labelled)}_gtFine_labelIds.png`] = labels;
  }
  return files;
}

test("each snippet is a sequence at 17 Hz whose 20th frame is labelled", async () => {
  await using folder = await temporaryFolder();
  await writeFiles(folder.path, {
    ...snippet("leftImg8bit_sequence", "val", ["frankfurt", 0, 275, 304], 294),
    ...snippet("leftImg8bit_sequence", "val", ["lindau", 0, 0, 29], 19),
    ...snippet("leftImg8bit_sequence", "val", ["lindau", 1, 0, 29], 19),
    // The labelled frames alone are there, too; the snippets go before them.
    ...snippet("leftImg8bit", "val", ["frankfurt", 0, 294, 294], 294),
  });
  const dataset = await openDataset(folder.path);
  expect([dataset.name, dataset.split, dataset.notes]).toEqual(["cityscapes", "val", []]);
  const { sequences } = dataset;
  expect(sequences.map(({ name }) => name)).toEqual([
    "frankfurt_000000_000275",
    "lindau_000000_000000",
    "lindau_000001_000000",
  ]);
  for (const { length, labelled } of sequences) expect([length, labelled]).toEqual([30, [19]]);
  const frames = await framesOf(sequences[0], { from: 18, to: 21 });
  expect(frames.map(({ name }) => name)).toEqual([293, 294, 295].map((frame) => nameOf("frankfurt", 0, frame)));
  expect(frames.map((frame) => frame.labels === undefined)).toEqual([true, false, true]);
  expect(frames[1]?.frame.timestampSec).toBeCloseTo(19 / 17, 12);
});

test("label ids become the 19 train ids, everything else is left out of scores", async () => {
  await using folder = await temporaryFolder();
  // labels.py of cityscapesScripts: id and name of every label that has a train id.
  const scored = (
    "7 road,8 sidewalk,11 building,12 wall,13 fence,17 pole,19 traffic light,20 traffic sign,21 vegetation,22 terrain," +
    "23 sky,24 person,25 rider,26 car,27 truck,28 bus,31 train,32 motorcycle,33 bicycle"
  ).split(",");
  const names = new Map(scored.map((text) => [Number(text.split(" ")[0]), text.replace(/^\d+ /u, "")]));
  const ids = Array.from({ length: 256 }, (_, id) => id);
  await writeFiles(folder.path, {
    "leftImg8bit/val/ulm/ulm_000000_000019_leftImg8bit.png": { kind: "rgb", rows: [ids.map(() => [0, 0, 0] as const)] },
    "gtFine/val/ulm/ulm_000000_000019_gtFine_labelIds.png": { kind: "gray", rows: [ids] },
  });
  const { sequences, classNames } = await openDataset(folder.path);
  expect(classNames).toEqual([...names.values()]);
  const [frame] = await framesOf(sequences[0]);
  for (const id of ids) expect([id, classNames[frame?.labels?.data[id] ?? 0]]).toEqual([id, names.get(id)]);
});

test("without the video each labelled frame is a sequence, and a hole in a snippet ends it", async () => {
  await using stills = await temporaryFolder();
  await writeFiles(stills.path, {
    ...snippet("leftImg8bit", "train", ["aachen", 0, 19, 20], 19),
    ...snippet("leftImg8bit", "train", ["aachen", 1, 19, 19], 19),
    "leftImg8bit/train/aachen/cover.png": picture,
  });
  const dataset = await openDataset(stills.path, { split: "train" });
  expect(dataset.sequences.map(({ length, labelled }) => [length, labelled.length])).toEqual([
    [1, 1],
    [1, 0],
    [1, 1],
  ]);
  expect(dataset.notes).toEqual([
    "no leftImg8bit_sequence/train: each labelled frame is a sequence of its own",
    "1 sequences without labels: aachen_000000_000020",
    "1 files left out, their names being none of Cityscapes': cover.png",
  ]);
  await using video = await temporaryFolder();
  await writeFiles(video.path, {
    ...snippet("leftImg8bit_sequence", "val", ["ulm", 0, 0, 2], 1),
    ...snippet("leftImg8bit_sequence", "val", ["ulm", 0, 4, 5], 5),
  });
  expect(await namesOf(await openDataset(video.path))).toEqual({
    ulm_000000_000000: [0, 1, 2].map((frame) => nameOf("ulm", 0, frame)),
    ulm_000000_000004: [4, 5].map((frame) => nameOf("ulm", 0, frame)),
  });
});

test("the split test has no labels, even where blank ones are there", async () => {
  await using folder = await temporaryFolder();
  await writeFiles(folder.path, snippet("leftImg8bit_sequence", "test", ["berlin", 0, 0, 2], 1));
  const { sequences, notes } = await openDataset(folder.path, { split: "test" });
  expect(sequences[0]?.labelled).toEqual([]);
  expect(notes).toEqual(["1 sequences without labels: berlin_000000_000000"]);
});
