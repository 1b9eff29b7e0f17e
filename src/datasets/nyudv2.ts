// NYU Depth V2 with the 40 classes of Gupta et al. 2013, as Shelhamer et al. lay it out (FCN and clockwork-fcn): labelled
// stills, and with the raw dataset beside them the videos that they were taken from. Colour only, no depth.

import { join } from "node:path";
import { ClockworkError } from "../errors.ts";
import type { Dataset, Sequence } from "./dataset.ts";
import { countNote, fileItem } from "./file-item.ts";
import { type Layout, type OpenDatasetOptions, recognisePaths, requirePaths, splitOf, type Wanted } from "./layout.ts";
import { linesOf } from "./listed-videos.ts";
import { exists, namesIn } from "./listing.ts";
import { readNyuLabels } from "./nyudv2-labels.ts";
import { rawFramesIn, readRawFrame } from "./nyudv2-raw.ts";
import { sequenceOf, throwIfAborted } from "./sequence.ts";

const CLASSES: readonly string[] = [
  "wall",
  "floor",
  "cabinet",
  "bed",
  "chair",
  "sofa",
  "table",
  "door",
  "window",
  "bookshelf",
  "picture",
  "counter",
  "blinds",
  "desk",
  "shelves",
  "curtain",
  "dresser",
  "pillow",
  "mirror",
  "floor mat",
  "clothes",
  "ceiling",
  "books",
  // As the published list spells it: networks trained with it do too.
  "refridgerator",
  "television",
  "paper",
  "towel",
  "shower curtain",
  "box",
  "whiteboard",
  "person",
  "night stand",
  "toilet",
  "sink",
  "lamp",
  "bathtub",
  "bag",
  "otherstructure",
  "otherfurniture",
  "otherprop",
];

/** Where the labelled stills may be: clockwork-fcn's place and FCN's. */
const STILL_PLACES = ["images/", "data/images/"] as const;
const SPLITS = ["train", "val", "trainval", "test"] as const;
const WANTED: readonly Wanted[] = ["segmentation/", STILL_PLACES, SPLITS.map((split) => `${split}.txt`)];
/** Nominal: raw frames bring their own times, stills have none. */
const FRAME_RATE = 30;

/** NYU Depth V2, 40 classes. */
export const nyudv2Layout: Layout = {
  name: "nyudv2",
  title: "NYU Depth V2: videos of rooms, some frames labelled with 40 classes",
  tree: [
    "{train,val,trainval,test}.txt        numbers of stills, such as 5001, one a line",
    "images/img_5001.png                  or data/images/",
    "segmentation/img_5001.mat            `segmentation`: 0 unlabelled, 1 to 40; or an indexed img_5001.png of the same",
    "test_rawImages.txt                   for video: <video>/<frame>.ppm of each line of test.txt (other splits alike)",
    "raw/<video>/r-<seconds>-<ticks>.ppm  for video: the raw dataset",
  ].join("\n"),
  licence: "none stated",
  source: "NYU Depth V2 (Silberman et al. 2012), labels of Gupta et al. 2013 as FCN's archive nyud.tar.gz has them",
  notes: [
    "With raw/ and the split's list of raw frames, a recording is a sequence, in order of the times in its files' names; " +
      "without, each still is a sequence of one frame.",
    "Raw frames, labelled ones too, are cut to the 560x425 pixels from (40, 44) that labels cover.",
    "Recordings are long, labelled frames few: --before 19 runs only what comes before each.",
  ],
  splits: SPLITS,
  defaultSplit: "test",
  recognise: (folder) => recognisePaths(folder, WANTED),
  open: openNyudv2,
};

/** A labelled still of a split. */
interface Still {
  readonly name: string;
  readonly labelsPath: string;
  /** Its frame in the raw videos, where the split has a list of them. */
  readonly raw: { readonly video: string; readonly frame: string } | undefined;
}

async function openNyudv2(folder: string, options: OpenDatasetOptions = {}): Promise<Dataset> {
  const split = splitOf(nyudv2Layout, options);
  await requirePaths(nyudv2Layout.name, folder, WANTED);
  const notes: string[] = [];
  const stills = await stillsOf(folder, split, notes);
  throwIfAborted(options.signal, folder);
  const videos = await videosOf(folder, stills, options.signal);
  const inVideos = new Set(videos.flatMap((video) => video.stills));
  const rest = stills.filter((still) => !inVideos.has(still));
  notes.push(
    ...countNote(
      rest.map(({ name }) => name),
      `of ${stills.length} labelled frames are stills, for want of raw/ or ${split}_rawImages.txt`,
    ),
  );
  const place = (await exists(join(folder, STILL_PLACES[0]))) ? STILL_PLACES[0] : STILL_PLACES[1];
  return {
    name: nyudv2Layout.name,
    split,
    classNames: CLASSES,
    sequences: [...videos.map(({ sequence }) => sequence), ...rest.map((still) => stillSequence(folder, place, still))],
    notes,
  };
}

/** The stills of a split that have labels. */
async function stillsOf(folder: string, split: string, notes: string[]): Promise<Still[]> {
  const parts = split !== "trainval" || (await exists(join(folder, "trainval.txt"))) ? [split] : ["train", "val"];
  const segmentation = join(folder, "segmentation");
  const files = new Set(await namesIn(segmentation, "files"));
  const stills: Still[] = [];
  const unlabelled: string[] = [];
  for (const part of parts) {
    const numbers = await linesOf(join(folder, `${part}.txt`));
    const raws = await rawsOf(folder, part, numbers.length);
    for (const [index, line] of numbers.entries()) {
      const number = /^(?:img_)?(\d+)$/u.exec(line)?.[1];
      if (number === undefined) {
        throw new ClockworkError(
          "invalid-argument",
          `${folder}/${part}.txt: expected numbers of stills, got "${line}"`,
        );
      }
      const name = `img_${number}`;
      const file = [`${name}.mat`, `${name}.png`].find((each) => files.has(each));
      if (file === undefined) unlabelled.push(name);
      else stills.push({ name, labelsPath: join(segmentation, file), raw: raws?.[index] });
    }
  }
  if (stills.length === 0) {
    throw new ClockworkError("invalid-argument", `${segmentation}: expected labels for ${split}.txt, got none`);
  }
  notes.push(...countNote(unlabelled, `frames of ${split}.txt were left out, having no labels in segmentation/`));
  return stills;
}

/** The raw frame of each line of a split; `undefined` where there is no list. */
async function rawsOf(folder: string, part: string, count: number): Promise<Still["raw"][] | undefined> {
  const path = join(folder, `${part}_rawImages.txt`);
  if (!(await exists(path))) return undefined;
  const lines = await linesOf(path);
  if (lines.length !== count) {
    throw new ClockworkError(
      "invalid-argument",
      `${path}: expected a line for each of the ${count} in ${part}.txt, got ${lines.length}`,
    );
  }
  return lines.map((line) => {
    const [, video, frame] = /^([\w-]+)\/([\w.-]+)\.\w+$/u.exec(line) ?? [];
    if (video !== undefined && frame !== undefined) return { video, frame };
    throw new ClockworkError("invalid-argument", `${path}: expected lines as video/frame.ppm, got "${line}"`);
  });
}

interface Video {
  readonly sequence: Sequence;
  /** The labelled stills that are frames of it. */
  readonly stills: readonly Still[];
}

/** The recordings that have labelled frames. */
async function videosOf(folder: string, stills: readonly Still[], signal: AbortSignal | undefined): Promise<Video[]> {
  const byVideo = new Map<string, Map<string, Still>>();
  for (const still of stills) {
    if (still.raw === undefined) continue;
    const frames = byVideo.get(still.raw.video) ?? new Map<string, Still>();
    byVideo.set(still.raw.video, frames.set(still.raw.frame, still));
  }
  const videos: Video[] = [];
  for (const [video, labelled] of byVideo) {
    throwIfAborted(signal, folder);
    const path = join(folder, "raw", video);
    if (!(await exists(path))) continue;
    const frames = await rawFramesIn(path);
    const here = frames.flatMap(({ name }) => labelled.get(name) ?? []);
    if (here.length === 0) continue;
    const start = frames[0]?.timeSec ?? 0;
    const items = frames.map((frame) => ({
      ...fileItem({
        name: frame.name,
        framePath: frame.path,
        timestampSec: frame.timeSec - start,
        labelsPath: labelled.get(frame.name)?.labelsPath,
        readLabels: readNyuLabels,
      }),
      read: () => readRawFrame(frame.path),
    }));
    videos.push({ sequence: sequenceOf(video, items, FRAME_RATE), stills: here });
  }
  return videos;
}

function stillSequence(folder: string, place: string, { name, labelsPath }: Still): Sequence {
  const framePath = join(folder, place, `${name}.png`);
  const item = fileItem({ name, framePath, labelsPath, readLabels: readNyuLabels });
  return sequenceOf(name, [item], FRAME_RATE);
}
