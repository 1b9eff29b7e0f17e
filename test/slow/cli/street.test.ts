// `clockwork street`, its longer tests: several clips, a video, Ctrl-C, and wrong use of its flags.

import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openDataset } from "../../../src/datasets/index.ts";
import { openVideo } from "../../../src/video/index.ts";
import { streetClasses } from "../../../src/video/street/index.ts";
import { temporaryFolder } from "../../support/model-folder.ts";
import { pause } from "../../support/segmenting.ts";
import { jsonOf, linesOf, namesIn, run, start } from "../../cli/cli.ts";

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
beforeAll(async () => {
  folder = await temporaryFolder("clockwork-cli-");
});
afterAll(() => folder[Symbol.asyncDispose]());

test("a folder with clips of several styles, and one JSON object", async () => {
  const args = [
    "--seed",
    "7",
    "--seconds",
    "0.4",
    "--fps",
    "10",
    "--size",
    "40x30",
    "--style",
    "dusk, rain",
    "--camera",
    "turn",
  ];
  const ended = await run(folder.path, "street", ...args, "--every", "3", "--no-depth", "-o", "streets/", "--json");
  expect(ended.code).toBe(0);
  expect(jsonOf(ended)).toMatchObject({
    output: "streets/",
    frames: 4,
    seeds: [7, 8],
    classes: streetClasses,
    clips: [
      { name: "7-dusk-turn", frames: 4, seed: 7, style: "dusk", camera: "turn", widthPx: 40, heightPx: 30, fps: 10 },
      { name: "8-rain-turn" },
    ],
  });
  const path = join(folder.path, "streets");
  const kinds = ["classes.json", "flow", "frames", "instances", "labels", "occlusion", "street.json"];
  expect(await namesIn(path)).toEqual(kinds);
  expect(await namesIn(join(path, "flow", "8-rain-turn"))).toEqual(["000000.flo", "000003.flo"]);
  const { sequences, notes } = await openDataset(path);
  expect([sequences.map(({ labelled }) => labelled.length), notes]).toEqual([[2, 2], []]);
});

test("a video, and two lines", async () => {
  const { code, stdout } = await run(folder.path, "street", "--frames", "3", "--size", "64x48", "-o", "clip.mp4");
  expect(code).toBe(0);
  expect(linesOf(stdout)).toEqual([expect.stringMatching(/^3 frames in [\d.]+ s: /u), "written: clip.mp4"]);
  await using video = await openVideo(join(folder.path, "clip.mp4"));
  expect(video.info).toMatchObject({ widthPx: 64, heightPx: 48, frameRate: 15 });
});

test("Ctrl-C: exit code 130, and nothing is left", async () => {
  const before = await namesIn(folder.path);
  const running = start(folder.path, ["street", "--seconds", "600", "--size", "320x240", "-o", "long"]);
  const frames = join(folder.path, `long.part-${running.child.pid}`, "frames");
  while ((await readdir(frames).catch(() => [])).length === 0) {
    if (running.child.exitCode !== null) throw new Error("expected it to be writing, got its end");
    await pause(20);
  }
  running.child.kill("SIGINT");
  const { code, stdout, stderr } = await running.ended;
  expect([code, stdout]).toEqual([130, ""]);
  expect(stderr).not.toContain("error:");
  expect(await namesIn(folder.path)).toEqual(before);
});

test.each<readonly [string, number, readonly string[], RegExp]>([
  ["no output", 2, [], /--output/],
  ["a seed that is none", 2, ["--seed", "1.5", "-o", "x"], /--seed.*"1\.5"/],
  ["a style that is none", 2, ["--style", "day,snow", "-o", "x"], /--style.*dusk.*"snow"/],
  ["a camera that is none", 2, ["--camera", "fly", "-o", "x"], /--camera.*"fly"/],
  ["seconds and frames", 2, ["--seconds", "1", "--frames", "9", "-o", "x"], /cannot be used with/],
  ["a density out of range", 2, ["--density", "9", "-o", "x"], /density.*0 to 3/],
  ["noise that is none", 2, ["--noise", "much", "-o", "x"], /--noise.*"much"/],
  ["a size that is too small", 2, ["--size", "8x8", "-o", "x"], /widthPx/],
  ["clips in a video", 2, ["--clips", "2", "-o", "x.mp4"], /folder/],
  ["an unknown extension", 2, ["-o", "x.avi"], /\.mp4/],
  ["a folder with something in it", 2, ["-o", "."], /empty/],
  ["an output out of reach", 1, ["--frames", "1", "--size", "40x30", "-o", "/dev/null/x"], /\/dev\/null\/x/],
])("%s", async (_name, code, args, message) => {
  const ended = await run(folder.path, "street", ...args);
  expect({ code: ended.code, stdout: ended.stdout }).toEqual({ code, stdout: "" });
  expect(linesOf(ended.stderr).filter((line) => line.startsWith("error:"))).toEqual([expect.stringMatching(message)]);
  expect(ended.stderr).not.toMatch(/^ +at |bug/m);
  expect(await namesIn(folder.path)).not.toContain("x");
});
