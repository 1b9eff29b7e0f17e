// Tuning for a loss: what the evidence says is what a run over the calibration part gives, promises follow from its blocks,
// and where there is nothing to promise that is said.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { tune, type TuneGoal, type Tuned, type TuneOptions } from "../../../src/tune/index.ts";
import {
  framesOf,
  meanOf,
  MemoryLabels,
  prepared,
  runFor,
  scoring,
  sequenceFrom,
  type Prepared,
} from "../../tune/engine/footage.ts";

const frames = framesOf({ frames: 90, shots: [61] });
/** A third is fitted to. */
const calibration = frames.slice(30);

let net: Prepared;
beforeAll(async () => {
  net = await prepared();
});
afterAll(() => net[Symbol.asyncDispose]());

function loss(maxLoss: number, promise: "mean" | "clips" = "mean", confidence = 0.9): TuneGoal {
  return { kind: "max-loss", maxLoss, promise, confidence };
}

type Wanted = Partial<TuneOptions> & Pick<TuneOptions, "goal">;

/** Tunes with blocks of one frame, which are many. */
function tuned(options: Wanted, from: Prepared = net): Promise<Tuned> {
  return tune({ ...from, videos: [sequenceFrom(frames)], labels: new MemoryLabels(), blockSec: 0.04, ...options });
}

/** Runs what was tuned, and compares with its evidence. @returns disagreement by frame */
async function check({ schedule, evidence }: Tuned, from: Prepared = net): Promise<readonly number[]> {
  const real = await runFor(from, schedule, calibration);
  expect(evidence).toMatchObject({ frames: 60, blocks: 60, blockSec: 0.04 });
  expect(evidence.disagreement).toBeCloseTo(meanOf(real.disagreement), 12);
  expect(evidence.macsRatio).toBeCloseTo(real.macsRatio, 12);
  expect(evidence.updateRate).toBeCloseTo(meanOf(real.fired.map(Number)), 12);
  expect(evidence.updateRate).toBeLessThan(1);
  return real.disagreement;
}

describe("a promise", () => {
  test("of the mean", async () => {
    const result = await tuned({ goal: loss(0.06) });
    await check(result);
    const { bound, disagreement } = result.evidence;
    expect(bound).toBeLessThanOrEqual(0.06);
    expect(bound).toBeGreaterThan(disagreement ?? 1);
    // From the most careful clock to the cheapest; the one that was chosen is the last, or the one before.
    const rates = result.candidates.map(({ updateRate }) => updateRate);
    expect(rates).toEqual([...rates].sort((a, b) => b - a));
    const at = result.candidates.findIndex(({ schedule }) => schedule === result.schedule);
    expect(result.candidates.length - at).toBeLessThanOrEqual(2);
  });

  test.each([
    ["labels", 0.03],
    ["fixed", 0.08],
  ] as const)("of clips, by counting, for %s at %f", async (kind, alpha) => {
    const result = await tuned({ goal: loss(alpha, "clips"), kind });
    const own = await check(result);
    const worst = own.map(() => 0);
    const rare: boolean[] = [];
    for (const { schedule } of result.candidates) {
      const { disagreement } = await runFor(net, schedule, calibration);
      for (const [frame, value] of disagreement.entries()) worst[frame] = Math.max(worst[frame] ?? 0, value);
      rare.push((1 + worst.filter((value) => value > alpha).length) / 61 <= 0.1 + 1e-9);
    }
    const at = result.candidates.findIndex(({ schedule }) => schedule === result.schedule);
    // All up to the chosen one can be promised; the next one, where one was tried, cannot.
    expect(rare).toEqual(rare.map((_, candidate) => candidate <= at));
    expect(result.candidates.length).toBe(at + 2);
    const exceeding = own.filter((value) => value > (result.evidence.bound ?? 0)).length;
    expect((1 + exceeding) / 61).toBeLessThanOrEqual(0.1 + 1e-9);
    expect(result.evidence.bound).toBeLessThanOrEqual(alpha);
  });

  test("of one stage", async () => {
    await using whole = await prepared({ ...scoring(), stages: 1 });
    const result = await tuned({ goal: loss(0.08) }, whole);
    await check(result, whole);
    expect(result.schedule.kind).toBe("skip");
  });

  test("without a part to fit to is that of a fixed clock", async () => {
    const { kind, evidence } = await tuned({ goal: loss(0.05), fitShare: 0 });
    expect([kind, evidence.frames, evidence.blocks]).toEqual(["fixed", 90, 90]);
    await expect(tuned({ goal: loss(0.05), fitShare: 0, kind: "labels" })).rejects.toThrow("try a greater --fit");
  });

  test("is the same for the same seed", async () => {
    const act = (): Promise<Tuned> => tuned({ goal: loss(0.06), seed: 5 });
    expect(await act()).toEqual(await act());
  });
});

describe("no promise", () => {
  async function refused(options: Wanted): Promise<string> {
    const error: unknown = await tuned(options).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ name: "ClockworkError", code: "unpromisable" });
    return (error as Error).message;
  }

  test("of footage that is too short: what is needed is told, and is enough", async () => {
    const said = await refused({ goal: loss(0.05), blockSec: 1 });
    expect(said).toContain("expected at least 46 blocks of 1 s to promise at most 5 % disagreement at 90 % confidence");
    expect(said).toContain("got 2; try 69 s of footage, or a greater --max-loss, or shorter blocks");
    expect(said).not.toContain("--promise clips");
    // As many seconds as were asked for, of frames that stand still.
    const still = Array.from({ length: 69 }, (_, second) => ({ ...frames[0], timestampSec: second }));
    const videos = [sequenceFrom(still as typeof frames, 1)];
    expect((await tuned({ goal: loss(0.05), blockSec: 1, videos, kind: "fixed" })).evidence.blocks).toBe(46);
  });

  test("of the mean, where one of clips could be made", async () => {
    const said = await refused({ goal: loss(0.01) });
    expect(said).toMatch(/expected at least 23\d blocks of 0.04 s .* got 60; .*--promise clips, which needs 9 blocks/);
  });

  test("of next to no loss: the number is told without counting for hours", async () => {
    expect(await refused({ goal: loss(1e-9) })).toMatch(/expected at least 23025850\d\d blocks/);
  });

  test("of a clock that disagrees too much", async () => {
    const said = await refused({ goal: loss(1e-4, "clips"), kind: "fixed" });
    expect(said).toMatch(
      /expected a clock that can be promised to disagree on at most 0.01 % .*got [\d.]+ % from the most careful one, which fires on 51.67 % of the frames, over 60 blocks; try a greater --max-loss/,
    );
  });
});
