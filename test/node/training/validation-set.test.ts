// What a training is validated on: splits of its own data, other folders, several of them; and folders that are trained on
// together.

import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { classCounts } from "../../../src/node/training/class-counts.ts";
import { openTrainingSets } from "../../../src/node/training/training-set.ts";
import { openValidationSet, type ValidationSetOptions } from "../../../src/node/training/validation-set.ts";
import { plainPicture, writeFiles, type Content } from "../../datasets/files.ts";
import { temporaryFolder } from "../../support/model-folder.ts";

const mask: Content = { kind: "gray", rows: [0, 1].map((row) => [row, row, 1, 255]) };
const gray = plainPicture([90, 90, 90]);

/** Folders `day` and `night` of the same classes, `odd` of others, `bare` without labels, `camvid` with splits. */
async function folders(): Promise<{ path: string } & AsyncDisposable> {
  const home = await temporaryFolder();
  const own = (name: string, classes: string, pictures: readonly string[]): Record<string, Content> => ({
    [`${name}/classes.json`]: classes,
    ...Object.fromEntries(pictures.map((picture) => [`${name}/frames/${picture}.png`, gray])),
    ...Object.fromEntries(pictures.map((picture) => [`${name}/labels/${picture}.png`, mask])),
  });
  await writeFiles(home.path, {
    ...own("day", '["road", "sky"]', ["a/1", "a/2"]),
    ...own("night", '["Road", "sky"]', ["b/1"]),
    ...own("odd", '["sky", "road"]', ["c/1"]),
    "bare/classes.json": '["road", "sky"]',
    "bare/frames/1.png": gray,
    "camvid/train/0001TP_000030.png": gray,
    "camvid/trainannot/0001TP_000030.png": mask,
    "camvid/val/0002TP_000030.png": gray,
    "camvid/valannot/0002TP_000030.png": mask,
  });
  return home;
}

describe("several folders to train on", () => {
  test("are one set of samples, and all their pixels are counted", async () => {
    await using home = await folders();
    const [day, night] = [join(home.path, "day"), join(home.path, "night")];
    const set = await openTrainingSets([day, night]);
    expect(set.samples.map(({ source, name }) => [source.folder, name])).toEqual([
      [day, "a[0]"],
      [day, "a[1]"],
      [night, "b[0]"],
    ]);
    expect(set.classNames).toEqual(["road", "sky"]);
    // Of the mask, 2 of class 0, 4 of class 1, 2 of none; in three frames.
    expect(await classCounts(set.samples, set.lookup, 2)).toEqual([6, 12]);
    expect(await classCounts(set.samples.slice(2), set.lookup, 2)).toEqual([2, 4]);
  });

  test("of other classes are refused with both", async () => {
    await using home = await folders();
    const [day, odd] = [join(home.path, "day"), join(home.path, "odd")];
    await expect(openTrainingSets([day, odd])).rejects.toThrow(
      `${odd}: expected the classes of ${day}, 2 (road, sky), got 2 (sky, road); try`,
    );
    await expect(openTrainingSets([day, odd], { classNames: ["sky", "road"] })).rejects.toThrow(`${odd}: expected`);
    await expect(openTrainingSets([])).rejects.toThrow("expected a dataset's folder, got none");
  });
});

describe("what is validated on", () => {
  const none = { validationData: undefined, validation: undefined, layout: undefined };
  const camvidNames = "sky, building, pole, road, pavement, tree, sign, fence, car, pedestrian, bicyclist".split(", ");
  const open = async (options: Partial<ValidationSetOptions> & Pick<ValidationSetOptions, "data">): Promise<unknown> =>
    (await openValidationSet({ ...none, classNames: ["road", "sky"], ...options }))?.sequences.map(({ name }) => name);

  test("is the val split of the data, where they have one", async () => {
    await using home = await folders();
    const [day, camvid] = [join(home.path, "day"), join(home.path, "camvid")];
    expect(await open({ data: [day] })).toBeUndefined();
    expect(await open({ data: [camvid], classNames: camvidNames })).toEqual(["0002TP_000030"]);
    expect(await open({ data: [camvid], validation: null })).toBeUndefined();
    await expect(open({ data: [day], validation: "val" })).rejects.toThrow("expected no split");
  });

  test("is another folder: its val split, or all of it", async () => {
    await using home = await folders();
    const [day, night, camvid] = [join(home.path, "day"), join(home.path, "night"), join(home.path, "camvid")];
    expect(await open({ data: [day], validationData: [night] })).toEqual(["b"]);
    expect(await open({ data: [night], validationData: [day, night] })).toEqual(["a", "b"]);
    const own = { data: [day], validationData: [camvid], classNames: camvidNames };
    expect(await open(own)).toEqual(["0002TP_000030"]);
    expect(await open({ ...own, validation: "train" })).toEqual(["0001TP_000030"]);
  });

  test("is refused where it cannot be", async () => {
    await using home = await folders();
    const [day, night, odd, bare] = ["day", "night", "odd", "bare"].map((name) => join(home.path, name));
    const data = [day ?? ""];
    await expect(open({ data, validationData: [bare ?? ""] })).rejects.toThrow("expected frames with labels");
    await expect(open({ data, validationData: [night ?? "", odd ?? ""] })).rejects.toThrow(
      `${odd}: expected the classes`,
    );
    await expect(open({ data, validationData: [night ?? ""], classNames: ["a", "b", "c"] })).rejects.toThrow(
      /^classes:/u,
    );
    await expect(open({ data, validationData: [join(home.path, "not")] })).rejects.toThrow("got nothing there");
    await expect(open({ data, validationData: [night ?? ""], validation: null })).rejects.toThrow(
      "without a validation",
    );
  });
});
