// A dataset and a recipe that are trained in seconds.

import { join } from "node:path";
import { parseRecipe, type Recipe } from "../../../src/train/recipe.ts";
import { writeFiles } from "../../datasets/files.ts";
import { datasetFiles } from "../../evaluate/folder.ts";
import { temporaryFolder } from "../../support/model-folder.ts";

/** What every tiny recipe has. */
export const tinyRecipe: Readonly<Record<string, unknown>> = {
  seed: 3,
  steps: 12,
  batch: 2,
  network: { width: 0.125 },
  augmentation: { crop: { widthPx: 48, heightPx: 32 }, scale: [0.9, 1.1], flip: 0.5, colour: { brightness: 0.2 } },
  rate: { base: 0.01 },
  average: 0.9,
};

/** A recipe with some fields replaced. */
export function tiny(fields: Readonly<Record<string, unknown>> = {}): Recipe {
  return parseRecipe({ ...tinyRecipe, ...fields }, "tiny.json");
}

/** A folder with `data/`: six labelled frames of two sequences. */
export async function folderWithData(): Promise<{ path: string } & AsyncDisposable> {
  const folder = await temporaryFolder();
  await writeFiles(join(folder.path, "data"), datasetFiles(["a", "b"], 3, [0, 1, 2]));
  return folder;
}
