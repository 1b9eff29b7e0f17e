// Schedule files: written and read again, and refused with the path of what is wrong.

import { describe, expect, test } from "vitest";
import type { LinearProbe } from "../../src/clocks/index.ts";
import { parseScheduleFile, scheduleFileText, seeded, type ScheduleFile } from "../../src/tune/index.ts";

const random = seeded(1);
const float = (): number => Math.fround(random() - 0.5);
const probe: LinearProbe = {
  tensor: "features",
  channels: 5,
  classes: 3,
  weights: Array.from({ length: 15 }, float),
  bias: [0.5, float(), 0],
};

const file: ScheduleFile = {
  format: "clockwork-schedule",
  version: 1,
  clock: "adaptive:0.013@expected",
  schedule: {
    kind: "adaptive",
    threshold: 0.013,
    signal: {
      kind: "expected",
      signals: [{ kind: "labels" }, { kind: "probe", probe }],
      bias: float() ** 2,
      weights: [Math.fround(0.1), float()],
      ageWeight: 0.25,
      productWeights: [0, 1],
      ageCap: 30,
    },
  },
  model: { name: "espnet", sha256: "0123456789abcdef".repeat(4) },
  size: { widthPx: 480, heightPx: 360 },
  plan: {
    format: "clockwork-plan",
    version: 1,
    size: { widthPx: 480, heightPx: 360 },
    macs: 100,
    parameters: 10,
    stages: [
      { index: 1, entry: null, macs: 60, share: 0.6, segments: 1, held: [], scoreMap: null, nodes: null },
      { index: 2, entry: "a -> b", macs: 40, share: 0.4, segments: 1, held: [], scoreMap: "c", nodes: ["b", "d"] },
    ],
    notes: ['a "note"', ""],
  },
  goal: { kind: "max-loss", maxLoss: 0.02, promise: "mean", confidence: 0.9 },
  evidence: {
    frames: 5000,
    blocks: 160,
    blockSec: 2,
    updateRate: 0.31,
    macsRatio: 0.69,
    disagreement: 0.011,
    bound: 0.0195,
  },
};

/** A float32 of the fields that float32 holds. */
const rounded: ScheduleFile = {
  ...file,
  schedule:
    file.schedule.kind === "adaptive" && file.schedule.signal?.kind === "expected"
      ? { ...file.schedule, signal: { ...file.schedule.signal, bias: Math.fround(file.schedule.signal.bias) } }
      : file.schedule,
};

describe("schedule file", () => {
  test.each<readonly [string, ScheduleFile]>([
    ["of an expected signal", rounded],
    ["of a probe", { ...file, schedule: { kind: "adaptive", threshold: 0.1, signal: { kind: "probe", probe } } }],
    ["of the plan's own signal", { ...file, schedule: { kind: "adaptive", threshold: 0.1 } }],
    ["of features", { ...file, schedule: { kind: "adaptive", threshold: 2, signal: { kind: "features" } } }],
    ["of fixed rates", { ...file, schedule: { kind: "fixed", periods: [1, 2, 4] } }],
    ["of a baseline", { ...file, schedule: { kind: "skip", period: 3 } }],
    ["of the oracle", { ...file, schedule: { kind: "every" } }],
    ["of labels that move", { ...file, schedule: { kind: "skip", period: 3, propagate: "flow", blend: 0 } }],
    ["of a stage that moves", { ...file, schedule: { kind: "fixed", periods: [5], propagate: "flow", blend: 0.25 } }],
    [
      "of what stands still, in so many words",
      { ...file, schedule: { kind: "fixed", periods: [5], propagate: "still" } },
    ],
    ...(["residual", "arrived", "motion"] as const).map((kind): [string, ScheduleFile] => [
      `of ${kind}`,
      { ...file, schedule: { kind: "adaptive", threshold: 0.1, signal: { kind }, propagate: "flow", blend: 0 } },
    ]),
    [
      "of an expected signal of motion",
      {
        ...file,
        schedule: {
          kind: "adaptive",
          threshold: 0.1,
          signal: {
            kind: "expected",
            signals: [{ kind: "labels" }, { kind: "residual" }, { kind: "arrived" }, { kind: "motion" }],
            bias: 0,
            weights: [0, 0.5, 0, 0.25],
            ageWeight: 0,
            productWeights: [1, 0, 2, 0],
            ageCap: 11,
          },
          propagate: "flow",
          blend: 0,
        },
      },
    ],
    ["of a pipeline", { ...file, schedule: { kind: "pipeline" } }],
    ["for a budget", { ...file, schedule: { kind: "every" }, goal: { kind: "budget", budget: 0.6 } }],
    [
      "without a promise",
      { ...file, schedule: { kind: "every" }, evidence: { ...file.evidence, disagreement: null, bound: null } },
    ],
  ])("%s is read as it was written", (_, one) => {
    expect(parseScheduleFile(JSON.parse(scheduleFileText(one)), "schedule.json")).toEqual(one);
  });

  test("has lists of numbers on one line, and weights with no more digits than float32 needs", () => {
    const text = scheduleFileText(file);
    expect(text).toMatch(/^ +"weights": \[0\.1, -?[\d.e-]+\],$/m);
    for (const line of text.split("\n").filter((one) => one.includes('"weights"'))) {
      for (const number of line.match(/\d\.\d+/g) ?? []) expect(number.length).toBeLessThanOrEqual(14);
    }
    expect(text.endsWith("}\n")).toBe(true);
  });

  /** The file with one field changed. */
  function with_(path: string, value: unknown): unknown {
    const copy: unknown = JSON.parse(JSON.stringify(rounded));
    const names = path.split(".");
    let at = copy as Record<string, unknown>;
    for (const name of names.slice(0, -1)) at = at[name] as Record<string, unknown>;
    at[names.at(-1) ?? ""] = value;
    return copy;
  }

  test.each<readonly [string, unknown, string]>([
    ["format", "clockwork-plan", '"format" to be "clockwork-schedule", got "clockwork-plan"'],
    ["version", 2, '"version" to be 1, got 2'],
    ["clock", 3, '"clock" to be a text, got 3'],
    ["schedule", [], '"schedule" to be an object, got []'],
    ["schedule.kind", "never", '"schedule.kind" to be "every" or "skip" or'],
    ["schedule.threshold", "0.1", '"schedule.threshold" to be a number, got "0.1"'],
    ["schedule.threshold", -1, '"schedule" to be a schedule (clock: expected a threshold from 0 up'],
    ["schedule.propagate", "sideways", '"schedule.propagate" to be "still" or "flow"'],
    ["schedule.blend", "half", '"schedule.blend" to be a number, got "half"'],
    ["schedule.blend", 0.5, '"schedule" to be a schedule (clock: expected flow where scores are blended'],
    ["schedule.signal.signals.0.kind", "residual", '"schedule" to be a schedule (clock: expected flow, which'],
    ["schedule.signal", null, '"schedule.signal" to be an object, got null'],
    ["schedule.signal.kind", "speed", '"schedule.signal.kind" to be'],
    ["schedule.signal.weights", [1], '"schedule.signal.weights" to be a list of 2 numbers, got [1]'],
    ["schedule.signal.signals", [], '"schedule.signal.signals" to be a list with a signal'],
    ["schedule.signal.signals.0.kind", "features", '"schedule.signal.signals[0].kind" to be "labels" or "probe"'],
    ["schedule.signal.signals.1.probe.weights.3", null, '"schedule.signal.signals[1].probe.weights[3]" to be a number'],
    ["schedule.signal.signals.1.probe.classes", 4, '"schedule.signal.signals[1].probe.weights" to be a list of 20'],
    ["schedule.signal.ageCap", 0, '"schedule.signal.ageCap" to be a number of frames above 0'],
    ["model.sha256", "abc", '"model.sha256" to be 64 hexadecimal digits, got "abc"'],
    ["size.widthPx", 0.5, '"size.widthPx" to be a whole number from 1'],
    ["plan.format", "", '"plan.format" to be "clockwork-plan"'],
    ["plan.stages", {}, '"plan.stages" to be a list'],
    ["goal.kind", "speed", '"goal.kind" to be "budget" or "max-loss"'],
    ["goal.confidence", 90, '"goal.confidence" to be a share from 0 to 1, got 90'],
    ["evidence.updateRate", undefined, '"evidence.updateRate" to be a number, got nothing'],
    ["evidence.bound", "low", '"evidence.bound" to be a number'],
  ])("with a wrong %s (%j) is refused with its path", (path, value, part) => {
    const act = (): unknown => parseScheduleFile(with_(path, value), "mine.json");
    expect(act).toThrow(expect.objectContaining({ name: "ClockworkError", code: "invalid-argument" }));
    expect(act).toThrow(`mine.json: expected ${part}`);
  });

  test.each([[null], [[]], ["text"], [{}]])("that is %j is refused", (json) => {
    expect(() => parseScheduleFile(json, "mine.json")).toThrow("mine.json: expected");
  });
});
