// The numbers of a run against the same numbers from a list of all results.

import { describe, expect, test } from "vitest";
import { ClockworkError } from "../../src/errors.ts";
import { FiringMeter, LatencyMeter, SummaryMeter, type TimedFiring } from "../../src/metrics/index.ts";
import { Random } from "../../src/networks/random.ts";

const macs = [700, 200, 100];

function firing(fired: readonly boolean[], inference: number): TimedFiring {
  const executed = macs.reduce((sum, part, depth) => sum + (fired[depth] === true ? part : 0), 0);
  return { fired, macs: executed, milliseconds: { inference } };
}

function randomResults(count: number, seed: number): readonly TimedFiring[] {
  const random = new Random(seed, "results");
  return Array.from({ length: count }, (_, frame) =>
    // Everything fires on the first frame.
    firing(
      [true, frame === 0 || random.next() < 0.5, frame === 0 || random.next() < 0.2],
      10 ** (4 * random.next() - 1),
    ),
  );
}

/** The least value that at least this share of the values stays within. */
function percentile(values: readonly number[], share: number): number {
  return values.toSorted((a, b) => a - b)[Math.ceil(share * values.length) - 1] ?? 0;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

describe.each([1, 2, 3, 20, 1000])("%i frames", (count) => {
  test.each([1, 2, 3])("seed %i", (seed) => {
    const results = randomResults(count, seed);
    const meter = new SummaryMeter(1000);
    for (const result of results) meter.update(result);
    const { frames, updateRates, macsRatio, latencyMs, age } = meter.result();
    expect(frames).toBe(count);
    const share = (depth: number): number => results.filter(({ fired }) => fired[depth] === true).length / count;
    expect(updateRates).toEqual([1, share(1), share(2)]);
    expect(macsRatio).toBeCloseTo(results.reduce((sum, result) => sum + result.macs, 0) / (1000 * count), 12);

    const latencies = results.map(({ milliseconds }) => milliseconds.inference);
    expect(latencyMs?.max).toBe(Math.max(...latencies));
    expect(latencyMs?.worstFrame).toBe(latencies.indexOf(Math.max(...latencies)));
    expect(latencyMs?.mean).toBeCloseTo(mean(latencies), 9);
    for (const [got, at] of [
      [latencyMs?.p50, 0.5],
      [latencyMs?.p95, 0.95],
      [latencyMs?.p99, 0.99],
    ] as const) {
      const exact = percentile(latencies, at);
      expect(Math.abs((got ?? 0) - exact) / exact).toBeLessThan(0.01);
      expect(got).toBeLessThanOrEqual(latencyMs?.max ?? 0);
      expect(got).toBeGreaterThanOrEqual(Math.min(...latencies));
    }

    // Looking back from each frame for the last on which the deepest stage fired.
    const ages = results.map(
      (_, frame) => frame - results.findLastIndex(({ fired }, at) => at <= frame && fired[2] === true),
    );
    expect(age?.max).toBe(Math.max(...ages));
    expect(age?.mean).toBeCloseTo(mean(ages), 12);
    expect(age?.histogram).toEqual(
      Array.from({ length: Math.max(...ages) + 1 }, (_, age) => ages.filter((other) => other === age).length),
    );
  });
});

test("a fixed clock of period 4", () => {
  const meter = new FiringMeter(1000);
  for (let frame = 0; frame < 12; frame++) meter.update(firing([true, true, frame % 4 === 0], 1));
  expect(meter.result()).toEqual({
    frames: 12,
    updateRates: [1, 1, 1 / 4],
    macsRatio: (900 * 12 + 100 * 3) / 12_000,
    age: { mean: 1.5, max: 3, histogram: [3, 3, 3, 3] },
  });
});

describe("the age of what is held", () => {
  const hold = firing([true, false, false], 1);
  const fire = firing([true, true, true], 1);

  test("is known on every frame from the first firing on", () => {
    const meter = new FiringMeter(1000);
    const ages = [hold, hold, fire, hold, hold, fire].map((result) => {
      meter.update(result);
      return meter.age;
    });
    expect(ages).toEqual([undefined, undefined, 0, 1, 2, 0]);
    expect(meter.result()).toMatchObject({ frames: 6, age: { mean: 3 / 4, max: 2, histogram: [2, 1, 1] } });
  });

  test("is not carried over a cut", () => {
    const meter = new SummaryMeter(1000);
    for (const result of [fire, hold]) meter.update(result);
    meter.cut();
    // Frames of which the first, that fired, was not added.
    for (const result of [hold, hold, fire]) meter.update(result);
    expect(meter.result()).toMatchObject({ frames: 5, age: { mean: 1 / 3, max: 1, histogram: [2, 1] } });
  });

  test("takes no more memory when it gets very old", () => {
    const meter = new FiringMeter(1000);
    meter.update(fire);
    for (let frame = 0; frame < 1000; frame++) meter.update(hold);
    const { age } = meter.result();
    expect(age).toMatchObject({ mean: 500, max: 1000 });
    expect(age?.histogram).toEqual([...Array.from({ length: 255 }, () => 1), 1001 - 255]);
  });
});

test("results may be looked at on the way", () => {
  const meter = new SummaryMeter(1000);
  const result = { fired: [true], macs: 500, milliseconds: { inference: 2 } };
  meter.update(result);
  const first = meter.result();
  expect(first).toMatchObject({ frames: 1, macsRatio: 0.5, age: { histogram: [1] } });
  meter.update({ ...result, fired: [false], macs: 0 });
  expect(meter.result()).toMatchObject({ frames: 2, macsRatio: 0.25, updateRates: [0.5], age: { histogram: [1, 1] } });
  expect(first).toMatchObject({ frames: 1, macsRatio: 0.5, age: { histogram: [1] } });
});

test("no frames give no numbers that are none", () => {
  const empty = { frames: 0, updateRates: [], macsRatio: undefined, age: undefined, latencyMs: undefined };
  const meter = new SummaryMeter(1000);
  expect(meter.result()).toEqual(empty);
  for (const result of randomResults(20, 1)) meter.update(result);
  meter.reset();
  expect(meter.result()).toEqual(empty);
});

test("a network without multiplications has no share of them", () => {
  const meter = new FiringMeter(0);
  meter.update({ fired: [true], macs: 0 });
  expect(meter.result()).toMatchObject({ frames: 1, macsRatio: undefined });
});

describe("latency", () => {
  test.each([[[7]], [[0]], [[5, 5, 5]], [[0, 0, 0, 1e-9]]])("exact where all are alike: %j", (times) => {
    const meter = new LatencyMeter();
    for (const time of times) meter.update(time);
    const max = Math.max(...times);
    const { p50, p95, p99 } = meter.result() ?? {};
    for (const got of [p50, p95, p99]) expect(Math.abs((got ?? 1) - max)).toBeLessThan(1e-3);
    expect(meter.result()).toMatchObject({ max, worstFrame: times.indexOf(max) });
  });

  test.each([-1, NaN, Infinity])("refused: %d ms", (time) => {
    const meter = new LatencyMeter();
    expect(() => meter.update(time)).toThrow(ClockworkError);
    expect(meter.result()).toBeUndefined();
  });
});
