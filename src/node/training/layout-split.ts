// Which split of a folder is meant where none is asked for.

import { layoutNamed, layouts } from "../../datasets/index.ts";

/**
 * A split where the folder's layout has it; `undefined` where it does not, or the layout is not known, which `openDataset`
 * tells.
 * @param layout its name; default: recognised
 */
export async function splitWhereIs(
  split: string,
  folder: string,
  layout: string | undefined,
): Promise<string | undefined> {
  const found =
    layout === undefined
      ? await Promise.all(layouts.map(async (one) => ((await one.recognise(folder)).kind === "found" ? [one] : [])))
      : [[layoutNamed(layout)]];
  const [first, second] = found.flat();
  return second === undefined && first?.splits.includes(split) === true ? split : undefined;
}
