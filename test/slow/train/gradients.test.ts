// Gradients of complete training steps against TensorFlow.js, which runs and differentiates the forward graphs by itself.

import { expect, test } from "vitest";
import * as tf from "@tensorflow/tfjs-core";
import type { EngineTensor } from "../../../src/engine/engine.ts";
import { fcn8s, segformer, street } from "../../../src/networks/index.ts";
import { Random } from "../../../src/networks/random.ts";
import { writeModel, type Model } from "../../../src/onnx/index.ts";
import { crossEntropy } from "../../../src/train/losses/index.ts";
import type { Optimiser } from "../../../src/train/optimisers/index.ts";
import { initialOf, StepGraph } from "../../../src/train/step-graph.ts";
import { weightsOf } from "../../../src/train/weights-of.ts";
import { localEngine } from "../../support/runtime.ts";
import { floats, type Floats, type FloatsByName } from "../../train/autodiff/gradients-of.ts";
import { crossEntropyOf, networkGradients } from "../../train/autodiff/tensorflow-graph.ts";

const classes = 3;
const batch = 2;
const unlabelled = 255;

/** Not an update: each weight becomes its gradient, so that gradients are read without rounding. */
const gradientsThemselves: Optimiser = (ops, { parameters }) => ({
  next: new Map(parameters.map(({ name, gradient }) => [name, ops.op("Identity", [gradient])])),
  state: [],
});

/** A network, and what its outputs are: their stride, and the weight of their loss. */
interface Case {
  readonly name: string;
  readonly build: (common: { batch: number; classes: number; init: "train" }) => Model;
  readonly sidePx: number;
  readonly stride: number;
  readonly losses: Readonly<Record<string, number>>;
  /** Weights whose gradients cancel: what is left is rounding, and measured by the largest gradient of all. */
  readonly cancelled?: RegExp;
}

const side = (px: number): { heightPx: number; widthPx: number } => ({ heightPx: px, widthPx: px });

const cases: readonly Case[] = [
  {
    name: "street",
    build: (common) => street({ ...common, size: side(32), width: 1 / 8 }),
    sidePx: 32,
    stride: 1,
    losses: { logits: 1 },
  },
  {
    name: "street with auxiliary outputs",
    build: (common) => street({ ...common, size: side(32), width: 1 / 8, auxiliary: true }),
    sidePx: 32,
    stride: 1,
    losses: { logits: 1, aux8: 0.5, aux16: 0.25 },
  },
  {
    name: "fcn8s",
    build: (common) => fcn8s({ ...common, size: side(32), width: 1 / 16 }),
    sidePx: 32,
    stride: 1,
    losses: { logits: 1 },
  },
  {
    name: "segformer",
    build: (common) => segformer({ ...common, size: side(64), width: 1 / 8 }),
    sidePx: 64,
    stride: 4,
    losses: { logits: 1 },
    // The softmax ignores what all scores have in common; the decoder's normalisation, what all pixels have.
    cancelled: /attention\/key\.bias$|^decode\/linear_c\d\.bias$|^stage4\/norm\.shift$/,
  },
];

function largestOf({ data }: Floats): number {
  return data.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0);
}

function weightsIn(model: Model): FloatsByName {
  return Object.fromEntries(
    weightsOf(model.graph).weights.flatMap((name) => {
      const tensor = model.graph.initializers.get(name);
      if (!(tensor?.data instanceof Uint8Array)) return [];
      return [[name, { dims: tensor.dims, data: new Float32Array(Uint8Array.from(tensor.data).buffer) }]];
    }),
  );
}

function ownGradients(
  model: Model,
  { sidePx, stride, losses }: Case,
  feeds: Readonly<Record<string, EngineTensor>>,
): Promise<{ loss: number; gradients: FloatsByName }> {
  const step = new StepGraph();
  const image = step.input("image", "float32", [batch, 3, sidePx, sidePx]);
  const [height, width] = [sidePx / stride, sidePx / stride];
  const labels = step.input("labels", "uint8", [batch, height, width]);
  const network = step.network("network", model);
  const outputs = step.apply(network, image);
  const [first = "", ...rest] = Object.entries(losses).map(([output, weight]) => {
    const loss = crossEntropy(step.ops, {
      logits: outputs[output] ?? "",
      labels,
      dims: [batch, classes, height, width],
    });
    return step.ops.scale(loss, weight);
  });
  const loss = step.ops.sum([first, ...rest]);
  step.report("loss", loss);
  const rate = step.input("rate", "float32", []);
  step.minimise({ loss, teaches: [network], optimiser: gradientsThemselves, rate });
  return run();

  async function run(): Promise<{ loss: number; gradients: FloatsByName }> {
    const { model: whole, memory, learned } = await step.build(localEngine);
    await using session = await localEngine.open(writeModel(whole).bytes, { state: memory });
    await session.writeState(Object.fromEntries(memory.map((one) => [one.input, initialOf(one)])));
    const scalar: EngineTensor = { dtype: "float32", dims: [], data: Float32Array.of(1) };
    const { outputs: results } = await session.run({ ...feeds, rate: scalar, step: scalar });
    const state = await session.readState();
    const gradients = weightsOf(model.graph).weights.map((name): [string, Floats] => {
      const tensor = state[learned.get("network")?.get(name) ?? ""];
      if (!(tensor?.data instanceof Float32Array)) throw new Error(`test: no gradient by ${name}`);
      return [name, { dims: tensor.dims, data: tensor.data }];
    });
    return { loss: Number(results["loss"]?.data[0]), gradients: Object.fromEntries(gradients) };
  }
}

test.each(cases)("gradients of a step of $name are TensorFlow's", async (given) => {
  const model = given.build({ batch, classes, init: "train" });
  const { sidePx, stride, losses, cancelled } = given;
  const image = floats("image", [batch, 3, sidePx, sidePx]);
  const random = new Random(3, "labels");
  const labels = Uint8Array.from({ length: batch * (sidePx / stride) ** 2 }, () => {
    const label = Math.floor(random.next() * (classes + 1));
    return label === classes ? unlabelled : label;
  });
  const own = await ownGradients(model, given, {
    image: { dtype: "float32", ...image },
    labels: { dtype: "uint8", dims: [batch, sidePx / stride, sidePx / stride], data: labels },
  });
  const reference = networkGradients(model.graph, { image }, weightsIn(model), (outputs) =>
    Object.entries(losses)
      .map(([output, weight]) => {
        const logits = outputs[output];
        if (logits === undefined) throw new Error(`test: no output ${output}`);
        return tf.mul(crossEntropyOf(logits, labels), tf.scalar(weight));
      })
      .reduce((a, b) => tf.add(a, b)),
  );
  expect(Math.abs(own.loss - reference.loss)).toBeLessThan(1e-5 * reference.loss);
  const names = Object.keys(reference.gradients);
  expect(names.length).toBeGreaterThan(20);
  const largest = Math.max(...Object.values(reference.gradients).map(largestOf));
  const far: Record<string, string> = {};
  for (const name of names) {
    const [a, b] = [own.gradients[name], reference.gradients[name]];
    if (a === undefined || b === undefined) throw new Error(`test: no gradient by ${name}`);
    expect(a.dims).toEqual(b.dims);
    const error = a.data.reduce((worst, value, index) => {
      const gap = Math.abs(value - (b.data[index] ?? Number.NaN));
      return gap <= worst ? worst : gap;
    }, 0);
    const expected = largestOf(b);
    const isNothing = cancelled?.test(name) === true;
    if (isNothing && expected > 1e-5 * largest) far[name] = `not nothing: ${expected}`;
    const allowed = isNothing ? 1e-5 * largest : 1e-3 * expected;
    if (!(error <= allowed)) far[name] = `${error} of ${expected}, largest ${largest}`;
  }
  expect(far).toEqual({});
});
