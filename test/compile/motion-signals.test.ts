// Signals from the flow: on pictures that move by a known way, so that what should be measured is known.

import { describe, expect, test } from "vitest";
import { parseSchedule } from "../../src/clocks/index.ts";
import type { Frame } from "../../src/frame.ts";
import { fcn8s } from "../../src/networks/index.ts";
import { defaultPreprocessing } from "../../src/preprocessing.ts";
import { Segmenter, type SegmentResult } from "../../src/segment/index.ts";
import { Scene } from "../support/pictures.ts";
import { localEngine } from "../support/runtime.ts";
import { resultsOf } from "../support/segmenting.ts";

const size = { widthPx: 240, heightPx: 128 };
const zoom = 0.5;
const scene = new Scene(5);
const model = fcn8s({ width: 0.125, classes: 6 });

/** The scene at places of the camera, in pixels. */
function filmed(placesPx: readonly number[], level = 1): Frame[] {
  return placesPx.map((px, at) => {
    const { data, ...frame } = scene.at(size, { x: px / (zoom * size.widthPx), zoom });
    return { ...frame, data: Uint8Array.from(data, (value) => value * level), timestampSec: at / 25 };
  });
}

async function run(clock: string, frames: readonly Frame[], stages = 1): Promise<readonly SegmentResult[]> {
  await using segmenter = new Segmenter({
    model,
    engine: localEngine,
    schedule: parseSchedule(clock),
    preprocessing: defaultPreprocessing(),
    shots: false,
    stages,
  });
  return await resultsOf(segmenter.segment(frames));
}

const firings = (results: readonly SegmentResult[]): number[] =>
  results.flatMap(({ fired }, at) => (fired.at(-1) === true ? [at] : []));
const signals = (results: readonly SegmentResult[]): number[] => results.slice(1).map(({ signal }) => signal ?? NaN);

describe("the whole network rests until the flow says otherwise", () => {
  const pan = filmed([0, 3, 6, 9, 12, 15, 18]);

  test("motion is how far things moved since the last firing, as a share of the longer side", async () => {
    const results = await run(`adaptive:9@motion+flow`, pan);
    for (const [at, value] of signals(results).entries()) {
      const expected = (3 * (at + 1)) / size.widthPx;
      expect(Math.abs(value - expected)).toBeLessThan(0.15 * expected);
    }
    // Half way between 9 and 12 pixels: fires on the fourth frame after each firing.
    expect(firings(await run(`adaptive:${10.5 / size.widthPx}@motion+flow`, pan))).toEqual([0, 4]);
  });

  test("arrived is the share of the picture that came into view", async () => {
    const results = await run("adaptive:1@arrived+flow", pan);
    for (const [at, value] of signals(results).entries()) {
      expect(Math.abs(value - (3 * (at + 1)) / size.widthPx)).toBeLessThan(0.01);
    }
  });

  test("residual is small where the motion explains all, and grows with its age where it does not", async () => {
    const moving = signals(await run("adaptive:9@residual+flow", pan));
    expect(Math.max(...moving)).toBeLessThan(0.05);
    // Something else takes the place of the scene and stays.
    const other = new Scene(77).at(size, { zoom });
    const frames = [...filmed([0, 0]), ...[2, 3, 4].map((at) => ({ ...other, timestampSec: at / 25 }))];
    const [same = 0, ...changed] = signals(await run("adaptive:9@residual+flow", frames));
    expect(same).toBeLessThan(1e-3);
    expect(Math.min(...changed)).toBeGreaterThan(3 * Math.max(...moving));
    // The flow goes on from the frame before; only the age grows.
    const [second = 0, third = 0, fourth = 0] = changed;
    expect(third / second).toBeCloseTo(3 / 2, 1);
    expect(fourth / second).toBeCloseTo(4 / 2, 1);
  });

  test("a camera that adapts to the light is no reason to fire", async () => {
    const frames = [...filmed([0]), ...filmed([0, 0], 0.8)];
    for (const signal of ["motion", "residual"]) {
      expect(Math.max(...signals(await run(`adaptive:9@${signal}+flow`, frames)))).toBeLessThan(0.02);
    }
  });

  test("a picture that stands still lets it rest as long as flow is trusted", async () => {
    const still = filmed(Array.from({ length: 14 }, () => 5));
    for (const signal of ["motion", "arrived", "residual"]) {
      expect(firings(await run(`adaptive:0.02@${signal}+flow`, still))).toEqual([0, 11]);
    }
  });
});

test("in two stages the deep one rests until the flow says otherwise", async () => {
  const stop = filmed([0, 0, 0, 0, 4, 8, 12, 16, 16, 16, 16]);
  const results = await run("adaptive:0.02@motion+flow", stop, 2);
  expect(results.every(({ fired }) => fired[0] === true)).toBe(true);
  // Eight pixels are more than 2 % of 240; where it stands it does not fire.
  expect(firings(results)).toEqual([0, 5, 7]);
});

test("a signal of the flow without flow is refused", () => {
  for (const signal of ["motion", "arrived", "residual"]) {
    expect(() => parseSchedule(`adaptive:0.1@${signal}`)).toThrow(new RegExp(`@${signal}\\+flow`));
  }
});
