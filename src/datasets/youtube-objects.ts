// YouTube-Objects with masks, as Shelhamer et al. 2016 lay it out (clockwork-fcn, datasets/youtube.py): the frames of
// version 1 (Prest et al. 2012) beside masks of some frames (Jain and Grauman 2014). A shot is a sequence.
// A mask shows one class, that of its folder: other objects count as background.

import { join } from "node:path";
import { ClockworkError } from "../errors.ts";
import { readImage } from "../video/index.ts";
import type { Dataset, Sequence } from "./dataset.ts";
import { countNote, fileItem, stemOf } from "./file-item.ts";
import { type Layout, type OpenDatasetOptions, recognisePaths, requirePaths, splitOf } from "./layout.ts";
import { exists, namesIn } from "./listing.ts";
import { sequenceOf, throwIfAborted } from "./sequence.ts";
import { labelsOfMask, resizedFrame } from "./youtube-objects-picture.ts";

const CLASSES: readonly string[] = [
  "background",
  "aeroplane",
  "bird",
  "boat",
  "car",
  "cat",
  "cow",
  "dog",
  "horse",
  "motorbike",
  "train",
];

const WANTED = ["v1/", "youtube_masks/"] as const;
/** Nominal: the videos have different rates, and the files do not say which. */
const FRAME_RATE = 25;

/** YouTube-Objects with masks. */
export const youtubeObjectsLayout: Layout = {
  name: "youtube-objects",
  title: "YouTube-Objects: shots of ten kinds of objects, with masks on every tenth frame",
  tree: [
    "v1/<class>/data/<video>/shots/<shot>/frame0001.jpg",
    "youtube_masks/<class>/data/<video>/shots/<shot>/labels/00001.jpg",
  ].join("\n"),
  licence: "none stated; the videos belong to those who put them on YouTube",
  source: "YouTube-Objects v1.0 (Prest et al. 2012) and the masks of Jain and Grauman (2014)",
  notes: [
    "A shot with masks is a sequence; shots without are left out.",
    "Frames and masks are scaled so that the longer side is 500 pixels.",
    "A mask has the number of its frame; what is brighter than 15 is the class of its folder, the rest background.",
    "The paper takes every 10th frame (--every 10), does not score the first two (--warm-up 2), and maps the classes of " +
      'PASCAL VOC that are not here to background (--map "voc->youtube-objects").',
    "Frames have no times of their own: 25 a second are assumed.",
  ],
  splits: [],
  defaultSplit: undefined,
  recognise: (folder) => recognisePaths(folder, WANTED),
  open: openYoutubeObjects,
};

async function openYoutubeObjects(folder: string, options: OpenDatasetOptions = {}): Promise<Dataset> {
  if (options.split !== undefined) splitOf(youtubeObjectsLayout, options);
  await requirePaths(youtubeObjectsLayout.name, folder, WANTED);
  const shots = await shotsOf(folder, options.signal);
  const sequences = shots.flatMap(({ sequence }) => (sequence === undefined ? [] : [sequence]));
  if (sequences.length === 0) {
    throw new ClockworkError(
      "invalid-argument",
      `${folder}: expected masks such as youtube_masks/dog/data/0001/shots/001/labels/00001.jpg, got none with frames`,
    );
  }
  const lost = shots.flatMap(({ masksWithoutFrame }) => masksWithoutFrame);
  return {
    name: youtubeObjectsLayout.name,
    split: undefined,
    classNames: CLASSES,
    sequences,
    notes: countNote(lost, "masks were left out, there being no frame of their number"),
  };
}

interface Shot {
  /** `undefined` for a shot without a mask that has a frame. */
  readonly sequence: Sequence | undefined;
  readonly masksWithoutFrame: readonly string[];
}

/** Every shot that has a folder of masks, class by class. */
async function shotsOf(folder: string, signal: AbortSignal | undefined): Promise<Shot[]> {
  const shots: Shot[] = [];
  for (const [label, className] of CLASSES.entries()) {
    const videos = join("youtube_masks", className, "data");
    for (const video of await foldersIn(join(folder, videos))) {
      for (const shot of await foldersIn(join(folder, videos, video, "shots"))) {
        throwIfAborted(signal, folder);
        shots.push(await shotOf(folder, className, join(video, "shots", shot), label));
      }
    }
  }
  return shots;
}

async function shotOf(folder: string, className: string, shot: string, label: number): Promise<Shot> {
  const framesFolder = join(folder, "v1", className, "data", shot);
  const masksFolder = join(folder, "youtube_masks", className, "data", shot, "labels");
  const frames = await numberedIn(framesFolder, /^frame(\d+)\.jpe?g$/iu);
  const masks = await numberedIn(masksFolder, /^(\d+)\.jpe?g$/iu);
  const [video = "", , part = ""] = shot.split(/[\\/]/u);
  const name = `${className}/${video}/${part}`;
  const lost = [...masks].filter(([number]) => !frames.has(number));
  const items = [...frames].map(([number, file]) => {
    const mask = masks.get(number);
    const framePath = join(framesFolder, file);
    const item = fileItem({
      name: stemOf(file),
      framePath,
      labelsPath: mask === undefined ? undefined : join(masksFolder, mask),
      readLabels: async (path) => labelsOfMask(await readImage(path), label),
    });
    return { ...item, read: async () => resizedFrame(await readImage(framePath)) };
  });
  return {
    sequence: lost.length < masks.size ? sequenceOf(name, items, FRAME_RATE) : undefined,
    masksWithoutFrame: lost.map(([, file]) => `${name}/${file}`),
  };
}

/** Files by their number, ascending; empty where there is no such folder. */
async function numberedIn(folder: string, pattern: RegExp): Promise<Map<number, string>> {
  const names = (await exists(folder)) ? await namesIn(folder, "files") : [];
  const numbered = names.flatMap((name): [number, string][] => {
    const number = pattern.exec(name)?.[1];
    return number === undefined ? [] : [[Number(number), name]];
  });
  return new Map(numbered.sort(([a], [b]) => a - b));
}

async function foldersIn(folder: string): Promise<string[]> {
  return (await exists(folder)) ? namesIn(folder, "folders") : [];
}
