// Label maps brought to the size of their frame, each pixel taking the class of its nearest: never a mixture.

import { AV_PIX_FMT_GRAY8, AVCOL_RANGE_JPEG } from "node-av/constants";
import { Frame as NativeFrame } from "node-av/lib";
import { ClockworkError } from "../errors.ts";
import type { LabelMap } from "../frame.ts";
import { PictureGraph } from "./filter-graph.ts";
import { nativeFrame } from "./sink.ts";

/** Scales label maps; owns native memory until `dispose`. */
export class LabelResizer {
  readonly #out: NativeFrame = new NativeFrame();
  #graph: PictureGraph | undefined;
  #key = "";

  constructor() {
    this.#out.alloc();
  }

  /** The map at that size; the map itself where it has that size. */
  async resize(labels: LabelMap, size: { readonly widthPx: number; readonly heightPx: number }): Promise<LabelMap> {
    const { widthPx, heightPx } = size;
    if (labels.widthPx === widthPx && labels.heightPx === heightPx) return labels;
    const key = [labels.widthPx, labels.heightPx, widthPx, heightPx].join(" ");
    const timeBase = { num: 1, den: 1000 };
    if (this.#graph === undefined || key !== this.#key) {
      this.#graph?.dispose();
      this.#graph = undefined;
      this.#graph = await PictureGraph.create(
        [
          {
            widthPx: labels.widthPx,
            heightPx: labels.heightPx,
            pixelFormat: AV_PIX_FMT_GRAY8,
            timeBase,
            colorRange: AVCOL_RANGE_JPEG,
          },
        ],
        `[in0]scale=${widthPx}:${heightPx}:flags=neighbor,format=gray[out]`,
      );
      this.#key = key;
    }
    const frame = nativeFrame(labels.data, labels, AV_PIX_FMT_GRAY8, timeBase, 0n);
    frame.colorRange = AVCOL_RANGE_JPEG;
    try {
      if (!(await this.#graph.run([frame], this.#out))) {
        throw new ClockworkError("invalid-video", "label scaling: expected a picture, got none");
      }
      return { data: new Uint8Array(this.#out.toBuffer()), widthPx, heightPx };
    } finally {
      frame.free();
      this.#out.unref();
    }
  }

  dispose(): void {
    this.#graph?.dispose();
    this.#graph = undefined;
    this.#out.free();
  }
}
