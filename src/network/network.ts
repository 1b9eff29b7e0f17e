// A segmentation network, understood at one frame size: graph, face, shapes, types and costs. Everything that plans or
// rewrites works on this, and needs no engine any more.

import type { Engine } from "../engine/engine.ts";
import { ClockworkError, reasonOf } from "../errors.ts";
import { GraphIndex, macsOf, tensorValue, totalParameters, widened, type DType, type Model } from "../onnx/index.ts";
import { dependenceOf } from "./dependence.ts";
import { fold } from "./fold.ts";
import {
  imageDims,
  imageInputOf,
  scoresOutputOf,
  sizeText,
  type ImageInput,
  type ScoresOutput,
  type Size,
} from "./ports.ts";
import { bytesOf, probe } from "./probe.ts";

/** A network at one frame size. */
export interface Network {
  /** The model, its graph folded for the size. */
  readonly model: Model;
  readonly index: GraphIndex;
  readonly size: Size;
  readonly input: ImageInput;
  readonly output: ScoresOutput;
  /** Shape of a tensor; `undefined` for what is no tensor of this network. */
  shapeOf(tensor: string): readonly number[] | undefined;
  /** Element type of a tensor; initializers included. */
  dtypeOf(tensor: string): DType | undefined;
  /** Bytes that a tensor takes. */
  bytesOf(tensor: string): number;
  /** Whether the values of a tensor depend on the frame. */
  isData(tensor: string): boolean;
  /** Multiply-accumulates of each node, by its index. */
  readonly macs: readonly number[];
  readonly totalMacs: number;
  readonly parameters: number;
}

/** How to look at a model. */
export interface NetworkOptions {
  readonly size: Size;
  readonly engine: Engine;
  /** Name of the output that has the result; default: found by itself. */
  readonly output?: string;
  /** Leave out outputs besides the result, and what only they need: auxiliary heads. Default: false. */
  readonly onlyResult?: boolean;
}

/**
 * Understands a model at one frame size.
 * @throws ClockworkError `unsupported-model` where it is no segmentation network, `engine` where it cannot take the size
 */
export async function networkOf(given: Model, options: NetworkOptions): Promise<Network> {
  const model = widened(given);
  const input = imageInputOf(model.graph);
  const source = new GraphIndex(model.graph);
  const found = await probe(model, source, input, options.size, options.engine);
  const output = scoresOutputOf(model.graph, input, options.size, found.shapes, found.dtypes, options.output);
  const image = tensorValue(input.name, input.dtype, imageDims(input, options.size));
  const outputs = model.graph.outputs.filter(({ name }) => options.onlyResult !== true || name === output.name);
  const graph = fold(source, found, image, outputs);
  const index = new GraphIndex(graph);
  const dependence = dependenceOf(index, input.name);
  const shapeOf = (tensor: string): readonly number[] | undefined =>
    found.shapes.get(tensor) ?? graph.initializers.get(tensor)?.dims;
  const dtypeOf = (tensor: string): DType | undefined =>
    found.dtypes.get(tensor) ?? graph.initializers.get(tensor)?.dtype;
  const macs = index.nodes.map((node) => macsOf(node, shapeOf));
  return {
    model: { ...model, graph },
    index,
    size: options.size,
    input,
    output: { ...output, classes: output.classes ?? classesBehind(index, output.name, shapeOf) },
    shapeOf,
    dtypeOf,
    bytesOf: (tensor) => bytesOf(dtypeOf(tensor) ?? "uint8", shapeOf(tensor) ?? []),
    isData: (tensor) => dependence.onPixels(tensor),
    macs,
    totalMacs: macs.reduce((sum, count) => sum + count, 0),
    parameters: totalParameters(graph),
  };
}

/** Where the network ends in an ArgMax, the number of channels that it chose from. */
function classesBehind(
  index: GraphIndex,
  output: string,
  shapeOf: (tensor: string) => readonly number[] | undefined,
): number | undefined {
  let tensor = output;
  for (let steps = 0; steps < 8; steps++) {
    const producer = index.producerOf(tensor);
    if (producer === undefined) return undefined;
    const node = index.node(producer);
    tensor = node.inputs[0] ?? "";
    if (node.op !== "ArgMax") continue;
    const axis = Number(node.attributes.get("axis")?.value ?? 0n);
    return shapeOf(tensor)?.at(axis);
  }
  return undefined;
}

/** Lengths that the strides of common networks ask for, smallest first. */
const multiples = [2, 4, 8, 16, 32, 64];

/**
 * The network at the wanted size, or at the nearest that it can take: what the file fixes, else the nearest multiple of
 * the smallest power of two that it runs with. Whether the size was moved shows in `network.size`.
 *
 * @throws ClockworkError `unsupported-model` where no size near the wanted one works
 */
export async function fitNetwork(model: Model, options: NetworkOptions): Promise<Network> {
  const input = imageInputOf(model.graph);
  const wanted: Size = {
    widthPx: input.widthPx ?? options.size.widthPx,
    heightPx: input.heightPx ?? options.size.heightPx,
  };
  let refusal: unknown;
  const tried = new Set<string>();
  for (const multiple of [1, ...multiples]) {
    const size: Size = {
      widthPx: input.widthPx ?? nearest(wanted.widthPx, multiple),
      heightPx: input.heightPx ?? nearest(wanted.heightPx, multiple),
    };
    if (tried.has(sizeText(size))) continue;
    tried.add(sizeText(size));
    try {
      return await networkOf(model, { ...options, size });
    } catch (error) {
      if (!(error instanceof ClockworkError) || error.code !== "engine") throw error;
      refusal ??= error;
    }
  }
  throw new ClockworkError(
    "unsupported-model",
    `network: expected a size near ${sizeText(wanted)} that it can take, got refusals at ${[...tried].join(", ")}: ${reasonOf(refusal)}`,
    { cause: refusal },
  );
}

function nearest(length: number, multiple: number): number {
  return Math.max(1, Math.round(length / multiple)) * multiple;
}

/** Shape of the image that a network takes. */
export function imageDimsOf(network: Network): readonly number[] {
  return imageDims(network.input, network.size);
}
