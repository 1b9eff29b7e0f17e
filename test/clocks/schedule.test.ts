// Schedules as text: what parses, what it comes out as, what is refused and with which words; and the clock of each stage
// that follows from a schedule.

import { describe, expect, test } from "vitest";
import {
  checkSchedule,
  clocksOf,
  formatSchedule,
  parseSchedule,
  scheduleForms,
  stagesNamedBy,
  type Clock,
  type Schedule,
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
  ])("%j reads as %s", (text, canonical) => {
    expect(formatSchedule(parseSchedule(text))).toBe(canonical);
  });

  test("has a form for each kind in the help", () => {
    const examples = scheduleForms.replaceAll("K", "3").replaceAll("THRESHOLD", "0.5").replace("P1,P2,...", "1,2");
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
  ])("%s speaks of %s stages", (text, stages) => {
    expect(stagesNamedBy(parseSchedule(text))).toBe(stages);
  });
});
