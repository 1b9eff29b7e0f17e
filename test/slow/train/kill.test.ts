// A training that is killed at any moment ends, when it is started again, at the same bytes as one that was not.

import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { run, start } from "../../cli/cli.ts";
import { folderWithData, tinyRecipe } from "../../node/training/tiny-training.ts";

/** Kills at different moments: in the first steps, between checkpoints, in the middle of writing them. */
const afterMs = [1500, 2300, 3100, 2700, 4000];

test("kill -9 again and again", async () => {
  await using home = await folderWithData();
  const folder = home.path;
  await writeFile(join(folder, "tiny.json"), JSON.stringify({ ...tinyRecipe, steps: 120 }));
  const args = (output: string): readonly string[] => [
    ...["train", "--data", "data", "--network", "street", "--recipe", "tiny.json"],
    ...["--checkpoint", "0", "--quiet", "-o", output],
  ];
  const whole = await run(folder, ...args("whole"));
  expect(whole).toMatchObject({ code: 0, stderr: "" });
  for (const ms of afterMs) {
    const { child, ended } = start(folder, args("killed"));
    const timer = setTimeout(() => child.kill("SIGKILL"), ms);
    await ended;
    clearTimeout(timer);
  }
  const last = await run(folder, ...args("killed"));
  expect(last).toMatchObject({ code: 0, stderr: "" });
  const bytes = (output: string): Promise<Buffer> => readFile(join(folder, output, "onnx", "model.onnx"));
  expect(await bytes("killed")).toEqual(await bytes("whole"));
});
