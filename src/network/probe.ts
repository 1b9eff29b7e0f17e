// Shapes and types of every tensor of a network at one frame size, by asking the engine: the graph is opened once with
// every tensor as an output (types), and run once on a black image with the shape of every tensor as an output.
// No operator needs rules of ours, so any graph that runs is understood, dynamic sizes and custom operators included.

import type { Engine, EngineTensor } from "../engine/engine.ts";
import { zeros } from "../engine/ort-session.ts";
import {
  byteLength,
  elementCount,
  isIntegral,
  nodeOf,
  ofBytes,
  tensorValue,
  writeModel,
  type DType,
  type Graph,
  type GraphIndex,
  type Model,
  type Tensor,
} from "../onnx/index.ts";
import { dependenceOf, type Dependence } from "./dependence.ts";
import { imageDims, type ImageInput, type Size } from "./ports.ts";
import { tensorTypesOf } from "./tensor-types.ts";

/** What a run told. */
export interface Probe {
  /** Shape of every tensor, initializers left out. */
  readonly shapes: ReadonlyMap<string, readonly number[]>;
  /** Element type of every tensor, initializers left out. */
  readonly dtypes: ReadonlyMap<string, DType>;
  /** Values of the tensors that depend on the frame's size and nothing else. */
  readonly sized: ReadonlyMap<string, Tensor>;
  readonly dependence: Dependence;
}

/** Larger tensors that depend on the frame's size are left to the engine to compute. */
const sizedLimitBytes = 2 ** 16;

/**
 * Looks at a network at one size.
 * @throws ClockworkError `engine` where the network cannot take this size
 */
export async function probe(
  model: Model,
  index: GraphIndex,
  input: ImageInput,
  size: Size,
  engine: Engine,
): Promise<Probe> {
  const dependence = dependenceOf(index, input.name);
  const made = index.nodes.flatMap((node) => node.outputs.filter((output) => output !== ""));
  const dims = imageDims(input, size);
  const fixed: Graph = {
    ...model.graph,
    nodes: index.nodes,
    inputs: model.graph.inputs.map((value) =>
      value.name === input.name ? tensorValue(input.name, input.dtype, dims) : value,
    ),
    values: [],
  };
  const types = await tensorTypesOf({ ...model, graph: fixed }, made, engine);
  const dtypes = new Map([...types].map(([name, { dtype }]) => [name, dtype]));
  // Sequences, maps and optionals have no shape to ask for.
  const names = [input.name, ...made].filter((name) => dtypes.has(name));
  const sizedNames = names.filter((name) => dependence.onSize(name));
  const shapeName = (name: string): string => `shape of ${name}`;
  const asked: Graph = {
    ...fixed,
    // Last tensor first: ONNX Runtime then asks for each shape as soon as it can and frees the tensor, where in the other
    // order it holds all of them to the end (U-Net at 1920x1088: 0.6 GB in place of 2.1).
    nodes: [...fixed.nodes, ...names.toReversed().map((name) => nodeOf("Shape", [name], [shapeName(name)]))],
    outputs: [
      ...names.map((name) => tensorValue(shapeName(name), "int64", undefined)),
      ...sizedNames.map((name) => tensorValue(name, dtypes.get(name) ?? "undefined", undefined)),
    ],
  };
  await using session = await engine.open(writeModel({ ...model, graph: asked }).bytes, { optimize: "none" });
  const { outputs } = await session.run({ [input.name]: { dtype: input.dtype, dims, data: zeros(input.dtype, dims) } });
  const shapes = new Map<string, readonly number[]>();
  for (const name of names) {
    const shape = outputs[shapeName(name)];
    if (shape !== undefined) shapes.set(name, Array.from(shape.data, Number));
  }
  const sized = new Map<string, Tensor>();
  for (const name of sizedNames) {
    const value = outputs[name];
    if (value === undefined) continue;
    const small = value.data.byteLength <= sizedLimitBytes;
    if (small || (isIntegral(value.dtype) && value.dims.length < 2)) sized.set(name, tensorOf(value));
  }
  return { shapes, dtypes, sized, dependence };
}

function tensorOf({ dtype, dims, data }: EngineTensor): Tensor {
  return ofBytes(dtype, dims, data);
}

/** Bytes of a tensor of a shape. */
export function bytesOf(dtype: DType, dims: readonly number[]): number {
  return byteLength(dtype, elementCount(dims));
}
