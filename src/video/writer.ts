// Videos out: chooses the output that a path asks for, and keeps its calls in order.
// Encodes nothing itself.

import { access, constants, mkdir, stat } from "node:fs/promises";
import { extname } from "node:path";
import { ClockworkError } from "../errors.ts";
import type { Frame, LabelMap } from "../frame.ts";
import { LabelImagesSink } from "./label-images-sink.ts";
import { LabelVideoSink } from "./label-video-sink.ts";
import { quietLogs } from "./native.ts";
import { OverlaySink } from "./overlay-sink.ts";
import { paletteFor } from "./palette.ts";
import { PartFile, unwritable } from "./part-file.ts";
import { pictureVideoExtensions } from "./picture-video.ts";
import type { LabelSink, ResolvedSinkOptions, SinkOptions } from "./sink.ts";
import { isSameFile } from "./source.ts";

/**
 * Opens an output. `.mp4`, `.mov` and `.mkv` take overlays as H.264, `.webm` as VP9; `.mkv` with `format: "labels"`
 * takes class indices as FFV1; a path without an extension, or with `/` at its end, is a folder of label PNGs.
 *
 * A video appears under its name only on `close`, over a file of that name; until then it lies beside it as
 * `.name.part-<pid>.ext`. Labels of another size than their frame are scaled, each pixel taking its nearest.
 *
 * @throws {ClockworkError} `invalid-argument` for options or extensions that do not fit, `io` where it cannot write.
 *
 * @example
 * ```ts
 * const { frameRate, timeBase } = video.info;
 * const sink = await openSink("overlay.mp4", { frameRate, timeBase, source: "drive.mp4" });
 * ```
 */
export async function openSink(path: string, options: SinkOptions): Promise<LabelSink> {
  quietLogs();
  const resolved = resolveOptions(options);
  const kind = await kindOf(path, options.format);
  if (resolved.source !== undefined && (await isSameFile(path, resolved.source))) {
    throw new ClockworkError(
      "invalid-argument",
      `${path}: expected an output apart from the source, got the source itself; try another name`,
    );
  }
  if (kind === "label-images") {
    await makeFolder(path);
    return new OrderedSink(new LabelImagesSink(path, resolved));
  }
  const part = await PartFile.create(path);
  return new OrderedSink(kind === "overlay" ? new OverlaySink(part, resolved) : new LabelVideoSink(part, resolved));
}

type SinkKind = "overlay" | "label-video" | "label-images";

async function kindOf(path: string, format: SinkOptions["format"]): Promise<SinkKind> {
  const extension = extname(path).toLowerCase();
  const found = await stat(path).catch(() => undefined);
  if (found?.isDirectory() === true || extension === "" || /[/\\]$/u.test(path)) {
    if (format !== "overlay") return "label-images";
    throw new ClockworkError(
      "invalid-argument",
      `${path}: expected a file for an overlay, got a folder; try a name that ends in .mp4`,
    );
  }
  if (format === "labels" && extension === ".mkv") return "label-video";
  if (format !== "labels" && pictureVideoExtensions.includes(extension)) return "overlay";
  const expected =
    format === "labels" ? ".mkv or a folder for labels" : `${pictureVideoExtensions.join(", ")} or a folder`;
  throw new ClockworkError(
    "invalid-argument",
    `${path}: expected ${expected}, got "${extension}"; try ${format === "labels" ? ".mkv" : ".mp4"}`,
  );
}

function resolveOptions(options: SinkOptions): ResolvedSinkOptions {
  const { opacity = 0.5, frameRate, crf, palette = paletteFor(undefined, 256) } = options;
  checkRange("opacity", opacity, 0, 1);
  checkRange("frameRate", frameRate, 0.001, 1_000_000);
  if (crf !== undefined) checkRange("crf", crf, 0, 63);
  if (palette.length !== 256 * 3) {
    throw new ClockworkError(
      "invalid-argument",
      `openSink palette: expected 768 bytes, got ${palette.length}; try paletteFor`,
    );
  }
  for (const name of ["timeBase", "sampleAspectRatio"] as const) {
    const ratio = options[name];
    if (ratio === undefined) continue;
    checkRange(`${name}.num`, ratio.num, 1, 2 ** 31 - 1);
    checkRange(`${name}.den`, ratio.den, 1, 2 ** 31 - 1);
  }
  return {
    palette,
    opacity,
    frameRate,
    timeBase: options.timeBase ?? { num: 1, den: 90_000 },
    sampleAspectRatio: options.sampleAspectRatio ?? { num: 1, den: 1 },
    source: options.source,
    nameOf: options.nameOf,
    crf,
    preset: options.preset ?? "veryfast",
  };
}

function checkRange(name: string, value: number, from: number, to: number): void {
  if (value >= from && value <= to) return;
  throw new ClockworkError(
    "invalid-argument",
    `openSink ${name}: expected a number from ${from} to ${to}, got ${value}`,
  );
}

async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true });
    await access(path, constants.W_OK);
  } catch (error) {
    throw unwritable(path, error);
  }
}

/** Runs the calls of a sink one after another, and knows when it is over. */
class OrderedSink implements LabelSink {
  readonly #sink: LabelSink;
  #tail: Promise<void> = Promise.resolve();
  #state: "open" | "closed" | "aborted" = "open";

  constructor(sink: LabelSink) {
    this.#sink = sink;
  }

  get warnings(): readonly string[] {
    return this.#sink.warnings;
  }

  async write(frame: Frame, labels: LabelMap): Promise<void> {
    await this.#inOrder(async () => {
      if (this.#state !== "open") {
        throw new ClockworkError("aborted", `write: expected an open sink, got one that is ${this.#state}`);
      }
      await this.#sink.write(frame, labels);
    });
  }

  async close(): Promise<void> {
    await this.#inOrder(async () => {
      if (this.#state !== "open") return;
      this.#state = "closed";
      try {
        await this.#sink.close();
      } catch (error) {
        this.#state = "aborted";
        await this.#sink.abort();
        throw error;
      }
    });
  }

  async abort(): Promise<void> {
    await this.#inOrder(async () => {
      if (this.#state !== "open") return;
      this.#state = "aborted";
      await this.#sink.abort();
    });
  }

  /** Native calls must not overlap: what is called waits for what is under way. */
  async #inOrder(work: () => Promise<void>): Promise<void> {
    const before = this.#tail;
    const run = before.catch(() => undefined).then(work);
    this.#tail = run;
    await run;
  }
}
