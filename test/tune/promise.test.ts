// Promises, against what can be worked out exactly: every sequence of small samples, every way to leave one block out, and
// distributions whose mean is known.

import { describe, expect, test } from "vitest";
import {
  blocksNeeded,
  coverageOf,
  leastMean,
  lossesNeeded,
  meanBound,
  meanPValue,
  promiseOf,
  seeded,
  splitsOf,
  type PromiseGoal,
  type Random,
} from "../../src/tune/index.ts";
import { populations } from "./populations.ts";

/** Exact probability that the p-value is at most `delta`, over all sequences of values with given probabilities. */
function errorRate(
  values: readonly (readonly [number, number])[],
  length: number,
  alpha: number,
  delta: number,
): number {
  const losses = new Float64Array(length);
  const visit = (at: number, probability: number): number => {
    if (at === length) return meanPValue(losses, alpha, delta) <= delta ? probability : 0;
    let sum = 0;
    for (const [value, chance] of values) {
      losses[at] = value;
      sum += visit(at + 1, probability * chance);
    }
    return sum;
  };
  return visit(0, 1);
}

/** Probability of at most k successes of n. */
function binomial(k: number, n: number, p: number): number {
  let sum = 0;
  let term = (1 - p) ** n;
  for (let i = 0; i <= k; i++) {
    sum += term;
    term *= ((n - i) / (i + 1)) * (p / (1 - p));
  }
  return sum;
}

/** Bates et al. 2021, proposition 4: the p-value of Hoeffding and Bentkus. */
function hoeffdingBentkus(losses: Float64Array, alpha: number): number {
  const n = losses.length;
  const mean = losses.reduce((sum, loss) => sum + loss, 0) / n;
  const m = Math.min(mean, alpha);
  const kl = (m === 0 ? 0 : m * Math.log(m / alpha)) + (1 - m) * Math.log((1 - m) / (1 - alpha));
  return Math.min(Math.exp(-n * kl), Math.E * binomial(Math.ceil(n * mean - 1e-9), n, alpha));
}

/** A gamma variate of small whole shape over 2, as sums of exponentials and a squared normal. */
function gamma(halves: number, random: Random): number {
  let sum = 0;
  for (let i = 0; i < halves >> 1; i++) sum -= Math.log(1 - random());
  if (halves % 2 === 1) sum -= Math.log(1 - random()) * Math.cos(2 * Math.PI * random()) ** 2;
  return sum;
}

/** A beta variate with mean a / (a + b), a and b in halves. */
function beta(a: number, b: number, random: Random): number {
  const x = gamma(a, random);
  return x / (x + gamma(b, random));
}

describe("p-value of a mean", () => {
  test.each<readonly [string, readonly (readonly [number, number])[], number, number]>([
    [
      "0 or 1",
      [
        [0, 0.8],
        [1, 0.2],
      ],
      14,
      0.2,
    ],
    [
      "0 or 1, rare",
      [
        [0, 0.95],
        [1, 0.05],
      ],
      14,
      0.05,
    ],
    [
      "0, 0.1 or 1",
      [
        [0, 0.5],
        [0.1, 0.4],
        [1, 0.1],
      ],
      10,
      0.14,
    ],
    ["always alpha", [[0.1, 1]], 10, 0.1],
    [
      "near alpha",
      [
        [0.05, 0.5],
        [0.15, 0.5],
      ],
      14,
      0.1,
    ],
  ])("is small no more often than it says, exactly: %s", (_, values, length, alpha) => {
    for (const delta of [0.3, 0.1, 0.05]) {
      expect(errorRate(values, length, alpha, delta)).toBeLessThanOrEqual(delta);
      // A mean that is higher still shows up even less.
      expect(errorRate(values, length, alpha * 0.9, delta)).toBeLessThanOrEqual(delta);
    }
  });

  test("is near what is possible without any loss: the probability of that, (1 - alpha)^n", () => {
    for (const [count, alpha] of [
      [10, 0.2],
      [60, 0.05],
      [300, 0.01],
    ] as const) {
      const best = binomial(0, count, alpha);
      const value = meanPValue(new Float64Array(count), alpha, 0.1);
      expect(value).toBeGreaterThanOrEqual(best);
      expect(Math.log(value) / Math.log(best)).toBeGreaterThan(0.985);
    }
  });

  test("is no stronger than the best test there is for 0/1 losses, the exact binomial one, and not much weaker", () => {
    const [n, alpha, delta] = [14, 0.4, 0.1];
    // Neyman and Pearson: reject up to k successes, and at k + 1 with the probability that makes the level exact.
    let k = -1;
    while (binomial(k + 1, n, alpha) <= delta) k++;
    const chance = (delta - binomial(k, n, alpha)) / (binomial(k + 1, n, alpha) - binomial(k, n, alpha));
    for (const p of [0.02, 0.05, 0.1, 0.2]) {
      const best = binomial(k, n, p) + chance * (binomial(k + 1, n, p) - binomial(k, n, p));
      const power = errorRate(
        [
          [0, 1 - p],
          [1, p],
        ],
        n,
        alpha,
        delta,
      );
      expect(power).toBeLessThanOrEqual(best);
      expect(power).toBeGreaterThan(0.5 * best);
    }
  });

  test("shows small losses that vary little where Hoeffding and Bentkus do not", () => {
    const random = seeded(1);
    const shown = { betting: 0, hoeffding: 0 };
    for (let repeat = 0; repeat < 400; repeat++) {
      // Mean 0.01, standard deviation 0.014.
      const losses = Float64Array.from({ length: 250 }, () => beta(1, 99, random));
      if (meanPValue(losses, 0.02, 0.1) <= 0.1) shown.betting++;
      if (hoeffdingBentkus(losses, 0.02) <= 0.1) shown.hoeffding++;
    }
    expect(shown.betting).toBeGreaterThan(280);
    expect(shown.hoeffding).toBeLessThan(5);
  });
});

describe("bound of a mean", () => {
  test("is where the p-value crosses delta", () => {
    const random = seeded(2);
    for (let repeat = 0; repeat < 20; repeat++) {
      const losses = Float64Array.from({ length: 80 }, () => random() ** 4);
      const bound = meanBound(losses, 0.1);
      expect(meanPValue(losses, bound + 1e-9, 0.1)).toBeLessThanOrEqual(0.1);
      expect(meanPValue(losses, bound - 1e-9, 0.1)).toBeGreaterThan(0.1);
    }
  });

  test("nears the mean as losses become many", () => {
    const random = seeded(3);
    const losses = Float64Array.from({ length: 20_000 }, () => random() * 0.1);
    const bound = meanBound(losses, 0.1);
    expect(bound).toBeGreaterThan(0.0497);
    expect(bound).toBeLessThan(0.0507);
  });

  test("is 1 without losses to look at, and where all are 1", () => {
    expect(meanBound([], 0.1)).toBe(1);
    expect(meanBound([1, 1, 1], 0.1)).toBeGreaterThan(0.999);
  });

  test.each([
    [0.01, 0.1],
    [0.02, 0.05],
    [0.05, 0.1],
    [0.3, 0.2],
  ])("blocks needed for %d at %d are just enough", (alpha, delta) => {
    const needed = lossesNeeded(alpha, delta);
    expect(leastMean(needed, delta)).toBeLessThanOrEqual(alpha);
    expect(leastMean(needed - 1, delta)).toBeGreaterThan(alpha);
    // No test can do with less than log(delta) / log(1 - alpha).
    const fewest = Math.log(delta) / Math.log(1 - alpha);
    expect(needed).toBeGreaterThanOrEqual(fewest);
    expect(needed).toBeLessThan(fewest * 1.03 + 2);
  });
});

describe("mean promise", () => {
  const goal: PromiseGoal = { promise: "mean", alpha: 0.05, delta: 0.1 };
  const flat = (blocks: number, losses: readonly number[]): readonly (readonly number[])[] =>
    Array.from({ length: blocks }, () => losses);

  test("is made of the last candidate before the first that fails, even where a cheaper one passes", () => {
    expect(promiseOf(flat(200, [0, 0.01, 0.02, 0.09, 0.01]), goal)).toMatchObject({
      kind: "kept",
      candidate: 2,
      blocks: 200,
    });
  });

  test("says the mean and a bound above it that is within alpha", () => {
    const result = promiseOf(flat(200, [0, 0.02]), goal);
    if (result.kind !== "kept") throw new Error("expected a promise");
    expect(result.meanLoss).toBeCloseTo(0.02, 12);
    expect(result.bound).toBeGreaterThan(0.02);
    expect(result.bound).toBeLessThanOrEqual(0.05);
  });

  test("is refused with what is missing: blocks, or less loss", () => {
    expect(promiseOf(flat(20, [0, 0.01]), goal)).toEqual({
      kind: "too-few-blocks",
      blocks: 20,
      blocksNeeded: blocksNeeded(goal),
      leastAlpha: leastMean(20, 0.1),
    });
    const result = promiseOf(flat(200, [0.06, 0.07]), goal);
    if (result.kind !== "too-much-loss") throw new Error("expected too much loss");
    expect(result.meanLoss).toBeCloseTo(0.06, 12);
    expect(result.leastAlpha).toBeGreaterThan(0.06);
    expect(promiseOf(flat(200, [0.06, 0.07]), { ...goal, alpha: result.leastAlpha + 1e-9 }).kind).toBe("kept");
    expect(promiseOf([], goal)).toMatchObject({ kind: "too-few-blocks", blocks: 0, leastAlpha: 1 });
  });
});

describe("clips promise", () => {
  test("is broken for at most a share delta of all ways to leave one block out, exactly", () => {
    const random = seeded(4);
    let made = 0;
    for (let repeat = 0; repeat < 300; repeat++) {
      const blocks = 6 + Math.floor(random() * 30);
      const delta = [0.1, 0.2, 0.35][repeat % 3] ?? 0.1;
      const goal: PromiseGoal = { promise: "clips", alpha: 0.3, delta };
      // Not monotone on purpose.
      const losses = Array.from({ length: blocks }, () => {
        const level = random();
        return Array.from({ length: 8 }, (_, at) => Math.min(1, level * (at / 7) * (0.5 + random())));
      });
      let broken = 0;
      for (const left of losses) {
        const result = promiseOf(
          losses.filter((block) => block !== left),
          goal,
        );
        if (result.kind !== "kept") continue;
        made++;
        if ((left[result.candidate] ?? 0) > goal.alpha) broken++;
      }
      expect(broken / blocks).toBeLessThanOrEqual(delta + 1e-9);
    }
    expect(made).toBeGreaterThan(1000);
  });

  test("needs 1 / delta - 1 blocks and no more", () => {
    for (const [delta, needed] of [
      [0.1, 9],
      [1 - 0.9, 9],
      [0.05, 19],
      [0.3, 3],
      [0.5, 1],
    ] as const) {
      const goal: PromiseGoal = { promise: "clips", alpha: 0.02, delta };
      expect(blocksNeeded(goal)).toBe(needed);
      const losses = Array.from({ length: needed }, () => [0, 0.01]);
      expect(promiseOf(losses, goal)).toMatchObject({ kind: "kept", candidate: 1, bound: 0.01 });
      expect(promiseOf(losses.slice(1), goal)).toEqual({
        kind: "too-few-blocks",
        blocks: needed - 1,
        blocksNeeded: needed,
        leastAlpha: null,
      });
    }
  });

  test("says the loss that few enough blocks exceed", () => {
    const goal: PromiseGoal = { promise: "clips", alpha: 0.5, delta: 0.2 };
    // Of 19 blocks, 3 may exceed: (3 + 1) / (19 + 1) is 0.2.
    const losses = Array.from({ length: 19 }, (_, block) => [(block + 1) / 100]);
    expect(promiseOf(losses, goal)).toMatchObject({ kind: "kept", candidate: 0, bound: 0.16 });
    expect(promiseOf(losses, { ...goal, alpha: 0.16 }).kind).toBe("kept");
    expect(promiseOf(losses, { ...goal, alpha: 0.155 })).toMatchObject({ kind: "too-much-loss", leastAlpha: 0.16 });
  });
});

describe("repeated calibration", () => {
  const repeats = 2000;
  const blocks = 150;
  const alpha = 0.1;
  const delta = 0.1;
  // Three standard deviations of a share of `repeats`, were it delta.
  const tolerance = 3 * Math.sqrt((delta * (1 - delta)) / repeats);
  /** Candidates' expected losses; the fifth is just too much. */
  const means = [0.02, 0.04, 0.06, 0.08, 0.1001, 0.15, 0.3];
  test.each(populations)("breaks the mean promise no more often than it says: %s", (_, block) => {
    const random = seeded(6);
    const draw = (): { calibration: readonly (readonly number[])[]; risk: (candidate: number) => number } => ({
      calibration: Array.from({ length: blocks }, () => means.map(block(random))),
      risk: (candidate) => means[candidate] ?? 1,
    });
    const coverage = coverageOf({ promise: "mean", alpha, delta }, repeats, draw);
    expect(coverage.broken).toBeLessThanOrEqual(delta + tolerance);
    // It is worth something, too: mostly something cheaper than the most careful.
    expect(coverage.promised).toBeGreaterThan(0.75);
    expect((coverage.chosen[0] ?? 0) / repeats).toBeLessThan(0.5);
  });

  test("would see a procedure that promises too much: the cheapest candidate whose mean looks right", () => {
    const random = seeded(6);
    let broken = 0;
    for (let repeat = 0; repeat < 500; repeat++) {
      const losses = Array.from({ length: blocks }, () => means.map(populations[0]?.[1](random) ?? (() => 0)));
      const looks = means.map((_, at) => losses.reduce((sum, row) => sum + (row[at] ?? 0), 0) / blocks);
      if ((means[looks.findLastIndex((mean) => mean <= alpha)] ?? 0) > alpha) broken++;
    }
    expect(broken / 500).toBeGreaterThan(0.4);
  });

  test("breaks the clips promise no more often than it says", () => {
    const goal: PromiseGoal = { promise: "clips", alpha: 0.1, delta: 0.1 };
    const random = seeded(8);
    // A block's loss is mean * 2u, so it exceeds alpha with probability 1 - alpha / (2 mean).
    const coverage = coverageOf(goal, repeats, () => ({
      calibration: Array.from({ length: 30 }, () => ((u) => means.map((mean) => 2 * mean * u))(random())),
      risk: (candidate) => Math.max(0, 1 - alpha / (2 * (means[candidate] ?? 1))),
    }));
    // A mean of values from 0 to 1, most of them 0.
    expect(coverage.broken).toBeLessThanOrEqual(goal.delta + tolerance);
    expect(coverage.promised).toBe(1);
    // The second candidate never exceeds alpha, the third in one block of six.
    expect(coverage.chosen[0]).toBe(0);
    expect(coverage.broken).toBeGreaterThan(0.005);
  });

  test("splits recorded blocks without using one twice", () => {
    const losses = Array.from({ length: 40 }, (_, block) => [block / 100]);
    const goal: PromiseGoal = { promise: "mean", alpha: 0.4, delta: 0.1 };
    const draw = splitsOf(losses, goal, 25, seeded(1));
    for (let repeat = 0; repeat < 10; repeat++) {
      const { calibration, risk } = draw();
      const used = calibration.reduce((sum, row) => sum + (row[0] ?? 0), 0);
      expect(calibration.length).toBe(25);
      expect(new Set(calibration).size).toBe(25);
      expect(used + 15 * risk(0)).toBeCloseTo(7.8, 9);
    }
    expect(() => splitsOf(losses, goal, 40, seeded(1))).toThrow("1 to 39");
  });
});

describe("refusals", () => {
  const goal: PromiseGoal = { promise: "mean", alpha: 0.05, delta: 0.1 };
  test.each<readonly [string, () => unknown]>([
    ["losses from 0 to 1", () => promiseOf([[1.1]], goal)],
    ["losses from 0 to 1", () => promiseOf([[Number.NaN]], goal)],
    ["each of 2 candidates", () => promiseOf([[0, 0], [0]], goal)],
    ["each of 1 candidates", () => promiseOf([[]], goal)],
    ["a loss above 0", () => promiseOf([[0]], { ...goal, alpha: 0 })],
    ["a probability above 0", () => promiseOf([[0]], { ...goal, delta: 1 })],
  ])("say %j", (part, act) => {
    expect(act).toThrow(expect.objectContaining({ name: "ClockworkError", code: "invalid-argument" }));
    expect(act).toThrow(part);
  });
});
