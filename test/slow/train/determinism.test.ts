// Training gives the same bytes again, on several threads, and goes on from kept memory as if it had never stopped.

import { expect, test } from "vitest";
import { nodeEngine } from "../../../src/engine/node/engine.ts";
import type { EngineTensor } from "../../../src/engine/engine.ts";
import { street } from "../../../src/networks/index.ts";
import { elementCount, writeModel } from "../../../src/onnx/index.ts";
import { crossEntropy } from "../../../src/train/losses/index.ts";
import { adamW } from "../../../src/train/optimisers/index.ts";
import { initialOf, StepGraph } from "../../../src/train/step-graph.ts";
import { digestOf } from "../../support/runtime.ts";
import { floats } from "../../train/autodiff/gradients-of.ts";

type State = Readonly<Record<string, EngineTensor>>;

const [batch, classes, px] = [2, 3, 64];

function feedsOf(index: number): State {
  const dims = [batch, px, px];
  const labels = floats(`labels ${index}`, dims, 0, classes).data;
  const scalar = (value: number): EngineTensor => ({ dtype: "float32", dims: [], data: Float32Array.of(value) });
  return {
    image: { dtype: "float32", ...floats(`image ${index}`, [batch, 3, px, px]) },
    labels: { dtype: "uint8", dims, data: Uint8Array.from({ length: elementCount(dims) }, (_, at) => labels[at] ?? 0) },
    rate: scalar(0.01),
    step: scalar(index),
  };
}

test("the same steps give the same bytes, in one session or two", async () => {
  const size = { heightPx: px, widthPx: px };
  const step = new StepGraph();
  const net = step.network("net", street({ batch, classes, size, init: "train", width: 1 / 4 }));
  const { logits = "" } = step.apply(net, step.input("image", "float32", [batch, 3, px, px]));
  const labels = step.input("labels", "uint8", [batch, px, px]);
  const loss = crossEntropy(step.ops, { logits, labels, dims: [batch, classes, px, px] });
  step.report("loss", loss);
  const rate = step.input("rate", "float32", []);
  step.minimise({ loss, teaches: [net], optimiser: adamW(), rate, average: 0.99 });
  const { model, memory } = await step.build(nodeEngine);
  const { bytes } = writeModel(model);
  const run = async (from: State, indices: readonly number[]): Promise<State> => {
    await using session = await nodeEngine.open(bytes, { state: memory, threads: 2 });
    await session.writeState(from);
    for (const index of indices) await session.run(feedsOf(index));
    return session.readState();
  };
  const digests = (state: State): Record<string, unknown> =>
    Object.fromEntries(Object.entries(state).map(([name, tensor]) => [name, digestOf(tensor)]));
  const start = Object.fromEntries(memory.map((one) => [one.input, initialOf(one)]));
  const whole = digests(await run(start, [0, 1, 2, 3]));
  expect(Object.keys(whole)).toHaveLength(memory.length);
  expect(whole).not.toEqual(digests(start));
  expect(digests(await run(start, [0, 1, 2, 3]))).toEqual(whole);
  expect(digests(await run(await run(start, [0, 1]), [2, 3]))).toEqual(whole);
});
