// Videos of frames as they are, with nothing over them.

import { AV_PIX_FMT_RGB24 } from "node-av/constants";
import { Frame as NativeFrame } from "node-av/lib";
import { ClockworkError } from "../errors.ts";
import type { Frame } from "../frame.ts";
import { PictureGraph } from "./filter-graph.ts";
import { quietLogs } from "./native.ts";
import { PartFile } from "./part-file.ts";
import { evenSides, openPictureVideo, samplingFor, toVideoMatrix } from "./picture-video.ts";
import { nativeFrame } from "./sink.ts";
import type { VideoFile } from "./video-file.ts";

/** How to encode. */
export interface FrameVideoOptions {
  readonly frameRate: number;
  /** Quality as the encoder counts it, less is better; 20 for H.264, 32 for VP9 by default. */
  readonly crf?: number;
  /** Threads of the encoder; with one, the same frames give the same video on every machine. */
  readonly threads?: number;
}

const timeBase = { num: 1, den: 90_000 } as const;

/** A video that is being written. All frames have the size of the first. Calls must not overlap. */
export class FrameVideo {
  readonly #part: PartFile;
  readonly #options: FrameVideoOptions;
  readonly #out: NativeFrame = new NativeFrame();
  #file: VideoFile | undefined;
  #graph: PictureGraph | undefined;

  private constructor(part: PartFile, options: FrameVideoOptions) {
    this.#part = part;
    this.#options = options;
    this.#out.alloc();
  }

  /**
   * Opens a `.mp4`, `.mov` or `.mkv` (H.264) or `.webm` (VP9). It appears under its name only on `close`.
   *
   * @throws {ClockworkError} `io` where it cannot be written.
   */
  static async create(path: string, options: FrameVideoOptions): Promise<FrameVideo> {
    quietLogs();
    return new FrameVideo(await PartFile.create(path), options);
  }

  /**
   * Adds one frame, and is done with its buffer when it resolves. Timestamps must grow.
   *
   * @throws {ClockworkError} `invalid-video` where it cannot be encoded, `io` where it cannot be written.
   */
  async write(frame: Frame): Promise<void> {
    const file = (this.#file ??= await openPictureVideo(this.#part, frame, {
      timeBase,
      sampleAspectRatio: { num: 1, den: 1 },
      preset: "veryfast",
      crf: undefined,
      ...this.#options,
    }));
    this.#graph ??= await PictureGraph.create(
      [{ widthPx: frame.widthPx, heightPx: frame.heightPx, pixelFormat: AV_PIX_FMT_RGB24, timeBase }],
      `[in0]scale=${toVideoMatrix}:flags=bilinear+accurate_rnd,format=yuv${samplingFor(frame)}p${evenSides(frame)}[out]`,
    );
    const pts = file.ptsFor(frame.timestampSec);
    const picture = nativeFrame(frame.data, frame, AV_PIX_FMT_RGB24, timeBase, pts);
    try {
      if (!(await this.#graph.run([picture], this.#out))) {
        throw new ClockworkError("invalid-video", "video of frames: expected a frame from FFmpeg, got none");
      }
      this.#out.pts = pts;
      await file.write(this.#out);
    } finally {
      this.#out.unref();
      picture.free();
    }
  }

  /**
   * Finishes the video and puts it in its place, over one that is there.
   *
   * @throws {ClockworkError} `invalid-video` where there was no frame, `io` where it cannot be written.
   */
  async close(): Promise<void> {
    if (this.#file === undefined) {
      throw new ClockworkError("invalid-video", `${this.#part.finalPath}: expected frames to write, got none`);
    }
    await this.#file.finish();
    this.#free();
  }

  /** Gives up: removes what is unfinished. */
  async abort(): Promise<void> {
    await this.#file?.free();
    this.#free();
    await this.#part.discard();
  }

  #free(): void {
    this.#graph?.dispose();
    this.#graph = undefined;
    this.#out.free();
  }
}
