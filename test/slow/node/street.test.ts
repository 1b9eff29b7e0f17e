// Streets on disk, several clips of them: the same from any number of workers, compressed, as a video, and stopped.

import { mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openDataset } from "../../../src/datasets/index.ts";
import { openVideo, readImage, readLabelImage } from "../../../src/video/index.ts";
import { framesOf } from "../../datasets/files.ts";
import { apart, contentOf, rendered, small, write } from "../../node/written-streets.ts";
import { temporaryFolder } from "../../support/model-folder.ts";
import { collect } from "../../video/clips.ts";

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
beforeAll(async () => {
  folder = await temporaryFolder();
});
afterAll(() => folder[Symbol.asyncDispose]());

const at = (...names: readonly string[]): string => join(folder.path, ...names);

describe("two clips, each in two ranges", () => {
  const two = { styles: ["day", "night"], frames: 17 } as const;
  beforeAll(async () => {
    await write(at("two"), two);
  });

  test("are sequences of one dataset, their frames and labels those of the renderer", async () => {
    const { sequences, notes } = await openDataset(at("two"));
    expect(notes).toEqual([]);
    expect(sequences.map(({ name, labelled }) => [name, labelled.length])).toEqual([
      ["3-day-drive", 17],
      ["4-night-drive", 17],
    ]);
    const read = await framesOf(sequences[1]);
    const expected = rendered([...read.keys()], { seed: 4, style: "night" });
    expect(read.map(({ frame }) => frame)).toEqual(expected.map(({ frame }) => frame));
    expect(read.map(({ labels }) => labels)).toEqual(expected.map(({ labels }) => labels));
  });

  test("are the same to the byte from one worker as from two", async () => {
    await write(at("again"), { ...two, threads: 1 });
    expect(await contentOf(at("again"))).toEqual(await contentOf(at("two")));
  });
});

test("some frames, and frames and labels alone, into a folder that was empty", async () => {
  await mkdir(at("few"));
  const maps = { flow: false, depth: false, instances: false };
  const steps: string[] = [];
  const { frames } = await write(at("few"), {
    frames: 8,
    every: 5,
    maps,
    onProgress: (progress) => steps.push(`${progress.frames}/${progress.total}`),
  });
  expect([frames, steps]).toEqual([2, ["1/2", "2/2"]]);
  const names = ["000000.png", "000005.png"];
  expect([...(await contentOf(at("few"))).keys()]).toEqual([
    "classes.json",
    ...names.map((name) => join("frames", name)),
    ...names.map((name) => join("labels", name)),
    "street.json",
  ]);
  const { sequences } = await openDataset(at("few"));
  const [first, second] = await framesOf(sequences[0]);
  expect((second?.frame.timestampSec ?? 0) - (first?.frame.timestampSec ?? 0)).toBeCloseTo(1, 9);
  const [expected] = rendered([5]);
  expect([second?.frame.data, second?.labels]).toEqual([expected?.frame.data, expected?.labels]);
});

test("compressed frames are near the rendered ones, nearer at better quality; everything else is the same", async () => {
  // Odd sides, which the encoder does not have.
  const size = { widthPx: 41, heightPx: 31 };
  const [expected] = rendered([6], { seed: 3, ...size });
  const error = async (compress: number): Promise<number> => {
    const path = at(`crf${compress}`);
    await write(path, { frames: 7, every: 3, compress, ...size });
    expect(await readdir(path)).not.toContain("3-day-drive.mkv");
    expect(await readLabelImage(join(path, "labels", "000006.png"))).toEqual(expected?.labels);
    const frame = await readImage(join(path, "frames", "000006.png"));
    expect(frame).toMatchObject(size);
    return apart(frame.data, expected?.frame.data ?? new Uint8Array(0));
  };
  const [good, bad] = [await error(5), await error(45)];
  expect(good).toBeGreaterThan(0);
  expect(good).toBeLessThan(6);
  expect(bad).toBeGreaterThan(1.5 * good);
});

test("a video has the frames in their order, each at its time", async () => {
  await write(at("clip.mp4"), { frames: 40, compress: 10 });
  await using video = await openVideo(at("clip.mp4"));
  const frames = await collect(video);
  expect(frames).toHaveLength(40);
  for (const [index, expected] of rendered([...frames.keys()]).entries()) {
    const frame = frames[index];
    expect(frame?.timestampSec).toBeCloseTo(index / small.fps, 3);
    expect(apart(frame?.data ?? new Uint8Array(1), expected.frame.data), `frame ${index}`).toBeLessThan(8);
  }
});

test.each(["stopped", "stopped.mp4"])("%s by its signal, nothing is left", async (name) => {
  await mkdir(at("stop"), { recursive: true });
  const stop = new AbortController();
  const onProgress = ({ frames }: { readonly frames: number }): void => {
    if (frames === 3) stop.abort();
  };
  const writing = write(at("stop", name), { frames: 5000, signal: stop.signal, onProgress });
  await expect(writing).rejects.toMatchObject({ code: "aborted" });
  expect(await readdir(at("stop"))).toEqual([]);
});
