// A network with the weights that a training has come to, and the folder that it is written to.

import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { EngineTensor } from "../../engine/index.ts";
import { ClockworkError, reasonOf } from "../../errors.ts";
import { CONFIG_FILE, PREPROCESSOR_FILE } from "../../models/layout.ts";
import { ofBytes, writeModel, type Graph, type Model, type Tensor, type Value } from "../../onnx/index.ts";
import type { Preprocessing } from "../../preprocessing.ts";
import type { TrainingStep } from "../../train/step-graph.ts";
import { writeAllWhole } from "../whole-file.ts";

/** A model with the values of a step's memory: moving averages where they are kept. Other outputs than `logits` go. */
export function trainedModel(
  model: Model,
  network: string,
  step: TrainingStep,
  memory: Readonly<Record<string, EngineTensor>>,
): Model {
  const initializers = new Map<string, Tensor>(model.graph.initializers);
  for (const [name, input] of step.learned.get(network) ?? []) {
    const value = memory[step.averages.get(input) ?? input];
    if (value !== undefined) initializers.set(name, ofBytes(value.dtype, value.dims, value.data));
  }
  // Weights of a file may be nodes: then they are tensors now.
  const nodes = model.graph.nodes.filter(({ op, outputs }) => op !== "Constant" || !initializers.has(outputs[0] ?? ""));
  return { ...model, graph: pruned({ ...model.graph, nodes, initializers }) };
}

/** The graph without what only other outputs than the first need. */
function pruned(graph: Graph): Graph {
  const outputs: readonly Value[] = graph.outputs.slice(0, 1);
  const needed = new Set(outputs.map(({ name }) => name));
  const nodes = graph.nodes.toReversed().filter((node) => {
    if (!node.outputs.some((name) => needed.has(name))) return false;
    for (const name of node.inputs) needed.add(name);
    return true;
  });
  return {
    ...graph,
    nodes: nodes.toReversed(),
    outputs,
    initializers: new Map([...graph.initializers].filter(([name]) => needed.has(name))),
  };
}

/** What a model folder says besides the network. */
export interface ModelDescription {
  readonly classNames: readonly string[];
  readonly preprocessing: Preprocessing;
  /** Number that height and width of frames are rounded to multiples of. */
  readonly sizeMultiple: number;
}

/**
 * Writes a model folder in the layout of Hugging Face: every file whole, the network last.
 * @throws ClockworkError `io` where it cannot be written
 */
export async function writeModelFolder(folder: string, model: Model, description: ModelDescription): Promise<void> {
  const { classNames, preprocessing, sizeMultiple } = description;
  const { channelOrder, scale, mean, std } = preprocessing;
  await mkdir(join(folder, "onnx"), { recursive: true }).catch((cause: unknown) => {
    throw new ClockworkError("io", `${folder}: expected a folder that can be made (${reasonOf(cause)})`, { cause });
  });
  const preprocessor = {
    do_resize: false,
    do_rescale: true,
    rescale_factor: scale,
    do_normalize: true,
    image_mean: mean,
    image_std: std,
    ...(channelOrder === "bgr" && { do_flip_channel_order: true }),
    ...(sizeMultiple > 1 && { size_divisor: sizeMultiple }),
  };
  await writeAllWhole([
    [
      join(folder, CONFIG_FILE),
      `${JSON.stringify({ id2label: Object.fromEntries(classNames.entries()) }, undefined, 2)}\n`,
    ],
    [join(folder, PREPROCESSOR_FILE), `${JSON.stringify(preprocessor, undefined, 2)}\n`],
    [join(folder, "onnx", "model.onnx"), writeModel(model).bytes],
  ]);
}
