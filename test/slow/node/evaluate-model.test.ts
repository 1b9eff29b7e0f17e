// An evaluation from paths and texts: what makes it the same evaluation again, and errors before anything is opened. What
// comes out is in cli/evaluate.test.ts, where the engine's threads start sooner.

import { mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { evaluateModel, type EvaluateModelOptions } from "../../../src/node/evaluate-model.ts";
import { workFolder } from "../../cli/cli.ts";
import { writeFiles } from "../../datasets/files.ts";
import { datasetFiles } from "../../evaluate/folder.ts";

let folder: Awaited<ReturnType<typeof workFolder>>;
const inFolder = (name: string): string => join(folder.path, name);

beforeAll(async () => {
  folder = await workFolder();
  process.env["CLOCKWORK_CACHE"] = inFolder("cache");
  const small = datasetFiles(["a", "b"], 6, [2, 5]);
  await writeFiles(inFolder("data"), small);
  // The network's classes in another order, and two of them.
  await writeFiles(inFolder("part"), { ...small, "classes.json": JSON.stringify(["car", "other", "sky"]) });
  await writeFile(inFolder("map.json"), JSON.stringify({ classes: { sky: "sky", car: "other", road: "car" } }));
  await mkdir(inFolder("empty"));
});
afterAll(() => folder[Symbol.asyncDispose]());

function options(more: Partial<EvaluateModelOptions> = {}): EvaluateModelOptions {
  return { folder: inFolder("data"), model: inFolder("net"), clocks: [], threads: 1, ...more };
}

test("a report of what another one stopped goes where it is wanted now; another map starts afresh", async () => {
  const stop = new AbortController();
  const resumed = async (more: Partial<EvaluateModelOptions>): Promise<boolean | undefined> => {
    let found: boolean | undefined;
    await evaluateModel(options({ folder: inFolder("part"), ...more, onStart: (start) => (found = start.resumed) }));
    return found;
  };
  const stopped = evaluateModel(
    options({
      folder: inFolder("part"),
      map: inFolder("map.json"),
      report: inFolder("one"),
      signal: stop.signal,
      onProgress: ({ frames }) => {
        if (frames > 0) stop.abort();
      },
    }),
  );
  await expect(stopped).rejects.toMatchObject({ code: "aborted" });
  await writeFile(inFolder("other.json"), JSON.stringify({ classes: { sky: "sky", road: "other", car: "car" } }));
  await writeFile(inFolder("copy.json"), JSON.stringify({ classes: { road: "car", car: "other", sky: "sky" } }));
  expect(await resumed({ map: inFolder("other.json"), report: inFolder("one") })).toBe(false);
  expect(await resumed({ map: inFolder("map.json") })).toBe(false);
  expect(await resumed({ map: inFolder("copy.json"), report: inFolder("two") })).toBe(true);
  expect(await readdir(join(inFolder("cache"), "evaluations"))).toEqual([]);
  expect((await readdir(inFolder("two"))).sort()).toEqual([
    "classes.csv",
    "frames.csv",
    "report.html",
    "report.json",
    "runs.csv",
  ]);
});

describe.each<readonly [string, Partial<EvaluateModelOptions>, string, RegExp]>([
  ["no such dataset", { folder: "none" }, "io", /none: expected a dataset/],
  ["a folder that is no dataset", { folder: "empty" }, "invalid-argument", /empty: expected a dataset/],
  ["an unknown layout", { layout: "kitti" }, "invalid-argument", /kitti/],
  ["a layout that it has not", { layout: "cityscapes" }, "invalid-argument", /leftImg8bit/],
  ["an unknown split", { split: "val" }, "invalid-argument", /split/],
  ["no such model", { model: "nothing" }, "io", /nothing: expected a model/],
  ["a clock that is none", { clocks: ["often"] }, "invalid-schedule", /"often"/],
])("%s", (_name, more, code, message) => {
  test(`is an error (${code}), and nothing stays`, async () => {
    const { folder: data = "data", model = "net", ...others } = more;
    const wrong = evaluateModel({
      ...options(others),
      folder: inFolder(data),
      model: inFolder(model),
      report: inFolder("failed"),
    });
    await expect(wrong).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
    expect(await readdir(folder.path)).not.toContain("failed");
    expect(await readdir(join(inFolder("cache"), "evaluations")).catch(() => [])).toEqual([]);
  });
});
