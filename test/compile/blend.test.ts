// Fresh scores mixed with what moved in: what stays as the network has it, what gets steadier, what is refused.

import { describe, expect, test } from "vitest";
import { parseSchedule } from "../../src/clocks/index.ts";
import { compile } from "../../src/compile/index.ts";
import type { Frame } from "../../src/frame.ts";
import { networkOf } from "../../src/network/index.ts";
import { bisenet, fcn8s, segformer, unet } from "../../src/networks/index.ts";
import { Random } from "../../src/networks/random.ts";
import { nodeOf, tensorValue, type Model } from "../../src/onnx/index.ts";
import { defaultPreprocessing } from "../../src/preprocessing.ts";
import { Segmenter, type SegmentResult } from "../../src/segment/index.ts";
import { planOf } from "../../src/stages/index.ts";
import { frameOf, Scene } from "../support/pictures.ts";
import { localEngine } from "../support/runtime.ts";
import { resultsOf } from "../support/segmenting.ts";

const size = { widthPx: 192, heightPx: 128 };
const scene = new Scene(5);
const model = fcn8s({ width: 0.125, classes: 6 });

async function run(
  net: Model,
  clock: string,
  frames: readonly Frame[],
  options: { readonly stages?: number; readonly shots?: boolean } = {},
): Promise<readonly SegmentResult[]> {
  await using segmenter = new Segmenter({
    model: net,
    engine: localEngine,
    schedule: parseSchedule(clock),
    preprocessing: defaultPreprocessing(),
    shots: false,
    ...options,
  });
  return await resultsOf(segmenter.segment(frames));
}

/** A scene that stands still or pans, seen by a noisy sensor. */
function filmed(count: number, { noise = 0, stepPx = 0 } = {}): Frame[] {
  const random = new Random(9, "sensor");
  return Array.from({ length: count }, (_, at) => {
    const { data } = scene.at(size, { zoom: 0.5, x: (at * stepPx) / (0.5 * size.widthPx) });
    const seen = (x: number, y: number, c: number): number => Number(data[(y * size.widthPx + x) * 3 + c]);
    return frameOf(size, (x, y, c) => seen(x, y, c) + noise * (2 * random.next() - 1), at / 25);
  });
}

function agreement(a: SegmentResult | undefined, b: SegmentResult | undefined): number {
  if (a === undefined || b === undefined) return 0;
  return (
    a.labels.data.reduce((same, label, at) => same + Number(label === b.labels.data[at]), 0) / a.labels.data.length
  );
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

describe("a noisy picture that stands still", () => {
  const frames = filmed(8, { noise: 90 });

  test.each([
    ["every+flow", 2],
    ["fixed:2+flow", 2],
    ["fixed:2+flow", 1],
  ])("%s in %d stages is steadier, and nearer to what is there", async (clock, stages) => {
    const [truth] = await run(model, "every", filmed(1));
    const steadiness = (results: readonly SegmentResult[]): number =>
      mean(results.slice(1).map((result, at) => agreement(result, results[at])));
    const rightness = (results: readonly SegmentResult[]): number =>
      mean(results.slice(3).map((result) => agreement(result, truth)));
    const plain = await run(model, clock === "every+flow" ? "every" : `${clock}+blend:0`, frames, { stages });
    const blended = await run(model, clock, frames, { stages });
    expect(steadiness(blended)).toBeGreaterThan(steadiness(plain) + 0.005);
    expect(rightness(blended)).toBeGreaterThan(rightness(plain));
  });
});

test("first frames, and those after a change of shot, are the network's own", async () => {
  const cut = new Scene(77);
  const frames = [
    ...filmed(3, { stepPx: 2 }),
    ...Array.from({ length: 2 }, () => ({ ...cut.at(size), timestampSec: 1 })),
  ];
  const oracle = await run(model, "every", frames, { shots: true });
  const blended = await run(model, "every+flow", frames, { shots: true });
  expect(blended.map(({ shot }) => shot)).toEqual([false, false, false, true, false]);
  for (const at of [0, 3]) expect(blended[at]?.labels.data).toEqual(oracle[at]?.labels.data);
});

test("what does not look like what moved in is left as it is", async () => {
  const frames = [...filmed(1), { ...new Scene(77).at(size), timestampSec: 1 }];
  const oracle = await run(model, "every", frames);
  const blended = await run(model, "every+flow", frames);
  expect(agreement(blended[1], oracle[1])).toBeGreaterThan(0.9);
});

test("a whole network that fires every fifth frame is not blended", async () => {
  const frames = filmed(6, { stepPx: 2, noise: 40 });
  const oracle = await run(model, "every", frames);
  const held = await run(model, "fixed:5+flow", frames, { stages: 1 });
  expect(held[5]?.labels.data).toEqual(oracle[5]?.labels.data);
});

test.each([
  ["bisenet", bisenet({ width: 0.125, classes: 5 }), 2],
  ["segformer", segformer({ width: 0.25, classes: 5 }), 1],
  ["unet", unet({ width: 0.125, classes: 5 }), 2],
] as const)("%s can be blended on every clock", async (_, net, stages) => {
  const frames = filmed(3, { noise: 60 });
  for (const clock of ["every+flow", "fixed:2+flow"]) {
    const results = await run(net, clock, frames, { stages });
    expect(results).toHaveLength(3);
  }
});

test("a network that gives labels is blended in the scores that it chooses from", async () => {
  const scores = model.graph.outputs[0]?.name ?? "";
  const labelling: Model = {
    ...model,
    graph: {
      ...model.graph,
      nodes: [...model.graph.nodes, nodeOf("ArgMax", [scores], ["chosen"], { axis: 1, keepdims: 0 }, "choose")],
      outputs: [tensorValue("chosen", "int64", [1, "height", "width"])],
    },
  };
  const frames = filmed(4, { noise: 90 });
  const expected = await run(model, "every+flow", frames);
  const results = await run(labelling, "every+flow", frames);
  // Resizing before or after the choice is the one difference.
  for (const at of [1, 2, 3]) expect(agreement(results[at], expected[at])).toBeGreaterThan(0.98);
  const plain = await run(labelling, "every", frames);
  expect(agreement(results[3], plain[3])).toBeLessThan(1);
});

test("scores that are nowhere to be found are an error where they are asked for", async () => {
  const scores = model.graph.outputs[0]?.name ?? "";
  const hidden: Model = {
    ...model,
    graph: {
      ...model.graph,
      nodes: [
        ...model.graph.nodes,
        nodeOf("ArgMax", [scores], ["chosen"], { axis: 1, keepdims: 0 }, "choose"),
        nodeOf("Neg", ["chosen"], ["negative"], {}, "negate"),
        nodeOf("Neg", ["negative"], ["positive"], {}, "again"),
      ],
      outputs: [tensorValue("positive", "int64", [1, "height", "width"])],
    },
  };
  const network = await networkOf(hidden, { size, engine: localEngine });
  const preprocessing = defaultPreprocessing();
  const compiled = (clock: string) =>
    compile(network, planOf(network, { stages: 1 }), { io: "frames", schedule: parseSchedule(clock), preprocessing });
  expect(() => compiled("every+flow")).toThrow(/expected a map of scores .* got none; try every/);
  expect(() => compiled("fixed:2+flow+blend:0.5")).toThrow(/try the schedule without blend/);
  expect(compiled("fixed:2+flow").protocol.schedule).toBe("fixed:2+flow");
});
