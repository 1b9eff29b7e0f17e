// A training step on onnxruntime-node's WebGPU provider, with a Vulkan driver in software, against its CPU provider.

import { describe, expect, test } from "vitest";
import type { EngineTensor } from "../../../src/engine/index.ts";
import { street } from "../../../src/networks/index.ts";
import { writeModel } from "../../../src/onnx/index.ts";
import { crossEntropy } from "../../../src/train/losses/index.ts";
import { adamW } from "../../../src/train/optimisers/index.ts";
import { initialOf, StepGraph, type TrainingStep } from "../../../src/train/step-graph.ts";
import { answerOf } from "../../support/provider-child.ts";
import { localEngine } from "../../support/runtime.ts";
import { swiftshader } from "../web/chromium.ts";
import type { Placements } from "../web/placements.ts";

const [classes, side] = [5, 32];
const dims = [1, classes, side, side] as const;

/** What came out of a few runs. */
interface Taught {
  readonly losses: readonly number[];
  /** Memory after the last run, by name. */
  readonly weights: Readonly<Record<string, Float32Array>>;
}

async function thinStep(): Promise<TrainingStep> {
  const step = new StepGraph();
  const image = step.input("image", "float32", [1, 3, side, side]);
  const labels = step.input("labels", "uint8", [1, side, side]);
  const size = { heightPx: side, widthPx: side };
  const network = step.network("network", street({ width: 1 / 8, classes, size, init: "train" }));
  const { logits = "" } = step.apply(network, image);
  const loss = crossEntropy(step.ops, { logits, labels, dims });
  step.report("loss", loss);
  const rate = step.input("rate", "float32", []);
  step.minimise({ loss, teaches: [network], optimiser: adamW(), rate, average: 0.9 });
  return await step.build(localEngine);
}

/** Waves for an image, stripes for labels, another picture for each run. */
function feedsOf(run: number): Readonly<Record<string, EngineTensor>> {
  const image = Float32Array.from(
    { length: 3 * side * side },
    (_, at) => Math.sin(at * 0.37 + run) + Math.cos(at * 0.011),
  );
  const labels = Uint8Array.from({ length: side * side }, (_, at) => Math.floor((at % side) / 8 + run) % classes);
  return {
    image: { dtype: "float32", dims: [1, 3, side, side], data: image },
    labels: { dtype: "uint8", dims: [1, side, side], data: labels },
    rate: { dtype: "float32", dims: [], data: Float32Array.of(1e-3) },
    step: { dtype: "float32", dims: [], data: Float32Array.of(run) },
  };
}

/** Two runs of a step in a process of their own. */
async function taughtOn(
  provider: "webgpu" | "cpu",
  step: TrainingStep,
): Promise<{ result: Taught; placements: Placements }> {
  const { result, placements } = await answerOf(new URL("step-child.js", import.meta.url), {
    provider,
    model: writeModel(step.model).bytes,
    memory: step.memory.map((one) => ({ input: one.input, output: one.output, initial: initialOf(one) })),
    runs: [feedsOf(0), feedsOf(1)],
  });
  return { result: result as Taught, placements };
}

describe.skipIf(swiftshader === undefined)("a training step on webgpu (skipped without Debian's chromium)", () => {
  test("gives the losses and the weights of the CPU", async () => {
    const step = await thinStep();
    const { result: wanted } = await taughtOn("cpu", step);
    const { result, placements } = await taughtOn("webgpu", step);
    // Another step of the same weights is another loss: something was learned.
    expect(wanted.losses[0]).not.toBe(wanted.losses[1]);
    for (const [run, loss] of wanted.losses.entries())
      expect(Math.abs((result.losses[run] ?? Number.NaN) - loss)).toBeLessThan(1e-3);
    const apart = Object.entries(wanted.weights).flatMap(([name, values]) => {
      const own = result.weights[name];
      const worst = values.reduce((most, value, at) => Math.max(most, Math.abs((own?.[at] ?? Infinity) - value)), 0);
      return worst < 1e-3 ? [] : [`${name}: ${worst}`];
    });
    expect(apart).toEqual([]);
    // It was the device that computed it.
    expect(placements.cpu.filter((node) => /^(Conv|FusedConv|MatMul|FusedMatMul|ReduceSum) /.test(node))).toEqual([]);
    expect(placements.device.filter((node) => node.startsWith("Conv (")).length).toBeGreaterThan(20);
  });
});
