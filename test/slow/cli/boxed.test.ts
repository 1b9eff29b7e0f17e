// Commands without a model: they take the network in the box, and say so.

import { afterAll, beforeAll, expect, test } from "vitest";
import { jsonOf, linesOf, run, workFolder } from "../../cli/cli.ts";

let folder: Awaited<ReturnType<typeof workFolder>>;
beforeAll(async () => {
  folder = await workFolder();
});
afterAll(() => folder[Symbol.asyncDispose]());

const line = "no --model: the network in the box, street (trained on a synthetic street; docs/street-model.md)";

test.each<readonly [string, readonly string[]]>([
  ["segment", ["clip.mp4", "--clock", "fixed:2"]],
  ["evaluate", ["clip.mp4", "--clock", "fixed:2", "--limit", "3"]],
  ["tune", ["clip.mp4", "--budget", "0.9"]],
  ["inspect", ["--size", "96x64"]],
  ["compile", ["--size", "96x64", "-o", "out.onnx"]],
])("%s", async (command, args) => {
  const { code, stdout, stderr } = await run(folder.path, command, ...args);
  expect([code, stderr]).toEqual([0, expect.stringContaining(line)]);
  expect(linesOf(stderr).filter((other) => other === line)).toHaveLength(1);
  expect(stdout).not.toContain("no --model");
});

test("with --quiet, nothing is said of it; with a model, neither", async () => {
  const quiet = await run(folder.path, "segment", "clip.mp4", "-q", "--json");
  expect([quiet.code, quiet.stderr]).toEqual([0, ""]);
  expect(jsonOf(quiet)).toMatchObject({ frames: 10, warnings: [] });
  expect((await run(folder.path, "inspect", "net", "--size", "96x64")).stderr).not.toContain("in the box");
});
