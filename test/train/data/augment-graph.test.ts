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
  drawNoise,
  ignoreLabel,
  sameColours,
  transformFeeds,
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
const identity: Transform = { affine: [1, 0, 0, 0, 1, 0], colour: sameColours, gamma: 1, blurPx: 0, noise: 0 };

async function run(
  session: EngineSession,
  sources: readonly Source[],
  transform: Transform,
  augmentation: Augmentation = { crop },
  noiseStarts: readonly number[] = sources.map((_, frame) => 1000 * frame),
): Promise<{ image: Float32Array; labels: Uint8Array; dims: readonly (readonly number[])[] }> {
  const { widthPx = 0, heightPx = 0 } = sources[0] ?? {};
  const joined = (parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> =>
    Uint8Array.from(parts.flatMap((p) => [...p]));
  const { outputs } = await session.run({
    frames: { dtype: "uint8", dims: [sources.length, heightPx, widthPx, 3], data: joined(sources.map((s) => s.rgb)) },
    labels: { dtype: "uint8", dims: [sources.length, heightPx, widthPx], data: joined(sources.map((s) => s.labels)) },
    ...transformFeeds(augmentation, transform, noiseStarts),
  });
  const { image, labels_out: labels } = outputs;
  if (!(image?.data instanceof Float32Array && labels?.data instanceof Uint8Array)) throw new Error("no tensors");
  return { image: image.data, labels: labels.data, dims: [image.dims, labels.dims] };
}

function open(size: { widthPx: number; heightPx: number }, preprocessing: Preprocessing): Promise<EngineSession> {
  return openFor({ crop: size }, preprocessing);
}

function openFor(augmentation: Augmentation, preprocessing: Preprocessing): Promise<EngineSession> {
  return localEngine.open(writeModel(augmentModel({ augmentation, preprocessing, lookup })).bytes);
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
    const mirror: Transform = { ...identity, affine: [-1, 0, crop.widthPx - 1, 0, 1, 0] };
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

const raw: Preprocessing = { ...imagenet, scale: 1, mean: [0, 0, 0], std: [1, 1, 1] };

describe("making smaller", () => {
  const size = { widthPx: 20, heightPx: 15 };
  const pictureOf = (widthPx: number, heightPx: number, value: (x: number, y: number) => number): Source => ({
    ...noiseSource(widthPx, heightPx, 3, next),
    rgb: Uint8Array.from({ length: widthPx * heightPx * 3 }, (_, at) => {
      const pixel = Math.floor(at / 3);
      return value(pixel % widthPx, Math.floor(pixel / widthPx));
    }),
  });
  const shrink = (step: number): Transform => ({
    ...identity,
    affine: [step, 0, step / 2 - 0.5, 0, step, step / 2 - 0.5],
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
    const { image } = await run(session, [board], { ...identity, affine: [1, 0, 1, 0, 1, 0] });
    expect(new Set(image)).toEqual(new Set([0, 255]));
    const wide = await run(session, [board], { ...identity, affine: [1.49, 0, 0, 0, 1.49, 0] });
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

describe("gamma, blur and noise", () => {
  const { widthPx, heightPx } = crop;
  const pixels = widthPx * heightPx;
  const largest = (values: readonly number[]): number => values.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
  const meanOf = (values: readonly number[]): number => values.reduce((sum, x) => sum + x, 0) / values.length;
  /** A value of a frame as planes, from one that is interleaved. */
  const planeValue = ({ rgb }: Source, at: number): number => rgb[(at % pixels) * 3 + Math.floor(at / pixels)] ?? 0;
  const flatSource = (level: number): Source => ({
    ...noiseSource(widthPx, heightPx, 3, next),
    rgb: new Uint8Array(3 * pixels).fill(level),
  });

  test.each([0.5, 0.8, 1, 1.7])("gamma %s raises what colours have become", async (gamma) => {
    const augmentation: Augmentation = { crop, colour: { brightness: 1, gamma: 1 } };
    await using session = await openFor(augmentation, raw);
    const source = noiseSource(widthPx, heightPx, classes, next);
    // Brighter by a half: some are cut off.
    const colour = sameColours.map((term) => 1.5 * term);
    const { image } = await run(session, [source, source], { ...identity, colour, gamma }, augmentation);
    const off = Array.from(image, (value, at) => {
      const level = Math.min(1, (1.5 * planeValue(source, at % (3 * pixels))) / 255);
      return value - 255 * level ** gamma;
    });
    expect(largest(off)).toBeLessThan(1e-3);
  });

  test.each([0.4, 1, 1.5])("a blur of %s pixels is a Gaussian", async (sigmaPx) => {
    const augmentation: Augmentation = { crop, blur: { sigmaPx: 2 } };
    await using session = await openFor(augmentation, raw);
    const sources = [noiseSource(widthPx, heightPx, classes, next), noiseSource(widthPx, heightPx, classes, next)];
    const { image } = await run(session, sources, { ...identity, blurPx: sigmaPx }, augmentation);
    // In two dimensions at once, over all that has any weight.
    const reach = 12;
    const around = Array.from({ length: 2 * reach + 1 }, (_, at) => at - reach);
    const weight = (x: number, y: number): number => Math.exp(-(x * x + y * y) / (2 * sigmaPx * sigmaPx));
    const total = around.flatMap((x) => around.map((y) => weight(x, y))).reduce((sum, value) => sum + value, 0);
    const within = (place: number, length: number): number => Math.max(0, Math.min(length - 1, place));
    const off = Array.from(image, (value, at) => {
      const [source, channel] = [sources[Math.floor(at / (3 * pixels))], Math.floor(at / pixels) % 3];
      const [column, row] = [at % widthPx, Math.floor((at % pixels) / widthPx)];
      let sum = 0;
      for (const x of around) {
        for (const y of around) {
          const pixel = within(row + y, heightPx) * widthPx + within(column + x, widthPx);
          sum += (weight(x, y) / total) * (source?.rgb[pixel * 3 + channel] ?? 0);
        }
      }
      return value - sum;
    });
    // The kernel ends at 6 pixels, which at 1.5 leaves out 6 parts of 100,000.
    expect(largest(off)).toBeLessThan(0.03);
  });

  test("a picture that is drawn in focus has the very bits of one that is never blurred", async () => {
    const augmentation: Augmentation = { crop, blur: { sigmaPx: 3, probability: 0.5 } };
    await using session = await openFor(augmentation, imagenet);
    await using plain = await open(crop, imagenet);
    const source = noiseSource(40, 31, classes, next);
    const transform = { ...identity, affine: [0.9, 0.1, 0.3, -0.1, 1.1, 2] } as const;
    const { image } = await run(session, [source], transform, augmentation);
    expect(image).toEqual((await run(plain, [source], transform)).image);
  });

  test("noise is Gaussian, its own for each frame, and the same when it is drawn again", async () => {
    const size = { widthPx: 96, heightPx: 80 };
    const augmentation: Augmentation = { crop: size, noise: { deviation: 30 } };
    await using session = await openFor(augmentation, raw);
    const gray: Source = {
      ...noiseSource(size.widthPx, size.heightPx, 3, next),
      rgb: new Uint8Array(3 * size.widthPx * size.heightPx).fill(128),
    };
    const transform = { ...identity, noise: 20 };
    const starts = drawNoise(2, new Random(4, "starts"));
    const { image } = await run(session, [gray, gray], transform, augmentation, starts);
    expect((await run(session, [gray, gray], transform, augmentation, starts)).image).toEqual(image);
    const count = image.length / 2;
    const frames = [0, 1].map((frame) => Array.from(image.slice(frame * count, (frame + 1) * count), (x) => x - 128));
    const share = (values: readonly number[], most: number): number =>
      values.filter((value) => Math.abs(value) < most).length / values.length;
    for (const values of frames) {
      // Of 23,040 numbers: a mean within 4 of its deviations of 0.13, shares of a Gaussian within 4 of theirs.
      expect(Math.abs(meanOf(values))).toBeLessThan(0.53);
      expect(Math.abs(Math.sqrt(meanOf(values.map((x) => x * x))) / 20 - 1)).toBeLessThan(0.02);
      expect(Math.abs(share(values, 20) - 0.6827)).toBeLessThan(0.016);
      expect(Math.abs(share(values, 40) - 0.9545)).toBeLessThan(0.008);
    }
    const [first = [], second = []] = frames;
    const related = (a: readonly number[], b: readonly number[]): number =>
      Math.abs(meanOf(a.map((value, at) => (value * (b[at] ?? 0)) / 400)));
    // Pixels beside, below and in the next channel; the other frame at the same place.
    for (const away of [1, size.widthPx, size.widthPx * size.heightPx]) {
      expect(related(first.slice(0, -away), first.slice(away))).toBeLessThan(0.04);
    }
    expect(related(first, second)).toBeLessThan(0.03);
  });

  test("noise does not leave black and white, nor the picture", async () => {
    const augmentation: Augmentation = { crop, noise: { deviation: 100 } };
    await using session = await openFor(augmentation, raw);
    const sources = [flatSource(0), flatSource(255)];
    const { image, labels } = await run(
      session,
      sources,
      { ...identity, affine: [1, 0, -5, 0, 1, 0], noise: 100 },
      augmentation,
    );
    expect(Math.min(...image)).toBe(0);
    expect(Math.max(...image)).toBe(255);
    const outside = [...image].filter((_, at) => at % widthPx < 5);
    expect(new Set(outside)).toEqual(new Set([0]));
    expect(labels[0]).toBe(ignoreLabel);
  });
});

test("a lookup table that is none is refused", () => {
  const options = { augmentation: { crop }, preprocessing: imagenet };
  expect(() => augmentModel({ ...options, lookup: [0, 1] })).toThrow("256 labels from 0 to 255, got 2 of them");
  const bad = Array.from({ length: 256 }, (_, label) => (label === 7 ? -1 : 0));
  expect(() => augmentModel({ ...options, lookup: bad })).toThrow("got -1 for 7");
});
