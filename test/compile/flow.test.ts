// What is held moves with the video: on scenes that move by whole pixels, so that what should come out is known.

import { describe, expect, test } from "vitest";
import { parseSchedule } from "../../src/clocks/index.ts";
import type { Frame } from "../../src/frame.ts";
import { fcn8s, unet } from "../../src/networks/index.ts";
import type { Size } from "../../src/network/index.ts";
import type { Model } from "../../src/onnx/index.ts";
import { defaultPreprocessing } from "../../src/preprocessing.ts";
import { Segmenter, type SegmentResult } from "../../src/segment/index.ts";
import { Scene } from "../support/pictures.ts";
import { localEngine } from "../support/runtime.ts";
import { resultsOf } from "../support/segmenting.ts";

const size = { widthPx: 192, heightPx: 128 };
const stepPx = 3;
const zoom = 0.5;
const scene = new Scene(5);

/** Frames of a scene that moves to the left by `stepPx` a frame. */
function panned(count: number): Frame[] {
  return Array.from({ length: count }, (_, at) => ({
    ...scene.at(size, { x: (at * stepPx) / (zoom * size.widthPx), zoom }),
    timestampSec: at / 25,
  }));
}

async function run(
  model: Model,
  clock: string,
  frames: readonly Frame[],
  options: { readonly stages?: number; readonly shots?: boolean; readonly size?: Size } = {},
): Promise<readonly SegmentResult[]> {
  await using segmenter = new Segmenter({
    model,
    engine: localEngine,
    schedule: parseSchedule(clock),
    preprocessing: defaultPreprocessing(),
    shots: false,
    ...options,
  });
  return await resultsOf(segmenter.segment(frames));
}

/** Share of the pixels, away from the borders, on which two maps agree; `shift` moves the second one to the left. */
function agreement(a: Uint8Array, b: Uint8Array, shift = 0, margin = 24): number {
  let same = 0;
  let all = 0;
  for (let y = margin; y < size.heightPx - margin; y++) {
    for (let x = margin; x < size.widthPx - margin; x++) {
      all += 1;
      if (a[y * size.widthPx + x] === b[y * size.widthPx + x + shift]) same += 1;
    }
  }
  return same / all;
}

const model = fcn8s({ width: 0.125, classes: 6 });

describe("the whole network rests", () => {
  const frames = panned(5);

  test("its labels move as the picture does", async () => {
    const results = await run(model, "fixed:5+flow", frames, { stages: 1 });
    expect(results.map(({ fired }) => fired[0])).toEqual([true, false, false, false, false]);
    const first = results[0]?.labels.data ?? new Uint8Array();
    for (const at of [1, 2, 3, 4]) {
      const labels = results[at]?.labels.data ?? new Uint8Array();
      expect(agreement(labels, first, at * stepPx)).toBeGreaterThan(0.97);
    }
    // Standing still they would be wrong, so that it is the motion that is seen.
    expect(agreement(results[4]?.labels.data ?? first, first)).toBeLessThan(0.97);
  });

  test("a picture that stands still keeps its labels", async () => {
    const still = Array.from({ length: 4 }, (_, at) => ({ ...scene.at(size, { zoom }), timestampSec: at / 25 }));
    const results = await run(model, "skip:4+flow", still);
    const first = results[0]?.labels.data ?? new Uint8Array();
    for (const { labels } of results) expect(agreement(labels.data, first, 0, 0)).toBeGreaterThan(0.999);
  });
});

describe.each([
  ["fcn8s", model],
  ["unet", unet({ width: 0.125, classes: 5 })],
] as const)("the deep stage of %s rests", (_, net) => {
  const frames = panned(6);

  test("frames that fire are those of the network where nothing is blended, to the bit", async () => {
    const oracle = await run(net, "every", frames);
    const results = await run(net, "fixed:3+flow+blend:0", frames);
    expect(results.map(({ fired }) => fired.at(-1))).toEqual([true, false, false, true, false, false]);
    for (const at of [0, 3]) expect(results[at]?.labels.data).toEqual(oracle[at]?.labels.data);
  });
});

test("held frames agree more with the network than without flow", async () => {
  const frames = panned(6);
  const oracle = await run(model, "every", frames);
  const mean = (results: readonly SegmentResult[]): number =>
    results.reduce((sum, { labels }, at) => {
      return sum + agreement(labels.data, oracle[at]?.labels.data ?? new Uint8Array(), 0, 16);
    }, 0) / results.length;
  const flow = mean(await run(model, "fixed:6+flow", frames));
  const still = mean(await run(model, "fixed:6", frames));
  expect(flow).toBeGreaterThan(still);
});

test("stages within stages: the outer result and what the inner one holds move alike", async () => {
  const frames = panned(8);
  const results = await run(model, "fixed:2,4+flow+blend:0", frames);
  const oracle = await run(model, "every", frames);
  expect(results.map(({ fired }) => fired.map(Number))).toEqual([
    [1, 1],
    [0, 0],
    [1, 0],
    [0, 0],
    [1, 1],
    [0, 0],
    [1, 0],
    [0, 0],
  ]);
  for (const at of [0, 4]) expect(results[at]?.labels.data).toEqual(oracle[at]?.labels.data);
  // Where the outer stage rests, its result is that of the frame before, moved.
  for (const at of [1, 3, 5, 7]) {
    const [now, before] = [results[at]?.labels.data, results[at - 1]?.labels.data];
    expect(agreement(now ?? new Uint8Array(), before ?? new Uint8Array(), stepPx)).toBeGreaterThan(0.97);
  }
});

test("a long hold of an adaptive clock ends after ten frames", async () => {
  const frames = panned(13);
  const results = await run(model, "adaptive:2+flow", frames);
  expect(results.flatMap(({ fired }, at) => (fired.at(-1) === true ? [at] : []))).toEqual([0, 11]);
});

test("an operator set with another form of GridSample gives the same", async () => {
  const frames = panned(4);
  const expected = await run(model, "fixed:2+flow", frames);
  const later = { ...model, opsets: new Map([...model.opsets, ["", 20] as const]) };
  const results = await run(later, "fixed:2+flow", frames);
  for (const [at, { labels }] of results.entries()) {
    expect(agreement(labels.data, expected[at]?.labels.data ?? new Uint8Array(), 0, 0)).toBeGreaterThan(0.999);
  }
});

test("a network that runs at another shape than its frames' moves what it holds all the same", async () => {
  const frames = panned(4);
  const square = { widthPx: 128, heightPx: 128 };
  for (const [clock, stages] of [
    ["fixed:4+flow", 2],
    ["fixed:4+flow", 1],
    ["every+flow", 2],
  ] as const) {
    const results = await run(model, clock, frames, { stages, size: square });
    const [first, last] = [results[0]?.labels.data ?? new Uint8Array(), results[3]?.labels.data ?? new Uint8Array()];
    expect(agreement(last, first, 3 * stepPx)).toBeGreaterThan(agreement(last, first));
    expect(agreement(last, first, 3 * stepPx)).toBeGreaterThan(0.8);
  }
});
