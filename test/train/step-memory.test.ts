import { expect, test } from "vitest";
import { tensorTypesOf } from "../../src/network/tensor-types.ts";
import { street } from "../../src/networks/index.ts";
import { elementCount, Expressions, GraphBuilder, modelOf } from "../../src/onnx/index.ts";
import { executionOrder } from "../../src/train/execution-order.ts";
import { crossEntropy } from "../../src/train/losses/index.ts";
import { adamW } from "../../src/train/optimisers/index.ts";
import { engineFactor, madeInStep, sessionBytes, stepMemory, type StepBytes } from "../../src/train/step-memory.ts";
import { StepGraph, type TrainingStep } from "../../src/train/step-graph.ts";
import { localEngine } from "../support/runtime.ts";

async function bytesOf(step: TrainingStep): Promise<StepBytes> {
  return stepMemory(step, await tensorTypesOf(step.model, madeInStep(step), localEngine));
}

/** A step of floats: x [10] -> exp -> a view of it -> its sum with its square -> mean; w [3] + 1 is memory. */
function countable(): TrainingStep {
  const builder = new GraphBuilder("countable");
  const ops = new Expressions(builder, "own", 17);
  builder.input("x", "float32", [10]);
  builder.input("w", "float32", [3]);
  const grown = ops.op("Exp", ["x"]);
  const seen = ops.reshape(grown, [2, 5]);
  const squared = ops.mul(seen, seen);
  const both = ops.add(squared, seen);
  builder.output(ops.named("loss", ops.reduceSum(both, [0, 1], false)), "float32", []);
  builder.output(ops.named("w/next", ops.add("w", "w")), "float32", [3]);
  const initial = { dtype: "float32", dims: [3], data: new Uint8Array(12) } as const;
  return {
    model: modelOf(builder.build(), 17),
    memory: [{ input: "w", output: "w/next", dtype: "float32", dims: [3], initial }],
    inputs: [{ name: "x", dtype: "float32", dims: [10] }],
    outputs: ["loss"],
    learned: new Map(),
    averages: new Map(),
  };
}

test("counts what can be counted by hand", async () => {
  const step = countable();
  const bytes = await bytesOf(step);
  const constants = [...step.model.graph.initializers.values()].reduce(
    (sum, { dtype, dims }) => sum + (dtype === "int64" ? 8 : 4) * elementCount(dims),
    0,
  );
  expect(constants).toBeGreaterThan(0);
  // Two buffers of three floats.
  expect(bytes.weightsBytes).toBe(2 * 3 * 4 + constants);
  // When the sum is made there are exp (its view is free), the square and the sum itself; at most one sum of w beside.
  expect(bytes.activationBytes).toBeGreaterThanOrEqual(3 * 10 * 4);
  expect(bytes.activationBytes).toBeLessThanOrEqual(3 * 10 * 4 + 3 * 4);
  const rest = bytes.weightsBytes + 10 * 4 + Math.ceil(engineFactor * bytes.activationBytes);
  expect(bytes.bytes).toBe(sessionBytes + rest);
  expect(bytes.unknown).toEqual([]);
});

test("takes the nodes in the engine's order: from the last result back, the later of two sources first", () => {
  const builder = new GraphBuilder("order");
  builder.input("x", "float32", [1]);
  builder.add("a", "Neg", ["x"]);
  builder.add("b", "Exp", ["x"]);
  builder.add("c", "Add", ["a", "b"]);
  builder.add("d", "Abs", ["a"]);
  for (const name of ["c", "d"]) builder.output(name, "float32", [1]);
  expect(executionOrder(builder.build()).map(({ op }) => op)).toEqual(["Neg", "Abs", "Exp", "Add"]);
});

test("of unknown shapes says which", () => {
  const step = countable();
  const { unknown, activationBytes } = stepMemory(step, new Map());
  expect(activationBytes).toBe(0);
  expect(unknown.length).toBeGreaterThanOrEqual(4);
});

async function streetStep(batch: number): Promise<TrainingStep> {
  const size = { heightPx: 32, widthPx: 32 };
  const step = new StepGraph();
  const image = step.input("image", "float32", [batch, 3, 32, 32]);
  const labels = step.input("labels", "uint8", [batch, 32, 32]);
  const network = step.network("network", street({ width: 1 / 8, batch, size, classes: 4, init: "train" }));
  const { logits = "" } = step.apply(network, image);
  const loss = crossEntropy(step.ops, { logits, labels, dims: [batch, 4, 32, 32] });
  step.report("loss", loss);
  const rate = step.input("rate", "float32", []);
  step.minimise({ loss, teaches: [network], optimiser: adamW(), rate });
  return await step.build(localEngine);
}

test("a larger batch takes more activations, the same weights, and no more than its share", async () => {
  const one = await bytesOf(await streetStep(1));
  const four = await bytesOf(await streetStep(4));
  for (const { unknown } of [one, four]) expect(unknown).toEqual([]);
  expect(four.activationBytes).toBeGreaterThan(2 * one.activationBytes);
  expect(four.activationBytes).toBeLessThanOrEqual(4 * one.activationBytes);
  // All but the shapes written into the graph.
  expect(Math.abs(four.weightsBytes - one.weightsBytes)).toBeLessThan(1000);
});
