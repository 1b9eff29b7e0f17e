// How many labels change from frame to frame, with no regard to motion: Shelhamer et al. 2016 measure the stability of
// layers and of the truth so. What moves changes labels too, so it is to be read beside the oracle's; `Consistency`
// takes motion out.

import { countSame } from "./agreement.ts";

/** Flicker over all pairs of frames so far. */
export interface FlickerResult {
  /** Pairs of frames that follow each other. */
  readonly pairs: number;
  /** Share of the pixels whose label differs from the frame before's, from 0 to 1; `undefined` without pairs. */
  readonly share: number | undefined;
}

/** Adds up the changes of label: `update` with each frame, `cut` between sequences. */
export class Flicker {
  #before: Uint8Array | undefined;
  #pairs = 0;
  #pixels = 0;
  #same = 0;

  /**
   * Adds the labels of a frame, of which a copy is kept.
   * @throws ClockworkError `invalid-argument` where they are not as many as in the frame before: a change of size is a cut
   */
  update(labels: Uint8Array): void {
    if (this.#before === undefined) {
      this.#before = labels.slice();
      return;
    }
    this.#same += countSame("flicker", this.#before, labels);
    this.#pairs += 1;
    this.#pixels += labels.length;
    this.#before.set(labels);
  }

  /** Starts a new sequence: the next frame is not compared with the last one. */
  cut(): void {
    this.#before = undefined;
  }

  result(): FlickerResult {
    return { pairs: this.#pairs, share: this.#pixels === 0 ? undefined : (this.#pixels - this.#same) / this.#pixels };
  }

  /** Forgets everything. */
  reset(): void {
    this.cut();
    this.#pairs = 0;
    this.#pixels = 0;
    this.#same = 0;
  }
}
