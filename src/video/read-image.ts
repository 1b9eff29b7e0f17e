// One image file in, as an upright RGB frame. For files of which each is wanted by name and none may be damaged, such
// as those of a dataset; a folder that is played from its beginning is a video (`reader.ts`), which passes damage over.

import { AV_CODEC_ID_MJPEG, AV_FRAME_DATA_DISPLAYMATRIX, AVERROR_EAGAIN } from "node-av/constants";
import { Codec, CodecContext, type CodecParameters, Dictionary, Frame as NativeFrame, Packet } from "node-av/lib";
import { ClockworkError } from "../errors.ts";
import type { Frame } from "../frame.ts";
import { ImageSource } from "./image-source.ts";
import { check, quietLogs } from "./native.ts";
import { orientationOf } from "./orientation.ts";
import { RgbConverter } from "./rgb-converter.ts";

/**
 * Converters between two images. To set one up costs as much as a quarter of a small image, and images that are read one
 * after the other are mostly alike. They hold no pixels, and are few: they stay until the process ends.
 */
const idle: RgbConverter[] = [];
const MOST_IDLE = 4;

/**
 * Reads a png, jpg, bmp, webp or tif file, whatever its name says: upright as its EXIF data asks, in RGB of 8 bits, its
 * buffer its own, its timestamp 0. The pixels are those that `openVideo` gives for the same file. Calls may overlap.
 *
 * @throws {ClockworkError} `io` where the file cannot be read, `invalid-video` where it is no image, or a damaged one.
 */
export async function readImage(path: string): Promise<Frame> {
  quietLogs();
  const source = new ImageSource({ paths: [path], warnings: [] }, 1);
  const packet = new Packet();
  const native = new NativeFrame();
  packet.alloc();
  native.alloc();
  try {
    const parameters = await source.read(packet);
    if (parameters === undefined) {
      const [reason] = source.warnings;
      throw reason === undefined
        ? broken(path, "another kind of file")
        : new ClockworkError("io", `${path}: expected a readable image, got: ${reason}`);
    }
    await decode(path, parameters, packet, native);
    return { ...(await upright(native)), timestampSec: 0 };
  } finally {
    native.free();
    packet.free();
    await source.close();
  }
}

async function decode(path: string, parameters: CodecParameters, packet: Packet, frame: NativeFrame): Promise<void> {
  const codec = Codec.findDecoder(parameters.codecId);
  const context = new CodecContext();
  context.allocContext3(codec);
  try {
    check(context.parametersToContext(parameters), `${path}: decoder parameters`);
    // One picture gives several threads nothing to share; two files at once use two cores.
    context.threadCount = 1;
    // FFmpeg invents what a truncated JPEG lacks, and does not say so; of other formats it refuses truncated files.
    using options = Dictionary.fromObject(parameters.codecId === AV_CODEC_ID_MJPEG ? { err_detect: "explode" } : {});
    check(await context.open2(codec, options), `${path}: decoder`);
    let code = await context.sendPacket(packet);
    if (code >= 0) code = await context.receiveFrame(frame);
    if (code === AVERROR_EAGAIN) {
      // WebP comes out only when nothing more can follow.
      await context.sendPacket(null);
      code = await context.receiveFrame(frame);
    }
    if (code < 0) throw broken(path, "a damaged or truncated one");
  } finally {
    context.freeContext();
  }
}

async function upright(native: NativeFrame): Promise<Omit<Frame, "timestampSec">> {
  const orientation = orientationOf(native.getSideData(AV_FRAME_DATA_DISPLAYMATRIX));
  const converter = idle.pop() ?? new RgbConverter({ widthPx: undefined, heightPx: undefined });
  let isSpare = false;
  try {
    const picture = await converter.convert(native, orientation, true);
    isSpare = idle.length < MOST_IDLE;
    return picture;
  } finally {
    if (isSpare) idle.push(converter);
    else converter.dispose();
  }
}

function broken(path: string, got: string): ClockworkError {
  return new ClockworkError(
    "invalid-video",
    `${path}: expected a png, jpg, bmp, webp or tif image, got ${got}; try opening it in a viewer, or fetching it again`,
  );
}
