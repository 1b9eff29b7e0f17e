// Which layout a folder is taken for, and what is said where it is none.

import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { layouts, openDataset } from "../../src/datasets/index.ts";
import { temporaryFolder } from "../support/model-folder.ts";

test("names are unique, default splits are splits, and texts are there", () => {
  expect(new Set(layouts.map(({ name }) => name)).size).toBe(layouts.length);
  for (const { name, splits, defaultSplit, title, tree, licence, source } of layouts) {
    expect([name, defaultSplit]).toEqual([name, splits.find((split) => split === defaultSplit)]);
    expect([name, defaultSplit === undefined]).toEqual([name, splits.length === 0]);
    expect([name, title, tree, licence, source]).not.toContain("");
  }
});

test("no layout takes an empty folder, or one that is not there, for itself", async () => {
  await using folder = await temporaryFolder();
  for (const layout of layouts) {
    for (const path of [folder.path, join(folder.path, "none")]) {
      const look = await layout.recognise(path);
      expect([layout.name, look]).toMatchObject([layout.name, { kind: "missing", present: [] }]);
    }
  }
  await expect(openDataset(folder.path)).rejects.toMatchObject({
    code: "invalid-argument",
    message: expect.stringContaining(layouts.map(({ name }) => name).join(", ")) as unknown,
  });
  await expect(openDataset(join(folder.path, "none"))).rejects.toMatchObject({ code: "io" });
});

test("a folder that is nearly one is told what is missing", async () => {
  for (const [there, missing] of [
    [["gtFine"], "for cityscapes without leftImg8bit_sequence/ or leftImg8bit/"],
    [["val", "train"], "for camvid without trainannot/ or valannot/ or testannot/"],
    [["701_StillsRaw_full"], "for camvid-full without LabeledApproved_full"],
    [["JPEGImages/480p", "Annotations/480p"], "for davis-2017 without ImageSets/2017/"],
    [["data"], "for vspw without train.txt or val.txt or test.txt"],
  ] as const) {
    await using folder = await temporaryFolder();
    for (const path of there) await mkdir(join(folder.path, path), { recursive: true });
    await expect(openDataset(folder.path)).rejects.toThrow(missing);
  }
});

test("unknown layouts and splits are told the choices", async () => {
  await using folder = await temporaryFolder();
  await mkdir(join(folder.path, "frames"));
  await expect(openDataset(folder.path, { layout: "kitti" })).rejects.toThrow(
    /expected one of camvid, .*, got "kitti"/u,
  );
  await expect(openDataset(folder.path, { layout: "cityscapes", split: "dev" })).rejects.toThrow("train, val, test");
  await expect(openDataset(folder.path, { split: "val" })).rejects.toThrow('folder: expected no split, got "val"');
  await expect(openDataset(folder.path, { layout: "cityscapes" })).rejects.toThrow(
    /without leftImg8bit_sequence\/val\/ or leftImg8bit\/val\/, gtFine\/val\/; try `clockwork datasets cityscapes`/u,
  );
});
