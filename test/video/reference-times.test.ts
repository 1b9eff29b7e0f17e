// Which frames vectors lead to, for orders of pictures that encoders make.

import { AV_NOPTS_VALUE } from "node-av/constants";
import { describe, expect, test } from "vitest";
import { ReferenceTimes } from "../../src/video/reference-times.ts";

/** References before and after, by the time of the picture that has them. */
type Seen = Readonly<Record<number, readonly [past: number | undefined, future: number | undefined]>>;

/**
 * Follows pictures that are given in the order of decoding as type and time, such as `B2`. The decoder takes in as many
 * more as `delay` says before it gives the first one out.
 */
function follow(decoded: string, delay: number): Seen {
  const times = new ReferenceTimes();
  const waiting: { readonly type: string | undefined; readonly pts: number }[] = [];
  const seen: Record<number, readonly [number | undefined, number | undefined]> = {};
  const show = (): void => {
    waiting.sort((a, b) => a.pts - b.pts);
    const next = waiting.shift();
    if (next === undefined) return;
    const { past, future } = times.came(BigInt(next.pts), next.type === "B");
    seen[next.pts] = [past === undefined ? undefined : Number(past), future === undefined ? undefined : Number(future)];
  };
  for (const text of decoded.split(" ")) {
    const pts = Number(text.slice(1));
    times.sent(BigInt(pts));
    waiting.push({ type: text[0], pts });
    if (waiting.length > delay) show();
  }
  while (waiting.length > 0) show();
  return seen;
}

const none = undefined;
const lone = [none, none] as const;

describe.each([2, 3, 8])("with a delay of %i", (delay) => {
  test.each<[string, string, Seen]>([
    ["P pictures", "I0 P1 P2 P3", { 0: lone, 1: [0, none], 2: [1, none], 3: [2, none] }],
    [
      "B pictures between others",
      "I0 P3 B1 B2 P6 B4 B5",
      { 0: lone, 1: [0, 3], 2: [0, 3], 3: [0, none], 4: [3, 6], 5: [3, 6], 6: [3, none] },
    ],
    [
      "B pictures that others refer to",
      "I0 P4 B2 B1 B3 P8 B6 B5 B7",
      {
        0: lone,
        1: [0, 2],
        2: [0, 4],
        3: [2, 4],
        4: [0, none],
        5: [4, 6],
        6: [4, 8],
        7: [6, 8],
        8: [4, none],
      },
    ],
  ])("%s", (_, decoded, expected) => {
    expect(follow(decoded, delay)).toEqual(expected);
  });
});

test("without times nothing is known", () => {
  const times = new ReferenceTimes();
  for (let picture = 0; picture < 3; picture++) {
    times.sent(AV_NOPTS_VALUE);
    expect(times.came(AV_NOPTS_VALUE, false)).toMatchObject({ past: undefined, future: undefined });
  }
});
