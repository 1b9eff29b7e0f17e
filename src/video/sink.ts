// What takes frames and their labels: the interface of every output, and what outputs are made from.
// The outputs themselves are in the `*-sink.ts` files; `writer.ts` chooses among them.

import { Frame as NativeFrame } from "node-av/lib";
import type { AVPixelFormat } from "node-av/constants";
import { ClockworkError } from "../errors.ts";
import type { Frame, LabelMap } from "../frame.ts";
import type { Ratio } from "./native.ts";

/**
 * An output. Calls must not overlap, except that `abort` may come at any time.
 *
 * `write` only reads the buffers it is given, and is done with them when it resolves.
 */
export interface LabelSink {
  /**
   * Adds one frame. Timestamps must grow.
   *
   * @throws {ClockworkError} `invalid-video` where it cannot be encoded, `io` where it cannot be written; call
   * `abort` then.
   */
  write(frame: Frame, labels: LabelMap): Promise<void>;
  /** Finishes the output and puts it in its place. A second call does nothing. */
  close(): Promise<void>;
  /** Gives up: removes what is unfinished. Does nothing after `close`. */
  abort(): Promise<void>;
  /** What could not be carried over, in sentences. */
  readonly warnings: readonly string[];
}

/** How to write. */
export interface SinkOptions {
  /**
   * `overlay`: the frames under their class colours. `labels`: class indices, as FFV1 in `.mkv` or as PNG files.
   * By default what the path asks for: folders take labels, files the overlay.
   */
  readonly format?: "overlay" | "labels";
  /** RGB triplets, [256, 3], as `paletteFor` makes them; by default the colours of nameless classes. */
  readonly palette?: Uint8Array;
  /** How far the class colours cover the frame: 0 not at all, 1 wholly; 0.5 by default. */
  readonly opacity?: number;
  /** Frames a second, on average: of the source. */
  readonly frameRate: number;
  /** Clock of the timestamps; those of the source stay exact. 1/90000 s by default. */
  readonly timeBase?: Ratio;
  /** Width to height of a pixel, to be noted in the video; 1 by default. */
  readonly sampleAspectRatio?: Ratio;
  /** The source of the frames: its audio is copied into overlays, and it is never overwritten. */
  readonly source?: string;
  /** File name for a frame in a folder of labels; by default frames are numbered. */
  readonly nameOf?: (timestampSec: number) => string | undefined;
  /** Quality of the overlay as the encoder counts it, less is better; 20 for H.264, 32 for VP9 by default. */
  readonly crf?: number;
  /** Speed of x264, `veryfast` by default. */
  readonly preset?: string;
}

/** Options with their defaults filled in. */
export interface ResolvedSinkOptions {
  readonly palette: Uint8Array;
  readonly opacity: number;
  readonly frameRate: number;
  readonly timeBase: Ratio;
  readonly sampleAspectRatio: Ratio;
  readonly source: string | undefined;
  readonly nameOf: ((timestampSec: number) => string | undefined) | undefined;
  readonly crf: number | undefined;
  readonly preset: string;
}

/** What native frames share memory with: FFmpeg's bindings do not keep it from being collected. */
const shared = new WeakMap<NativeFrame, Uint8Array>();

/**
 * A native frame over `pixels`, rows without padding. It may share their memory: keep them unchanged, and give the
 * frame to nothing that writes into it or holds on to it, until it is freed.
 */
export function nativeFrame(
  pixels: Uint8Array<ArrayBuffer>,
  size: { readonly widthPx: number; readonly heightPx: number },
  format: AVPixelFormat,
  timeBase: Ratio,
  pts: bigint,
): NativeFrame {
  const buffer = Buffer.from(pixels.buffer, pixels.byteOffset, pixels.byteLength);
  const frame = NativeFrame.fromVideoBuffer(buffer, {
    width: size.widthPx,
    height: size.heightPx,
    format,
    timeBase,
    pts,
  });
  shared.set(frame, pixels);
  return frame;
}

/**
 * Checks that buffers are as long as their sizes say: FFmpeg would read past their ends.
 *
 * @throws {ClockworkError} `invalid-argument`
 */
export function checkPixels(frame: Frame, labels: LabelMap): void {
  for (const [name, picture, channels] of [
    ["frame", frame, 3],
    ["labels", labels, 1],
  ] as const) {
    const { widthPx, heightPx, data } = picture;
    const bytes = widthPx * heightPx * channels;
    if (bytes > 0 && data.length === bytes) continue;
    throw new ClockworkError(
      "invalid-argument",
      `write ${name}: expected ${widthPx}x${heightPx}x${channels} = ${bytes} bytes, got ${data.length}`,
    );
  }
}
