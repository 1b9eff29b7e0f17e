// A step that does not fit is refused before anything starts, with a batch that does fit.

import { existsSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { availableMemory, fittingStep } from "../../../src/node/training/fitting-step.ts";
import { trainModel } from "../../../src/node/training/train-model.ts";
import { street } from "../../../src/networks/index.ts";
import type { Recipe } from "../../../src/train/recipe.ts";
import { recipeStep } from "../../../src/train/recipe-step.ts";
import type { TrainingStep } from "../../../src/train/step-graph.ts";
import { localEngine } from "../../support/runtime.ts";
import { folderWithData, tiny } from "../../node/training/tiny-training.ts";

const crop = { widthPx: 128, heightPx: 96 };
const classes = 3;

function recipeOf(batch: number, accumulate: number): Recipe {
  return tiny({ batch, accumulate, augmentation: { crop } });
}

async function stepOf(recipe: Recipe): Promise<TrainingStep> {
  const model = street({ width: 0.125, batch: recipe.batch, size: crop, classes, init: "train" });
  return await recipeStep(recipe, { model, classes, balanced: [] }, localEngine);
}

test("the largest batch that fits is named, and the samples of an update stay", async () => {
  const bytesOf = async (recipe: Recipe): Promise<number> =>
    (await fittingStep(await stepOf(recipe), recipe, Infinity, stepOf)).bytes;
  const three = await bytesOf(recipeOf(3, 2));
  const six = recipeOf(6, 1);
  expect(await bytesOf(six)).toBeGreaterThan(three);
  const refused = fittingStep(await stepOf(six), six, three, stepOf);
  await expect(refused).rejects.toMatchObject({ code: "invalid-argument" });
  await expect(refused).rejects.toThrow(
    /^recipe\.batch: expected a step that fits into .* GB, got .* GB; try "batch": 3 and "accumulate": 2$/,
  );
  // A byte less, and it is no more three but two.
  await expect(fittingStep(await stepOf(six), six, three - 1, stepOf)).rejects.toThrow(
    /"batch": 2 and "accumulate": 3$/,
  );
  await expect(fittingStep(await stepOf(six), six, 1000, stepOf)).rejects.toThrow(
    /try a smaller "augmentation\.crop" or network$/,
  );
});

test("nothing is written for a training that is refused", async () => {
  await using home = await folderWithData();
  const output = join(home.path, "model");
  const training = trainModel({
    data: join(home.path, "data"),
    network: "street",
    recipe: recipeOf(2, 1),
    output,
    memoryLimitBytes: 1_000_000,
  });
  await expect(training).rejects.toThrow(/^recipe\.batch: expected a step that fits into 0\.0010 GB/);
  expect(existsSync(output)).toBe(false);
});

test("memory that is left is some, and less than a machine can have", () => {
  expect(availableMemory()).toBeGreaterThan(2 ** 20);
  expect(availableMemory()).toBeLessThan(2 ** 50);
});
