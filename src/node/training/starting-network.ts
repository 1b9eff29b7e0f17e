// The network that a training starts from: one of the architectures by name, or an ONNX file of the user's; in the form
// that the step takes, and in that which is written in the end.

import { existsSync } from "node:fs";
import { ClockworkError } from "../../errors.ts";
import { nodeEngine } from "../../engine/node/engine.ts";
import { openModel } from "../../models/index.ts";
import { networkOf, type ScoresOutput } from "../../network/index.ts";
import { tensorTypesOf } from "../../network/tensor-types.ts";
import { networks, type NetworkName, type NetworkOptions } from "../../networks/index.ts";
import { readModel, widened, type Model } from "../../onnx/index.ts";
import { defaultPreprocessing, type Preprocessing } from "../../preprocessing.ts";
import { batched } from "../../train/batched.ts";
import type { Recipe } from "../../train/recipe.ts";

/** A network to be trained. */
export interface StartingNetwork {
  readonly name: string;
  /** For the step: batch and crop of the recipe. */
  readonly training: Model;
  /** For use: any size, one image; the same names of weights. */
  readonly inference: Model;
  readonly preprocessing: Preprocessing;
  /** `undefined` where the file does not name them. */
  readonly classNames: readonly string[] | undefined;
  readonly sizeMultiple: number;
  readonly warnings: readonly string[];
}

/**
 * @param spec name of an architecture, or a model folder or file
 * @param classes number of classes, for architectures
 */
export async function startingNetwork(spec: string, classes: number, recipe: Recipe): Promise<StartingNetwork> {
  if (isArchitecture(spec)) return architecture(spec, classes, recipe);
  if (/^[\w-]+$/u.test(spec) && !existsSync(spec)) {
    throw new ClockworkError(
      "invalid-argument",
      `network: expected an architecture (${Object.keys(networks).sort().join(", ")}), a model folder, an .onnx file or ` +
        `hf:owner/name, got "${spec}"`,
    );
  }
  return await networkOfFile(spec, recipe);
}

/** Whether a text names an architecture. */
export function isArchitecture(spec: string): spec is NetworkName {
  return Object.hasOwn(networks, spec);
}

function architecture(name: NetworkName, classes: number, recipe: Recipe): StartingNetwork {
  const { build, sizeMultiple } = networks[name];
  const { width = 1, auxiliary, depth, finestStride, deepStride } = recipe.network;
  // Options that an architecture does not have are not looked at by it.
  const common = {
    width,
    classes,
    seed: recipe.seed,
    init: "train",
    ...(auxiliary !== undefined && { auxiliary }),
    ...(depth !== undefined && { depth }),
    ...(finestStride !== undefined && { finestStride }),
    ...(deepStride !== undefined && { deepStride }),
  } as const;
  const forStep: NetworkOptions = { ...common, batch: recipe.batch, size: recipe.augmentation.crop };
  return {
    name,
    training: build(forStep),
    inference: build(common),
    preprocessing: { ...defaultPreprocessing(), ...(sizeMultiple > 1 && { multipleOf: sizeMultiple }) },
    classNames: undefined,
    sizeMultiple,
    warnings: [],
  };
}

/** A network of a file, and its scores. */
export interface NetworkOfFile extends StartingNetwork {
  readonly output: ScoresOutput;
}

/**
 * @param spec a model folder or file
 * @throws ClockworkError `unsupported-model` where it does not take the recipe's batch
 */
export async function networkOfFile(spec: string, recipe: Recipe): Promise<NetworkOfFile> {
  const source = await openModel(spec);
  const inference = widened(readModel(source.bytes, { name: source.path, external: source.readExternal }));
  const size = recipe.augmentation.crop;
  const folded = await networkOf(inference, { size, engine: nodeEngine });
  const training: Model = { ...folded.model, graph: batched(folded.model.graph, recipe.batch) };
  const { name: output, dims } = folded.output;
  const types = await tensorTypesOf(training, [output], nodeEngine);
  const shape = types.get(output)?.shape ?? [];
  const expected = [recipe.batch, ...dims.slice(1)];
  if (shape.join() !== expected.join()) {
    throw new ClockworkError(
      "unsupported-model",
      `${spec}: expected a network that takes batches, ${output} [${expected.join(",")}], got [${shape.join(",")}]; ` +
        `try "batch": 1 and "accumulate": ${recipe.batch} in the recipe`,
    );
  }
  return {
    name: source.name,
    training,
    inference,
    preprocessing: source.preprocessing,
    classNames: source.classNames,
    sizeMultiple: source.preprocessing.multipleOf ?? 1,
    warnings: source.warnings,
    output: folded.output,
  };
}
