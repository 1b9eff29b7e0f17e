// Schedules as text: what parses, what it comes out as, what is refused and with which words; and the clock of each stage
// that follows from a schedule.

import { describe, expect, test } from "vitest";
import {
  blendAt,
  checkSchedule,
  clocksOf,
  formatSchedule,
  parseSchedule,
  scheduleForms,
  stagesNamedBy,
  type Clock,
  type ExpectedSignal,
  type LinearProbe,
  type Schedule,
  type Signal,
} from "../../src/clocks/index.ts";
import { ClockworkError } from "../../src/errors.ts";

const every: Clock = { kind: "every" };
const period = (frames: number): Clock => ({ kind: "period", frames });

describe("text", () => {
  test.each<readonly [string, Schedule]>([
    ["every", { kind: "every" }],
    ["skip:3", { kind: "skip", period: 3 }],
    ["skip:1", { kind: "skip", period: 1 }],
    ["fixed:2", { kind: "fixed", periods: [2] }],
    ["fixed:1,2,4", { kind: "fixed", periods: [1, 2, 4] }],
    ["fixed:1,1,3", { kind: "fixed", periods: [1, 1, 3] }],
    ["fixed:1080000", { kind: "fixed", periods: [1_080_000] }],
    ["adaptive:0.25", { kind: "adaptive", threshold: 0.25 }],
    ["adaptive:0", { kind: "adaptive", threshold: 0 }],
    ["adaptive:1e-7", { kind: "adaptive", threshold: 1e-7 }],
    ["adaptive:3", { kind: "adaptive", threshold: 3 }],
    ["adaptive:0.25@labels", { kind: "adaptive", threshold: 0.25, signal: { kind: "labels" } }],
    ["adaptive:0.25@features", { kind: "adaptive", threshold: 0.25, signal: { kind: "features" } }],
    ["pipeline", { kind: "pipeline" }],
    ["every+flow", { kind: "every", propagate: "flow" }],
    ["fixed:5+flow", { kind: "fixed", periods: [5], propagate: "flow" }],
    ["fixed:2+flow+blend:0.35", { kind: "fixed", periods: [2], propagate: "flow", blend: 0.35 }],
    ["skip:3+flow+blend:0", { kind: "skip", period: 3, propagate: "flow", blend: 0 }],
    ["adaptive:0.02@motion+flow", { kind: "adaptive", threshold: 0.02, signal: { kind: "motion" }, propagate: "flow" }],
  ])("%s is %j, and back", (text, schedule) => {
    expect(parseSchedule(text)).toEqual(schedule);
    expect(formatSchedule(schedule)).toBe(text);
    expect(checkSchedule(schedule)).toBe(schedule);
  });

  test.each<readonly [string, string]>([
    ["  every ", "every"],
    ["fixed: 1, 2 ,4", "fixed:1,2,4"],
    ["fixed:02", "fixed:2"],
    ["adaptive:.5", "adaptive:0.5"],
    ["adaptive:25e-2", "adaptive:0.25"],
    ["adaptive: .5 @ labels", "adaptive:0.5@labels"],
    [" pipeline", "pipeline"],
  ])("%j reads as %s", (text, canonical) => {
    expect(formatSchedule(parseSchedule(text))).toBe(canonical);
  });

  test("has a form for each kind in the help", () => {
    const examples = scheduleForms
      .replaceAll("K", "3")
      .replaceAll("THRESHOLD", "0.5")
      .replace("SHARE", "0.5")
      .replace("P1,P2,...", "1,2");
    for (const text of examples.replaceAll("P", "2").split(", ")) expect(() => parseSchedule(text)).not.toThrow();
  });
});

describe("refusals", () => {
  test.each<readonly [string, string]>([
    ["", scheduleForms],
    ["never", scheduleForms],
    ["Every", scheduleForms],
    ["fixed:2:3", scheduleForms],
    ["every:2", `"every" alone`],
    ["every:", `"every" alone`],
    ["skip", "skip:3"],
    ["skip:", "skip:3"],
    ["skip:two", "skip:3"],
    ["skip:0", "whole numbers of frames from 1"],
    ["skip:-1", "whole numbers of frames from 1"],
    ["skip:1.5", "whole numbers of frames from 1"],
    ["skip:1080001", "to 1080000"],
    ["skip:Infinity", "whole numbers of frames"],
    ["skip:2,3", "skip:3"],
    ["fixed", "fixed:2 or fixed:1,2,4"],
    ["fixed:", "fixed:2 or fixed:1,2,4"],
    ["fixed:1,,4", "fixed:2 or fixed:1,2,4"],
    ["fixed:1,2,", "fixed:2 or fixed:1,2,4"],
    ["fixed:0", "whole numbers of frames from 1"],
    ["fixed:1,2.5", "whole numbers of frames from 1"],
    ["fixed:4,2,1", "try fixed:1,2,4"],
    ["fixed:1,10,9", "try fixed:1,9,10"],
    ["adaptive", "adaptive:0.25"],
    ["adaptive:", "adaptive:0.25"],
    ["adaptive:25%", "adaptive:0.25"],
    ["adaptive:-0.1", "a threshold from 0 up"],
    ["adaptive:Infinity", "a threshold from 0 up"],
    ["adaptive:NaN", "adaptive:0.25"],
    ["adaptive:@labels", "adaptive:0.25"],
    ["adaptive@labels", scheduleForms],
    ["adaptive:0.25@", "labels, features, residual"],
    ["adaptive:0.25@edges", "labels, features, residual"],
    ["adaptive:0.25@labels@features", "labels, features, residual"],
    ["adaptive:0.25@probe", "--schedule FILE"],
    ["adaptive:0.25@expected", "--schedule FILE"],
    ["fixed:2@labels", "fixed:2 or fixed:1,2,4"],
    ["pipeline:2", `"pipeline" alone`],
    ["pipeline:", `"pipeline" alone`],
  ])("%j: a message with %j", (text, part) => {
    const act = (): Schedule => parseSchedule(text);
    expect(act).toThrow(ClockworkError);
    expect(act).toThrow(expect.objectContaining({ code: "invalid-schedule" }));
    expect(act).toThrow(part);
    expect(act).toThrow(`got "${text}"`);
  });

  test.each<readonly [Schedule, string]>([
    [{ kind: "fixed", periods: [] }, "at least one period"],
    [{ kind: "fixed", periods: [2, 1] }, "do not fall with depth"],
    [{ kind: "fixed", periods: [Number.NaN] }, "whole numbers"],
    [{ kind: "skip", period: 0 }, "whole numbers"],
    [{ kind: "adaptive", threshold: Number.NaN }, "a threshold from 0 up"],
  ])("%j made by hand: %s", (schedule, part) => {
    for (const act of [() => checkSchedule(schedule), () => clocksOf(schedule, 2)]) {
      expect(act).toThrow(expect.objectContaining({ name: "ClockworkError", code: "invalid-schedule" }));
      expect(act).toThrow(part);
    }
  });
});

describe("clocks of the stages", () => {
  test.each<readonly [string, number, readonly Clock[]]>([
    ["every", 1, [every]],
    ["every", 3, [every, every, every]],
    ["skip:3", 1, [period(3)]],
    ["skip:3", 3, [period(3), period(3), period(3)]],
    ["skip:1", 2, [every, every]],
    ["fixed:2", 1, [period(2)]],
    ["fixed:2", 3, [every, every, period(2)]],
    ["fixed:1", 2, [every, every]],
    ["fixed:1,2,4", 3, [every, period(2), period(4)]],
    ["fixed:2,4,4", 3, [period(2), period(4), period(4)]],
    ["fixed:1,1,3", 3, [every, every, period(3)]],
    ["adaptive:0.25", 3, [every, every, { kind: "adaptive", threshold: 0.25 }]],
    ["adaptive:1@features", 2, [every, { kind: "adaptive", threshold: 1, signal: { kind: "features" } }]],
    ["pipeline", 3, [every, every, every]],
  ])("%s on %i stages", (text, stages, clocks) => {
    expect(clocksOf(parseSchedule(text), stages)).toEqual(clocks);
  });

  test.each([
    ["fixed:1,2", 3],
    ["fixed:1,2,4", 2],
    ["fixed:1,2", 1],
  ])("%s does not fit %i stages", (text, stages) => {
    const act = (): readonly Clock[] => clocksOf(parseSchedule(text), stages);
    expect(act).toThrow(expect.objectContaining({ name: "ClockworkError", code: "invalid-schedule" }));
    expect(act).toThrow(`each of the ${stages} stages`);
    expect(act).toThrow(text);
  });

  test.each<readonly [string, number | undefined]>([
    ["every", undefined],
    ["skip:3", undefined],
    ["fixed:2", undefined],
    ["fixed:1,2", 2],
    ["fixed:1,2,4", 3],
    ["adaptive:0.25", undefined],
    ["pipeline", undefined],
  ])("%s speaks of %s stages", (text, stages) => {
    expect(stagesNamedBy(parseSchedule(text))).toBe(stages);
  });
});

describe("signals with weights", () => {
  const probe: LinearProbe = { tensor: "pool4", channels: 2, classes: 3, weights: [1, 2, 3, 4, 5, 6], bias: [0, 1, 0] };
  const expected: ExpectedSignal = {
    kind: "expected",
    signals: [{ kind: "labels" }, { kind: "probe", probe }],
    bias: 0.01,
    weights: [0.5, 0.25],
    ageWeight: 0.02,
    productWeights: [-0.1, 0],
    ageCap: 10,
  };
  const withSignal = (signal: Signal): Schedule => ({ kind: "adaptive", threshold: 0.25, signal });

  test.each<readonly [string, Signal]>([
    ["adaptive:0.25@probe", { kind: "probe", probe }],
    ["adaptive:0.25@expected", expected],
  ])("%s is checked and printed, and does not parse: its weights are elsewhere", (text, signal) => {
    const schedule = withSignal(signal);
    expect(checkSchedule(schedule)).toBe(schedule);
    expect(formatSchedule(schedule)).toBe(text);
    expect(() => parseSchedule(text)).toThrow("clockwork tune");
    expect(clocksOf(schedule, 2)).toEqual([every, schedule]);
  });

  test.each<readonly [string, Signal]>([
    ["expected 6 weights, got 5", { kind: "probe", probe: { ...probe, weights: [1, 2, 3, 4, 5] } }],
    ["expected 3 bias, got 2", { kind: "probe", probe: { ...probe, bias: [0, 1] } }],
    ["weights that are numbers, got NaN", { kind: "probe", probe: { ...probe, weights: [1, 2, 3, 4, 5, Number.NaN] } }],
    ["two classes or more, got 1", { kind: "probe", probe: { ...probe, classes: 1, weights: [1, 2], bias: [0] } }],
    ["channels, got 0", { kind: "probe", probe: { ...probe, channels: 0, weights: [] } }],
    ["expected 2 weights, got 1", { ...expected, weights: [1] }],
    ["expected 2 productWeights, got 3", { ...expected, productWeights: [1, 2, 3] }],
    ["got 0.01 and Infinity", { ...expected, ageWeight: Number.POSITIVE_INFINITY }],
    ["above 0, got 0", { ...expected, ageCap: 0 }],
    ["got none", { ...expected, signals: [], weights: [], productWeights: [] }],
    [
      "expected 3 bias, got 0",
      { ...expected, signals: [{ kind: "labels" }, { kind: "probe", probe: { ...probe, bias: [] } }] },
    ],
  ])("%s", (part, signal) => {
    const schedule = withSignal(signal);
    for (const act of [() => checkSchedule(schedule), () => clocksOf(schedule, 2)]) {
      expect(act).toThrow(expect.objectContaining({ name: "ClockworkError", code: "invalid-schedule" }));
      expect(act).toThrow(part);
      expect(act).toThrow(`adaptive:0.25@${signal.kind}`);
    }
  });
});

describe("blending", () => {
  test("falls evenly from what is asked for to none after five frames", () => {
    const schedule = parseSchedule("fixed:2+flow+blend:0.4");
    expect([1, 2, 3, 4, 5, 6, 20].map((frames) => Number(blendAt(schedule, frames).toFixed(6)))).toEqual([
      0.4, 0.3, 0.2, 0.1, 0, 0, 0,
    ]);
    expect(blendAt(parseSchedule("every+flow"), 1)).toBe(0.5);
    expect(blendAt(parseSchedule("every"), 1)).toBe(0);
  });

  test.each([
    ["fixed:2+blend:0.5", "still or flow"],
    ["fixed:2+still+blend:0.5", "try fixed:2+flow"],
    ["fixed:2+flow+blend:1", "from 0 to below 1"],
    ["fixed:2+flow+blend:-0.1", "from 0 to below 1"],
    ["fixed:2+flow+blend", "a number"],
    ["fixed:2+flow+mix:0.5", "blend:SHARE"],
    ["every+flow+blend:0", "try every"],
    ["pipeline+flow", "try fixed:2+flow"],
  ])("%s is refused with %s", (text, words) => {
    expect(() => parseSchedule(text)).toThrow(words);
  });
});
