// An encoder and the container around it: frames in, a finished file out.
// Converts no pixels: the frames must come in the encoder's format.

import {
  AV_CODEC_FLAG_BITEXACT,
  AV_CODEC_FLAG_GLOBAL_HEADER,
  AVCOL_PRI_BT709,
  AVCOL_RANGE_JPEG,
  AVCOL_RANGE_MPEG,
  AVCOL_SPC_BT709,
  AVCOL_TRC_BT709,
  AVFMT_FLAG_BITEXACT,
  AVFMT_GLOBALHEADER,
  type AVPixelFormat,
  type FFEncoderCodec,
} from "node-av/constants";
import { Codec, CodecContext, Dictionary, FormatContext, type Frame, Packet, Rational, type Stream } from "node-av/lib";
import { ClockworkError } from "../errors.ts";
import type { AudioCopy } from "./audio-copy.ts";
import { check, type Ratio } from "./native.ts";
import type { PartFile } from "./part-file.ts";

/** What to encode and how. */
export interface VideoFileOptions {
  readonly encoder: FFEncoderCodec;
  readonly encoderOptions: Readonly<Record<string, string>>;
  readonly muxerOptions: Readonly<Record<string, string>>;
  readonly widthPx: number;
  readonly heightPx: number;
  readonly pixelFormat: AVPixelFormat;
  /** `bt709`: limited range, tagged as such. `indices`: full range, no colours. */
  readonly color: "bt709" | "indices";
  readonly frameRate: number;
  readonly timeBase: Ratio;
  readonly sampleAspectRatio: Ratio;
  /** Leaves out whatever differs from run to run: dates, identifiers, versions. */
  readonly isBitexact: boolean;
  readonly audio: AudioCopy | undefined;
}

/** A video file that is being encoded. Calls must not overlap. */
export class VideoFile {
  readonly #part: PartFile;
  readonly #options: VideoFileOptions;
  readonly #encoder: CodecContext;
  readonly #muxer: FormatContext;
  readonly #stream: Stream;
  readonly #packet: Packet = new Packet();
  readonly #frameTicks: bigint;
  #lastPts: bigint | undefined;
  #isFreed = false;

  private constructor(
    part: PartFile,
    options: VideoFileOptions,
    encoder: CodecContext,
    muxer: FormatContext,
    stream: Stream,
  ) {
    this.#part = part;
    this.#options = options;
    this.#encoder = encoder;
    this.#muxer = muxer;
    this.#stream = stream;
    const { num, den } = options.timeBase;
    this.#frameTicks = BigInt(Math.max(1, Math.round(den / num / options.frameRate)));
    this.#packet.alloc();
  }

  /**
   * Opens the encoder and writes the header into `part`.
   *
   * @throws {ClockworkError} `invalid-video` where FFmpeg cannot encode that, `io` where the file cannot be written.
   */
  static async create(part: PartFile, options: VideoFileOptions): Promise<VideoFile> {
    const label = part.finalPath;
    const muxer = new FormatContext();
    const encoder = new CodecContext();
    try {
      check(muxer.allocOutputContext2(null, null, part.path), `${label}: choosing a container`);
      const needsGlobalHeader = muxer.oformat?.hasFlags(AVFMT_GLOBALHEADER) === true;
      await openEncoder(encoder, options, needsGlobalHeader, label);
      const stream = muxer.newStream();
      check(stream.codecpar.fromContext(encoder), `${label}: video stream`);
      stream.timeBase = Rational.fromObject(options.timeBase);
      stream.avgFrameRate = rateOf(options.frameRate);
      stream.sampleAspectRatio = Rational.fromObject(options.sampleAspectRatio);
      options.audio?.addTo(muxer);
      if (options.isBitexact) muxer.setFlags(AVFMT_FLAG_BITEXACT);
      check(await muxer.openOutput(), `${label}: opening`, "io");
      using header = Dictionary.fromObject(options.muxerOptions);
      check(await muxer.writeHeader(header), `${label}: writing the header`);
      return new VideoFile(part, options, encoder, muxer, stream);
    } catch (error) {
      encoder.freeContext();
      await muxer.closeOutput();
      await options.audio?.close();
      throw error;
    }
  }

  /** Ticks of the encoder's clock for a time; always more than for the frame before. */
  ptsFor(timestampSec: number): bigint {
    const { num, den } = this.#options.timeBase;
    const pts = BigInt(Math.round((timestampSec * den) / num));
    const last = this.#lastPts;
    this.#lastPts = last !== undefined && pts <= last ? last + 1n : pts;
    return this.#lastPts;
  }

  /** Encodes one frame, whose `pts` came from `ptsFor`. */
  async write(frame: Frame): Promise<void> {
    const { num, den } = this.#options.timeBase;
    frame.duration = this.#frameTicks;
    check(await this.#encoder.sendFrame(frame), `${this.#part.finalPath}: encoding`);
    await this.#drain();
    await this.#options.audio?.writeUntil((Number(frame.pts) * num) / den);
  }

  /** Writes what the encoder still holds, and puts the file in its place. */
  async finish(): Promise<void> {
    const { num, den } = this.#options.timeBase;
    check(await this.#encoder.sendFrame(null), `${this.#part.finalPath}: finishing the encoder`);
    await this.#drain();
    const lastSec = (Number(this.#lastPts ?? 0n) * num) / den;
    await this.#options.audio?.writeUntil(lastSec + 1 / this.#options.frameRate);
    check(await this.#muxer.writeTrailer(), `${this.#part.finalPath}: finishing the file`, "io");
    await this.free();
    await this.#part.commit();
  }

  /** Frees everything native; the unfinished file stays for `PartFile` to remove. */
  async free(): Promise<void> {
    if (this.#isFreed) return;
    this.#isFreed = true;
    this.#packet.free();
    this.#encoder.freeContext();
    await this.#muxer.closeOutput();
    await this.#options.audio?.close();
  }

  async #drain(): Promise<void> {
    const packet = this.#packet;
    while (this.#encoder.receivePacketSync(packet) >= 0) {
      // Without a duration mp4 files lose their last frame.
      if (packet.duration === 0n) packet.duration = this.#frameTicks;
      packet.rescaleTs(this.#options.timeBase, this.#stream.timeBase);
      packet.streamIndex = this.#stream.index;
      const code = await this.#muxer.interleavedWriteFrame(packet);
      check(code, `${this.#part.finalPath}: writing`, "io");
      packet.unref();
    }
  }
}

async function openEncoder(
  encoder: CodecContext,
  options: VideoFileOptions,
  needsGlobalHeader: boolean,
  label: string,
): Promise<void> {
  const codec = Codec.findEncoderByName(options.encoder);
  if (codec === null) {
    throw new ClockworkError(
      "invalid-video",
      `${label}: expected FFmpeg to have the encoder ${options.encoder}, got a build without it; try another extension`,
    );
  }
  encoder.allocContext3(codec);
  encoder.width = options.widthPx;
  encoder.height = options.heightPx;
  encoder.pixelFormat = options.pixelFormat;
  encoder.timeBase = Rational.fromObject(options.timeBase);
  encoder.framerate = rateOf(options.frameRate);
  encoder.sampleAspectRatio = Rational.fromObject(options.sampleAspectRatio);
  encoder.threadCount = 0;
  if (options.color === "bt709") {
    encoder.colorRange = AVCOL_RANGE_MPEG;
    encoder.colorSpace = AVCOL_SPC_BT709;
    encoder.colorPrimaries = AVCOL_PRI_BT709;
    encoder.colorTrc = AVCOL_TRC_BT709;
  } else {
    encoder.colorRange = AVCOL_RANGE_JPEG;
  }
  if (needsGlobalHeader) encoder.setFlags(AV_CODEC_FLAG_GLOBAL_HEADER);
  if (options.isBitexact) encoder.setFlags(AV_CODEC_FLAG_BITEXACT);
  using dictionary = Dictionary.fromObject(options.encoderOptions);
  const size = `${options.widthPx}x${options.heightPx}`;
  check(await encoder.open2(codec, dictionary), `${label}: opening ${options.encoder} at ${size}`);
}

function rateOf(frameRate: number): Rational {
  return new Rational(Math.max(1, Math.round(frameRate * 1000)), 1000);
}
