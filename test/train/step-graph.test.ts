// Training steps of networks small enough to be computed by hand, in double precision.

import { expect, test } from "vitest";
import type { EngineTensor } from "../../src/engine/engine.ts";
import { float, GraphBuilder, modelOf, numbersOf, writeModel, type Model } from "../../src/onnx/index.ts";
import { klDivergence, meanSquaredError } from "../../src/train/losses/index.ts";
import { sgd } from "../../src/train/optimisers/index.ts";
import { initialOf, StepGraph, type Goal, type TrainingStep } from "../../src/train/step-graph.ts";
import { localEngine, runOnce } from "../support/runtime.ts";
import { floats, type Floats } from "./autodiff/gradients-of.ts";

type Feeds = Readonly<Record<string, EngineTensor>>;
type State = Readonly<Record<string, readonly number[]>>;

const plain = sgd({ momentum: 0 });

function fed({ dims, data }: Floats): EngineTensor {
  return { dtype: "float32", dims, data };
}

function scalar(value: number): EngineTensor {
  return { dtype: "float32", dims: [], data: Float32Array.of(value) };
}

/** Memory before the first run and after each, and what the runs gave. */
async function runs(
  step: StepGraph,
  feeds: readonly Feeds[],
): Promise<{ built: TrainingStep; states: State[]; reports: Record<string, number>[] }> {
  const built = await step.build(localEngine);
  await using session = await localEngine.open(writeModel(built.model).bytes, { state: built.memory });
  await session.writeState(Object.fromEntries(built.memory.map((one) => [one.input, initialOf(one)])));
  const read = async (): Promise<State> =>
    Object.fromEntries(
      Object.entries(await session.readState()).map(([name, { data }]) => [name, Array.from(data, Number)]),
    );
  const states = [await read()];
  const reports: Record<string, number>[] = [];
  for (const [index, one] of feeds.entries()) {
    const { outputs } = await session.run({ step: scalar(index), ...one });
    reports.push(Object.fromEntries(Object.entries(outputs).map(([name, { data }]) => [name, Number(data[0])])));
    states.push(await read());
  }
  return { built, states, reports };
}

/** y [N,filters,h-1,w-1]: a 2x2 convolution of `image` with bias, normalised if asked. */
function network(
  stream: string,
  dims: readonly [number, number, number, number],
  { filters = 2, normalised = false, momentum = 0.9 } = {},
): Model {
  const [batch, channels, height, width] = dims;
  const b = new GraphBuilder(stream);
  b.input("image", "float32", dims);
  const constant = (name: string, shape: readonly number[], low = -1): string =>
    b.float32(name, shape, floats(`${stream} ${name}`, shape, low).data);
  const inputs = ["image", constant("weight", [filters, channels, 2, 2]), constant("bias", [filters])];
  let y = b.add("conv", "Conv", inputs, { kernel_shape: [2, 2] });
  if (normalised) {
    const parts = ["scale", "shift", "mean"].map((part) => constant(part, [filters]));
    y = b.add("normal", "BatchNormalization", [y, ...parts, constant("variance", [filters], 0.5)], {
      momentum: float(momentum),
    });
  }
  b.output(y, "float32", [batch, filters, height - 1, width - 1]);
  return modelOf(b.build());
}

/** y = weight x, one number. */
function factor(weight: number, dims: readonly number[]): Model {
  const b = new GraphBuilder("factor");
  const inputs = [b.input("image", "float32", dims), b.float32("weight", [1, 1, 1, 1], [weight])];
  b.output(b.add("y", "Conv", inputs), "float32", dims);
  return modelOf(b.build());
}

function only(outputs: Readonly<Record<string, string>>): string {
  return Object.values(outputs)[0] ?? "";
}

/** No element differs by more than `tolerance` times the largest. */
function expectNear(actual: readonly number[] | undefined, expected: readonly number[], tolerance = 1e-5): void {
  expect(actual).toHaveLength(expected.length);
  const largest = Math.max(...expected.map(Math.abs));
  for (const [index, value] of expected.entries()) {
    expect(Math.abs((actual?.[index] ?? Number.NaN) - value), `element ${index}`).toBeLessThanOrEqual(
      tolerance * largest,
    );
  }
}

function meanOf(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0) / values.length;
}

/** A step that teaches one network: mean square of its output less a number. */
function squares(
  model: Model,
  dims: readonly number[],
  { fixedStatistics = false, share = 1, ...goal }: Partial<Goal> & { fixedStatistics?: boolean; share?: number } = {},
): StepGraph {
  const step = new StepGraph();
  const net = step.network("net", model, { fixedStatistics });
  const prediction = only(step.apply(net, step.input("image", "float32", dims)));
  const loss = step.ops.scale(meanSquaredError(step.ops, { prediction, target: 0.25 }), share);
  step.report("loss", loss);
  step.minimise({ loss, teaches: [net], optimiser: plain, rate: step.input("rate", "float32", []), ...goal });
  return step;
}

test("a step of a convolution is the one computed by hand", async () => {
  const dims = [2, 2, 4, 3] as const;
  const [batch, channels, height, width] = dims;
  const image = floats("image", dims);
  const { states, reports } = await runs(squares(network("net", dims), dims), [
    { image: fed(image), rate: scalar(0.5) },
  ]);
  const [before, after] = states;
  const [weight, bias] = [before?.["net/weight"] ?? [], before?.["net/bias"] ?? []];
  const gradients = { weight: weight.map(() => 0), bias: bias.map(() => 0) };
  const count = batch * 2 * (height - 1) * (width - 1);
  let loss = 0;
  for (let n = 0; n < batch; n++)
    for (let k = 0; k < 2; k++)
      for (let y = 0; y < height - 1; y++)
        for (let x = 0; x < width - 1; x++) {
          const products: [number, number][] = [];
          for (let c = 0; c < channels; c++)
            for (const [i, j] of [
              [0, 0],
              [0, 1],
              [1, 0],
              [1, 1],
            ] as const) {
              const at = ((n * channels + c) * height + y + i) * width + x + j;
              products.push([((k * channels + c) * 2 + i) * 2 + j, image.data[at] ?? 0]);
            }
          const made = products.reduce((sum, [at, pixel]) => sum + (weight[at] ?? 0) * pixel, bias[k] ?? 0);
          loss += (made - 0.25) ** 2 / count;
          const slope = (2 * (made - 0.25)) / count;
          gradients.bias[k] = (gradients.bias[k] ?? 0) + slope;
          for (const [at, pixel] of products) gradients.weight[at] = (gradients.weight[at] ?? 0) + slope * pixel;
        }
  expect(reports[0]?.["loss"]).toBeCloseTo(loss, 5);
  expectNear(
    after?.["net/weight"],
    weight.map((value, at) => value - 0.5 * (gradients.weight[at] ?? 0)),
  );
  expectNear(
    after?.["net/bias"],
    bias.map((value, at) => value - 0.5 * (gradients.bias[at] ?? 0)),
  );
});

test("two accumulated runs of half a batch teach what one run of the whole does", async () => {
  const whole = floats("image", [4, 2, 4, 4]);
  const half = (part: number): EngineTensor =>
    fed({ dims: [2, 2, 4, 4], data: whole.data.slice(part * 64, part * 64 + 64) });
  const parts = [0, 1].map((part): Feeds => ({
    image: half(part),
    rate: scalar(1),
    apply: { dtype: "bool", dims: [], data: Uint8Array.of(part) },
  }));
  const fixed = { fixedStatistics: true };
  const inParts = await runs(
    squares(network("net", [2, 2, 4, 4], { normalised: true }), [2, 2, 4, 4], {
      ...fixed,
      accumulate: true,
      share: 0.5,
    }),
    [...parts, ...parts],
  );
  const atOnce = await runs(squares(network("net", [4, 2, 4, 4], { normalised: true }), [4, 2, 4, 4], fixed), [
    { image: fed(whole), rate: scalar(1) },
    { image: fed(whole), rate: scalar(1) },
  ]);
  for (const name of ["weight", "bias", "scale", "shift"].map((part) => `net/${part}`)) {
    const [before, between, after, , last] = inParts.states.map((state) => state[name] ?? []);
    expect(between).toEqual(before);
    expect(after).not.toEqual(before);
    expectNear(after, atOnce.states[1]?.[name] ?? []);
    expectNear(last, atOnce.states[2]?.[name] ?? []);
  }
  expect(inParts.states[4]?.["net/mean"]).toEqual(inParts.states[0]?.["net/mean"]);
});

test("a frozen teacher stays as it is, has no memory, and teaches the student", async () => {
  const dims = [2, 2, 4, 4] as const;
  const image = floats("image", dims);
  const [teacherModel, studentModel] = ["teacher", "student"].map((name) => network(name, dims, { normalised: true }));
  if (teacherModel === undefined || studentModel === undefined) throw new Error("test: no models");
  const step = new StepGraph();
  const teacher = step.network("teacher", teacherModel, { frozen: true });
  const student = step.network("student", studentModel);
  const input = step.input("image", "float32", dims);
  const [wanted, made] = [only(step.apply(teacher, input)), only(step.apply(student, input))];
  const loss = klDivergence(step.ops, { teacher: wanted, student: made, dims: [2, 2, 3, 3] });
  step.report("loss", loss);
  step.report("wanted", step.ops.op("ReduceMean", [wanted], { keepdims: 0 }));
  step.minimise({ loss, teaches: [student], optimiser: plain, rate: step.input("rate", "float32", []), average: 0.9 });
  const feeds = { image: fed(image), rate: scalar(0.5) };
  const { built, states, reports } = await runs(
    step,
    Array.from({ length: 5 }, () => feeds),
  );
  expect(built.memory.filter(({ input: name }) => !name.startsWith("student/"))).toEqual([]);
  expect(built.learned.get("teacher")?.size).toBe(0);
  for (const [name, tensor] of teacherModel.graph.initializers) {
    expect(built.model.graph.initializers.get(`teacher/${name}`)).toEqual(tensor);
  }
  const expected = Object.values(await runOnce(teacherModel, { image: fed(image) }))[0];
  const mean = meanOf(Array.from(expected?.data ?? [], Number));
  for (const { wanted: report = Number.NaN } of reports) expect(report).toBeCloseTo(mean, 5);
  for (const part of ["weight", "scale", "shift"]) {
    expect(states[5]?.[`student/${part}`]).not.toEqual(states[0]?.[`student/${part}`]);
  }
  expect(reports[4]?.["loss"]).toBeLessThan(reports[0]?.["loss"] ?? 0);
});

test("two goals in one step: a generator and a discriminator each learn from their own", async () => {
  const dims = [2, 1, 2, 2];
  const [noise, real] = [floats("noise", dims), floats("real", dims)];
  const [g, d] = [0.5, -0.75];
  const step = new StepGraph();
  const [generator, discriminator] = [
    step.network("generator", factor(g, dims)),
    step.network("discriminator", factor(d, dims)),
  ];
  const fake = only(step.apply(generator, step.input("noise", "float32", dims)));
  const onFake = only(step.apply(discriminator, fake));
  const onReal = only(step.apply(discriminator, step.input("real", "float32", dims)));
  const rate = step.input("rate", "float32", []);
  const fools = meanSquaredError(step.ops, { prediction: onFake, target: 1 });
  const tells = step.ops.add(
    meanSquaredError(step.ops, { prediction: onReal, target: 1 }),
    meanSquaredError(step.ops, { prediction: onFake, target: 0 }),
  );
  step.minimise({ loss: fools, teaches: [generator], optimiser: plain, rate });
  step.minimise({ loss: tells, teaches: [discriminator], optimiser: plain, rate });
  const { states } = await runs(step, [{ noise: fed(noise), real: fed(real), rate: scalar(0.5) }]);
  const [z, r] = [Array.from(noise.data), Array.from(real.data)];
  const byG = meanOf(z.map((x) => 2 * (d * g * x - 1) * d * x));
  const byD = meanOf(r.map((x) => 2 * (d * x - 1) * x)) + meanOf(z.map((x) => 2 * d * g * x * g * x));
  expect(states).toHaveLength(2);
  expectNear(states[1]?.["generator/weight"], [g - 0.5 * byG]);
  expectNear(states[1]?.["discriminator/weight"], [d - 0.5 * byD]);
});

test("two goals that teach and average one network: what both change is added up, and there is one average", async () => {
  const dims = [2, 1, 2, 2];
  const image = floats("image", dims);
  const [w, rate] = [0.5, 0.25];
  const wanted = [1, -0.5];
  const step = new StepGraph();
  const net = step.network("net", factor(w, dims));
  const prediction = only(step.apply(net, step.input("image", "float32", dims)));
  for (const [index, target] of wanted.entries()) {
    step.minimise({
      loss: meanSquaredError(step.ops, { prediction, target }),
      teaches: [net],
      optimiser: sgd({ momentum: 0.5 }),
      rate: step.input(`rate${index}`, "float32", []),
      average: 0.8,
    });
  }
  const feeds = { image: fed(image), rate0: scalar(rate), rate1: scalar(2 * rate) };
  const { built, states } = await runs(step, [feeds, feeds]);
  const pixels = Array.from(image.data);
  let [weight, average] = [w, w];
  const moments = [0, 0];
  for (const index of [0, 1]) {
    const slopes = wanted.map((target) => meanOf(pixels.map((x) => 2 * (weight * x - target) * x)));
    for (const [goal, slope] of slopes.entries()) moments[goal] = 0.5 * (moments[goal] ?? 0) + slope;
    weight -= rate * (moments[0] ?? 0) + 2 * rate * (moments[1] ?? 0);
    const kept = Math.min(0.8, (1 + index) / (10 + index));
    average = kept * average + (1 - kept) * weight;
    expectNear(states[index + 1]?.["net/weight"], [weight]);
    expectNear(states[index + 1]?.[built.averages.get("net/weight") ?? ""], [average]);
  }
  expect(built.averages.size).toBe(1);
  const goal = { loss: prediction, teaches: [net], optimiser: plain, rate: "rate0" };
  expect(() => step.minimise({ ...goal, average: 0.9 })).toThrow('"net": expected one decay of its average, got 0.8');
});

test("two goals may both add up gradients of one network", async () => {
  const dims = [1, 1, 2, 2];
  const image = floats("image", dims);
  const step = new StepGraph();
  const net = step.network("net", factor(0.5, dims));
  const prediction = only(step.apply(net, step.input("image", "float32", dims)));
  const rate = step.input("rate", "float32", []);
  for (const target of [1, -0.5]) {
    const loss = meanSquaredError(step.ops, { prediction, target });
    step.minimise({ loss, teaches: [net], optimiser: plain, rate, accumulate: true });
  }
  const part = (apply: number): Feeds => ({
    image: fed(image),
    rate: scalar(0.25),
    apply: { dtype: "bool", dims: [], data: Uint8Array.of(apply) },
  });
  const { states } = await runs(step, [part(0), part(1)]);
  const slope = [1, -0.5].reduce((sum, y) => sum + meanOf(Array.from(image.data, (x) => 2 * (0.5 * x - y) * x)), 0);
  expect(states[1]?.["net/weight"]).toEqual([0.5]);
  expectNear(states[2]?.["net/weight"], [0.5 - 0.25 * 2 * slope]);
});

test("running statistics follow the batch with the momentum of ONNX", async () => {
  const dims = [2, 1, 3, 3];
  const momentum = 0.7;
  const b = new GraphBuilder("normal");
  const inputs = [
    b.input("image", "float32", dims),
    b.float32("scale", [1], [1.5]),
    b.float32("shift", [1], [0.5]),
    b.float32("mean", [1], [0.25]),
    b.float32("variance", [1], [2]),
  ];
  b.output(b.add("y", "BatchNormalization", inputs, { momentum: float(momentum) }), "float32", dims);
  const images = [floats("first", dims), floats("second", dims, 0, 3)];
  const { states } = await runs(
    squares(modelOf(b.build()), dims),
    images.map((image) => ({ image: fed(image), rate: scalar(0.1) })),
  );
  let [mean, variance] = [0.25, 2];
  expect([states[0]?.["net/mean"], states[0]?.["net/variance"]]).toEqual([[mean], [variance]]);
  for (const [index, { data }] of images.entries()) {
    const pixels = Array.from(data);
    const center = meanOf(pixels);
    mean = momentum * mean + (1 - momentum) * center;
    variance = momentum * variance + (1 - momentum) * meanOf(pixels.map((pixel) => (pixel - center) ** 2));
    expectNear(states[index + 1]?.["net/mean"], [mean]);
    expectNear(states[index + 1]?.["net/variance"], [variance]);
  }
});

test("the moving average follows weights and statistics", async () => {
  const dims = [2, 2, 4, 4] as const;
  const decay = 0.15;
  const feeds = ["first", "second", "third"].map((name) => ({ image: fed(floats(name, dims)), rate: scalar(0.5) }));
  const { built, states } = await runs(
    squares(network("net", dims, { normalised: true }), dims, { average: decay }),
    feeds,
  );
  expect([...built.averages.keys()].sort()).toEqual([...(built.learned.get("net")?.values() ?? [])].sort());
  for (const [name, average] of built.averages) {
    let expected = [...(states[0]?.[name] ?? [])];
    expect(states[0]?.[average]).toEqual(expected);
    for (const [index, state] of states.slice(1).entries()) {
      // Warm-up binds at first (1/10), the decay later (2/11 and on).
      const kept = Math.min(decay, (1 + index) / (10 + index));
      expected = expected.map((value, at) => kept * value + (1 - kept) * (state[name]?.[at] ?? Number.NaN));
      expectNear(state[average], expected);
    }
  }
});

test("a network that is applied twice has one set of weights, and gradients add up", async () => {
  const dims = [2, 2, 4, 4] as const;
  const model = network("net", dims);
  const images = ["a", "b"].map((name) => fed(floats(name, dims)));
  const [a, b] = images;
  if (a === undefined || b === undefined) throw new Error("test: no images");
  const step = new StepGraph();
  const net = step.network("net", model);
  const losses = ["a", "b"].map((name) => {
    const prediction = only(step.apply(net, step.input(name, "float32", dims)));
    return meanSquaredError(step.ops, { prediction, target: 0.25 });
  });
  const loss = step.ops.add(losses[0] ?? "", losses[1] ?? "");
  step.minimise({ loss, teaches: [net], optimiser: plain, rate: step.input("rate", "float32", []) });
  const both = await runs(step, [{ a, b, rate: scalar(1) }]);
  expect(both.built.memory.map(({ input }) => input).sort()).toEqual(["net/bias", "net/weight"]);
  const singles: State[] = [];
  for (const image of images) {
    const { states } = await runs(squares(model, dims), [{ image, rate: scalar(1) }]);
    singles.push(states[1] ?? {});
  }
  for (const name of ["net/bias", "net/weight"]) {
    const before = both.states[0]?.[name] ?? [];
    expectNear(
      both.states[1]?.[name],
      before.map((value, at) => singles.reduce((sum, state) => sum + (state[name]?.[at] ?? 0) - value, value)),
    );
  }
});

test("statistics of a network that is applied twice follow both batches, one after the other", async () => {
  const dims = [2, 2, 4, 4] as const;
  const model = network("net", dims, { normalised: true, momentum: 0.6 });
  const images = ["a", "b"].map((name) => fed(floats(name, dims)));
  const [a, b] = images;
  if (a === undefined || b === undefined) throw new Error("test: no images");
  const step = new StepGraph();
  const net = step.network("net", model);
  const [first, second] = ["a", "b"].map((name) => only(step.apply(net, step.input(name, "float32", dims))));
  const loss = meanSquaredError(step.ops, { prediction: step.ops.add(first ?? "", second ?? ""), target: 0.25 });
  step.minimise({ loss, teaches: [net], optimiser: plain, rate: step.input("rate", "float32", []) });
  const both = await runs(step, [{ a, b, rate: scalar(1) }]);
  // Weights that stay as they are: two runs see what one run with two batches sees.
  const apart = await runs(
    squares(model, dims),
    images.map((image) => ({ image, rate: scalar(0) })),
  );
  for (const name of ["net/mean", "net/variance"]) {
    expect(apart.states[2]?.[name]).not.toEqual(apart.states[1]?.[name]);
    expectNear(both.states[1]?.[name], apart.states[2]?.[name] ?? []);
  }
});

test("weights that no loss reaches stay as they are", async () => {
  const dims = [1, 1, 2, 2];
  const step = new StepGraph();
  const image = step.input("image", "float32", dims);
  const [taught, other] = [step.network("taught", factor(0.5, dims)), step.network("other", factor(0.25, dims))];
  const prediction = only(step.apply(taught, only(step.apply(other, image))));
  const loss = meanSquaredError(step.ops, { prediction, target: 1 });
  step.minimise({ loss, teaches: [taught], optimiser: plain, rate: step.input("rate", "float32", []) });
  const { states } = await runs(step, [{ image: fed(floats("image", dims)), rate: scalar(1) }]);
  expect(states[1]?.["other/weight"]).toEqual(numbersOf({ dtype: "float32", dims: [1], data: bytesOf(0.25) }));
  expect(states[1]?.["taught/weight"]).not.toEqual([0.5]);
});

function bytesOf(value: number): Uint8Array {
  return new Uint8Array(Float32Array.of(value).buffer);
}

test("an operator without a gradient is refused with its name and its node's", async () => {
  const dims = [1, 1, 2, 2];
  const b = new GraphBuilder("odd");
  const inputs = [b.input("image", "float32", dims), b.float32("weight", [1, 1, 1, 1], [1])];
  b.output(b.add("turned", "Atan", [b.add("conv", "Conv", inputs)]), "float32", dims);
  const built = squares(modelOf(b.build()), dims).build(localEngine);
  await expect(built).rejects.toMatchObject({
    name: "ClockworkError",
    code: "unsupported-model",
    message: expect.stringMatching(/Atan at node "net\/turned"/) as string,
  });
});
