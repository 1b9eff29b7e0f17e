// Timing that can be trusted on a noisy machine: the contestants take turns, and each turn of one is compared with the
// turn of the other beside it.

/** Something to time; it is called once a turn. */
export type Contestant = () => Promise<unknown>;

/** Medians over all turns. */
export interface Comparison {
  /** Median milliseconds of one call, by contestant. */
  readonly milliseconds: readonly number[];
  /** Median over the turns of each contestant's time divided by the first one's in the same turn. */
  readonly ratios: readonly number[];
}

/**
 * Times contestants in turns, in an order that changes from turn to turn.
 * @param turns counted turns, after a fifth as many that are not
 * @param between called before each, not timed
 */
export async function compare(
  contestants: readonly Contestant[],
  turns: number,
  between: () => Promise<void> = async () => {},
): Promise<Comparison> {
  const warmUp = Math.ceil(turns / 5);
  const times: number[][] = contestants.map(() => []);
  for (let turn = -warmUp; turn < turns; turn++) {
    for (let place = 0; place < contestants.length; place++) {
      const which = (place + turn + warmUp) % contestants.length;
      await between();
      const start = performance.now();
      await contestants[which]?.();
      if (turn >= 0) times[which]?.push(performance.now() - start);
    }
  }
  const first = times[0] ?? [];
  return {
    milliseconds: times.map(median),
    ratios: times.map((list) => median(list.map((time, turn) => time / (first[turn] ?? Number.NaN)))),
  };
}

/** The middle value. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? upper)) / 2;
}
