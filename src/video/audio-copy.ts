// The audio of a source, copied packet by packet into an overlay: not decoded, not encoded again.
// Timestamps are moved so that zero is the first frame of the source's video.

import { AV_NOPTS_VALUE, AVDISCARD_ALL, AVMEDIA_TYPE_AUDIO, AVMEDIA_TYPE_VIDEO } from "node-av/constants";
import { avGetCodecName, FormatContext, Packet, type Stream } from "node-av/lib";
import { check } from "./native.ts";
import { resolveSource } from "./source.ts";

/** Codecs that a container takes; Matroska takes them all. */
const CONTAINER_AUDIO: Readonly<Record<string, readonly string[]>> = {
  ".mp4": ["aac", "mp3", "ac3", "eac3", "opus", "flac", "alac", "mp2"],
  ".mov": ["aac", "mp3", "ac3", "eac3", "alac", "mp2", "pcm_s16le", "pcm_s16be", "pcm_s24le"],
  ".webm": ["opus", "vorbis"],
};

/** Audio ahead of the first frame that containers with edit lists keep, in seconds: the start of the codec. */
const LEAD_SEC = 0.1;

/** The audio stream of a source, opened a second time. */
export class AudioCopy {
  readonly #input: FormatContext;
  readonly #stream: Stream;
  readonly #originSec: number;
  readonly #earliestSec: number;
  readonly #packet: Packet = new Packet();
  #output: { readonly context: FormatContext; readonly stream: Stream } | undefined;
  #isHolding = false;
  #ended = false;

  private constructor(input: FormatContext, stream: Stream, originSec: number, earliestSec: number) {
    this.#input = input;
    this.#stream = stream;
    this.#originSec = originSec;
    this.#earliestSec = earliestSec;
    this.#packet.alloc();
  }

  /**
   * Opens the audio of a source.
   *
   * @param extension of the output, with its dot.
   * @returns undefined where there is no audio; a sentence where there is some that cannot be copied.
   */
  static async open(source: string, extension: string): Promise<AudioCopy | string | undefined> {
    if (source === "-") return "audio of standard input is not copied: it can be read only once";
    const resolved = await resolveSource(source, undefined).catch(() => undefined);
    if (resolved?.kind !== "container") return undefined;
    if (resolved.place === "url" && !/^https?:/iu.test(resolved.url)) {
      return "audio of live sources is not copied: they can be read only once";
    }
    const input = new FormatContext();
    input.allocContext();
    try {
      check(await input.openInput(resolved.url), "audio");
      check(await input.findStreamInfo(), "audio");
      const streams = input.streams;
      const stream = streams[input.findBestStream(AVMEDIA_TYPE_AUDIO)];
      if (stream === undefined) {
        await input.closeInput();
        return undefined;
      }
      const codec = avGetCodecName(stream.codecpar.codecId) ?? "unknown";
      const accepted = CONTAINER_AUDIO[extension];
      if (accepted !== undefined && !accepted.includes(codec)) {
        await input.closeInput();
        return `audio is left out: ${extension} does not take ${codec}; try .mkv`;
      }
      for (const other of streams) if (other.index !== stream.index) other.discard = AVDISCARD_ALL;
      const video = streams[input.findBestStream(AVMEDIA_TYPE_VIDEO)];
      const originSec = video === undefined ? 0 : startSecOf(video);
      const hasEditLists = extension === ".mp4" || extension === ".mov";
      return new AudioCopy(input, stream, originSec, hasEditLists ? -LEAD_SEC : 0);
    } catch (error) {
      await input.closeInput();
      return `audio is left out: ${error instanceof Error ? error.message : String(error)}`;
    }
  }

  /** Adds the stream to an output whose header is not written yet. */
  addTo(context: FormatContext): void {
    const stream = context.newStream();
    check(this.#stream.codecpar.copy(stream.codecpar), "audio stream");
    // A tag is a matter of the container it came from.
    stream.codecpar.codecTag = 0;
    stream.timeBase = this.#stream.timeBase;
    this.#output = { context, stream };
  }

  /** Writes all audio that begins before a time. */
  async writeUntil(sec: number): Promise<void> {
    const output = this.#output;
    if (output === undefined) return;
    const packet = this.#packet;
    const { num, den } = this.#stream.timeBase;
    while (!this.#ended) {
      if (!this.#isHolding) {
        if ((await this.#input.readFrame(packet)) < 0) {
          this.#ended = true;
          return;
        }
        if (packet.streamIndex !== this.#stream.index) {
          packet.unref();
          continue;
        }
        this.#isHolding = true;
      }
      const stamp = packet.pts === AV_NOPTS_VALUE ? packet.dts : packet.pts;
      const atSec = (Number(stamp) * num) / den - this.#originSec;
      if (atSec >= sec) return;
      this.#isHolding = false;
      if (stamp === AV_NOPTS_VALUE || atSec < this.#earliestSec) {
        packet.unref();
        continue;
      }
      const shift = BigInt(Math.round((this.#originSec * den) / num));
      if (packet.pts !== AV_NOPTS_VALUE) packet.pts -= shift;
      if (packet.dts !== AV_NOPTS_VALUE) packet.dts -= shift;
      packet.rescaleTs(this.#stream.timeBase, output.stream.timeBase);
      packet.streamIndex = output.stream.index;
      packet.pos = -1n;
      check(await output.context.interleavedWriteFrame(packet), "writing audio", "io");
      packet.unref();
    }
  }

  async close(): Promise<void> {
    this.#packet.free();
    await this.#input.closeInput();
  }
}

function startSecOf(stream: Stream): number {
  if (stream.startTime === AV_NOPTS_VALUE) return 0;
  return (Number(stream.startTime) * stream.timeBase.num) / stream.timeBase.den;
}
