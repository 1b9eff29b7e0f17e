// The short way on Node: a dataset, a network and a recipe, and there is a trained model. It can be killed at any moment:
// the same call goes on from the last checkpoint, to the same bits.

import { mkdir } from "node:fs/promises";
import { basename, join } from "node:path";
import type { ClassMap, Dataset } from "../../datasets/index.ts";
import { nodeEngine } from "../../engine/node/engine.ts";
import type { EngineSession, EngineTensor, RunResult } from "../../engine/index.ts";
import { ClockworkError, reasonOf } from "../../errors.ts";
import { writeModel, type Model } from "../../onnx/index.ts";
import { balancedWeights, recipeStep, stepNames } from "../../train/recipe-step.ts";
import type { Recipe } from "../../train/recipe.ts";
import { learningRate } from "../../train/schedules.ts";
import { initialOf, type TrainingStep } from "../../train/step-graph.ts";
import { preprocessorOf, writeModelFolder } from "../model-folder.ts";
import { writeWhole } from "../whole-file.ts";
import { classCounts } from "./class-counts.ts";
import { availableMemory, fittingStep } from "./fitting-step.ts";
import { identityOf, readCheckpoint, writeCheckpoint, type Standing } from "./checkpoint.ts";
import { openFeeder, type Feeder } from "./feeder.ts";
import { isArchitecture, startingNetwork, type StartingNetwork } from "./starting-network.ts";
import { openTeacher } from "./teacher.ts";
import { trainedModel } from "./trained-model.ts";
import { TrainingLog } from "./training-log.ts";
import { openTrainingSets, type TrainingSet, type TrainingSetOptions } from "./training-set.ts";
import { openValidationSet } from "./validation-set.ts";
import { validate } from "./validation.ts";

/** What to train, on what, and how. */
export interface TrainModelOptions {
  /** Folder of the dataset, or several of the same classes, whose samples are joined. */
  readonly data: string | readonly string[];
  /** Folders to validate on; default: those of `data`. */
  readonly validationData?: string | readonly string[];
  /** Layout of all folders; default: recognised. */
  readonly layout?: string;
  /** Default `train`, where the layout has splits. */
  readonly split?: string;
  /**
   * Split to validate on; default `val` where the dataset has it. Of `validationData`, all where their layout has no such
   * split. `null`: no validation.
   */
  readonly validation?: string | null;
  readonly map?: ClassMap;
  /** Name of an architecture, or a model folder or file to go on from. */
  readonly network: string;
  readonly recipe: Recipe;
  /** Puts weights into the network before the first step; returns it, and what is to be said. */
  readonly initialise?: (model: Model) => Promise<{ readonly model: Model; readonly notes: readonly string[] }>;
  /** Folder of the model to be made. */
  readonly output: string;
  readonly threads?: number;
  /** Most bytes that a step may take; default: what the machine, or the container around the process, has left. */
  readonly memoryLimitBytes?: number;
  /** Execution providers, the preferred first; default: the CPU. */
  readonly providers?: readonly string[];
  /** Seconds between checkpoints; default 60. */
  readonly checkpointEverySec?: number;
  readonly signal?: AbortSignal;
  readonly onStart?: (start: TrainingStart) => void;
  readonly onProgress?: (progress: TrainingProgress) => void;
}

/** What is trained. */
export interface TrainingStart {
  readonly network: string;
  readonly samples: number;
  readonly classNames: readonly string[];
  /** Numbers that are learned. */
  readonly weights: number;
  /** Bytes that a step takes, as estimated from its shapes (see `stepMemory`). */
  readonly memoryBytes: number;
  /** Updates that were made before, in a process that was stopped. */
  readonly resumedAt: number;
  readonly notes: readonly string[];
}

/** Where it stands. */
export interface TrainingProgress {
  /** Updates so far, of `total`. */
  readonly step: number;
  readonly total: number;
  readonly loss: number;
  /** mIoU in percent of the best validation. */
  readonly best: number | undefined;
}

/** What came of it. */
export interface Trained {
  readonly steps: number;
  readonly seconds: number;
  readonly loss: number | undefined;
  readonly best: { readonly step: number; readonly meanIou: number } | undefined;
  /** Whether it ended before its last step, since validations got no better. */
  readonly stoppedEarly: boolean;
}

const usualCheckpointSec = 60;
/** Steps from one line of the log to the next. */
const logEvery = 10;
/** Seconds after which the page with the curve is loaded anew. */
const refreshSec = 30;

/**
 * Trains a network. The folder gets the best model on validation, or the last where there is none, and
 * `training/` with the recipe, the log (ndjson), a curve (HTML) and the checkpoint.
 * @throws ClockworkError where data, network and recipe do not fit, `aborted` by the signal after a last checkpoint
 */
export async function trainModel(options: TrainModelOptions): Promise<Trained> {
  const { recipe, signal } = options;
  const data = listed(options.data);
  const open = (more: TrainingSetOptions): Promise<TrainingSet> =>
    openTrainingSets(data, {
      ...(options.split !== undefined && { split: options.split }),
      ...(options.layout !== undefined && { layout: options.layout }),
      ...(signal !== undefined && { signal }),
      ...more,
    });
  const mapped = options.map === undefined ? {} : { map: options.map };
  // An architecture takes the classes of the data, and the data those of a file.
  const takesClasses = isArchitecture(options.network);
  const set = await open(takesClasses ? mapped : {});
  const start = await startingNetwork(options.network, set.classNames.length, recipe);
  const named = start.classNames === undefined ? {} : { classNames: start.classNames };
  const fitted = takesClasses ? set : await open({ ...mapped, ...named });
  const validation = await openValidationSet({
    data,
    validationData: options.validationData === undefined ? undefined : listed(options.validationData),
    validation: options.validation,
    layout: options.layout,
    classNames: fitted.classNames,
  });
  const initial = await options.initialise?.(start.training);
  const training = initial?.model ?? start.training;
  const needsBalance = recipe.losses.some((loss) => "classWeights" in loss && loss.classWeights === "balanced");
  const classes = fitted.classNames.length;
  const counts = needsBalance ? await classCounts(fitted.samples, fitted.lookup, classes, signal) : [];
  const balanced = balancedWeights(counts);
  const stepOf = async (own: Recipe, model: Model): Promise<TrainingStep> => {
    const teacher = await openTeacher(own, { where: start.name, classNames: fitted.classNames });
    return await recipeStep(own, { model, classes, balanced, preprocessing: start.preprocessing, teacher }, nodeEngine);
  };
  const step = await stepOf(recipe, training);
  const memory = await fittingStep(step, recipe, options.memoryLimitBytes ?? availableMemory(), async (smaller) =>
    stepOf(smaller, (await startingNetwork(options.network, set.classNames.length, smaller)).training),
  );
  const run = new Training(options, start, fitted, validation, step, memory.bytes);
  return await run.go([...start.warnings, ...fitted.notes, ...(initial?.notes ?? [])]);
}

function listed(folders: string | readonly string[]): readonly string[] {
  return typeof folders === "string" ? [folders] : folders;
}

/** One training in progress. */
class Training {
  readonly #options: TrainModelOptions;
  readonly #start: StartingNetwork;
  readonly #set: TrainingSet;
  readonly #validation: Dataset | undefined;
  readonly #step: TrainingStep;
  readonly #memoryBytes: number;
  readonly #folder: string;

  constructor(
    options: TrainModelOptions,
    start: StartingNetwork,
    set: TrainingSet,
    validation: Dataset | undefined,
    step: TrainingStep,
    memoryBytes: number,
  ) {
    this.#options = options;
    this.#start = start;
    this.#set = set;
    this.#validation = validation;
    this.#step = step;
    this.#memoryBytes = memoryBytes;
    this.#folder = join(options.output, "training");
  }

  async go(notes: readonly string[]): Promise<Trained> {
    const { recipe, signal, threads, providers, onStart, onProgress, checkpointEverySec } = this.#options;
    const { memory } = this.#step;
    await mkdir(this.#folder, { recursive: true }).catch((cause: unknown) => {
      throw new ClockworkError("io", `${this.#folder}: expected a folder that can be made (${reasonOf(cause)})`, {
        cause,
      });
    });
    const bytes = writeModel(this.#step.model).bytes;
    const identity = identityOf([bytes, JSON.stringify([recipe, this.#set.samples, this.#set.lookup])]);
    const path = join(this.#folder, "checkpoint.safetensors");
    const saved = await readCheckpoint(path);
    if (saved !== undefined && saved.standing.identity !== identity) {
      throw new ClockworkError(
        "invalid-argument",
        `${path}: expected a checkpoint of this recipe, network and data, got one of another training; ` +
          "try another folder, or remove that one",
      );
    }
    let standing: Standing = saved?.standing ?? { step: 0, best: undefined, worse: 0, seconds: 0, identity };
    await writeWhole(join(this.#folder, "recipe.json"), `${JSON.stringify(recipe, undefined, 2)}\n`);
    const log = await TrainingLog.open(join(this.#folder, "log.ndjson"), standing.step);
    onStart?.({
      network: this.#start.name,
      samples: this.#set.samples.length,
      classNames: this.#set.classNames,
      weights: learnedNumbers(this.#step),
      memoryBytes: this.#memoryBytes,
      resumedAt: standing.step,
      notes,
    });
    await using session = await nodeEngine.open(bytes, {
      state: memory,
      ...(threads !== undefined && { threads }),
      ...(providers !== undefined && { providers }),
    });
    await session.writeState(saved?.memory ?? Object.fromEntries(memory.map((one) => [one.input, initialOf(one)])));
    await using feeder = await openFeeder({
      samples: this.#set.samples,
      lookup: this.#set.lookup,
      preprocessing: this.#start.preprocessing,
      augmentation: recipe.augmentation,
      batch: recipe.batch,
      seed: recipe.seed,
      startBatch: standing.step * recipe.accumulate,
    });
    let savedAt = performance.now();
    let from = performance.now();
    let loss = Number.NaN;
    const take = async (): Promise<void> => {
      const now = performance.now();
      standing = { ...standing, seconds: standing.seconds + (now - from) / 1000 };
      from = now;
      await writeCheckpoint(path, { standing, memory: await session.readState() });
      savedAt = performance.now();
    };
    const patience = recipe.patience ?? Infinity;
    while (standing.step < recipe.steps && standing.worse < patience) {
      if (signal?.aborted === true) {
        await take();
        throw new ClockworkError(
          "aborted",
          `training: stopped at step ${standing.step}; the same command goes on from there`,
        );
      }
      const began = performance.now();
      const rate = rateAt(recipe, standing.step);
      loss = await this.#update(session, feeder, standing.step, rate);
      if (!Number.isFinite(loss)) {
        throw new ClockworkError(
          "engine",
          `training: expected a finite loss at step ${standing.step + 1}, got ${loss}; try a lower rate.base or clipNorm`,
        );
      }
      const step = standing.step + 1;
      standing = { ...standing, step };
      if (step % logEvery === 0 || step === recipe.steps) {
        await log.add({ kind: "step", step, loss, rate, ms: Math.round(performance.now() - began) });
      }
      const isLast = step === recipe.steps;
      if (isLast || (recipe.validateEvery !== undefined && step % recipe.validateEvery === 0)) {
        standing = await this.#look(session, standing, log);
        await take();
        await this.#draw(log, isLast || standing.worse >= patience);
      } else if (performance.now() - savedAt > 1000 * (checkpointEverySec ?? usualCheckpointSec)) {
        await take();
        await this.#draw(log, false);
      }
      const best = standing.best?.meanIou;
      onProgress?.({ step, total: recipe.steps, loss, best: best === undefined ? undefined : 100 * best });
    }
    const { step, seconds, best } = standing;
    return {
      steps: step,
      seconds,
      loss: Number.isFinite(loss) ? loss : undefined,
      best,
      stoppedEarly: step < recipe.steps,
    };
  }

  /** One update of the weights; returns the mean loss of its batches. */
  async #update(session: EngineSession, feeder: Feeder, step: number, rate: number): Promise<number> {
    const { recipe, signal } = this.#options;
    const { accumulate } = recipe;
    let sum = 0;
    for (let part = 0; part < accumulate; part++) {
      const { image, imageDims, labels, labelDims } = await feeder.next(signal);
      const feeds: Record<string, EngineTensor> = {
        [stepNames.image]: { dtype: "float32", dims: imageDims, data: image },
        [stepNames.labels]: { dtype: "uint8", dims: labelDims, data: labels },
        [stepNames.rate]: scalar(rate),
        [stepNames.step]: scalar(step),
      };
      if (accumulate > 1) {
        feeds[stepNames.apply] = { dtype: "bool", dims: [], data: Uint8Array.of(part === accumulate - 1 ? 1 : 0) };
      }
      const { outputs }: RunResult = await session.run(feeds);
      sum += Number(outputs[stepNames.loss]?.data[0] ?? Number.NaN);
    }
    return sum / accumulate;
  }

  /** Validates; the best model is written. */
  async #look(session: EngineSession, standing: Standing, log: TrainingLog): Promise<Standing> {
    const { output, threads, signal } = this.#options;
    const { classNames } = this.#set;
    const { preprocessing, sizeMultiple, inference } = this.#start;
    const model = trainedModel(inference, stepNames.network, this.#step, await session.readState());
    const preprocessor = preprocessorOf(preprocessing, sizeMultiple);
    const write = (): Promise<void> => writeModelFolder(output, model, { classNames, preprocessor });
    if (this.#validation === undefined) {
      await write();
      return standing;
    }
    const scores = await validate(model, {
      dataset: this.#validation,
      classNames,
      preprocessing,
      ...(threads !== undefined && { threads }),
      ...(signal !== undefined && { signal }),
    });
    const meanIou = scores.meanIou ?? 0;
    const names = this.#validation.classNames;
    await log.add({
      kind: "validation",
      step: standing.step,
      meanIou,
      accuracy: scores.accuracy ?? 0,
      iou: Object.fromEntries(scores.iou.map((value, label) => [names[label] ?? `class ${label}`, value ?? null])),
    });
    if (standing.best !== undefined && standing.best.meanIou >= meanIou) {
      return { ...standing, worse: standing.worse + 1 };
    }
    await write();
    return { ...standing, best: { step: standing.step, meanIou }, worse: 0 };
  }

  async #draw({ entries }: TrainingLog, isOver: boolean): Promise<void> {
    const { data, recipe } = this.#options;
    const steps = entries.flatMap((entry) => (entry.kind === "step" ? [entry] : []));
    if (steps.length === 0) return;
    const validations = entries.flatMap((entry) =>
      entry.kind === "validation" ? [{ step: entry.step, meanIou: 100 * entry.meanIou }] : [],
    );
    // Drawing takes libraries that no other command has to wait for.
    const { trainingCurveHtml } = await import("../../report/index.ts");
    const html = trainingCurveHtml({
      title: `Training of ${this.#start.name}`,
      lead: `${recipe.about ?? "recipe.json"}; ${this.#set.samples.length} samples of ${listed(data)
        .map((folder) => basename(folder))
        .join(", ")}; ${recipe.steps} steps of ${recipe.batch * recipe.accumulate}`,
      steps,
      validations,
      ...(!isOver && { refreshSec }),
    });
    await writeWhole(join(this.#folder, "curve.html"), html);
  }
}

function scalar(value: number): EngineTensor {
  return { dtype: "float32", dims: [], data: Float32Array.of(value) };
}

function rateAt({ rate, steps }: Recipe, step: number): number {
  const { base, schedule, warmUp } = rate;
  return learningRate(step, { base, schedule, total: steps, ...(warmUp !== undefined && { warmUp }) });
}

function learnedNumbers(step: TrainingStep): number {
  const dims = new Map(step.memory.map((one) => [one.input, one.dims]));
  let count = 0;
  for (const inputs of step.learned.values()) {
    for (const input of inputs.values())
      count += (dims.get(input) ?? [0]).reduce((product, length) => product * length, 1);
  }
  return count;
}
