// Label images: a folder with one indexed PNG for each frame, its values the class indices, its palette their colours.
// The same labels give the same bytes. Each file appears whole or not at all.

import { rename, rm, writeFile } from "node:fs/promises";
import { join, parse } from "node:path";
import { AV_PIX_FMT_PAL8, FF_ENCODER_PNG } from "node-av/constants";
import { Codec, CodecContext, Packet, Rational } from "node-av/lib";
import { ClockworkError } from "../errors.ts";
import type { Frame, LabelMap } from "../frame.ts";
import { LabelResizer } from "./label-resizer.ts";
import { check } from "./native.ts";
import { nativePalette } from "./overlay-sink.ts";
import { unwritable } from "./part-file.ts";
import { checkPixels, type LabelSink, nativeFrame, type ResolvedSinkOptions } from "./sink.ts";

const TIME_BASE = { num: 1, den: 25 } as const;

/** Writes label images; sizes may change from frame to frame. Files of the same name are replaced. */
export class LabelImagesSink implements LabelSink {
  readonly warnings: readonly string[] = [];
  readonly #folder: string;
  readonly #nameOf: ResolvedSinkOptions["nameOf"];
  readonly #palette: Uint8Array;
  readonly #resizer: LabelResizer = new LabelResizer();
  readonly #packet: Packet = new Packet();
  readonly #names = new Set<string>();
  #encoder: CodecContext | undefined;
  #size = "";
  #count = 0;
  #isFreed = false;

  constructor(folder: string, options: ResolvedSinkOptions) {
    this.#folder = folder;
    this.#nameOf = options.nameOf;
    this.#palette = nativePalette(options.palette, 1);
    this.#packet.alloc();
  }

  async write(frame: Frame, labels: LabelMap): Promise<void> {
    checkPixels(frame, labels);
    const map = await this.#resizer.resize(labels, frame);
    const png = await this.#encode(map);
    const path = join(this.#folder, this.#nextName(frame.timestampSec));
    const part = join(this.#folder, `.${parse(path).name}.part-${process.pid}.png`);
    try {
      await writeFile(part, png);
      await rename(part, path);
    } catch (error) {
      await rm(part, { force: true });
      throw unwritable(path, error);
    }
  }

  async close(): Promise<void> {
    this.#free();
    await Promise.resolve();
  }

  /** Stops; the images that are written stay: each of them is whole. */
  async abort(): Promise<void> {
    await this.close();
  }

  async #encode(map: LabelMap): Promise<Buffer> {
    const encoder = await this.#encoderFor(map);
    const pixels = new Uint8Array(map.data.length + this.#palette.length);
    pixels.set(map.data);
    pixels.set(this.#palette, map.data.length);
    const picture = nativeFrame(pixels, map, AV_PIX_FMT_PAL8, TIME_BASE, BigInt(this.#count));
    try {
      check(await encoder.sendFrame(picture), "png encoder");
      check(encoder.receivePacketSync(this.#packet), "png encoder");
      const { data } = this.#packet;
      if (data === null) throw new ClockworkError("invalid-video", "png encoder: expected data, got none");
      return Buffer.from(data);
    } finally {
      this.#packet.unref();
      picture.free();
    }
  }

  async #encoderFor(map: LabelMap): Promise<CodecContext> {
    const size = `${map.widthPx}x${map.heightPx}`;
    if (this.#encoder !== undefined && size === this.#size) return this.#encoder;
    this.#encoder?.freeContext();
    this.#encoder = undefined;
    const codec = Codec.findEncoderByName(FF_ENCODER_PNG);
    const encoder = new CodecContext();
    encoder.allocContext3(codec);
    encoder.width = map.widthPx;
    encoder.height = map.heightPx;
    encoder.pixelFormat = AV_PIX_FMT_PAL8;
    encoder.timeBase = Rational.fromObject(TIME_BASE);
    // One thread: with more the encoder would keep pictures back.
    encoder.threadCount = 1;
    const code = await encoder.open2(codec);
    if (code < 0) encoder.freeContext();
    check(code, `png encoder at ${size}`);
    this.#encoder = encoder;
    this.#size = size;
    return encoder;
  }

  /** The source's file name where it has one; a second file of that stem keeps its own extension too. */
  #nextName(timestampSec: number): string {
    const index = this.#count++;
    const source = this.#nameOf?.(timestampSec);
    const stem = source === undefined ? String(index).padStart(6, "0") : parse(source).name;
    const plain = `${stem}.png`;
    const name = this.#names.has(plain) ? `${parse(source ?? plain).base}.png` : plain;
    this.#names.add(name);
    return name;
  }

  #free(): void {
    if (this.#isFreed) return;
    this.#isFreed = true;
    this.#encoder?.freeContext();
    this.#resizer.dispose();
    this.#packet.free();
  }
}
