// A layout: the folders and file names in which the owners of a dataset distribute it, and how to read them.
// Each is in a file of its name; `index.ts` has the list. Nothing here downloads anything.

import { join } from "node:path";
import { ClockworkError } from "../errors.ts";
import type { Dataset } from "./dataset.ts";
import { exists } from "./listing.ts";

/** Whether a folder has a layout. */
export type Recognition =
  | { readonly kind: "found" }
  /** It has, but another layout reads the same files: this one is opened by its name alone. */
  | { readonly kind: "by-name" }
  /** What was looked for: paths from the folder that are not there, and those that are. */
  | { readonly kind: "missing"; readonly missing: readonly string[]; readonly present: readonly string[] };

/** How to open a dataset. */
export interface OpenDatasetOptions {
  /** One of the layout's `splits`; its `defaultSplit` where not given. */
  readonly split?: string;
  /** Stops the listing of files. */
  readonly signal?: AbortSignal;
}

/** One way in which a dataset lies on disk. */
export interface Layout {
  /** Short name, as `--dataset` takes it: `camvid`. */
  readonly name: string;
  /** One line: what the dataset is. */
  readonly title: string;
  /** The folders and files, as text of several lines for help. */
  readonly tree: string;
  /** Under which terms the owners give it, in a few words. */
  readonly licence: string;
  /** Where its owners give it, by name. */
  readonly source: string;
  /** What is good to know: classes, frame rate, what counts as a sequence. Sentences. */
  readonly notes: readonly string[];
  /** Splits that can be opened; empty where there are none. */
  readonly splits: readonly string[];
  /** The split that is opened where none is asked for; `undefined` where there are none. */
  readonly defaultSplit: string | undefined;
  /** Whether a path has this layout, by a look at few names. Does not throw for what is not there. */
  recognise(folder: string): Promise<Recognition>;
  /**
   * Lists the files and sorts them into sequences; reads no picture.
   *
   * @throws {ClockworkError} `invalid-argument` for an unknown split or a folder without this layout, `io` where
   * something cannot be read, `aborted` by the signal.
   */
  open(folder: string, options?: OpenDatasetOptions): Promise<Dataset>;
}

/** A path from a folder, or several of which one will do. */
export type Wanted = string | readonly string[];

/** Whether a folder has all of what is wanted. */
export async function recognisePaths(folder: string, wanted: readonly Wanted[]): Promise<Recognition> {
  const there = await Promise.all(
    wanted.map(async (want) => {
      const paths = typeof want === "string" ? [want] : want;
      const found = await Promise.all(paths.map((path) => exists(join(folder, path))));
      return found.includes(true);
    }),
  );
  const named = wanted.map((want) => (typeof want === "string" ? want : want.join(" or ")));
  const missing = named.filter((_, index) => there[index] !== true);
  if (missing.length === 0) return { kind: "found" };
  return { kind: "missing", missing, present: named.filter((_, index) => there[index] === true) };
}

/**
 * Checks that a folder has all of what is wanted.
 *
 * @throws {ClockworkError} `invalid-argument` with what is missing.
 */
export async function requirePaths(layout: string, folder: string, wanted: readonly Wanted[]): Promise<void> {
  const found = await recognisePaths(folder, wanted);
  if (found.kind !== "missing") return;
  throw new ClockworkError(
    "invalid-argument",
    `${folder}: expected the layout "${layout}", got a folder without ${found.missing.join(", ")}; ` +
      `try \`clockwork datasets ${layout}\`, which shows its folders`,
  );
}

/**
 * The split to open.
 *
 * @throws {ClockworkError} `invalid-argument` for one that the layout does not have, with the choices.
 */
export function splitOf(
  layout: Pick<Layout, "name" | "splits" | "defaultSplit">,
  options: OpenDatasetOptions = {},
): string {
  const { name, splits, defaultSplit } = layout;
  const split = options.split ?? defaultSplit;
  if (split !== undefined && splits.includes(split)) return split;
  const choices = splits.length === 0 ? "no split" : `one of ${splits.join(", ")}`;
  throw new ClockworkError("invalid-argument", `${name}: expected ${choices}, got "${split ?? ""}"`);
}
