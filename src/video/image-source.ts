// Image files as a source of coded pictures: each file is one packet, its decoder chosen by its first bytes.
// Sizes and kinds may differ from file to file.

import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import {
  AV_CODEC_ID_BMP,
  AV_CODEC_ID_MJPEG,
  AV_CODEC_ID_PNG,
  AV_CODEC_ID_TIFF,
  AV_CODEC_ID_WEBP,
  AVMEDIA_TYPE_VIDEO,
  type AVCodecID,
} from "node-av/constants";
import { CodecParameters, type Packet } from "node-av/lib";
import { reasonOf } from "../errors.ts";
import type { ImageList } from "./image-list.ts";
import { UPRIGHT } from "./orientation.ts";
import type { PacketSource, SourceFacts } from "./packet-source.ts";

/** Frames a second of image files, which do not say. */
export const IMAGE_FRAME_RATE = 25;

/** Reads the files of a list; the timestamp of a packet is the index of its file. */
export class ImageSource implements PacketSource {
  readonly facts: SourceFacts;
  readonly #paths: readonly string[];
  readonly #warnings: string[];
  readonly #parameters = new Map<AVCodecID, CodecParameters>();
  #next = 0;
  #interrupted = false;

  constructor(list: ImageList, frameRate: number) {
    this.#paths = list.paths;
    this.#warnings = [...list.warnings];
    this.facts = {
      // Ticks are images: the reader multiplies by the time base.
      timeBase: ratioOfRate(frameRate),
      startPts: 0n,
      frameRate,
      durationSec: list.paths.length / frameRate,
      frameCountEstimate: list.paths.length,
      hasAudio: false,
      container: "images",
      orientation: UPRIGHT,
      names: list.paths.map((path) => basename(path)),
    };
  }

  get warnings(): readonly string[] {
    return this.#warnings;
  }

  async read(packet: Packet): Promise<CodecParameters | undefined> {
    while (this.#next < this.#paths.length && !this.#interrupted) {
      const index = this.#next++;
      const path = this.#paths[index] ?? "";
      let bytes: Buffer;
      try {
        bytes = await readFile(path);
      } catch (error) {
        this.#warnings.push(`${basename(path)} could not be read: ${reasonOf(error)}`);
        continue;
      }
      const codec = codecOf(bytes);
      if (codec === undefined) continue;
      packet.data = bytes;
      packet.pts = BigInt(index);
      packet.dts = BigInt(index);
      packet.isKeyframe = true;
      return this.#parametersFor(codec);
    }
    return undefined;
  }

  interrupt(): void {
    this.#interrupted = true;
  }

  async close(): Promise<void> {
    for (const parameters of this.#parameters.values()) parameters.free();
    this.#parameters.clear();
    await Promise.resolve();
  }

  #parametersFor(codec: AVCodecID): CodecParameters {
    const known = this.#parameters.get(codec);
    if (known !== undefined) return known;
    const parameters = new CodecParameters();
    parameters.alloc();
    parameters.codecType = AVMEDIA_TYPE_VIDEO;
    parameters.codecId = codec;
    this.#parameters.set(codec, parameters);
    return parameters;
  }
}

const SIGNATURES: readonly (readonly [AVCodecID, RegExp])[] = [
  [AV_CODEC_ID_PNG, /^\x89PNG\r\n/u],
  [AV_CODEC_ID_MJPEG, /^\xff\xd8\xff/u],
  [AV_CODEC_ID_BMP, /^BM/u],
  [AV_CODEC_ID_WEBP, /^RIFF[^]{4}WEBP/u],
  [AV_CODEC_ID_TIFF, /^(?:II[*+]\0|MM\0[*+])/u],
];

function codecOf(bytes: Buffer): AVCodecID | undefined {
  const head = bytes.toString("latin1", 0, 16);
  return SIGNATURES.find(([, signature]) => signature.test(head))?.[0];
}

function ratioOfRate(frameRate: number): { num: number; den: number } {
  for (const num of [1, 1001]) {
    const den = Math.round(frameRate * num);
    if (Math.abs(den / num - frameRate) < 1e-9 * frameRate) return { num, den };
  }
  return { num: 1_000, den: Math.max(1, Math.round(frameRate * 1_000)) };
}
