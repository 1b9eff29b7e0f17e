// Every architecture: it is a model that ONNX Runtime takes and runs, whose size is either open or fixed, whose images come
// one by one or in batches, whose weights follow from the seed. Numbers of parameters are in published.test.ts.

import * as ort from "onnxruntime-node";
import { describe, expect, test } from "vitest";
import { ClockworkError } from "../../../src/errors.ts";
import {
  bisenetv2,
  fcn16s,
  fcn32s,
  fcn8s,
  networks,
  pspnet,
  type Extent,
  type Network,
  type NetworkOptions,
} from "../../../src/networks/index.ts";
import { GraphIndex, readModel, totalParameters, writeModel, type Model } from "../../../src/onnx/index.ts";

const all: readonly (readonly [string, Network])[] = Object.entries(networks);
const square: Extent = { heightPx: 64, widthPx: 64 };
const wide: Extent = { heightPx: 64, widthPx: 96 };
/** Sizes that strides do not divide, where the network takes any. */
const odd: Extent = { heightPx: 75, widthPx: 101 };

function bytesOf(model: Model): Uint8Array {
  return writeModel(model).bytes;
}

/** A picture that is neither flat nor noise, in [-1, 1]; another for each shift. */
function pictureOf({ heightPx, widthPx }: Extent, shift = 0): ort.Tensor {
  const data = new Float32Array(3 * heightPx * widthPx);
  for (let i = 0; i < data.length; i++) {
    const [x, y, channel] = [i % widthPx, Math.floor(i / widthPx) % heightPx, Math.floor(i / widthPx / heightPx)];
    data[i] = Math.sin(x / 7 + channel + shift) * Math.cos(y / 5 - channel) + 0.3 * Math.sin(i * 12.9898);
  }
  return new ort.Tensor("float32", data, [1, 3, heightPx, widthPx]);
}

interface Output {
  readonly dims: readonly number[];
  readonly data: Float32Array;
}

/** Pictures, one behind the other: [pictures.length, 3, height, width]. */
function batchOf(pictures: readonly ort.Tensor[]): ort.Tensor {
  const data = pictures.flatMap((picture) => [...(picture.data as Float32Array)]);
  return new ort.Tensor("float32", data, [pictures.length, ...(pictures[0]?.dims.slice(1) ?? [])]);
}

async function run(model: Model, sizes: readonly Extent[]): Promise<Output[]> {
  return runImages(
    model,
    sizes.map((size) => pictureOf(size)),
  );
}

async function runImages(model: Model, images: readonly ort.Tensor[]): Promise<Output[]> {
  const session = await ort.InferenceSession.create(bytesOf(model), { intraOpNumThreads: 1 });
  try {
    expect(session.inputNames).toEqual(["image"]);
    expect(session.outputNames).toEqual(["logits"]);
    const outputs: Output[] = [];
    for (const image of images) {
      const { logits } = await session.run({ image });
      if (logits === undefined || !(logits.data instanceof Float32Array)) throw new TypeError("no float32 logits");
      outputs.push({ dims: logits.dims, data: logits.data });
    }
    return outputs;
  } finally {
    await session.release();
  }
}

function only(outputs: readonly Output[]): Output {
  const [output] = outputs;
  if (output === undefined) throw new RangeError("no output");
  return output;
}

/** Largest difference against the largest value. */
function relativeDifference(a: Float32Array, b: Float32Array): number {
  expect(a.length).toBe(b.length);
  let [difference, scale] = [0, 0];
  for (let i = 0; i < a.length; i++) {
    difference = Math.max(difference, Math.abs((a[i] ?? Number.NaN) - (b[i] ?? Number.NaN)));
    scale = Math.max(scale, Math.abs(a[i] ?? 0));
  }
  return difference / scale;
}

function rootMeanSquare(values: Float32Array): number {
  return Math.sqrt(values.reduce((sum, value) => sum + value ** 2, 0) / values.length);
}

describe.each(all)("%s", (_name, { build, sizeMultiple, outputStride }) => {
  test("takes any size and puts out class scores of the stated shape", async () => {
    const sizes = sizeMultiple === 1 ? [square, odd] : [square, wide];
    const outputs = await run(build({ classes: 7 }), sizes);
    expect(outputs.map((output) => output.dims)).toEqual(
      sizes.map((size) => [1, 7, Math.ceil(size.heightPx / outputStride), Math.ceil(size.widthPx / outputStride)]),
    );
    for (const { data } of outputs) {
      expect(data.every(Number.isFinite)).toBe(true);
      expect(new Set(data).size).toBeGreaterThan(data.length / 20);
      // Of a scale that can be compared and trained: neither vanished nor blown up on the way.
      expect(rootMeanSquare(data)).toBeGreaterThan(0.1);
      expect(rootMeanSquare(data)).toBeLessThan(20);
    }
  });

  test("computes the same where sizes are constants", async () => {
    const sizes = sizeMultiple === 1 ? [wide, odd] : [wide];
    const open = await run(build(), sizes);
    for (const [index, size] of sizes.entries()) {
      const fixed = build({ size });
      expect(fixed.graph.nodes.filter((node) => node.op === "Shape")).toEqual([]);
      const output = only(await run(fixed, [size]));
      const reference = open[index];
      expect(output.dims).toEqual(reference?.dims);
      expect(relativeDifference(reference?.data ?? new Float32Array(), output.data)).toBeLessThan(1e-5);
    }
  });

  test("may have its size declared and computed all the same", () => {
    const model = build({ size: wide, dynamic: true });
    expect(model.graph.inputs[0]?.type).toMatchObject({ shape: [1, 3, 64, 96] });
    expect(model.graph.nodes).toEqual(build().graph.nodes);
  });

  test("computes a batch as its images one by one", async () => {
    const sizing = sizeMultiple === 1 ? odd : wide;
    const pictures = [0, 1, 2].map((shift) => pictureOf(sizing, shift));
    const singles = await runImages(build(), pictures);
    const [one, other] = singles;
    expect(relativeDifference(one?.data ?? new Float32Array(), other?.data ?? new Float32Array())).toBeGreaterThan(
      1e-3,
    );
    for (const model of [build({ batch: 3 }), build({ batch: 3, size: sizing })]) {
      expect(model.graph.inputs[0]?.type).toMatchObject({ shape: [3, 3, expect.anything(), expect.anything()] });
      const { dims, data } = only(await runImages(model, [batchOf(pictures)]));
      expect(dims).toEqual([3, ...(one?.dims.slice(1) ?? [])]);
      expect(model.graph.outputs[0]?.type).toMatchObject({ shape: [3, dims[1], expect.anything(), expect.anything()] });
      for (const [index, single] of singles.entries()) {
        const { length } = single.data;
        expect(relativeDifference(single.data, data.subarray(index * length, (index + 1) * length))).toBeLessThan(1e-4);
      }
    }
  });

  test("follows its seed", async () => {
    const bytes = bytesOf(build({ seed: 5 }));
    expect(Buffer.compare(bytes, bytesOf(build({ seed: 5 })))).toBe(0);
    expect(Buffer.compare(bytes, bytesOf(build({ seed: 6 })))).not.toBe(0);
    const [one, other] = [only(await run(build({ seed: 5 }), [wide])), only(await run(build({ seed: 6 }), [wide]))];
    expect(relativeDifference(one.data, other.data)).toBeGreaterThan(0.01);
  });

  test("is a sound graph of opset 17 that survives a file", () => {
    const model = build();
    expect([...model.opsets]).toEqual([["", 17]]);
    expect(model.graph.nodes.every((node) => node.domain === "")).toBe(true);
    expect(new Set(model.graph.nodes.map((node) => node.name)).size).toBe(model.graph.nodes.length);
    const index = new GraphIndex(model.graph);
    const unused = model.graph.nodes.filter(
      (node) => !node.outputs.includes("logits") && node.outputs.every((name) => index.consumersOf(name).length === 0),
    );
    expect(unused).toEqual([]);
    const constants = [...model.graph.initializers.keys()];
    expect(constants.filter((name) => index.consumersOf(name).length === 0)).toEqual([]);
    const again = readModel(bytesOf(model));
    expect(again.graph.nodes.length).toBe(model.graph.nodes.length);
    expect(totalParameters(again.graph)).toBe(totalParameters(model.graph));
  });

  test("refuses what it cannot be", () => {
    expect(() => build({ width: 0 })).toThrow(ClockworkError);
    expect(() => build({ classes: 0.5 })).toThrow(ClockworkError);
    expect(() => build({ seed: 0.5 })).toThrow(ClockworkError);
    expect(() => build({ batch: 0 })).toThrow(/expected `batch` to be a positive integer/);
    const untyped = (json: string): NetworkOptions => JSON.parse(json);
    expect(() => build(untyped('{ "init": "zeros" }'))).toThrow(
      /expected `init` to be one of varied, train, got zeros/,
    );
    expect(() => build(untyped('{ "dynamic": false }'))).toThrow(/expected `size`/);
    const half = { heightPx: 64 + sizeMultiple / 2, widthPx: 64 };
    expect(() => build({ size: half })).toThrow(/multiples of/);
  });
});

describe("names", () => {
  test("FCN-8s has the layers of the Caffe original", () => {
    const names = fcn8s().graph.nodes.map((node) => node.name);
    expect(names.filter((name) => !/^(conv|relu)[1-5]_/.test(name))).toEqual(
      (
        "pool1 pool2 pool3 pool4 pool5 fc6 relu6 fc7 relu7 score_fr upscore2 score_pool4 fuse_pool4 upscore_pool4 " +
        "score_pool3 fuse_pool3 upscore8"
      ).split(" "),
    );
    expect(names.filter((name) => name.startsWith("conv"))).toHaveLength(13);
    expect(fcn32s().graph.nodes.at(-1)?.name).toBe("upscore");
  });

  test("FCN-16s and FCN-32s are FCN-8s with fewer fusions", () => {
    const names = (model: Model): string[] => model.graph.nodes.map((node) => node.name);
    const trunk = names(fcn8s()).slice(0, names(fcn8s()).indexOf("score_fr") + 1);
    expect(names(fcn16s())).toEqual([...trunk, "upscore2", "score_pool4", "fuse_pool4", "upscore16"]);
    expect(names(fcn32s())).toEqual([...trunk, "upscore"]);
  });

  test("ESPNet has the shapes of the CamVid model at width 1", () => {
    const { graph } = networks.espnet.build({ width: 1, classes: 12 });
    expect(graph.nodes).toHaveLength(192);
    expect(graph.initializers.get("level2/down/reduce.weight")?.dims).toEqual([12, 19, 3, 3]);
    expect(graph.initializers.get("level3/down/dilated1.weight")?.dims).toEqual([28, 25, 3, 3]);
    expect(graph.initializers.get("fuse1/conv.weight")?.dims).toEqual([12, 31, 3, 3]);
    const elements = [...graph.initializers.values()].map((tensor) => tensor.dims.reduce((a, b) => a * b, 1));
    expect(elements.reduce((sum, count) => sum + count)).toBe(358_073);
  });
});

test("ESPNet refuses fewer classes than an ESP block has branches", () => {
  expect(() => networks.espnet.build({ classes: 4 })).toThrow(/at least 5 classes/);
  expect(() => networks.espnet.build({ classes: 5 })).not.toThrow();
});

test("the fully connected layers of VGG have a width of their own", () => {
  const { graph } = fcn8s({ width: 1 / 4, fcWidth: 1 / 64 });
  expect(graph.initializers.get("conv5_3.weight")?.dims).toEqual([128, 128, 3, 3]);
  expect(graph.initializers.get("fc6.weight")?.dims).toEqual([64, 128, 7, 7]);
  expect(() => fcn8s({ fcWidth: -1 })).toThrow(ClockworkError);
});

test.each([
  ["bisenetv2", bisenetv2, ["aux2", "aux3", "aux4", "aux5"]],
  ["pspnet", pspnet, ["aux"]],
] as const)(
  "auxiliary heads of %s are further outputs, and change nothing in the logits",
  async (_name, build, names) => {
    const options = { batch: 2, classes: 5 } as const;
    const heads = build({ ...options, auxiliary: true });
    expect(heads.graph.outputs.map((output) => output.name)).toEqual(["logits", ...names]);
    const session = await ort.InferenceSession.create(bytesOf(heads), { intraOpNumThreads: 1 });
    try {
      const image = batchOf([pictureOf(odd), pictureOf(odd, 1)]);
      const outputs = await session.run({ image });
      for (const name of ["logits", ...names]) {
        expect(outputs[name]?.dims).toEqual([2, 5, odd.heightPx, odd.widthPx]);
        expect(rootMeanSquare(outputs[name]?.data as Float32Array)).toBeGreaterThan(0.1);
      }
      const alone = only(await runImages(build(options), [image]));
      expect(relativeDifference(alone.data, outputs["logits"]?.data as Float32Array)).toBeLessThan(1e-5);
    } finally {
      await session.release();
    }
  },
);
