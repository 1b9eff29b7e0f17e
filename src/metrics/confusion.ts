// Accuracy of label maps against truth, by a confusion matrix that is filled frame by frame.

import { ClockworkError } from "../errors.ts";

/** Accuracy over all frames so far, as shares from 0 to 1. */
export interface ConfusionResult {
  /** Pixels with a true label that is not ignored. */
  readonly pixels: number;
  /** Share of those pixels that have the right label. */
  readonly accuracy: number;
  /** Intersection over union of each class; `undefined` where neither truth nor prediction has it. */
  readonly iou: readonly (number | undefined)[];
  /** Mean of `iou` over the classes that have one. */
  readonly meanIou: number;
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

  /** @param classes number of classes: labels 0 to `classes - 1` are scored */
  constructor(classes: number) {
    if (!Number.isInteger(classes) || classes < 1 || classes > 256) {
      throw new ClockworkError("invalid-argument", `confusion: expected 1 to 256 classes, got ${classes}`);
    }
    this.classes = classes;
    // One more column for predictions that are none of the classes.
    this.#counts = new Float64Array(classes * (classes + 1));
  }

  /**
   * Adds a label map.
   * @throws ClockworkError `invalid-argument` where the two differ in length
   */
  update(predicted: Uint8Array, truth: Uint8Array): void {
    if (predicted.length !== truth.length) {
      throw new ClockworkError(
        "invalid-argument",
        `confusion: expected as many predicted labels as true ones (${truth.length}), got ${predicted.length}`,
      );
    }
    const { classes } = this;
    const counts = this.#counts;
    for (let at = 0; at < truth.length; at++) {
      const row = truth[at] ?? classes;
      if (row >= classes) continue;
      const cell = row * (classes + 1) + Math.min(predicted[at] ?? classes, classes);
      counts[cell] = (counts[cell] ?? 0) + 1;
    }
  }

  result(): ConfusionResult {
    const { classes } = this;
    const count = (row: number, column: number): number => this.#counts[row * (classes + 1) + column] ?? 0;
    let pixels = 0;
    let right = 0;
    const iou: (number | undefined)[] = [];
    for (let k = 0; k < classes; k++) {
      let truths = 0;
      let predictions = 0;
      for (let j = 0; j <= classes; j++) truths += count(k, j);
      for (let i = 0; i < classes; i++) predictions += count(i, k);
      pixels += truths;
      right += count(k, k);
      const union = truths + predictions - count(k, k);
      iou.push(union === 0 ? undefined : count(k, k) / union);
    }
    const scored = iou.filter((value) => value !== undefined);
    return {
      pixels,
      accuracy: pixels === 0 ? 0 : right / pixels,
      iou,
      meanIou: scored.length === 0 ? 0 : scored.reduce((sum, value) => sum + value, 0) / scored.length,
    };
  }

  /** Forgets everything. */
  reset(): void {
    this.#counts.fill(0);
  }
}
