// Losses as values and gradients: the graph through the engine on one side, float64 loops and central differences on
// the other.

import { expect } from "vitest";
import { Expressions, GraphBuilder, modelOf, type Graph } from "../../../src/onnx/index.ts";
import type { EngineTensor } from "../../../src/engine/engine.ts";
import { differentiate } from "../../../src/train/autodiff/differentiate.ts";
import { rules } from "../../../src/train/autodiff/rules.ts";
import type { ScoreDims } from "../../../src/train/losses/index.ts";
import { runOnce } from "../../support/runtime.ts";

/** Numbers in (-1, 1) that look random, the same for the same seed. */
export function noise(count: number, seed: number): Float32Array<ArrayBuffer> {
  let state = seed * 2654435761 + 12345;
  return Float32Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  });
}

/** Labels 0 to C - 1, every fifth of them 255. */
export function someLabels([batch, classes, height, width]: ScoreDims, seed: number): Uint8Array<ArrayBuffer> {
  const random = noise(batch * height * width, seed);
  return Uint8Array.from(random, (value, index) => (index % 5 === 3 ? 255 : Math.floor(((value + 1) / 2) * classes)));
}

export function float32(dims: readonly number[], data: Float32Array<ArrayBuffer>): EngineTensor {
  return { dtype: "float32", dims, data };
}

export function uint8(dims: readonly number[], data: Uint8Array<ArrayBuffer>): EngineTensor {
  return { dtype: "uint8", dims, data };
}

/** A loss and its gradients by some of the inputs, which are called as the feeds. */
export async function lossOf(
  make: (ops: Expressions) => string,
  feeds: Readonly<Record<string, EngineTensor>>,
  by: readonly string[],
): Promise<{ value: number; gradients: ReadonlyMap<string, readonly number[]> }> {
  const builder = new GraphBuilder("loss");
  for (const [name, { dtype, dims }] of Object.entries(feeds)) builder.input(name, dtype, dims);
  const loss = make(new Expressions(builder, "loss"));
  const forward = builder.build();
  const made = forward.nodes.flatMap((node) => node.outputs);
  const tensors = { ...feeds, ...(await runOnce(modelOf(withOutputs(forward, made)), feeds)) };
  const value = tensors[loss];
  if (value === undefined) throw new Error("expected a loss");
  expect(value.dims).toEqual([]);
  expect(value.dtype).toBe("float32");
  const shapes = new Map(Object.entries(tensors).map(([name, { dims }]) => [name, dims]));
  const { graph, gradients } = differentiate(forward, { shapes, loss, by, opset: 17, rules });
  const results = await runOnce(modelOf(withOutputs(graph, [...gradients.values()])), feeds);
  return {
    value: Number(value.data[0]),
    gradients: new Map([...gradients].map(([name, tensor]) => [name, Array.from(results[tensor]?.data ?? [], Number)])),
  };
}

function withOutputs(graph: Graph, names: readonly string[]): Graph {
  return { ...graph, outputs: names.map((name) => ({ name, type: { kind: "other", proto: undefined } })) };
}

/** Central differences of a function in float64. */
export function differences(f: (x: Float64Array) => number, at: ArrayLike<number>): number[] {
  const h = 1e-6;
  return Array.from({ length: at.length }, (_, index) => {
    const [up, down] = [Float64Array.from(at), Float64Array.from(at)];
    up[index] = (at[index] ?? 0) + h;
    down[index] = (at[index] ?? 0) - h;
    return (f(up) - f(down)) / (2 * h);
  });
}

/** Where numbers are further from the wanted ones than 1e-3 of them, or 1e-6 of the largest, in words. */
export function apart(got: readonly number[] | undefined, wanted: readonly number[]): string[] {
  if (got?.length !== wanted.length) return [`${got?.length} numbers, not ${wanted.length}`];
  const largest = Math.max(...wanted.map(Math.abs));
  return wanted.flatMap((value, index) => {
    const own = got[index] ?? Number.NaN;
    const bound = 1e-3 * Math.max(Math.abs(value), 1e-3 * largest) + 1e-9;
    return Math.abs(own - value) < bound ? [] : [`element ${index}: ${own}, not ${value}`];
  });
}

/** Class probabilities of every pixel in float64: [pixel][class], pixels in the order of [N,H,W]. */
export function probabilities(logits: ArrayLike<number>, shape: ScoreDims, temperature = 1): number[][] {
  const [batch, classes, height, width] = shape;
  const area = height * width;
  const pixels: number[][] = [];
  for (let n = 0; n < batch; n++) {
    for (let i = 0; i < area; i++) {
      const powers: number[] = [];
      for (let c = 0; c < classes; c++)
        powers.push(Math.exp((logits[(n * classes + c) * area + i] ?? 0) / temperature));
      const total = powers.reduce((a, b) => a + b, 0);
      pixels.push(powers.map((power) => power / total));
    }
  }
  return pixels;
}

/** Where value and gradient of a loss of logits and labels are not those of a function in float64, in words. */
export async function labelledApart(
  make: (ops: Expressions) => string,
  reference: (p: readonly (readonly number[])[]) => number,
  shape: ScoreDims,
  logits: Float32Array<ArrayBuffer>,
  labels: Uint8Array<ArrayBuffer>,
): Promise<string[]> {
  const feeds = { logits: float32(shape, logits), labels: uint8([shape[0], shape[2], shape[3]], labels) };
  const { value, gradients } = await lossOf(make, feeds, ["logits"]);
  const f = (x: ArrayLike<number>): number => reference(probabilities(x, shape));
  const wanted = f(logits);
  const isNear = Math.abs(value - wanted) < 1e-5 * Math.max(1, Math.abs(wanted));
  return [
    ...(isNear ? [] : [`value ${value}, not ${wanted}`]),
    ...apart(gradients.get("logits"), differences(f, logits)),
  ];
}

/** What is not 0 of a loss where no pixel is labelled and of its gradient, in words. */
export async function unlabelledApart(make: (ops: Expressions) => string, shape: ScoreDims): Promise<string[]> {
  const count = shape.reduce((a, b) => a * b);
  const labels = new Uint8Array(count / shape[1]).fill(255);
  const feeds = {
    logits: float32(shape, noise(count, 5)),
    labels: uint8([shape[0], shape[2], shape[3]], labels),
  };
  const { value, gradients } = await lossOf(make, feeds, ["logits"]);
  const wanted = new Array<number>(1 + count).fill(0);
  return apart([value, ...(gradients.get("logits") ?? [])], wanted);
}
