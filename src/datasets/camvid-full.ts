// CamVid as its authors distribute it: 960x720 pictures and colour masks, each in one folder. Two layouts read it, with
// the 11 classes of the SegNet tutorial and with all.

import { join } from "node:path";
import { isImageName, readImage } from "../video/index.ts";
import { camvidDataset, type CamvidFile } from "./camvid.ts";
import { CAMVID_CLASSES, CAMVID_FINE_CLASSES, fineColours, groupedColours } from "./camvid-classes.ts";
import type { Dataset } from "./dataset.ts";
import { stemOf } from "./file-item.ts";
import type { ColourTable } from "./label-table.ts";
import { recognisePaths, requirePaths, splitOf, type Layout, type OpenDatasetOptions } from "./layout.ts";
import { namesIn } from "./listing.ts";
import { throwIfAborted } from "./sequence.ts";

const FRAMES = "701_StillsRaw_full";
const MASKS = "LabeledApproved_full";

const shared: Pick<Layout, "tree" | "licence" | "source" | "splits" | "defaultSplit"> = {
  tree: `${FRAMES}/    0001TP_006690.png ...     pictures
${MASKS}/  0001TP_006690_L.png ...   masks in the colours of label_colors.txt`,
  licence: "for research; its authors ask to be cited",
  source: "Motion-based Segmentation and Recognition Dataset, University of Cambridge (mi.eng.cam.ac.uk)",
  splits: ["train", "val", "test", "all"],
  defaultSplit: "val",
};

const notes: readonly string[] = [
  "The splits are those of the SegNet tutorial: val is the stretch at 15 Hz (101 frames); test is Seq05VD and the second half of 0001TP (233); train is the rest (367).",
  "Pixels in colours of no class are left out of scores, as void is; a mask with more than 1 % of them is an error.",
];

/** The layout with 11 classes. */
export const camvidFullLayout: Layout = {
  ...shared,
  name: "camvid-full",
  title: "CamVid at 960x720 with the original masks, grouped into the 11 classes of the SegNet tutorial",
  notes: [...notes, "Groups: Wall, Bridge, Tunnel, Archway are building; lane markings are road; and so on."],
  recognise: (folder) => recognisePaths(folder, [FRAMES, MASKS]),
  open: (folder, options) => open(camvidFullLayout, folder, CAMVID_CLASSES, groupedColours(), options),
};

/** The layout with all classes. */
export const camvidFull32Layout: Layout = {
  ...shared,
  name: "camvid-full-32",
  title: "CamVid at 960x720 with the original masks, all 31 classes and void",
  notes: [...notes, 'The files are those of "camvid-full", which a folder is taken for unless this name is given.'],
  recognise: async (folder) => {
    const found = await recognisePaths(folder, [FRAMES, MASKS]);
    return found.kind === "found" ? { kind: "by-name" } : found;
  },
  open: (folder, options) => open(camvidFull32Layout, folder, CAMVID_FINE_CLASSES, fineColours(), options),
};

async function open(
  layout: Layout,
  folder: string,
  classNames: readonly string[],
  colours: ColourTable,
  options: OpenDatasetOptions = {},
): Promise<Dataset> {
  const split = splitOf(layout, options);
  await requirePaths(layout.name, folder, [FRAMES, MASKS]);
  const names = (await namesIn(join(folder, FRAMES), "files")).filter((file) => isImageName(file));
  const masks = new Set(await namesIn(join(folder, MASKS), "files"));
  throwIfAborted(options.signal, folder);
  const readLabels: CamvidFile["readLabels"] = async (path) => colours.labels(await readImage(path), path);
  const items = new Map(
    names
      .filter((file) => split === "all" || splitOfFrame(stemOf(file)) === split)
      .map((file): [string, CamvidFile] => {
        const mask = `${stemOf(file)}_L.png`;
        const labelsPath = masks.has(mask) ? join(folder, MASKS, mask) : undefined;
        return [stemOf(file), { framePath: join(folder, FRAMES, file), labelsPath, readLabels }];
      }),
  );
  return camvidDataset({ name: layout.name, folder: join(folder, FRAMES), split, classNames, items });
}

/** The split of the SegNet tutorial that a frame is in, as its lists of files come down to. */
function splitOfFrame(name: string): string {
  const number = Number(/\d+$/u.exec(name)?.[0] ?? "0");
  if (name.startsWith("Seq05VD_")) return "test";
  if (name.startsWith("0001TP_")) return number >= 8550 ? "test" : "train";
  if (name.startsWith("0016E5_")) return number >= 7959 && number <= 8159 ? "val" : "train";
  return "train";
}
