// What a training is validated on: a split of its own data, or other folders. Lists files and reads no picture.

import { mapClasses, openDataset, type Dataset } from "../../datasets/index.ts";
import { ClockworkError } from "../../errors.ts";
import { splitWhereIs } from "./layout-split.ts";
import { checkSameClasses } from "./same-classes.ts";

/** Where to look for it. */
export interface ValidationSetOptions {
  /** Folders that are trained on. */
  readonly data: readonly string[];
  /** Folders to validate on; default: those of `data`. */
  readonly validationData: readonly string[] | undefined;
  /** Split; default: `val`; of other folders, all where their layout has no such split. `null`: no validation. */
  readonly validation: string | null | undefined;
  /** Layout of all folders; default: recognised. */
  readonly layout: string | undefined;
  /** Classes of the network by label. */
  readonly classNames: readonly string[];
}

/**
 * The sequences of all folders as one dataset; `undefined` where nobody asked for a validation and the data have no split
 * for it.
 * @throws ClockworkError as `openDataset` does; `invalid-argument` where classes do not fit, or other folders have no labels
 */
export async function openValidationSet(options: ValidationSetOptions): Promise<Dataset | undefined> {
  const { data, validationData, validation, layout, classNames } = options;
  if (validation === null) {
    if (validationData === undefined) return undefined;
    throw new ClockworkError(
      "invalid-argument",
      `validation data: expected none without a validation, got ${validationData.join(", ")}`,
    );
  }
  const sets: { readonly where: string; readonly dataset: Dataset }[] = [];
  for (const folder of validationData ?? data) {
    const usual = validationData === undefined ? "val" : await splitWhereIs("val", folder, layout);
    const split = validation ?? usual;
    try {
      const dataset = await openDataset(folder, {
        ...(split !== undefined && { split }),
        ...(layout !== undefined && { layout }),
      });
      if (validationData !== undefined) checkLabels(folder, dataset);
      sets.push({ where: folder, dataset });
    } catch (error) {
      // Nobody asked for one.
      const isAsked = validationData !== undefined || validation !== undefined;
      if (isAsked || !(error instanceof ClockworkError)) throw error;
    }
  }
  checkSameClasses(sets.map(({ where, dataset }) => ({ where, classNames: dataset.classNames })));
  const [first] = sets;
  if (first === undefined) return undefined;
  // Now, and not when the first validation comes.
  mapClasses({ network: classNames, dataset: first.dataset.classNames });
  return { ...first.dataset, sequences: sets.flatMap(({ dataset }) => dataset.sequences) };
}

function checkLabels(folder: string, { sequences, split }: Dataset): void {
  if (sequences.some(({ labelled }) => labelled.length > 0)) return;
  throw new ClockworkError(
    "invalid-argument",
    `${folder}${split === undefined ? "" : `, split "${split}"`}: expected frames with labels to validate on, got none; ` +
      "try another folder or split",
  );
}
