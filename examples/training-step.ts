// A training step of one's own making: a network taught by two losses, run for a few steps on a picture of stripes.
// Run it with: npm run example -- examples/training-step.ts

import { street } from "clockwork-convnets/networks";
import { nodeEngine } from "clockwork-convnets/node";
import { writeModel } from "clockwork-convnets/onnx";
import { adamW, crossEntropy, initialOf, lovaszSoftmax, StepGraph } from "clockwork-convnets/train";

const [batch, classes, heightPx, widthPx] = [2, 3, 48, 64];
const dims = [batch, classes, heightPx, widthPx] as const;

const step = new StepGraph();
const image = step.input("image", "float32", [batch, 3, heightPx, widthPx]);
const labels = step.input("labels", "uint8", [batch, heightPx, widthPx]);
const size = { heightPx, widthPx };
const network = step.network("network", street({ width: 1 / 4, batch, size, classes, init: "train" }));
const { logits = "" } = step.apply(network, image);
const loss = step.ops.add(
  crossEntropy(step.ops, { logits, labels, dims }),
  lovaszSoftmax(step.ops, { logits, labels, dims }),
);
step.report("loss", loss);
step.minimise({ loss, teaches: [network], optimiser: adamW(), rate: step.input("rate", "float32", []) });

const { model, memory } = await step.build(nodeEngine);
await using session = await nodeEngine.open(writeModel(model).bytes, { state: memory });
await session.writeState(Object.fromEntries(memory.map((one) => [one.input, initialOf(one)])));

const stripe = (at: number): number => Math.floor((at % widthPx) / 22);
const picture = Float32Array.from({ length: batch * 3 * heightPx * widthPx }, (_, at) => stripe(at) - 1);
const truth = Uint8Array.from({ length: batch * heightPx * widthPx }, (_, at) => stripe(at));
for (let number = 0; number < 10; number++) {
  const { outputs } = await session.run({
    image: { dtype: "float32", dims: [batch, 3, heightPx, widthPx], data: picture },
    labels: { dtype: "uint8", dims: [batch, heightPx, widthPx], data: truth },
    rate: { dtype: "float32", dims: [], data: Float32Array.of(3e-3) },
    step: { dtype: "float32", dims: [], data: Float32Array.of(number) },
  });
  console.log(`step ${number}: loss ${Number(outputs["loss"]?.data[0]).toFixed(3)}`);
}
