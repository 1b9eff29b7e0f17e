// One's own data: a folder of pictures, label images of the same names, and the names of the classes.

import { join } from "node:path";
import { ClockworkError } from "../errors.ts";
import type { LabelMap } from "../frame.ts";
import { isImageName, readLabelImage } from "../video/index.ts";
import type { Dataset, Sequence } from "./dataset.ts";
import { countNote, fileItem, stemOf } from "./file-item.ts";
import { readJsonFile } from "./json-file.ts";
import { labelTable, mapLabels, VOID } from "./label-table.ts";
import { recognisePaths, requirePaths, splitOf, type Layout, type OpenDatasetOptions } from "./layout.ts";
import { exists, namesIn } from "./listing.ts";
import { sequenceOf, throwIfAborted } from "./sequence.ts";

const CLASSES = "classes.json";
const DEFAULT_FPS = 25;

/** The layout. */
export const folderLayout: Layout = {
  name: "folder",
  title: "your own data: pictures, label images for all or some of them, names of classes",
  tree: `frames/        00001.jpg ...        one sequence; or a subfolder for each: frames/drive1/00001.jpg
labels/        00001.png ...        indexed or gray, the class of every pixel; same names, same subfolders
${CLASSES}   ["road", "car"]      or {"names": ["road", "car"], "ignore": [255], "fps": 25}`,
  licence: "your own",
  source: "you",
  notes: [
    "labels/ may lack some pictures, or be missing: then there is agreement with the oracle, and no score.",
    'Labels are places in "names", from 0; those in "ignore" (255 where not given) are left out of scores.',
    `Frames follow each other in the order of their names, "fps" a second (${DEFAULT_FPS} where not given).`,
  ],
  splits: [],
  defaultSplit: undefined,
  recognise: (folder) => recognisePaths(folder, ["frames/"]),
  open,
};

async function open(folder: string, options: OpenDatasetOptions = {}): Promise<Dataset> {
  const { name } = folderLayout;
  if (options.split !== undefined) splitOf(folderLayout, options);
  await requirePaths(name, folder, ["frames/"]);
  const hasLabels = await exists(join(folder, "labels"));
  const hasClasses = await exists(join(folder, CLASSES));
  if (hasLabels && !hasClasses) {
    throw new ClockworkError(
      "invalid-argument",
      `${folder}: expected ${CLASSES} with the names of the classes beside labels/, got none; try ["road", "car"]`,
    );
  }
  const classes = hasClasses ? await readClasses(join(folder, CLASSES)) : { names: [], ignore: [], fps: DEFAULT_FPS };
  const readLabels = labelReader(classes);
  const sequences: Sequence[] = [];
  const [bare, orphans]: [string[], string[]] = [[], []];
  for (const part of ["", ...(await namesIn(join(folder, "frames"), "folders"))]) {
    throwIfAborted(options.signal, folder);
    const pictures = join(folder, "frames", part);
    const labelFolder = join(folder, "labels", part);
    const labels = new Set(hasLabels && (await exists(labelFolder)) ? await namesIn(labelFolder, "files") : []);
    const files = (await namesIn(pictures, "files")).filter((file) => isImageName(file));
    const items = files.map((file) => {
      const itemName = join(part, stemOf(file));
      const labelFile = `${stemOf(file)}.png`;
      // What is left in the end has no picture.
      const isLabelled = labels.delete(labelFile);
      if (!isLabelled) bare.push(itemName);
      const labelsPath = isLabelled ? join(labelFolder, labelFile) : undefined;
      return fileItem({ name: itemName, framePath: join(pictures, file), labelsPath, readLabels });
    });
    orphans.push(...Array.from(labels, (file) => join("labels", part, file)));
    if (items.length > 0) sequences.push(sequenceOf(part === "" ? "frames" : part, items, classes.fps));
  }
  if (sequences.length === 0) {
    throw new ClockworkError("invalid-argument", `${join(folder, "frames")}: expected pictures, got none`);
  }
  const notes = [
    ...(hasLabels ? countNote(bare, "pictures without labels") : ["no labels/: agreement only"]),
    ...countNote(orphans, "files of labels without a picture"),
  ];
  return { name, split: undefined, classNames: classes.names, sequences, notes };
}

interface Classes {
  readonly names: readonly string[];
  /** Stored labels that are left out of scores. */
  readonly ignore: readonly number[];
  readonly fps: number;
}

/** @throws {ClockworkError} `invalid-argument` where the file is not as the layout says. */
async function readClasses(path: string): Promise<Classes> {
  const json = await readJsonFile(path);
  const fields = Array.isArray(json) ? { names: json } : json;
  if (typeof fields !== "object" || fields === null) throw bad(path, "a list of names, or an object with them", json);
  const { names, ignore = [VOID], fps = DEFAULT_FPS, ...others } = fields as Record<string, unknown>;
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) throw bad(path, 'the fields "names", "ignore" and "fps"', unknown);
  if (!isListOf(names, (item): item is string => typeof item === "string") || names.length < 1 || names.length > VOID) {
    throw bad(path, `"names" to be a list of 1 to ${VOID} texts`, names);
  }
  const isByte = (item: unknown): item is number => Number.isInteger(item) && Number(item) >= 0 && Number(item) <= 255;
  if (!isListOf(ignore, isByte)) throw bad(path, '"ignore" to be a list of numbers from 0 to 255', ignore);
  if (typeof fps !== "number" || !(fps > 0)) throw bad(path, '"fps" to be a number above 0', fps);
  return { names, ignore, fps };
}

function isListOf<T>(value: unknown, isItem: (item: unknown) => item is T): value is T[] {
  return Array.isArray(value) && value.every((item) => isItem(item));
}

function bad(path: string, expected: string, got: unknown): ClockworkError {
  return new ClockworkError("invalid-argument", `${path}: expected ${expected}, got ${JSON.stringify(got)}`);
}

/** Reads labels, and refuses those that are neither classes nor to be ignored: they would be lost without a word. */
function labelReader({ names, ignore }: Classes): (path: string) => Promise<LabelMap> {
  const table = labelTable(names.map((_, label) => [label, label]));
  for (const value of ignore) table[value] = VOID;
  const known = new Set([...names.keys(), ...ignore]);
  return async (path) => {
    const labels = await readLabelImage(path);
    const stray = [...new Set(labels.data)].find((value) => !known.has(value));
    if (stray !== undefined) {
      throw new ClockworkError(
        "invalid-argument",
        `${path}: expected labels from 0 to ${names.length - 1} or among ${JSON.stringify(ignore)}, got ${stray}; ` +
          `try adding it to "names" or "ignore" in ${CLASSES}`,
      );
    }
    return mapLabels(labels, table);
  };
}
