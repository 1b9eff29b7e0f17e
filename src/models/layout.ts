// Which files of a model folder make up a model, told by their names alone; the same rules for a folder on disk and for
// the file list of a hub. Paths are relative to the folder and written with `/`. Nothing is opened here.

import { resolve, sep } from "node:path";
import { ClockworkError } from "../errors.ts";

/** The file with `id2label`. */
export const CONFIG_FILE = "config.json";
/** The file with what happens to a frame before the network sees it. */
export const PREPROCESSOR_FILE = "preprocessor_config.json";

const EXTERNAL_DATA = /^(.+\.onnx)(?:_data(?:_\d+)?|\.data)$/;

/** Whether a file can belong to a model: its two descriptions, `.onnx` files and their external data. */
export function belongsToModel(path: string): boolean {
  return path === CONFIG_FILE || path === PREPROCESSOR_FILE || path.endsWith(".onnx") || EXTERNAL_DATA.test(path);
}

/**
 * The `.onnx` to open: `file` if one is asked for (`onnx/` in front may be left out), else `onnx/model.onnx`, else
 * `model.onnx`, else the only one in `onnx/` and the folder itself. `all` is what an error lists.
 */
export function chooseOnnx(where: string, all: readonly string[], file?: string): string {
  const onnxFiles = all.filter((path) => path.endsWith(".onnx"));
  if (file !== undefined) {
    const asked = [file, `onnx/${file}`].find((path) => onnxFiles.includes(path));
    if (asked !== undefined) return asked;
    throw new ClockworkError("invalid-argument", `${where}: expected the file ${file}, found ${listed(onnxFiles)}`);
  }
  const conventional = ["onnx/model.onnx", "model.onnx"].find((path) => onnxFiles.includes(path));
  if (conventional !== undefined) return conventional;
  const usual = onnxFiles.filter((path) => /^(?:onnx\/)?[^/]+$/.test(path));
  const [only, ...others] = usual;
  if (only === undefined) {
    throw new ClockworkError(
      "invalid-model",
      `${where}: expected onnx/model.onnx, model.onnx or another .onnx file, found ${listed(all)}`,
    );
  }
  if (others.length > 0) {
    throw new ClockworkError(
      "invalid-argument",
      `${where}: expected one .onnx file, found ${listed(usual)}; say which one to open`,
    );
  }
  return only;
}

/**
 * The external data files that go with an `.onnx`, by the usual names `x.onnx_data`, `x.onnx_data_1` and `x.onnx.data`:
 * those beside it that bear its name, and those that bear the name of no `.onnx` in the list.
 */
export function externalDataOf(onnxPath: string, all: readonly string[]): readonly string[] {
  const folder = onnxPath.slice(0, onnxPath.lastIndexOf("/") + 1);
  return all.filter((path) => {
    const owner = EXTERNAL_DATA.exec(path)?.[1];
    if (owner === undefined || path.slice(0, path.lastIndexOf("/") + 1) !== folder) return false;
    return owner === onnxPath || !all.includes(owner);
  });
}

/**
 * The absolute path of `location` in `folder`; `undefined` where it would not be in the folder, or would not be on
 * another platform. Told by the name alone: a symbolic link that its owner put into the folder is followed.
 */
export function pathInside(folder: string, location: string): string | undefined {
  const segments = location.split(/[/\\]/);
  if (segments.includes("..") || location.startsWith("/") || location.startsWith("\\")) return undefined;
  if (segments.some((segment) => segment.includes(":") || segment.includes("\0"))) return undefined;
  const base = resolve(folder);
  const path = resolve(base, ...segments);
  return path.startsWith(base.endsWith(sep) ? base : base + sep) ? path : undefined;
}

/** Names for a message, cut after a dozen. */
export function listed(names: readonly string[]): string {
  if (names.length === 0) return "nothing";
  const more = names.length > 12 ? ` and ${names.length - 12} more` : "";
  return names.slice(0, 12).join(", ") + more;
}
