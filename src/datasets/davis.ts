// DAVIS 2016 (Perazzi et al., CVPR 2016) and DAVIS 2017 (Pont-Tuset et al., arXiv 1704.00675) at 480p: every frame
// labelled. Read as foreground against background; which object is which is left out. Folders: the READMEs of both.

import { join } from "node:path";
import type { LabelMap } from "../frame.ts";
import { readImage, readLabelImage } from "../video/index.ts";
import type { Dataset } from "./dataset.ts";
import type { FileItem } from "./file-item.ts";
import { labelTable, mapLabels } from "./label-table.ts";
import { recognisePaths, requirePaths, splitOf, type Layout, type OpenDatasetOptions, type Wanted } from "./layout.ts";
import { linesOf, listedSequences } from "./listed-videos.ts";
import { exists } from "./listing.ts";

const FPS = 24;
const FRAMES = "JPEGImages/480p";
const MASKS = "Annotations/480p";

const shared: Pick<Layout, "licence" | "splits" | "defaultSplit"> = {
  licence: "BSD, as its authors' code says; its authors ask to be cited",
  splits: ["train", "val"],
  defaultSplit: "val",
};

const tree = (year: string): string => `${FRAMES}/bear/     00000.jpg ...
${MASKS}/bear/    00000.png ...
ImageSets/${year}/           train.txt val.txt`;

/** One object a video: whatever is not black is it. Among the masks are gray, indexed and coloured ones. */
async function readAnyObject(path: string): Promise<LabelMap> {
  const { data, widthPx, heightPx } = await readImage(path);
  const labels = new Uint8Array(widthPx * heightPx);
  for (let at = 0, from = 0; at < labels.length; at++, from += 3) {
    labels[at] = (data[from] ?? 0) + (data[from + 1] ?? 0) + (data[from + 2] ?? 0) > 0 ? 1 : 0;
  }
  return { data: labels, widthPx, heightPx };
}

/** Objects are numbered from 1; 255 is void. */
const objects = labelTable(Array.from({ length: 255 }, (_, value) => [value, Math.min(value, 1)]));

async function readObjects(path: string): Promise<LabelMap> {
  return mapLabels(await readLabelImage(path), objects);
}

/** The layout of 2016. */
export const davis2016Layout: Layout = {
  ...shared,
  name: "davis-2016",
  title: "DAVIS 2016 at 480p: 50 videos, one foreground object, every frame labelled",
  tree: `${tree("2016")}       names of videos; or, as first distributed,
ImageSets/480p/           train.txt val.txt       a picture and its mask on each line`,
  source: "davischallenge.org: DAVIS 2016, or DAVIS 2017 TrainVal 480p, which has the list of 2016",
  notes: ["Classes: background, foreground. 24 frames a second."],
  recognise: (folder) => recognisePaths(folder, wanted2016),
  open: async (folder, options) => {
    const split = splitOf(davis2016Layout, options);
    await requirePaths("davis-2016", folder, wanted2016);
    const list = join(folder, "ImageSets", "2016", `${split}.txt`);
    const isByName = await exists(list);
    const listPath = isByName ? list : join(folder, "ImageSets", "480p", `${split}.txt`);
    const lines = await linesOf(listPath);
    // `/JPEGImages/480p/bear/00000.jpg /Annotations/480p/bear/00000.png`
    const videos = isByName ? lines : [...new Set(lines.flatMap((line) => line.split("/")[3] ?? []))];
    return open({ layout: davis2016Layout, folder, split, listPath, videos, readLabels: readAnyObject, options });
  },
};

/** The layout of 2017. */
export const davis2017Layout: Layout = {
  ...shared,
  name: "davis-2017",
  title: "DAVIS 2017 at 480p: 90 videos with labels, several objects, every frame labelled",
  tree: tree("2017"),
  source: "davischallenge.org: DAVIS 2017 TrainVal 480p",
  notes: ["Classes: background, foreground (all objects together). 24 frames a second."],
  recognise: (folder) => recognisePaths(folder, wanted2017),
  open: async (folder, options) => {
    const split = splitOf(davis2017Layout, options);
    await requirePaths("davis-2017", folder, wanted2017);
    const listPath = join(folder, "ImageSets", "2017", `${split}.txt`);
    const videos = await linesOf(listPath);
    return open({ layout: davis2017Layout, folder, split, listPath, videos, readLabels: readObjects, options });
  },
};

const wanted2016: readonly Wanted[] = [`${FRAMES}/`, `${MASKS}/`, ["ImageSets/2016/", "ImageSets/480p/"]];
const wanted2017: readonly Wanted[] = [`${FRAMES}/`, `${MASKS}/`, "ImageSets/2017/"];

async function open(from: {
  readonly layout: Layout;
  readonly folder: string;
  readonly split: string;
  readonly listPath: string;
  readonly videos: readonly string[];
  readonly readLabels: FileItem["readLabels"];
  readonly options: OpenDatasetOptions | undefined;
}): Promise<Dataset> {
  const { layout, folder, split, listPath, videos, readLabels, options } = from;
  const { sequences, notes } = await listedSequences({
    listPath,
    videos,
    frames: (video) => join(folder, FRAMES, video),
    labels: (video) => join(folder, MASKS, video),
    readLabels,
    fps: FPS,
    signal: options?.signal,
  });
  return { name: layout.name, split, classNames: ["background", "foreground"], sequences, notes };
}
