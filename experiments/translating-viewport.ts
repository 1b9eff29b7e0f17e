// The synthetic video of Shelhamer et al. 2016 (arXiv 1608.03609): labelled stills, each seen through a viewport that
// moves by so many pixels a frame, six frames, of which the last four are scored. Motion is known and large; what a
// pipeline loses by it is set against nets that are cut off where the pipeline's first stage ends.

import { basename } from "node:path";
import { mapClasses, parseClassMap, readyMaps, translatingViewport, type ClassMap } from "../src/datasets/index.ts";
import { Progress } from "../src/cli/progress.ts";
import { evaluate, Segmenter, type Contender, type Schedule } from "../src/index.ts";
import { openDataset, type Dataset } from "../src/node.ts";
import { readJson } from "../src/node/json-file.ts";
import { cutOffAt } from "./cut-off.ts";
import { rowsOf, titleOf, type Table } from "./rows.ts";
import { firstFrameOf, openSubject, type Staging, type Subject, type SubjectOptions } from "./subject.ts";

/** What to run. */
export interface TranslatingViewportOptions extends SubjectOptions {
  readonly data: string;
  readonly layout?: string | undefined;
  readonly split?: string | undefined;
  /** Mapping of classes: a name or a JSON file; default, and `name`: by name. */
  readonly map?: string | undefined;
  /** Pixels a frame; default 16 and 32. */
  readonly shifts?: readonly number[] | undefined;
  /** At most this many stills, spread evenly. */
  readonly stills?: number | undefined;
}

const frames = 6;
const warmUp = 2;

/** A segmenter with the name of its row. */
interface Method {
  readonly name: string;
  readonly contender: Contender;
}

/** Runs the experiment: one table a shift. */
export async function viewport(options: TranslatingViewportOptions): Promise<readonly Table[]> {
  const { data, layout } = options;
  const opened = await openDataset(data, {
    ...(layout !== undefined && { layout }),
    ...(options.split !== undefined && { split: options.split }),
  });
  // The paper's stills: those of VOC2011's val that are not in the training set of SBD.
  const dataset =
    opened.name === "voc" && options.split === undefined
      ? await openDataset(data, { layout: "voc", split: "seg11valid" })
      : opened;
  const tables: Table[] = [];
  for (const shiftPx of options.shifts ?? [16, 32]) {
    const videos = translatingViewport(dataset, { shiftPx, frames });
    tables.push(await tableOf(options, shiftPx, { ...videos, sequences: spread(videos.sequences, options.stills) }));
  }
  return tables;
}

/** At most so many of a list, evenly spread, the first among them. */
function spread<T>(items: readonly T[], most: number = items.length): readonly T[] {
  const step = Math.max(1, items.length / most);
  return items.filter((_, place) => Math.floor((place - 1) / step) !== Math.floor(place / step));
}

async function tableOf(options: TranslatingViewportOptions, shiftPx: number, dataset: Dataset): Promise<Table> {
  // Native, since a viewport that is stretched to the network's usual size shows other things than a picture does.
  const subject = await openSubject({ ...options, size: "native" }, await firstFrameOf(dataset));
  const notes: string[] = [];
  const methods = methodsOf(subject, notes);
  const progress = new Progress(process.stderr);
  try {
    const map = await classMapOf(options.map);
    const mapped = mapClasses({
      network: subject.oracle.classNames,
      dataset: dataset.classNames,
      ...(map !== undefined && { map }),
    });
    const evaluation = await evaluate({
      dataset,
      model: basename(options.model),
      contenders: methods.map(({ contender }) => contender),
      networkClasses: subject.classes,
      table: mapped.table,
      warmUp,
      notes: [...subject.notes, ...mapped.notes, ...notes],
      onProgress: ({ frames: done, total, clock }) => progress.update({ frames: done, total, note: clock }),
    });
    return {
      title: `Translating viewport, ${shiftPx} px a frame: ${evaluation.model} on ${titleOf(dataset)}`,
      rows: rowsOf(
        evaluation,
        methods.map(({ name }) => name),
      ),
      notes: [
        `${evaluation.frames} frames scored: the last ${frames - warmUp} of ${frames} of each of ${dataset.sequences.length} stills.`,
        ...evaluation.notes,
      ],
    };
  } finally {
    progress.done();
    await Promise.all(methods.map(({ contender }) => contender.segmenter[Symbol.asyncDispose]()));
  }
}

async function classMapOf(spec: string | undefined): Promise<ClassMap | undefined> {
  if (spec === undefined || spec === "name") return undefined;
  return readyMaps.get(spec) ?? parseClassMap(await readJson(spec), spec);
}

function methodsOf({ oracle, options, two, three }: Subject, notes: string[]): readonly Method[] {
  const method = (name: string, schedule: Schedule, segmenter: Contender["segmenter"]): Method => ({
    name,
    contender: { schedule, segmenter },
  });
  // A viewport that moves fast looks like a new shot, at which everything would fire and nothing be old.
  const shots = false;
  const clock = (name: string, schedule: Schedule, staging: Staging | undefined): readonly Method[] =>
    staging === undefined
      ? []
      : [method(name, schedule, oracle.variant({ schedule, shots, planFor: (network) => staging.planFor(network) }))];
  const cutOff = (stages: number, staging: Staging | undefined): readonly Method[] => {
    if (staging === undefined) return [];
    const scores = staging.plan.stages[0]?.scoreMap ?? null;
    if (scores === null) {
      notes.push(`no net cut off for ${stages} stages: stage 1 makes no score map.`);
      return [];
    }
    const cut = new Segmenter({ ...options, model: cutOffAt(options.model, scores), stages: 1 });
    return [method(`cut off at ${scores} (${stages}-stage baseline)`, { kind: "every" }, cut)];
  };
  return [
    method("oracle", { kind: "every" }, oracle),
    ...cutOff(2, two),
    ...cutOff(3, three),
    ...clock("pipeline, 2 stages", { kind: "pipeline" }, two),
    ...clock("pipeline, 3 stages", { kind: "pipeline" }, three),
    method("skip:2", { kind: "skip", period: 2 }, oracle.variant({ schedule: { kind: "skip", period: 2 }, shots })),
    ...clock("fixed:2", { kind: "fixed", periods: [2] }, two),
    method(
      "fixed:2+flow, 1 stage",
      { kind: "fixed", periods: [2], propagate: "flow" },
      oracle.variant({ schedule: { kind: "fixed", periods: [2], propagate: "flow" }, stages: 1, shots }),
    ),
    ...clock("fixed:2+flow", { kind: "fixed", periods: [2], propagate: "flow" }, two),
  ];
}
