// A toy problem on both sides: gradients A p - b of a quadratic, in the graph and in float64, step by step.

import { Expressions, GraphBuilder, modelOf, numbersOf, writeModel } from "../../../src/onnx/index.ts";
import type { EngineTensor } from "../../../src/engine/engine.ts";
import type { GroupOptions, Optimiser, StateTensor } from "../../../src/train/optimisers/index.ts";
import { localEngine } from "../../support/runtime.ts";

/** A parameter of the toy problem: its gradient is `slope` times it less `pull`, element by element. */
export interface Toy {
  readonly name: string;
  readonly start: readonly number[];
  readonly slope: readonly number[];
  readonly pull: readonly number[];
  readonly decay: boolean;
  readonly rate: number;
}

export const toys: readonly Toy[] = [
  { name: "w", start: [1, -2, 0.5, 3], slope: [1, 0.3, 2, 0.1], pull: [0.5, 1, -1, 0], decay: true, rate: 1 },
  { name: "b", start: [0.1, -0.7], slope: [1, 0.5], pull: [3, -2], decay: false, rate: 2 },
];

/** The groups of the toy problem's parameters. */
export const groups: GroupOptions = {
  isDecayed: (name) => toys.some((toy) => toy.name === name && toy.decay),
  rateOf: (name) => toys.find((toy) => toy.name === name)?.rate ?? 1,
};

/** Learning rate of a step of the toy problem. */
export function rateAt(step: number): number {
  return 0.1 / (1 + 0.2 * step);
}

/** Rule for one element, with memory of its own, in float64. */
export type Reference = (
  toy: Toy,
) => (p: number, gradient: number, rate: number, step: number, memory: Map<string, number>) => number;

/** What the graph gives after each of some steps: the elements of all parameters, then of all memory. */
export async function runGraph(
  optimiser: Optimiser,
  steps: number,
  firstStep = 0,
): Promise<{ parameters: number[][]; state: readonly StateTensor[] }> {
  const builder = new GraphBuilder("toy");
  const ops = new Expressions(builder, "toy");
  const rate = builder.input("rate", "float32", []);
  const step = builder.input("step", "float32", []);
  const parameters = toys.map(({ name, start, slope, pull }) => {
    const dims = [start.length];
    builder.input(name, "float32", dims);
    const gradient = ops.sub(ops.mul(name, ops.float32(dims, slope)), ops.float32(dims, pull));
    return { name, gradient, dims };
  });
  const { next, state } = optimiser(ops, { parameters, learningRate: rate, step, prefix: "own" });
  for (const { name, dims } of state) builder.input(name, "float32", dims);
  for (const { name, dims } of parameters) builder.output(next.get(name) ?? "", "float32", dims);
  for (const { output, dims } of state) builder.output(output, "float32", dims);
  await using session = await localEngine.open(writeModel(modelOf(builder.build())).bytes, { optimize: "none" });
  const values = new Map<string, EngineTensor>();
  for (const { name, start } of toys) values.set(name, tensor([start.length], start));
  for (const { name, dims, initial } of state) values.set(name, tensor(dims, numbersOf(initial) ?? []));
  const history: number[][] = [];
  for (let t = firstStep; t < firstStep + steps; t++) {
    const feeds = { ...Object.fromEntries(values), rate: tensor([], [rateAt(t)]), step: tensor([], [t]) };
    const { outputs } = await session.run(feeds);
    const carry = (input: string, output: string): void => {
      const value = outputs[output];
      if (value === undefined) throw new Error(`expected "${output}"`);
      values.set(input, value);
    };
    for (const { name } of toys) carry(name, next.get(name) ?? "");
    for (const { name, output } of state) carry(name, output);
    const elements = (name: string): number[] => Array.from(values.get(name)?.data ?? [], Number);
    history.push([...toys.map(({ name }) => name), ...state.map(({ name }) => name)].flatMap(elements));
  }
  return { parameters: history, state };
}

function tensor(dims: readonly number[], values: readonly number[]): EngineTensor {
  return { dtype: "float32", dims, data: Float32Array.from(values) };
}

/** The elements of all parameters after each step, by formulas for one element. */
export function runReference(
  reference: Reference,
  steps: number,
  limit: (gradients: readonly number[]) => readonly number[] = (gradients) => gradients,
  firstStep = 0,
): number[][] {
  const elements = toys.flatMap((toy) =>
    toy.start.map((start, index) => ({
      p: start,
      gradientAt: (p: number): number => p * (toy.slope[index] ?? 0) - (toy.pull[index] ?? 0),
      factor: toy.rate,
      update: reference(toy),
      memory: new Map<string, number>(),
    })),
  );
  const history: number[][] = [];
  for (let t = firstStep; t < firstStep + steps; t++) {
    const gradients = limit(elements.map(({ p, gradientAt }) => gradientAt(p)));
    for (const [index, element] of elements.entries()) {
      const rate = rateAt(t) * element.factor;
      element.p = element.update(element.p, gradients[index] ?? 0, rate, t, element.memory);
    }
    history.push(elements.map(({ p }) => p));
  }
  return history;
}

/** Where parameters are not near the reference's, in words; more in a row of `got` than in `wanted` is not looked at. */
export function stepsApart(got: readonly (readonly number[])[], wanted: readonly (readonly number[])[]): string[] {
  if (got.length !== wanted.length) return [`${got.length} steps, not ${wanted.length}`];
  return wanted.flatMap((row, step) =>
    row.flatMap((value, index) => {
      const own = got[step]?.[index] ?? Number.NaN;
      const isNear = Math.abs(own - value) < 2e-6 * Math.max(1, Math.abs(value));
      return isNear ? [] : [`step ${step}, element ${index}: ${own}, not ${value}`];
    }),
  );
}
