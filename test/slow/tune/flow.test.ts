// Tuning of clocks that move what they hold: what is simulated of the flow's signals is what the compiled network does, what
// is measured of moved results is what a run gives, and evidence is what the schedule does.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ExpectedSignal, Schedule, Signal } from "../../../src/clocks/index.ts";
import { nodeOf } from "../../../src/onnx/index.ts";
import { sweep } from "../../../src/tune/budget.ts";
import { longestAge, motionSignals, tune, type ClockKind, type Tuned } from "../../../src/tune/index.ts";
import { adaptiveSchedule, keysOf, partsOf } from "../../../src/tune/part.ts";
import {
  framesOf,
  meanOf,
  MemoryLabels,
  prepared,
  runFor,
  scoring,
  sequenceFrom,
  type Prepared,
  stopAndGo,
} from "../../tune/engine/footage.ts";
import { atBudget, bothWays, compare, leastOf, pixelsOf, rigOf, signalOf, type Rig } from "../../tune/engine/rig.ts";

const shots = [21];
const frames = framesOf({ frames: 40, shots });
const flow = { propagate: "flow", blend: 0 } as const;

let deep: Rig;
let whole: Rig;
beforeAll(async () => {
  deep = await rigOf(await prepared(), frames, "flow");
  whole = await rigOf(await prepared({ ...scoring(), stages: 1 }), frames, "flow");
});
afterAll(async () => {
  await deep[Symbol.asyncDispose]();
  await whole[Symbol.asyncDispose]();
});

const rigs = { deep: () => deep, whole: () => whole };

test("what there is to look at", () => {
  expect(deep.ground.kinds).toEqual(["labels", "probe", "residual", "arrived", "motion", "expected", "fixed"]);
  expect(whole.ground.kinds).toEqual(["residual", "arrived", "motion", "expected", "fixed"]);
  expect(signalOf(whole, "expected")).toMatchObject({ signals: motionSignals });
});

describe("firings and signals are as simulated, at every threshold", () => {
  test.each<readonly [Exclude<ClockKind, "fixed">, keyof typeof rigs]>([
    ["residual", "deep"],
    ["labels", "deep"],
    ["residual", "whole"],
    ["arrived", "whole"],
    ["motion", "whole"],
    ["expected", "whole"],
  ])("of %s where the rest is %s", async (kind, name) => {
    const rig = rigs[name]();
    const signal = signalOf(rig, kind);
    const counts = new Set<number>();
    for (const { threshold, updateRate } of sweep([rig.whole.changes], signal, 3, longestAge - 1)) {
      const fired = await compare(rig, signal, threshold, shots);
      counts.add(fired.filter(Boolean).length);
      expect(fired.filter(Boolean).length / fired.length).toBe(updateRate);
    }
    expect(counts.size).toBe(3);
  });

  test("where nothing but the longest hold and a shot let it fire", async () => {
    for (const rig of [deep, whole]) {
      const fired = await compare(rig, { kind: "arrived" }, 2, shots);
      expect(fired.flatMap((fires, frame) => (fires ? [frame] : []))).toEqual([0, 11, 21, 32]);
    }
  });

  test("of an expected signal with every term in it", async () => {
    const labels = deep.whole.changes.recording.signals.slice(0, 1);
    const signal: ExpectedSignal = {
      kind: "expected",
      signals: [{ kind: "motion" }, ...labels, { kind: "residual" }, { kind: "arrived" }],
      bias: 0.01,
      weights: [0.3, 0.2, 0.1, 0.2],
      ageWeight: 0.05,
      productWeights: [0.1, 0.4, 0.2, 0.3],
      ageCap: 7,
    };
    const counts = [];
    for (const threshold of [0.06, 0.1, 0.16]) {
      counts.push((await compare(deep, signal, threshold, shots)).filter(Boolean).length);
    }
    expect(new Set(counts).size).toBe(3);
  });
});

describe("disagreement, frame by frame", () => {
  const schedules = (rig: Rig): readonly Schedule[] => {
    const signal: Signal = { kind: "motion" };
    const [, point] = sweep([rig.whole.changes], signal, 3, longestAge - 1);
    return [
      { kind: "fixed", periods: [3], ...flow },
      // Longer than an adaptive clock may hold.
      { kind: "fixed", periods: [16], ...flow },
      adaptiveSchedule(signal, "flow", point?.threshold ?? 0),
      { kind: "fixed", periods: [5], ...flow },
    ];
  };

  test("where the deep stage rests", async () => {
    const { measured, real } = await bothWays(deep, schedules(deep));
    expect(measured).toEqual(real);
    expect(leastOf(real)).toBeGreaterThan(50);
  });

  test("where the whole network rests, and what it held is not simply repeated", async () => {
    const { measured, real } = await bothWays(whole, [...schedules(whole), { kind: "skip", period: 4, ...flow }]);
    expect(measured).toEqual(real);
    expect(leastOf(real)).toBeGreaterThan(50);
    const still = await runFor(whole.net, { kind: "skip", period: 4 }, frames);
    expect(pixelsOf(still.disagreement)).not.toEqual(real.at(-1)?.pixels);
  });

  test("of a part of a video, from a fresh start", async () => {
    const [part] = partsOf([whole.whole.changes.recording], [{ video: 0, from: 4, to: 31 }]);
    if (part === undefined) throw new Error("expected a part");
    const signal: Signal = { kind: "residual" };
    const [, point] = sweep([part.changes], signal, 3, longestAge - 1);
    const schedule = adaptiveSchedule(signal, "flow", point?.threshold ?? 0);
    const real = await runFor(whole.net, schedule, frames.slice(4, 31));
    const keys = keysOf(part, schedule);
    expect(keys.map((key, offset) => key === part.from + offset)).toEqual(real.fired);
    const measured = await whole.disagreements.of(0, keys, part, "");
    expect(pixelsOf(measured)).toEqual(pixelsOf(real.disagreement));
  });
});

describe("a tuned schedule", () => {
  const act = (net: Prepared, budget: number, kind?: ClockKind, fitShare = 0.5): Promise<Tuned> =>
    tune({
      ...net,
      videos: [sequenceFrom(frames)],
      labels: new MemoryLabels(),
      propagate: "flow",
      goal: { kind: "budget", budget },
      fitShare,
      ...(kind !== undefined && { kind }),
    });

  test("of one stage does what its evidence says, and carries flow without blending", async () => {
    const { schedule, evidence, candidates, kind } = await act(whole.net, 0.34);
    expect(candidates.map((candidate) => candidate.kind)).toEqual([
      "residual",
      "arrived",
      "motion",
      "expected",
      "fixed",
    ]);
    for (const candidate of candidates) expect(candidate.schedule).toMatchObject(flow);
    expect(schedule).toMatchObject(flow);
    const real = await runFor(whole.net, schedule, kind === "expected" ? frames.slice(20) : frames);
    expect(evidence.disagreement).toBeCloseTo(meanOf(real.disagreement), 12);
    expect(evidence.macsRatio).toBeCloseTo(real.macsRatio, 12);
    expect(evidence.macsRatio).toBeLessThanOrEqual(0.34);
  });

  test.each(["residual", "fixed"] as const)("of two stages, for %s", async (kind) => {
    const { schedule, evidence, candidates } = await act(deep.net, 0.7, kind);
    expect([schedule.propagate, schedule.blend, candidates.length]).toEqual(["flow", 0, 1]);
    const real = await runFor(deep.net, schedule, frames);
    expect(evidence.disagreement).toBeCloseTo(meanOf(real.disagreement), 12);
    expect(evidence.macsRatio).toBeCloseTo(real.macsRatio, 12);
  });

  test("for a loss", async () => {
    const goal = { kind: "max-loss", maxLoss: 0.2, promise: "clips", confidence: 0.8 } as const;
    const videos = [sequenceFrom(frames)];
    const options = {
      videos,
      labels: new MemoryLabels(),
      propagate: "flow",
      goal,
      blockSec: 0.08,
      kind: "residual",
    } as const;
    const { schedule, evidence } = await tune({ ...whole.net, ...options });
    expect(schedule).toMatchObject(flow);
    const real = await runFor(whole.net, schedule, frames.slice(13));
    expect(evidence.disagreement).toBeCloseTo(meanOf(real.disagreement), 12);
    expect(evidence.updateRate).toBeCloseTo(meanOf(real.fired.map(Number)), 12);
  });

  test("below a firing in eleven frames is of a fixed rate, which is told", async () => {
    const { kind, notes, evidence } = await act(whole.net, 0.09, undefined, 0);
    expect(kind).toBe("fixed");
    expect(evidence.macsRatio).toBeLessThanOrEqual(0.09);
    expect(notes.at(-1)).toBe(
      "clocks that look at the scene cost more than this: with flow they fire every 11 frames or more often",
    );
    await expect(act(whole.net, 0.09, "residual")).rejects.toThrow(
      "budget: expected at least 0.091, which firing every 11 frames costs",
    );
  });
});

test("on a camera that moves, stands and moves: less disagreement by the residual than at a fixed rate", async () => {
  await using rig = await rigOf(
    await prepared({ ...scoring(), stages: 1 }),
    stopAndGo({ seed: 1, pace: 0.015 }),
    "flow",
  );
  const [fixed, residual] = [await atBudget(rig, "fixed", 0.25), await atBudget(rig, "residual", 0.25)];
  expect(fixed).toBeGreaterThan(0.01);
  // So much less that tuning takes it.
  expect(residual).toBeLessThan(0.9 * fixed);
});

describe("refused before anything is read", () => {
  const unread = { ...sequenceFrom(frames), read: () => expect.fail("expected nothing to be read") };
  const goal = { kind: "budget", budget: 0.8 } as const;

  test.each(["residual", "arrived", "motion"] as const)("%s, where what is held stands still", async (kind) => {
    const act = tune({ ...deep.net, videos: [unread], labels: new MemoryLabels(), goal, kind });
    await expect(act).rejects.toThrow(
      `of kind "${kind}" can look at, got none: it is measured in flow, and what is held stands still; try propagate flow`,
    );
  });

  test("labels, where all rests", async () => {
    const options = { videos: [unread], labels: new MemoryLabels(), goal, propagate: "flow" } as const;
    await expect(tune({ ...whole.net, ...options, kind: "labels" })).rejects.toThrow("there is one stage");
  });

  test("flow without an engine", async () => {
    const { engine: _, ...net } = whole.net;
    const options = { videos: [unread], labels: new MemoryLabels(), goal, propagate: "flow" } as const;
    await expect(tune({ ...net, ...options })).rejects.toThrow("an engine to record flow with");
  });
});

test("a network that flow cannot be added to is refused on the first frame", async () => {
  const { model } = scoring();
  if (model === undefined) throw new Error("expected a network");
  // A later operator set would leave out this form of the operator.
  const [first] = model.graph.outputs;
  const softmax = nodeOf("Softmax", [first?.name ?? ""], ["shares"], { axis: 1 }, "shares");
  const earlier = {
    ...model,
    opsets: new Map([...model.opsets, ["", 11] as const]),
    graph: {
      ...model.graph,
      nodes: [...model.graph.nodes, softmax],
      outputs: model.graph.outputs.map((output) => ({ ...output, name: "shares" })),
    },
  };
  await using net = await prepared({ model: earlier, stages: 1 });
  let asked = 0;
  const video = sequenceFrom(frames);
  const act = tune({
    ...net,
    videos: [video],
    labels: new MemoryLabels(),
    propagate: "flow",
    goal: { kind: "budget", budget: 0.5 },
    onProgress: () => (asked += 1),
  });
  await expect(act).rejects.toThrow("along an axis that is not the last");
  expect(asked).toBe(0);
});
