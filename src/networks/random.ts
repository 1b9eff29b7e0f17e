// Random numbers for weights of untrained networks. Streams are told apart by an FNV-1a hash.

import { seeded } from "../seeded.ts";

/** Numbers of one stream: a seed and a text (the name of the tensor that they are for). */
export class Random {
  /** The next number, evenly distributed in [0, 1). */
  readonly next: () => number;

  /** @param seed any integer @param stream numbers of different streams have nothing to do with each other */
  constructor(seed: number, stream: string) {
    let hash = 0x811c9dc5;
    for (const char of `${seed}:${stream}`) hash = Math.imul(hash ^ (char.codePointAt(0) ?? 0), 0x01000193);
    this.next = seeded(hash);
  }

  /** `count` numbers, evenly distributed in [low, high). */
  uniform(count: number, low: number, high: number): Float32Array {
    const values = new Float32Array(count);
    for (let i = 0; i < count; i++) values[i] = low + (high - low) * this.next();
    return values;
  }

  /**
   * `count` numbers of mean 0, about normally distributed, none further out than two deviations. Each is a sum of twelve
   * even ones, so that no machine's logarithm or cosine shows.
   */
  normal(count: number, deviation: number): Float32Array {
    const values = new Float32Array(count);
    for (let i = 0; i < count; i++) {
      let sum: number;
      do {
        sum = -6;
        for (let part = 0; part < 12; part++) sum += this.next();
      } while (Math.abs(sum) > 2);
      values[i] = deviation * sum;
    }
    return values;
  }
}
