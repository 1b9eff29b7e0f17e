// A model as it lies on disk: a folder in the layout of Hugging Face, a bare `.onnx`, or one of a hub after its download.
// Reads the files around the network and hands over its bytes; what is in an `.onnx` is not looked at here.

import { readFileSync } from "node:fs";
import { readdir, readFile, stat } from "node:fs/promises";
import { basename, dirname, extname, join, relative, resolve, sep } from "node:path";
import { ClockworkError, reasonOf } from "../errors.ts";
import { defaultPreprocessing, parsePreprocessing, type Preprocessing } from "../preprocessing.ts";
import { boxedModel } from "./boxed.ts";
import { parseClassNames } from "./class-names.ts";
import { downloadModel, type HubOptions, isHubSpec } from "./hub.ts";
import { parseJson } from "./json-text.ts";
import { chooseOnnx, CONFIG_FILE, pathInside, PREPROCESSOR_FILE } from "./layout.ts";

/** A network's file and all that is known about it without opening it. */
export interface ModelSource {
  /** The folder's or the file's name, or `owner/name` of a hub. */
  readonly name: string;
  /** The `.onnx` file. */
  readonly path: string;
  /** Its content. */
  readonly bytes: Uint8Array;
  /** Reads a file of external tensor data; `location` is relative to the `.onnx` and must stay in its folder. */
  readonly readExternal: (location: string) => Uint8Array;
  /** Names of the classes in the order of the network's channels, where the model has them. */
  readonly classNames: readonly string[] | undefined;
  readonly preprocessing: Preprocessing;
  /** What was assumed, and which steps of the preprocessing are not done. */
  readonly warnings: readonly string[];
}

/**
 * Opens a model: a folder, a bare `.onnx`, or `hf:owner/name[@revision]`, which is downloaded on first use. The options
 * but `file` matter to the last only; `file` says which `.onnx` of a folder or hub is meant.
 *
 * @example
 * ```ts
 * import { openModel } from "clockwork-convnets";
 * const model = await openModel("models/espnet-camvid");
 * console.log(model.name, model.classNames, model.warnings);
 * ```
 */
export async function openModel(spec: string, options: HubOptions = {}): Promise<ModelSource> {
  if (isHubSpec(spec)) {
    const { folder, onnxPath, warnings } = await downloadModel(spec, options);
    const name = spec.slice("hf:".length).replace(/@.*$/, "");
    return await readModel({ name, path: join(folder, onnxPath), folder, warnings });
  }
  const stats = await stat(spec).catch((cause: unknown) => {
    const hint =
      spec === boxedModel
        ? "; it is part of the package: try installing that again, or naming a model"
        : /^[\w.-]+\/[\w.-]+$/.test(spec)
          ? `; for a model of the Hugging Face hub write hf:${spec}`
          : "";
    throw new ClockworkError("io", `${spec}: expected a model folder or an .onnx file (${reasonOf(cause)})${hint}`, {
      cause,
    });
  });
  const place = resolve(spec);
  if (stats.isDirectory()) {
    const path = await findOnnx(spec, place, options.file);
    return await readModel({ name: basename(place), path, folder: place, warnings: [] });
  }
  if (extname(place).toLowerCase() !== ".onnx") {
    throw new ClockworkError("invalid-argument", `${spec}: expected a model folder or an .onnx file, got another file`);
  }
  if (options.file !== undefined) {
    throw new ClockworkError("invalid-argument", `${spec}: file: expected a folder to choose ${options.file} from`);
  }
  const folder = basename(dirname(place)) === "onnx" ? dirname(dirname(place)) : dirname(place);
  const stem = basename(place, extname(place));
  return await readModel({ name: stem === "model" ? basename(folder) : stem, path: place, folder, warnings: [] });
}

/** The `.onnx` of a folder, as an absolute path. */
async function findOnnx(spec: string, folder: string, file: string | undefined): Promise<string> {
  const names = await namesIn(folder, "");
  if (names.includes("onnx")) names.push(...(await namesIn(folder, "onnx/")));
  if (file === undefined) return join(folder, chooseOnnx(spec, names));
  const asked = pathInside(folder, file);
  if (asked === undefined) {
    throw new ClockworkError("invalid-argument", `${spec}: file: expected a path inside the folder, got ${file}`);
  }
  // A path deeper in the folder is not among the names that were listed.
  const path = relative(folder, asked).split(sep).join("/");
  const isFile = await stat(asked).then(
    (stats) => stats.isFile(),
    () => false,
  );
  return join(folder, chooseOnnx(spec, isFile ? [...names, path] : names, path));
}

async function namesIn(folder: string, prefix: string): Promise<string[]> {
  try {
    const entries = await readdir(join(folder, prefix), { withFileTypes: true });
    // A folder called x.onnx is no network; links may lead to files and are kept.
    return entries
      .filter((entry) => !(entry.isDirectory() && entry.name.endsWith(".onnx")))
      .map((entry) => prefix + entry.name);
  } catch (cause) {
    // A file called `onnx` holds no others.
    if (prefix !== "") return [];
    throw new ClockworkError("io", `${folder}: cannot be listed: ${reasonOf(cause)}`, { cause });
  }
}

async function readModel(place: {
  readonly name: string;
  readonly path: string;
  /** Where the descriptions are looked for, after the `.onnx` file's own folder. */
  readonly folder: string;
  readonly warnings: readonly string[];
}): Promise<ModelSource> {
  const { name, path } = place;
  const folders = [...new Set([dirname(path), place.folder])];
  const warnings = [...place.warnings];

  const config = await readDescription(folders, CONFIG_FILE);
  const classNames = config && parseClassNames(config.json, config.path);
  if (classNames === undefined) {
    const reason = config === undefined ? `no ${CONFIG_FILE} beside the model` : `${config.path} has no id2label`;
    warnings.push(`${name}: ${reason}; the classes have no names`);
  }

  const processor = await readDescription(folders, PREPROCESSOR_FILE);
  const parsed = processor && parsePreprocessing(processor.json, processor.path);
  warnings.push(...(parsed?.warnings ?? [withoutProcessor(name)]));

  return {
    name,
    path,
    bytes: await readBytes(path),
    readExternal: (location) => readExternal(path, location),
    classNames,
    preprocessing: parsed?.preprocessing ?? defaultPreprocessing(),
    warnings,
  };
}

function withoutProcessor(name: string): string {
  const { channelOrder, mean, std } = defaultPreprocessing();
  return (
    `${name}: no ${PREPROCESSOR_FILE} beside the model; assumed ${channelOrder.toUpperCase()}, values times 1/255, ` +
    `mean [${mean.join(", ")}], std [${std.join(", ")}] and the frame's own size`
  );
}

/** The first of the folders that has the file. */
async function readDescription(
  folders: readonly string[],
  file: string,
): Promise<{ path: string; json: unknown } | undefined> {
  for (const folder of folders) {
    const path = join(folder, file);
    let text: string;
    try {
      text = await readFile(path, "utf8");
    } catch (cause) {
      if (cause instanceof Error && "code" in cause && cause.code === "ENOENT") continue;
      throw new ClockworkError("io", `${path}: expected a file that can be read (${reasonOf(cause)})`, { cause });
    }
    return { path, json: parseJson(text, path) };
  }
  return undefined;
}

async function readBytes(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (cause) {
    throw new ClockworkError("io", `${path}: expected a file that can be read (${reasonOf(cause)})`, { cause });
  }
}

function readExternal(onnxPath: string, location: string): Uint8Array {
  const path = pathInside(dirname(onnxPath), location);
  if (path === undefined) {
    throw new ClockworkError(
      "invalid-model",
      `${onnxPath}: refused tensor data at ${JSON.stringify(location)}, which is outside the model's folder`,
    );
  }
  try {
    return readFileSync(path);
  } catch (cause) {
    if (cause instanceof Error && "code" in cause && cause.code === "ENOENT") {
      throw new ClockworkError(
        "invalid-model",
        `${onnxPath}: expected its tensor data in ${path}, which is missing; put ${location} beside the .onnx file`,
        { cause },
      );
    }
    throw new ClockworkError("io", `${path}: expected a file that can be read (${reasonOf(cause)})`, { cause });
  }
}
