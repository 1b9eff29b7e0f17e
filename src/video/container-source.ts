// A file, URL, device or standard input as a source of coded pictures, through FFmpeg's demuxers.
// Reads the best video stream only. Does not decode.

import { setTimeout as sleep } from "node:timers/promises";
import {
  AV_DISPOSITION_ATTACHED_PIC,
  AV_NOPTS_VALUE,
  AV_PKT_DATA_DISPLAYMATRIX,
  AVDISCARD_ALL,
  AVERROR_EAGAIN,
  AVERROR_EOF,
  AVERROR_INVALIDDATA,
  AVMEDIA_TYPE_AUDIO,
  AVMEDIA_TYPE_VIDEO,
} from "node-av/constants";
import { type CodecParameters, Dictionary, FormatContext, InputFormat, type Packet, type Stream } from "node-av/lib";
import { ClockworkError } from "../errors.ts";
import { check, describeCode } from "./native.ts";
import { orientationOf } from "./orientation.ts";
import type { PacketSource, SourceFacts } from "./packet-source.ts";
import { StreamInput } from "./stdin-input.ts";

/** How to open a container. */
export interface ContainerOptions {
  /** What FFmpeg opens: a `file:` path or any URL; unused for `stdin`. */
  readonly url: string;
  /** What messages call the source. */
  readonly label: string;
  readonly place: "file" | "url" | "stdin";
  readonly inputFormat: string | undefined;
  readonly ffmpegOptions: Readonly<Record<string, string>> | undefined;
  /** Silence after which a source that is not a file counts as lost; undefined waits for ever. */
  readonly timeoutSec: number | undefined;
  /** Stops the opening; `interrupt` does it later. */
  readonly signal: AbortSignal | undefined;
}

/** A container, opened at its best video stream. */
export class ContainerSource implements PacketSource {
  readonly facts: SourceFacts;
  readonly codecParameters: CodecParameters;
  readonly #input: OpenInput;
  readonly #stream: number;
  readonly #warnings: string[] = [];

  private constructor(input: OpenInput, stream: Stream, label: string) {
    this.#input = input;
    this.#stream = stream.index;
    this.codecParameters = stream.codecpar;
    this.facts = factsOf(input.context, stream, label);
  }

  /**
   * @throws {ClockworkError} `io` where the source cannot be reached, `invalid-video` where it holds no video,
   * `invalid-argument` for an input format that FFmpeg does not have.
   */
  static async open(options: ContainerOptions): Promise<ContainerSource> {
    const input = new OpenInput(options);
    try {
      await input.open();
      const best = input.context.findBestStream(AVMEDIA_TYPE_VIDEO, -1, -1, true);
      const streams = input.context.streams;
      const stream = streams[best.streamIndex];
      const isCover = stream !== undefined && (stream.disposition & AV_DISPOSITION_ATTACHED_PIC) !== 0;
      // The "tty" demuxer makes a video out of any text file.
      if (stream === undefined || isCover || input.context.iformat?.name === "tty") {
        const kinds = hasAudio(streams) ? "only audio" : "none";
        throw new ClockworkError(
          "invalid-video",
          `${options.label}: expected a video stream that FFmpeg can decode, got ${kinds}; try another file`,
        );
      }
      for (const other of streams) {
        if (other.index !== stream.index) other.discard = AVDISCARD_ALL;
      }
      return new ContainerSource(input, stream, options.label);
    } catch (error) {
      await input.close();
      throw error;
    }
  }

  get warnings(): readonly string[] {
    return this.#warnings;
  }

  async read(packet: Packet): Promise<CodecParameters | undefined> {
    for (;;) {
      const code = await this.#input.waitFor(this.#input.context.readFrame(packet));
      if (code >= 0) {
        if (packet.streamIndex === this.#stream) return this.codecParameters;
        packet.unref();
        continue;
      }
      if (code === AVERROR_EAGAIN) {
        await sleep(5);
        continue;
      }
      if (this.#input.timedOut) throw this.#input.timeoutError();
      if (code !== AVERROR_EOF && !this.#input.interrupted) {
        this.#warnings.push(`reading stopped before the end: ${describeCode(code)}`);
      }
      return undefined;
    }
  }

  interrupt(): void {
    this.#input.interrupt();
  }

  async close(): Promise<void> {
    await this.#input.close();
  }
}

/** The FFmpeg side of a source: the format context, the bytes under it, and the guard against silence. */
class OpenInput {
  readonly context: FormatContext = new FormatContext();
  readonly #options: ContainerOptions;
  readonly #stdin: StreamInput | undefined;
  readonly #onAbort = (): void => this.interrupt();
  interrupted = false;
  timedOut = false;
  #closed = false;

  constructor(options: ContainerOptions) {
    this.#options = options;
    // Allocated before it is opened: only then can `interrupt` reach the opening.
    this.context.allocContext();
    if (options.place === "stdin") {
      this.#stdin = new StreamInput(process.stdin);
      this.context.pb = this.#stdin.context;
    }
    options.signal?.addEventListener("abort", this.#onAbort);
  }

  async open(): Promise<void> {
    const { label, url, inputFormat, ffmpegOptions } = this.#options;
    const format = inputFormat === undefined ? null : InputFormat.findInputFormat(inputFormat);
    if (format === null && inputFormat !== undefined) {
      throw new ClockworkError(
        "invalid-argument",
        `inputFormat: expected the name of an FFmpeg input format, got "${inputFormat}"; try leaving it out`,
      );
    }
    using dictionary = ffmpegOptions === undefined ? null : Dictionary.fromObject(ffmpegOptions);
    const opening = this.context.openInput(this.#stdin ? "" : url, format, dictionary);
    const code = await this.waitFor(opening);
    if (this.timedOut) throw this.timeoutError();
    if (code < 0) throw openingError(this.#options, code);
    check(await this.waitFor(this.context.findStreamInfo()), `${label}: looking for streams`);
    if (this.timedOut) throw this.timeoutError();
  }

  /** Waits for a native call, and interrupts it where it is silent for too long. */
  async waitFor(call: Promise<number>): Promise<number> {
    const seconds = this.#options.timeoutSec;
    if (seconds === undefined) return call;
    const timer = setTimeout(() => {
      this.timedOut = true;
      this.interrupt();
    }, seconds * 1000);
    try {
      return await call;
    } finally {
      clearTimeout(timer);
    }
  }

  interrupt(): void {
    this.interrupted = true;
    if (this.#closed) return;
    this.#stdin?.stop();
    this.context.interrupt();
  }

  timeoutError(): ClockworkError {
    const { label, timeoutSec } = this.#options;
    return new ClockworkError(
      "io",
      `${label}: expected data, got none for ${timeoutSec} s; try again, or a longer timeoutSec`,
    );
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#options.signal?.removeEventListener("abort", this.#onAbort);
    await this.context.closeInput();
    this.#stdin?.close();
  }
}

function openingError(options: ContainerOptions, code: number): ClockworkError {
  const { label, place } = options;
  const words = describeCode(code);
  if (place === "url" && code !== AVERROR_INVALIDDATA) {
    return new ClockworkError(
      "io",
      `${label}: expected a source that FFmpeg can open, got "${words}"; try the address in a player`,
    );
  }
  const hint =
    place === "stdin"
      ? "an mp4 with its index at the end cannot be read from a pipe: try `-movflags +faststart` where it is made, or a file"
      : "try a complete copy: a recording that was cut off may have no index";
  return new ClockworkError(
    "invalid-video",
    `${label}: expected a video, got something that FFmpeg cannot open ("${words}"); ${hint}`,
  );
}

function hasAudio(streams: readonly Stream[]): boolean {
  return streams.some((stream) => stream.codecpar.codecType === AVMEDIA_TYPE_AUDIO);
}

function factsOf(context: FormatContext, stream: Stream, label: string): SourceFacts {
  const average = stream.avgFrameRate.num > 0 ? stream.avgFrameRate : stream.rFrameRate;
  const frameRate = average.num > 0 && average.den > 0 ? average.num / average.den : 25;
  const durationSec = durationOf(context, stream);
  const counted = Number(stream.nbFrames);
  const estimate = durationSec === undefined ? undefined : Math.round(durationSec * frameRate);
  return {
    timeBase: { num: stream.timeBase.num, den: stream.timeBase.den },
    startPts: stream.startTime === AV_NOPTS_VALUE ? undefined : stream.startTime,
    frameRate,
    durationSec,
    frameCountEstimate: counted > 0 ? counted : estimate,
    hasAudio: hasAudio(context.streams),
    container: containerName(context.iformat?.name ?? "unknown", label),
    orientation: orientationOf(stream.codecpar.getCodedSideData(AV_PKT_DATA_DISPLAYMATRIX)),
    names: undefined,
  };
}

/** Duration of the video stream; of the whole file only where nothing else could make that longer. */
function durationOf(context: FormatContext, stream: Stream): number | undefined {
  const whole =
    context.duration === AV_NOPTS_VALUE || context.duration <= 0n ? undefined : Number(context.duration) / 1e6;
  if (stream.duration !== AV_NOPTS_VALUE && stream.duration > 0n) {
    const own = (Number(stream.duration) * stream.timeBase.num) / stream.timeBase.den;
    return whole === undefined ? own : Math.min(own, whole);
  }
  // Matroska keeps the durations of its streams in tags.
  const tag = /^(\d+):(\d+):(\d+(?:\.\d+)?)/u.exec(stream.metadata?.get("DURATION") ?? "");
  if (tag !== null) {
    const [hours, minutes, seconds] = [tag[1], tag[2], tag[3]].map(Number);
    return (hours ?? 0) * 3600 + (minutes ?? 0) * 60 + (seconds ?? 0);
  }
  return whole;
}

/** Demuxers list all their names; the one that the file goes by, or else the first. */
function containerName(names: string, label: string): string {
  const all = names.split(",");
  return all.find((name) => label.toLowerCase().endsWith(`.${name}`)) ?? all[0] ?? names;
}
