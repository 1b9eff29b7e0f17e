// Pictures of one form as the bytes of PNG files, one after the other: the encoder is set up once for each size.
// The same pixels give the same bytes. Scales nothing: see `encode-image.ts` for single pictures.

import {
  AV_PIX_FMT_GRAY16BE,
  AV_PIX_FMT_GRAY8,
  AV_PIX_FMT_PAL8,
  AV_PIX_FMT_RGB24,
  type AVPixelFormat,
  FF_ENCODER_PNG,
} from "node-av/constants";
import { Codec, CodecContext, Dictionary, Packet, Rational } from "node-av/lib";
import { ClockworkError } from "../errors.ts";
import { check, quietLogs } from "./native.ts";
import { nativePalette } from "./overlay-sink.ts";
import { nativeFrame } from "./sink.ts";

/** What a pixel is: three bytes, an index into a palette, a byte, or 16 bits. */
export type PngForm = "rgb" | "indexed" | "gray" | "gray16";

const pixelFormats: Readonly<Record<PngForm, AVPixelFormat>> = {
  rgb: AV_PIX_FMT_RGB24,
  indexed: AV_PIX_FMT_PAL8,
  gray: AV_PIX_FMT_GRAY8,
  gray16: AV_PIX_FMT_GRAY16BE,
};

/** Pixels of a picture, rows without padding. */
export interface Picture {
  readonly data: Uint8Array<ArrayBuffer> | Uint16Array<ArrayBuffer>;
  readonly widthPx: number;
  readonly heightPx: number;
}

/** How to encode. */
export interface PngEncoderOptions {
  /** For `indexed`: RGB triplets, [256, 3]. */
  readonly palette?: Uint8Array;
  /** A quarter of the time for noisy pictures, at the same size. */
  readonly fast?: boolean;
}

const TIME_BASE = { num: 1, den: 25 } as const;

/** Encodes picture after picture; owns native memory until `dispose`. Calls must not overlap. */
export class PngEncoder {
  readonly #form: PngForm;
  readonly #palette: Uint8Array<ArrayBuffer>;
  readonly #fast: boolean;
  readonly #packet: Packet = new Packet();
  #encoder: CodecContext | undefined;
  #size = "";
  #count = 0n;
  #isFreed = false;

  constructor(form: PngForm, { palette, fast = false }: PngEncoderOptions = {}) {
    quietLogs();
    this.#form = form;
    this.#palette = form === "indexed" ? nativePalette(palette ?? new Uint8Array(256 * 3), 1) : new Uint8Array(0);
    this.#fast = fast;
    this.#packet.alloc();
  }

  /** @throws {ClockworkError} `invalid-video` where FFmpeg cannot */
  async encode(picture: Picture): Promise<Buffer> {
    const encoder = await this.#encoderFor(picture);
    const native = nativeFrame(this.#bytesOf(picture), picture, pixelFormats[this.#form], TIME_BASE, this.#count++);
    try {
      check(await encoder.sendFrame(native), "png encoder");
      check(encoder.receivePacketSync(this.#packet), "png encoder");
      const { data } = this.#packet;
      if (data === null) throw new ClockworkError("invalid-video", "png encoder: expected data, got none");
      return Buffer.from(data);
    } finally {
      this.#packet.unref();
      native.free();
    }
  }

  dispose(): void {
    if (this.#isFreed) return;
    this.#isFreed = true;
    this.#encoder?.freeContext();
    this.#packet.free();
  }

  /** Pixels as FFmpeg wants them: a palette after the indices, 16 bits with the high byte first. */
  #bytesOf({ data }: Picture): Uint8Array<ArrayBuffer> {
    if (data instanceof Uint16Array) {
      const bytes = new Uint8Array(data.length * 2);
      for (let at = 0; at < data.length; at++) {
        const value = data[at] ?? 0;
        bytes[2 * at] = value >> 8;
        bytes[2 * at + 1] = value & 255;
      }
      return bytes;
    }
    if (this.#form !== "indexed") return data;
    const pixels = new Uint8Array(data.length + this.#palette.length);
    pixels.set(data);
    pixels.set(this.#palette, data.length);
    return pixels;
  }

  async #encoderFor({ widthPx, heightPx }: Picture): Promise<CodecContext> {
    const size = `${widthPx}x${heightPx}`;
    if (this.#encoder !== undefined && size === this.#size) return this.#encoder;
    this.#encoder?.freeContext();
    this.#encoder = undefined;
    const codec = Codec.findEncoderByName(FF_ENCODER_PNG);
    const encoder = new CodecContext();
    encoder.allocContext3(codec);
    encoder.width = widthPx;
    encoder.height = heightPx;
    encoder.pixelFormat = pixelFormats[this.#form];
    encoder.timeBase = Rational.fromObject(TIME_BASE);
    // One thread: with more the encoder would keep pictures back.
    encoder.threadCount = 1;
    // Differences to neighbours suit noise, and not indices.
    const isPlain = this.#form === "indexed" || !this.#fast;
    using options = Dictionary.fromObject({
      ...(this.#fast && { compression_level: "1" }),
      ...(!isPlain && { pred: "mixed" }),
    });
    const code = await encoder.open2(codec, options);
    if (code < 0) encoder.freeContext();
    check(code, `png encoder at ${size}`);
    this.#encoder = encoder;
    this.#size = size;
    return encoder;
  }
}
