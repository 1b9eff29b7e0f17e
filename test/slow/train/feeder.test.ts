// Feeders over small datasets on disk: what batches depend on and what not, what is in them, and how feeders end.

import { readFile, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { openDataset } from "../../../src/datasets/index.ts";
import { ClockworkError } from "../../../src/errors.ts";
import { Random } from "../../../src/networks/random.ts";
import type { FeederOptions } from "../../../src/node/training/feeder-options.ts";
import { openFeeder, type Batch } from "../../../src/node/training/feeder.ts";
import { FrameCache } from "../../../src/node/training/frame-cache.ts";
import { openTrainingSet } from "../../../src/node/training/training-set.ts";
import { defaultPreprocessing } from "../../../src/preprocessing.ts";
import { drawClip, drawsAt, ignoreLabel, sampleOrder } from "../../../src/train/data/index.ts";
import { writeFiles, type Content, type Rgb } from "../../datasets/files.ts";
import { temporaryFolder } from "../../support/model-folder.ts";
import { besideProject } from "../../support/shared.ts";

const width = 14;
const height = 10;
const crop = { widthPx: 8, heightPx: 6 };
const preprocessing = defaultPreprocessing();
const raw = { ...preprocessing, scale: 1, mean: [0, 0, 0], std: [1, 1, 1] };

function picture(random: Random): Content {
  const level = (): number => Math.floor(256 * random.next());
  return {
    kind: "rgb",
    rows: Array.from({ length: height }, () => Array.from({ length: width }, (): Rgb => [level(), level(), level()])),
  };
}

function labels(random: Random): Content {
  const row = (): number[] => Array.from({ length: width }, () => Math.floor(3 * random.next()));
  return { kind: "gray", rows: Array.from({ length: height }, row) };
}

/** Two sequences of five frames, of which all but the last of each have labels. */
async function smallDataset(folder: string): Promise<void> {
  const files: Record<string, Content> = { "classes.json": '["sky", "road", "car"]' };
  for (const drive of ["one", "two"]) {
    for (let frame = 0; frame < 5; frame++) {
      const random = new Random(frame, drive);
      files[`frames/${drive}/${frame}.png`] = picture(random);
      if (frame < 4) files[`labels/${drive}/${frame}.png`] = labels(random);
    }
  }
  await writeFiles(folder, files);
}

async function optionsFor(folder: string, changes: Partial<FeederOptions> = {}): Promise<FeederOptions> {
  const { samples, lookup } = await openTrainingSet(folder);
  const augmentation = {
    crop,
    scale: [0.5, 2],
    flip: 0.5,
    rotateDeg: 20,
    colour: { brightness: 0.3, gamma: 0.2 },
    blur: { sigmaPx: 1 },
    noise: { deviation: 9 },
  } as const;
  return { samples, lookup, preprocessing, augmentation, batch: 3, seed: 4, ...changes };
}

async function batchesOf(options: FeederOptions, count: number): Promise<Batch[]> {
  await using feeder = await openFeeder(options);
  const batches: Batch[] = [];
  while (batches.length < count) batches.push(await feeder.next());
  return batches;
}

describe("what batches depend on", () => {
  test("not on what is made ahead, how many workers there are, what is kept, and where it starts", async () => {
    await using folder = await temporaryFolder();
    await smallDataset(folder.path);
    const options = await optionsFor(folder.path);
    const batches = await batchesOf({ ...options, prefetch: 1 }, 7);
    expect(batches.map(({ index }) => index)).toEqual([0, 1, 2, 3, 4, 5, 6]);
    expect(batches.map(({ samplesSeen }) => samplesSeen)).toEqual([3, 6, 9, 12, 15, 18, 21]);
    expect(new Set(batches.map(({ image }) => image.join())).size).toBe(7);
    // Every epoch has every sample once, and the next one begins within a batch.
    const seen = batches.flatMap(({ samples }) => samples);
    for (const from of [0, 8]) {
      expect(seen.slice(from, from + 8).sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    }
    expect(await batchesOf({ ...options, prefetch: 4, workers: 2, cacheBytes: 0 }, 7)).toEqual(batches);
    expect(await batchesOf({ ...options, startBatch: 4 }, 3)).toEqual(batches.slice(4));
    const [other] = await batchesOf({ ...options, seed: 5 }, 1);
    expect(other?.image).not.toEqual(batches[0]?.image);
  });
});

describe("what is in a batch", () => {
  test("the frames of the dataset, with their labels, where nothing is varied", async () => {
    await using folder = await temporaryFolder();
    await smallDataset(folder.path);
    const set = await openTrainingSet(folder.path, { frames: "all" });
    const lookup = set.lookup.map((label) => (label === 1 ? 9 : label));
    const options: FeederOptions = {
      ...set,
      lookup,
      preprocessing: raw,
      augmentation: { crop: { widthPx: width, heightPx: height } },
      batch: 4,
      seed: 1,
    };
    const dataset = await openDataset(folder.path);
    for (const batch of await batchesOf(options, 3)) {
      expect(batch.imageDims).toEqual([4, 3, height, width]);
      expect(batch.labelDims).toEqual([4, height, width]);
      for (const [place, index] of batch.samples.entries()) {
        const sample = set.samples[index];
        const sequence = dataset.sequences[sample?.sequence ?? -1];
        const from = sample?.index ?? -1;
        for await (const shot of sequence?.read({ from, to: from + 1 }) ?? []) {
          const pixels = width * height;
          const planes = [0, 1, 2].flatMap((c) => [...shot.frame.data].filter((_, at) => at % 3 === c));
          expect([...batch.image.subarray(place * 3 * pixels, (place + 1) * 3 * pixels)]).toEqual(planes);
          const expected = shot.labels?.data.map((label) => (label === 1 ? 9 : label));
          expect(batch.labels.slice(place * pixels, (place + 1) * pixels)).toEqual(
            expected ?? new Uint8Array(pixels).fill(ignoreLabel),
          );
          expect(batch.labelled[place]).toBe(shot.labels === undefined ? 0 : 1);
        }
      }
    }
  });

  test("the frames of clips, which all get the same transform", async () => {
    await using folder = await temporaryFolder();
    const plain = Array.from({ length: 5 }, (_, frame) => [`frames/${frame}.png`, flat(frame * 10)] as const);
    const mask = labels(new Random(1, "mask"));
    await writeFiles(folder.path, {
      "classes.json": '["a", "b", "c"]',
      ...Object.fromEntries(plain),
      "labels/2.png": mask,
      "labels/4.png": mask,
    });
    const clip = { frames: 3, gap: [1, 2], anchor: "last" } as const;
    const changes = { preprocessing: raw, clip, batch: 2, augmentation: { crop, scale: [2, 2], flip: 0.5 } } as const;
    const options = await optionsFor(folder.path, changes);
    const pixels = crop.widthPx * crop.heightPx;
    const order = sampleOrder(options.seed, 2);
    for (const batch of await batchesOf(options, 4)) {
      expect(batch.imageDims).toEqual([6, 3, crop.heightPx, crop.widthPx]);
      for (const place of [0, 1]) {
        const position = batch.index * 2 + place;
        const own = options.samples[order(position)];
        if (own === undefined) throw new Error("no sample");
        const frames = drawClip(clip, own, drawsAt(options.seed, position, "clip"));
        const labelled = frames.map((frame) => (frame === 2 || frame === 4 ? 1 : 0));
        expect([...batch.labelled.subarray(place * 3, place * 3 + 3)]).toEqual(labelled);
        const maps = [0, 1, 2].map((at) => {
          const first = (place * 3 + at) * pixels;
          const image = batch.image.subarray(first * 3, (first + pixels) * 3);
          const level = (frames[at] ?? 0) * 10;
          // Weights of samples add up to 1 in single precision.
          expect(Math.max(...image.map((value) => Math.abs(value - level)))).toBeLessThan(1e-4);
          return batch.labels.slice(first, first + pixels).join();
        });
        expect(maps.filter((_, at) => labelled[at] === 0).every((map) => /^(?:255,?)+$/u.test(map))).toBe(true);
        // Both frames with labels have the same mask, so they look alike after the same transform.
        expect(new Set(maps.filter((_, at) => labelled[at] === 1)).size).toBe(1);
      }
    }
  });

  test("without labels, where they are not to be used", async () => {
    await using folder = await temporaryFolder();
    await smallDataset(folder.path);
    const set = await openTrainingSet(folder.path, { frames: "unlabelled" });
    expect(set.samples.length).toBe(10);
    const options = { ...set, preprocessing, augmentation: { crop }, batch: 10, seed: 1 };
    const [batch] = await batchesOf(options, 1);
    expect(new Set(batch?.labels)).toEqual(new Set([ignoreLabel]));
    expect(new Set(batch?.labelled)).toEqual(new Set([0]));
  });
});

function flat(level: number): Content {
  const row = Array.from({ length: width }, (): Rgb => [level, level, level]);
  return { kind: "rgb", rows: Array.from({ length: height }, () => row) };
}

/** Worker threads of this process. */
function liveWorkers(): number {
  const report = process.report.getReport() as unknown as { readonly workers: readonly unknown[] };
  return report.workers.length;
}

describe("how feeders end", () => {
  test("an aborted wait takes nothing away, and after disposal there is no worker", async () => {
    await using folder = await temporaryFolder();
    await smallDataset(folder.path);
    const options = await optionsFor(folder.path, { workers: 2 });
    const [first, second] = await batchesOf({ ...options, workers: 1 }, 2);
    const before = liveWorkers();
    const feeder = await openFeeder(options);
    expect(liveWorkers()).toBe(before + 2);
    const stop = new AbortController();
    const waiting = feeder.next(stop.signal);
    stop.abort();
    await expect(waiting).rejects.toMatchObject({ code: "aborted" });
    await expect(feeder.next(AbortSignal.abort())).rejects.toMatchObject({ code: "aborted" });
    // Calls may overlap.
    expect(await Promise.all([feeder.next(), feeder.next()])).toEqual([first, second]);
    const late = Promise.allSettled([feeder.next(), feeder.next(), feeder.next(new AbortController().signal)]);
    await feeder[Symbol.asyncDispose]();
    expect((await late).at(-1)).toMatchObject({ status: "rejected", reason: { code: "aborted" } });
    await feeder[Symbol.asyncDispose]();
    await expect(feeder.next()).rejects.toMatchObject({ code: "aborted" });
    expect(liveWorkers()).toBe(before);
  });

  test.each(["frames/one/2.png", "labels/one/2.png"])("a damaged %s is named, whenever it is reached", async (file) => {
    await using folder = await temporaryFolder();
    await smallDataset(folder.path);
    const options = await optionsFor(folder.path, { batch: 2 });
    const damaged = options.samples.findIndex(({ sequence, index }) => sequence === 0 && index === 2);
    const place = Array.from({ length: 8 }, (_, at) => at).find((at) => sampleOrder(4, 8)(at) === damaged) ?? -1;
    const path = join(folder.path, file);
    await truncate(path, (await readFile(path)).length - 30);
    await using feeder = await openFeeder(options);
    // What comes before it is good.
    for (let index = 0; index < Math.floor(place / 2); index++) await feeder.next();
    for (let again = 0; again < 2; again++) {
      const failure = await feeder.next().catch((error: unknown) => error);
      expect(failure).toBeInstanceOf(ClockworkError);
      expect(String(failure)).toContain(path);
    }
  });

  test("settings that cannot be are refused, and so is a dataset that changed", async () => {
    await using folder = await temporaryFolder();
    await smallDataset(folder.path);
    const options = await optionsFor(folder.path);
    await expect(openFeeder({ ...options, samples: [] })).rejects.toThrow("expected samples, got none");
    await expect(openFeeder({ ...options, batch: 0 })).rejects.toThrow("expected batch to be a whole number from 1");
    await expect(openFeeder({ ...options, seed: 0.5 })).rejects.toThrow("expected seed to be a whole number, got 0.5");
    const lookup = options.lookup.map((_, label) => label);
    await expect(openFeeder({ ...options, lookup: lookup.with(255, 0) })).rejects.toThrow("expected 255 for 255");
    await expect(openFeeder({ ...options, lookup: [...lookup, 3] })).rejects.toThrow("got 257 of them");
    await expect(openFeeder({ ...options, clip: { frames: 0 } })).rejects.toThrow("expected frames to be");

    await writeFile(join(folder.path, "frames/one/9.png"), "");
    await using feeder = await openFeeder(options);
    await expect(feeder.next()).rejects.toThrow("with 5 frames in its sequence, got 6");
  });
});

test("the cache keeps what was used last, within its bytes", async () => {
  await using folder = await temporaryFolder();
  await smallDataset(folder.path);
  const { samples } = await openTrainingSet(folder.path);
  const [sample] = samples;
  if (sample === undefined) throw new Error("no sample");
  const one = width * height * 4;
  const cache = new FrameCache(2 * one);
  const [first, second] = [await cache.read(sample, 0), await cache.read(sample, 1)];
  expect(cache.bytes).toBe(2 * one);
  expect(await cache.read(sample, 0)).toBe(first);
  const third = await cache.read(sample, 2);
  expect(cache.bytes).toBe(2 * one);
  expect(await cache.read(sample, 0)).toBe(first);
  expect(await cache.read(sample, 2)).toBe(third);
  const again = await cache.read(sample, 1);
  expect(again).not.toBe(second);
  expect(again).toEqual(second);
  // Without labels it is smaller by a quarter.
  await cache.read(sample, 4);
  expect(cache.bytes).toBe(one + (one * 3) / 4);
});

const camvid = besideProject("data/camvid");

test.skipIf(camvid === undefined)(
  "real frames of CamVid: all classes come, and pictures are as bright as they were",
  async () => {
    const { samples, lookup, classNames } = await openTrainingSet(camvid ?? "", { classes: 11 });
    expect(samples.length).toBe(367);
    const augmentation = { crop: { widthPx: 320, heightPx: 240 }, scale: [0.5, 2], flip: 0.5 } as const;
    const [batch] = await batchesOf({ samples, lookup, preprocessing, augmentation, batch: 16, seed: 1 }, 1);
    const seen = new Set(batch?.labels);
    expect([...seen].sort((a, b) => a - b)).toEqual([...classNames.keys(), ignoreLabel]);
    expect(new Set(batch?.labelled)).toEqual(new Set([1]));
    // Streets under a gray sky: around ImageNet's mean, and within what 0 to 255 can become.
    const image = batch?.image ?? new Float32Array();
    const mean = image.reduce((sum, value) => sum + value / image.length, 0);
    expect(Math.abs(mean)).toBeLessThan(1);
    expect(image.every((value) => value >= -2.2 && value <= 2.7)).toBe(true);
  },
);
