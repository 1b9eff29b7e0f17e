// Tallies of errors against sums over the errors themselves.

import { expect, test } from "vitest";
import { FlowErrorTally } from "../../experiments/flow-errors.ts";
import { seeded } from "../../src/tune/index.ts";

test("mean, median and share are those of the errors, whatever the tally they were added to", () => {
  const random = seeded(3);
  const errors = Array.from({ length: 1001 }, () => 8 * random() ** 2);
  const tallies = [new FlowErrorTally(), new FlowErrorTally(), new FlowErrorTally()];
  for (const [at, error] of errors.entries()) tallies[at % 3]?.add(error);
  const { pixels, mean, median, close } = FlowErrorTally.sumOf(tallies).result();
  expect(pixels).toBe(1001);
  expect(mean).toBeCloseTo(errors.reduce((sum, error) => sum + error, 0) / 1001, 9);
  expect(Math.abs((median ?? 0) - ([...errors].sort((a, b) => a - b)[500] ?? 0))).toBeLessThanOrEqual(0.0051);
  expect(close).toBe(errors.filter((error) => error <= 1.5).length / 1001);
});

test("nothing counted is nothing, and errors without measure are kept", () => {
  expect(new FlowErrorTally().result()).toEqual({ pixels: 0, mean: null, median: null, close: null });
  const tally = new FlowErrorTally();
  tally.add(1e6);
  expect(tally.result()).toMatchObject({ pixels: 1, mean: 1e6, close: 0 });
});
