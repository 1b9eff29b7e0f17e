// Folders as training sets: which frames are samples, what labels become, and what is refused.

import { describe, expect, test } from "vitest";
import { readyMaps, type ClassMap } from "../../../src/datasets/index.ts";
import { openTrainingSet } from "../../../src/node/training/training-set.ts";
import { plainPicture, writeFiles, type Content } from "../../datasets/files.ts";
import { temporaryFolder } from "../../support/model-folder.ts";

const mask: Content = { kind: "gray", rows: [0, 1].map((row) => [row, row, 1, 255]) };
const gray = plainPicture([90, 90, 90]);

async function ownData(): Promise<{ path: string } & AsyncDisposable> {
  const folder = await temporaryFolder();
  await writeFiles(folder.path, {
    "classes.json": '["road", "Traffic Light", "car"]',
    "frames/a/1.png": gray,
    "frames/a/2.png": gray,
    "frames/b/1.png": gray,
    "labels/a/2.png": mask,
    "labels/b/1.png": mask,
  });
  return folder;
}

const mapOf = (classes: ClassMap["classes"]): ClassMap => ({ title: "mine", from: "dataset", to: "network", classes });

describe("samples", () => {
  test("are the frames with labels, or all", async () => {
    await using folder = await ownData();
    const labelled = await openTrainingSet(folder.path);
    const places = labelled.samples.map(({ sequence, index, length, name }) => [sequence, index, length, name]);
    expect(places).toEqual([
      [0, 1, 2, "a[1]"],
      [1, 0, 1, "b[0]"],
    ]);
    expect(labelled.samples[0]?.source).toEqual({ folder: folder.path, layout: "folder", split: undefined });
    expect(labelled.notes.join()).toContain("1 pictures without labels");
    expect((await openTrainingSet(folder.path, { frames: "all" })).samples.length).toBe(3);
    const bare = await openTrainingSet(folder.path, { frames: "unlabelled", classNames: ["x"] });
    expect(bare.samples.length).toBe(3);
    expect(bare.classNames).toEqual(["x"]);
    expect(new Set(bare.lookup)).toEqual(new Set([255]));
  });

  test("are those of the training split unless another is asked for", async () => {
    await using folder = await temporaryFolder();
    await writeFiles(folder.path, {
      "train/0001TP_000030.png": gray,
      "trainannot/0001TP_000030.png": mask,
      "val/0002TP_000030.png": gray,
      "valannot/0002TP_000030.png": mask,
    });
    expect((await openTrainingSet(folder.path)).samples[0]?.name).toBe("0001TP_000030[0]");
    expect((await openTrainingSet(folder.path, { layout: "camvid" })).split).toBe("train");
    expect((await openTrainingSet(folder.path, { split: "val" })).samples[0]?.name).toBe("0002TP_000030[0]");
  });

  test("without any there is an error, and for a video too", async () => {
    await using folder = await temporaryFolder();
    await writeFiles(folder.path, { "frames/1.png": gray });
    await expect(openTrainingSet(folder.path)).rejects.toThrow("expected frames with labels, got none");
    expect((await openTrainingSet(folder.path, { frames: "unlabelled" })).samples.length).toBe(1);
    await writeFiles(folder.path, { "pictures/1.png": gray });
    await expect(openTrainingSet(`${folder.path}/pictures`, { frames: "unlabelled" })).rejects.toThrow("got a video");
  });
});

describe("labels", () => {
  const first = (lookup: readonly number[]): readonly number[] => lookup.slice(0, 4);

  test("stay as they are where the network has no classes of its own", async () => {
    await using folder = await ownData();
    const { lookup, classNames, ignore } = await openTrainingSet(folder.path, { classes: 3 });
    expect(classNames).toEqual(["road", "Traffic Light", "car"]);
    expect(lookup.length).toBe(256);
    expect(first(lookup)).toEqual([0, 1, 2, ignore]);
    expect(new Set(lookup.slice(3))).toEqual(new Set([255]));
  });

  test("become those of the network by name, with a note of what is lost", async () => {
    await using folder = await ownData();
    const { lookup, notes } = await openTrainingSet(folder.path, { classNames: ["sky", "traffic_light", "road"] });
    expect(first(lookup)).toEqual([2, 1, 255, 255]);
    expect(notes.filter((note) => note.includes("does not have"))).toEqual([
      "Classes of the dataset that the network does not have, not trained on: car.",
      "Classes of the network that the dataset does not have: sky.",
    ]);
  });

  test("become those of the network by a map", async () => {
    await using folder = await ownData();
    const map = mapOf({ road: "ground", car: "ground", "traffic-light": null });
    const { lookup } = await openTrainingSet(folder.path, { classNames: ["sky", "ground"], map });
    expect(first(lookup)).toEqual([1, 255, 1, 255]);
  });

  test("that do not fit are refused with both sides", async () => {
    await using folder = await ownData();
    const open = (options: Parameters<typeof openTrainingSet>[1]): Promise<unknown> =>
      openTrainingSet(folder.path, options);
    await expect(open({ classes: 19 })).rejects.toThrow(
      "expected the 19 classes of the network, got 3 (road, Traffic Light, car)",
    );
    await expect(open({ classNames: ["tree", "sea"] })).rejects.toThrow(
      "expected classes of the network's 2 (tree, sea), got the dataset's 3 (road, Traffic Light, car)",
    );
    const names = ["ground"];
    await expect(open({ classNames: names, map: mapOf({ raod: "ground" }) })).rejects.toThrow(
      'expected a class of the dataset, got "raod"; try "road"',
    );
    await expect(open({ classNames: names, map: mapOf({ road: "grond" }) })).rejects.toThrow(
      'expected a class of the network, got "grond"; try "ground"',
    );
  });

  test("of Cityscapes become those of CamVid by the map that comes with the package", async () => {
    await using folder = await temporaryFolder();
    const map = readyMaps.get("cityscapes->camvid");
    if (map === undefined) throw new Error("no map");
    const names = Object.keys(map.classes);
    const targets = [...new Set(Object.values(map.classes).filter((name) => name !== null))];
    await writeFiles(folder.path, {
      "classes.json": JSON.stringify(names),
      "frames/1.png": gray,
      "labels/1.png": mask,
    });
    const { lookup } = await openTrainingSet(folder.path, { classNames: targets, map });
    for (const [label, name] of names.entries()) {
      const target = map.classes[name] ?? undefined;
      expect(targets[lookup[label] ?? -1]).toBe(target);
    }
  });
});
