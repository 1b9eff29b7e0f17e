import { expect, test } from "vitest";
import { learningRate, type RateOptions, type RateSchedule } from "../../src/train/schedules.ts";

function ratesOf(options: RateOptions, steps: readonly number[]): number[] {
  return steps.map((step) => learningRate(step, options));
}

/** Rates that are not the wanted ones, with them. */
function apart(got: readonly number[], wanted: readonly number[]): [number | undefined, number][] {
  return wanted.flatMap((value, index): [number | undefined, number][] =>
    Math.abs((got[index] ?? Number.NaN) - value) < 1e-12 ? [] : [[got[index], value]],
  );
}

test("each schedule has the values of its definition", () => {
  const at = [0, 25, 50, 75, 100, 130];
  const rates = (schedule: RateSchedule): number[] => ratesOf({ base: 0.2, total: 100, schedule }, at);
  expect(apart(rates({ kind: "constant" }), [0.2, 0.2, 0.2, 0.2, 0.2, 0.2])).toEqual([]);
  expect(apart(rates({ kind: "poly", power: 2 }), [0.2, 0.1125, 0.05, 0.0125, 0, 0])).toEqual([]);
  const root = Math.SQRT1_2;
  expect(
    apart(rates({ kind: "cosine", minimum: 0.02 }), [0.2, 0.11 + 0.09 * root, 0.11, 0.11 - 0.09 * root, 0.02, 0.02]),
  ).toEqual([]);
  expect(apart(rates({ kind: "step", at: [25, 70], factor: 0.1 }), [0.2, 0.02, 0.02, 0.002, 0.002, 0.002])).toEqual([]);
});

test("the rate of poly at 0.9 is what the recipe says halfway", () => {
  const rate = learningRate(500, { base: 1e-2, total: 1000, schedule: { kind: "poly", power: 0.9 } });
  expect(rate).toBeCloseTo(0.00535886731, 10);
});

test("a warm-up is a line to the base, and the schedule has what is left", () => {
  const warmUp = { steps: 10, from: 0.1 };
  const options: RateOptions = { base: 2, total: 110, schedule: { kind: "poly", power: 1 }, warmUp };
  expect(apart(ratesOf(options, [0, 5, 9, 10, 60, 110]), [0.2, 1.1, 1.82, 2, 1, 0])).toEqual([]);
});

test("a warm-up as long as the training ends at the base", () => {
  const options: RateOptions = { base: 1, total: 4, schedule: { kind: "constant" }, warmUp: { steps: 4, from: 0 } };
  expect(apart(ratesOf(options, [0, 1, 2, 3, 4]), [0, 0.25, 0.5, 0.75, 1])).toEqual([]);
});

test.each<[Partial<RateOptions>, number, string]>([
  [{ base: -1 }, 0, "a base of at least 0, got -1"],
  [{ total: 0 }, 0, "at least one step in all, got 0"],
  [{}, -1, "a step of at least 0, got -1"],
  [{}, Number.NaN, "a step of at least 0, got NaN"],
  [{ warmUp: { steps: 11, from: 0 } }, 0, "a warm-up of 0 to 10 steps, got 11"],
  [{ warmUp: { steps: 1, from: 2 } }, 0, "share of 0 to 1, got 2"],
  [{ schedule: { kind: "poly", power: -1 } }, 0, "a power of at least 0, got -1"],
  [{ schedule: { kind: "cosine", minimum: 3 } }, 0, "a minimum of 0 to 1, got 3"],
  [{ schedule: { kind: "step", at: [1], factor: -1 } }, 0, "a factor of at least 0, got -1"],
])("refuses %j at step %d", (part, step, message) => {
  const options: RateOptions = { base: 1, total: 10, schedule: { kind: "constant" }, ...part };
  expect(() => learningRate(step, options)).toThrow(message);
});
