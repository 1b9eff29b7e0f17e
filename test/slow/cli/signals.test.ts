// Ctrl-C: an unfinished video of a file is removed and an older one under its name stays; of a live source it is finished.

import { createReadStream } from "node:fs";
import { readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openVideo } from "../../../src/video/index.ts";
import { collect, makeClip } from "../../video/clips.ts";
import { pause } from "../../support/segmenting.ts";
import { clipGraph, jsonOf, namesIn, start, workFolder, type Running } from "../../cli/cli.ts";

let folder: Awaited<ReturnType<typeof workFolder>>;
beforeAll(async () => {
  folder = await workFolder();
  await makeClip(join(folder.path, "long.mp4"), { graph: clipGraph("96x64", 3000) });
  await makeClip(join(folder.path, "live.ts"), { graph: clipGraph("96x64", 250) });
});
afterAll(() => folder[Symbol.asyncDispose]());

/** Waits until the first frame of an output is written, as its unfinished file shows. */
async function untilWriting({ child }: Running, stem: string): Promise<void> {
  const part = join(folder.path, `.${stem}.part-${child.pid}.mp4`);
  for (;;) {
    const found = await stat(part).catch(() => undefined);
    if (found !== undefined && found.size > 0) return;
    if (child.exitCode !== null) throw new Error("expected it to be writing, got its end");
    await pause(20);
  }
}

test("during a file: exit code 130, nothing unfinished, the older file as it was", async () => {
  await writeFile(join(folder.path, "out.mp4"), "older");
  const before = await namesIn(folder.path);
  // At a size that takes long enough to be interrupted.
  const args = ["segment", "long.mp4", "--model", "net", "--size", "640x480", "-o", "out.mp4", "--json"];
  const running = start(folder.path, args);
  await untilWriting(running, "out");
  running.child.kill("SIGINT");
  const { code, stdout, stderr } = await running.ended;
  expect([code, stdout]).toEqual([130, ""]);
  expect(stderr).toContain("stopping");
  expect(stderr).not.toContain("error:");
  expect(await namesIn(folder.path)).toEqual(before);
  expect(await readFile(join(folder.path, "out.mp4"), "utf8")).toBe("older");
});

test("twice: it ends at once", async () => {
  const running = start(folder.path, ["segment", "long.mp4", "--model", "net", "--size", "1280x960", "-o", "out.mp4"]);
  await untilWriting(running, "out");
  running.child.kill("SIGINT");
  await running.said("stopping");
  running.child.kill("SIGINT");
  expect((await running.ended).code).toBe(130);
  expect(await readFile(join(folder.path, "out.mp4"), "utf8")).toBe("older");
});

test("before anything was read: exit code 130", async () => {
  // Standard input stays open and empty.
  const running = start(folder.path, ["segment", "-", "--model", "net"]);
  await pause(1500);
  running.child.kill("SIGINT");
  expect((await running.ended).code).toBe(130);
});

test("during a live source: the output is finished, and plays", async () => {
  const running = start(folder.path, ["segment", "-", "--model", "net", "-o", "live.mp4", "--json"]);
  // A stream that stays open after its last frame, as a camera does.
  createReadStream(join(folder.path, "live.ts")).pipe(running.child.stdin, { end: false });
  await untilWriting(running, "live");
  running.child.kill("SIGINT");
  const ended = await running.ended;
  expect(ended.code).toBe(0);
  const json = jsonOf(ended);
  expect(json).toMatchObject({ output: "live.mp4", warnings: [] });
  await using video = await openVideo(join(folder.path, "live.mp4"));
  expect(await collect(video)).toHaveLength(Number(json["frames"]));
  expect(json["frames"]).toBeGreaterThan(0);
});
