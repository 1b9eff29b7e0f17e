// What is simulated from recordings is what the compiled network does: firings to the frame, signals to 1e-6. And what is
// measured of held frames is what a run of the schedule gives, to the bit.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ExpectedSignal, Schedule, Signal } from "../../../src/clocks/index.ts";
import { sweep } from "../../../src/tune/budget.ts";
import { Disagreements } from "../../../src/tune/disagreement.ts";
import { recordSignals, runOracle, type FootageOptions } from "../../../src/tune/footage.ts";
import { divideFootage, groundOf, type Ground } from "../../../src/tune/ground.ts";
import { simulate } from "../../../src/tune/index.ts";
import { keysOf, partsOf, type Part } from "../../../src/tune/part.ts";
import { frameSize } from "../../support/segmenting.ts";
import {
  framesOf,
  MemoryLabels,
  prepared,
  runFor,
  scoreless,
  scoring,
  sequenceFrom,
  type Prepared,
} from "./footage.ts";

interface Rig {
  readonly net: Prepared;
  readonly options: FootageOptions;
  readonly ground: Ground;
  readonly disagreements: Disagreements;
}

const frames = framesOf({ frames: 36, shots: [21] });

async function rigOf(net: Prepared): Promise<Rig> {
  const options = { ...net, videos: [sequenceFrom(frames)], labels: new MemoryLabels(), fitShare: 0.5 };
  const recorded = await runOracle(options);
  const disagreements = new Disagreements(options, net.plan.stages.length);
  const ground = await groundOf(options, recorded, divideFootage(recorded, options), disagreements);
  return { net, options, ground, disagreements };
}

async function closed({ net, disagreements }: Rig): Promise<void> {
  await disagreements[Symbol.asyncDispose]();
  await net[Symbol.asyncDispose]();
}

let scores: Rig;
let features: Rig;
beforeAll(async () => {
  scores = await rigOf(await prepared(scoring()));
  features = await rigOf(await prepared(scoreless()));
});
afterAll(async () => {
  await closed(scores);
  await closed(features);
});

function wholeOf({ ground }: Rig): Part {
  const [whole] = ground.whole;
  if (whole === undefined) throw new Error("expected a recording");
  return whole;
}

/** Numbers of pixels: of shares a last bit depends on how they were worked out. */
function pixelsOf(shares: ArrayLike<number>): readonly number[] {
  const pixels = frameSize.widthPx * frameSize.heightPx;
  return Array.from(shares, (share) => {
    expect(Math.abs(share * pixels - Math.round(share * pixels))).toBeLessThan(1e-6);
    return Math.round(share * pixels);
  });
}

/** Runs an adaptive clock, and compares with the simulation. @returns number of firings */
async function compare(rig: Rig, signal: Signal, threshold: number): Promise<number> {
  const predicted = simulate(wholeOf(rig).changes, signal, threshold);
  const real = await runFor(rig.net, { kind: "adaptive", threshold, signal }, frames);
  expect(real.fired).toEqual(predicted.fired);
  const distances = predicted.signal.map((value, frame) =>
    value === null ? 0 : Math.abs(value - (real.signal[frame] ?? Infinity)),
  );
  expect(Math.max(...distances)).toBeLessThan(1e-6);
  expect(real.shots.flatMap((shot, frame) => (shot ? [frame] : []))).toEqual([21]);
  return real.fired.filter(Boolean).length;
}

describe("firings and signals", () => {
  test.each([
    ["labels", "scoring", () => scores],
    ["probe", "scoring", () => scores],
    ["expected", "scoring", () => scores],
    ["probe", "scoreless", () => features],
    ["expected", "scoreless", () => features],
  ] as const)("of %s on a %s network are as simulated, at every threshold", async (kind, _, rigNow) => {
    const rig = rigNow();
    const signal = rig.ground.signals.get(kind);
    if (signal === undefined) throw new Error(`expected a signal of kind ${kind}`);
    const rates = new Set<number>();
    for (const { threshold } of sweep([wholeOf(rig).changes], signal, 4)) {
      rates.add(await compare(rig, signal, threshold));
    }
    expect(rates.size).toBeGreaterThan(2);
    expect([...rates].every((rate) => rate >= 2)).toBe(true);
  });

  test("of an expected signal with every term in it", async () => {
    const signals = wholeOf(scores).changes.recording.signals;
    expect(signals.map(({ kind }) => kind)).toEqual(["labels", "probe"]);
    const signal: ExpectedSignal = {
      kind: "expected",
      signals,
      bias: 0.01,
      weights: [0.3, 0.2],
      ageWeight: 0.05,
      productWeights: [0.1, 0.4],
      ageCap: 7,
    };
    const rates = [];
    for (const threshold of [0.045, 0.07, 0.1]) rates.push(await compare(scores, signal, threshold));
    expect(new Set(rates).size).toBe(3);
  });

  test("a network without a score map has nothing for a clock that looks at labels", () => {
    expect([...scores.ground.signals.keys()]).toEqual(["labels", "probe", "expected"]);
    expect([...features.ground.signals.keys()]).toEqual(["probe", "expected"]);
  });
});

describe("disagreement, frame by frame", () => {
  const schedules: readonly Schedule[] = [
    { kind: "fixed", periods: [3] },
    { kind: "fixed", periods: [5] },
    { kind: "every" },
    { kind: "fixed", periods: [16] },
  ];

  interface Way {
    readonly fired: readonly boolean[];
    /** Numbers of pixels that disagree, by frame. */
    readonly pixels: readonly number[];
  }

  /** Measures and runs; the same pairs of frame and key come again and again. */
  async function bothWays(
    rig: Rig,
    all: readonly Schedule[],
  ): Promise<{ readonly measured: readonly Way[]; readonly real: readonly Way[] }> {
    const measured: Way[] = [];
    const real: Way[] = [];
    for (const schedule of all) {
      const whole = wholeOf(rig);
      const keys = keysOf(whole, schedule);
      const values = await rig.disagreements.of(0, keys, whole, "");
      measured.push({ fired: keys.map((key, frame) => key === frame), pixels: pixelsOf(values) });
      const { fired, disagreement } = await runFor(rig.net, schedule, frames);
      real.push({ fired, pixels: pixelsOf(disagreement) });
    }
    return { measured, real };
  }

  /** Of those ways on which something rests, the fewest pixels that disagree in all. */
  function leastOf(ways: readonly Way[]): number {
    const resting = ways.filter(({ fired }) => fired.includes(false));
    return Math.min(...resting.map(({ pixels }) => pixels.reduce((sum, value) => sum + value, 0)));
  }

  test("of fixed clocks", async () => {
    const { measured, real } = await bothWays(scores, [...schedules, ...schedules.slice(0, 2).reverse()]);
    expect(measured).toEqual(real);
    expect(leastOf(real)).toBeGreaterThan(100);
  });

  test("of adaptive clocks", async () => {
    const signal: Signal = { kind: "labels" };
    const points = sweep([wholeOf(scores).changes], signal, 4).slice(1);
    const { measured, real } = await bothWays(
      scores,
      points.map(({ threshold }) => ({ kind: "adaptive", threshold, signal })),
    );
    expect(measured).toEqual(real);
    expect(leastOf(real)).toBeGreaterThan(100);
  });

  test("of a network that looks at a probe", async () => {
    const signal = features.ground.signals.get("probe");
    if (signal === undefined) throw new Error("expected a probe");
    const [, point] = sweep([wholeOf(features).changes], signal, 3);
    const { measured, real } = await bothWays(features, [
      { kind: "fixed", periods: [4] },
      { kind: "adaptive", threshold: point?.threshold ?? 0, signal },
    ]);
    expect(measured).toEqual(real);
    expect(leastOf(real)).toBeGreaterThan(100);
  });

  test("of a part of a video, from a fresh start, beside the whole", async () => {
    const [part] = partsOf([wholeOf(scores).changes.recording], [{ video: 0, from: 9, to: 31 }]);
    if (part === undefined) throw new Error("expected a part");
    const schedule: Schedule = { kind: "fixed", periods: [6] };
    const real = await runFor(scores.net, schedule, frames.slice(9, 31));
    const measured = await scores.disagreements.of(0, keysOf(part, schedule), part, "");
    expect(pixelsOf(measured)).toEqual(pixelsOf(real.disagreement));
  });

  test("of a network of one stage, whose labels are held", async () => {
    const net = await prepared({ ...scoring(), stages: 1 });
    const rig = await rigOf(net);
    try {
      expect([...rig.ground.signals.keys()]).toEqual([]);
      const { measured, real } = await bothWays(
        rig,
        [2, 5, 3].map((period) => ({ kind: "skip", period })),
      );
      expect(measured).toEqual(real);
      expect(leastOf(real)).toBeGreaterThan(100);
    } finally {
      await closed(rig);
    }
  });

  test("of three stages, of which the deepest rests", async () => {
    const net = await prepared({ ...scoring(), stages: 3 });
    expect(net.plan.stages).toHaveLength(3);
    const rig = await rigOf(net);
    try {
      const signal = rig.ground.signals.get("labels");
      const [, point] = sweep([wholeOf(rig).changes], signal ?? { kind: "labels" }, 3);
      const { measured, real } = await bothWays(rig, [
        { kind: "fixed", periods: [4] },
        { kind: "adaptive", threshold: point?.threshold ?? 0, signal: { kind: "labels" } },
      ]);
      expect(measured).toEqual(real);
      expect(leastOf(real)).toBeGreaterThan(100);
    } finally {
      await closed(rig);
    }
  });

  test("is an error where a video has fewer frames the second time", async () => {
    const { options } = scores;
    await using net = new Disagreements({ ...options, videos: [sequenceFrom(frames.slice(0, 10))] }, 2);
    const keys = Array.from({ length: 12 }, () => 0);
    await expect(net.of(0, keys, { from: 0, to: 12 }, "")).rejects.toThrow("got no frame 10 this time");
  });
});

test("what is recorded of a part of the signals does not depend on the others", async () => {
  const [labels] = await recordSignals(scores.options, [{ kind: "labels" }], 2);
  expect(labels?.maps[0]).toEqual(wholeOf(scores).changes.recording.maps[0]);
});
