// `clockwork convert`: weights that others have published, put into a network, or written as safetensors; and models with
// their weights at half the size.

import { existsSync, readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { Command, Option } from "commander";
import { ClockworkError, reasonOf } from "../errors.ts";
import { readProtocol } from "../compile/index.ts";
import { openModel, type ModelSource } from "../models/index.ts";
import { pathInside, PREPROCESSOR_FILE } from "../models/layout.ts";
import { networks, type Network, type NetworkName } from "../networks/index.ts";
import { readJson } from "../node/json-file.ts";
import { modelFiles, preprocessorOf, weightBytes, writeModelFolder } from "../node/model-folder.ts";
import { writeAllWhole } from "../node/whole-file.ts";
import { elementCount, halved, readModel, widened, type Model } from "../onnx/index.ts";
import { defaultPreprocessing, parsePreprocessing } from "../preprocessing.ts";
import {
  assignWeights,
  nameMaps,
  parseNameMap,
  readWeights,
  writeSafetensors,
  type AssignedModel,
  type NameMap,
  type WeightFile,
} from "../weights/index.ts";
import { downloadProgress } from "./network.ts";
import { positive, wholeNumber } from "./options.ts";
import { textTable } from "./tables.ts";
import { print, say, warn } from "./terminal.ts";

interface ConvertFlags {
  readonly network?: string;
  readonly key?: string;
  readonly map?: string;
  readonly classes?: number;
  readonly width?: number;
  readonly labels?: string;
  readonly preprocessor?: string;
  readonly partial?: boolean;
  readonly half?: boolean;
  readonly match: "name" | "order";
  readonly list?: boolean;
  readonly output?: string;
  readonly json?: boolean;
}

/** A network without its new weights, and what a folder of it says. */
interface Target {
  readonly model: Model;
  readonly classNames: readonly string[] | undefined;
  /** One of our own architectures, where it is one. */
  readonly network: Network | undefined;
  /** Content of the model's own preprocessor_config.json, where it has one. */
  readonly preprocessor: unknown;
}

/** The command. */
export function convertCommand(signal: AbortSignal): Command {
  return new Command("convert")
    .description(
      "Put published weights (PyTorch, safetensors, Caffe, ONNX) into a network, or look at them; or store a model at half the size.",
    )
    .argument(
      "<weights>",
      "checkpoint (.pth, .pt, .ckpt), .safetensors, .caffemodel or .onnx; its form is told by its content; " +
        "with --half alone, a model folder or .onnx file",
    )
    .option("--network <name>", `one of ${Object.keys(networks).join(", ")}; or a model folder or .onnx file`)
    .option("--map <file>", `name map as JSON, or one of ${[...nameMaps.keys()].join(", ")}`)
    .option("--key <name>", "where in a checkpoint the weights are (default: found by itself)")
    .option(
      "--classes <n>",
      "number of classes of --network (default: those of --labels, else the network's)",
      wholeNumber("--classes"),
    )
    .option(
      "--width <w>",
      "channels of --network as a multiple of the published ones (default: 1)",
      positive("--width"),
    )
    .option("--labels <file>", "names of the classes, one a line, for the folder's id2label (default: class N)")
    .option(
      "--preprocessor <file>",
      "preprocessor_config.json for the folder (default: that of --network, else RGB, mean and deviation of ImageNet)",
    )
    .option("--partial", "keep the network's own values where the file has none")
    .option("--half", "store large weights as float16: half the size, rounded once; the network still runs in float32")
    .addOption(
      new Option("--match <how>", "after names: by order, where both have the same shapes one after the other")
        .choices(["name", "order"])
        .default("name"),
    )
    .option("--list", "print the tensors of the file and stop")
    .option("-o, --output <path>", "x.onnx, x.safetensors, or a model folder (default: nothing is written)")
    .option("--json", "print one JSON object on standard output")
    .addHelpText(
      "after",
      `
Checkpoints are read as data: nothing in them is run. Name maps and formats are in docs/weights.md.

Examples:
  clockwork convert espnet_p_2_q_8.pth --list                              what is in it?
  clockwork convert espnet_p_2_q_8.pth --network espnet --map espnet --classes 20 -o espnet-cityscapes
  clockwork convert fcn8s.caffemodel --network fcn8s --classes 21 -o fcn8s.onnx
  clockwork convert old.pth -o new.safetensors
  clockwork convert my-model --half -o my-small-model`,
    )
    .action((path: string, flags: ConvertFlags) => run(path, flags, signal));
}

async function run(path: string, flags: ConvertFlags, signal: AbortSignal): Promise<void> {
  checkFlags(flags);
  if (flags.half === true && flags.network === undefined) {
    await runHalf(path, flags, signal);
    return;
  }
  const file = await readFileOf(path, flags.key);
  for (const note of file.notes) say(`${path}: ${note}`);
  if (flags.list === true) {
    print(flags.json === true ? JSON.stringify(listing(path, file), undefined, 2) : table(path, file));
    return;
  }
  if (flags.network === undefined) {
    const output = flags.output ?? "";
    await writeAllWhole([[output, writeSafetensors(file.weights)]]);
    report(
      flags,
      { output, format: file.format, tensors: file.weights.size },
      `${output}: ${file.weights.size} tensors`,
    );
    return;
  }
  const map = flags.map === undefined ? undefined : await mapOf(flags.map);
  const labels = flags.labels === undefined ? undefined : await labelsOf(flags.labels);
  const target = await targetOf(flags.network, flags, labels, signal);
  const { match, partial = false } = flags;
  const result = assignWeights(target.model, file.weights, { match, partial, ...(map !== undefined && { map }) });
  if (signal.aborted) throw new ClockworkError("aborted", "stopped");
  if (flags.output !== undefined) {
    const filled = flags.half === true ? halvedModel(result.model) : result.model;
    await write(flags.output, { ...result, model: filled }, target, labels, flags);
  }
  tell(file, result, flags);
}

/** A model as it is, but for its weights. */
async function runHalf(path: string, flags: ConvertFlags, signal: AbortSignal): Promise<void> {
  const { output = "" } = flags;
  const labels = flags.labels === undefined ? undefined : await labelsOf(flags.labels);
  const target = await modelTarget(path, signal);
  if (readProtocol(target.model) !== undefined) {
    throw new ClockworkError(
      "invalid-argument",
      `${path}: expected a network, got one that is compiled already; try the network that it was compiled from`,
    );
  }
  const model = halvedModel(target.model);
  if (signal.aborted) throw new ClockworkError("aborted", "stopped");
  await write(output, { model, assigned: [] }, target, labels, flags);
  const bytes = { before: weightBytes(target.model), after: weightBytes(model) };
  const megabytes = (count: number): string => (count / 1e6).toFixed(1);
  report(
    flags,
    { output, bytes },
    `${output}: weights of ${megabytes(bytes.after)} MB, from ${megabytes(bytes.before)} MB`,
  );
}

/** The model with float16 weights; says which stay as they are. */
function halvedModel(model: Model): Model {
  const half = halved(model);
  if (half.tooLarge.length > 0) {
    warn(`beyond what float16 can hold (65504), and left as float32: ${half.tooLarge.join(", ")}`);
  }
  return half.model;
}

function checkFlags(flags: ConvertFlags): void {
  const { network, output, list, map, labels, preprocessor, half } = flags;
  const wrong = (message: string): never => {
    throw new ClockworkError("invalid-argument", message);
  };
  if (half === true) {
    if (list === true) wrong("--half: expected it with -o, got --list");
    if (output === undefined || output.endsWith(".safetensors")) {
      wrong(`--half: expected -o FILE.onnx or -o FOLDER, got ${output === undefined ? "no output" : output}`);
    }
    const others = (["key", "map", "classes", "width", "partial"] as const).filter((name) => flags[name] !== undefined);
    if (network === undefined && others.length > 0)
      wrong(`--${others.join(", --")}: expected it with --network, got none`);
  } else if (network === undefined && list !== true) {
    if (output?.endsWith(".safetensors") !== true) {
      wrong("--network: expected the network that the weights are of, got none; try --list, or -o FILE.safetensors");
    }
    if (map !== undefined) wrong("--map: expected it with --network, got none");
  }
  const isFolder = output !== undefined && !/\.(?:onnx|safetensors)$/.test(output);
  for (const [flag, value] of [
    ["--labels", labels],
    ["--preprocessor", preprocessor],
  ] as const) {
    if (value !== undefined && !isFolder) wrong(`${flag}: expected it with -o FOLDER, got ${output ?? "no output"}`);
  }
}

async function readFileOf(path: string, key: string | undefined): Promise<WeightFile> {
  const bytes = await bytesOf(path);
  const external = (location: string): Uint8Array => {
    const place = pathInside(dirname(path), location);
    try {
      if (place !== undefined) return readFileSync(place);
    } catch (cause) {
      throw new ClockworkError("io", `${path}: expected its tensors in ${location} (${reasonOf(cause)})`, { cause });
    }
    throw new ClockworkError("invalid-model", `${path}: expected its tensors beside it, got ${location}`);
  };
  return readWeights(bytes, { name: path, external, ...(key !== undefined && { key }) });
}

async function bytesOf(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (cause) {
    throw new ClockworkError("io", `${path}: expected a file that can be read (${reasonOf(cause)})`, { cause });
  }
}

async function mapOf(spec: string): Promise<NameMap> {
  return nameMaps.get(spec) ?? parseNameMap(await readJson(spec), spec);
}

async function labelsOf(path: string): Promise<readonly string[]> {
  const text = new TextDecoder().decode(await bytesOf(path));
  const names = text.split(/\r?\n/).map((line) => line.trim());
  while (names.at(-1) === "") names.pop();
  if (names.length > 0 && !names.includes("")) return names;
  throw new ClockworkError("invalid-argument", `${path}: expected the name of a class on each line, got an empty one`);
}

async function targetOf(
  spec: string,
  { classes, width }: ConvertFlags,
  labels: readonly string[] | undefined,
  signal: AbortSignal,
): Promise<Target> {
  if (isNetworkName(spec)) {
    const network = networks[spec];
    const count = classes ?? labels?.length;
    return {
      model: network.build({ width: width ?? 1, ...(count !== undefined && { classes: count }) }),
      classNames: undefined,
      network,
      preprocessor: undefined,
    };
  }
  if (classes !== undefined || width !== undefined) {
    throw new ClockworkError(
      "invalid-argument",
      `${classes === undefined ? "--width" : "--classes"}: expected it with one of our networks, got ${spec}, which has its own; ` +
        `our networks are ${Object.keys(networks).join(", ")}`,
    );
  }
  return modelTarget(spec, signal);
}

/** A model folder, a file, or one of the hub. */
async function modelTarget(spec: string, signal: AbortSignal): Promise<Target> {
  const source: ModelSource = await openModel(spec, { onProgress: downloadProgress(), signal });
  const model = widened(readModel(source.bytes, { name: source.path, external: source.readExternal }));
  const folders = [dirname(source.path), dirname(dirname(source.path))];
  const described = folders.map((folder) => join(folder, PREPROCESSOR_FILE)).find((file) => existsSync(file));
  const preprocessor = described === undefined ? undefined : await readJson(described);
  return { model, classNames: source.classNames, network: undefined, preprocessor };
}

function isNetworkName(spec: string): spec is NetworkName {
  return Object.hasOwn(networks, spec);
}

/** Writes what `output` asks for; all files of it, or none. */
async function write(
  output: string,
  result: Pick<AssignedModel, "model" | "assigned">,
  target: Target,
  labels: readonly string[] | undefined,
  flags: ConvertFlags,
): Promise<void> {
  const { model } = result;
  if (output.endsWith(".safetensors")) {
    const filled = new Set(result.assigned.map(({ to }) => to));
    const weights = new Map([...model.graph.initializers].filter(([name]) => filled.has(name)));
    await writeAllWhole([[output, writeSafetensors(weights)]]);
    return;
  }
  if (output.endsWith(".onnx")) {
    await writeAllWhole(modelFiles(model, output));
    return;
  }
  const classes = classesOf(model) ?? labels?.length ?? 0;
  if (labels !== undefined && labels.length !== classes) {
    throw new ClockworkError(
      "invalid-argument",
      `--labels: expected ${classes} names, as the network has classes, got ${labels.length}`,
    );
  }
  const names = labels ?? target.classNames ?? Array.from({ length: classes }, (_, index) => `class ${index}`);
  await writeModelFolder(output, model, {
    classNames: names,
    preprocessor: await preprocessorFor(flags.preprocessor, target),
  });
}

/** Channels of the network's first output, where it says them. */
function classesOf({ graph }: Model): number | undefined {
  const type = graph.outputs[0]?.type;
  const channels = type?.kind === "tensor" ? type.shape?.[1] : undefined;
  return typeof channels === "number" ? channels : undefined;
}

/** The description of the frames: the user's, the model's own, or what is assumed. */
async function preprocessorFor(path: string | undefined, { network, preprocessor }: Target): Promise<unknown> {
  if (path !== undefined) {
    const json = await readJson(path);
    for (const warning of parsePreprocessing(json, path).warnings) warn(warning);
    return json;
  }
  if (preprocessor !== undefined) return preprocessor;
  warn("assumed RGB and mean and deviation of ImageNet; try --preprocessor where the weights were trained otherwise");
  return preprocessorOf(defaultPreprocessing(), network?.sizeMultiple ?? 1);
}

function tell(file: WeightFile, result: AssignedModel, flags: ConvertFlags): void {
  const { assigned, unused, missing } = result;
  const total = assigned.length + missing.length;
  if (missing.length > 0) warn(`not in the file, and left as they are: ${missing.join(", ")}`);
  if (unused.length > 0) warn(`in the file, and not used: ${unused.join(", ")}`);
  const output = flags.output ?? null;
  const summary = `${flags.output ?? "nothing written"}: ${assigned.length} of ${total} weights of ${flags.network ?? ""} from a ${file.format} file`;
  report(
    flags,
    { output, network: flags.network, format: file.format, assigned, unused, missing, notes: file.notes },
    summary,
  );
}

function report(flags: ConvertFlags, json: Readonly<Record<string, unknown>>, line: string): void {
  print(flags.json === true ? JSON.stringify(json, undefined, 2) : line);
}

function listing(path: string, { format, weights, notes }: WeightFile): Readonly<Record<string, unknown>> {
  const tensors = [...weights].map(([name, { dtype, dims }]) => ({ name, dtype, shape: dims }));
  return { file: path, format, notes, tensors };
}

function table(path: string, { format, weights }: WeightFile): string {
  const rows = [...weights].map(([name, { dtype, dims }]) => [name, dtype, `[${dims.join(",")}]`]);
  const elements = [...weights.values()].reduce((sum, { dims }) => sum + elementCount(dims), 0);
  const footer = `${path}: ${format}, ${weights.size} tensors, ${elements} elements`;
  return `${textTable([["name", "dtype", "shape"], ...rows])}\n${footer}`;
}
