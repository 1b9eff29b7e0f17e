// What is simulated from recordings is what the compiled network does: firings to the frame, signals to 1e-6. And what is
// measured of held frames is what a run of the schedule gives, to the bit.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ExpectedSignal, Schedule, Signal } from "../../../src/clocks/index.ts";
import { sweep } from "../../../src/tune/budget.ts";
import { Disagreements } from "../../../src/tune/disagreement.ts";
import { recordSignals } from "../../../src/tune/footage.ts";
import { keysOf, partsOf } from "../../../src/tune/part.ts";
import { framesOf, prepared, runFor, scoreless, scoring, sequenceFrom } from "./footage.ts";
import { bothWays, compare, leastOf, pixelsOf, rigOf, signalOf, type Rig } from "./rig.ts";

const shots = [21];
const frames = framesOf({ frames: 36, shots });

let scores: Rig;
let features: Rig;
beforeAll(async () => {
  scores = await rigOf(await prepared(scoring()), frames);
  features = await rigOf(await prepared(scoreless()), frames);
});
afterAll(async () => {
  await scores[Symbol.asyncDispose]();
  await features[Symbol.asyncDispose]();
});

describe("firings and signals", () => {
  test.each([
    ["labels", "scoring", () => scores],
    ["probe", "scoring", () => scores],
    ["expected", "scoring", () => scores],
    ["probe", "scoreless", () => features],
    ["expected", "scoreless", () => features],
  ] as const)("of %s on a %s network are as simulated, at every threshold", async (kind, _, rigNow) => {
    const rig = rigNow();
    const signal = signalOf(rig, kind);
    const rates = new Set<number>();
    for (const { threshold } of sweep([rig.whole.changes], signal, 4)) {
      rates.add((await compare(rig, signal, threshold, shots)).filter(Boolean).length);
    }
    expect(rates.size).toBeGreaterThan(2);
    expect([...rates].every((rate) => rate >= 2)).toBe(true);
  });

  test("of an expected signal with every term in it", async () => {
    const signals = scores.whole.changes.recording.signals;
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
    for (const threshold of [0.045, 0.07, 0.1]) {
      rates.push((await compare(scores, signal, threshold, shots)).filter(Boolean).length);
    }
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

  test("of fixed clocks", async () => {
    const { measured, real } = await bothWays(scores, [...schedules, ...schedules.slice(0, 2).reverse()]);
    expect(measured).toEqual(real);
    expect(leastOf(real)).toBeGreaterThan(100);
  });

  test("of adaptive clocks", async () => {
    const signal: Signal = { kind: "labels" };
    const points = sweep([scores.whole.changes], signal, 4).slice(1);
    const { measured, real } = await bothWays(
      scores,
      points.map(({ threshold }) => ({ kind: "adaptive", threshold, signal })),
    );
    expect(measured).toEqual(real);
    expect(leastOf(real)).toBeGreaterThan(100);
  });

  test("of a network that looks at a probe", async () => {
    const signal = signalOf(features, "probe");
    const [, point] = sweep([features.whole.changes], signal, 3);
    const { measured, real } = await bothWays(features, [
      { kind: "fixed", periods: [4] },
      { kind: "adaptive", threshold: point?.threshold ?? 0, signal },
    ]);
    expect(measured).toEqual(real);
    expect(leastOf(real)).toBeGreaterThan(100);
  });

  test("of a part of a video, from a fresh start, beside the whole", async () => {
    const [part] = partsOf([scores.whole.changes.recording], [{ video: 0, from: 9, to: 31 }]);
    if (part === undefined) throw new Error("expected a part");
    const schedule: Schedule = { kind: "fixed", periods: [6] };
    const real = await runFor(scores.net, schedule, frames.slice(9, 31));
    const measured = await scores.disagreements.of(0, keysOf(part, schedule), part, "");
    expect(pixelsOf(measured)).toEqual(pixelsOf(real.disagreement));
  });

  test("of a network of one stage, whose labels are held", async () => {
    await using rig = await rigOf(await prepared({ ...scoring(), stages: 1 }), frames);
    expect([...rig.ground.signals.keys()]).toEqual([]);
    const { measured, real } = await bothWays(
      rig,
      [2, 5, 3].map((period) => ({ kind: "skip", period })),
    );
    expect(measured).toEqual(real);
    expect(leastOf(real)).toBeGreaterThan(100);
  });

  test("of three stages, of which the deepest rests", async () => {
    await using rig = await rigOf(await prepared({ ...scoring(), stages: 3 }), frames);
    expect(rig.net.plan.stages).toHaveLength(3);
    const signal = rig.ground.signals.get("labels");
    const [, point] = sweep([rig.whole.changes], signal ?? { kind: "labels" }, 3);
    const { measured, real } = await bothWays(rig, [
      { kind: "fixed", periods: [4] },
      { kind: "adaptive", threshold: point?.threshold ?? 0, signal: { kind: "labels" } },
    ]);
    expect(measured).toEqual(real);
    expect(leastOf(real)).toBeGreaterThan(100);
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
  expect(labels?.maps[0]).toEqual(scores.whole.changes.recording.maps[0]);
});
