// Wrong use and failure of the command line: the exit code, one line that starts with `error:`, no stack trace, nothing
// on standard output, and nothing new in the folder.

import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { makeClip } from "../../video/clips.ts";
import { linesOf, namesIn, run, start, workFolder } from "../../cli/cli.ts";

let folder: Awaited<ReturnType<typeof workFolder>>;
beforeAll(async () => {
  folder = await workFolder();
  await writeFile(join(folder.path, "text.mp4"), "no video\n".repeat(300));
  await writeFile(join(folder.path, "bad.json"), "{ no JSON");
  await writeFile(join(folder.path, "text.onnx"), "no network\n".repeat(300));
  await writeFile(join(folder.path, "empty.mp4"), "");
  await makeClip(join(folder.path, "audio.mp4"), { graph: "", withoutVideo: true, audioSec: 0.2 });
  await mkdir(join(folder.path, "empty"));
});
afterAll(() => folder[Symbol.asyncDispose]());

const wrongUse = 2;
const failure = 1;

describe.each<readonly [string, number, readonly string[], RegExp]>([
  ["no such command", wrongUse, ["segmint", "clip.mp4"], /unknown command/],
  ["no such flag", wrongUse, ["inspect", "net", "--sizes", "1x1"], /unknown option/],
  ["no video", wrongUse, ["segment", "--model", "net"], /video/],
  ["an empty model", wrongUse, ["segment", "clip.mp4", "--model", ""], /model/],
  ["a clock that is none", wrongUse, ["segment", "clip.mp4", "--model", "net", "--clock", "often"], /fixed:P.*"often"/],
  ["a size that is none", wrongUse, ["segment", "clip.mp4", "--model", "net", "--size", "big"], /640x480.*"big"/],
  ["a size out of reach", wrongUse, ["inspect", "net", "--size", "99999x99999"], /at most/],
  ["a limit that is none", wrongUse, ["segment", "clip.mp4", "--model", "net", "--limit", "0"], /--limit/],
  ["an opacity that is none", wrongUse, ["segment", "clip.mp4", "--model", "net", "--opacity", "2"], /--opacity/],
  ["a plan and a cut", wrongUse, ["inspect", "net", "--plan", "p.json", "--cut", "pool3"], /cannot be used with/],
  ["a demo of no length", wrongUse, ["demo", "--seconds", "0"], /--seconds/],
  ["a demo in weather that is none", wrongUse, ["demo", "--style", "snow"], /fog, rain/],
  ["a demo of half a seed", wrongUse, ["demo", "--seed", "1.5"], /--seed/],
  [
    "a demo of a video and a seed",
    wrongUse,
    ["demo", "clip.mp4", "--seed", "3", "--model", "net"],
    /--seed.*clip\.mp4/,
  ],
  ["a demo of no video", failure, ["demo", "none.mp4", "--model", "net", "-o", "a/b"], /none\.mp4.*nothing there/],
  ["a demo of no model", failure, ["demo", "--model", "none"], /none.*expected a model/],
  ["a demo into a file", failure, ["demo", "--model", "net", "-o", "clip.mp4"], /clip\.mp4.*folder/],
  ["half the size of weights alone", wrongUse, ["convert", "net", "--half", "-o", "x.safetensors"], /--half.*FOLDER/],
  ["half the size of nowhere", wrongUse, ["convert", "net", "--half"], /--half.*no output/],
  ["half the size, by a map", wrongUse, ["convert", "net", "--half", "--map", "m", "-o", "x"], /--map.*--network/],
  ["an unknown extension", wrongUse, ["segment", "clip.mp4", "--model", "net", "-o", "out.xyz"], /\.mp4/],
  ["the source as output", wrongUse, ["segment", "clip.mp4", "--model", "net", "-o", "clip.mp4"], /source/],
  [
    "a palette of no JSON",
    wrongUse,
    ["segment", "clip.mp4", "--model", "net", "-o", "o.mp4", "--palette", "bad.json"],
    /bad/,
  ],
  ["no such video", failure, ["segment", "none.mp4", "--model", "net"], /none\.mp4.*nothing there/],
  ["text as video", failure, ["segment", "text.mp4", "--model", "net", "-o", "o.mp4"], /text\.mp4.*expected a video/],
  ["an empty file as video", failure, ["segment", "empty.mp4", "--model", "net"], /empty file/],
  ["audio alone", failure, ["segment", "audio.mp4", "--model", "net"], /only audio/],
  ["a folder without images", failure, ["segment", "empty", "--model", "net"], /images/],
  ["no such model", failure, ["inspect", "none"], /none.*expected a model/],
  ["a folder without a network", failure, ["inspect", "empty"], /\.onnx/],
  ["text as network", failure, ["inspect", "text.onnx"], /expected an ONNX model/],
  ["no such plan", failure, ["inspect", "net", "--plan", "none.json"], /none\.json/],
  ["a cut somewhere else", failure, ["inspect", "net", "--cut", "pool9"], /pool9/],
  ["an output out of reach", failure, ["segment", "clip.mp4", "--model", "net", "-o", "none/o.mp4"], /none\/o\.mp4/],
])("%s", (_name, code, args, message) => {
  test.concurrent(`exits with ${code}`, async () => {
    const ended = await run(folder.path, ...args);
    expect({ code: ended.code, stdout: ended.stdout }).toEqual({ code, stdout: "" });
    const errors = linesOf(ended.stderr).filter((line) => line.startsWith("error:"));
    expect(errors).toEqual([expect.stringMatching(message)]);
    expect(ended.stderr).not.toMatch(/^ +at /m);
    expect(ended.stderr).not.toContain("bug");
  });
});

test("nothing was left behind", async () => {
  const given = ["audio.mp4", "bad.json", "clip.mp4", "empty", "empty.mp4", "net", "text.mp4", "text.onnx"];
  expect(await namesIn(folder.path)).toEqual(given);
});

describe("help", () => {
  test("of the whole, and where nothing is asked for", async () => {
    const [asked, unasked] = await Promise.all([run(folder.path, "--help"), run(folder.path)]);
    expect([asked.code, asked.stderr]).toEqual([0, ""]);
    for (const command of ["segment", "inspect", "compile"])
      expect(asked.stdout).toMatch(new RegExp(`^  ${command} `, "m"));
    expect([unasked.code, unasked.stdout, unasked.stderr]).toEqual([2, "", asked.stdout]);
  });

  test.concurrent.each(["segment", "inspect", "compile"])("of %s has an example of it", async (command) => {
    const { code, stdout, stderr } = await run(folder.path, command, "--help");
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toContain(`Usage: clockwork ${command} `);
    expect(stdout.slice(stdout.indexOf("Examples:"))).toContain(`  clockwork ${command} `);
  });

  test("the version is that of the package", async () => {
    expect((await run(folder.path, "--version")).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });
});

describe("readers that leave", () => {
  test("of standard output: no error", async () => {
    const { child, ended } = start(folder.path, ["inspect", "net", "--size", "32x32", "--nodes"]);
    child.stdout.destroy();
    const { code, stderr } = await ended;
    expect([code, stderr]).toEqual([0, ""]);
  });

  test("of standard error: the work goes on", async () => {
    const { child, ended } = start(folder.path, ["segment", "clip.mp4", "--model", "net", "-o", "seen.mp4"]);
    child.stderr.destroy();
    expect((await ended).code).toBe(0);
    expect(await namesIn(folder.path)).toContain("seen.mp4");
  });
});
