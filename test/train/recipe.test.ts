// Recipes: what is wrong in one is named by its path.

import { describe, expect, test } from "vitest";
import { parseRecipe } from "../../src/train/recipe.ts";
import { tinyRecipe } from "../node/training/tiny-training.ts";

describe("recipes", () => {
  test.each([
    [{ stepz: 1 }, /tiny\.json: recipe: .*stepz/u],
    [{ rate: { base: -1 } }, /recipe\.rate\.base/u],
    [{ losses: [{ kind: "distillation" }] }, /recipe\.teacher: expected a model for the loss "distillation"/u],
    [{ teacher: "big" }, /recipe\.teacher: expected a loss "distillation"/u],
    [{ losses: [{ kind: "cross-entropi" }] }, /recipe\.losses\[0\]\.kind/u],
    [{ augmentation: { crop: { widthPx: 8, heightPx: 8 }, blur: 2 } }, /recipe\.augmentation\.blur/u],
    [{ augmentation: { crop: { widthPx: 0, heightPx: 32 } } }, /recipe\.augmentation\.crop\.widthPx/u],
  ])("a wrong field is named by its path: %j", (fields, message) => {
    expect(() => parseRecipe({ ...tinyRecipe, ...fields }, "tiny.json")).toThrow(message);
  });
});
