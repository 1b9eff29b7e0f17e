// One's own data: the `folder` layout with its `classes.json`, and videos without labels.

import { join } from "node:path";
import { expect, test } from "vitest";
import { openDataset, type FrameRange } from "../../src/datasets/index.ts";
import { openVideo } from "../../src/video/index.ts";
import { temporaryFolder } from "../support/model-folder.ts";
import { collect, makeClip } from "../video/clips.ts";
import { framesOf, plainPicture, writeFiles, type Content } from "./files.ts";

const picture = plainPicture([9, 8, 7]);
const labels = (...values: readonly number[]): Content => ({
  kind: "gray",
  rows: [values, values.map(() => 0)],
});

test("pictures and labels of the same names; subfolders are sequences", async () => {
  await using folder = await temporaryFolder();
  await writeFiles(folder.path, {
    "frames/b/10.png": picture,
    "frames/b/9.png": picture,
    "frames/a/1.jpg": { kind: "jpeg", rgb: [0, 0, 0], size: "4x2" },
    "labels/b/9.png": labels(0, 1, 255, 1),
    "labels/b/11.png": labels(0, 0, 0, 0),
    "classes.json": '["road", "car"]',
  });
  const dataset = await openDataset(folder.path);
  expect([dataset.name, dataset.split, dataset.classNames]).toEqual(["folder", undefined, ["road", "car"]]);
  expect(dataset.sequences.map(({ name, labelled }) => [name, labelled])).toEqual([
    ["a", []],
    ["b", [0]],
  ]);
  const frames = await framesOf(dataset.sequences[1]);
  expect(frames.map(({ name }) => name)).toEqual([join("b", "9"), join("b", "10")]);
  expect(frames[1]?.frame.timestampSec).toBeCloseTo(0.04, 12);
  expect([...(frames[0]?.labels?.data ?? [])]).toEqual([0, 1, 255, 1, 0, 0, 0, 0]);
  expect(dataset.notes).toEqual([
    `2 pictures without labels: ${join("a", "1")}, ${join("b", "10")}`,
    `1 files of labels without a picture: ${join("labels", "b", "11.png")}`,
  ]);
});

test("classes.json says what is ignored and how fast frames follow", async () => {
  await using folder = await temporaryFolder();
  await writeFiles(folder.path, {
    "frames/1.png": picture,
    "frames/2.png": picture,
    "labels/1.png": labels(0, 1, 2, 200),
    "classes.json": '{"names": ["road", "car", "void"], "ignore": [2, 200], "fps": 10}',
  });
  const { sequences } = await openDataset(folder.path);
  const frames = await framesOf(sequences[0]);
  expect([...(frames[0]?.labels?.data ?? [])].slice(0, 4)).toEqual([0, 1, 255, 255]);
  expect(frames[1]?.frame.timestampSec).toBeCloseTo(0.1, 12);
});

test("a label that is neither a class nor ignored is an error that names it", async () => {
  await using folder = await temporaryFolder();
  await writeFiles(folder.path, {
    "frames/1.png": picture,
    "labels/1.png": labels(0, 7, 0, 0),
    "classes.json": '["road", "car"]',
  });
  const { sequences } = await openDataset(folder.path);
  await expect(framesOf(sequences[0])).rejects.toThrow(/labels.1\.png: expected labels from 0 to 1 .* got 7/u);
});

test("without labels there are frames only; labels without names of classes are an error", async () => {
  await using folder = await temporaryFolder();
  await writeFiles(folder.path, { "frames/1.png": picture });
  const dataset = await openDataset(folder.path);
  expect([dataset.classNames, dataset.sequences[0]?.labelled]).toEqual([[], []]);
  expect(dataset.notes).toEqual(["no labels/: agreement only"]);
  await writeFiles(folder.path, { "labels/1.png": labels(0, 0, 0, 0) });
  await expect(openDataset(folder.path)).rejects.toThrow(/expected classes\.json/u);
});

test("a classes.json of another form is refused in words", async () => {
  await using folder = await temporaryFolder();
  await writeFiles(folder.path, { "frames/1.png": picture });
  for (const [json, words] of [
    ["{", "expected JSON"],
    ['"road"', "a list of names"],
    ["[]", '"names"'],
    ["[1, 2]", '"names"'],
    ['{"names": ["road"], "ignore": [300]}', '"ignore"'],
    ['{"names": ["road"], "fps": 0}', '"fps"'],
    ['{"names": ["road"], "colour": 1}', 'got "colour"'],
  ] as const) {
    await writeFiles(folder.path, { "classes.json": json });
    await expect(openDataset(folder.path)).rejects.toThrow(words);
  }
});

test("a video is one sequence without labels; a range of it is a part of all its frames", async () => {
  await using folder = await temporaryFolder();
  const path = await makeClip(join(folder.path, "street.mp4"), {
    graph: "testsrc2=s=64x48:d=0.48:r=25,format=yuv420p",
  });
  const all = await collect(await openVideo(path));
  expect(all).toHaveLength(12);
  const dataset = await openDataset(path);
  expect([dataset.name, dataset.classNames, dataset.notes]).toEqual(["video", [], []]);
  const [sequence] = dataset.sequences;
  expect([sequence?.name, sequence?.length, sequence?.labelled]).toEqual(["street", undefined, []]);
  // A sequence can be read again and again.
  for (const range of [{}, { from: 3 }, { to: 4 }, { from: 2, to: 9, step: 3 }, { from: 12 }]) {
    const { from = 0, to, step = 1 }: FrameRange = range;
    const expected = [...all.keys()].slice(from, to).filter((_, at) => at % step === 0);
    const frames = await framesOf(sequence, range);
    expect(frames.map(({ index }) => index)).toEqual(expected);
    expect(frames.map(({ frame }) => frame)).toEqual(expected.map((index) => all[index]));
    expect(frames.map(({ name }) => name)).toEqual(expected.map((index) => `street_${String(index).padStart(6, "0")}`));
  }
  let count = 0;
  for await (const _ of sequence?.read() ?? []) if (++count === 2) break;
  const stop = new AbortController();
  const reading = (async () => {
    for await (const { index } of sequence?.read({ signal: stop.signal }) ?? []) if (index === 1) stop.abort();
  })();
  await expect(reading).rejects.toMatchObject({ code: "aborted" });
});

test("a folder of pictures is a video, named by its files; what cannot be decoded is told once it is known", async () => {
  await using folder = await temporaryFolder();
  await writeFiles(folder.path, { "f1.png": picture, "f2.png": "no picture", "f10.png": picture });
  const dataset = await openDataset(folder.path);
  expect(dataset.name).toBe("video");
  for (let round = 0; round < 2; round++) {
    const frames = await framesOf(dataset.sequences[0]);
    expect(frames.map(({ name, index }) => [name, index])).toEqual([
      ["f1", 0],
      ["f10", 1],
    ]);
  }
  expect(dataset.notes).toEqual(["1 of 3 images could not be decoded: f2.png"]);
});

test("what is no video is an error when it is opened", async () => {
  await using folder = await temporaryFolder();
  await writeFiles(folder.path, { "notes.mp4": "no video" });
  await expect(openDataset(join(folder.path, "notes.mp4"))).rejects.toMatchObject({ code: "invalid-video" });
});
