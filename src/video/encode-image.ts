// One picture as the bytes of a PNG or JPEG file.

import {
  AV_CODEC_FLAG_QSCALE,
  AV_PIX_FMT_RGB24,
  AV_PIX_FMT_YUVJ444P,
  FF_ENCODER_MJPEG,
  FF_ENCODER_PNG,
  FF_QP2LAMBDA,
} from "node-av/constants";
import { Codec, CodecContext, Frame as NativeFrame, Packet, Rational } from "node-av/lib";
import { ClockworkError } from "../errors.ts";
import type { Frame } from "../frame.ts";
import { PictureGraph } from "./filter-graph.ts";
import { check, quietLogs } from "./native.ts";
import { nativeFrame } from "./sink.ts";

/** How to encode a picture. */
export interface EncodeImageOptions {
  /** `png` keeps every pixel, `jpeg` is small for photographs; default `png`. */
  readonly format?: "png" | "jpeg";
  /** Pictures wider than this are scaled down; default: not at all. */
  readonly mostWidthPx?: number;
  /** Whether scaling takes the nearest pixel, as label colours need it; default: it averages. */
  readonly nearest?: boolean;
}

const timeBase = { num: 1, den: 25 } as const;

/**
 * Encodes a picture.
 * @throws ClockworkError `invalid-video` where FFmpeg cannot
 */
export async function encodeImage(picture: Frame, options: EncodeImageOptions = {}): Promise<Uint8Array> {
  quietLogs();
  const { format = "png", mostWidthPx = picture.widthPx, nearest = false } = options;
  const jpeg = format === "jpeg";
  const widthPx = Math.min(picture.widthPx, mostWidthPx);
  const heightPx = Math.max(1, Math.round((picture.heightPx * widthPx) / picture.widthPx));
  const pixelFormat = jpeg ? AV_PIX_FMT_YUVJ444P : AV_PIX_FMT_RGB24;
  const graph = await PictureGraph.create(
    [{ ...picture, pixelFormat: AV_PIX_FMT_RGB24, timeBase }],
    `[in0]scale=${widthPx}:${heightPx}:flags=${nearest ? "neighbor" : "area"}:out_range=full:out_color_matrix=bt601,` +
      `format=${jpeg ? "yuvj444p" : "rgb24"}[out]`,
  );
  const frame = nativeFrame(picture.data, picture, AV_PIX_FMT_RGB24, timeBase, 0n);
  const scaled = new NativeFrame();
  scaled.alloc();
  const encoder = new CodecContext();
  const packet = new Packet();
  packet.alloc();
  try {
    if (!(await graph.run([frame], scaled))) {
      throw new ClockworkError("invalid-video", "image encoder: expected a scaled picture, got none");
    }
    const codec = Codec.findEncoderByName(jpeg ? FF_ENCODER_MJPEG : FF_ENCODER_PNG);
    encoder.allocContext3(codec);
    encoder.width = widthPx;
    encoder.height = heightPx;
    encoder.pixelFormat = pixelFormat;
    encoder.timeBase = Rational.fromObject(timeBase);
    encoder.threadCount = 1;
    if (jpeg) {
      encoder.setFlags(AV_CODEC_FLAG_QSCALE);
      encoder.globalQuality = jpegQuality * FF_QP2LAMBDA;
      scaled.quality = jpegQuality * FF_QP2LAMBDA;
    }
    check(await encoder.open2(codec), `${format} encoder at ${widthPx}x${heightPx}`);
    check(await encoder.sendFrame(scaled), `${format} encoder`);
    check(await encoder.receivePacket(packet), `${format} encoder`);
    const { data } = packet;
    if (data === null) throw new ClockworkError("invalid-video", `${format} encoder: expected data, got none`);
    return new Uint8Array(data);
  } finally {
    encoder.freeContext();
    packet.free();
    frame.free();
    scaled.free();
    graph.dispose();
  }
}

/** Quantiser of MJPEG, from 2 (best) to 31. */
const jpegQuality = 4;
