// How long frames took, in memory that does not grow with their number: a histogram whose bins grow by one per cent.
// It takes no time itself.

import { ClockworkError } from "../errors.ts";

/** Times of frames, in milliseconds; percentiles within 1 %, the rest exact. */
export interface Latency {
  readonly mean: number;
  /** The least time that at least half of the frames stayed within. */
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly max: number;
  /** Place of the frame that took longest, from 0; the first of them where there are several. */
  readonly worstFrame: number;
}

/** Width of a bin, as a factor. */
const binFactor = 1.01;

/** Times below this many milliseconds share a bin. */
const shortest = 1e-3;

/** Adds up times: `update` with each frame, `result` at any time. */
export class LatencyMeter {
  readonly #bins = new Map<number, number>();
  #frames = 0;
  #sum = 0;
  #min = Infinity;
  #max = 0;
  #worstFrame = 0;

  /**
   * Adds the time of a frame.
   * @throws ClockworkError `invalid-argument` for what is no time
   */
  update(milliseconds: number): void {
    if (!(milliseconds >= 0 && milliseconds < Infinity)) {
      throw new ClockworkError("invalid-argument", `latency: expected milliseconds from 0 on, got ${milliseconds}`);
    }
    if (milliseconds > this.#max) {
      this.#max = milliseconds;
      this.#worstFrame = this.#frames;
    }
    this.#min = Math.min(this.#min, milliseconds);
    this.#frames += 1;
    this.#sum += milliseconds;
    const bin = Math.round(Math.log(Math.max(milliseconds, shortest)) / Math.log(binFactor));
    this.#bins.set(bin, (this.#bins.get(bin) ?? 0) + 1);
  }

  /** `undefined` before the first frame. */
  result(): Latency | undefined {
    if (this.#frames === 0) return undefined;
    return {
      mean: this.#sum / this.#frames,
      p50: this.#percentile(0.5),
      p95: this.#percentile(0.95),
      p99: this.#percentile(0.99),
      max: this.#max,
      worstFrame: this.#worstFrame,
    };
  }

  /** The least time that at least this share of the frames stays within. */
  #percentile(share: number): number {
    let seen = 0;
    for (const [bin, count] of [...this.#bins].sort(([a], [b]) => a - b)) {
      seen += count;
      if (seen >= share * this.#frames) return Math.max(this.#min, Math.min(this.#max, binFactor ** bin));
    }
    return this.#max;
  }

  /** Forgets everything. */
  reset(): void {
    this.#bins.clear();
    this.#frames = 0;
    this.#sum = 0;
    this.#min = Infinity;
    this.#max = 0;
    this.#worstFrame = 0;
  }
}
