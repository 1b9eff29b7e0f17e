// Coded pictures to decoded ones: FFmpeg's decoders on all cores, giving out damaged pictures too.
// Converts nothing and times nothing.

import {
  AV_CODEC_FLAG2_EXPORT_MVS,
  AV_CODEC_FLAG_OUTPUT_CORRUPT,
  AV_FRAME_FLAG_CORRUPT,
  AVERROR_EAGAIN,
  AVERROR_EOF,
  FF_THREAD_SLICE,
} from "node-av/constants";
import { avGetCodecName, Codec, CodecContext, type CodecParameters, type Frame, Packet, Rational } from "node-av/lib";
import { ClockworkError } from "../errors.ts";
import { check } from "./native.ts";
import type { PacketSource } from "./packet-source.ts";
import type { ReferenceTimes } from "./reference-times.ts";

/** Decoders report the same damage again and again while they drain; this many in a row is their end. */
const MAX_ERRORS_IN_A_ROW = 1000;

/** Decodes a packet source. Calls of `next` must not overlap. */
export class Decoder {
  readonly #source: PacketSource;
  readonly #motion: ReferenceTimes | undefined;
  readonly #packet: Packet = new Packet();
  #context: CodecContext | undefined;
  #parameters: CodecParameters | undefined;
  /** Decoder parameters of a packet that waits until the decoder before it is drained. */
  #waiting: CodecParameters | undefined;
  #draining = false;
  #errorsInARow = 0;
  #codecName = "unknown";

  /** Packets that gave an error instead of a picture. */
  undecodable = 0;
  /** Pictures that came out, but with damage in them. */
  damaged = 0;

  /** @param motion where given, frames carry the codec's motion vectors, and it is told what is decoded in which order */
  constructor(source: PacketSource, motion?: ReferenceTimes) {
    this.#source = source;
    this.#motion = motion;
    this.#packet.alloc();
  }

  /** Decodes the next picture into `frame`; false at the end. */
  async next(frame: Frame): Promise<boolean> {
    for (;;) {
      if (this.#context !== undefined) {
        // Only a drain makes the decoder work here: else this picks up what `sendPacket` has made.
        const code = this.#draining ? await this.#context.receiveFrame(frame) : this.#context.receiveFrameSync(frame);
        if (code >= 0) {
          this.#errorsInARow = 0;
          const corrupt = (frame.flags & AV_FRAME_FLAG_CORRUPT) !== 0;
          if (corrupt || frame.decodeErrorFlags !== 0) this.damaged++;
          return true;
        }
        if (code === AVERROR_EOF || this.#errorsInARow > MAX_ERRORS_IN_A_ROW) {
          this.#closeContext();
          continue;
        }
        if (code !== AVERROR_EAGAIN) {
          this.undecodable++;
          this.#errorsInARow++;
          if (this.#draining) continue;
        }
      }
      if (this.#draining && this.#waiting === undefined) return false;
      await this.#feed();
    }
  }

  /** FFmpeg's name of the codec of the newest picture. */
  get codecName(): string {
    return this.#codecName;
  }

  dispose(): void {
    this.#closeContext();
    this.#packet.free();
  }

  /** Moves one packet on, or begins to drain. */
  async #feed(): Promise<void> {
    const parameters = this.#waiting ?? (await this.#source.read(this.#packet));
    this.#waiting = undefined;
    if (this.#context !== undefined && parameters !== this.#parameters) {
      this.#waiting = parameters;
      this.#draining = true;
      await this.#context.sendPacket(null);
      return;
    }
    if (parameters === undefined) {
      this.#draining = true;
      return;
    }
    if (this.#context === undefined) {
      this.#context = await openDecoder(parameters, this.#source, this.#motion !== undefined);
      this.#motion?.clear();
      this.#parameters = parameters;
      this.#codecName = avGetCodecName(parameters.codecId) ?? "unknown";
      this.#draining = false;
    }
    this.#motion?.sent(this.#packet.pts);
    const code = await this.#context.sendPacket(this.#packet);
    this.#packet.unref();
    if (code < 0 && code !== AVERROR_EAGAIN) this.undecodable++;
  }

  #closeContext(): void {
    this.#context?.freeContext();
    this.#context = undefined;
    this.#parameters = undefined;
    this.#errorsInARow = 0;
  }
}

async function openDecoder(
  parameters: CodecParameters,
  source: PacketSource,
  withMotion: boolean,
): Promise<CodecContext> {
  const codec = Codec.findDecoder(parameters.codecId);
  if (codec === null) {
    throw new ClockworkError(
      "invalid-video",
      `decoder: expected a codec that FFmpeg can decode, got codec ${parameters.codecId}; try converting the video to H.264`,
    );
  }
  const context = new CodecContext();
  context.allocContext3(codec);
  try {
    check(context.parametersToContext(parameters), "decoder parameters");
    context.threadCount = 0;
    context.pktTimebase = Rational.fromObject(source.facts.timeBase);
    context.setFlags(AV_CODEC_FLAG_OUTPUT_CORRUPT);
    if (withMotion) {
      context.setFlags2(AV_CODEC_FLAG2_EXPORT_MVS);
      // With a thread a frame, vectors are copied while another thread may not have decoded all of them yet.
      context.threadType = FF_THREAD_SLICE;
    }
    check(await context.open2(codec), `decoder ${codec.name ?? ""}`);
    return context;
  } catch (error) {
    context.freeContext();
    throw error;
  }
}
