// Videos of frames: read again, they are nearly what went in, and whole or not there.

import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { FrameVideo, openVideo, type FrameVideoOptions } from "../../src/video/index.ts";
import type { Frame } from "../../src/frame.ts";
import { collect, solidFrame, temporaryFolder } from "./clips.ts";

const colours = [
  [200, 40, 30],
  [20, 180, 60],
  [255, 255, 255],
] as const;

const framesOf = (widthPx: number, heightPx: number): Frame[] =>
  colours.map((rgb, index) => ({ ...solidFrame(widthPx, heightPx, rgb), timestampSec: index / 10 }));

async function write(path: string, frames: readonly Frame[], options?: Partial<FrameVideoOptions>): Promise<void> {
  const video = await FrameVideo.create(path, { frameRate: 10, ...options });
  for (const frame of frames) await video.write(frame);
  await video.close();
}

test.each([
  ["a.mp4", "h264", 48, 32],
  ["a.mkv", "h264", 47, 31],
  ["a.webm", "vp9", 47, 32],
])("%s: %s, the colours and times of the frames, odd sides made even", async (name, codec, widthPx, heightPx) => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, name);
  await write(path, framesOf(widthPx, heightPx));
  await using video = await openVideo(path);
  expect(video.info.codec).toBe(codec);
  const frames = await collect(video);
  expect(frames).toHaveLength(colours.length);
  for (const [index, frame] of frames.entries()) {
    expect([frame.widthPx, frame.heightPx]).toEqual([widthPx + (widthPx % 2), heightPx + (heightPx % 2)]);
    expect(frame.timestampSec).toBeCloseTo(index / 10, 2);
    for (const [at, value] of frame.data.entries()) {
      expect(Math.abs(value - (colours[index]?.[at % 3] ?? 0)), `frame ${index}, byte ${at}`).toBeLessThan(8);
    }
  }
});

test("with one thread the same frames give the same pixels", async () => {
  await using folder = await temporaryFolder();
  const [first, second] = [join(folder.path, "a.mkv"), join(folder.path, "b.mkv")];
  const frames = await Promise.all(
    [first, second].map(async (path) => {
      await write(path, framesOf(48, 32), { threads: 1, crf: 35 });
      await using video = await openVideo(path);
      return await collect(video);
    }),
  );
  expect(frames[0]?.map(({ data }) => data)).toEqual(frames[1]?.map(({ data }) => data));
});

test("nothing is under the name before close, and nothing at all after abort", async () => {
  await using folder = await temporaryFolder();
  const video = await FrameVideo.create(join(folder.path, "a.mp4"), { frameRate: 10 });
  for (const frame of framesOf(32, 32)) await video.write(frame);
  expect(await readdir(folder.path)).not.toContain("a.mp4");
  await video.abort();
  expect(await readdir(folder.path)).toEqual([]);
});

test("a video of no frames is an error", async () => {
  await using folder = await temporaryFolder();
  const video = await FrameVideo.create(join(folder.path, "a.mp4"), { frameRate: 10 });
  await expect(video.close()).rejects.toThrow(/a\.mp4: expected frames/u);
  await video.abort();
  expect(await readdir(folder.path)).toEqual([]);
});
