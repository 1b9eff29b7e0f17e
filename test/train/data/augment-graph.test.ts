// The augmenting graph against a sampler that goes over pixels, and against what inference does to a frame.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { imageGraph } from "../../../src/compile/frame-graph.ts";
import type { EngineSession } from "../../../src/engine/index.ts";
import { Random } from "../../../src/networks/random.ts";
import { tensorValue, modelOf, writeModel } from "../../../src/onnx/index.ts";
import { defaultPreprocessing, type Preprocessing } from "../../../src/preprocessing.ts";
import {
  augmentModel,
  drawAugmentation,
  ignoreLabel,
  sameColours,
  type Augmentation,
  type Transform,
} from "../../../src/train/data/index.ts";
import { localEngine, runOnce } from "../../support/runtime.ts";
import { networkAt } from "../../support/sessions.ts";
import { TrialNetwork } from "../../support/trial-network.ts";
import { expectedPixel, noiseSource, type Source } from "./sampling.ts";

const crop = { widthPx: 23, heightPx: 17 };
const classes = 12;
/** Neither the identity nor one to one: 5 has none, and 3 and 4 are one. */
const lookup = Array.from({ length: 256 }, (_, label) =>
  label >= classes || label === 5 ? ignoreLabel : label === 4 ? 3 : (label * 7) % 30,
);
const random = new Random(11, "pictures");
const next = (): number => random.next();
const identity: Transform = { affine: [1, 0, 0, 0, 1, 0], colour: sameColours };

async function run(
  session: EngineSession,
  sources: readonly Source[],
  transform: Transform,
): Promise<{ image: Float32Array; labels: Uint8Array; dims: readonly (readonly number[])[] }> {
  const { widthPx = 0, heightPx = 0 } = sources[0] ?? {};
  const joined = (parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> =>
    Uint8Array.from(parts.flatMap((p) => [...p]));
  const { outputs } = await session.run({
    frames: { dtype: "uint8", dims: [sources.length, heightPx, widthPx, 3], data: joined(sources.map((s) => s.rgb)) },
    labels: { dtype: "uint8", dims: [sources.length, heightPx, widthPx], data: joined(sources.map((s) => s.labels)) },
    affine: { dtype: "float32", dims: [6], data: Float32Array.from(transform.affine) },
    colour: { dtype: "float32", dims: [3, 4], data: Float32Array.from(transform.colour) },
  });
  const { image, labels_out: labels } = outputs;
  if (!(image?.data instanceof Float32Array && labels?.data instanceof Uint8Array)) throw new Error("no tensors");
  return { image: image.data, labels: labels.data, dims: [image.dims, labels.dims] };
}

function open(size: { widthPx: number; heightPx: number }, preprocessing: Preprocessing): Promise<EngineSession> {
  return localEngine.open(writeModel(augmentModel({ crop: size, preprocessing, lookup })).bytes);
}

/** Compares a result with the sampler's; returns how many pixels were outside of the source. */
function compare(
  result: { image: Float32Array; labels: Uint8Array },
  sources: readonly Source[],
  transform: Transform,
  preprocessing: Preprocessing,
): number {
  const pixels = crop.widthPx * crop.heightPx;
  let outside = 0;
  let worst = 0;
  const wrong: string[] = [];
  for (const [frame, source] of sources.entries()) {
    for (let at = 0; at < pixels; at++) {
      const expected = expectedPixel(source, transform, at % crop.widthPx, Math.floor(at / crop.widthPx));
      // The graph computes in single precision: which of two pixels at the same distance is nearer is not asked.
      if (expected.margin < 1e-4) continue;
      const label = expected.label === undefined ? ignoreLabel : lookup[expected.label];
      const found = result.labels[frame * pixels + at];
      if (found !== label) wrong.push(`${at}: ${label}, not ${found}`);
      if (expected.rgb === undefined) outside++;
      for (let channel = 0; channel < 3; channel++) {
        const colour = preprocessing.channelOrder === "rgb" ? channel : 2 - channel;
        const value = preprocessing.scale * 255 * (expected.rgb?.[colour] ?? 0);
        const normal = (value - (preprocessing.mean[channel] ?? 0)) / (preprocessing.std[channel] ?? 1);
        const got = result.image[(frame * 3 + channel) * pixels + at] ?? Number.NaN;
        const off = Math.abs(got - (expected.rgb === undefined ? 0 : normal));
        worst = Math.max(worst, off * (preprocessing.std[channel] ?? 1));
      }
    }
  }
  expect(wrong).toEqual([]);
  expect(worst / (preprocessing.scale * 255)).toBeLessThan(1e-4);
  return outside;
}

const imagenet = defaultPreprocessing();
const bytesBgr: Preprocessing = {
  channelOrder: "bgr",
  scale: 1,
  mean: [104, 117, 123],
  std: [1, 2, 3],
  size: { kind: "native" },
};

describe("against a sampler of pixels", () => {
  let sessions: readonly (readonly [EngineSession, Preprocessing])[] = [];
  beforeAll(async () => {
    sessions = [
      [await open(crop, imagenet), imagenet],
      [await open(crop, bytesBgr), bytesBgr],
    ];
  });
  afterAll(async () => {
    await Promise.all(sessions.map(([session]) => session[Symbol.asyncDispose]()));
  });

  const settings: Readonly<Record<string, Omit<Augmentation, "crop">>> = {
    "a crop": {},
    "zoom and mirror": { scale: [0.7, 3], flip: 0.5 },
    everything: {
      scale: [0.7, 2],
      aspect: [0.8, 1.25],
      flip: 0.5,
      rotateDeg: 60,
      colour: { brightness: 0.5, contrast: 0.5, saturation: 0.5, hueDeg: 30 },
    },
  };
  test.each(Object.entries(settings))("%s", async (_, setting) => {
    for (let draw = 0; draw < 6; draw++) {
      // A source smaller than the crop, too.
      const [widthPx, heightPx] = [
        [40, 31],
        [19, 33],
      ][draw % 2] as [number, number];
      const sources = [noiseSource(widthPx, heightPx, classes, next), noiseSource(widthPx, heightPx, classes, next)];
      const transform = drawAugmentation({ crop, ...setting }, { widthPx, heightPx }, new Random(draw, "test"));
      for (const [session, preprocessing] of sessions) {
        const result = await run(session, sources, transform);
        expect(result.dims).toEqual([
          [2, 3, crop.heightPx, crop.widthPx],
          [2, crop.heightPx, crop.widthPx],
        ]);
        const outside = compare(result, sources, transform, preprocessing);
        // Without rotation, it is known whether the crop leaves the source.
        const [step] = transform.affine;
        const leaves = setting.rotateDeg === undefined ? widthPx < crop.widthPx * Math.abs(step) : outside > 0;
        expect(outside > 0).toBe(leaves);
      }
    }
  });

  test("the identity gives the very pixels, and mirroring twice too", async () => {
    const source = noiseSource(crop.widthPx, crop.heightPx, classes, next);
    const mirror: Transform = { affine: [-1, 0, crop.widthPx - 1, 0, 1, 0], colour: sameColours };
    for (const [session, { channelOrder, scale, mean, std }] of sessions) {
      const same = await run(session, [source], identity);
      expect([...same.labels]).toEqual(Array.from(source.labels, (label) => lookup[label]));
      const pixels = crop.widthPx * crop.heightPx;
      const expected = Float32Array.from(same.image, (_, at) => {
        const channel = Math.floor(at / pixels);
        const colour = channelOrder === "rgb" ? channel : 2 - channel;
        return ((source.rgb[(at % pixels) * 3 + colour] ?? 0) * scale - (mean[channel] ?? 0)) / (std[channel] ?? 1);
      });
      const worst = same.image.reduce((most, value, at) => Math.max(most, Math.abs(value - (expected[at] ?? 0))), 0);
      expect(worst / (scale * 255)).toBeLessThan(1e-6);

      const once = await run(session, [source], mirror);
      expect(once.labels).not.toEqual(same.labels);
      const turned = (row: number, x: number): number => row * crop.widthPx + crop.widthPx - 1 - x;
      for (const kind of ["image", "labels"] as const) {
        const back = Array.from(
          once[kind],
          (_, at) => once[kind][turned(Math.floor(at / crop.widthPx), at % crop.widthPx)],
        );
        expect(back).toEqual([...same[kind]]);
      }
    }
  });

  test("labels are never invented", async () => {
    const source = noiseSource(40, 31, 3, next);
    const allowed = new Set([0, 7, 14, ignoreLabel]);
    const [session] = sessions[0] ?? [];
    if (session === undefined) throw new Error("no session");
    for (let draw = 0; draw < 10; draw++) {
      const setting = { crop, scale: [0.2, 4], rotateDeg: 180 } as const;
      const transform = drawAugmentation(setting, source, new Random(draw, "labels"));
      const { labels } = await run(session, [source], transform);
      expect([...new Set(labels)].filter((label) => !allowed.has(label))).toEqual([]);
    }
  });
});

describe("making smaller", () => {
  const size = { widthPx: 20, heightPx: 15 };
  const raw: Preprocessing = { ...imagenet, scale: 1, mean: [0, 0, 0], std: [1, 1, 1] };
  const pictureOf = (widthPx: number, heightPx: number, value: (x: number, y: number) => number): Source => ({
    ...noiseSource(widthPx, heightPx, 3, next),
    rgb: Uint8Array.from({ length: widthPx * heightPx * 3 }, (_, at) => {
      const pixel = Math.floor(at / 3);
      return value(pixel % widthPx, Math.floor(pixel / widthPx));
    }),
  });
  const shrink = (step: number): Transform => ({
    affine: [step, 0, step / 2 - 0.5, 0, step, step / 2 - 0.5],
    colour: sameColours,
  });

  test.each([2, 2.5, 4, 7])("%s pixels to one: what is finer than a pixel averages out", async (step) => {
    await using session = await open(size, raw);
    const [widthPx, heightPx] = [Math.ceil(size.widthPx * step), Math.ceil(size.heightPx * step)];
    const board = pictureOf(widthPx, heightPx, (x, y) => 255 * ((x + y) % 2));
    const { image } = await run(session, [board], shrink(step));
    expect(image.reduce((most, value) => Math.max(most, Math.abs(value - 127.5)), 0)).toBeLessThan(1);
  });

  test.each([1.6, 2, 3, 4, 6.5])("%s pixels to one: what is there stays where it was", async (step) => {
    await using session = await open(size, raw);
    // Sides that are not whole in halves.
    const [widthPx, heightPx] = [Math.ceil(size.widthPx * step) + 3, Math.ceil(size.heightPx * step) + 1];
    const ramp = pictureOf(widthPx, heightPx, (x, y) => x + y / 4);
    const { image } = await run(session, [ramp], shrink(step));
    const expected = (at: number): number => {
      const [x, y] = [at % size.widthPx, Math.floor(at / size.widthPx)];
      return (x + 0.5) * step - 0.5 + ((y + 0.5) * step - 0.5) / 4;
    };
    const plane = image.subarray(0, size.widthPx * size.heightPx);
    const off = plane.map((value, at) => value - expected(at));
    // The ramp is cut to whole numbers, which takes 3/8 in the mean; copies are rounded. Not the edges.
    const inner = [...off].filter((_, at) => at % size.widthPx > 0 && at % size.widthPx < size.widthPx - 1);
    expect(Math.max(...inner.map((value) => Math.abs(value + 0.375)))).toBeLessThan(1);
    expect(Math.abs(inner.reduce((sum, value) => sum + value, 0) / inner.length + 0.375)).toBeLessThan(0.15);
  });

  test("up to 1.5 pixels to one it is sampled as it is", async () => {
    await using session = await open(size, raw);
    const board = pictureOf(40, 30, (x) => 255 * (x % 2));
    const { image } = await run(session, [board], { affine: [1, 0, 1, 0, 1, 0], colour: sameColours });
    expect(new Set(image)).toEqual(new Set([0, 255]));
    const wide = await run(session, [board], { affine: [1.49, 0, 0, 0, 1.49, 0], colour: sameColours });
    expect(Math.max(...wide.image) - Math.min(...wide.image)).toBeGreaterThan(200);
  });
});

test.each([
  ["of ImageNet", imagenet],
  ["of bytes, blue first", bytesBgr],
])("the identity equals what inference does to a frame: %s", async (_, preprocessing) => {
  const [heightPx, widthPx] = [18, 26];
  const trial = new TrialNetwork(heightPx, widthPx);
  const scores = trial.conv("scores", trial.image, 4);
  trial.graph.output(scores.name, "float32", [1, 4, heightPx, widthPx]);
  const network = await networkAt(modelOf(trial.graph.build()), { widthPx, heightPx });
  const inference = imageGraph(network, preprocessing, "frame", { widthPx, heightPx });
  const source = noiseSource(widthPx, heightPx, classes, next);
  const dims = [heightPx, widthPx, 3];
  const outputs = await runOnce(
    modelOf({
      ...inference,
      inputs: [tensorValue("frame", "uint8", dims)],
      outputs: [tensorValue("image", "float32", [1, 3, heightPx, widthPx])],
    }),
    { frame: { dtype: "uint8", dims, data: source.rgb } },
  );
  await using session = await open({ widthPx, heightPx }, preprocessing);
  const { image } = await run(session, [source], identity);
  expect([...image]).toEqual([...((outputs["image"]?.data ?? []) as Float32Array)]);
});

test("a lookup table that is none is refused", () => {
  const options = { crop, preprocessing: imagenet };
  expect(() => augmentModel({ ...options, lookup: [0, 1] })).toThrow("256 labels from 0 to 255, got 2 of them");
  const bad = Array.from({ length: 256 }, (_, label) => (label === 7 ? -1 : 0));
  expect(() => augmentModel({ ...options, lookup: bad })).toThrow("got -1 for 7");
});
