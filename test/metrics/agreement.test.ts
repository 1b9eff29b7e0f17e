// Agreement and flicker against pixels that are compared one by one, and against each other.

import { describe, expect, test } from "vitest";
import { ClockworkError } from "../../src/errors.ts";
import { AgreementMeter, agreementOf, Flicker } from "../../src/metrics/index.ts";
import { Random } from "../../src/networks/random.ts";
import { randomMap, wholeNumber } from "./label-maps.ts";

type Labels = Uint8Array<ArrayBuffer>;

function samePixels(a: Labels, b: Labels): number {
  return Array.from(a).filter((label, at) => label === b[at]).length;
}

/** Label maps of one size of which each is the one before with some pixels changed. */
function frames(seed: number, count: number): readonly Labels[] {
  const random = new Random(seed, "frames");
  const [width, height] = [wholeNumber(random, 1, 30), wholeNumber(random, 1, 30)];
  const made: Labels[] = [];
  for (let frame = 0; frame < count; frame++) {
    const fresh = randomMap(random, width, height, { classes: 5 }).data;
    const change = random.next();
    const before = made.at(-1);
    made.push(fresh.map((label, at) => (random.next() < change ? label : (before?.[at] ?? label))));
  }
  return made;
}

describe.each([1, 2, 3, 4, 5])("seed %i", (seed) => {
  const labels = frames(seed, 7);
  const oracle = frames(seed, 7).map((map, frame) => labels[(frame + 3) % 7] ?? map);

  test("agreement of two maps", () => {
    const [a, b] = [labels[0] ?? new Uint8Array(), labels[1] ?? new Uint8Array()];
    expect(agreementOf(a, b)).toBe(samePixels(a, b) / a.length);
    expect(agreementOf(b, a)).toBe(agreementOf(a, b));
    expect(agreementOf(a, a)).toBe(1);
  });

  test("agreement of many frames, and the worst of them", () => {
    const meter = new AgreementMeter();
    const shares = labels.map((map, frame) => samePixels(map, oracle[frame] ?? map) / map.length);
    expect(labels.map((map, frame) => meter.update(map, oracle[frame] ?? map))).toEqual(shares);
    const { frames, share, worst } = meter.result();
    expect(frames).toBe(7);
    expect(share).toBeCloseTo(shares.reduce((sum, value) => sum + value, 0) / 7, 12);
    const agreement = Math.min(...shares);
    expect(worst).toEqual({ index: shares.indexOf(agreement), agreement });
  });

  test("flicker is what does not agree with the frame before", () => {
    const flicker = new Flicker();
    const agreement = new AgreementMeter();
    for (const [frame, map] of labels.entries()) {
      flicker.update(map);
      const before = labels[frame - 1];
      if (before !== undefined) agreement.update(map, before);
    }
    const { pairs, share } = flicker.result();
    expect(pairs).toBe(6);
    expect(share).toBeCloseTo(1 - (agreement.result().share ?? 2), 12);
  });
});

test("frames of different sizes count by their pixels", () => {
  const meter = new AgreementMeter();
  meter.update(Uint8Array.of(1, 1, 1, 1, 1, 1), Uint8Array.of(1, 1, 1, 1, 1, 1));
  meter.update(Uint8Array.of(1, 1), Uint8Array.of(2, 2));
  expect(meter.result()).toEqual({ frames: 2, share: 6 / 8, worst: { index: 1, agreement: 0 } });
});

test("of several worst frames the first is told", () => {
  const meter = new AgreementMeter();
  for (const oracle of [1, 2, 2, 1]) meter.update(Uint8Array.of(1), Uint8Array.of(oracle));
  expect(meter.result().worst).toEqual({ index: 1, agreement: 0 });
});

describe("flicker", () => {
  test("nothing is compared across a cut, where the size may change", () => {
    const meter = new Flicker();
    meter.update(Uint8Array.of(0, 0, 0, 0));
    meter.update(Uint8Array.of(0, 0, 0, 1));
    meter.cut();
    meter.update(Uint8Array.of(5, 5));
    meter.update(Uint8Array.of(5, 5));
    expect(meter.result()).toEqual({ pairs: 2, share: 1 / 6 });
  });

  test("a buffer that is filled anew for each frame is as good as many", () => {
    const meter = new Flicker();
    const labels = new Uint8Array(4);
    for (const label of [0, 1, 1, 2]) meter.update(labels.fill(label));
    expect(meter.result()).toEqual({ pairs: 3, share: 2 / 3 });
  });
});

test("without frames, or pairs of them, there is no share", () => {
  expect(new AgreementMeter().result()).toEqual({ frames: 0, share: undefined, worst: undefined });
  const flicker = new Flicker();
  flicker.update(Uint8Array.of(1));
  expect(flicker.result()).toEqual({ pairs: 0, share: undefined });
});

test("reset forgets", () => {
  const [agreement, flicker] = [new AgreementMeter(), new Flicker()];
  agreement.update(Uint8Array.of(1), Uint8Array.of(2));
  agreement.reset();
  expect(agreement.result()).toEqual(new AgreementMeter().result());
  for (const label of [1, 2]) flicker.update(Uint8Array.of(label));
  flicker.reset();
  expect(flicker.result()).toEqual(new Flicker().result());
  // Not compared with what was before the reset.
  flicker.update(Uint8Array.of(1, 2, 3));
  expect(flicker.result().pairs).toBe(0);
});

test.each<[string, () => unknown, RegExp]>([
  ["maps of two lengths", () => agreementOf(new Uint8Array(2), new Uint8Array(3)), /agreement: .* got 2 and 3/],
  ["no pixels", () => agreementOf(new Uint8Array(), new Uint8Array()), /got 0 and 0/],
  [
    "a change of size without a cut",
    () => {
      const meter = new Flicker();
      meter.update(new Uint8Array(2));
      meter.update(new Uint8Array(3));
    },
    /flicker: .* got 2 and 3/,
  ],
])("refused: %s", (_, act, message) => {
  expect(act).toThrow(ClockworkError);
  expect(act).toThrow(message);
});
