// Label videos: class indices as the gray levels of a lossless FFV1 stream in Matroska.
// The same labels give the same bytes. Matroska counts milliseconds, and rounds timestamps to them.

import { AV_PIX_FMT_GRAY8, AVCOL_RANGE_JPEG, FF_ENCODER_FFV1 } from "node-av/constants";
import { ClockworkError } from "../errors.ts";
import type { Frame, LabelMap } from "../frame.ts";
import { LabelResizer } from "./label-resizer.ts";
import type { PartFile } from "./part-file.ts";
import { checkPixels, type LabelSink, nativeFrame, type ResolvedSinkOptions } from "./sink.ts";
import { VideoFile } from "./video-file.ts";

/** Writes label videos; the first frame sets the size, labels of another size are scaled to it. */
export class LabelVideoSink implements LabelSink {
  readonly warnings: readonly string[] = [];
  readonly #part: PartFile;
  readonly #options: ResolvedSinkOptions;
  readonly #resizer: LabelResizer = new LabelResizer();
  #file: VideoFile | undefined;
  #size: { readonly widthPx: number; readonly heightPx: number } | undefined;

  constructor(part: PartFile, options: ResolvedSinkOptions) {
    this.#part = part;
    this.#options = options;
  }

  async write(frame: Frame, labels: LabelMap): Promise<void> {
    checkPixels(frame, labels);
    const size = (this.#size ??= { widthPx: frame.widthPx, heightPx: frame.heightPx });
    const file = (this.#file ??= await this.#open(frame));
    const map = await this.#resizer.resize(labels, size);
    const pts = file.ptsFor(frame.timestampSec);
    const picture = nativeFrame(map.data, map, AV_PIX_FMT_GRAY8, this.#options.timeBase, pts);
    picture.colorRange = AVCOL_RANGE_JPEG;
    try {
      await file.write(picture);
    } finally {
      picture.free();
    }
  }

  async close(): Promise<void> {
    if (this.#file === undefined) {
      throw new ClockworkError("invalid-video", `${this.#part.finalPath}: expected labels to write, got none`);
    }
    await this.#file.finish();
    this.#resizer.dispose();
  }

  async abort(): Promise<void> {
    await this.#file?.free();
    this.#resizer.dispose();
    await this.#part.discard();
  }

  #open(frame: Frame): Promise<VideoFile> {
    const { frameRate, timeBase, sampleAspectRatio } = this.#options;
    const isTiny = frame.widthPx < 16 || frame.heightPx < 16;
    return VideoFile.create(this.#part, {
      encoder: FF_ENCODER_FFV1,
      // The number of slices is fixed: FFmpeg would choose it by the number of cores.
      encoderOptions: { level: "3", slices: isTiny ? "1" : "4", slicecrc: "1", g: "1" },
      muxerOptions: {},
      widthPx: frame.widthPx,
      heightPx: frame.heightPx,
      pixelFormat: AV_PIX_FMT_GRAY8,
      color: "indices",
      frameRate,
      timeBase,
      sampleAspectRatio,
      isBitexact: true,
      audio: undefined,
    });
  }
}
