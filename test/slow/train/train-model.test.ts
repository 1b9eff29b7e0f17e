// Training as a whole: it learns, what it writes is a model for everything else, and it goes on from where it was.

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { openSegmenter } from "../../../src/node/open-segmenter.ts";
import { trainModel } from "../../../src/node/training/train-model.ts";
import { readModel } from "../../../src/onnx/index.ts";
import { writeFiles } from "../../datasets/files.ts";
import { datasetFiles } from "../../evaluate/folder.ts";
import { Scene } from "../../support/pictures.ts";
import { folderWithData, tiny } from "../../node/training/tiny-training.ts";

interface LogLine {
  readonly kind: string;
  readonly step: number;
  readonly loss?: number;
}

async function logOf(folder: string): Promise<readonly LogLine[]> {
  const text = await readFile(join(folder, "training", "log.ndjson"), "utf8");
  return text
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as LogLine);
}

const weightsFile = (folder: string): Promise<Buffer> => readFile(join(folder, "onnx", "model.onnx"));

describe("training", () => {
  test("learns, and writes a model that segments", async () => {
    await using home = await folderWithData();
    const folder = home.path;
    const output = join(folder, "model");
    const losses: number[] = [];
    const trained = await trainModel({
      data: join(folder, "data"),
      network: "street",
      // Labels follow the place in the picture, so pictures are not mirrored.
      recipe: tiny({ steps: 60, augmentation: { crop: { widthPx: 48, heightPx: 32 } } }),
      output,
      onProgress: ({ loss }) => losses.push(loss),
    });
    expect(trained.steps).toBe(60);
    const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
    expect(mean(losses.slice(-5))).toBeLessThan(0.5 * mean(losses.slice(0, 5)));
    await using segmenter = await openSegmenter({ model: output, clock: "fixed:2" });
    const size = { widthPx: 64, heightPx: 32 };
    const picture = new Scene(0).at(size, { x: 0 });
    const right = async function* (): AsyncGenerator<typeof picture & { timestampSec: number }> {
      yield { ...picture, timestampSec: 0 };
    };
    for await (const { labels } of segmenter.segment(right())) {
      // Left of column 40 the label is 0, right of it 2.
      const hits = labels.data.filter((label, at) => label === (at % 64 < 40 ? 0 : 2)).length;
      expect(hits / labels.data.length).toBeGreaterThan(0.8);
    }
  });

  test("stopped by its signal and started again, it ends at the same bytes as without a stop", async () => {
    await using home = await folderWithData();
    const folder = home.path;
    const options = { data: join(folder, "data"), network: "street", recipe: tiny() };
    const whole = join(folder, "whole");
    await trainModel({ ...options, output: whole });
    const parted = join(folder, "parted");
    const stop = new AbortController();
    const first = trainModel({
      ...options,
      output: parted,
      signal: stop.signal,
      onProgress: ({ step }) => {
        if (step === 5) stop.abort();
      },
    });
    await expect(first).rejects.toMatchObject({ code: "aborted" });
    let resumedAt = 0;
    await trainModel({ ...options, output: parted, onStart: (start) => (resumedAt = start.resumedAt) });
    expect(resumedAt).toBe(5);
    expect(await weightsFile(parted)).toEqual(await weightsFile(whole));
    const steps = (await logOf(parted)).map(({ kind, step }) => [kind, step]);
    expect(steps).toEqual((await logOf(whole)).map(({ kind, step }) => [kind, step]));
  });

  test("goes on from a model file, whose weights change and whose graph does not", async () => {
    await using home = await folderWithData();
    const folder = home.path;
    const data = join(folder, "data");
    const [first, second] = [join(folder, "first"), join(folder, "second")];
    await trainModel({ data, network: "street", recipe: tiny(), output: first });
    const recipe = tiny({ steps: 4, batch: 1, accumulate: 3, fixedStatistics: true });
    await trainModel({ data, network: first, recipe, output: second });
    const [before, after] = [readModel(await weightsFile(first)), readModel(await weightsFile(second))];
    expect(after.graph.nodes).toEqual(before.graph.nodes);
    const changed = [...before.graph.initializers].filter(
      ([name, { data: bytes }]) => JSON.stringify(after.graph.initializers.get(name)?.data) !== JSON.stringify(bytes),
    );
    const names = changed.map(([name]) => name);
    expect(names).toContain("half/conv.weight");
    expect(names).not.toContain("half/bn.mean");
  });

  test("learns from several folders and a teacher, and validates on another folder", async () => {
    await using home = await folderWithData();
    const folder = home.path;
    const [data, other, held] = ["data", "other", "held"].map((name) => join(folder, name)) as [string, string, string];
    await writeFiles(other, datasetFiles(["c"], 2, [0, 1]));
    await writeFiles(held, datasetFiles(["d"], 2, [1]));
    const teacher = join(folder, "teacher");
    await trainModel({ data, network: "street", recipe: tiny({ steps: 2 }), output: teacher });
    const losses = [{ kind: "cross-entropy" }, { kind: "distillation", temperature: 2 }];
    const recipe = tiny({ steps: 3, teacher, losses });
    const output = join(folder, "model");
    let samples = 0;
    const trained = await trainModel({
      data: [data, other],
      validationData: held,
      network: "street",
      recipe,
      output,
      onStart: (start) => (samples = start.samples),
    });
    expect(samples).toBe(8);
    expect(trained.best?.step).toBe(3);
    const names = [...readModel(await weightsFile(output)).graph.initializers.keys()];
    expect(names.filter((name) => name.includes("teacher"))).toEqual([]);
    // Another teacher is another training.
    await trainModel({ data: other, network: "street", recipe: tiny({ steps: 1 }), output: join(folder, "second") });
    const changed = { ...recipe, teacher: join(folder, "second") };
    await expect(
      trainModel({ data: [data, other], validationData: held, network: "street", recipe: changed, output }),
    ).rejects.toThrow(/checkpoint of this recipe/u);
  });

  test("refuses a checkpoint of another recipe", async () => {
    await using home = await folderWithData();
    const folder = home.path;
    const options = { data: join(folder, "data"), network: "street", output: join(folder, "model") };
    await trainModel({ ...options, recipe: tiny({ steps: 2 }) });
    await expect(trainModel({ ...options, recipe: tiny({ steps: 3 }) })).rejects.toThrow(/checkpoint of this recipe/u);
  });
});
