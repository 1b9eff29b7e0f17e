// Endpoint errors of flow, added up pixel by pixel: mean, median, and the share that is close. A histogram, so that
// millions of pixels take no room.

/** Pixels within which flow counts as right. */
export const closePx = 1.5;

const binPx = 0.01;
/** Beyond this many pixels errors share a bin. */
const longestPx = 400;

/** What errors come to; pixels. `null` where nothing was counted. */
export interface FlowErrors {
  readonly pixels: number;
  readonly mean: number | null;
  /** To a hundredth of a pixel. */
  readonly median: number | null;
  /** Share, 0 to 1, of errors up to {@link closePx}. */
  readonly close: number | null;
}

/** Adds up errors. */
export class FlowErrorTally {
  readonly #bins = new Uint32Array(longestPx / binPx + 1);
  #pixels = 0;
  #sum = 0;
  #close = 0;

  /** @param px length of the difference between two flows */
  add(px: number): void {
    const bin = Math.min(this.#bins.length - 1, Math.floor(px / binPx));
    this.#bins[bin] = (this.#bins[bin] ?? 0) + 1;
    this.#pixels += 1;
    this.#sum += px;
    if (px <= closePx) this.#close += 1;
  }

  /** All that other tallies have, in one. */
  static sumOf(tallies: readonly FlowErrorTally[]): FlowErrorTally {
    const sum = new FlowErrorTally();
    for (const tally of tallies) {
      for (const [bin, count] of tally.#bins.entries()) sum.#bins[bin] = (sum.#bins[bin] ?? 0) + count;
      sum.#pixels += tally.#pixels;
      sum.#sum += tally.#sum;
      sum.#close += tally.#close;
    }
    return sum;
  }

  result(): FlowErrors {
    const pixels = this.#pixels;
    if (pixels === 0) return { pixels, mean: null, median: null, close: null };
    return { pixels, mean: this.#sum / pixels, median: this.#median(), close: this.#close / pixels };
  }

  #median(): number {
    let seen = 0;
    for (const [bin, count] of this.#bins.entries()) {
      seen += count;
      if (2 * seen >= this.#pixels) return (bin + 0.5) * binPx;
    }
    return longestPx;
  }
}
