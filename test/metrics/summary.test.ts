// The numbers of a run against the same numbers from a list of all results.

import { describe, expect, test } from "vitest";
import { Random } from "../../src/networks/random.ts";
import { SummaryMeter } from "../../src/segment/index.ts";

interface Result {
  readonly fired: readonly boolean[];
  readonly macs: number;
  readonly milliseconds: { readonly source: number; readonly inference: number };
}

const macs = [700, 200, 100];

function randomResults(count: number, seed: number): readonly Result[] {
  const random = new Random(seed, "results");
  return Array.from({ length: count }, () => {
    const fired = [true, random.next() < 0.5, random.next() < 0.2];
    return {
      fired,
      macs: macs.reduce((sum, part, depth) => sum + (fired[depth] === true ? part : 0), 0),
      milliseconds: { source: 1, inference: 10 ** (4 * random.next() - 1) },
    };
  });
}

/** The least value that at least this share of the values stays within. */
function percentile(values: readonly number[], share: number): number {
  return values.toSorted((a, b) => a - b)[Math.ceil(share * values.length) - 1] ?? 0;
}

describe.each([1, 2, 3, 20, 1000])("%i frames", (count) => {
  test.each([1, 2, 3])("seed %i", (seed) => {
    const results = randomResults(count, seed);
    const meter = new SummaryMeter(1000);
    for (const result of results) meter.update(result);
    const { frames, updateRates, macsRatio, latencyMs } = meter.result();
    expect(frames).toBe(count);
    const share = (depth: number): number => results.filter(({ fired }) => fired[depth] === true).length / count;
    expect(updateRates).toEqual([1, share(1), share(2)]);
    expect(macsRatio).toBeCloseTo(results.reduce((sum, result) => sum + result.macs, 0) / (1000 * count), 12);
    const latencies = results.map(({ milliseconds }) => milliseconds.inference);
    expect(latencyMs.max).toBe(Math.max(...latencies));
    for (const [got, at] of [
      [latencyMs.p50, 0.5],
      [latencyMs.p95, 0.95],
    ] as const) {
      const exact = percentile(latencies, at);
      expect(Math.abs(got - exact) / exact).toBeLessThan(0.01);
      expect(got).toBeLessThanOrEqual(latencyMs.max);
    }
  });
});

test("no frames give no numbers that are none", () => {
  const { frames, updateRates, macsRatio, latencyMs } = new SummaryMeter(1000).result();
  expect({ frames, updateRates, macsRatio, latencyMs }).toEqual({
    frames: 0,
    updateRates: [],
    macsRatio: 0,
    latencyMs: { p50: 0, p95: 0, max: 0 },
  });
});

test("results may be looked at on the way", () => {
  const meter = new SummaryMeter(1000);
  const result = { fired: [true], macs: 500, milliseconds: { source: 0, inference: 2 } };
  meter.update(result);
  expect(meter.result()).toMatchObject({ frames: 1, macsRatio: 0.5 });
  meter.update({ ...result, fired: [false], macs: 0 });
  expect(meter.result()).toMatchObject({ frames: 2, macsRatio: 0.25, updateRates: [0.5] });
});
