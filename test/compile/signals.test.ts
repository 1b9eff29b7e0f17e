// Signals of adaptive clocks that a schedule names: what each measures, against the same measure taken in plain loops
// from the source's own tensors, and that the stage fires where it reaches the threshold. What they have in common with
// the clock of a plan is in adaptive.test.ts.

import { beforeAll, describe, expect, test } from "vitest";
import {
  checkSchedule,
  parseSchedule,
  type ExpectedSignal,
  type LinearProbe,
  type Signal,
} from "../../src/clocks/index.ts";
import { compile } from "../../src/compile/compile.ts";
import type { EngineTensor } from "../../src/engine/engine.ts";
import { fitNetwork, type Network } from "../../src/network/index.ts";
import { networks } from "../../src/networks/index.ts";
import { Random } from "../../src/networks/random.ts";
import { writeModel, type Model } from "../../src/onnx/index.ts";
import { groundOf } from "../../src/stages/candidates.ts";
import { planFrom, planOf, type Plan } from "../../src/stages/plan.ts";
import { noiseImage } from "../support/noise.ts";
import { drive, firedIn, named, sameBits, type Tensors } from "../support/reference.ts";
import { localEngine } from "../support/runtime.ts";
import { withOutputs } from "../support/sessions.ts";
import { TrialNetwork } from "../support/trial-network.ts";

const size = { widthPx: 96, heightPx: 64 };
/** Slow, a standstill, faster, slow, faster; one shot throughout. */
const shifts = [0, 1, 2, 2, 5, 9, 14, 20, 26, 27, 28, 33];
const images = shifts.map((shift) => noiseImage([1, 3, size.heightPx, size.widthPx], shift));

/** The first of the largest scores at each position; `score` is that of a class at a position. */
function argmax(classes: number, positions: number, score: (label: number, at: number) => number): readonly number[] {
  return Array.from({ length: positions }, (_, at) => {
    let best = 0;
    for (let label = 1; label < classes; label++) if (score(label, at) > score(best, at)) best = label;
    return best;
  });
}

/** Labels of scores [1, C, h, w]. */
function labelsIn({ dims, data }: EngineTensor): readonly number[] {
  const [, classes = 0, height = 0, width = 0] = dims;
  return argmax(classes, height * width, (label, at) => Number(data[label * height * width + at]));
}

/** Labels that a probe gives to features [1, C, h, w]. */
function probed({ dims, data }: EngineTensor, { classes, channels, weights, bias }: LinearProbe): readonly number[] {
  const [, , height = 0, width = 0] = dims;
  const positions = height * width;
  return argmax(classes, positions, (label, at) => {
    let sum = bias[label] ?? 0;
    for (let c = 0; c < channels; c++) {
      sum += (weights[label * channels + c] ?? 0) * Number(data[c * positions + at]);
    }
    return sum;
  });
}

function share(now: readonly number[], key: readonly number[]): number {
  return now.filter((label, at) => label !== key[at]).length / now.length;
}

/** A probe with weights of no meaning that tells positions apart. */
function anyProbe(tensor: string, channels: number, classes: number, name = "probe"): LinearProbe {
  const weights = Array.from(new Random(3, name).uniform(classes * channels, -1, 1));
  return { tensor, channels, classes, weights, bias: Array.from(new Random(4, name).uniform(classes, -0.1, 0.1)) };
}

/** What an expected signal is, by the formula of its documentation. */
function expectedValue(formula: ExpectedSignal, shares: readonly number[], age: number): number {
  const relative = Math.min(age, formula.ageCap) / formula.ageCap;
  const terms = shares.map(
    (value, at) => (formula.weights[at] ?? 0) * value + (formula.productWeights[at] ?? 0) * value * relative,
  );
  return Math.max(
    0,
    terms.reduce((sum, term) => sum + term, formula.bias + formula.ageWeight * relative),
  );
}

type Measure = (frame: number, key: number) => number;

/** A threshold that some frames reach and some do not. */
function levelFor(measure: Measure): number {
  return 0.6 * Math.max(...images.map((_, frame) => measure(frame, 0))) + 1e-4;
}

interface Course {
  readonly fired: readonly boolean[];
  readonly signals: readonly number[];
}

/** Firings and signals by the definition; no signal on the first frame, which has nothing to compare with. */
function courseOf(frames: number, threshold: number, resets: readonly number[], measure: Measure): Course {
  const fired: boolean[] = [];
  const signals: number[] = [];
  let key: number | undefined;
  for (let frame = 0; frame < frames; frame++) {
    const signal = key === undefined ? Number.NaN : measure(frame, key);
    // Far enough from the threshold that rounding does not decide.
    expect(Math.abs(signal - threshold)).not.toBeLessThan(1e-5);
    const fires = key === undefined || resets.includes(frame) || signal >= threshold;
    if (fires) key = frame;
    fired.push(fires);
    signals.push(signal);
  }
  return { fired, signals };
}

/** The largest difference of signals, where firings are the same; infinite where they are not. */
function distance(runs: readonly Tensors[], { fired, signals }: Course): number {
  const differ = runs.some((run, frame) => (firedIn(run).at(-1) === 1) !== fired[frame]);
  if (differ || runs.length !== fired.length) return Number.POSITIVE_INFINITY;
  const errors = runs.map((run, at) => Math.abs(Number(named(run, "signal").data[0]) - (signals[at] ?? Number.NaN)));
  return Math.max(...errors.slice(1));
}

/** Tensors of the source for every image. */
async function recorded(model: Model, tensors: readonly string[], from = images): Promise<readonly Tensors[]> {
  await using session = await localEngine.open(writeModel(withOutputs(model, tensors)).bytes, {
    optimize: "none",
    threads: 1,
  });
  const found: Tensors[] = [];
  for (const image of from) found.push((await session.run({ image })).outputs);
  return found;
}

/** A probe between whose classes the features are undecided on average. */
function centredProbe(tensor: string, { dims, data }: EngineTensor, classes: number): LinearProbe {
  const [, channels = 0, height = 0, width = 0] = dims;
  const positions = height * width;
  const means = Array.from({ length: channels }, (_, c) => {
    let sum = 0;
    for (let at = 0; at < positions; at++) sum += Number(data[c * positions + at]);
    return sum / positions;
  });
  const { weights } = anyProbe(tensor, channels, classes);
  const bias = Array.from({ length: classes }, (_, label) =>
    means.reduce((sum, mean, c) => sum - mean * (weights[label * channels + c] ?? 0), 0),
  );
  return { tensor, channels, classes, weights, bias };
}

describe.each([
  ["fcn8s", 2, "pool3"],
  ["fcn8s", 3, "pool4"],
  ["unet", 2, "down2/1/relu"],
] as const)("%s in %i stages", (name, stages, features) => {
  let model: Model;
  let network: Network;
  let plan: Plan;
  let probe: LinearProbe;
  let labels: readonly (readonly number[])[];

  beforeAll(async () => {
    model = networks[name].build();
    network = await fitNetwork(model, { size, engine: localEngine });
    plan = planOf(network, { stages });
    const seen = (await recorded(model, [features])).map((run) => named(run, features));
    probe = centredProbe(features, seen[0] as EngineTensor, 6);
    labels = seen.map((tensor) => probed(tensor, probe));
  });

  function runsWith(signal: Signal, threshold: number, resets: readonly number[] = []): Promise<readonly Tensors[]> {
    const schedule = { kind: "adaptive", threshold, signal } as const;
    return drive(compile(network, plan, { io: "tensors", schedule }), images, { resets });
  }

  const probedShare: Measure = (frame, key) => share(labels[frame] ?? [], labels[key] ?? []);

  test.each([[[]], [[5]]])("a probe's labels, resets at %j", async (resets) => {
    const level = levelFor(probedShare);
    const course = courseOf(images.length, level, resets, probedShare);
    // Both on the way, or this says little.
    expect(new Set(course.fired.slice(1))).toEqual(new Set([true, false]));
    const runs = await runsWith({ kind: "probe", probe }, level, resets);
    expect(distance(runs, course)).toBeLessThan(1e-5);
  });

  test.each([[[]], [[5]]])("expected disagreement from a probe and age, resets at %j", async (resets) => {
    const formula: ExpectedSignal = {
      kind: "expected",
      signals: [{ kind: "probe", probe }],
      bias: -0.03,
      weights: [0.3],
      ageWeight: 0.05,
      productWeights: [0.2],
      ageCap: 3,
    };
    const measure: Measure = (frame, key) => expectedValue(formula, [probedShare(frame, key)], frame - key);
    const level = levelFor(measure);
    const course = courseOf(images.length, level, resets, measure);
    expect(new Set(course.fired.slice(1))).toEqual(new Set([true, false]));
    expect(distance(await runsWith(formula, level, resets), course)).toBeLessThan(1e-5);
  });

  test("age alone is a period, and the sum does not fall below zero", async () => {
    const formula: ExpectedSignal = {
      kind: "expected",
      signals: [{ kind: "probe", probe }],
      bias: -0.5,
      weights: [0],
      ageWeight: 1,
      productWeights: [0],
      ageCap: 4,
    };
    const runs = await runsWith(formula, 0.25, [5]);
    // a' is 1/4, 2/4, 3/4 on the frames after a firing: 0.25 is reached on the third.
    expect(runs.map((run) => firedIn(run).at(-1))).toEqual([1, 0, 0, 1, 0, 1, 0, 0, 1, 0, 0, 1]);
    const signals = runs.map((run) => Number(named(run, "signal").data[0]));
    expect(signals).toEqual([0, 0, 0, 0.25, 0, 0, 0, 0, 0.25, 0, 0, 0.25]);
  });

  test("what the plan's watch says is the signal of that name", async () => {
    const kind = plan.stages.at(-1)?.watch?.kind ?? "labels";
    const plain = await drive(
      compile(network, plan, { io: "tensors", schedule: parseSchedule("adaptive:0.3") }),
      images,
    );
    const explicit = await runsWith({ kind }, 0.3);
    for (const [frame, run] of plain.entries()) {
      expect(sameBits(named(run, "signal"), named(explicit[frame] ?? {}, "signal"))).toBe(true);
    }
  });
});

describe("fcn8s, with score maps", () => {
  let model: Model;
  let network: Network;
  let plan: Plan;

  beforeAll(async () => {
    model = networks.fcn8s.build();
    network = await fitNetwork(model, { size, engine: localEngine });
    plan = planOf(network);
  });

  test("looks at features where the schedule says so", async () => {
    const compiled = compile(network, plan, { io: "tensors", schedule: parseSchedule("adaptive:0.2@features") });
    expect(compiled.protocol.schedule).toBe("adaptive:0.2@features");
    const features = (await recorded(model, ["pool3"])).map((run) => named(run, "pool3").data as Float32Array);
    const measure = (frame: number, key: number): number => {
      const [now = new Float32Array(), then = new Float32Array()] = [features[frame], features[key]];
      const sum = (values: Float32Array): number => values.reduce((total, value) => total + Math.abs(value), 0);
      return sum(now.map((value, at) => value - (then[at] ?? 0))) / sum(then);
    };
    const course = courseOf(images.length, 0.2, [], measure);
    expect(new Set(course.fired.slice(1))).toEqual(new Set([true, false]));
    expect(distance(await drive(compiled, images), course)).toBeLessThan(1e-5);
  });

  test("expects disagreement from labels, two probes and age together", async () => {
    const probes = [anyProbe("pool3", 32, 5, "one"), anyProbe("conv3_2", 32, 3, "two")] as const;
    const formula: ExpectedSignal = {
      kind: "expected",
      signals: [{ kind: "probe", probe: probes[0] }, { kind: "labels" }, { kind: "probe", probe: probes[1] }],
      bias: 0.01,
      weights: [0.2, 0.1, -0.05],
      ageWeight: 0.02,
      productWeights: [-0.03, 0.15, 0.1],
      ageCap: 5,
    };
    const runs = await recorded(model, ["score_pool3", "pool3", "conv3_2"]);
    const columns = [
      runs.map((run) => probed(named(run, "pool3"), probes[0])),
      runs.map((run) => labelsIn(named(run, "score_pool3"))),
      runs.map((run) => probed(named(run, "conv3_2"), probes[1])),
    ];
    const measure = (frame: number, key: number): number => {
      const shares = columns.map((column) => share(column[frame] ?? [], column[key] ?? []));
      return expectedValue(formula, shares, frame - key);
    };
    const schedule = checkSchedule({ kind: "adaptive", threshold: 0.1, signal: formula });
    const compiled = compile(network, plan, { io: "tensors", schedule });
    expect(compiled.protocol.schedule).toBe("adaptive:0.1@expected");
    const own = compiled.protocol.state.map(({ output }) => output).filter((name) => name.includes("/clock/"));
    expect(own).toEqual([
      "next/clockwork/clock/probe/key",
      "next/clockwork/clock/labels/key",
      "next/clockwork/clock/probe2/key",
      "next/clockwork/clock/age",
    ]);
    const course = courseOf(images.length, 0.1, [], measure);
    expect(new Set(course.fired.slice(1))).toEqual(new Set([true, false]));
    expect(distance(await drive(compiled, images), course)).toBeLessThan(1e-5);
  });

  test.each<readonly [string, Signal, string]>([
    ["an unknown tensor", { kind: "probe", probe: anyProbe("pool9", 32, 3) }, "a network without it"],
    ["weights", { kind: "probe", probe: anyProbe("conv4_1.weight", 32, 3) }, "a network without it"],
    ["other channels", { kind: "probe", probe: anyProbe("pool3", 31, 3) }, "float32 [1,32,"],
    ["a tensor of the stage", { kind: "probe", probe: anyProbe("conv4_1", 64, 3) }, "what the stage holds"],
    ["what the stage makes", { kind: "probe", probe: anyProbe("fuse_pool3", 21, 3) }, "what the stage holds"],
    [
      "one of several",
      {
        kind: "expected",
        signals: [{ kind: "labels" }, { kind: "probe", probe: anyProbe("pool3", 5, 3) }],
        bias: 0,
        weights: [1, 1],
        ageWeight: 0,
        productWeights: [0, 0],
        ageCap: 1,
      },
      "float32 [1,32,",
    ],
  ])("a probe of %s does not fit", (_name, signal, part) => {
    const act = (): unknown =>
      compile(network, plan, { io: "tensors", schedule: { kind: "adaptive", threshold: 0.1, signal } });
    expect(act).toThrow(expect.objectContaining({ name: "ClockworkError", code: "invalid-schedule" }));
    expect(act).toThrow(part);
    expect(act).toThrow("outside of stage 2");
  });
});

test("labels of a network without shallow score maps: the message says what there is", async () => {
  const network = await fitNetwork(networks.unet.build(), { size, engine: localEngine });
  const act = (): unknown =>
    compile(network, planOf(network), { io: "tensors", schedule: parseSchedule("adaptive:0.25@labels") });
  expect(act).toThrow(expect.objectContaining({ name: "ClockworkError", code: "invalid-schedule" }));
  expect(act).toThrow("clock adaptive:0.25@labels: expected a score map that stage 1 makes");
  expect(act).toThrow("try @features (it would look at down2/1/relu)");
});

test("features of half precision are looked at in single", async () => {
  const net = new TrialNetwork(32, 32);
  const first = net.conv("first", net.image, 4, 2);
  const half = net.node("half", "Cast", [first.name], 4, { to: 10 });
  const deep = net.conv("deep", net.node("single", "Cast", [half.name], 4, { to: 1 }), 4, 2);
  const score = net.conv("score", net.plus("fused", first, net.up("deep up", deep, 2)), 3);
  const model = net.model(net.up("logits", score, 2));
  const network = await fitNetwork(model, { size: { widthPx: 32, heightPx: 32 }, engine: localEngine });
  const deepNodes = network.index.nodes.map(({ name }) => (name === "single" || name === "deep" ? 1 : 0));
  const plan = planFrom(groundOf(network), [Uint8Array.from(deepNodes)]);
  const small = shifts.map((shift) => noiseImage([1, 3, 32, 32], shift));
  // `single` has the values of `half`.
  const features = (await recorded(model, ["single"], small)).map((run) => named(run, "single"));
  const probe = anyProbe("half", 4, 5);
  const labels = features.map((tensor) => probed(tensor, probe));
  const schedule = { kind: "adaptive", threshold: 0.2, signal: { kind: "probe", probe } } as const;
  const runs = await drive(compile(network, plan, { io: "tensors", schedule }), small);
  const course = courseOf(small.length, 0.2, [], (frame, key) => share(labels[frame] ?? [], labels[key] ?? []));
  expect(new Set(course.fired.slice(1))).toEqual(new Set([true, false]));
  expect(distance(runs, course)).toBeLessThan(1e-5);
});
