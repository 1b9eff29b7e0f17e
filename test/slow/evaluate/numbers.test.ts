// Every number of an evaluation against the same one computed the long way, under every protocol.

import { describe, expect, test } from "vitest";
import { evaluate, type EvaluateOptions } from "../../../src/evaluate/index.ts";
import { bruteForce, type Leg, type Task } from "../../evaluate/brute.ts";
import { expectNear } from "../../evaluate/near.ts";
import {
  contendersOf,
  datasetOf,
  someMatcher,
  table,
  tiny,
  timeless,
  truthNames,
  type SequencePlan,
} from "../../evaluate/rig.ts";

const range = (from: number, to: number, step = 1): number[] =>
  Array.from({ length: Math.max(0, Math.ceil((to - from) / step)) }, (_, at) => from + at * step);

interface Case {
  readonly plans: readonly SequencePlan[];
  readonly clocks: readonly string[];
  readonly options?: Partial<EvaluateOptions>;
  readonly legs: readonly Leg[];
  readonly task?: Partial<Task>;
  readonly classNames?: readonly string[];
  /** Frames that count, and those of them with labels that count. */
  readonly frames: number;
  readonly labelled: number;
}

const large = { widthPx: 96, heightPx: 64 };

describe.each<readonly [string, Case]>([
  [
    "whole sequences, longer than a block, of two sizes, with void and a class map",
    {
      plans: [
        { frames: 40, labelled: [0, 7, 33, 39] },
        { frames: 5, labelled: [1, 2], sizeOf: () => large },
      ],
      clocks: ["skip:3", "fixed:2", "fixed:1,2,4", "adaptive:0.02", "pipeline"],
      options: { table },
      legs: [
        { sequence: 0, frames: range(0, 40), from: 0 },
        { sequence: 1, frames: range(0, 5), from: 0 },
      ],
      task: { table },
      frames: 45,
      labelled: 6,
    },
  ],
  [
    "frames whose size changes within a sequence",
    {
      plans: [{ frames: 9, labelled: [2, 5], sizeOf: (frame) => (frame > 3 && frame < 7 ? large : tiny) }],
      clocks: ["fixed:3", "skip:2"],
      legs: [{ sequence: 0, frames: range(0, 9), from: 0 }],
      frames: 9,
      labelled: 2,
    },
  ],
  [
    "every third frame, up to a limit, after a warm-up, with a narrow band",
    {
      plans: [
        { frames: 40, labelled: [0, 3, 6, 7, 12, 15, 21] },
        { frames: 8, labelled: range(0, 8) },
        { frames: 2, labelled: [0] },
      ],
      clocks: ["fixed:2", "skip:4"],
      options: { every: 3, limit: 7, warmUp: 2, boundaryPx: 1 },
      legs: [
        { sequence: 0, frames: range(0, 21, 3), from: 2 },
        { sequence: 1, frames: [0, 3, 6], from: 2 },
        { sequence: 2, frames: [0], from: 2 },
      ],
      task: { boundaryPx: 1 },
      frames: 6,
      labelled: 4,
    },
  ],
  [
    "frames before each labelled one, also near the start of a sequence",
    {
      plans: [
        { frames: 12, labelled: [1, 8, 9] },
        { frames: 6, labelled: [5] },
      ],
      clocks: ["fixed:2", "skip:3"],
      options: { before: 4 },
      legs: [
        { sequence: 0, frames: [0, 1], from: 0, target: 1 },
        { sequence: 0, frames: range(4, 9), from: 0, target: 8 },
        { sequence: 0, frames: range(5, 10), from: 0, target: 9 },
        { sequence: 1, frames: range(1, 6), from: 0, target: 5 },
      ],
      frames: 17,
      labelled: 4,
    },
  ],
  [
    "the labelled frame alone after a warm-up, every second frame: one at the start counts, too",
    {
      plans: [{ frames: 12, labelled: [0, 3, 11] }],
      clocks: ["fixed:2"],
      options: { before: 3, every: 2, warmUp: 3 },
      legs: [
        { sequence: 0, frames: [0], from: 0, target: 0 },
        { sequence: 0, frames: [1, 3], from: 1, target: 3 },
        { sequence: 0, frames: [5, 7, 9, 11], from: 3, target: 11 },
      ],
      frames: 3,
      labelled: 3,
    },
  ],
  [
    "every phase, over several blocks and sequences, after a warm-up",
    {
      plans: [
        { frames: 66, labelled: [10, 32, 65] },
        { frames: 3, labelled: [0, 2] },
        { frames: 34, labelled: [32, 33] },
      ],
      clocks: ["skip:3", "fixed:2,4", "adaptive:0.02"],
      options: { phases: true, warmUp: 1, table },
      legs: [
        { sequence: 0, frames: range(0, 66), from: 1 },
        { sequence: 1, frames: range(0, 3), from: 1 },
        { sequence: 2, frames: range(0, 34), from: 1 },
      ],
      task: {
        table,
        phasesOf: (clock) =>
          new Map([
            ["skip:3", 3],
            ["fixed:2,4", 4],
          ]).get(clock) ?? 1,
      },
      frames: 100,
      labelled: 6,
    },
  ],
  [
    "every phase, frames before each labelled one",
    {
      plans: [{ frames: 12, labelled: [2, 7] }],
      clocks: ["fixed:4", "skip:2"],
      options: { phases: true, before: 5 },
      legs: [
        { sequence: 0, frames: [0, 1, 2], from: 0, target: 2 },
        { sequence: 0, frames: range(2, 8), from: 0, target: 7 },
      ],
      task: {
        phasesOf: (clock) =>
          new Map([
            ["fixed:4", 4],
            ["skip:2", 2],
          ]).get(clock) ?? 1,
      },
      frames: 9,
      labelled: 2,
    },
  ],
  [
    "phases that begin after the first block",
    {
      plans: [{ frames: 36, labelled: [33, 35] }],
      clocks: ["skip:34"],
      options: { phases: true, matcher: undefined },
      legs: [{ sequence: 0, frames: range(0, 36), from: 0 }],
      task: { phasesOf: (clock) => (clock === "skip:34" ? 34 : 1) },
      frames: 36,
      labelled: 2,
    },
  ],
  [
    "no labels at all",
    {
      plans: [{ frames: 6, labelled: [] }],
      clocks: ["skip:3"],
      classNames: [],
      legs: [{ sequence: 0, frames: range(0, 6), from: 0 }],
      frames: 6,
      labelled: 0,
    },
  ],
])("%s", (_name, { plans, clocks, options = {}, legs, task = {}, classNames = truthNames, frames, labelled }) => {
  test("is what a computation the long way gives", async () => {
    const dataset = datasetOf(plans, classNames);
    await using contenders = contendersOf(clocks);
    const evaluation = await evaluate({
      dataset,
      model: "small",
      contenders: contenders.all,
      networkClasses: 5,
      matcher: someMatcher,
      ...options,
    });
    const matcher = "matcher" in options ? options.matcher : someMatcher;
    const expected = await bruteForce({ dataset, legs, networkClasses: 5, matcher, ...task }, clocks);
    expect([evaluation.frames, evaluation.labelled]).toEqual([frames, labelled]);
    const { runs, timelines } = timeless(evaluation) as typeof evaluation;
    expectNear(runs, expected.runs);
    expectNear(timelines, expected.timelines);
    expectNear(evaluation.truthConsistency, expected.truthConsistency);
    for (const { consistency } of runs) expect(consistency === null).toBe(matcher === undefined);
    // Without a difference there would be nothing to see.
    expect(Math.min(...runs.map(({ agreement }) => agreement))).toBeLessThan(100);
    for (const { ms } of evaluation.timelines) expect(ms).toHaveLength(frames);
  });
});
