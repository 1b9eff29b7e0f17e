// From a dataset's folder to what a feeder takes: the samples, and which label of the network each of its labels is.
// Lists files and reads no picture.

import { openDataset, type ClassMap, type Dataset } from "../../datasets/index.ts";
import { nearestName, plainName } from "../../datasets/maps/class-name.ts";
import { ClockworkError } from "../../errors.ts";
import { ignoreLabel, type Sample } from "../../train/data/index.ts";
import { splitWhereIs } from "./layout-split.ts";
import { checkSameClasses } from "./same-classes.ts";

/** Which frames of a dataset are samples: those with labels; all; or all, and labels are not looked at. */
export type SampleChoice = "labelled" | "all" | "unlabelled";

/** How to open a folder for training. */
export interface TrainingSetOptions {
  /** Layout of the folder, as `clockwork datasets` lists them; default: recognised. */
  readonly layout?: string;
  /** Default: `train` where the layout has it, else the layout's default. */
  readonly split?: string;
  /** Default: labelled. */
  readonly frames?: SampleChoice;
  /** Classes of the network by label; default: those of the dataset. */
  readonly classNames?: readonly string[];
  /** Number of classes that the network tells apart: checked against its names, or the dataset's. */
  readonly classes?: number;
  /** Which class of the network a class of the dataset is; default: by name. */
  readonly map?: ClassMap;
  readonly signal?: AbortSignal;
}

/** What a feeder takes, and what a user should know of it. */
export interface TrainingSet {
  /** Name of the layout. */
  readonly name: string;
  readonly split: string | undefined;
  readonly samples: readonly Sample[];
  /** The network's classes by label. */
  readonly classNames: readonly string[];
  /** Classes of the dataset by label; empty where it has none. */
  readonly datasetClassNames: readonly string[];
  /** Label of pixels that no loss counts. */
  readonly ignore: number;
  /** The network's label for each of 256 labels of the dataset; `ignore` where it has none. */
  readonly lookup: readonly number[];
  /** Sentences. */
  readonly notes: readonly string[];
}

/**
 * Opens a dataset for training.
 *
 * @throws {ClockworkError} as `openDataset` does; `invalid-argument` where there are no frames to train on, where classes
 * of the network and the dataset do not fit, and for videos, whose frames cannot be read in any order
 */
export async function openTrainingSet(folder: string, options: TrainingSetOptions = {}): Promise<TrainingSet> {
  const { frames = "labelled", signal } = options;
  const split = options.split ?? (await splitWhereIs("train", folder, options.layout));
  const dataset = await openDataset(folder, {
    ...(options.layout !== undefined && { layout: options.layout }),
    ...(split !== undefined && { split }),
    ...(signal !== undefined && { signal }),
  });
  const samples = samplesOf(folder, dataset, frames);
  if (samples.length === 0) {
    const [wanted, hint] = frames === "labelled" ? ["frames with labels", ', or frames "unlabelled"'] : ["frames", ""];
    const where = dataset.split === undefined ? folder : `${folder}, split "${dataset.split}"`;
    throw new ClockworkError(
      "invalid-argument",
      `${where}: expected ${wanted}, got none; try another folder or split${hint}`,
    );
  }
  const classNames = options.classNames ?? dataset.classNames;
  const { classes } = options;
  if (classes !== undefined && classes !== classNames.length) {
    throw new ClockworkError(
      "invalid-argument",
      `${folder}: expected the ${classes} classes of the network, got ${classNames.length} ` +
        `(${listed(classNames)}); try a class map`,
    );
  }
  const mapped =
    frames === "unlabelled" || dataset.classNames.length === 0
      ? { lookup: Array.from({ length: 256 }, () => ignoreLabel), notes: [] }
      : mappedClasses(folder, dataset.classNames, classNames, options);
  return {
    name: dataset.name,
    split: dataset.split,
    samples,
    classNames,
    datasetClassNames: dataset.classNames,
    ignore: ignoreLabel,
    lookup: mapped.lookup,
    notes: [...dataset.notes, ...mapped.notes],
  };
}

/**
 * Opens several datasets as one: samples of all, one after the other.
 *
 * @throws {ClockworkError} as `openTrainingSet` does; `invalid-argument` where they do not have the same classes
 */
export async function openTrainingSets(
  folders: readonly string[],
  options: TrainingSetOptions = {},
): Promise<TrainingSet> {
  const sets: TrainingSet[] = [];
  for (const folder of folders) sets.push(await openTrainingSet(folder, options));
  checkSameClasses(sets.map((set, index) => ({ where: folders[index] ?? "", classNames: set.datasetClassNames })));
  const [first, second] = sets;
  if (first === undefined) throw new ClockworkError("invalid-argument", "data: expected a dataset's folder, got none");
  if (second === undefined) return first;
  return {
    ...first,
    samples: sets.flatMap(({ samples }) => samples),
    notes: sets.flatMap(({ notes }, index) => notes.map((note) => `${folders[index]}: ${note}`)),
  };
}

function samplesOf(folder: string, dataset: Dataset, frames: SampleChoice): Sample[] {
  const source = { folder, layout: dataset.name, split: dataset.split };
  return dataset.sequences.flatMap(({ name, length, labelled }, sequence) => {
    if (length === undefined) {
      throw new ClockworkError(
        "invalid-argument",
        `${folder}: expected frames that can be read in any order, got a video, "${name}"; ` +
          "try its frames as pictures, in a folder called frames/",
      );
    }
    const indices = frames === "labelled" ? labelled : Array.from({ length }, (_, index) => index);
    return indices.map((index) => ({ source, sequence, index, length, name: `${name}[${index}]` }));
  });
}

function mappedClasses(
  folder: string,
  dataset: readonly string[],
  network: readonly string[],
  { map }: TrainingSetOptions,
): { lookup: number[]; notes: string[] } {
  const targets = dataset.map((name) => {
    const target = map === undefined ? name : classIn(map, name);
    return target === undefined ? undefined : labelOf(network, target);
  });
  if (map !== undefined) checkMap(map, dataset, network);
  if (targets.every((target) => target === undefined)) {
    throw new ClockworkError(
      "invalid-argument",
      `${folder}: expected classes of the network's ${network.length} (${listed(network)}), got the dataset's ` +
        `${dataset.length} (${listed(dataset)}); try a class map`,
    );
  }
  const lookup = Array.from({ length: 256 }, (_, label) => targets[label] ?? ignoreLabel);
  const lost = dataset.filter((_, label) => targets[label] === undefined);
  const bare = network.filter((_, label) => !targets.includes(label));
  return {
    lookup,
    notes: [
      ...(lost.length > 0
        ? [`Classes of the dataset that the network does not have, not trained on: ${listed(lost)}.`]
        : []),
      ...(bare.length > 0 ? [`Classes of the network that the dataset does not have: ${listed(bare)}.`] : []),
    ],
  };
}

/** The class that a map makes of another; `undefined` for none. */
function classIn({ classes }: ClassMap, name: string): string | undefined {
  const entry = Object.entries(classes).find(([from]) => plainName(from) === plainName(name));
  return entry?.[1] ?? undefined;
}

/** @throws {ClockworkError} `invalid-argument` where a map names classes that are not there */
function checkMap({ title, classes }: ClassMap, dataset: readonly string[], network: readonly string[]): void {
  for (const [from, to] of Object.entries(classes)) {
    const sides = [
      ["dataset", from, dataset],
      ["network", to, network],
    ] as const;
    for (const [side, name, names] of sides) {
      if (name === null || labelOf(names, name) !== undefined) continue;
      const nearest = nearestName(name, names);
      throw new ClockworkError(
        "invalid-argument",
        `class map "${title}": expected a class of the ${side}, got "${name}"` +
          `${nearest === undefined ? "" : `; try "${nearest}"`} (${listed(names)})`,
      );
    }
  }
}

function labelOf(names: readonly string[], name: string): number | undefined {
  const label = names.findIndex((other) => plainName(other) === plainName(name));
  return label < 0 ? undefined : label;
}

/** Names for a message; of very many, the first. */
function listed(names: readonly string[]): string {
  const most = 30;
  const shown = names.slice(0, most).join(", ");
  return names.length > most ? `${shown}, ... and ${names.length - most} more` : shown;
}
