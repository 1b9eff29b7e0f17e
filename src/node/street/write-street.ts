// Streets, rendered by workers, into a video or into a folder that is a dataset. Whole or not there: a folder is written
// beside its place and renamed at the end.

import { mkdir, readdir, rename, rm, rmdir, stat, writeFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { extname, join, resolve } from "node:path";
import { ClockworkError, reasonOf } from "../../errors.ts";
import type { Frame } from "../../frame.ts";
import { FrameVideo, pictureVideoExtensions } from "../../video/index.ts";
import { streetClasses } from "../../video/street/index.ts";
import { requireCount, streetClips, type StreetClip, type StreetClipsOptions } from "./clip.ts";
import type { StreetFolder, StreetMaps, StreetRange } from "./protocol.ts";
import { StreetThread } from "./street-thread.ts";

/** What to write, and where. */
export interface WriteStreetOptions extends StreetClipsOptions {
  /** `.mp4`, `.mov`, `.mkv` or `.webm` for a video of one clip; without an extension, a folder, which must be empty. */
  readonly output: string;
  /** For a folder: every how manieth frame is written; default 1. */
  readonly every?: number;
  /** For a folder: what is left out; default nothing. */
  readonly maps?: Partial<StreetMaps>;
  /**
   * Quality of the video, as its encoder counts it. For a folder: that of the H.264 that frames go through before they are
   * written; default: they are as they were rendered.
   */
  readonly compress?: number;
  /** Workers; default: one for each core. What is written does not depend on it. */
  readonly threads?: number;
  /** Stops the work; nothing is left then. */
  readonly signal?: AbortSignal;
  /** Called for each frame that is rendered. */
  readonly onProgress?: (progress: StreetProgress) => void;
}

/** How far the work is. */
export interface StreetProgress {
  readonly frames: number;
  readonly total: number;
}

/** What was written. */
export interface StreetWritten {
  readonly output: string;
  /** Frames of all clips. */
  readonly frames: number;
  readonly clips: readonly StreetClip[];
}

/** What {@link WriteStreetOptions} come to. */
interface Job {
  readonly clips: readonly StreetClip[];
  readonly threads: number;
  readonly total: number;
  readonly signal: AbortSignal | undefined;
  readonly onFrame: () => void;
}

/**
 * Renders streets and writes them.
 *
 * @throws {ClockworkError} `invalid-argument` for options that do not fit and for a folder that has something in it, `io`
 * where it cannot be written, `aborted` by the signal
 *
 * @example
 * ```ts
 * import { writeStreet } from "clockwork-convnets/node";
 * await writeStreet({ output: "streets", seed: 1, clips: 4, styles: ["day", "night"], frames: 150 });
 * ```
 */
export async function writeStreet(options: WriteStreetOptions): Promise<StreetWritten> {
  const { output, every = 1, compress, threads = availableParallelism(), signal, onProgress } = options;
  const isVideo = await isVideoOutput(output);
  const clips = streetClips(options);
  requireCount("every", every);
  requireCount("threads", threads);
  if (compress !== undefined && !(compress >= 0 && compress <= 51)) {
    throw new ClockworkError("invalid-argument", `street: compress: expected a number from 0 to 51, got ${compress}`);
  }
  const [clip] = clips;
  if (clip === undefined) throw new ClockworkError("invalid-argument", "street: expected a clip, got none");
  const all = clips.length * clip.frames;
  const written = clips.length * Math.ceil(clip.frames / every);
  // An encoder wants to see all of them.
  const total = isVideo || compress !== undefined ? all : written;
  let frames = 0;
  const onFrame = (): void => onProgress?.({ frames: ++frames, total });
  const job: Job = { clips, threads, total, signal, onFrame };
  if (isVideo) {
    if (clips.length > 1) throw onlyFolder(output, `${clips.length} clips`);
    if (every > 1) throw onlyFolder(output, "a choice of frames (every)");
    if (Object.values(options.maps ?? {}).includes(false)) throw onlyFolder(output, "a choice of maps");
    await writeVideo(output, clip, compress, job);
    return { output, frames: all, clips };
  }
  const { flow = true, depth = true, instances = true } = options.maps ?? {};
  await writeFolder(output, { every, compress, maps: { flow, depth, instances } }, job);
  return { output, frames: written, clips };
}

/** @throws {ClockworkError} `invalid-argument` for an extension that is none of a video's. */
async function isVideoOutput(path: string): Promise<boolean> {
  const extension = extname(path).toLowerCase();
  const found = await stat(path).catch(() => undefined);
  if (found?.isDirectory() === true || extension === "" || /[/\\]$/u.test(path)) return false;
  if (pictureVideoExtensions.includes(extension)) return true;
  throw new ClockworkError(
    "invalid-argument",
    `${path}: expected ${pictureVideoExtensions.join(", ")} or a folder, got "${extension}"; try ${path}/`,
  );
}

function onlyFolder(output: string, what: string): ClockworkError {
  return new ClockworkError(
    "invalid-argument",
    `${output}: expected a folder for ${what}, got a video; try a name without an extension`,
  );
}

/** Bytes of frames that one worker may be ahead, about. */
const aheadBytes = 2 ** 25;

/** Frames that follow each other are rendered by one worker, a few at a time, and encoded here in their order. */
async function writeVideo(output: string, clip: StreetClip, crf: number | undefined, job: Job): Promise<void> {
  const { widthPx, heightPx, fps } = clip.street;
  const length = Math.min(16, Math.max(2, Math.floor(aheadBytes / (widthPx * heightPx * 3))));
  const ranges = rangesOf(0, clip.frames, length);
  const video = await FrameVideo.create(output, { frameRate: fps, ...(crf !== undefined && { crf }) });
  try {
    await withThreads(job, Math.min(job.threads, ranges.length), undefined, async (threads) => {
      const rendering: Promise<readonly Frame[]>[] = [];
      let asked = 0;
      const ask = (): void => {
        const [thread, range] = [threads[asked % threads.length], ranges[asked]];
        if (thread === undefined || range === undefined) return;
        asked++;
        const frames = thread.render(range);
        // Seen when it is awaited; until then it must not count as unhandled.
        frames.catch(() => undefined);
        rendering.push(frames);
      };
      for (let count = 0; count < 2 * threads.length; count++) ask();
      for (let next = rendering.shift(); next !== undefined; next = rendering.shift()) {
        const frames = await next;
        ask();
        for (const frame of frames) {
          throwIfAborted(job.signal);
          await video.write(frame);
        }
      }
    });
    await video.close();
  } catch (error) {
    await video.abort();
    throw error;
  }
}

async function writeFolder(
  output: string,
  how: Pick<StreetFolder, "every" | "compress" | "maps">,
  job: Job,
): Promise<void> {
  const { clips } = job;
  const place = resolve(output);
  const path = `${place}.part-${process.pid}`;
  await requireEmpty(output);
  const folder: StreetFolder = { ...how, path, subfolders: clips.length > 1 };
  const ranges = rangesOfClips(clips, how.compress === undefined ? 3 * job.threads : 1);
  try {
    await orUnwritable(output, mkdir(path, { recursive: true }));
    await withThreads(job, Math.min(job.threads, ranges.length), folder, async (threads) => {
      const next = ranges.values();
      await Promise.all(
        threads.map(async (thread) => {
          for (const range of next) await thread.render(range);
        }),
      );
    });
    throwIfAborted(job.signal);
    for (const [name, content] of descriptionsOf(clips, how)) {
      await orUnwritable(output, writeFile(join(path, name), `${JSON.stringify(content, undefined, 2)}\n`));
    }
    await requireEmpty(output);
    // An empty folder of that name makes room: not every system renames over it.
    await rmdir(place).catch(() => undefined);
    await orUnwritable(output, rename(path, place));
  } catch (error) {
    await rm(path, { recursive: true, force: true }).catch(() => undefined);
    throw error;
  }
}

/** @throws {ClockworkError} `invalid-argument` for a folder that has something in it, or a file of that name. */
async function requireEmpty(output: string): Promise<void> {
  const found = await stat(output).catch(() => undefined);
  if (found === undefined) return;
  const got = found.isDirectory() ? (await readdir(output)).length : "a file";
  if (got === 0) return;
  throw new ClockworkError(
    "invalid-argument",
    `${output}: expected a folder that is empty or not there, got ${got === "a file" ? got : `one with ${got} names in it`}; ` +
      "try another name",
  );
}

async function orUnwritable(output: string, work: Promise<unknown>): Promise<void> {
  try {
    await work;
  } catch (cause) {
    throw new ClockworkError("io", `${output}: expected a folder that can be written (${reasonOf(cause)})`, { cause });
  }
}

/** What the folder says of itself: the classes as its layout wants them, and all that it takes to render it again. */
function descriptionsOf(
  clips: readonly StreetClip[],
  { every, compress, maps }: Pick<StreetFolder, "every" | "compress" | "maps">,
): readonly (readonly [name: string, content: unknown])[] {
  const fps = clips[0]?.street.fps ?? 1;
  return [
    ["classes.json", { names: streetClasses, fps: fps / every }],
    ["street.json", { clips, every, compress: compress ?? null, maps }],
  ];
}

/** Shortest range that is worth a worker's while: it renders the frame before its first, too. */
const leastFrames = 16;

/** Ranges of all clips, in their order: about as many as are asked for, or one for each clip. */
function rangesOfClips(clips: readonly StreetClip[], wanted: number): readonly StreetRange[] {
  const each = Math.ceil(wanted / clips.length);
  return clips.flatMap(({ frames }, clip) => rangesOf(clip, frames, Math.max(leastFrames, Math.ceil(frames / each))));
}

function rangesOf(clip: number, frames: number, length: number): readonly StreetRange[] {
  return Array.from({ length: Math.ceil(frames / length) }, (_, index) => ({
    clip,
    from: index * length,
    to: Math.min(frames, (index + 1) * length),
  }));
}

/** Starts workers for the time of some work, which the signal ends. */
async function withThreads(
  { clips, signal, onFrame }: Job,
  count: number,
  folder: StreetFolder | undefined,
  work: (threads: readonly StreetThread[]) => Promise<void>,
): Promise<void> {
  throwIfAborted(signal);
  const threads = Array.from({ length: count }, () => new StreetThread({ clips, folder }, onFrame));
  const close = (): Promise<unknown> => Promise.all(threads.map((thread) => thread.close()));
  const onAbort = (): void => void close();
  signal?.addEventListener("abort", onAbort, { once: true });
  try {
    await work(threads);
  } finally {
    signal?.removeEventListener("abort", onAbort);
    await close();
  }
}

function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw new ClockworkError("aborted", "stopped");
}
