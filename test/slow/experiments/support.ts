// The experiments as commands, on networks with random weights.

import { join } from "node:path";
import { fcn8s } from "../../../src/networks/index.ts";
import { inProject, startScript, type Ended } from "../../cli/cli.ts";
import { writeModelFolder } from "../../support/model-folder.ts";

/** Runs an experiment; nothing of it stays outside of the folder. */
export async function experiment(folder: string, ...args: readonly string[]): Promise<Ended> {
  process.env["CLOCKWORK_CACHE"] = join(folder, "cache");
  const { child, ended } = startScript(folder, "--import", [
    inProject("scripts/typescript.js"),
    inProject("experiments/main.ts"),
    ...args,
  ]);
  child.stdin.end();
  return ended;
}

/** A folder with a thin FCN-8s that runs at a size. */
export function fcnFolder(
  path: string,
  classNames: readonly string[],
  size: { readonly width: number; readonly height: number },
): Promise<string> {
  return writeModelFolder(path, fcn8s({ width: 1 / 16, classes: classNames.length }), {
    classNames,
    preprocessor: { image_mean: [0.485, 0.456, 0.406], image_std: [0.229, 0.224, 0.225], do_resize: true, size },
  });
}

/** A row of the JSON that an experiment prints. */
export interface PrintedRow {
  readonly name: string;
  readonly run: {
    readonly stages: number;
    readonly accuracy: number;
    readonly mIoU: number;
    readonly agreement: number;
    readonly updateRates: readonly number[];
    readonly macsRatio: number;
  };
}

/** What an experiment printed as JSON. */
export function tablesOf({ stdout }: Ended): readonly {
  readonly title: string;
  readonly rows: readonly PrintedRow[];
  readonly notes: readonly string[];
}[] {
  return JSON.parse(stdout) as ReturnType<typeof tablesOf>;
}
