// Random choices: shuffles and samples.

import type { Random } from "../seeded.ts";

/** The first `count` of the numbers 0 to `of - 1` in random order; all of them unless told. */
export function shuffled(of: number, random: Random, count: number = of): Int32Array {
  const order = Int32Array.from({ length: of }, (_, index) => index);
  const taken = Math.min(count, of);
  for (let at = 0; at < taken; at++) {
    const from = at + Math.floor(random() * (of - at));
    const value = order[from] ?? 0;
    order[from] = order[at] ?? 0;
    order[at] = value;
  }
  return order.subarray(0, taken);
}
