// PASCAL VOC's segmentation stills: each a sequence of one frame. As a video they are seen through `viewport.ts`.
// Labels are the 21 classes of `SegmentationClass`, 255 around objects and where people disagreed: left out of scores.

import { join } from "node:path";
import { ClockworkError } from "../errors.ts";
import { readLabelImage } from "../video/index.ts";
import type { Dataset, Sequence } from "./dataset.ts";
import { fileItem } from "./file-item.ts";
import { type Layout, type OpenDatasetOptions, recognisePaths, requirePaths, splitOf } from "./layout.ts";
import { linesOf } from "./listed-videos.ts";
import { exists } from "./listing.ts";
import { sequenceOf, throwIfAborted } from "./sequence.ts";

const CLASSES: readonly string[] = [
  "background",
  "aeroplane",
  "bicycle",
  "bird",
  "boat",
  "bottle",
  "bus",
  "car",
  "cat",
  "chair",
  "cow",
  "diningtable",
  "dog",
  "horse",
  "motorbike",
  "person",
  "pottedplant",
  "sheep",
  "sofa",
  "train",
  "tvmonitor",
];

/** What a dataset's folder holds. */
const PARTS = ["JPEGImages/", "SegmentationClass/", "ImageSets/Segmentation/"] as const;
/** Where it may be below the folder that is named: the archives unpack to the last two. */
const PLACES = ["", "VOC2012", "VOC2011", "VOCdevkit/VOC2012", "VOCdevkit/VOC2011"] as const;
/** Stills have no time: the rate is a formality. */
const FRAME_RATE = 25;

/** PASCAL VOC 2011 and 2012, segmentation. */
export const vocLayout: Layout = {
  name: "voc",
  title: "PASCAL VOC segmentation: stills with 20 kinds of objects and background",
  tree: [
    "[VOCdevkit/][VOC2012/]JPEGImages/2007_000033.jpg",
    "                      SegmentationClass/2007_000033.png",
    "                      ImageSets/Segmentation/{train,val,trainval,seg11valid}.txt",
  ].join("\n"),
  licence: "the pictures: Flickr's terms of use",
  source: "the PASCAL VOC challenges 2011 and 2012; seg11valid.txt from the authors of FCN",
  notes: [
    "Each still is a sequence of one frame. The synthetic video of the paper shows each through a moving viewport " +
      "(--viewport 16x6 or 32x6), on the split seg11valid of VOC2011, the first two of the six frames unscored (--warm-up 2).",
    "seg11valid is the part of VOC2011's val that is not in the training set of SBD.",
  ],
  splits: ["train", "val", "trainval", "seg11valid"],
  defaultSplit: "val",
  recognise: async (folder) =>
    (await rootIn(folder)) === undefined ? recognisePaths(folder, PARTS) : { kind: "found" },
  open: openVoc,
};

async function openVoc(folder: string, options: OpenDatasetOptions = {}): Promise<Dataset> {
  const split = splitOf(vocLayout, options);
  const root = (await rootIn(folder)) ?? folder;
  await requirePaths(vocLayout.name, root, PARTS);
  const names = await listOf(join(root, "ImageSets", "Segmentation", `${split}.txt`));
  throwIfAborted(options.signal, folder);
  return {
    name: vocLayout.name,
    split,
    classNames: CLASSES,
    sequences: names.map((name) => stillOf(root, name)),
    notes: ["stills, of which none follows another: --viewport 16x6 makes a video of each"],
  };
}

function stillOf(root: string, name: string): Sequence {
  const item = fileItem({
    name,
    framePath: join(root, "JPEGImages", `${name}.jpg`),
    labelsPath: join(root, "SegmentationClass", `${name}.png`),
    readLabels: readLabelImage,
  });
  return sequenceOf(name, [item], FRAME_RATE);
}

async function rootIn(folder: string): Promise<string | undefined> {
  for (const place of PLACES) {
    const root = join(folder, place);
    const there = await Promise.all(PARTS.map((part) => exists(join(root, part))));
    if (there.every(Boolean)) return root;
  }
  return undefined;
}

/** The names in the list of a split. */
async function listOf(path: string): Promise<string[]> {
  const names = await linesOf(path);
  if (names.length === 0) throw new ClockworkError("invalid-argument", `${path}: expected names, got none`);
  // A name leads to a file: it must not lead elsewhere. Lists for one kind of object have a second column.
  const bad = names.find((name) => !/^\w[\w.-]*$/u.test(name));
  if (bad === undefined) return names;
  throw new ClockworkError("invalid-argument", `${path}: expected a name of a still on each line, got "${bad}"`);
}
