// Populations of losses whose mean is known: hard ones for a promise, and an easy one.

import type { Random } from "../../src/tune/index.ts";

/** Draws a block: its loss under a candidate with a given expected loss, up to 0.4. Hard blocks are hard for all. */
export type Population = (random: Random) => (mean: number) => number;

/** By name. */
export const populations: readonly (readonly [string, Population])[] = [
  [
    "0 or 1",
    (random) => {
      const level = random();
      return (mean) => Number(level < mean);
    },
  ],
  [
    "mostly nothing, else anything",
    (random) => {
      const [level, loss] = [random(), random()];
      return (mean) => (level < mean * 2 ? loss : 0);
    },
  ],
  [
    "mostly tiny, a heavy tail up to 1",
    (random) => {
      // u^9 has mean 1/10; beyond that, a block is lost as a whole.
      const [tail, whole] = [random() ** 9, random()];
      return (mean) => (mean <= 0.1 ? tail * 10 * mean : whole < (mean - 0.1) / 0.9 ? 1 : tail);
    },
  ],
  [
    "few lose all, many a little",
    (random) => {
      const level = random();
      return (mean) => (level < mean / 2 ? 1 : mean / 2 / (1 - mean / 2));
    },
  ],
  [
    "even",
    (random) => {
      const level = random();
      return (mean) => 2 * mean * level;
    },
  ],
];
