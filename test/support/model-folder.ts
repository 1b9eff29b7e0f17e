// Model folders in the layout of Hugging Face, written on the spot.

import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { writeModel, type Model } from "../../src/onnx/index.ts";

/** A folder that is there as long as it is in use. */
export async function temporaryFolder(name = "clockwork-test-"): Promise<{ path: string } & AsyncDisposable> {
  const path = await mkdtemp(join(tmpdir(), name));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

/** Writes a model with its descriptions and returns the folder. */
export async function writeModelFolder(
  folder: string,
  model: Model,
  options: { readonly classNames?: readonly string[]; readonly preprocessor?: Readonly<Record<string, unknown>> } = {},
): Promise<string> {
  await mkdir(join(folder, "onnx"), { recursive: true });
  await writeFile(join(folder, "onnx", "model.onnx"), writeModel(model).bytes);
  const id2label = Object.fromEntries((options.classNames ?? []).entries());
  await writeFile(join(folder, "config.json"), JSON.stringify({ id2label }));
  if (options.preprocessor !== undefined) {
    await writeFile(join(folder, "preprocessor_config.json"), JSON.stringify(options.preprocessor));
  }
  return folder;
}
