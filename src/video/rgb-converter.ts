// Decoded pictures of any pixel format to upright, packed RGB24, scaled where asked.
// Alpha is dropped, not blended: the image libraries that networks are trained with do so too.
// HDR is not tone-mapped: the transfer curve is taken as it is.

import { AVCOL_SPC_BT470BG, AVCOL_SPC_BT709, AVCOL_SPC_UNSPECIFIED } from "node-av/constants";
import type { AVColorSpace, AVPixelFormat } from "node-av/constants";
import { avGetPixFmtName, Frame } from "node-av/lib";
import { ClockworkError } from "../errors.ts";
import { PictureGraph } from "./filter-graph.ts";
import type { Orientation } from "./orientation.ts";

/** What to scale to: both sides, or one and the other follows; neither keeps the size. */
export interface TargetSize {
  readonly widthPx: number | undefined;
  readonly heightPx: number | undefined;
}

/** RGB, [heightPx, widthPx, 3], in a buffer of its own. */
export interface RgbPicture {
  readonly data: Uint8Array<ArrayBuffer>;
  readonly widthPx: number;
  readonly heightPx: number;
}

/** Converts frame after frame; rebuilds its filters when the frames change. */
export class RgbConverter {
  readonly #target: TargetSize;
  readonly #out: Frame = new Frame();
  #graph: PictureGraph | undefined;
  #key = "";

  constructor(target: TargetSize) {
    this.#target = target;
    this.#out.alloc();
  }

  /**
   * Converts one frame, and leaves it empty.
   *
   * @param isStill true for image files, whose colours follow JPEG where they do not say.
   */
  async convert(frame: Frame, orientation: Orientation, isStill: boolean): Promise<RgbPicture> {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- frames of a video decoder hold pixels
    const pixelFormat = frame.format as AVPixelFormat;
    const colorSpace =
      frame.colorSpace === AVCOL_SPC_UNSPECIFIED && isYuv(pixelFormat)
        ? guessedMatrix(frame, isStill)
        : frame.colorSpace;
    const key = [frame.width, frame.height, pixelFormat, colorSpace, frame.colorRange, ...orientation.filters].join(
      " ",
    );
    if (this.#graph === undefined || key !== this.#key) {
      this.#graph?.dispose();
      this.#graph = undefined;
      this.#graph = await PictureGraph.create(
        [
          {
            widthPx: frame.width,
            heightPx: frame.height,
            pixelFormat,
            timeBase: { num: 1, den: 1000 },
            colorSpace,
            colorRange: frame.colorRange,
          },
        ],
        this.#description(frame, orientation),
      );
      this.#key = key;
    }
    // The graph compares each frame with what it was built for.
    frame.colorSpace = colorSpace;
    const came = await this.#graph.run([frame], this.#out);
    if (!came) throw new ClockworkError("invalid-video", "RGB conversion: expected a frame, got none");
    try {
      return packed(this.#out);
    } finally {
      this.#out.unref();
    }
  }

  dispose(): void {
    this.#graph?.dispose();
    this.#graph = undefined;
    this.#out.free();
  }

  #description(frame: Frame, orientation: Orientation): string {
    const { swapsSides } = orientation;
    const upright = swapsSides
      ? { widthPx: frame.height, heightPx: frame.width }
      : { widthPx: frame.width, heightPx: frame.height };
    const size = fit(upright, this.#target);
    // Scaled as stored, turned afterwards: the turn then costs what the small picture costs.
    const [width, height] = swapsSides ? [size.heightPx, size.widthPx] : [size.widthPx, size.heightPx];
    const scale = `[in0]scale=${width}:${height}:flags=bilinear+accurate_rnd+full_chroma_int,format=rgb24`;
    return [scale, ...orientation.filters].join(",").concat("[out]");
  }
}

/** The size that a picture gets. */
export function fit(
  picture: { readonly widthPx: number; readonly heightPx: number },
  target: TargetSize,
): { widthPx: number; heightPx: number } {
  const { widthPx, heightPx } = target;
  const ratio = picture.widthPx / picture.heightPx;
  if (widthPx !== undefined) {
    return { widthPx, heightPx: heightPx ?? Math.max(1, Math.round(widthPx / ratio)) };
  }
  if (heightPx !== undefined) {
    return { widthPx: Math.max(1, Math.round(heightPx * ratio)), heightPx };
  }
  return { widthPx: picture.widthPx, heightPx: picture.heightPx };
}

function isYuv(format: AVPixelFormat): boolean {
  return /^(?:yuv|nv|p0|p2|p4|uyvy|yuyv|y2|xv|vuy|ayuv|vyu)/u.test(avGetPixFmtName(format) ?? "");
}

/** What players take an untagged video for: HD as BT.709, the rest as BT.601. */
function guessedMatrix(frame: Frame, isStill: boolean): AVColorSpace {
  const isHd = frame.width >= 1280 || frame.height > 576;
  return isHd && !isStill ? AVCOL_SPC_BT709 : AVCOL_SPC_BT470BG;
}

function packed(frame: Frame): RgbPicture {
  const plane = frame.data?.[0];
  const stride = frame.linesize[0];
  if (plane === undefined || stride === undefined) {
    throw new ClockworkError("invalid-video", "RGB conversion: expected pixels, got none");
  }
  const { width: widthPx, height: heightPx } = frame;
  const rowBytes = widthPx * 3;
  // Every byte is written below: no need to clear. Not from the pool: the buffer may be transferred.
  const data = new Uint8Array(Buffer.allocUnsafeSlow(rowBytes * heightPx).buffer);
  if (stride === rowBytes) {
    data.set(plane.subarray(0, data.length));
  } else {
    for (let row = 0; row < heightPx; row++) {
      data.set(plane.subarray(row * stride, row * stride + rowBytes), row * rowBytes);
    }
  }
  return { data, widthPx, heightPx };
}
