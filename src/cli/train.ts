// `clockwork train`: a dataset, a network and a recipe become a model folder.

import { Command } from "commander";
import { parseClassMap, readyMaps } from "../datasets/index.ts";
import { readJson } from "../node/json-file.ts";
import { readFile } from "node:fs/promises";
import { trainModel, type TrainingStart } from "../node/training/train-model.ts";
import { ClockworkError, reasonOf } from "../errors.ts";
import type { Model } from "../onnx/index.ts";
import { parseRecipe, recipeJsonSchema } from "../train/recipe.ts";
import { assignWeights, readWeights } from "../weights/index.ts";
import { countFrom, repeated, wholeNumber } from "./options.ts";
import { Progress } from "./progress.ts";
import { print, say, warn } from "./terminal.ts";

interface TrainFlags {
  readonly data?: readonly string[];
  readonly validationData?: readonly string[];
  readonly dataset?: string;
  readonly split?: string;
  readonly validation: string | false;
  readonly map?: string;
  readonly network?: string;
  readonly recipe?: string;
  readonly init?: string;
  readonly output?: string;
  readonly steps?: number;
  readonly threads?: number;
  readonly provider?: string;
  readonly checkpoint?: number;
  readonly schema?: boolean;
  readonly quiet?: boolean;
  readonly json?: boolean;
}

/** The command. */
export function trainCommand(signal: AbortSignal): Command {
  return new Command("train")
    .description("Train a network, or go on training one of yours, on frames with labels.")
    .option(
      "--data <folder>",
      "folder of a dataset (see `clockwork datasets`); several of the same classes are joined",
      repeated,
    )
    .option(
      "--network <network>",
      "architecture by name, such as street, or a model folder, .onnx file or hf:owner/name",
    )
    .option("--recipe <file>", "the recipe, a JSON file (see docs/training.md)")
    .option("-o, --output <folder>", "model folder to write; its training/ has log, curve and checkpoint")
    .option("--init <weights>", "weights to begin with: .onnx, .safetensors, PyTorch or .caffemodel")
    .option("--dataset <name>", "layout of the folders (default: recognised)")
    .option("--split <name>", "split to train on (default: train)")
    .option(
      "--validation-data <folder>",
      "folder to validate on; may be repeated (default: those of --data, where they have the split)",
      repeated,
    )
    .option("--validation <name>", "split to validate on (default: val; of --validation-data without it, all)")
    .option("--no-validation", "do not validate: the last weights are written")
    .option(
      "--map <map>",
      "mapping of the dataset's classes to the network's: a name or a JSON file (default: by name)",
    )
    .option("--steps <n>", "updates in all, in place of the recipe's", wholeNumber("--steps"))
    .option("--threads <n>", "threads of the engine (default: one for each core)", wholeNumber("--threads"))
    .option("--provider <name>", "execution provider of ONNX Runtime, such as cuda or webgpu (default: cpu)")
    .option("--checkpoint <seconds>", "time between checkpoints (default: 60)", countFrom("--checkpoint", 0))
    .option("--schema", "print the JSON Schema of recipes")
    .option("-q, --quiet", "no progress, warnings only")
    .option("--json", "print one JSON object on standard output")
    .addHelpText(
      "after",
      `
A training that was stopped or killed goes on from its last checkpoint when the same command is given again, to the
same bits. The folder is a model for every other command as soon as the first validation is over.

Examples:
  clockwork train --data camvid/ --network street --recipe recipes/camvid.json -o my-model
  clockwork train --data mine/ --network my-model --recipe fine-tune.json -o my-better-model
  clockwork train --data day/ --data night/ --validation-data dusk/ --network street --recipe r.json -o my-model
  clockwork train --schema > recipe.schema.json`,
    )
    .action((flags: TrainFlags) => run(flags, signal));
}

async function run(flags: TrainFlags, signal: AbortSignal): Promise<void> {
  if (flags.schema === true) {
    print(JSON.stringify(recipeJsonSchema(), undefined, 2));
    return;
  }
  const { data, network, recipe: path, output } = flags;
  for (const [flag, value] of Object.entries({
    "--data": data,
    "--network": network,
    "--recipe": path,
    "-o": output,
  })) {
    if (value === undefined) {
      throw new ClockworkError("invalid-argument", `${flag}: expected a value, got none; try clockwork train --help`);
    }
  }
  if (data === undefined || network === undefined || path === undefined || output === undefined) return;
  const json = await readJson(path);
  const stepped = flags.steps === undefined || !isObject(json) ? json : { ...json, steps: flags.steps };
  const recipe = parseRecipe(stepped, path);
  const map =
    flags.map === undefined
      ? undefined
      : (readyMaps.get(flags.map) ?? parseClassMap(await readJson(flags.map), flags.map));
  const { init } = flags;
  const progress = flags.quiet === true ? undefined : new Progress(process.stderr);
  try {
    const trained = await trainModel({
      data,
      network,
      recipe,
      output,
      signal,
      ...(flags.dataset !== undefined && { layout: flags.dataset }),
      ...(flags.split !== undefined && { split: flags.split }),
      ...(flags.validationData !== undefined && { validationData: flags.validationData }),
      ...(typeof flags.validation === "string" && { validation: flags.validation }),
      ...(flags.validation === false && { validation: null }),
      ...(map !== undefined && { map }),
      ...(flags.threads !== undefined && { threads: flags.threads }),
      ...(flags.provider !== undefined && { providers: [flags.provider, "cpu"] }),
      ...(flags.checkpoint !== undefined && { checkpointEverySec: flags.checkpoint }),
      ...(init !== undefined && { initialise: (model: Model) => withWeights(model, init) }),
      onStart: (start) => introduce(start, flags),
      onProgress: ({ step, total, loss, best }) =>
        progress?.update({
          frames: step,
          total,
          unit: "steps",
          note: `loss ${loss.toFixed(3)}${best === undefined ? "" : `, best mIoU ${best.toFixed(2)} %`}`,
        }),
    });
    progress?.done();
    if (flags.json === true) {
      print(JSON.stringify({ output, ...trained }, undefined, 2));
      return;
    }
    const { best, stoppedEarly, steps } = trained;
    const score = best === undefined ? "" : `; best mIoU ${(100 * best.meanIou).toFixed(2)} % at step ${best.step}`;
    print(`${output}: trained for ${steps} steps${stoppedEarly ? ", stopped early" : ""}${score}`);
  } finally {
    progress?.done();
  }
}

function introduce(start: TrainingStart, flags: TrainFlags): void {
  for (const note of start.notes) warn(note);
  if (flags.quiet === true) return;
  const { network, samples, classNames, weights, resumedAt } = start;
  say(`${network}: ${weights} numbers to learn, ${classNames.length} classes, ${samples} samples`);
  if (resumedAt > 0) say(`going on from step ${resumedAt}`);
}

/** Published or earlier weights, as far as they fit by name. */
async function withWeights(
  model: Model,
  path: string,
): Promise<{ readonly model: Model; readonly notes: readonly string[] }> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(path);
  } catch (cause) {
    throw new ClockworkError("io", `${path}: expected a file of weights (${reasonOf(cause)})`, { cause });
  }
  const { weights, notes } = readWeights(bytes);
  const { model: filled, missing, unused } = assignWeights(model, weights, { partial: true });
  return {
    model: filled,
    notes: [
      ...notes,
      ...(missing.length > 0
        ? [`${path} does not have ${missing.length} tensors: ${missing.slice(0, 8).join(", ")}`]
        : []),
      ...(unused.length > 0
        ? [`${unused.length} tensors of ${path} were not used: ${unused.slice(0, 8).join(", ")}`]
        : []),
    ],
  };
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
