// Random numbers that a seed repeats, the same on every machine. Not for cryptography.
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
