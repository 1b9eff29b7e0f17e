// What a run over a video did, in a few numbers and in memory that does not grow with its length: firings and times.

import { FiringMeter, type Firing, type FiringResult } from "./firing.ts";
import { LatencyMeter, type Latency } from "./latency.ts";

/** What a summary takes of the result of a frame; what `Segmenter` gives has it. */
export interface TimedFiring extends Firing {
  readonly milliseconds: {
    /** Time in the engine. */
    readonly inference: number;
  };
}

/** Numbers of a run. */
export interface Summary extends FiringResult {
  /** Engine time of a frame, in milliseconds; `undefined` without frames. */
  readonly latencyMs: Latency | undefined;
}

/** Adds up results: `update` with each, `result` at any time. */
export class SummaryMeter {
  readonly #firing: FiringMeter;
  readonly #latency = new LatencyMeter();

  /** @param macsOfOracle multiply-accumulates of the whole network on one frame */
  constructor(macsOfOracle: number) {
    this.#firing = new FiringMeter(macsOfOracle);
  }

  /**
   * Adds the result of a frame.
   * @throws ClockworkError `invalid-argument` for what is no time
   */
  update(result: TimedFiring): void {
    this.#latency.update(result.milliseconds.inference);
    this.#firing.update(result);
  }

  /** Starts a new sequence: the age of what is held is not known until the deepest stage fires. */
  cut(): void {
    this.#firing.cut();
  }

  result(): Summary {
    return { ...this.#firing.result(), latencyMs: this.#latency.result() };
  }

  /** Forgets everything. */
  reset(): void {
    this.#firing.reset();
    this.#latency.reset();
  }
}
