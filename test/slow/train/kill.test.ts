// A training that is killed at any moment ends, when it is started again, at the same bytes as one that was not.

import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { expect, test } from "vitest";
import { run, start } from "../../cli/cli.ts";
import { folderWithData, tinyRecipe } from "../../node/training/tiny-training.ts";

/** Lines that the log has. */
async function logged(folder: string): Promise<number> {
  const text = await readFile(join(folder, "training", "log.ndjson"), "utf8").catch(() => "");
  return text.split("\n").length - 1;
}

/** Moments after a step was logged: a step takes some hundredths of a second, and every one is followed by a checkpoint. */
const momentsMs = [0, 7, 23, 61];

test("kill -9 again and again", async () => {
  await using home = await folderWithData();
  const folder = home.path;
  await writeFile(join(folder, "tiny.json"), JSON.stringify({ ...tinyRecipe, steps: 150 }));
  const command = "train --data data --network street --recipe tiny.json --checkpoint 0 --quiet -o";
  const args = (output: string): readonly string[] => [...command.split(" "), output];
  const whole = await run(folder, ...args("whole"));
  expect(whole).toMatchObject({ code: 0, stderr: "" });
  const killed = join(folder, "killed");
  for (const ms of momentsMs) {
    const before = await logged(killed);
    const { child, ended } = start(folder, args("killed"));
    while ((await logged(killed)) <= before && child.exitCode === null) await setTimeout(20);
    await setTimeout(ms);
    child.kill("SIGKILL");
    // 128 and the number of the signal: it was in the middle of its work.
    expect((await ended).code).toBe(137);
  }
  const last = await run(folder, ...args("killed"));
  expect(last).toMatchObject({ code: 0, stderr: "" });
  const bytes = (output: string): Promise<Buffer> => readFile(join(folder, output, "onnx", "model.onnx"));
  expect(await bytes("killed")).toEqual(await bytes("whole"));
});
