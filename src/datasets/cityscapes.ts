// Cityscapes (Cordts et al., CVPR 2016): snippets of 30 frames at 17 Hz, the 20th of each labelled; or the labelled
// frames alone. File names and label ids: cityscapesScripts, README and helpers/labels.py.

import { join } from "node:path";
import type { LabelMap } from "../frame.ts";
import { readLabelImage } from "../video/index.ts";
import type { Dataset, Sequence } from "./dataset.ts";
import { countNote, fileItem } from "./file-item.ts";
import { labelTable, mapLabels } from "./label-table.ts";
import { recognisePaths, requirePaths, splitOf, type Layout, type OpenDatasetOptions } from "./layout.ts";
import { exists, namesIn } from "./listing.ts";
import { sequenceOf, throwIfAborted } from "./sequence.ts";

const FPS = 17;
const VIDEO = "leftImg8bit_sequence";
const STILLS = "leftImg8bit";

/** The 19 classes that are scored, in the order of their train ids, with the ids in the label images. */
const CLASSES: readonly (readonly [name: string, id: number])[] = [
  ["road", 7],
  ["sidewalk", 8],
  ["building", 11],
  ["wall", 12],
  ["fence", 13],
  ["pole", 17],
  ["traffic light", 19],
  ["traffic sign", 20],
  ["vegetation", 21],
  ["terrain", 22],
  ["sky", 23],
  ["person", 24],
  ["rider", 25],
  ["car", 26],
  ["truck", 27],
  ["bus", 28],
  ["train", 31],
  ["motorcycle", 32],
  ["bicycle", 33],
];

const trainIds = labelTable(CLASSES.map(([, id], label) => [id, label]));

/** The layout. */
export const cityscapesLayout: Layout = {
  name: "cityscapes",
  title: "Cityscapes: driving in 50 cities, 2048x1024, 19 classes, snippets of 30 frames of which one is labelled",
  tree: `${VIDEO}/val/frankfurt/ frankfurt_000000_000275_leftImg8bit.png ...   snippets of video, or
${STILLS}/val/frankfurt/          frankfurt_000000_000294_leftImg8bit.png ...   labelled frames alone
gtFine/val/frankfurt/               frankfurt_000000_000294_gtFine_labelIds.png ...
... and so for train/ and test/`,
  licence: "Cityscapes terms: research and other non-commercial use, after registration",
  source: `cityscapes-dataset.com: gtFine_trainvaltest, and ${VIDEO}_trainvaltest (324 GB) or ${STILLS}_trainvaltest`,
  notes: [
    `Where both are there, the snippets of ${VIDEO} are read; without them each labelled frame is a sequence of its own.`,
    "A sequence is a run of frame numbers without a gap; 17 frames a second.",
    "test has no public labels: agreement only.",
  ],
  splits: ["train", "val", "test"],
  defaultSplit: "val",
  recognise: (folder) => recognisePaths(folder, [[`${VIDEO}/`, `${STILLS}/`], "gtFine/"]),
  open,
};

/** A picture by its name. */
interface CityFrame {
  /** `frankfurt_000000_000275` */
  readonly name: string;
  /** City and recording: `frankfurt_000000`. */
  readonly recording: string;
  readonly number: number;
}

async function open(folder: string, options: OpenDatasetOptions = {}): Promise<Dataset> {
  const { name } = cityscapesLayout;
  const split = splitOf(cityscapesLayout, options);
  await requirePaths(name, folder, [
    [`${VIDEO}/${split}/`, `${STILLS}/${split}/`],
    ...(split === "test" ? [] : [`gtFine/${split}/`]),
  ]);
  const isVideo = await exists(join(folder, VIDEO, split));
  const pictures = join(folder, isVideo ? VIDEO : STILLS, split);
  const sequences: Sequence[] = [];
  const others: string[] = [];
  for (const city of await namesIn(pictures, "folders")) {
    throwIfAborted(options.signal, folder);
    const frames: CityFrame[] = [];
    for (const file of await namesIn(join(pictures, city), "files")) {
      const { recording, number } = /^(?<recording>.+_\d+)_(?<number>\d+)_leftImg8bit\.png$/u.exec(file)?.groups ?? {};
      if (recording === undefined || number === undefined) others.push(file);
      else frames.push({ name: `${recording}_${number}`, recording, number: Number(number) });
    }
    const labelFolder = join(folder, "gtFine", split, city);
    // The label images of test that are distributed are blank.
    const labels = new Set(split === "test" || !(await exists(labelFolder)) ? [] : await namesIn(labelFolder, "files"));
    for (const run of isVideo ? runsOf(frames) : frames.map((frame) => [frame])) {
      const items = run.map((frame) => {
        const file = `${frame.name}_gtFine_labelIds.png`;
        const labelsPath = labels.has(file) ? join(labelFolder, file) : undefined;
        const framePath = join(pictures, city, `${frame.name}_leftImg8bit.png`);
        return fileItem({ name: frame.name, framePath, labelsPath, readLabels });
      });
      sequences.push(sequenceOf(run[0]?.name ?? city, items, FPS));
    }
  }
  const bare = sequences.filter(({ labelled }) => labelled.length === 0).map((sequence) => sequence.name);
  const notes = [
    ...(isVideo || split === "test" ? [] : [`no ${VIDEO}/${split}: each labelled frame is a sequence of its own`]),
    ...countNote(bare, "sequences without labels"),
    ...countNote(others, "files left out, their names being none of Cityscapes'"),
  ];
  return { name, split, classNames: CLASSES.map(([className]) => className), sequences, notes };
}

async function readLabels(path: string): Promise<LabelMap> {
  return mapLabels(await readLabelImage(path), trainIds);
}

/** Frames of one recording whose numbers follow each other. */
function runsOf(frames: readonly CityFrame[]): CityFrame[][] {
  const runs: CityFrame[][] = [];
  const sorted = [...frames].sort((a, b) =>
    a.recording === b.recording ? a.number - b.number : a.recording < b.recording ? -1 : 1,
  );
  for (const frame of sorted) {
    const run = runs.at(-1);
    const last = run?.at(-1);
    if (run !== undefined && last?.recording === frame.recording && frame.number === last.number + 1) run.push(frame);
    else runs.push([frame]);
  }
  return runs;
}
