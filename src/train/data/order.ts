// In which order samples are seen: every epoch a permutation of its own, a pure function of the seed and the position.
// Holds nothing that training would have to save: whoever knows the position goes on from there, to the bit.

import { ClockworkError } from "../../errors.ts";
import { Random } from "../../networks/random.ts";

/**
 * Random numbers for the sample at a position: the same whatever was drawn before.
 *
 * @param what tells draws for different purposes apart
 */
export function drawsAt(seed: number, position: number, what: string): Random {
  return new Random(seed, `${what}/${position}`);
}

/** Which sample stands at a position of the endless row of epochs. */
export type SampleOrder = (position: number) => number;

/**
 * The order of samples. Epoch n has the positions from n x count; nothing is left out at its end, and a batch may reach
 * into the next one.
 *
 * @param count number of samples, at least 1.
 * @throws {ClockworkError} `invalid-argument` where there are no samples; of the order, for a position that is no whole
 * number of at least 0.
 *
 * @example
 * ```ts
 * const order = sampleOrder(7, 367);
 * const batch = [0, 1, 2, 3].map((place) => order(step * 4 + place));
 * ```
 */
export function sampleOrder(seed: number, count: number): SampleOrder {
  if (!(Number.isSafeInteger(count) && count > 0)) {
    throw new ClockworkError("invalid-argument", `order: expected at least one sample, got ${count}`);
  }
  // Only a memory of what was asked last: a batch lies in one epoch or in two.
  let known = { epoch: -1, order: new Uint32Array() };
  return (position) => {
    if (!(Number.isSafeInteger(position) && position >= 0)) {
      throw new ClockworkError("invalid-argument", `order: expected a whole number from 0, got ${position}`);
    }
    const epoch = Math.floor(position / count);
    if (epoch !== known.epoch) known = { epoch, order: permutation(seed, epoch, count) };
    return known.order[position - epoch * count] ?? 0;
  };
}

/** Fisher and Yates's shuffle. */
function permutation(seed: number, epoch: number, count: number): Uint32Array<ArrayBuffer> {
  const random = new Random(seed, `order/${epoch}`);
  const order = Uint32Array.from({ length: count }, (_, index) => index);
  for (let last = count - 1; last > 0; last--) {
    const other = Math.floor(random.next() * (last + 1));
    const moved = order[last] ?? 0;
    order[last] = order[other] ?? 0;
    order[other] = moved;
  }
  return order;
}
