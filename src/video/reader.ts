// Videos in: any source that FFmpeg opens, as upright RGB frames with timestamps.
// Decodes one frame per request and keeps none: reading ahead is for the caller.

import {
  AV_FRAME_DATA_DISPLAYMATRIX,
  AV_NOPTS_VALUE,
  AVCOL_TRC_ARIB_STD_B67,
  AVCOL_TRC_SMPTE2084,
} from "node-av/constants";
import { Frame as NativeFrame } from "node-av/lib";
import { ClockworkError, reasonOf } from "../errors.ts";
import type { Frame } from "../frame.ts";
import { ContainerSource } from "./container-source.ts";
import { Decoder } from "./decoder.ts";
import { IMAGE_FRAME_RATE, ImageSource } from "./image-source.ts";
import { blockMotion, codedMotion, requireVectors } from "./motion-vectors.ts";
import { quietLogs, type Ratio } from "./native.ts";
import { orientationOf, type Orientation } from "./orientation.ts";
import type { PacketSource, SourceFacts } from "./packet-source.ts";
import { ReferenceTimes } from "./reference-times.ts";
import { RgbConverter } from "./rgb-converter.ts";
import { resolveSource } from "./source.ts";
import { type ReadingState, readingWarnings } from "./reading-warnings.ts";

/** How to open a video. */
export interface OpenVideoOptions {
  /** Width to scale the upright frames to, in pixels; without `height`, the height follows. */
  readonly width?: number;
  /** Height to scale the upright frames to, in pixels; without `width`, the width follows. */
  readonly height?: number;
  /** Frames a second for image files; 25 by default. Other sources say it themselves. */
  readonly frameRate?: number;
  /** Stops opening and reading: what waits is rejected with `aborted`, native memory is freed. */
  readonly signal?: AbortSignal;
  /** Seconds of silence after which a URL counts as lost; 30 by default. Files and pipes may take any time. */
  readonly timeoutSec?: number;
  /** Name of an FFmpeg input format (`v4l2`, `lavfi`, ...): the source is then passed to it as it stands. */
  readonly inputFormat?: string;
  /** Options for FFmpeg's demuxer and protocol, such as `{ rtsp_transport: "tcp" }`. */
  readonly ffmpegOptions?: Readonly<Record<string, string>>;
  /**
   * Whether frames carry the motion vectors of their codec: H.264 and the MPEGs before it tell them, others do not.
   * Decoding then takes one core for most files. Default false.
   */
  readonly motion?: boolean;
}

/** What is known of a video once its first frame is decoded. */
export interface VideoInfo {
  /** Size of the first frame that comes: upright, scaled where asked. */
  readonly widthPx: number;
  readonly heightPx: number;
  /** Size as stored, before rotation and scaling. */
  readonly codedWidthPx: number;
  readonly codedHeightPx: number;
  /** Frames a second, on average. */
  readonly frameRate: number;
  /** Seconds; undefined where the source does not say (pipes, live streams). */
  readonly durationSec: number | undefined;
  /** Frames, counted by the container or worked out from duration and frame rate. */
  readonly frameCountEstimate: number | undefined;
  readonly hasAudio: boolean;
  /** FFmpeg's name: `h264`, `vp9`, `png`, ... */
  readonly codec: string;
  /** FFmpeg's name: `mp4`, `matroska`, ...; `images` for image files. */
  readonly container: string;
  /** Seconds per tick of the source's clock, as a fraction: pass it to a sink to keep timestamps exact. */
  readonly timeBase: Ratio;
  /** Width to height of one upright pixel; the frames themselves are never stretched. */
  readonly sampleAspectRatio: Ratio;
}

/**
 * An open video. Iterate over it once; then, or on `break`, it disposes of itself.
 * Dispose of one that is never iterated.
 */
export interface VideoReader extends AsyncIterable<Frame>, AsyncDisposable {
  readonly info: VideoInfo;
  /** What went wrong so far, in sentences with numbers; complete after the last frame. */
  readonly warnings: readonly string[];
  /** The file name of the frame with that timestamp, for sources made of image files. */
  nameOf(timestampSec: number): string | undefined;
}

/**
 * Opens a video and decodes its first frame.
 *
 * Sources: video files, folders of images (sorted naturally), patterns such as `shot_%05d.png`, single images,
 * `http(s):` and other URLs of FFmpeg, and `-` for standard input. Each frame has a buffer of its own, which may be
 * transferred; its timestamp counts from the start of the stream and always grows. Frames have the size that the
 * stream has at that time unless both `width` and `height` are given.
 *
 * @throws {ClockworkError} `invalid-video` where there is no video, `io` where the source cannot be read,
 * `invalid-argument` for bad options, `aborted` by the signal; iteration throws the last two of these too.
 *
 * @example
 * ```ts
 * await using video = await openVideo("drive.mp4", { width: 512, height: 256 });
 * for await (const frame of video) console.log(frame.timestampSec, frame.data.length);
 * ```
 */
export async function openVideo(source: string, options: OpenVideoOptions = {}): Promise<VideoReader> {
  checkOptions(options);
  quietLogs();
  throwIfAborted(options.signal, source);
  let packets: PacketSource | undefined;
  try {
    packets = await openPackets(source, options);
    return await FfmpegReader.create(source, packets, options);
  } catch (error) {
    await packets?.close();
    throwIfAborted(options.signal, source);
    throw error;
  }
}

async function openPackets(source: string, options: OpenVideoOptions): Promise<PacketSource> {
  const resolved = await resolveSource(source, options.inputFormat);
  if (resolved.kind === "images") {
    return new ImageSource(resolved.list, options.frameRate ?? IMAGE_FRAME_RATE);
  }
  return ContainerSource.open({
    url: resolved.url,
    label: source === "-" ? "standard input" : source,
    place: resolved.place,
    inputFormat: options.inputFormat,
    ffmpegOptions: options.ffmpegOptions,
    timeoutSec: resolved.place === "url" ? (options.timeoutSec ?? 30) : undefined,
    signal: options.signal,
  });
}

class FfmpegReader implements VideoReader {
  readonly info: VideoInfo;
  readonly #label: string;
  readonly #packets: PacketSource;
  readonly #decoder: Decoder;
  readonly #converter: RgbConverter;
  readonly #motion: ReferenceTimes | undefined;
  readonly #native: NativeFrame;
  readonly #signal: AbortSignal | undefined;
  readonly #onAbort = (): void => void this[Symbol.asyncDispose]();
  readonly #state: ReadingState;
  #first: Frame | undefined;
  #startPts: bigint;
  #step: Promise<unknown> = Promise.resolve();
  #disposal: Promise<void> | undefined;
  #isIterated = false;
  #done = false;

  private constructor(
    label: string,
    packets: PacketSource,
    decoder: Decoder,
    converter: RgbConverter,
    motion: ReferenceTimes | undefined,
    native: NativeFrame,
    signal: AbortSignal | undefined,
    first: { info: VideoInfo; rgb: Omit<Frame, "timestampSec">; isHdr: boolean; pts: bigint },
  ) {
    this.info = first.info;
    this.#label = label;
    this.#packets = packets;
    this.#decoder = decoder;
    this.#converter = converter;
    this.#motion = motion;
    this.#native = native;
    this.#signal = signal;
    this.#startPts = packets.facts.startPts ?? (first.pts === AV_NOPTS_VALUE ? 0n : first.pts);
    this.#state = {
      frames: 0,
      lastSec: undefined,
      namesSeen: new Set(),
      backwards: 0,
      isHdr: first.isHdr,
      ended: false,
    };
    this.#first = { ...first.rgb, timestampSec: this.#timestampOf(first.pts) };
    native.unref();
    signal?.addEventListener("abort", this.#onAbort);
  }

  static async create(label: string, packets: PacketSource, options: OpenVideoOptions): Promise<FfmpegReader> {
    const { facts } = packets;
    if (options.motion === true && facts.names !== undefined) requireVectors(label, "image files");
    const motion = options.motion === true ? new ReferenceTimes() : undefined;
    const decoder = new Decoder(packets, motion);
    const converter = new RgbConverter({ widthPx: options.width, heightPx: options.height });
    const native = new NativeFrame();
    native.alloc();
    const interrupt = (): void => packets.interrupt();
    options.signal?.addEventListener("abort", interrupt);
    try {
      if (!(await decoder.next(native))) throw noFramesError(label, decoder.undecodable, facts);
      throwIfAborted(options.signal, label);
      if (motion !== undefined) requireVectors(label, decoder.codecName);
      const orientation = orientationFor(native, packets);
      const pixel = native.sampleAspectRatio;
      const isSquare = pixel.num <= 0 || pixel.den <= 0;
      const { swapsSides } = orientation;
      const isHdr = native.colorTrc === AVCOL_TRC_SMPTE2084 || native.colorTrc === AVCOL_TRC_ARIB_STD_B67;
      const stored = { widthPx: native.width, heightPx: native.height };
      const pts = native.bestEffortTimestamp;
      // From here on the frame is empty: the converter takes its pixels over.
      const rgb = await converted(converter, decoder, motion, native, orientation, facts.names !== undefined);
      const info: VideoInfo = {
        widthPx: rgb.widthPx,
        heightPx: rgb.heightPx,
        codedWidthPx: stored.widthPx,
        codedHeightPx: stored.heightPx,
        frameRate: facts.frameRate,
        durationSec: facts.durationSec,
        frameCountEstimate: facts.frameCountEstimate,
        hasAudio: facts.hasAudio,
        codec: decoder.codecName,
        container: facts.container,
        timeBase: facts.timeBase,
        sampleAspectRatio: isSquare
          ? { num: 1, den: 1 }
          : swapsSides
            ? { num: pixel.den, den: pixel.num }
            : { num: pixel.num, den: pixel.den },
      };
      const first = { info, rgb, isHdr, pts };
      return new FfmpegReader(label, packets, decoder, converter, motion, native, options.signal, first);
    } catch (error) {
      native.free();
      converter.dispose();
      decoder.dispose();
      throw error;
    } finally {
      options.signal?.removeEventListener("abort", interrupt);
    }
  }

  get warnings(): readonly string[] {
    const { facts, warnings } = this.#packets;
    return readingWarnings(this.#state, this.#decoder, facts, warnings);
  }

  nameOf(timestampSec: number): string | undefined {
    const { names, timeBase } = this.#packets.facts;
    return names?.[Math.round((timestampSec * timeBase.den) / timeBase.num)];
  }

  [Symbol.asyncIterator](): AsyncGenerator<Frame, void, void> {
    if (this.#isIterated) {
      throw new ClockworkError(
        "invalid-argument",
        `${this.#label}: expected one iteration over a reader, got a second; try openVideo again`,
      );
    }
    this.#isIterated = true;
    return this.#frames();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#disposal ??= this.#dispose();
    await this.#disposal;
  }

  async *#frames(): AsyncGenerator<Frame, void, void> {
    try {
      for (;;) {
        const frame = await this.#next();
        if (frame === undefined) return;
        yield frame;
      }
    } finally {
      await this[Symbol.asyncDispose]();
    }
  }

  async #next(): Promise<Frame | undefined> {
    this.#checkOpen();
    const first = this.#first;
    if (first !== undefined) {
      this.#first = undefined;
      return first;
    }
    const step = this.#decodeNext();
    this.#step = step;
    try {
      const frame = await step;
      this.#checkOpen();
      return frame;
    } catch (error) {
      this.#checkOpen();
      if (error instanceof ClockworkError) throw error;
      throw new ClockworkError("invalid-video", `${this.#label}: ${reasonOf(error)}`, {
        cause: error,
      });
    }
  }

  async #decodeNext(): Promise<Frame | undefined> {
    if (this.#done) return undefined;
    const native = this.#native;
    if (!(await this.#decoder.next(native))) {
      this.#done = true;
      this.#state.ended = true;
      return undefined;
    }
    try {
      const isStill = this.#packets.facts.names !== undefined;
      const orientation = orientationFor(native, this.#packets);
      const timestampSec = this.#timestampOf(native.bestEffortTimestamp);
      return {
        ...(await converted(this.#converter, this.#decoder, this.#motion, native, orientation, isStill)),
        timestampSec,
      };
    } finally {
      native.unref();
    }
  }

  /** Seconds from the start; where the stream has no time, or goes back, one frame after the last. */
  #timestampOf(pts: bigint): number {
    const { facts } = this.#packets;
    const state = this.#state;
    const stepSec = 1 / facts.frameRate;
    let seconds =
      pts === AV_NOPTS_VALUE
        ? (state.lastSec ?? -stepSec) + stepSec
        : (Number(pts - this.#startPts) * facts.timeBase.num) / facts.timeBase.den;
    if (state.lastSec !== undefined && seconds <= state.lastSec) {
      seconds = state.lastSec + stepSec;
      state.backwards++;
      // The clock has jumped: what follows counts from here.
      if (pts !== AV_NOPTS_VALUE) {
        const ticks = BigInt(Math.round((seconds * facts.timeBase.den) / facts.timeBase.num));
        this.#startPts = pts - ticks;
      }
    }
    state.frames++;
    state.lastSec = seconds;
    const name = this.nameOf(seconds);
    if (name !== undefined) state.namesSeen.add(name);
    return seconds;
  }

  #checkOpen(): void {
    throwIfAborted(this.#signal, this.#label);
    if (this.#disposal === undefined) return;
    throw new ClockworkError("aborted", `${this.#label}: expected an open reader, got a disposed one`);
  }

  async #dispose(): Promise<void> {
    this.#signal?.removeEventListener("abort", this.#onAbort);
    this.#packets.interrupt();
    // Nothing native may be freed under a call that is under way.
    await this.#step.catch(() => undefined);
    this.#first = undefined;
    this.#native.free();
    this.#converter.dispose();
    this.#decoder.dispose();
    await this.#packets.close();
  }
}

/** A frame without its time; leaves the native one empty. */
async function converted(
  converter: RgbConverter,
  { codecName }: Decoder,
  motion: ReferenceTimes | undefined,
  native: NativeFrame,
  orientation: Orientation,
  isStill: boolean,
): Promise<Omit<Frame, "timestampSec">> {
  const coded = motion === undefined ? undefined : codedMotion(native, codecName, motion);
  const rgb = await converter.convert(native, orientation, isStill);
  return coded === undefined ? rgb : { ...rgb, motion: blockMotion(coded, orientation, rgb) };
}

/** Photos carry their orientation in themselves, videos in the stream. */
function orientationFor(native: NativeFrame, packets: PacketSource): ReturnType<typeof orientationOf> {
  const own = native.getSideData(AV_FRAME_DATA_DISPLAYMATRIX);
  return own === null ? packets.facts.orientation : orientationOf(own);
}

function noFramesError(label: string, undecodable: number, facts: SourceFacts): ClockworkError {
  const { names } = facts;
  if (names !== undefined) {
    return new ClockworkError(
      "invalid-video",
      `${label}: expected pictures, got ${names.length} that could not be decoded; try opening one in a viewer`,
    );
  }
  const got = undecodable > 0 ? `none: ${undecodable} packets could not be decoded` : "a video without frames";
  return new ClockworkError(
    "invalid-video",
    `${label}: expected frames, got ${got}; try playing the file, or converting it to H.264`,
  );
}

function throwIfAborted(signal: AbortSignal | undefined, label: string): void {
  if (signal?.aborted === true) throw new ClockworkError("aborted", `${label}: stopped by its signal`);
}

function checkOptions(options: OpenVideoOptions): void {
  for (const name of ["width", "height"] as const) {
    const value = options[name];
    if (value === undefined || (Number.isInteger(value) && value > 0 && value <= 32_768)) continue;
    throw new ClockworkError(
      "invalid-argument",
      `openVideo ${name}: expected an integer from 1 to 32768, got ${value}`,
    );
  }
  for (const name of ["frameRate", "timeoutSec"] as const) {
    const value = options[name];
    if (value === undefined || (Number.isFinite(value) && value > 0)) continue;
    throw new ClockworkError("invalid-argument", `openVideo ${name}: expected a number above 0, got ${value}`);
  }
}
