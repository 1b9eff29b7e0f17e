// Random choices that a seed repeats: shuffles and samples. Not for cryptography.
// The generator is mulberry32 (Tommy Ettinger, public domain).

/** The next number, evenly distributed in [0, 1). */
export type Random = () => number;

/** Numbers that are the same for the same seed. @param seed any integer */
export function seeded(seed: number): Random {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000;
  };
}

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
