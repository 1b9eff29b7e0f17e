// `clockwork street`: a dataset from the command line, what it says of it, and how wrong use ends.

import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openDataset } from "../../src/datasets/index.ts";
import { streetClasses } from "../../src/video/street/index.ts";
import { temporaryFolder } from "../support/model-folder.ts";
import { jsonOf, linesOf, namesIn, run } from "./cli.ts";

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
beforeAll(async () => {
  folder = await temporaryFolder("clockwork-cli-");
});
afterAll(() => folder[Symbol.asyncDispose]());

test("a folder, and one JSON object", async () => {
  const args = ["--seed", "7", "--frames", "2", "--size", "40x30", "--style", "rain", "--no-depth", "-o", "rain"];
  const ended = await run(folder.path, "street", ...args, "--json");
  expect(ended.code).toBe(0);
  expect(jsonOf(ended)).toMatchObject({ output: "rain", frames: 2, seeds: [7], classes: streetClasses });
  expect(await namesIn(folder.path)).toEqual(["rain"]);
  const kinds = ["classes.json", "flow", "frames", "instances", "labels", "occlusion", "street.json"];
  expect(await namesIn(join(folder.path, "rain"))).toEqual(kinds);
  const { sequences } = await openDataset(join(folder.path, "rain"));
  expect(sequences[0]?.labelled).toEqual([0, 1]);
});

test.each<readonly [string, number, readonly string[], RegExp]>([
  ["a style that is none", 2, ["--style", "day,snow", "-o", "x"], /--style.*dusk.*"snow"/],
  ["an output out of reach", 1, ["--frames", "1", "--size", "40x30", "-o", "/dev/null/x"], /\/dev\/null\/x/],
])("%s", async (_name, code, args, message) => {
  const ended = await run(folder.path, "street", ...args);
  expect({ code: ended.code, stdout: ended.stdout }).toEqual({ code, stdout: "" });
  expect(linesOf(ended.stderr).filter((line) => line.startsWith("error:"))).toEqual([expect.stringMatching(message)]);
  expect(ended.stderr).not.toContain("bug");
});
