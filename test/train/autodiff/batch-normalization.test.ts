// BatchNormalization with fixed statistics and in training mode: values, running statistics and gradients against the
// formula composed of tf.moments, whose gradients TensorFlow.js finds by itself.

// oxlint-disable vitest/expect-expect -- what tensors are compared by expects
import * as tf from "@tensorflow/tfjs-core";
import { expect, test } from "vitest";
import { float, type AttributeInits, type GraphBuilder } from "../../../src/onnx/index.ts";
import { expectClose, floats, gradientsOf, type Floats, type FloatsByName, type Gradients } from "./gradients-of.ts";
import { tensorflowGradients, expectTensorflow } from "./tensorflow.ts";

const shapes = [
  [4, 3, 5, 6],
  [1, 2, 7, 3],
  [8, 5],
  [2, 3, 7],
  [1, 1, 4, 4],
];

/** Axes of a mean over the batch, and the shape of a vector of channels beside the map. */
function layoutOf(dims: readonly number[]): { axes: number[]; beside: number[] } {
  return {
    axes: dims.flatMap((_, axis) => (axis === 1 ? [] : [axis])),
    beside: dims.map((length, axis) => (axis === 1 ? length : 1)),
  };
}

function normalised(
  x: tf.Tensor,
  scale: tf.Tensor,
  shift: tf.Tensor,
  mean: tf.Tensor,
  variance: tf.Tensor,
  epsilon: number,
): tf.Tensor {
  const { beside } = layoutOf(x.shape);
  const wide = (t: tf.Tensor): tf.Tensor => tf.reshape(t, beside);
  const deviation = tf.sqrt(tf.add(wide(variance), tf.scalar(epsilon)));
  return tf.add(tf.mul(tf.div(tf.sub(x, wide(mean)), deviation), wide(scale)), wide(shift));
}

function inputsOf(dims: readonly number[], low = -1, high = 1): Readonly<Record<"x" | "scale" | "shift", Floats>> {
  const channels = dims[1] ?? 1;
  return {
    x: floats(`bn ${dims.join()}`, dims, low, high),
    scale: floats("bn scale", [channels], 0.5, 1.5),
    shift: floats("bn shift", [channels]),
  };
}

test.each(shapes)("fixed statistics, x [%i,%i,..]", async (...dims) => {
  const channels = dims[1] ?? 1;
  const [mean, variance] = [floats("bn mean", [channels]), floats("bn variance", [channels], 0.3, 2)];
  for (const epsilon of [1e-5, 0.1]) {
    await expectTensorflow(
      `epsilon ${epsilon}`,
      inputsOf(dims),
      (b) => {
        const statistics = [
          b.float32("mean", mean.dims, mean.data),
          b.float32("variance", variance.dims, variance.data),
        ];
        return b.add("y", "BatchNormalization", ["x", "scale", "shift", ...statistics], { epsilon: float(epsilon) });
      },
      (x, scale, shift) => {
        const [m, v] = [tf.tensor(mean.data), tf.tensor(variance.data)];
        return normalised(x, scale, shift, m, v, epsilon);
      },
    );
  }
});

interface Training {
  readonly result: Gradients;
  readonly running: { readonly mean: Floats; readonly variance: Floats };
}

const outputs = ["y", "running_mean", "running_var"];

/** The training form of operator set 15. */
async function train(inputs: FloatsByName, attributes: AttributeInits): Promise<Training> {
  const dims = inputs["x"]?.dims ?? [];
  const vector = [dims[1] ?? 1];
  const running = { mean: floats("running mean", vector), variance: floats("running variance", vector, 0.5, 2) };
  const forward = (b: GraphBuilder): string => {
    const statistics = [
      b.float32("mean", vector, running.mean.data),
      b.float32("variance", vector, running.variance.data),
    ];
    const names = ["x", "scale", "shift", ...statistics];
    return b.add("bn", "BatchNormalization", names, { ...attributes, training_mode: 1 }, { outputs });
  };
  // The engine cannot open the training form: shapes are given.
  const shapes = { y: dims, running_mean: vector, running_var: vector };
  return { result: await gradientsOf(inputs, forward, { shapes, watch: outputs.slice(1) }), running };
}

async function expectTraining(
  inputs: FloatsByName,
  tolerance: number,
  attributes: AttributeInits,
  epsilon: number,
  momentum: number,
): Promise<void> {
  const { result, running } = await train(inputs, attributes);
  const moments = (x: tf.Tensor): { mean: tf.Tensor; variance: tf.Tensor } => tf.moments(x, layoutOf(x.shape).axes);
  const expected = tensorflowGradients(inputs, (x, scale, shift) => {
    const { mean, variance } = moments(x);
    return normalised(x, scale, shift, mean, variance, epsilon);
  });
  expectClose(result.values["y"], expected.outputs[0], tolerance, "value");
  for (const name of Object.keys(inputs)) {
    expectClose(result.gradients[name], expected.gradients[name], tolerance, `by ${name}`);
  }
  const x = inputs["x"];
  if (x === undefined) throw new Error("test: no x");
  const batch = statisticsOf(x);
  const follow = (old: Floats, now: readonly number[]): Floats => ({
    dims: old.dims,
    data: old.data.map((value, channel) => momentum * value + (1 - momentum) * (now[channel] ?? Number.NaN)),
  });
  expectClose(result.values["running_mean"], follow(running.mean, batch.mean), 1e-5, "running mean");
  expectClose(result.values["running_var"], follow(running.variance, batch.variance), tolerance, "running variance");
}

/** Mean and variance (of the population) of each channel, in double precision. */
function statisticsOf({ dims, data }: Floats): { mean: number[]; variance: number[] } {
  const channels = dims[1] ?? 1;
  const area = dims.slice(2).reduce((product, length) => product * length, 1);
  const of = (channel: number): number[] =>
    Array.from(data).filter((_, index) => Math.floor(index / area) % channels === channel);
  const average = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;
  const mean = Array.from({ length: channels }, (_, channel) => average(of(channel)));
  const variance = mean.map((m, channel) => average(of(channel).map((value) => (value - m) ** 2)));
  return { mean, variance };
}

test.each(shapes)("training mode, x [%i,%i,..]", async (...dims) => {
  await expectTraining(inputsOf(dims), 1e-4, {}, 1e-5, 0.9);
  await expectTraining(inputsOf(dims), 1e-4, { epsilon: float(0.01), momentum: float(0.7) }, 0.01, 0.7);
});

test("training mode, mean 30 times the deviation: the variance loses three digits", async () => {
  // Uniform in [-1, 1) around 17.3: deviation 0.577.
  const inputs = inputsOf([4, 3, 8, 8], 16.3, 18.3);
  // E[x^2] - E[x]^2 cancels 900 : 1, each at 6e-8 and more from the sums: some 1e-4 of the variance.
  await expectTraining(inputs, 2e-3, {}, 1e-5, 0.9);
});

test("training mode with the value alone as an output", async () => {
  const inputs = inputsOf([3, 2, 4, 4]);
  const forward = (b: GraphBuilder): string =>
    b.add(
      "y",
      "BatchNormalization",
      ["x", "scale", "shift", b.float32("mean", [2], [0, 0]), b.float32("variance", [2], [1, 1])],
      { training_mode: 1 },
    );
  const alone = await gradientsOf(inputs, forward, { shapes: { y: [3, 2, 4, 4] } });
  const { result } = await train(inputs, {});
  expect(alone.values["y"]).toEqual(result.values["y"]);
  expect(alone.gradients).toEqual(result.gradients);
});

test("training mode runs where nothing before or in it is learned", async () => {
  const inputs = inputsOf([3, 2, 4, 4]);
  const vector = { mean: [0.5, -0.5], variance: [1, 2] };
  // By what is downstream of it alone.
  const by = ["gain"];
  const { gradients, values } = await gradientsOf(
    { ...inputs, gain: floats("gain", [3, 2, 4, 4]) },
    (b) => {
      const statistics = [b.float32("mean", [2], vector.mean), b.float32("variance", [2], vector.variance)];
      const names = ["x", "scale", "shift", ...statistics];
      b.add("bn", "BatchNormalization", names, { training_mode: 1 }, { outputs });
      return b.add("w", "Mul", ["y", "gain"]);
    },
    { by, shapes: { y: [3, 2, 4, 4], w: [3, 2, 4, 4], running_mean: [2], running_var: [2] }, watch: outputs },
  );
  expect(Object.keys(gradients)).toEqual(by);
  const mean = statisticsOf(inputs.x).mean.map((now, channel) => 0.9 * (vector.mean[channel] ?? 0) + 0.1 * now);
  expectClose(values["running_mean"], { dims: [2], data: Float32Array.from(mean) }, 1e-5);
});

test("a loss of running statistics is refused by name", async () => {
  const inputs = inputsOf([3, 2, 4, 4]);
  const attempt = gradientsOf(
    inputs,
    (b) => {
      const names = ["x", "scale", "shift", b.float32("mean", [2], [0, 0]), b.float32("variance", [2], [1, 1])];
      b.add("bn", "BatchNormalization", names, { training_mode: 1 }, { outputs });
      return ["y", "running_mean"];
    },
    { shapes: { y: [3, 2, 4, 4], running_mean: [2], running_var: [2] } },
  );
  await expect(attempt).rejects.toThrow(/BatchNormalization "bn".*running statistics/);
});

test("fixed statistics that are learned or computed have gradients, too", async () => {
  const inputs = {
    ...inputsOf([3, 2, 4, 5]),
    mean: floats("bn mean", [2]),
    variance: floats("bn variance", [2], 0.3, 2),
  };
  await expectTensorflow(
    "five inputs",
    inputs,
    (b) => b.add("y", "BatchNormalization", Object.keys(inputs), { epsilon: float(0.05) }),
    (x, scale, shift, mean, variance) =>
      normalised(x, scale, shift, mean ?? tf.scalar(0), variance ?? tf.scalar(1), 0.05),
  );
});
