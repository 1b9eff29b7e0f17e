// What weights start from: `train` has the standard start of training in every network, by what each operator does with
// its constants; `varied` differs in every channel; both are the same graph.

import * as ort from "onnxruntime-node";
import { describe, expect, test } from "vitest";
import { bisenetv2, networks, pspnet, type Network } from "../../src/networks/index.ts";
import { Random } from "../../src/networks/random.ts";
import {
  GraphIndex,
  numbersOf,
  readModel,
  writeModel,
  type Graph,
  type Model,
  type Node,
} from "../../src/onnx/index.ts";

const all: readonly (readonly [string, Network["build"]])[] = [
  ...Object.entries(networks).map(([name, { build }]) => [name, build] as const),
  ["bisenetv2 with auxiliary heads", (options) => bisenetv2({ ...options, auxiliary: true })],
  ["pspnet as published", (options) => pspnet({ ...options, stem: "3x3", auxiliary: true })],
];

function constant(graph: Graph, node: Node, position: number): Float32Array | undefined {
  const tensor = graph.initializers.get(node.inputs[position] ?? "");
  return tensor?.dtype === "float32" ? Float32Array.from(numbersOf(tensor) ?? []) : undefined;
}

function dimsOf(graph: Graph, node: Node, position: number): readonly number[] {
  return graph.initializers.get(node.inputs[position] ?? "")?.dims ?? [];
}

function nodesOf(graph: Graph, op: string): readonly Node[] {
  return graph.nodes.filter((node) => node.op === op);
}

/** Whether all are `value`; nothing there is nothing wrong. */
function expectAll(values: Float32Array | undefined, value: number): void {
  expect(new Set(values ?? [value])).toEqual(new Set([value]));
}

function largest(values: Float32Array): number {
  return values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
}

function deviation(values: Float32Array): number {
  return Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length);
}

describe.each(all)("%s", (_name, build) => {
  const { graph } = build({ init: "train" });

  test("normalises to what comes in, until statistics are learned", () => {
    const norms = nodesOf(graph, "BatchNormalization");
    for (const node of norms) {
      for (const [position, value] of [1, 0, 0, 1].entries()) expectAll(constant(graph, node, position + 1), value);
    }
    for (const node of nodesOf(graph, "LayerNormalization")) {
      expectAll(constant(graph, node, 1), 1);
      expectAll(constant(graph, node, 2), 0);
    }
    for (const node of nodesOf(graph, "PRelu")) expectAll(constant(graph, node, 1), 0.25);
    // The same layers have statistics of their own by default.
    const varied = build().graph;
    for (const node of nodesOf(varied, "BatchNormalization").filter((norm) => (dimsOf(varied, norm, 1)[0] ?? 0) > 1)) {
      for (const position of [1, 2, 3, 4]) expect(new Set(constant(varied, node, position)).size).toBeGreaterThan(1);
    }
  });

  test("has convolutions that keep the variance of what a ReLU lets through, and zero biases", () => {
    let widest = 0;
    for (const node of nodesOf(graph, "Conv")) {
      expectAll(constant(graph, node, 2), 0);
      const weights = constant(graph, node, 1) ?? new Float32Array();
      const [, perGroup = 0, height = 0, width = 0] = dimsOf(graph, node, 1);
      const fanIn = perGroup * height * width;
      expect(largest(weights)).toBeLessThanOrEqual(Math.sqrt(6 / fanIn) * (1 + 1e-6));
      if (weights.length < 2000) continue;
      widest = Math.max(widest, weights.length);
      expect(deviation(weights) / Math.sqrt(2 / fanIn)).toBeCloseTo(1, 1);
    }
    expect(widest).toBeGreaterThan(2000);
  });

  test("has fully connected layers of deviation 0.02, cut at twice that, with zero biases", () => {
    const index = new GraphIndex(graph);
    const large = [];
    for (const node of nodesOf(graph, "MatMul")) {
      const weights = constant(graph, node, 1);
      if (weights === undefined) continue;
      expect(largest(weights)).toBeLessThanOrEqual(0.04 * (1 + 1e-6));
      if (weights.length > 2000) large.push(deviation(weights) / 0.02);
      const [add] = index.consumersOf(node.outputs[0] ?? "").map((at) => index.node(at));
      if (add === undefined) throw new Error("expected the bias");
      expectAll(constant(graph, add, 0), 0);
    }
    // A normal distribution cut at two deviations keeps 0.88 of its own.
    for (const share of large) expect(share).toBeCloseTo(0.88, 1);
  });

  test("is the same graph as by default, and other weights for another seed", () => {
    const varied = build().graph;
    expect(graph.nodes).toEqual(varied.nodes);
    expect(graph.outputs).toEqual(varied.outputs);
    const bytes = (model: Model): Uint8Array => writeModel(model).bytes;
    expect(Buffer.compare(bytes(build({ init: "varied" })), bytes(build()))).toBe(0);
    expect(Buffer.compare(bytes(build({ init: "train" })), bytes(build({ init: "train" })))).toBe(0);
    expect(Buffer.compare(bytes(build({ init: "train" })), bytes(build({ init: "train", seed: 2 })))).not.toBe(0);
  });

  test("puts out finite scores that are not all the same", async () => {
    const outputs = await scoresOf(build({ init: "train" }));
    for (const data of outputs) {
      expect(data.every(Number.isFinite)).toBe(true);
      expect(new Set(data).size).toBeGreaterThan(data.length / 20);
    }
  });
});

/** All outputs for a picture of 64x64. */
async function scoresOf(model: Model): Promise<readonly Float32Array[]> {
  const session = await ort.InferenceSession.create(writeModel(model).bytes, { intraOpNumThreads: 1 });
  try {
    const image = new ort.Tensor("float32", new Random(3, "picture").uniform(3 * 64 * 64, -1, 1), [1, 3, 64, 64]);
    return Object.values(await session.run({ image })).map(({ data }) => data as Float32Array);
  } finally {
    await session.release();
  }
}

describe.each([
  ["fcn8s", ["upscore2", "upscore_pool4", "upscore8"]],
  ["fcn16s", ["upscore2", "upscore16"]],
  ["fcn32s", ["upscore"]],
] as const)("%s", (name, layers) => {
  test("interpolates bilinearly, each class by itself", async () => {
    const { graph } = networks[name].build({ init: "train", classes: 3 });
    expect(nodesOf(graph, "ConvTranspose").map((node) => node.name)).toEqual(layers);
    for (const node of nodesOf(graph, "ConvTranspose")) {
      const { stride, data } = await upsampled(graph, node);
      // Inside, the result is ONNX's half-pixel bilinear interpolation: along a plane, the plane itself.
      const side = 8 * stride;
      let worst = 0;
      for (const [channel, [a, b, c]] of planes.entries()) {
        for (let y = stride; y < side - stride; y++) {
          for (let x = stride; x < side - stride; x++) {
            const expected = a + b * ((y + 0.5) / stride - 0.5) + c * ((x + 0.5) / stride - 0.5);
            worst = Math.max(worst, Math.abs((data[(channel * side + y) * side + x] ?? Number.NaN) - expected));
          }
        }
      }
      expect(worst).toBeLessThan(1e-4);
    }
  });
});

/** Three planes: height at the origin, slope along y, slope along x. */
const planes = [
  [1, 0.5, -0.25],
  [-2, 0, 1],
  [0, -1, 0.125],
] as const;

/** What a transposed convolution makes of three planes of 8x8, in a model of its own. */
async function upsampled(graph: Graph, node: Node): Promise<{ readonly stride: number; readonly data: Float32Array }> {
  const whole = networks.fcn8s.build({ classes: 3 });
  const [input = "", weight = ""] = node.inputs;
  const kernel = dimsOf(graph, node, 1)[2] ?? 0;
  const value = (name: string, side: number) =>
    ({ name, type: { kind: "tensor", dtype: "float32", shape: [1, 3, side, side] } }) as const;
  const output = node.outputs[0] ?? "";
  const tensor = graph.initializers.get(weight);
  if (tensor === undefined) throw new Error(`expected the kernel ${weight}`);
  const model: Model = {
    ...whole,
    graph: {
      ...graph,
      nodes: [node],
      inputs: [value(input, 8)],
      outputs: [value(output, 4 * kernel)],
      initializers: new Map([[weight, tensor]]),
    },
  };
  const data = Float32Array.from({ length: 3 * 64 }, (_, i) => {
    const [a, b, c] = planes[Math.floor(i / 64)] ?? planes[0];
    return a + b * (Math.floor(i / 8) % 8) + c * (i % 8);
  });
  const session = await ort.InferenceSession.create(writeModel(readModel(writeModel(model).bytes)).bytes);
  try {
    const result = await session.run({ [input]: new ort.Tensor("float32", data, [1, 3, 8, 8]) });
    return { stride: kernel / 2, data: result[output]?.data as Float32Array };
  } finally {
    await session.release();
  }
}

test("normal numbers have the asked deviation, mean zero, and none beyond two deviations", () => {
  const values = new Random(1, "stream").normal(50_000, 3);
  expect(Math.abs(values.reduce((sum, value) => sum + value) / values.length)).toBeLessThan(0.03);
  expect(largest(values)).toBeLessThanOrEqual(6);
  expect(largest(values)).toBeGreaterThan(5.9);
  // Share within one deviation of a normal distribution cut at two: 0.6827 / 0.9545.
  expect(values.filter((value) => Math.abs(value) < 3).length / values.length).toBeCloseTo(0.715, 1);
  expect(new Random(1, "stream").normal(5, 3)).toEqual(values.slice(0, 5));
});
