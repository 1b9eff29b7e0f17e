// The short way on Node: a dataset's folder, a model and clocks by their text, and there is an evaluation. It can be
// killed at any moment: the same call goes on from there.

import { createHash } from "node:crypto";
import { basename, join, resolve } from "node:path";
import { formatSchedule, isOracle, parseSchedule, type Schedule } from "../clocks/index.ts";
import {
  mapClasses,
  openDataset,
  parseClassMap,
  translatingViewport,
  readyMaps,
  type ClassMap,
  type Dataset,
  type ViewportOptions,
} from "../datasets/index.ts";
import { openVideoDataset, videoLayout } from "../datasets/video.ts";
import { ClockworkError } from "../errors.ts";
import {
  checkpointVersion,
  evaluate,
  type Contender,
  type DetailedEvaluation,
  type EvaluationProgress,
  type StretchOptions,
} from "../evaluate/index.ts";
import { nodeEngine } from "../engine/node/engine.ts";
import { boxedModel } from "../models/index.ts";
import type { Network, Size } from "../network/index.ts";
import type { Preparation } from "../segment/index.ts";
import { planFromFile, type Plan } from "../stages/index.ts";
import { BlockMatcher } from "./block-matcher.ts";
import { evaluationsFolder } from "./evaluations-folder.ts";
import { FileStore } from "./file-store.ts";
import { readJson } from "./json-file.ts";
import { openSegmenter, type OpenSegmenterOptions } from "./open-segmenter.ts";
import { writeReport, type ReportSources } from "./write-report.ts";

/** A schedule with a cut of its own. */
export interface ClockSpec {
  readonly clock: string | Schedule;
  /** Number of stages; default: that of the other options. */
  readonly stages?: number;
  /** A saved plan (the parsed JSON); default: that of the other options. */
  readonly plan?: unknown;
}

interface ParsedSpec extends ClockSpec {
  readonly schedule: Schedule;
}

/** What to evaluate, and how. */
export interface EvaluateModelOptions extends StretchOptions, Omit<OpenSegmenterOptions, "clock"> {
  /**
   * Folder of the dataset, or a video file: then there are no labels to score against, only the oracle's; or
   * `street:SEED`, a synthetic street.
   */
  readonly folder: string;
  /** The dataset, where it is open already; `folder` then only tells it from others when an evaluation goes on. */
  readonly dataset?: Dataset;
  /** Layout of the folder, as `clockwork datasets` lists them; default: recognised. */
  readonly layout?: string;
  readonly split?: string;
  /** Schedules besides the oracle, each with a number of stages of its own where it is to have one. */
  readonly clocks: readonly (string | ClockSpec)[];
  /** Name or JSON file of a mapping from the network's classes to the dataset's; default: by name. */
  readonly map?: string;
  /** See every labelled frame as a video: through a viewport that moves. */
  readonly viewport?: ViewportOptions;
  /** Run every phase of periodic clocks and add the histograms. */
  readonly phases?: boolean;
  /** Width of the band around true edges, in pixels; default 5. */
  readonly boundaryPx?: number;
  /** Measure temporal consistency, which takes the time of matching each frame with the one before; default true. */
  readonly consistency?: boolean;
  /** Folder for a report: `report.html`, `report.json` and tables as CSV; default: none. */
  readonly report?: string;
  /** Told when all is done, while the label maps of every run can still be had. */
  readonly onEvaluated?: (evaluation: DetailedEvaluation, sources: ReportSources) => Promise<void>;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: EvaluationProgress) => void;
  /** Told once what is evaluated, before it begins. */
  readonly onStart?: (start: EvaluationStart) => void;
}

/** What is evaluated. */
export interface EvaluationStart {
  readonly dataset: Dataset;
  readonly preparation: Preparation;
  /** The schedules besides the oracle, as text. */
  readonly clocks: readonly string[];
  /** Frames that were done before, in a process that was stopped. */
  readonly resumed: boolean;
  readonly notes: readonly string[];
}

/**
 * Evaluates a model on a dataset.
 *
 * @example
 * ```ts
 * import { evaluateModel } from "clockwork-convnets/node";
 * const { runs } = await evaluateModel({ folder: "camvid", model: "my-model", clocks: ["skip:2", "fixed:2"] });
 * for (const { clock, mIoU, speedup } of runs) console.log(clock, mIoU, speedup);
 * ```
 * @throws ClockworkError where the dataset, the model, a clock or the class mapping is no good, `aborted` by the signal
 */
export async function evaluateModel(options: EvaluateModelOptions): Promise<DetailedEvaluation> {
  const { motion: origin, ...others } = options;
  const { signal } = options;
  const specs: readonly ClockSpec[] = [
    { clock: "every" },
    ...options.clocks.map((spec) => (typeof spec === "string" ? { clock: spec } : spec)),
  ];
  const wanted: readonly ParsedSpec[] = specs
    .map((spec) => ({ ...spec, schedule: typeof spec.clock === "string" ? parseSchedule(spec.clock) : spec.clock }))
    // The oracle runs anyway, and first.
    .filter(({ schedule }, place) => place === 0 || !isOracle(schedule))
    // Twice the same would be two rows that nobody can tell apart.
    .filter((spec, place, all) => all.findIndex((other) => isSame(other, spec)) === place);
  const takesVectors = origin === "codec";
  if (takesVectors) checkMotion(options, wanted);
  const found =
    options.dataset ??
    (await openDataset(options.folder, {
      ...(options.layout !== undefined && { layout: options.layout }),
      ...(options.split !== undefined && { split: options.split }),
      ...(signal !== undefined && { signal }),
    }));
  const opened = takesVectors ? await withVectors(found, options) : found;
  const dataset = options.viewport === undefined ? opened : translatingViewport(opened, options.viewport);
  const first = await firstFrame(dataset, signal);
  const contenders: Contender[] = [];
  try {
    for (const { schedule, stages, plan } of wanted) {
      // The oracle and others that hold still have no use for motion.
      const motion = schedule.propagate === "flow" ? origin : undefined;
      const oracle = contenders[0]?.segmenter;
      const segmenter =
        oracle?.variant({
          schedule,
          motion,
          ...(stages !== undefined && { stages }),
          ...(plan !== undefined && { planFor: (network: Network): Plan => planFromFile(plan, network) }),
        }) ?? (await openSegmenter({ ...others, clock: schedule }));
      contenders.push({ schedule, segmenter });
      if (segmenter.compiledFor !== undefined) throw compiledAlready(options.model ?? boxedModel);
    }
    return await evaluateContenders(options, dataset, contenders, first);
  } finally {
    await Promise.all(contenders.map(({ segmenter }) => segmenter[Symbol.asyncDispose]()));
  }
}

/** @throws ClockworkError `invalid-argument` where motion of a codec has no use, or leads to frames that are left out */
function checkMotion({ every = 1 }: StretchOptions, wanted: readonly ParsedSpec[]): void {
  if (!wanted.some(({ schedule }) => schedule.propagate === "flow")) {
    throw new ClockworkError(
      "invalid-argument",
      "motion: expected a clock that flows among those to evaluate, got none; try one with +flow, as fixed:5+flow",
    );
  }
  if (every !== 1) {
    throw new ClockworkError(
      "invalid-argument",
      `every: expected 1 with motion of a codec, which leads from each frame to the one before, got ${every}; ` +
        "try motion graph",
    );
  }
}

/**
 * A video opened anew, with its motion vectors.
 * @throws ClockworkError `invalid-argument` for what is no video, or one whose codec tells none
 */
async function withVectors({ name }: Dataset, { folder, dataset, signal }: EvaluateModelOptions): Promise<Dataset> {
  if (name !== videoLayout.name || dataset !== undefined) {
    throw new ClockworkError(
      "invalid-argument",
      `motion: expected a video file, whose codec tells motion, got pictures of ${name}; try motion graph`,
    );
  }
  return openVideoDataset(folder, { motion: true, ...(signal !== undefined && { signal }) });
}

function isSame(a: ParsedSpec, b: ParsedSpec): boolean {
  const text = ({ schedule, stages, plan }: ParsedSpec): string => JSON.stringify([schedule, stages, plan]);
  return text(a) === text(b);
}

async function evaluateContenders(
  options: EvaluateModelOptions,
  dataset: Dataset,
  contenders: readonly Contender[],
  first: Size,
): Promise<DetailedEvaluation> {
  const [oracle] = contenders;
  if (oracle === undefined) throw new RangeError("expected the oracle among the contenders");
  const preparations = [];
  for (const { segmenter } of contenders) preparations.push(await segmenter.prepare(first));
  const [preparation] = preparations;
  if (preparation === undefined) throw new RangeError("expected the oracle among the contenders");
  const { classNames } = oracle.segmenter;
  const labelled = dataset.sequences.some((sequence) => sequence.labelled.length > 0);
  const map = options.map === undefined ? undefined : await classMap(options.map);
  const mapped = labelled
    ? mapClasses({
        network: classNames,
        dataset: dataset.classNames,
        ...(map !== undefined && { map }),
      })
    : { table: undefined, missing: [], notes: [] };
  const networkClasses = preparation.network?.output.classes ?? classNames?.length ?? 256;
  const notes = [
    ...new Set([
      ...preparations.flatMap((one) => one.notes),
      ...mapped.notes,
      ...mapped.missing.map((name) => `No class of the network becomes ${name}, which scores 0.`),
    ]),
  ];
  await using store = await FileStore.open(
    join(await evaluationsFolder(), workKey(options, contenders, dataset, preparations, mapped.table)),
  );
  await using matcher = options.consistency === false ? undefined : new BlockMatcher(nodeEngine);
  const clocks = contenders.slice(1).map(({ schedule }) => formatSchedule(schedule));
  options.onStart?.({ dataset, preparation, clocks, notes, resumed: (await store.load()) !== undefined });
  const evaluation = await evaluate({
    ...options,
    dataset: labelled ? dataset : { ...dataset, classNames: [] },
    model: basename((options.model ?? boxedModel).replace(/[/\\]+$/u, "")),
    contenders,
    networkClasses,
    table: mapped.table,
    matcher,
    notes,
    store,
    keepLabels: keepsLabels(options),
  });
  const sources: ReportSources = { dataset, store, ...(classNames !== undefined && { classNames }) };
  if (options.report !== undefined) await writeReport(options.report, evaluation, sources);
  await options.onEvaluated?.(evaluation, sources);
  await store.remove();
  return evaluation;
}

function keepsLabels({ report, onEvaluated }: EvaluateModelOptions): boolean {
  return report !== undefined || onEvaluated !== undefined;
}

async function firstFrame(dataset: Dataset, signal: AbortSignal | undefined): Promise<Size> {
  for (const sequence of dataset.sequences) {
    for await (const { frame } of sequence.read({ to: 1, ...(signal !== undefined && { signal }) })) return frame;
  }
  throw new ClockworkError("invalid-argument", `${dataset.name}: expected frames, got none`);
}

function compiledAlready(model: string): ClockworkError {
  return new ClockworkError(
    "invalid-argument",
    `${model}: expected a network, got one that is compiled already; try the network that it was compiled from`,
  );
}

async function classMap(spec: string): Promise<ClassMap> {
  return readyMaps.get(spec) ?? parseClassMap(await readJson(spec), spec);
}

/** Bytes of each tensor that go into a digest: enough to tell trained weights apart. */
const digestBytes = 4096;

function weightsDigest(network: Network): string {
  const hash = createHash("sha256");
  for (const { data } of network.model.graph.initializers.values()) {
    if (data instanceof Uint8Array) hash.update(data.subarray(0, digestBytes));
  }
  return hash.digest("hex");
}

/** Name of the folder in which an evaluation that was stopped goes on: of everything that its numbers depend on. */
function workKey(
  options: EvaluateModelOptions,
  contenders: readonly Contender[],
  dataset: Dataset,
  preparations: readonly Preparation[],
  table: Uint8Array | undefined,
): string {
  const { folder, model = boxedModel, every, before, warmUp, limit, viewport, phases, boundaryPx } = options;
  const identity = JSON.stringify([
    checkpointVersion,
    [resolve(folder), dataset.name, dataset.split, dataset.classNames],
    dataset.sequences.map(({ name, length, labelled }) => [name, length, labelled.length]),
    [resolve(model), options.output, options.providers, options.threads],
    preparations.map(({ protocol, plan }) => [protocol, plan?.stages.map(({ entry }) => entry)]),
    preparations[0]?.network === undefined ? null : weightsDigest(preparations[0].network),
    contenders.map(({ schedule }) => schedule),
    [every, before, warmUp, limit, viewport, phases, boundaryPx, table === undefined ? null : [...table]],
    options.consistency !== false,
    // Where the report goes does not matter, but for it labels are kept.
    keepsLabels(options),
  ]);
  return createHash("sha256").update(identity).digest("hex").slice(0, 24);
}
