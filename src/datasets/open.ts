// From a folder to a dataset: which layout it has, or what it lacks to have one.

import { ClockworkError } from "../errors.ts";
import { compareNaturally } from "../video/index.ts";
import type { Dataset } from "./dataset.ts";
import type { Layout, OpenDatasetOptions, Recognition } from "./layout.ts";
import { layoutNamed, layouts } from "./layouts.ts";
import { exists } from "./listing.ts";
import { isStreetSpec, parseStreet, streetDataset } from "./street.ts";

/** How to open a folder. */
export interface OpenFolderOptions extends OpenDatasetOptions {
  /** Name of its layout; default: recognised by its folders. */
  readonly layout?: string;
}

/** How many layouts an error lists what is missing for. */
const MOST_NEAR = 3;

/**
 * Opens a dataset: a folder in one of the layouts that `layouts` lists, a video file, or a synthetic street, `street:SEED`.
 *
 * @throws {ClockworkError} `io` for what is not there, `invalid-argument` for a folder that has no layout (with what is
 * missing for the nearest ones) or several (with their names), and for unknown names of layouts and splits.
 *
 * @example
 * ```ts
 * const { sequences, classNames } = await openDataset("data/camvid", { split: "val" });
 * for await (const { name, labels } of sequences[0]?.read({ to: 3 }) ?? []) console.log(name, labels?.widthPx);
 * ```
 */
export async function openDataset(folder: string, options: OpenFolderOptions = {}): Promise<Dataset> {
  const { layout: name, ...others } = options;
  if (isStreetSpec(folder) && name === undefined && !(await exists(folder))) return streetDataset(parseStreet(folder));
  const named = name === undefined ? undefined : layoutNamed(name);
  if (!(await exists(folder))) {
    throw new ClockworkError("io", `${folder}: expected a dataset's folder or a video file, got nothing there`);
  }
  return (named ?? (await recognise(folder))).open(folder, others);
}

/** @throws {ClockworkError} `invalid-argument` where there is not one layout that fits. */
async function recognise(folder: string): Promise<Layout> {
  const looks = await Promise.all(layouts.map(async (layout) => ({ layout, look: await layout.recognise(folder) })));
  const found = looks.filter(({ look }) => look.kind === "found").map(({ layout }) => layout);
  const [first, second] = found;
  if (first !== undefined && second === undefined) return first;
  if (first !== undefined) {
    throw new ClockworkError(
      "invalid-argument",
      `${folder}: expected one layout, got a folder that has several; ` +
        `try naming one: ${found.map((layout) => `--dataset ${layout.name}`).join(", ")}`,
    );
  }
  throw new ClockworkError("invalid-argument", await unknownFolder(folder, looks));
}

async function unknownFolder(
  folder: string,
  looks: readonly { readonly layout: Layout; readonly look: Recognition }[],
): Promise<string> {
  const near = looks
    .flatMap(({ layout, look }) =>
      look.kind === "missing" && look.present.length > 0 ? [{ name: layout.name, missing: look.missing }] : [],
    )
    .sort((a, b) => a.missing.length - b.missing.length || compareNaturally(a.name, b.name))
    .slice(0, MOST_NEAR);
  const names = layouts.map(({ name }) => name).join(", ");
  if (near.length === 0) {
    return (
      `${folder}: expected a dataset in one of the layouts ${names}, got a folder with nothing of them; ` +
      "try `clockwork datasets NAME`, which shows a layout's folders"
    );
  }
  const lacks = near.map(({ name, missing }) => `for ${name} without ${missing.join(", ")}`).join("; ");
  const [nearest] = near;
  return (
    `${folder}: expected a dataset in one of the layouts ${names}, got a folder that is ${lacks}; ` +
    `try \`clockwork datasets ${nearest?.name ?? ""}\`, which shows its folders`
  );
}
