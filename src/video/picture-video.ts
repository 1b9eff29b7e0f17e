// Videos to look at: which encoder and which settings a file name asks for.
// Converts no pixels: frames come as BT.709 in 4:2:0, with even sides.

import { extname } from "node:path";
import { AV_PIX_FMT_YUV420P, FF_ENCODER_LIBVPX_VP9, FF_ENCODER_LIBX264 } from "node-av/constants";
import type { AudioCopy } from "./audio-copy.ts";
import type { PartFile } from "./part-file.ts";
import type { ResolvedSinkOptions } from "./sink.ts";
import { VideoFile } from "./video-file.ts";

/** Extensions of such videos: H.264, VP9 for the last. */
export const pictureVideoExtensions: readonly string[] = [".mp4", ".mov", ".mkv", ".webm"];

/** How to encode. */
export interface PictureVideoOptions extends Pick<
  ResolvedSinkOptions,
  "frameRate" | "timeBase" | "sampleAspectRatio" | "crf" | "preset"
> {
  readonly audio?: AudioCopy;
  /** Threads of the encoder; what x264 writes depends on their number. One for each core by default. */
  readonly threads?: number;
}

/** What to ask of the filter `scale` where it turns RGB into YUV. */
export const toVideoMatrix = "out_color_matrix=bt709:out_range=tv";

/** Opens the encoder for pictures of a size, which is made even. */
export function openPictureVideo(
  part: PartFile,
  size: { readonly widthPx: number; readonly heightPx: number },
  options: PictureVideoOptions,
): Promise<VideoFile> {
  const { crf, preset, frameRate, timeBase, sampleAspectRatio, audio, threads } = options;
  const extension = extname(part.finalPath).toLowerCase();
  const isWebm = extension === ".webm";
  return VideoFile.create(part, {
    encoder: isWebm ? FF_ENCODER_LIBVPX_VP9 : FF_ENCODER_LIBX264,
    encoderOptions: {
      ...(isWebm
        ? { crf: String(crf ?? 32), b: "0", deadline: "realtime", "cpu-used": "6", "row-mt": "1" }
        : { crf: String(crf ?? 20), preset }),
      ...(threads !== undefined && { threads: String(threads) }),
    },
    muxerOptions: extension === ".mp4" || extension === ".mov" ? { movflags: "+faststart" } : {},
    // 4:2:0 has one colour for two pixels: odd sides get one more pixel, a copy of the last.
    widthPx: even(size.widthPx),
    heightPx: even(size.heightPx),
    pixelFormat: AV_PIX_FMT_YUV420P,
    color: "bt709",
    frameRate,
    timeBase,
    sampleAspectRatio,
    isBitexact: false,
    audio,
  });
}

/** Filters that follow 4:4:4 and make odd sides even, for a picture of that size; none where they are even. */
export function evenSides({ widthPx, heightPx }: { readonly widthPx: number; readonly heightPx: number }): string {
  if (widthPx === even(widthPx) && heightPx === even(heightPx)) return "";
  return (
    `,pad=${even(widthPx)}:${even(heightPx)},` +
    `fillborders=right=${widthPx % 2}:bottom=${heightPx % 2}:mode=smear,format=yuv420p`
  );
}

/** The sampling of colours until then: with odd sides, every pixel has one of its own. */
export function samplingFor(size: { readonly widthPx: number; readonly heightPx: number }): "420" | "444" {
  return evenSides(size) === "" ? "420" : "444";
}

function even(side: number): number {
  return side + (side % 2);
}
