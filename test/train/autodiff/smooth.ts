// Gradients of the way back held against slopes that are measured on the way forward: central differences of fourth order
// (Fornberg, "Generation of Finite Difference Formulas", Math. Comp. 1988), summed up in double precision.
// For points where the function is smooth for two steps in each direction.

import type { EngineTensor } from "../../../src/engine/engine.ts";
import { Random } from "../../../src/networks/random.ts";
import {
  elementCount,
  float32Tensor,
  GraphBuilder,
  modelOf,
  nodeOf,
  tensorValue,
  writeModel,
  type Graph,
} from "../../../src/onnx/index.ts";
import { differentiate } from "../../../src/train/autodiff/differentiate.ts";
import type { Rule } from "../../../src/train/autodiff/rule.ts";
import { mul } from "../../../src/train/autodiff/rules/elementwise.ts";
import { reduceSum } from "../../../src/train/autodiff/rules/reduce.ts";
import { localEngine, runOnce } from "../../support/runtime.ts";

/** A float32 tensor to differentiate by. */
export interface Given {
  readonly dims: readonly number[];
  readonly data: Float32Array<ArrayBuffer>;
}

/** What is checked. */
export interface Check {
  /** Adds the nodes on the tensors of `by`, which are inputs of these names, and returns the tensor to look at. */
  readonly build: (b: GraphBuilder) => string;
  readonly by: Readonly<Record<string, Given>>;
  readonly rules: Readonly<Record<string, Rule>>;
  /** Default: 17 */
  readonly opset?: number;
  /** Length of a step; default: 0.01 */
  readonly step?: number;
}

/** How far off a gradient is. */
export interface Deviation {
  /** Largest difference from the measured slopes, relative to the largest of these. */
  readonly relative: number;
  /** The largest measured slope. */
  readonly largest: number;
}

/** A tensor of random values. */
export function randomGiven(seed: number, dims: readonly number[], low = -1, high = 1): Given {
  return {
    dims,
    data: Float32Array.from(new Random(seed, `given ${dims.join()}`).uniform(elementCount(dims), low, high)),
  };
}

/** Largest difference that single precision is given, relative to the largest slope. */
const tolerance = 1e-3;

/** What is wrong with the gradients of a check; nothing, where they are right. Slopes that are all 0 count as wrong. */
export async function faultsOf(check: Check): Promise<readonly string[]> {
  const found = await gradientCheck(check);
  return Object.entries(found).flatMap(([name, { relative, largest }]) =>
    relative < tolerance && largest > 0.05 ? [] : [`by ${name}: off by ${relative} of ${largest}`],
  );
}

/** Deviation of each gradient from measured slopes. */
export async function gradientCheck(check: Check): Promise<Readonly<Record<string, Deviation>>> {
  const { by, opset, step = 0.01 } = check;
  const made = await forwardOf(check);
  const { graph, y, weights } = made;
  const gradients = await runOnce(modelOf(backwardOf(check, made), opset), feedsOf(by));
  const forward: Graph = { ...graph, outputs: [tensorValue(y, "float32", undefined)] };
  await using session = await localEngine.open(writeModel(modelOf(forward, opset)).bytes);
  const lossAt = async (feeds: Readonly<Record<string, EngineTensor>>): Promise<number> => {
    const { outputs } = await session.run(feeds);
    return weights.reduce((sum, weight, at) => sum + weight * Number(outputs[y]?.data[at]), 0);
  };
  const found: Record<string, Deviation> = {};
  for (const [name, { dims, data }] of Object.entries(by)) {
    const gradient = gradients[`by ${name}`];
    if (gradient?.dims.join() !== dims.join()) {
      throw new Error(`gradient by ${name}: expected shape ${dims.join()}, got ${gradient?.dims.join()}`);
    }
    let [largest, off] = [0, 0];
    for (let at = 0; at < data.length; at++) {
      const sides: number[] = [];
      let span = 0;
      for (const distance of [1, 2]) {
        const moved = [data.slice(), data.slice()] as const;
        moved[0][at] = Number(data[at]) + distance * step;
        moved[1][at] = Number(data[at]) - distance * step;
        // What single precision made of the step.
        span = Number(moved[0][at]) - Number(moved[1][at]);
        const [high, low] = [
          await lossAt({ ...feedsOf(by), [name]: { dtype: "float32", dims, data: moved[0] } }),
          await lossAt({ ...feedsOf(by), [name]: { dtype: "float32", dims, data: moved[1] } }),
        ];
        sides.push((high - low) / span);
      }
      const slope = (4 * Number(sides[0]) - Number(sides[1])) / 3;
      largest = Math.max(largest, Math.abs(slope));
      const difference = Math.abs(slope - Number(gradient.data[at]));
      off = Number.isNaN(difference) ? Infinity : Math.max(off, difference);
    }
    found[name] = { relative: off / largest, largest };
  }
  return found;
}

function feedsOf(by: Check["by"]): Readonly<Record<string, EngineTensor>> {
  const feeds: Record<string, EngineTensor> = {};
  for (const [name, { dims, data }] of Object.entries(by)) feeds[name] = { dtype: "float32", dims, data };
  return feeds;
}

interface Forward {
  readonly graph: Graph;
  /** Name of the tensor that is looked at. */
  readonly y: string;
  /** Weights of its elements in the loss, from 0.5 to 1.5 and with either sign. */
  readonly weights: Float32Array;
  readonly shapes: ReadonlyMap<string, readonly number[]>;
}

async function forwardOf({ build, by, opset }: Check): Promise<Forward> {
  const builder = new GraphBuilder("forward");
  for (const [name, { dims }] of Object.entries(by)) builder.input(name, "float32", dims);
  const y = build(builder);
  const graph = builder.build();
  // Outputs without a type: the engine infers it.
  const made = graph.nodes.flatMap((node) => node.outputs.filter((output) => output !== ""));
  const all: Graph = { ...graph, outputs: made.map((name) => ({ name, type: { kind: "other", proto: undefined } })) };
  const seen = await runOnce(modelOf(all, opset), feedsOf(by));
  const shapes = new Map<string, readonly number[]>();
  for (const [name, { dims }] of [...Object.entries(seen), ...Object.entries(by)]) shapes.set(name, dims);
  const dims = shapes.get(y) ?? [];
  shapes.set("weighted", dims).set("loss", []);
  const random = new Random(7, "weights");
  const weights = new Float32Array(elementCount(dims));
  for (const at of weights.keys()) weights[at] = (0.5 + random.next()) * (random.next() < 0.5 ? -1 : 1);
  return { graph, y, weights, shapes };
}

/** The gradients of the weighted sum as the only outputs, called after the tensors. */
function backwardOf({ by, rules, opset = 17 }: Check, { graph, y, weights, shapes }: Forward): Graph {
  const loss: Graph = {
    ...graph,
    nodes: [
      ...graph.nodes,
      nodeOf("Mul", [y, "weights"], ["weighted"]),
      nodeOf("ReduceSum", ["weighted"], ["loss"], { keepdims: 0 }),
    ],
    initializers: new Map([...graph.initializers, ["weights", float32Tensor(shapes.get(y) ?? [], weights)]]),
  };
  const made = differentiate(loss, {
    shapes,
    loss: "loss",
    by: Object.keys(by),
    opset,
    rules: new Map(Object.entries({ Mul: mul, ReduceSum: reduceSum, ...rules })),
  });
  const named = [...made.gradients].map(([name, gradient]) => nodeOf("Identity", [gradient], [`by ${name}`]));
  return {
    ...made.graph,
    nodes: [...made.graph.nodes, ...named],
    outputs: named.map((node) => tensorValue(node.name, "float32", undefined)),
  };
}
