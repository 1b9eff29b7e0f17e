// Accuracy of label maps against truth, by a confusion matrix that is filled frame by frame.
// The four scores are those of Long, Shelhamer, Darrell, "Fully Convolutional Networks for Semantic Segmentation"
// (CVPR 2015), section 5; Shelhamer et al. 2016 report the same.

import { ClockworkError } from "../errors.ts";

/** Accuracy over all frames so far, as shares from 0 to 1; `undefined` where nothing was there to be scored. */
export interface ConfusionResult {
  /** Pixels with a true label that is not ignored. */
  readonly pixels: number;
  /** Share of those pixels that have the right label. */
  readonly accuracy: number | undefined;
  /** Share of the pixels of each true class that have the right label; `undefined` where truth does not have it. */
  readonly classAccuracy: readonly (number | undefined)[];
  /** Mean of `classAccuracy` over the classes that have one. */
  readonly meanAccuracy: number | undefined;
  /** Intersection over union of each class; `undefined` where neither truth nor prediction has it. */
  readonly iou: readonly (number | undefined)[];
  /** Mean of `iou` over the classes that have one. */
  readonly meanIou: number | undefined;
  /** Mean of `iou` weighted by the share of the pixels that truly are of the class. */
  readonly frequencyWeightedIou: number | undefined;
}

/**
 * Counts how often true class i was called class j.
 *
 * A pixel whose true label is not one of the classes is left out; a prediction that is none of them is an error on the
 * true class (Long et al. 2015, and the convention of CamVid's void).
 *
 * @example
 * ```ts
 * import { ConfusionMatrix } from "clockwork-convnets";
 * const matrix = new ConfusionMatrix(2);
 * matrix.update(Uint8Array.of(0, 1, 1), Uint8Array.of(0, 1, 0));
 * matrix.result().accuracy; // 2 / 3
 * ```
 */
export class ConfusionMatrix {
  readonly classes: number;
  readonly #counts: Float64Array;

  /**
   * @param classes number of classes: labels 0 to `classes - 1` are scored
   * @throws ClockworkError `invalid-argument` unless it is a whole number from 1 to 256
   */
  constructor(classes: number) {
    if (!Number.isInteger(classes) || classes < 1 || classes > 256) {
      throw new ClockworkError("invalid-argument", `confusion: expected 1 to 256 classes, got ${classes}`);
    }
    this.classes = classes;
    // One more column for predictions that are none of the classes.
    this.#counts = new Float64Array(classes * (classes + 1));
  }

  /**
   * A matrix that goes on from the {@link counts} of another.
   * @throws ClockworkError `invalid-argument` where they are not the counts of so many classes
   */
  static fromCounts(classes: number, counts: ArrayLike<number>): ConfusionMatrix {
    const matrix = new ConfusionMatrix(classes);
    const expected = matrix.#counts.length;
    if (counts.length !== expected) {
      throw new ClockworkError(
        "invalid-argument",
        `confusion: expected ${expected} counts for ${classes} classes ([${classes}, ${classes + 1}]), got ${counts.length}`,
      );
    }
    const wrong = Array.from(counts).find((count) => !Number.isSafeInteger(count) || count < 0);
    if (wrong !== undefined) {
      throw new ClockworkError("invalid-argument", `confusion: expected counts that are whole numbers, got ${wrong}`);
    }
    matrix.#counts.set(counts);
    return matrix;
  }

  /**
   * How many pixels of true class i were called class j: [classes, classes + 1], row by row. The last column has those
   * that were called none of the classes. A copy.
   */
  get counts(): readonly number[] {
    return Array.from(this.#counts);
  }

  /**
   * Adds a label map.
   * @throws ClockworkError `invalid-argument` where the two differ in length
   */
  update(predicted: Uint8Array, truth: Uint8Array): void {
    const { length } = truth;
    if (predicted.length !== length) {
      throw new ClockworkError(
        "invalid-argument",
        `confusion: expected as many predicted labels as true ones (${length}), got ${predicted.length}`,
      );
    }
    const { classes } = this;
    const counts = this.#counts;
    // Labels come in runs; counting a run in a register and not in memory is what makes this loop fast.
    let last = 0;
    let run = 0;
    for (let at = 0; at < length; at++) {
      const row = truth[at] as number;
      if (row >= classes) continue;
      const label = predicted[at] as number;
      const cell = row * (classes + 1) + (label < classes ? label : classes);
      if (cell !== last) {
        counts[last] = (counts[last] as number) + run;
        last = cell;
        run = 0;
      }
      run += 1;
    }
    counts[last] = (counts[last] as number) + run;
  }

  /**
   * Adds what another matrix has counted, which is how frames that were run apart are scored together.
   * @throws ClockworkError `invalid-argument` where it has another number of classes
   */
  add(other: ConfusionMatrix): void {
    if (other.classes !== this.classes) {
      throw new ClockworkError(
        "invalid-argument",
        `confusion: expected a matrix of ${this.classes} classes, got one of ${other.classes}`,
      );
    }
    for (const [cell, count] of other.#counts.entries()) this.#counts[cell] = (this.#counts[cell] ?? 0) + count;
  }

  result(): ConfusionResult {
    const { classes } = this;
    const count = (row: number, column: number): number => this.#counts[row * (classes + 1) + column] ?? 0;
    let pixels = 0;
    let right = 0;
    let weighted = 0;
    const classAccuracy: (number | undefined)[] = [];
    const iou: (number | undefined)[] = [];
    for (let k = 0; k < classes; k++) {
      let truths = 0;
      let predictions = 0;
      for (let j = 0; j <= classes; j++) truths += count(k, j);
      for (let i = 0; i < classes; i++) predictions += count(i, k);
      const both = count(k, k);
      pixels += truths;
      right += both;
      classAccuracy.push(share(both, truths));
      iou.push(share(both, truths + predictions - both));
      weighted += truths * (iou[k] ?? 0);
    }
    return {
      pixels,
      accuracy: share(right, pixels),
      classAccuracy,
      meanAccuracy: mean(classAccuracy),
      iou,
      meanIou: mean(iou),
      frequencyWeightedIou: share(weighted, pixels),
    };
  }

  /** Forgets everything. */
  reset(): void {
    this.#counts.fill(0);
  }
}

function share(part: number, whole: number): number | undefined {
  return whole === 0 ? undefined : part / whole;
}

function mean(values: readonly (number | undefined)[]): number | undefined {
  const scored = values.filter((value) => value !== undefined);
  return share(
    scored.reduce((sum, value) => sum + value, 0),
    scored.length,
  );
}
