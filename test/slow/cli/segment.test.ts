// `clockwork segment`: what it prints and writes, on clips made here. Files that it wrote are read back.

import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openVideo } from "../../../src/video/index.ts";
import { readLabelImage } from "../../../src/video/label-image.ts";
import { openSegmenter } from "../../../src/node/open-segmenter.ts";
import { resultsOf } from "../../support/segmenting.ts";
import { collect, encodeImage, makeClip } from "../../video/clips.ts";
import { clipGraph, jsonOf, linesOf, namesIn, run, workFolder } from "../../cli/cli.ts";

let folder: Awaited<ReturnType<typeof workFolder>>;
beforeAll(async () => {
  folder = await workFolder();
});
afterAll(() => folder[Symbol.asyncDispose]());

const inFolder = (name: string): string => join(folder.path, name);
const segment = (video: string, ...args: readonly string[]): ReturnType<typeof run> =>
  run(folder.path, "segment", video, "--model", "net", ...args);

/** Size and timestamps of a video. */
async function looked(path: string): Promise<{ size: string; times: readonly number[] }> {
  await using video = await openVideo(path);
  const frames = await collect(video);
  return {
    size: `${video.info.widthPx}x${video.info.heightPx}`,
    times: frames.map(({ timestampSec }) => Math.round(1000 * timestampSec)),
  };
}

const tenTimes = Array.from({ length: 10 }, (_, at) => 40 * at);

test("an overlay, and one JSON object on standard output", async () => {
  const ended = await segment("clip.mp4", "-o", "overlay.mp4", "--json");
  expect(ended.code).toBe(0);
  const json = jsonOf(ended);
  expect(Object.keys(json).sort()).toEqual([
    "clock",
    "frames",
    "framesPerSecond",
    "latencyMs",
    "macsRatio",
    "output",
    "seconds",
    "shots",
    "updateRates",
    "warnings",
  ]);
  expect(json).toMatchObject({
    clock: "fixed:2",
    frames: 10,
    updateRates: [1, 0.5],
    shots: 0,
    output: "overlay.mp4",
    warnings: [],
  });
  const latency = json["latencyMs"] as { p50: number; p95: number; max: number };
  expect(Object.keys(latency)).toEqual(["mean", "p50", "p95", "p99", "max", "worstFrame"]);
  expect(latency.p50).toBeGreaterThan(0);
  expect(latency.p95).toBeGreaterThanOrEqual(latency.p50);
  expect(latency.max).toBeGreaterThanOrEqual(latency.p95);
  expect(json["macsRatio"]).toBeGreaterThan(0.5);
  expect(json["macsRatio"]).toBeLessThan(1);
  expect(json["framesPerSecond"]).toBeCloseTo(10 / Number(json["seconds"]), 6);
  expect(await looked(inFolder("overlay.mp4"))).toEqual({ size: "96x64", times: tenTimes });
});

test("a folder of labels: those of the segmenter, at the size of the video", async () => {
  const { code, stdout } = await segment("clip.mp4", "-o", "labels", "--clock", "skip:3", "--size", "64x32", "-q");
  expect(code).toBe(0);
  expect(linesOf(stdout)[0]).toMatch(/^10 frames in /);
  expect(stdout).toContain("stage 2 on 40.0 % of the frames");
  expect(stdout).toContain("written: labels");
  const names = await namesIn(inFolder("labels"));
  expect(names).toEqual(Array.from({ length: 10 }, (_, at) => `${String(at).padStart(6, "0")}.png`));
  await using segmenter = await openSegmenter({
    model: inFolder("net"),
    clock: "skip:3",
    size: { widthPx: 64, heightPx: 32 },
  });
  const expected = await resultsOf(segmenter.segment(await openVideo(inFolder("clip.mp4"))));
  for (const [at, name] of names.entries()) {
    const labels = await readLabelImage(join(inFolder("labels"), name));
    expect([labels.widthPx, labels.heightPx]).toEqual([96, 64]);
    expect(labels.data).toEqual(expected[at]?.labels.data);
  }
});

test("a lossless video of labels", async () => {
  const ended = await segment(
    "clip.mp4",
    "-o",
    "labels.mkv",
    "--format",
    "labels",
    "--limit",
    "4",
    "--json",
    "--quiet",
  );
  expect([ended.code, ended.stderr]).toEqual([0, ""]);
  expect(jsonOf(ended)).toMatchObject({ frames: 4, output: "labels.mkv" });
  await using video = await openVideo(inFolder("labels.mkv"));
  expect(video.info.codec).toBe("ffv1");
  expect(await collect(video)).toHaveLength(4);
});

test("no output: numbers alone", async () => {
  const before = await namesIn(folder.path);
  const ended = await segment("clip.mp4", "--json", "--clock", "adaptive:0");
  expect(jsonOf(ended)).toMatchObject({ clock: "adaptive:0", updateRates: [1, 1], macsRatio: 1, output: null });
  expect(await namesIn(folder.path)).toEqual(before);
});

test("a size that the network cannot take is moved, and told once", async () => {
  const ended = await segment("clip.mp4", "--size", "90x70", "--json", "--clock", "every");
  const told = "the network cannot take 90x70: it runs at 96x64";
  expect(jsonOf(ended)["warnings"]).toEqual([told]);
  expect(linesOf(ended.stderr).filter((line) => line.includes("cannot take"))).toEqual([`warning: ${told}`]);
  expect(ended.stderr).toContain("network at 96x64");
});

test("a folder of images: labels have their names", async () => {
  await mkdir(inFolder("pictures"));
  for (const name of ["b10.png", "b2.jpg", "a 1.png"]) {
    await encodeImage(
      join(inFolder("pictures"), name),
      clipGraph("96x64", 1, name.endsWith("jpg") ? "yuvj420p" : "rgb24"),
    );
  }
  const ended = await segment("pictures", "-o", "named/", "--json");
  expect(jsonOf(ended)["frames"]).toBe(3);
  expect(await namesIn(inFolder("named"))).toEqual(["a 1.png", "b10.png", "b2.png"]);
});

describe("odd videos", () => {
  test.each<readonly [string, string, string, string, number]>([
    ["grey, of odd size, native", "grey # 1.mkv", "61x95", "gray", 10],
    ["portrait, under a name of many scripts", "straße 街 übung.mp4", "64x96", "yuv420p", 10],
    ["one frame", "one.mp4", "96x64", "yuv420p", 1],
  ])("%s", async (_name, name, size, format, frames) => {
    const encoder = format === "gray" ? { encoder: "ffv1" } : {};
    await makeClip(inFolder(name), { graph: clipGraph(size, frames, format), ...encoder });
    const output = `out ${name.replace(/\.\w+$/, ".mp4")}`;
    const ended = await segment(name, "-o", output, "--size", "native", "--json");
    expect(ended.code).toBe(0);
    expect(jsonOf(ended)).toMatchObject({ frames, output });
    const { size: written, times } = await looked(inFolder(output));
    // H.264 takes even sizes.
    const [width = 0, height = 0] = size.split("x").map(Number);
    expect(written.split("x").map(Number)).toEqual([
      expect.toSatisfy((px: number) => Math.abs(px - width) <= 1),
      expect.toSatisfy((px: number) => Math.abs(px - height) <= 1),
    ]);
    expect(times).toEqual(tenTimes.slice(0, frames));
  });
});
