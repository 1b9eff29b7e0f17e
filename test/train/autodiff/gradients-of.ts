// Gradients of small graphs: built by a callback, differentiated by the library, run by ONNX Runtime. And the same gradients
// from central differences of the forward graph alone, which know nothing of rules.
// The loss is the sum of all outputs, each element times a fixed random weight.

import { expect } from "vitest";
import type { EngineTensor } from "../../../src/engine/engine.ts";
import { tensorTypesOf } from "../../../src/network/tensor-types.ts";
import { Random } from "../../../src/networks/random.ts";
import { elementCount, GraphBuilder, modelOf, writeModel, type Graph, type Node } from "../../../src/onnx/index.ts";
import { differentiate } from "../../../src/train/autodiff/differentiate.ts";
import { rules } from "../../../src/train/autodiff/rules.ts";
import { localEngine } from "../../support/runtime.ts";

/** A float32 tensor. */
export interface Floats {
  readonly dims: readonly number[];
  readonly data: Float32Array<ArrayBuffer>;
}

/** Tensors by name. */
export type FloatsByName = Readonly<Record<string, Floats>>;

/** Adds the forward graph to a builder that has the inputs already; returns the outputs that the loss is made of. */
export type Forward = (b: GraphBuilder) => readonly string[] | string;

/** How to differentiate. */
export interface GradientOptions {
  /** Default 17. */
  readonly opset?: number;
  /** What to differentiate by; default: all inputs. */
  readonly by?: readonly string[];
  /** Shapes of what nodes make, where the engine cannot tell them. */
  readonly shapes?: Readonly<Record<string, readonly number[]>>;
  /** Other tensors whose values are asked for. */
  readonly watch?: readonly string[];
}

/** What a run gave. */
export interface Gradients {
  /** By what it is the gradient by; absent where the loss does not depend on it. */
  readonly gradients: FloatsByName;
  /** Values of the outputs and of what was watched, from the differentiated graph. */
  readonly values: FloatsByName;
  /** Weights of the outputs in the loss, in order. */
  readonly weights: readonly Floats[];
  /** The graph that was run. */
  readonly graph: Graph;
}

/** A tensor of evenly distributed elements, the same in each run. */
export function floats(stream: string, dims: readonly number[], low = -1, high = 1): Floats {
  return { dims, data: Float32Array.from(new Random(7, stream).uniform(elementCount(dims), low, high)) };
}

/** A tensor of elements no closer to each other than 1 / count: no maximum is nearly two. */
export function distinct(stream: string, dims: readonly number[], low = -1, high = 1): Floats {
  const count = elementCount(dims);
  const random = new Random(11, stream);
  const order = Array.from({ length: count }, (_, index) => ({ index, key: random.next() }));
  order.sort((a, b) => a.key - b.key);
  return { dims, data: Float32Array.from(order, ({ index }) => low + ((high - low) * (index + 0.5)) / count) };
}

/** A whole number in [low, high]. */
export function whole(random: Random, low: number, high: number): number {
  return low + Math.floor(random.next() * (high - low + 1));
}

/** Weights of an output in the loss. */
export function weightsOf(dims: readonly number[], index: number): Floats {
  return floats(`weights of output ${index}`, dims);
}

function forwardGraph(inputs: FloatsByName, forward: Forward): { b: GraphBuilder; outputs: readonly string[] } {
  const b = new GraphBuilder("forward");
  for (const [name, { dims }] of Object.entries(inputs)) b.input(name, "float32", dims);
  const made = forward(b);
  return { b, outputs: typeof made === "string" ? [made] : made };
}

function feedsOf(inputs: FloatsByName): Record<string, EngineTensor> {
  return Object.fromEntries(Object.entries(inputs).map(([name, tensor]) => [name, { dtype: "float32", ...tensor }]));
}

const untyped = (name: string): Graph["outputs"][number] => ({ name, type: { kind: "other", proto: undefined } });

/** ONNX Runtime 1.30 crashes in a `Split` with parts that have no name: for its sake they get one. */
function allNamed(node: Node): Node {
  if (node.op !== "Split") return node;
  return { ...node, outputs: node.outputs.map((output, index) => output || `test/${node.name}/${index}`) };
}

async function run(
  graph: Graph,
  inputs: FloatsByName,
  wanted: readonly string[],
  opset: number,
): Promise<FloatsByName> {
  const asked: Graph = { ...graph, nodes: graph.nodes.map(allNamed), outputs: [...new Set(wanted)].map(untyped) };
  await using session = await localEngine.open(writeModel(modelOf(asked, opset)).bytes);
  const { outputs } = await session.run(feedsOf(inputs));
  return Object.fromEntries(
    Object.entries(outputs).map(([name, { dims, data }]) => [
      name,
      { dims, data: Float32Array.from(data as Float32Array) },
    ]),
  );
}

/** Shapes of all tensors of a graph, as the engine infers them. */
export async function shapesIn(graph: Graph, opset: number): Promise<Map<string, readonly number[]>> {
  const made = graph.nodes.flatMap(({ outputs }) => outputs.filter((output) => output !== ""));
  const shapes = new Map<string, readonly number[]>();
  for (const [name, { shape }] of await tensorTypesOf(modelOf(graph, opset), made, localEngine)) {
    const dims = shape?.filter((dim) => typeof dim === "number");
    if (dims !== undefined && dims.length === shape?.length) shapes.set(name, dims);
  }
  return shapes;
}

/** Gradients by the library's rules. Their shapes are checked against those of the inputs. */
export async function gradientsOf(
  inputs: FloatsByName,
  forward: Forward,
  options: GradientOptions = {},
): Promise<Gradients> {
  const { opset = 17, by = Object.keys(inputs), watch = [] } = options;
  const { b, outputs } = forwardGraph(inputs, forward);
  const shapes =
    options.shapes === undefined ? await shapesIn(b.build(), opset) : new Map(Object.entries(options.shapes));
  for (const [name, { dims }] of Object.entries(inputs)) shapes.set(name, dims);
  const weights: Floats[] = [];
  const parts = outputs.map((output, index) => {
    const dims = shapes.get(output);
    if (dims === undefined) throw new Error(`test: no shape of ${output}`);
    const weight = weightsOf(dims, index);
    weights.push(weight);
    const product = b.add(`test/product${index}`, "Mul", [output, b.float32(`test/weight${index}`, dims, weight.data)]);
    shapes.set(product, dims);
    return b.add(`test/part${index}`, "ReduceSum", [product], { keepdims: 0 });
  });
  const loss = b.add("test/loss", "Sum", parts);
  for (const scalar of [...parts, loss]) shapes.set(scalar, []);
  const { graph, gradients } = differentiate(b.build(), { shapes, loss, by, opset, rules });
  const results = await run(graph, inputs, [...gradients.values(), ...outputs, ...watch], opset);
  const found: Record<string, Floats> = {};
  for (const [name, tensor] of gradients) {
    const gradient = results[tensor];
    if (gradient === undefined) throw new Error(`test: no gradient by ${name}`);
    expect(gradient.dims, `shape of the gradient by ${name}`).toEqual(
      inputs[name]?.dims ?? graph.initializers.get(name)?.dims ?? shapes.get(name),
    );
    found[name] = gradient;
  }
  const values = Object.fromEntries(
    [...outputs, ...watch].map((name) => [name, results[name] ?? { dims: [], data: new Float32Array() }]),
  );
  return { gradients: found, values, weights, graph };
}

/** How to differ. */
export interface DifferenceOptions {
  /** Half the distance of the two points, default 1e-2. Linear graphs are exact at any: larger ones round less. */
  readonly step?: number;
  readonly opset?: number;
  readonly by?: readonly string[];
}

/** Gradients by central differences of the forward graph. */
export async function differencesOf(
  inputs: FloatsByName,
  forward: Forward,
  { step = 1e-2, opset = 17, by = Object.keys(inputs) }: DifferenceOptions = {},
): Promise<FloatsByName> {
  const { b, outputs } = forwardGraph(inputs, forward);
  const graph: Graph = { ...b.build(), outputs: [...new Set(outputs)].map(untyped) };
  await using session = await localEngine.open(writeModel(modelOf(graph, opset)).bytes, { optimize: "none" });
  const loss = async (): Promise<number> => {
    const results = (await session.run(feedsOf(inputs))).outputs;
    let total = 0;
    for (const [index, output] of outputs.entries()) {
      const { dims, data } = results[output] ?? { dims: [], data: new Float32Array() };
      const weights = weightsOf(dims, index).data;
      for (let i = 0; i < weights.length; i++) total += Number(data[i]) * (weights[i] ?? 0);
    }
    return total;
  };
  const found: Record<string, Floats> = {};
  for (const name of by) {
    const { dims, data } = inputs[name] ?? { dims: [], data: new Float32Array() };
    const gradient = new Float32Array(data.length);
    for (const [i, value] of data.slice().entries()) {
      const [high, low] = [Math.fround(value + step), Math.fround(value - step)];
      data[i] = high;
      const above = await loss();
      data[i] = low;
      const below = await loss();
      data[i] = value;
      gradient[i] = (above - below) / (high - low);
    }
    found[name] = { dims, data: gradient };
  }
  return found;
}

/** Tensors agree where no element differs by more than `tolerance` times the largest that is expected. */
export function expectClose(
  actual: Floats | undefined,
  expected: Floats | undefined,
  tolerance = 1e-4,
  what = "",
): void {
  expect(actual, `${what}: there`).toBeDefined();
  expect(expected, `${what}: reference`).toBeDefined();
  if (actual === undefined || expected === undefined) return;
  expect(actual.dims, `${what}: shape`).toEqual(expected.dims);
  expect(actual.data.length, `${what}: elements`).toBe(expected.data.length);
  let [largest, worst, at] = [0, 0, 0];
  for (let i = 0; i < expected.data.length; i++) {
    const [a, e] = [actual.data[i] ?? Number.NaN, expected.data[i] ?? Number.NaN];
    largest = Math.max(largest, Math.abs(e));
    const error = Number.isFinite(a) && Number.isFinite(e) ? Math.abs(a - e) : Number.POSITIVE_INFINITY;
    if (error > worst) [worst, at] = [error, i];
  }
  expect(
    worst,
    `${what}: element ${at} is ${actual.data[at]}, expected ${expected.data[at]}, largest ${largest}`,
  ).toBeLessThanOrEqual(tolerance * largest);
}

/** The library's gradients against central differences, by all that is differentiated by. */
export async function expectDifferences(
  what: string,
  inputs: FloatsByName,
  forward: Forward,
  options: GradientOptions & DifferenceOptions & { readonly tolerance?: number } = {},
): Promise<Gradients> {
  const result = await gradientsOf(inputs, forward, options);
  const expected = await differencesOf(inputs, forward, options);
  for (const name of Object.keys(expected)) {
    expectClose(result.gradients[name], expected[name], options.tolerance ?? 1e-3, `${what}, by ${name}`);
  }
  return result;
}
