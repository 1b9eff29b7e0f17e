// Runs schedules against the oracle on the same frames: block by block, the oracle first, so that its labels are at hand
// and nothing but the block is kept. With a store it can be killed at any moment and goes on to the same numbers.

import { isOracle } from "../clocks/index.ts";
import type { Dataset, LabelledFrame } from "../datasets/dataset.ts";
import { ClockworkError } from "../errors.ts";
import type { LabelMap } from "../frame.ts";
import { boundaryBand, type Consistency } from "../metrics/index.ts";
import { Blocks } from "./blocks.ts";
import { decodeCheckpoint, encodeCheckpoint, type Checkpoint } from "./checkpoint.ts";
import type { DetailedEvaluation, EvaluationProtocol } from "./evaluation.ts";
import type { FrameMatcher } from "./matcher.ts";
import { phasesOf } from "./phases.ts";
import { Runner, type Block, type BlockFrame, type Contender } from "./runner.ts";
import type { EvaluationStore } from "./store.ts";
import { lengthOf, scoredLabels, stretchesOf, type Stretch, type StretchOptions } from "./stretches.ts";
import { consistencyOf, summarise, timelineOf } from "./summarise.ts";
import { consistencyFrom } from "./tally.ts";

/** How far an evaluation is. */
export interface EvaluationProgress {
  /** Frames that every schedule has been through. */
  readonly frames: number;
  /** As far as the dataset says. */
  readonly total: number | undefined;
  /** Schedule that is at work. */
  readonly clock: string;
}

/** What to evaluate, and how. */
export interface EvaluateOptions extends StretchOptions {
  readonly dataset: Dataset;
  /** Name of the model, for the result. */
  readonly model: string;
  /** The first must be `every`: the oracle. */
  readonly contenders: readonly Contender[];
  /** Number of the network's classes. */
  readonly networkClasses: number;
  /** Label of the network -> label of the dataset (255: none); default: they are the same. */
  readonly table?: Uint8Array | undefined;
  /** Name of the mapping, for the result. */
  readonly map?: string | undefined;
  /** Run every phase of periodic clocks and add the histograms; default false. */
  readonly phases?: boolean;
  /** Width of the band around true edges, in pixels; default 5, as in the paper. */
  readonly boundaryPx?: number;
  /** What finds the same in two frames, for temporal consistency; default: it is not measured. */
  readonly matcher?: FrameMatcher | undefined;
  /** What a reader of the result should know. */
  readonly notes?: readonly string[];
  readonly store?: EvaluationStore;
  /** Keep every label map in the store. */
  readonly keepLabels?: boolean;
  /** Milliseconds between checkpoints; default 5000, or more where they would take over 2 % of the time. */
  readonly checkpointMs?: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: EvaluationProgress) => void;
}

/** By default, milliseconds between checkpoints at least, and the share of the time that they take at most. */
const checkpoints = { ms: 5000, share: 0.02 } as const;

/**
 * Evaluates schedules.
 *
 * @throws ClockworkError `invalid-argument` where the first contender is not the oracle or nothing is left to evaluate,
 *   `aborted` by the signal, and what the dataset and the engine throw
 */
export async function evaluate(options: EvaluateOptions): Promise<DetailedEvaluation> {
  const { dataset, contenders, store, signal, boundaryPx = 5 } = options;
  if (contenders[0] === undefined || !isOracle(contenders[0].schedule)) {
    throw new ClockworkError("invalid-argument", "evaluate: expected the oracle (every) as the first contender");
  }
  const stretches = stretchesOf(dataset.sequences, options);
  const isLost = (stretch: Stretch): boolean => (lengthOf(stretch, dataset.sequences) ?? Infinity) <= stretch.warmUp;
  if (stretches.every(isLost)) throw nothingCounts();
  const bytes = await store?.load();
  const saved = bytes === undefined ? undefined : decodeCheckpoint(bytes);
  if (saved !== undefined && saved.runs.length !== contenders.length) {
    throw new ClockworkError(
      "invalid-argument",
      `evaluate: expected a store of the same evaluation, with ${contenders.length} schedules, got one with ` +
        `${saved.runs.length}; try an empty store`,
    );
  }
  const scoring = {
    networkClasses: options.networkClasses,
    classes: dataset.classNames.length,
    table: options.table,
  };
  const runners = contenders.map((contender, index) => {
    const phases = options.phases === true ? phasesOf(contender.schedule) : 1;
    return new Runner(contender, phases, scoring, saved?.runs[index]);
  });
  const truth =
    options.matcher === undefined || scoring.classes === 0
      ? undefined
      : consistencyFrom(scoring.classes, saved?.truthConsistency);
  const total = totalOf(stretches, dataset);
  let at: Omit<Checkpoint, "runs"> = saved ?? { stretch: 0, place: 0, done: 0, frames: 0, labelled: 0 };
  // The first block is kept at once: whoever stops early loses little, too.
  let nextCheckpoint = performance.now();
  while (at.stretch < stretches.length) {
    const stretch = stretches[at.stretch];
    if (stretch === undefined) break;
    await using blocks = new Blocks(framesOf(stretch, at.place, dataset, signal));
    let before =
      options.matcher === undefined
        ? undefined
        : await frameBefore(stretch, at.place, dataset, signal, scoring.classes);
    for (let items = await blocks.next(); items.length > 0; items = await blocks.next()) {
      // Before the engine's time is taken, and once for all schedules.
      const places = await placesOf(items, before?.item, options.matcher);
      const block: Block = {
        sequence: stretch.sequence,
        place: at.place,
        warmUp: stretch.warmUp,
        frames: items.map((item, offset) => ({
          ...blockFrame(item, at.place + offset, stretch, scoring.classes, boundaryPx),
          places: places[offset],
        })),
      };
      for (const frame of block.frames) {
        if (truth !== undefined) compareTruth(truth, frame, before?.truth);
        before = frame;
      }
      const counted = Math.max(0, items.length - Math.max(0, stretch.warmUp - at.place));
      let oracle: readonly Uint8Array[] | undefined;
      for (const [run, runner] of runners.entries()) {
        options.onProgress?.({ frames: at.done, total, clock: runner.clock });
        // Beside each schedule a part: reading takes time from the engine, which is not to fall on one of them.
        blocks.readAhead(Math.ceil(items.length / runners.length));
        const labels = await runner.go(block, oracle, signal);
        oracle ??= labels;
        if (options.keepLabels !== true) continue;
        for (const [index, map] of labels.slice(items.length - counted).entries()) {
          await store?.putLabels(run, at.frames + index, map);
        }
      }
      at = {
        stretch: at.stretch,
        place: at.place + items.length,
        done: at.done + items.length,
        frames: at.frames + counted,
        labelled: at.labelled + block.frames.filter(({ truth }) => truth !== undefined).length,
      };
      const start = performance.now();
      if (store === undefined || start < nextCheckpoint) continue;
      await store.save(
        encodeCheckpoint({
          ...at,
          truthConsistency: truth?.state,
          runs: await Promise.all(runners.map((runner) => runner.state())),
        }),
      );
      const took = performance.now() - start;
      nextCheckpoint = performance.now() + (options.checkpointMs ?? Math.max(checkpoints.ms, took / checkpoints.share));
    }
    at = { ...at, stretch: at.stretch + 1, place: 0 };
  }
  if (at.frames === 0) throw nothingCounts();
  return {
    dataset: dataset.name,
    model: options.model,
    frames: at.frames,
    labelled: at.labelled,
    truthConsistency: truth === undefined ? null : consistencyOf(truth),
    protocol: protocolOf(options, boundaryPx),
    sequences: dataset.sequences.map(({ name }) => name),
    runs: summarise(runners, dataset.classNames),
    notes: [...dataset.notes, ...(options.notes ?? [])],
    timelines: runners.map(timelineOf),
  };
}

function nothingCounts(): ClockworkError {
  return new ClockworkError(
    "invalid-argument",
    "evaluate: expected frames that count, got none; try a smaller warm-up",
  );
}

function framesOf(
  stretch: Stretch,
  place: number,
  dataset: Dataset,
  signal: AbortSignal | undefined,
): AsyncIterable<LabelledFrame> {
  const { from, to, step } = stretch;
  const sequence = dataset.sequences[stretch.sequence];
  if (sequence === undefined) throw new RangeError(`sequence ${stretch.sequence} of ${dataset.sequences.length}`);
  return sequence.read({
    from: from + place * step,
    ...(to !== undefined && { to }),
    step,
    ...(signal !== undefined && { signal }),
  });
}

function blockFrame(
  item: LabelledFrame,
  place: number,
  stretch: Stretch,
  classes: number,
  boundaryPx: number,
): Omit<BlockFrame, "places"> {
  const truth = truthOf(item, place, stretch, classes);
  return { item, truth, boundary: truth === undefined ? undefined : boundaryBand(truth, boundaryPx, classes) };
}

function truthOf(item: LabelledFrame, place: number, stretch: Stretch, classes: number): LabelMap | undefined {
  return classes === 0 ? undefined : scoredLabels(stretch, place, item);
}

/** What the first frame of a block is compared with. */
type Before = Pick<BlockFrame, "item" | "truth">;

/** The frame before one of a stretch, read again by whoever goes on in the middle; `undefined` at its start. */
async function frameBefore(
  stretch: Stretch,
  place: number,
  dataset: Dataset,
  signal: AbortSignal | undefined,
  classes: number,
): Promise<Before | undefined> {
  if (place === 0) return undefined;
  const one = { ...stretch, to: stretch.from + (place - 1) * stretch.step + 1 };
  for await (const item of framesOf(one, place - 1, dataset, signal)) {
    return { item, truth: truthOf(item, place - 1, stretch, classes) };
  }
  return undefined;
}

/** What corresponds between each frame and the one before it. */
async function placesOf(
  items: readonly LabelledFrame[],
  before: LabelledFrame | undefined,
  matcher: FrameMatcher | undefined,
): Promise<readonly (Int32Array | undefined)[]> {
  const places: (Int32Array | undefined)[] = [];
  for (const [at, { frame }] of items.entries()) {
    const earlier = at === 0 ? before : items[at - 1];
    places.push(earlier === undefined ? undefined : await matcher?.match(frame, earlier.frame));
  }
  return places;
}

function compareTruth(meter: Consistency, { truth, places }: BlockFrame, before: LabelMap | undefined): void {
  if (truth === undefined || before === undefined || places === undefined) return;
  meter.updateMatched(truth.data, before.data, places);
}

function totalOf(stretches: readonly Stretch[], dataset: Dataset): number | undefined {
  return stretches.reduce<number | undefined>((sum, stretch) => {
    const length = lengthOf(stretch, dataset.sequences);
    return sum === undefined || length === undefined ? undefined : sum + length;
  }, 0);
}

function protocolOf(options: EvaluateOptions, boundaryPx: number): EvaluationProtocol {
  return {
    split: options.dataset.split ?? null,
    every: options.every ?? 1,
    before: options.before ?? null,
    warmUp: options.warmUp ?? 0,
    phases: options.phases ?? false,
    boundaryPx,
    map: options.map ?? null,
  };
}
