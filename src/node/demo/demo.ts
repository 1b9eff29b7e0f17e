// All of it at once, for whoever wants to see it work: a rendered street, or a video, through a few schedules; an
// evaluation with its report, and a video of the oracle beside a schedule that rests.

import { mkdir, rmdir } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { streetDataset, type Dataset } from "../../datasets/index.ts";
import { openVideoDataset } from "../../datasets/video.ts";
import { ClockworkError, reasonOf } from "../../errors.ts";
import type { DetailedEvaluation } from "../../evaluate/index.ts";
import type { LabelMap } from "../../frame.ts";
import { boxedModel, openModel, type HubOptions } from "../../models/index.ts";
import { sizeText, type Size } from "../../network/index.ts";
import { FrameVideo, openVideo, paletteFor, type VideoInfo } from "../../video/index.ts";
import type { StreetOptions } from "../../video/street/index.ts";
import { evaluateModel, type ClockSpec, type EvaluationStart } from "../evaluate-model.ts";
import type { ReportSources } from "../write-report.ts";
import { comparison, comparisonWidth } from "./comparison.ts";
import { firingStrip } from "./firing-strip.ts";

/** What to look at. */
export type DemoSource =
  /** A street is rendered. */
  | { readonly kind: "street"; readonly street: StreetOptions }
  /** A video file, or anything else that `openVideo` opens. */
  | { readonly kind: "video"; readonly path: string };

/** What to show, and where. */
export interface DemoOptions {
  readonly source: DemoSource;
  /** Folder for what is made; it is made itself. */
  readonly output: string;
  /** Length; default 7 s of a street, and as many frames of a video. */
  readonly seconds?: number;
  /** As for `openSegmenter`. */
  readonly model?: string;
  readonly hub?: HubOptions;
  /** As for `evaluateModel`: from the network's classes to the street's. */
  readonly map?: string;
  readonly signal?: AbortSignal;
  readonly onStart?: (start: EvaluationStart) => void;
  readonly onProgress?: (progress: DemoProgress) => void;
  /** Told what is done to the user's video. */
  readonly onNote?: (note: string) => void;
}

/** How far it is. */
export interface DemoProgress {
  /** One goes through the frames after the other. */
  readonly part: "render" | "evaluate" | "draw";
  /** What is done now, in words. */
  readonly step: string;
  readonly frames: number;
  readonly total: number | undefined;
}

/** What came out. */
export interface Demo {
  readonly evaluation: DetailedEvaluation;
  /** Paths of files. */
  readonly files: {
    /** The oracle beside {@link shownClock}. */
    readonly comparison: string;
    readonly report: string;
    /** The clip without labels; `undefined` where it was given. */
    readonly clip: string | undefined;
  };
}

/** The schedule that is shown beside the oracle. */
export const shownClock = "fixed:5+flow";

/** Schedules beside the oracle: by hand, resting stages, and what is held moved with the video. */
const clocks: readonly ClockSpec[] = [
  { clock: "skip:3" },
  { clock: "fixed:3" },
  { clock: "fixed:3+flow" },
  { clock: shownClock },
  { clock: shownClock, stages: 1 },
  { clock: "adaptive:0.04@motion+flow", stages: 1 },
];

/** A street that the network in the box was not trained on. */
export const demoSeed = 20261;

const usualSeconds = 7;

/** Frames of a video where no length is asked for: as many as of the street. */
const usualFrames = 105;

/** Pixels of a frame to which videos are scaled down, so that it does not take long. */
const usualPixels = 480 * 360;

/**
 * Shows what there is to see, in a folder: `comparison.mp4`, `report.html` with its tables, and of a street `clip.mp4`.
 * Every file is whole or not there. It can be stopped: the evaluation goes on from there.
 *
 * @throws ClockworkError as `evaluateModel` does, and `io` where the folder cannot be made
 */
export async function runDemo(options: DemoOptions): Promise<Demo> {
  const { output, source } = options;
  // Whether there is a network shows before anything is rendered.
  await openModel(options.model ?? boxedModel, options.hub);
  const made = await makeFolder(output);
  try {
    return source.kind === "street" ? await streetDemo(options, source.street) : await videoDemo(options, source.path);
  } finally {
    // Nothing was written: nothing stays.
    if (made !== undefined) await removeEmpty(resolve(output), made);
  }
}

/** @returns the outermost folder that was not there before */
async function makeFolder(path: string): Promise<string | undefined> {
  try {
    return await mkdir(resolve(path), { recursive: true });
  } catch (cause) {
    throw new ClockworkError("io", `${path}: expected a folder that can be made (${reasonOf(cause)})`, { cause });
  }
}

/** Removes a folder and those around it up to `outermost`, as long as they are empty. */
async function removeEmpty(folder: string, outermost: string): Promise<void> {
  for (let at = folder; at.length >= outermost.length; at = dirname(at)) {
    const isGone = await rmdir(at).then(
      () => true,
      () => false,
    );
    if (!isGone) return;
  }
}

/** A clip to show. */
interface Clip {
  /** What tells it from others. */
  readonly name: string;
  readonly dataset: Dataset;
  readonly frames: number;
  readonly fps: number;
}

async function streetDemo(options: DemoOptions, street: StreetOptions): Promise<Demo> {
  const fps = street.fps ?? 15;
  const frames = Math.max(1, Math.round((options.seconds ?? usualSeconds) * fps));
  const clip: Clip = { name: `street:${street.seed}`, dataset: streetDataset({ ...street, fps }, frames), frames, fps };
  const path = join(options.output, "clip.mp4");
  await writeClip(clip, path, options);
  const { evaluation, comparison, report } = await show(clip, options);
  return { evaluation, files: { comparison, report, clip: path } };
}

/** Renders everything before times are taken, which it would disturb, and writes it as a video. */
async function writeClip(clip: Clip, path: string, options: DemoOptions): Promise<void> {
  await writing(path, clip.fps, async (video) => {
    for await (const { frame, index } of framesOf(clip, options)) {
      await video.write(frame);
      options.onProgress?.({ part: "render", step: "rendering the street", frames: index + 1, total: clip.frames });
    }
  });
}

async function videoDemo(options: DemoOptions, path: string): Promise<Demo> {
  const aborting = options.signal === undefined ? {} : { signal: options.signal };
  const { widthPx, heightPx, frameRate, frameCountEstimate } = await infoOf(path, aborting);
  const wanted = options.seconds === undefined ? usualFrames : Math.max(1, Math.round(options.seconds * frameRate));
  const frames = Math.min(wanted, frameCountEstimate ?? wanted);
  const size = scaledDown({ widthPx, heightPx });
  const dataset = await openVideoDataset(path, { ...aborting, ...(size !== undefined && { size }) });
  const changes = [
    ...(frames < (frameCountEstimate ?? Infinity) ? [`the first ${frames} frames (--seconds for more)`] : []),
    ...(size === undefined ? [] : [`scaled to ${sizeText(size)} so that it does not take long`]),
  ];
  if (changes.length > 0) options.onNote?.(`${path}: ${changes.join(", ")}`);
  const clip: Clip = { name: resolve(path), dataset, frames, fps: frameRate };
  const { evaluation, comparison, report } = await show(clip, options);
  return { evaluation, files: { comparison, report, clip: undefined } };
}

async function infoOf(path: string, options: Pick<DemoOptions, "signal">): Promise<VideoInfo> {
  await using video = await openVideo(path, options);
  return video.info;
}

/** A size of about {@link usualPixels} with sides of multiples of 16; `undefined` for frames that are hardly larger. */
export function scaledDown({ widthPx, heightPx }: Size): Size | undefined {
  const factor = Math.sqrt(usualPixels / (widthPx * heightPx));
  if (factor > 0.9) return undefined;
  const side = (px: number): number => Math.max(16, 16 * Math.round((px * factor) / 16));
  return { widthPx: side(widthPx), heightPx: side(heightPx) };
}

async function show(
  clip: Clip,
  options: DemoOptions,
): Promise<{ evaluation: DetailedEvaluation; comparison: string; report: string }> {
  const { output, model, hub, map, signal, onStart, onProgress } = options;
  const path = join(output, "comparison.mp4");
  onProgress?.({ part: "evaluate", step: "opening the network", frames: 0, total: clip.frames });
  const evaluation = await evaluateModel({
    folder: clip.name,
    dataset: clip.dataset,
    limit: clip.frames,
    clocks,
    report: output,
    ...(model !== undefined && { model }),
    ...(hub !== undefined && { hub }),
    ...(map !== undefined && { map }),
    ...(signal !== undefined && { signal }),
    ...(onStart !== undefined && { onStart }),
    onProgress: ({ frames, total, clock }) => {
      onProgress?.({ part: "evaluate", step: `evaluating ${clock}`, frames, total: total ?? clip.frames });
    },
    onEvaluated: (result, sources) => writeComparison(clip, path, result, sources, options),
  });
  return { evaluation, comparison: path, report: join(output, "report.html") };
}

async function writeComparison(
  clip: Clip,
  path: string,
  { runs, timelines, frames }: DetailedEvaluation,
  { store, classNames }: ReportSources,
  options: DemoOptions,
): Promise<void> {
  const shown = runs.findIndex(({ clock }) => clock === shownClock);
  const fired = timelines[shown]?.fired ?? [];
  const palette = paletteFor(classNames, 256);
  await writing(path, clip.fps, async (video) => {
    for await (const { frame, index } of framesOf(clip, options)) {
      const { widthPx, heightPx } = frame;
      const mapOf = async (run: number): Promise<LabelMap> => ({
        data: Uint8Array.from((await store.labels(run, index)) ?? []),
        widthPx,
        heightPx,
      });
      const strip = firingStrip({ fired, at: index, widthPx: comparisonWidth(frame.widthPx) });
      const picture = comparison({ frame, left: await mapOf(0), right: await mapOf(shown), palette, strip });
      await video.write(picture);
      options.onProgress?.({ part: "draw", step: `drawing ${basename(path)}`, frames: index + 1, total: frames });
    }
  });
}

/** Frames of a clip in order. */
function framesOf({ dataset, frames }: Clip, { signal }: DemoOptions): ReturnType<Dataset["sequences"][0]["read"]> {
  const [sequence] = dataset.sequences;
  if (sequence === undefined) throw new RangeError("expected a sequence");
  return sequence.read({ to: frames, ...(signal !== undefined && { signal }) });
}

/** Writes a video; it gets its name when all is written. */
async function writing(path: string, frameRate: number, work: (video: FrameVideo) => Promise<void>): Promise<void> {
  const video = await FrameVideo.create(path, { frameRate });
  try {
    await work(video);
    await video.close();
  } catch (error) {
    await video.abort();
    throw error;
  }
}
