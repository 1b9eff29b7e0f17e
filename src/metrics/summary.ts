// What a run over a video did, in a few numbers and in memory that does not grow with its length.

import type { SegmentResult } from "./segmenter.ts";

/** Numbers of a run. */
export interface Summary {
  readonly frames: number;
  /** Share of frames on which each stage fired, shallowest first. */
  readonly updateRates: readonly number[];
  /** Multiply-accumulates executed, as a share of the oracle's. */
  readonly macsRatio: number;
  /** Engine time of a frame, in milliseconds; percentiles within 1 %. */
  readonly latencyMs: { readonly p50: number; readonly p95: number; readonly max: number };
}

/** Width of a bin of the latency histogram, as a factor. */
const binFactor = 1.01;

/** Adds up results: `update` with each, `result` at any time. */
export class SummaryMeter {
  readonly #macsOfOracle: number;
  readonly #fired: number[] = [];
  readonly #bins = new Map<number, number>();
  #frames = 0;
  #macs = 0;
  #max = 0;

  /** @param macsOfOracle multiply-accumulates of the whole network on one frame */
  constructor(macsOfOracle: number) {
    this.#macsOfOracle = macsOfOracle;
  }

  update(result: Pick<SegmentResult, "fired" | "macs" | "milliseconds">): void {
    this.#frames += 1;
    this.#macs += result.macs;
    for (const [depth, fired] of result.fired.entries())
      this.#fired[depth] = (this.#fired[depth] ?? 0) + (fired ? 1 : 0);
    const latency = result.milliseconds.inference;
    this.#max = Math.max(this.#max, latency);
    const bin = Math.round(Math.log(Math.max(latency, 1e-3)) / Math.log(binFactor));
    this.#bins.set(bin, (this.#bins.get(bin) ?? 0) + 1);
  }

  result(): Summary {
    const frames = this.#frames;
    return {
      frames,
      updateRates: this.#fired.map((count) => count / frames),
      macsRatio: frames === 0 || this.#macsOfOracle === 0 ? 0 : this.#macs / (frames * this.#macsOfOracle),
      latencyMs: { p50: this.#percentile(0.5), p95: this.#percentile(0.95), max: this.#max },
    };
  }

  /** The least latency that at least this share of the frames stays within. */
  #percentile(share: number): number {
    let seen = 0;
    for (const [bin, count] of [...this.#bins].sort(([a], [b]) => a - b)) {
      seen += count;
      if (seen >= share * this.#frames) return Math.min(this.#max, binFactor ** bin);
    }
    return 0;
  }
}
