// VSPW (Miao et al., CVPR 2021): videos of all kinds of scenes at 15 frames a second, every frame labelled. Folders: the
// README of the dataset. In masks 0 stands for "others", which is not scored, and classes count from 1.

import { join } from "node:path";
import { ClockworkError } from "../errors.ts";
import { readLabelImage } from "../video/index.ts";
import type { Dataset } from "./dataset.ts";
import { readJsonFile } from "./json-file.ts";
import { labelTable, mapLabels } from "./label-table.ts";
import { recognisePaths, requirePaths, splitOf, type Layout, type OpenDatasetOptions } from "./layout.ts";
import { linesOf, listedSequences } from "./listed-videos.ts";
import { exists } from "./listing.ts";

const FPS = 15;
const CLASS_COUNT = 124;
const NAMES = "label_num_dic_final.json";
const SPLITS = ["train", "val", "test"] as const;

/** The layout. */
export const vspwLayout: Layout = {
  name: "vspw",
  title: "VSPW: 3,536 videos of all kinds of scenes, 124 classes, every frame labelled",
  tree: `data/1001_5z_ijQjUf_0/origin/  00000369.jpg ...
data/1001_5z_ijQjUf_0/mask/    00000369.png ...
train.txt val.txt test.txt     names of videos
${NAMES}       names of classes`,
  licence: "for non-commercial research",
  source: "vspwdataset.com: VSPW, or VSPW_480p",
  notes: ["15 frames a second.", "test has no public labels: agreement only."],
  splits: SPLITS,
  defaultSplit: "val",
  recognise: (folder) => recognisePaths(folder, ["data/", SPLITS.map((split) => `${split}.txt`)]),
  open,
};

async function open(folder: string, options: OpenDatasetOptions = {}): Promise<Dataset> {
  const { name } = vspwLayout;
  const split = splitOf(vspwLayout, options);
  await requirePaths(name, folder, ["data/", `${split}.txt`]);
  const listPath = join(folder, `${split}.txt`);
  const classes = await classNamesOf(folder);
  const table = labelTable(classes.names.map((_, label) => [label + 1, label]));
  const { sequences, notes } = await listedSequences({
    listPath,
    videos: await linesOf(listPath),
    frames: (video) => join(folder, "data", video, "origin"),
    labels: (video) => join(folder, "data", video, "mask"),
    readLabels: async (path) => mapLabels(await readLabelImage(path), table),
    fps: FPS,
    signal: options.signal,
  });
  return { name, split, classNames: classes.names, sequences, notes: [...classes.notes, ...notes] };
}

/** Names by label: the file gives the number in the masks of each name, as text. */
async function classNamesOf(folder: string): Promise<{ names: readonly string[]; notes: readonly string[] }> {
  const path = join(folder, NAMES);
  if (!(await exists(path))) {
    const names = Array.from({ length: CLASS_COUNT }, (_, label) => `class ${label + 1}`);
    return { names, notes: [`no ${NAMES}: classes are called by their numbers`] };
  }
  const numbers = await readNumbers(path);
  const names = [...numbers]
    .filter(([, number]) => number > 0)
    .sort(([, a], [, b]) => a - b)
    .map(([className]) => className);
  const fits = names.every((className, label) => numbers.get(className) === label + 1);
  if (names.length === 0 || names.length >= 255 || !fits) {
    throw new ClockworkError("invalid-argument", `${path}: expected names with numbers from 1 without gaps`);
  }
  return { names, notes: [] };
}

async function readNumbers(path: string): Promise<Map<string, number>> {
  const value = await readJsonFile(path);
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new ClockworkError("invalid-argument", `${path}: expected an object of numbers by name, got something else`);
  }
  return new Map(Object.entries(value).map(([className, number]) => [className, Number(number)]));
}
