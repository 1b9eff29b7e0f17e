// Footage that a clock is tuned on, gone through with segmenters: the oracle's labels, the small label maps that clocks
// look at, feature vectors for a probe. Decides nothing.

import type { ChangeSignal, LinearProbe, Propagation, Schedule } from "../clocks/index.ts";
import type { Sequence } from "../datasets/dataset.ts";
import type { Engine, OpenOptions } from "../engine/index.ts";
import { ClockworkError } from "../errors.ts";
import type { LabelStore } from "../evaluate/index.ts";
import type { Frame } from "../frame.ts";
import { sizeText, type Network, type Size } from "../network/index.ts";
import type { Segmenter, SegmenterVariant, SegmentResult } from "../segment/index.ts";
import { planFromFile, planToFile, type Plan } from "../stages/index.ts";
import { MotionRecorder } from "./motion-recorder.ts";
import type { MotionValues } from "./motion-values.ts";
import { movedBy } from "./part.ts";
import type { ProbeSamples } from "./probe.ts";
import type { Random } from "../seeded.ts";
import type { LabelMap, Recording } from "./recording.ts";
import { gridLabels, sampleFrames, samplePositions } from "./sample.ts";

/** What is told while footage is gone through. */
export interface FootageProgress {
  /** What is being done, in a few words. */
  readonly step: string;
  readonly frames: number;
  /** As far as it is known. */
  readonly total: number | undefined;
}

/** Where footage comes from, and what goes with every pass over it. */
export interface FootageOptions {
  readonly videos: readonly Sequence[];
  /** The network on every frame. */
  readonly oracle: Segmenter;
  /** The network and its plan, at the size of the first video's frames. */
  readonly network: Network;
  readonly plan: Plan;
  /** Gets the oracle's labels, by video and frame. */
  readonly labels: LabelStore;
  /** What clocks do with what is held; default `still`. */
  readonly propagate?: Propagation;
  /** What flow is recorded with; needed for `flow`. The same as the oracle's, so that decisions are the same. */
  readonly engine?: Engine;
  readonly engineOptions?: Pick<OpenOptions, "threads" | "providers">;
  /** Most frames of each video. */
  readonly limit?: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: FootageProgress) => void;
}

/** What a pass needs that keeps no labels. */
export type PassOptions = Omit<FootageOptions, "labels">;

/** A video after the oracle has been through. */
export interface OracleVideo {
  readonly frames: number;
  /** From its timestamps; 25 where it has one frame. */
  readonly framesPerSec: number;
}

/** A clock of which nothing fires but first frames of videos and shots. */
export function neverFires(stages: number, propagate: Propagation = "still"): Schedule {
  return {
    ...(stages === 1 ? { kind: "skip", period: longestPeriod } : { kind: "fixed", periods: [longestPeriod] }),
    ...movedBy(propagate),
  };
}

/** The longest period that a schedule takes. */
const longestPeriod = 1_080_000;

/** The network on another schedule, with the one plan that a tuned schedule has, whatever the size of a video. */
export function variantOf(
  { oracle, network, plan }: Pick<FootageOptions, "oracle" | "network" | "plan">,
  changes: SegmenterVariant,
): Segmenter {
  const planFor = (other: Network): Plan => (other === network ? plan : planFromFile(planToFile(plan, network), other));
  return oracle.variant({ ...changes, planFor });
}

/** No share of changed labels reaches this. */
const outOfReach = 2;

/**
 * Runs the oracle over all videos and keeps its labels.
 * @param onSize told the size of the first frame before the others are run
 * @throws ClockworkError `invalid-video` for a video without frames, or with frames of several sizes
 */
export async function runOracle(
  options: FootageOptions,
  onSize: (size: Size) => Promise<void> = () => Promise.resolve(),
): Promise<readonly OracleVideo[]> {
  const { videos, oracle, labels } = options;
  const known = totalOf(options);
  let done = 0;
  const result: OracleVideo[] = [];
  for (const [video, sequence] of videos.entries()) {
    let frames = 0;
    let first = 0;
    let last = 0;
    let size: Size | undefined;
    for await (const { labels: map, timestampSec } of oracle.segment(framesOf(sequence, options), pass(options))) {
      if (done === 0) await onSize(map);
      size ??= map;
      if (sizeText(map) !== sizeText(size)) {
        throw new ClockworkError(
          "invalid-video",
          `${sequence.name}: expected frames of one size, got ${sizeText(size)} and, from frame ${frames} on, ` +
            `${sizeText(map)}; try --limit ${frames}, or cutting it there into two videos`,
        );
      }
      if (frames === 0) first = timestampSec;
      last = timestampSec;
      await labels.putLabels(video, frames, map.data);
      frames += 1;
      done += 1;
      options.onProgress?.({ step: "oracle", frames: done, total: known });
    }
    if (frames === 0) throw new ClockworkError("invalid-video", `${sequence.name}: expected frames, got none`);
    result.push({ frames, framesPerSec: last > first ? (frames - 1) / (last - first) : usualFramesPerSec });
  }
  return result;
}

const usualFramesPerSec = 25;

/**
 * Runs the network with its deep stages at rest, and records what clocks look at.
 * @param looksAtMotion whether what the flow gives is recorded, too
 */
export async function recordSignals(
  options: PassOptions,
  signals: readonly ChangeSignal[],
  stages: number,
  looksAtMotion = false,
): Promise<readonly Recording[]> {
  const { videos } = options;
  // Labels are of fresh scores, so nothing needs to move here.
  await using resting = variantOf(options, {
    schedule: recordingSchedule(signals, stages),
    taps: signals.map(({ kind }) => `clockwork/clock/${kind}/now`),
  });
  const known = totalOf(options);
  let done = 0;
  const recordings: Recording[] = [];
  for (const sequence of videos) {
    const maps = signals.map((): LabelMap[] => []);
    const shots: boolean[] = [];
    const motion: MotionValues[] = [];
    await using recorder = new OpenedLate(options);
    for await (const result of resting.segment(framesOf(sequence, options), pass(options))) {
      for (const [at, { kind }] of signals.entries()) maps[at]?.push(smallMap(result, kind));
      shots.push(result.shot);
      if (looksAtMotion) motion.push(await recorder.record(result.frame));
      done += 1;
      options.onProgress?.({ step: "signals", frames: done, total: known });
    }
    recordings.push({ signals, maps, shots, ...(looksAtMotion && { motion }) });
  }
  return recordings;
}

/** A recorder of motion, opened when the size of the frames is known. */
class OpenedLate implements AsyncDisposable {
  readonly #options: PassOptions;
  #recorder: MotionRecorder | undefined;

  constructor(options: PassOptions) {
    this.#options = options;
  }

  async record(frame: Frame): Promise<MotionValues> {
    this.#recorder ??= await this.#open(frame);
    return await this.#recorder.record(frame);
  }

  #open({ widthPx, heightPx }: Frame): Promise<MotionRecorder> {
    const { engine, engineOptions } = this.#options;
    if (engine === undefined) {
      throw new ClockworkError("invalid-argument", "tune: expected an engine to record motion with, got none");
    }
    return MotionRecorder.open({
      engine,
      size: { widthPx, heightPx },
      ...(engineOptions !== undefined && { engineOptions }),
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#recorder?.[Symbol.asyncDispose]();
  }
}

/** A clock that looks at all signals and never fires for them. */
function recordingSchedule(signals: readonly ChangeSignal[], stages: number): Schedule {
  const [only, ...others] = signals;
  if (only === undefined) return neverFires(stages);
  if (others.length === 0) return { kind: "adaptive", threshold: outOfReach, signal: only };
  const none = signals.map(() => 0);
  return {
    kind: "adaptive",
    threshold: outOfReach,
    signal: { kind: "expected", signals, bias: 0, weights: none, ageWeight: 0, productWeights: none, ageCap: 1 },
  };
}

/** A map of a clock, as bytes where its labels fit: there are many of them. */
function smallMap(result: SegmentResult, kind: ChangeSignal["kind"]): LabelMap {
  const map = result.taps[`clockwork/clock/${kind}/now`]?.data;
  if (!(map instanceof Int32Array)) throw new ClockworkError("engine", `tune: expected labels of ${kind}, got none`);
  return map.every((label) => label < 256) ? Uint8Array.from(map) : map;
}

/** Frames and positions that a probe is fitted to. */
const sampled = { frames: 64, positions: 256 } as const;

/** Sampled frames that follow each other are alike: held out together. */
const framesOfGroup = 4;

/** Feature vectors with the oracle's labels, from the first frames of each video. */
export async function sampleFeatures(
  options: FootageOptions,
  tensor: string,
  classes: number,
  fitFrames: readonly number[],
  random: Random,
): Promise<ProbeSamples> {
  const { videos } = options;
  await using tapped = variantOf(options, { schedule: { kind: "every" }, taps: [tensor] });
  const all = fitFrames.reduce((sum, frames) => sum + frames, 0);
  const features: Float32Array[] = [];
  const labels: number[] = [];
  const groups: number[] = [];
  let channels = 0;
  let done = 0;
  for (const [video, sequence] of videos.entries()) {
    const frames = fitFrames[video] ?? 0;
    const count = Math.max(1, Math.round((sampled.frames * frames) / Math.max(1, all)));
    const wanted = new Set(sampleFrames(frames, count, random));
    const chosen = framesOf(sequence, { ...options, limit: frames }, (index) => wanted.has(index));
    for await (const { taps, labels: map } of tapped.segment(chosen, pass(options))) {
      const found = taps[tensor];
      const [, depth = 0, height = 0, width = 0] = found?.dims ?? [];
      if (found === undefined || !(found.data instanceof Float32Array)) {
        throw new ClockworkError(
          "engine",
          `tune: expected float32 features of ${tensor}, got ${found?.dtype ?? "none"}`,
        );
      }
      channels = depth;
      const grid = gridLabels(map.data, map, { width, height });
      for (const at of samplePositions(grid, classes, sampled.positions, random)) {
        const vector = new Float32Array(depth);
        for (let channel = 0; channel < depth; channel++)
          vector[channel] = found.data[channel * width * height + at] ?? 0;
        features.push(vector);
        labels.push(grid[at] ?? 0);
        groups.push(Math.floor(done / framesOfGroup));
      }
      done += 1;
      options.onProgress?.({ step: "features", frames: done, total: sampled.frames });
    }
  }
  const flat = new Float32Array(features.length * channels);
  for (const [at, vector] of features.entries()) flat.set(vector, at * channels);
  return { features: flat, labels: Uint8Array.from(labels), groups: Int32Array.from(groups), channels, classes };
}

/** A probe as a signal. */
export function probeSignal(probe: LinearProbe): ChangeSignal {
  return { kind: "probe", probe };
}

async function* framesOf(
  sequence: Sequence,
  { limit, signal }: Pick<FootageOptions, "limit" | "signal">,
  wanted: (index: number) => boolean = () => true,
): AsyncGenerator<Frame, void> {
  const range = { ...(limit !== undefined && { to: limit }), ...(signal !== undefined && { signal }) };
  for await (const { index, frame } of sequence.read(range)) if (wanted(index)) yield frame;
}

function pass({ signal }: PassOptions): { readonly signal?: AbortSignal } {
  return signal === undefined ? {} : { signal };
}

function totalOf({ videos, limit = Infinity }: PassOptions): number | undefined {
  return videos.reduce<number | undefined>(
    (sum, { length }) => (sum === undefined || length === undefined ? undefined : sum + Math.min(length, limit)),
    0,
  );
}
