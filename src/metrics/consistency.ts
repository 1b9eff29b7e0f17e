// Temporal consistency: whether what is the same in two frames has the same label in both. Follows Liu et al.,
// "Efficient Semantic Video Segmentation with Per-Frame Inference" (ECCV 2020): the labels of the next frame are warped
// back along the optical flow and scored by mean IU against those of this frame; the share of pixels that keep their
// label is counted as well. It finds no flow and no occlusions: both are given. A network that is wrong in the same way
// all the time is consistent, so accuracy belongs beside it.

import { ClockworkError } from "../errors.ts";
import type { LabelMap } from "../frame.ts";
import { ConfusionMatrix } from "./confusion.ts";

/** Consistency over all pairs of frames so far; shares from 0 to 1, `undefined` where nothing was compared. */
export interface ConsistencyResult {
  /** Pairs of frames. */
  readonly pairs: number;
  /** Pixels that were compared. */
  readonly pixels: number;
  /** Share of those pixels that kept their label. */
  readonly share: number | undefined;
  /** Intersection over union of each class in both frames; `undefined` where neither has it. */
  readonly iou: readonly (number | undefined)[];
  /** Mean of `iou` over the classes that have one: the "temporal consistency" of the literature. */
  readonly meanIou: number | undefined;
}

/** Consistency as plain data that can be saved. */
export interface ConsistencyState {
  readonly pairs: number;
  /** As `ConfusionMatrix.counts`. */
  readonly counts: readonly number[];
}

/** Label that `ConfusionMatrix` leaves out. */
const leftOut = 255;

/**
 * Adds up how consistent the labels of frames that follow each other are.
 *
 * A pixel goes where the flow says, to the nearest pixel of the next frame. Pixels that leave the picture, and those that
 * are marked as occluded, are left out; published code that counts the former as class 0 gives lower figures. All pairs
 * are scored together; Liu et al. score each video apart (`reset` after each) and take the mean.
 *
 * @example
 * ```ts
 * import { Consistency } from "clockwork-convnets";
 * const meter = new Consistency(2);
 * const before = { data: Uint8Array.of(0, 1, 1), widthPx: 3, heightPx: 1 };
 * const after = { data: Uint8Array.of(0, 0, 1), widthPx: 3, heightPx: 1 };
 * meter.update(before, after, Float32Array.of(1, 1, 1, 0, 0, 0));
 * meter.result().share; // 1: all moved by one pixel, and the last one left
 * ```
 */
export class Consistency {
  #matrix: ConfusionMatrix;
  #pairs = 0;
  #truth: Uint8Array = new Uint8Array();
  #warped: Uint8Array = new Uint8Array();

  /**
   * @param classes number of classes, at most 255; pixels of the earlier frame with labels beyond are left out
   * @throws ClockworkError `invalid-argument` for numbers out of range
   */
  constructor(classes: number) {
    if (!Number.isInteger(classes) || classes < 1 || classes > 255) {
      throw new ClockworkError("invalid-argument", `consistency: expected 1 to 255 classes, got ${classes}`);
    }
    this.#matrix = new ConfusionMatrix(classes);
  }

  /**
   * Goes on from what {@link state} gave.
   * @throws ClockworkError `invalid-argument` where it is of another number of classes
   */
  static from(classes: number, { pairs, counts }: ConsistencyState): Consistency {
    const meter = new Consistency(classes);
    meter.#matrix = ConfusionMatrix.fromCounts(classes, counts);
    meter.#pairs = pairs;
    return meter;
  }

  /** All that has been added, as data. */
  get state(): ConsistencyState {
    return { pairs: this.#pairs, counts: this.#matrix.counts };
  }

  /**
   * Adds a pair of frames.
   *
   * @param before labels of a frame
   * @param after labels of the next frame, of the same size
   * @param flow [2, heightPx, widthPx], in pixels: what is at (x, y) in the first frame is at (x + u, y + v) in the
   *   next one; u first, then v. A pixel whose flow is not finite is left out
   * @param occluded [heightPx, widthPx]: 1 for pixels of the first frame that cannot be seen in the next one
   * @throws ClockworkError `invalid-argument` where the sizes do not fit
   */
  update(before: LabelMap, after: LabelMap, flow: Float32Array, occluded?: Uint8Array): void {
    const { widthPx: width, heightPx: height } = before;
    const pixels = width * height;
    check("labels of the frame", before.data.length, pixels, width, height);
    if (after.widthPx !== width || after.heightPx !== height) {
      throw new ClockworkError(
        "invalid-argument",
        `consistency: expected a next frame of ${width}x${height}, got ${after.widthPx}x${after.heightPx}`,
      );
    }
    check("labels of the next frame", after.data.length, pixels, width, height);
    check("values of flow", flow.length, 2 * pixels, width, height);
    if (occluded !== undefined) check("marks of occlusion", occluded.length, pixels, width, height);
    const { truth, warped } = this.#room(pixels);
    let at = 0;
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++, at++) {
        const column = Math.floor(x + (flow[at] as number) + 0.5);
        const row = Math.floor(y + (flow[pixels + at] as number) + 0.5);
        // Written so that NaN is outside.
        const inside = column >= 0 && column < width && row >= 0 && row < height;
        if (inside && occluded?.[at] !== 1) {
          truth[at] = before.data[at] as number;
          warped[at] = after.data[row * width + column] as number;
        } else {
          truth[at] = leftOut;
        }
      }
    }
    this.#matrix.update(warped, truth);
    this.#pairs += 1;
  }

  /**
   * Adds a pair of frames by the places that correspond. Pixels that have none, or a label beyond the classes in either
   * frame, are left out.
   *
   * @param labels of a frame
   * @param others of the frame that it is compared with
   * @param places for each pixel of the frame, the index in the other one of what it shows; -1 for none
   * @throws ClockworkError `invalid-argument` where the sizes do not fit
   */
  updateMatched(labels: Uint8Array, others: Uint8Array, places: Int32Array): void {
    const { length } = labels;
    for (const [what, got] of [
      ["labels of the other frame", others.length],
      ["places", places.length],
    ] as const) {
      if (got === length) continue;
      throw new ClockworkError("invalid-argument", `consistency: expected ${length} ${what}, got ${got}`);
    }
    const { classes } = this.#matrix;
    const { truth, warped } = this.#room(length);
    for (let at = 0; at < length; at++) {
      const place = places[at] as number;
      const other = place < 0 ? leftOut : (others[place] as number);
      truth[at] = other < classes ? (labels[at] as number) : leftOut;
      warped[at] = other;
    }
    this.#matrix.update(warped, truth);
    this.#pairs += 1;
  }

  /** Arrays that are filled for each pair. */
  #room(pixels: number): { readonly truth: Uint8Array; readonly warped: Uint8Array } {
    if (this.#truth.length !== pixels) {
      this.#truth = new Uint8Array(pixels);
      this.#warped = new Uint8Array(pixels);
    }
    return { truth: this.#truth, warped: this.#warped };
  }

  result(): ConsistencyResult {
    const { pixels, accuracy, iou, meanIou } = this.#matrix.result();
    return { pairs: this.#pairs, pixels, share: accuracy, iou, meanIou };
  }

  /** Forgets everything. */
  reset(): void {
    this.#matrix.reset();
    this.#pairs = 0;
  }
}

function check(what: string, got: number, expected: number, width: number, height: number): void {
  if (got === expected) return;
  throw new ClockworkError(
    "invalid-argument",
    `consistency: expected ${expected} ${what} for ${width}x${height}, got ${got}`,
  );
}
