// What a training step costs beside running the same network forwards, per arithmetic operation: a small dense network,
// so that the convolutions and the products that go back through them are most of it.

import * as ort from "onnxruntime-node";
import { nodeEngine } from "../src/engine/node/engine.ts";
import type { EngineTensor } from "../src/engine/index.ts";
import { tensorTypesOf } from "../src/network/tensor-types.ts";
import { Layers } from "../src/networks/layers.ts";
import { resolveOptions } from "../src/networks/options.ts";
import { macsOf, writeModel, type Model } from "../src/onnx/index.ts";
import { crossEntropy } from "../src/train/losses/index.ts";
import { adam } from "../src/train/optimisers/index.ts";
import { initialOf, StepGraph } from "../src/train/step-graph.ts";
import { rested, type Runner } from "./contestants.ts";
import type { Benchmark } from "./measurement.ts";
import { compare } from "./stopwatch.ts";

const batch = 4;
const size = { heightPx: 240, widthPx: 320 } as const;
const classes = 12;
/** Channels and stride of each 3x3 convolution. */
const layout = [
  [32, 2],
  [64, 2],
  [64, 1],
  [128, 2],
  [128, 1],
] as const;
/** Stride of the scores against the image; the labels have it, too. */
const stride = 8;
const scoreSize = [size.heightPx / stride, size.widthPx / stride] as const;
const turns = 10;
const described =
  `batch ${batch}, ${size.widthPx}x${size.heightPx}; 3x3 convolutions to ` +
  `${layout.map(([channels, step]) => `${channels}${step === 1 ? "" : `/s${step}`}`).join(", ")}, 1x1 to ${classes}; ` +
  "cross entropy at stride 8, Adam";
const counted = "3 x forward less the first layer's input gradient, convolutions only";

/** Each convolution followed by a ReLU, with a normalisation between them or a bias. */
function denseNetwork(isNormalised: boolean): Model {
  const options = { batch, size, classes, init: "train" } as const;
  const layers = new Layers(resolveOptions(options, { name: "dense", width: 1, classes, sizeMultiple: stride }));
  let x = layers.image;
  for (const [index, [channels, step]] of layout.entries()) {
    const init = { kernel: 3, stride: step } as const;
    const name = `layer${index}`;
    x = isNormalised
      ? layers.convBnRelu(name, x, channels, init)
      : layers.relu(`${name}/relu`, layers.conv(`${name}/conv`, x, channels, { ...init, bias: true }));
  }
  return layers.finish(layers.conv("score", x, classes, { bias: true, output: "logits" }), stride);
}

/** Floating-point operations of one run forwards and of one step. */
async function operationsOf({ graph, ...rest }: Model): Promise<{ readonly forward: number; readonly step: number }> {
  const made = graph.nodes.flatMap(({ outputs }) => outputs);
  const types = await tensorTypesOf({ ...rest, graph }, made, nodeEngine);
  const shapeOf = (tensor: string): readonly number[] | undefined =>
    graph.initializers.get(tensor)?.dims ??
    types.get(tensor)?.shape.map((length) => (typeof length === "number" ? length : Number.NaN));
  const macs = graph.nodes.map((node) => macsOf(node, shapeOf)).filter((count) => count > 0);
  const forward = 2 * macs.reduce((sum, count) => sum + count, 0);
  return { forward, step: 3 * forward - 2 * (macs[0] ?? 0) };
}

function picture(): Float32Array<ArrayBuffer> {
  const length = batch * 3 * size.heightPx * size.widthPx;
  return Float32Array.from({ length }, (_, at) => Math.sin(at * 0.37) + Math.sin(at * 0.0011));
}

/** ONNX Runtime alone, forwards: weights are constants, so that it packs and fuses as it likes. */
async function forwards(model: Model): Promise<Runner> {
  const session = await ort.InferenceSession.create(writeModel(model).bytes, { logSeverityLevel: 3 });
  const image = new ort.Tensor("float32", picture(), [batch, 3, size.heightPx, size.widthPx]);
  return { run: () => session.run({ image }), [Symbol.asyncDispose]: () => session.release() };
}

/** Whole steps: forwards, back, and the update of the weights. */
async function steps(model: Model): Promise<Runner> {
  const step = new StepGraph();
  const imageDims = [batch, 3, size.heightPx, size.widthPx];
  const labelDims = [batch, ...scoreSize];
  const image = step.input("image", "float32", imageDims);
  const labels = step.input("labels", "uint8", labelDims);
  const network = step.network("network", model);
  const { logits = "" } = step.apply(network, image);
  const loss = crossEntropy(step.ops, { logits, labels, dims: [batch, classes, ...scoreSize] });
  step.report("loss", loss);
  step.minimise({ loss, teaches: [network], optimiser: adam(), rate: step.input("rate", "float32", []) });
  const { model: whole, memory } = await step.build(nodeEngine);
  const session = await nodeEngine.open(writeModel(whole).bytes, { state: memory });
  await session.writeState(Object.fromEntries(memory.map((one) => [one.input, initialOf(one)])));
  const scalar = (value: number): EngineTensor => ({ dtype: "float32", dims: [], data: Float32Array.of(value) });
  const pixels = batch * scoreSize[0] * scoreSize[1];
  const feeds: Record<string, EngineTensor> = {
    image: { dtype: "float32", dims: imageDims, data: picture() },
    labels: { dtype: "uint8", dims: labelDims, data: Uint8Array.from({ length: pixels }, (_, at) => at % classes) },
    rate: scalar(1e-3),
  };
  let count = 0;
  return {
    run: () => session.run({ ...feeds, step: scalar(count++) }),
    [Symbol.asyncDispose]: () => session[Symbol.asyncDispose](),
  };
}

/** 10^9 operations a second. */
function rateOf(operations: number, milliseconds: number | undefined): number {
  return operations / (milliseconds ?? Number.NaN) / 1e6;
}

/** A step against ONNX Runtime forwards. */
export const trainingStep: Benchmark = {
  name: "training-step",
  about: "operations a second of a training step against those forwards",
  async run() {
    const model = denseNetwork(false);
    const { forward, step } = await operationsOf(model);
    await using reference = await forwards(model);
    await using ours = await steps(model);
    const { milliseconds, ratios } = await compare([reference.run, ours.run], turns, rested);
    return [
      {
        bench: "training-step",
        ours: rateOf(step, milliseconds[1]),
        reference: rateOf(forward, milliseconds[0]),
        ratio: step / forward / (ratios[1] ?? Number.NaN),
        unit: "GFLOP/s",
        note: `a step (${counted}) against ONNX Runtime forwards; ${described}`,
      },
    ];
  },
};

/** The same with normalisation, against the step without and against ONNX Runtime forwards. */
export const trainingStepBatchNorm: Benchmark = {
  name: "training-step-batchnorm",
  about: "operations a second of a training step with batch normalisation against one without",
  async run() {
    const plain = denseNetwork(false);
    const { forward, step } = await operationsOf(plain);
    await using without = await steps(plain);
    await using ours = await steps(denseNetwork(true));
    await using inference = await forwards(plain);
    const contestants = [without.run, ours.run, inference.run];
    const { milliseconds, ratios } = await compare(contestants, turns, rested);
    const [, slower = Number.NaN, forwardShare = Number.NaN] = ratios;
    const rate = rateOf(step, milliseconds[1]);
    return [
      {
        bench: "training-step-batchnorm",
        ours: rate,
        reference: rateOf(step, milliseconds[0]),
        ratio: 1 / slower,
        unit: "GFLOP/s",
        note: `a step with BatchNormalization before each ReLU against one with biases (${counted}); ${described}`,
      },
      {
        bench: "training-step-batchnorm/forward",
        ours: rate,
        reference: rateOf(forward, milliseconds[2]),
        ratio: (step / forward) * (forwardShare / slower),
        unit: "GFLOP/s",
        note: "the same step against ONNX Runtime forwards without normalisation, which is what it folds it into",
      },
    ];
  },
};
