// Tuning for a budget: the schedule, when it is run, costs and agrees as its evidence says.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Schedule } from "../../../src/clocks/index.ts";
import type { Sequence } from "../../../src/datasets/dataset.ts";
import type { Frame } from "../../../src/frame.ts";
import type { Node } from "../../../src/onnx/index.ts";
import { parseCut } from "../../../src/stages/index.ts";
import { worthiest } from "../../../src/tune/buy.ts";
import { divideFootage } from "../../../src/tune/ground.ts";
import { tune, type ClockKind, type Tuned, type TuneOptions } from "../../../src/tune/index.ts";
import {
  framesOf,
  meanOf,
  MemoryLabels,
  prepared,
  runFor,
  scoreless,
  scoring,
  sequenceFrom,
  type Prepared,
  type RealRun,
} from "../../tune/engine/footage.ts";

const frames = framesOf({ frames: 48, shots: [29] });
/** A third is fitted to. */
const fitted = 16;

let net: Prepared;
let probed: Prepared;
beforeAll(async () => {
  net = await prepared();
  probed = await prepared(scoreless());
});
afterAll(async () => {
  await net[Symbol.asyncDispose]();
  await probed[Symbol.asyncDispose]();
});

type Wanted = Partial<TuneOptions> & Pick<TuneOptions, "goal">;

function tuned(from: Prepared, options: Wanted, videos: readonly (readonly Frame[])[] = [frames]): Promise<Tuned> {
  const sequences = videos.map((video) => sequenceFrom(video));
  return tune({ ...from, videos: sequences, labels: new MemoryLabels(), ...options });
}

const budget = (share: number): Wanted["goal"] => ({ kind: "budget", budget: share });

/** A video that nobody may read. */
const unread: Sequence = {
  name: "unread",
  length: undefined,
  labelled: [],
  read: () => {
    throw new Error("expected nothing to be read");
  },
};

describe("evidence is what a run gives", () => {
  /** Runs what was tuned over the frames that it was measured on. */
  async function check(from: Prepared, { kind, schedule, evidence, candidates }: Tuned, most: number): Promise<void> {
    const isFitted = kind === "probe" || kind === "expected";
    const real = await runFor(from, schedule, isFitted ? frames.slice(fitted) : frames);
    expect(evidence.frames).toBe(real.fired.length);
    expect(evidence.macsRatio).toBeCloseTo(real.macsRatio, 12);
    expect(evidence.macsRatio).toBeLessThanOrEqual(most);
    expect(evidence.updateRate).toBeCloseTo(meanOf(real.fired.map(Number)), 12);
    expect(evidence.disagreement).toBeCloseTo(meanOf(real.disagreement), 12);
    expect(evidence.bound).toBeNull();
    for (const { macsRatio } of candidates) expect(macsRatio).toBeLessThanOrEqual(most);
    const candidate = candidates.find((one) => one.kind === kind);
    const compared = candidates.some((one) => /probe|expected/.test(one.kind)) ? frames.slice(fitted) : frames;
    const other = await runFor(from, candidate?.schedule ?? schedule, compared);
    expect(candidate?.disagreement).toBeCloseTo(meanOf(other.disagreement), 12);
    expect(candidate?.macsRatio).toBeCloseTo(other.macsRatio, 12);
  }

  test("whatever is chosen by itself", async () => {
    const result = await tuned(net, { goal: budget(0.7) });
    expect(result.candidates.map(({ kind }) => kind)).toEqual(["labels", "probe", "expected", "fixed"]);
    await check(net, result, 0.7);
  });

  test.each<readonly [ClockKind, number]>([
    ["labels", 0.72],
    ["probe", 0.8],
    ["expected", 0.65],
    ["fixed", 0.72],
  ])("for %s at %f", async (kind, most) => {
    const result = await tuned(net, { goal: budget(most), kind });
    expect([result.kind, result.candidates.length]).toEqual([kind, 1]);
    await check(net, result, most);
  });

  test("without a score map", async () => {
    const result = await tuned(probed, { goal: budget(0.85) });
    expect(result.candidates.map(({ kind }) => kind)).toEqual(["probe", "expected", "fixed"]);
    await check(probed, result, 0.85);
  });

  test("of one stage", async () => {
    await using whole = await prepared({ ...scoring(), stages: 1 });
    const result = await tuned(whole, { goal: budget(0.3) });
    // 29 frames and 19 frames: 8 + 5 of 48 are 0.27, and every third would be 10 + 7, 0.35.
    expect(result.schedule).toEqual({ kind: "skip", period: 4 });
    await check(whole, result, 0.3);
  });

  test("of videos of several sizes, each from a fresh start", async () => {
    const videos = [frames.slice(0, 29), framesOf({ frames: 20, size: { widthPx: 64, heightPx: 96 }, seed: 3 })];
    const result = await tuned(net, { goal: budget(0.75), kind: "labels" }, videos);
    const runs: RealRun[] = [];
    for (const video of videos) runs.push(await runFor(net, result.schedule, video));
    expect(meanOf(runs.flatMap(({ fired }) => fired.map(Number)))).toBeCloseTo(result.evidence.updateRate, 12);
    expect(meanOf(runs.flatMap(({ disagreement }) => disagreement))).toBeCloseTo(
      result.evidence.disagreement ?? -1,
      12,
    );
    expect(result.evidence.macsRatio).toBeLessThanOrEqual(0.75);
  });
});

describe("a budget", () => {
  test("of all buys every frame", async () => {
    const { kind, schedule, evidence, notes } = await tuned(net, { goal: budget(1), kind: "fixed" });
    expect([kind, schedule]).toEqual(["fixed", { kind: "every" }]);
    expect(evidence).toMatchObject({ updateRate: 1, macsRatio: 1, disagreement: 0 });
    expect(notes).toEqual([]);
  });

  test("that first frames alone exceed: the least is told, and is enough", async () => {
    const [shallow = 0] = net.plan.stages.map(({ share }) => share);
    // Both shots begin with a firing.
    const least = shallow + ((1 - shallow) * 2) / 48;
    const act = (share: number): Promise<Tuned> => tuned(net, { goal: budget(share), kind: "labels" });
    const said = (Math.ceil(1000 * least) / 1000).toFixed(3);
    await expect(act(least - 1e-4)).rejects.toThrow(
      `budget: expected at least ${said}, which what never rests costs on this footage`,
    );
    const { evidence, schedule } = await act(Number(said));
    expect(evidence.updateRate).toBe(2 / 48);
    expect((await runFor(net, schedule, frames)).fired.filter(Boolean)).toHaveLength(2);
  });
});

describe("the kind", () => {
  const tried = (disagreement: number): { kind: ClockKind; disagreement: number } => ({ kind: "labels", disagreement });
  const fixed = { kind: "fixed", disagreement: 0.1 } as const;

  test("looks at the scene where that gains a tenth or more", () => {
    expect(worthiest([tried(0.0899), fixed])?.kind).toBe("labels");
    expect(worthiest([tried(0.0901), fixed])?.kind).toBe("fixed");
    expect(worthiest([tried(0), { kind: "fixed", disagreement: 0 }])?.kind).toBe("fixed");
    expect(worthiest([tried(0.5), { kind: "probe", disagreement: 0.02 }, fixed])?.kind).toBe("probe");
    expect(worthiest([tried(0.5)])?.kind).toBe("labels");
    expect(worthiest([])).toBeUndefined();
  });

  test("is a fixed rate where nothing moves", async () => {
    const still = framesOf({ frames: 40, pace: 0 });
    const { kind, evidence, notes } = await tuned(net, { goal: budget(0.7) }, [still]);
    expect([kind, evidence.disagreement]).toEqual(["fixed", 0]);
    expect(notes.at(-1)).toContain("a fixed rate does as well here");
  });
});

test("the same seed gives the same schedule, another seed another probe", async () => {
  const act = (seed: number): Promise<Tuned> => tuned(probed, { goal: budget(0.85), kind: "probe", seed });
  const [first, again, other] = [await act(3), await act(3), await act(4)];
  expect(again).toEqual(first);
  const weights = ({ schedule }: Tuned): unknown => (schedule as Extract<Schedule, { kind: "adaptive" }>).signal;
  expect(weights(other)).not.toEqual(weights(first));
});

test("a limit takes the first frames of each video", async () => {
  const options = { goal: budget(0.8), kind: "labels" } as const;
  const limited = await tuned(net, { ...options, limit: 20 }, [frames, frames.slice(0, 12)]);
  expect(limited).toEqual(await tuned(net, options, [frames.slice(0, 20), frames.slice(0, 12)]));
  expect(limited.evidence.frames).toBe(32);
});

describe("little footage", () => {
  test("of a frame, and of two", async () => {
    const options = { goal: budget(0.8) };
    await expect(tuned(net, options, [frames.slice(0, 1)])).rejects.toThrow("budget: expected at least 1.000");
    const { kind, evidence, notes } = await tuned(net, options, [frames.slice(0, 1), frames.slice(3, 7)]);
    // One frame of the second is fitted to: enough for a probe, and not for what it is worth.
    expect(evidence.macsRatio).toBeLessThanOrEqual(0.8);
    expect(kind).not.toBe("expected");
    expect(notes.join()).toContain("expected disagreement was not fitted: 0 pairs");
  });

  test("none of it to fit to", async () => {
    const { candidates, evidence, notes } = await tuned(net, { goal: budget(0.8), fitShare: 0 });
    expect(candidates.map(({ kind }) => kind)).toEqual(["labels", "fixed"]);
    expect(evidence.frames).toBe(48);
    expect(notes).toContain("no linear probe: there are no frames to fit it to");
    await expect(tuned(net, { goal: budget(0.8), fitShare: 0, kind: "probe" })).rejects.toThrow(
      'of kind "probe" can look at, got none: no linear probe: there are no frames to fit it to; try fixed',
    );
  });

  test("is divided by time, video by video", () => {
    const videos = [
      { frames: 60, framesPerSec: 25 },
      { frames: 30, framesPerSec: 10 },
      { frames: 5, framesPerSec: 25 },
      { frames: 1, framesPerSec: 25 },
    ];
    const { fit, calibration, blocks } = divideFootage(videos, { blockSec: 0.4 });
    expect(fit).toEqual([
      { video: 0, from: 0, to: 20 },
      { video: 1, from: 0, to: 10 },
      { video: 2, from: 0, to: 2 },
    ]);
    expect(calibration.map(({ video, from, to }) => [video, from, to])).toEqual([
      [0, 20, 60],
      [1, 10, 30],
      [2, 2, 5],
      [3, 0, 1],
    ]);
    expect(blocks.map(({ video, from, to }) => [video, from, to])).toEqual([
      ...[20, 30, 40, 50].map((from) => [0, from, from + 10]),
      ...[10, 14, 18, 22, 26].map((from) => [1, from, from + 4]),
    ]);
  });
});

describe("refused before anything is read", () => {
  test.each<readonly [string, Wanted, string]>([
    ["a budget below what never rests", { goal: budget(0.4) }, "budget: expected at least 0.5"],
    ["no budget", { goal: budget(0) }, "budget: expected a share above 0, got 0"],
    ["a budget that is no number", { goal: budget(Number.NaN) }, "budget: expected a share above 0, got NaN"],
    ["no loss", { goal: { kind: "max-loss", maxLoss: 0, promise: "mean", confidence: 0.9 } }, "max-loss: expected"],
    ["certainty", { goal: { kind: "max-loss", maxLoss: 0.1, promise: "mean", confidence: 1 } }, "confidence: expected"],
    ["all of it to fit to", { goal: budget(0.8), fitShare: 1 }, "fit: expected a share"],
    ["blocks of no length", { goal: budget(0.8), blockSec: 0 }, "blocks: expected a length above 0 s"],
    ["no videos", { goal: budget(0.8), videos: [] }, "tune: expected videos, got none"],
  ])("%s", async (_, options, part) => {
    const act = tune({ ...net, videos: [unread], labels: new MemoryLabels(), ...options });
    await expect(act).rejects.toMatchObject({ code: "invalid-argument" });
    await expect(act).rejects.toThrow(part);
  });

  test("a kind that the network has nothing for", async () => {
    const act = (from: Prepared, kind: ClockKind): Promise<Tuned> =>
      tune({ ...from, videos: [unread], labels: new MemoryLabels(), goal: budget(0.9), kind });
    await expect(act(probed, "labels")).rejects.toThrow(
      'of kind "labels" can look at, got none: stage 1 makes no score map',
    );
    await using whole = await prepared({ ...scoring(), stages: 1 });
    for (const kind of ["labels", "probe", "expected"] as const) {
      await expect(act(whole, kind)).rejects.toThrow(`of kind "${kind}" can look at, got none: there is one stage`);
    }
    await expect(act(whole, "fixed")).rejects.toThrow("expected nothing to be read");
  });
});

test("a video whose frames change their size is refused", async () => {
  const other = framesOf({ frames: 3, size: { widthPx: 64, heightPx: 64 } });
  const act = tuned(net, { goal: budget(0.8) }, [[...frames.slice(0, 4), ...other]]);
  await expect(act).rejects.toMatchObject({ code: "invalid-video" });
  await expect(act).rejects.toThrow("expected frames of one size, got 96x64 and, from frame 4 on, 64x64");
});

describe("it can be stopped", () => {
  test.each(["oracle", "features", "signals", "expected disagreement", "fixed:2"])("at %s", async (step) => {
    const stop = new AbortController();
    const act = tuned(net, {
      goal: budget(0.8),
      signal: stop.signal,
      onProgress: (progress) => {
        if (progress.step === step) stop.abort();
      },
    });
    await expect(act).rejects.toMatchObject({ code: "aborted" });
    expect(stop.signal.aborted).toBe(true);
  });

  test("where the labels of one stage are compared", async () => {
    await using whole = await prepared({ ...scoring(), stages: 1 });
    const stop = new AbortController();
    const onProgress: TuneOptions["onProgress"] = ({ step }) => {
      if (step.startsWith("skip")) stop.abort();
    };
    const act = tuned(whole, { goal: budget(0.3), signal: stop.signal, onProgress });
    await expect(act).rejects.toMatchObject({ code: "aborted" });
  });
});

test("features of another type than float32 have no probe, which is told", async () => {
  const { model } = scoring();
  if (model === undefined) throw new Error("expected a network");
  const cast = (from: string, output: string, to: bigint): Node => ({
    name: output,
    op: "Cast",
    domain: "",
    inputs: [from],
    outputs: [output],
    attributes: new Map([["to", { kind: "int", value: to }]]),
  });
  // The deep stage reads float16, and turns it back.
  const nodes = model.graph.nodes.flatMap((node) => {
    if (node.outputs[0] === "pool3") return [node, cast("pool3", "half", 10n), cast("half", "back", 1n)];
    return [node.name === "conv4_1" ? { ...node, inputs: ["back", ...node.inputs.slice(1)] } : node];
  });
  await using half = await prepared({
    model: { ...model, graph: { ...model.graph, nodes } },
    cuts: [parseCut("half->back")],
  });
  expect(half.plan.stages.at(-1)?.entry).toBe("half -> back");
  const result = await tuned(half, { goal: budget(0.8) });
  expect(result.candidates.map(({ kind }) => kind)).toEqual(["labels", "expected", "fixed"]);
  const why = "the features that enter stage 2 (half) are float16 [1,16,8,12], not float32 [1,C,H,W]";
  expect(result.notes[0]).toBe(`no linear probe: ${why}`);
  await expect(tuned(half, { goal: budget(0.8), kind: "probe" })).rejects.toThrow(`got none: ${why}; try fixed`);
});
