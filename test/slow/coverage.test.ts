// Promises at the edge of what they allow, over many populations, sizes and levels: a candidate whose expected loss is just
// above alpha must not be chosen more often than delta.

import { describe, expect, test } from "vitest";
import { coverageOf, seeded } from "../../src/tune/index.ts";
import { populations } from "../tune/populations.ts";

const repeats = 10_000;

describe.each(populations)("losses: %s", (_, block) => {
  test.each([
    [30, 0.2, 0.05],
    [30, 0.2, 0.2],
    [100, 0.05, 0.1],
    [100, 0.2, 0.1],
    [400, 0.02, 0.05],
    [400, 0.02, 0.2],
    [400, 0.1, 0.1],
  ])("%d blocks, alpha %d, delta %d", (blocks, alpha, delta) => {
    const random = seeded(blocks);
    const means = [0.5 * alpha, alpha * 1.000_001];
    const coverage = coverageOf({ promise: "mean", alpha, delta }, repeats, () => ({
      calibration: Array.from({ length: blocks }, () => means.map(block(random))),
      risk: (candidate) => means[candidate] ?? 1,
    }));
    // Three standard deviations of a share of `repeats`, were it delta.
    expect(coverage.broken).toBeLessThanOrEqual(delta + 3 * Math.sqrt((delta * (1 - delta)) / repeats));
  });
});
