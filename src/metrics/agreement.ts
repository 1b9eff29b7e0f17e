// How far two label maps are the same: clockwork against the oracle, with no truth needed. For mean IU with the oracle
// as truth there is `ConfusionMatrix`.

import { ClockworkError } from "../errors.ts";

/**
 * Share of the pixels that have the same label in both, from 0 to 1.
 * @throws ClockworkError `invalid-argument` where the two differ in length or have no pixels
 */
export function agreementOf(a: Uint8Array, b: Uint8Array): number {
  return countSame("agreement", a, b) / a.length;
}

/** Number of places at which two label maps have the same label; `where` is for the error. */
export function countSame(where: string, a: Uint8Array, b: Uint8Array): number {
  const { length } = a;
  if (b.length !== length || length === 0) {
    throw new ClockworkError(
      "invalid-argument",
      `${where}: expected two label maps of the same length, got ${length} and ${b.length} labels`,
    );
  }
  let same = 0;
  for (let at = 0; at < length; at++) same += a[at] === b[at] ? 1 : 0;
  return same;
}

/** Agreement over all frames so far. */
export interface AgreementResult {
  readonly frames: number;
  /** Share of all pixels that have the oracle's label, from 0 to 1; `undefined` without frames. */
  readonly share: number | undefined;
  /** The frame that agrees least, the first of them where there are several; `undefined` without frames. */
  readonly worst: WorstFrame | undefined;
}

/** A frame that agrees with the oracle less than others do. */
export interface WorstFrame {
  /** Place of the frame among those that were added, from 0. */
  readonly index: number;
  /** Share of its pixels that have the oracle's label, from 0 to 1. */
  readonly agreement: number;
}

/** Adds up the agreement of label maps with the oracle's. */
export class AgreementMeter {
  #frames = 0;
  #pixels = 0;
  #same = 0;
  #worst: WorstFrame | undefined;

  /**
   * Adds a frame and gives its own agreement, from 0 to 1.
   * @throws ClockworkError `invalid-argument` where the two differ in length or have no pixels
   */
  update(labels: Uint8Array, oracle: Uint8Array): number {
    const same = countSame("agreement", labels, oracle);
    const agreement = same / labels.length;
    if (this.#worst === undefined || agreement < this.#worst.agreement) {
      this.#worst = { index: this.#frames, agreement };
    }
    this.#frames += 1;
    this.#pixels += labels.length;
    this.#same += same;
    return agreement;
  }

  result(): AgreementResult {
    return {
      frames: this.#frames,
      share: this.#pixels === 0 ? undefined : this.#same / this.#pixels,
      worst: this.#worst,
    };
  }

  /** Forgets everything. */
  reset(): void {
    this.#frames = 0;
    this.#pixels = 0;
    this.#same = 0;
    this.#worst = undefined;
  }
}
