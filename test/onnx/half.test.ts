// Weights stored as float16: rounded as ONNX Runtime rounds, half as large on disk, and a plain float32 network for all that
// reads it.

import { beforeAll, describe, expect, test } from "vitest";
import { networkOf } from "../../src/network/index.ts";
import { street } from "../../src/networks/street.ts";
import {
  float32Tensor,
  GraphBuilder,
  halved,
  modelOf,
  numbersOf,
  ofBytes,
  readModel,
  tensorValue,
  widened,
  writeModel,
  type Model,
  type Tensor,
} from "../../src/onnx/index.ts";
import { planOf, planToFile } from "../../src/stages/index.ts";
import { readWeights } from "../../src/weights/index.ts";
import { plain } from "../support/plain.ts";
import { localEngine, runOnce } from "../support/runtime.ts";
import { firings, movingFrames, resultsOf, smallSegmenter } from "../support/segmenting.ts";

const codes = { float16: 10, float32: 1 } as const;

/** A tensor through float16 and back, by the engine's own `Cast`. */
async function roundedThere(tensor: Tensor): Promise<Tensor> {
  const b = new GraphBuilder("round");
  const x = b.input("x", "float32", tensor.dims);
  const half = b.add("half", "Cast", [x], { to: codes.float16 });
  b.output(b.add("y", "Cast", [half], { to: codes.float32 }), "float32", tensor.dims);
  const data = Float32Array.from(numbersOf(tensor) ?? []);
  const { y } = await runOnce(modelOf(b.build()), { x: { dtype: "float32", dims: tensor.dims, data } });
  return float32Tensor(tensor.dims, Float32Array.from(y?.data as Float32Array));
}

const network = street({ width: 1 / 4, classes: 5, seed: 4 });
const file = writeModel(halved(network).model).bytes;
/** The same network with each large weight rounded by the engine. */
let rounded: Model;
beforeAll(async () => {
  const initializers = new Map<string, Tensor>();
  for (const [name, tensor] of network.graph.initializers) {
    const isLarge = tensor.dtype === "float32" && tensor.dims.length > 1 && (numbersOf(tensor)?.length ?? 0) >= 256;
    initializers.set(name, isLarge ? await roundedThere(tensor) : tensor);
  }
  rounded = { ...network, graph: { ...network.graph, initializers } };
});

describe("a network with float16 weights", () => {
  test("has, under their old names, the weights that the engine rounds to", () => {
    const { halved: names } = halved(network);
    expect(names.length).toBeGreaterThan(10);
    const back = widened(readModel(file)).graph;
    expect(back.nodes.length).toBe(network.graph.nodes.length);
    expect([...back.initializers.keys()]).toEqual([...rounded.graph.initializers.keys()]);
    for (const [name, tensor] of rounded.graph.initializers) {
      expect([name, plain(back.initializers.get(name))]).toEqual([name, plain(tensor)]);
    }
    const changed = names.filter(
      (name) =>
        JSON.stringify(plain(network.graph.initializers.get(name))) !==
        JSON.stringify(plain(back.initializers.get(name))),
    );
    expect(changed).toEqual(names);
  });

  test("is about half as large", () => {
    const share = file.length / writeModel(network).bytes.length;
    expect(share).toBeGreaterThan(0.5);
    expect(share).toBeLessThan(0.65);
  });

  test("runs in the engine as the rounded one does, to the bit", async () => {
    const dims = [1, 3, 32, 48];
    const data = Float32Array.from({ length: 3 * 32 * 48 }, (_, at) => Math.sin(at * 0.7));
    const feed = { image: { dtype: "float32", dims, data } } as const;
    const [there, here] = [await runOnce(rounded, feed), await runOnce(readModel(file), feed)];
    expect(here["logits"]?.dims).toEqual([1, 5, 32, 48]);
    expect(here["logits"]?.data).toEqual(there["logits"]?.data);
  });

  test("is cut, and costs, as a float32 network", async () => {
    const size = { widthPx: 96, heightPx: 64 };
    const [half, whole] = [
      await networkOf(readModel(file), { size, engine: localEngine }),
      await networkOf(rounded, { size, engine: localEngine }),
    ];
    expect([half.totalMacs, half.parameters]).toEqual([whole.totalMacs, whole.parameters]);
    expect(half.index.nodes.map(({ name }) => name)).toEqual(whole.index.nodes.map(({ name }) => name));
    expect(half.index.nodes.filter(({ op }) => op === "Cast")).toEqual([]);
    expect(planToFile(planOf(half), half)).toEqual(planToFile(planOf(whole), whole));
  });

  test.each(["fixed:3", "fixed:3+flow"])("labels as the rounded one does on %s", async (clock) => {
    await using half = smallSegmenter(clock, { model: readModel(file) });
    await using whole = smallSegmenter(clock, { model: rounded });
    const [here, there] = [
      await resultsOf(half.segment(movingFrames(5))),
      await resultsOf(whole.segment(movingFrames(5))),
    ];
    expect(firings(here)).toEqual(["##", "#.", "#.", "##", "#."]);
    expect(here.map(({ labels }) => labels)).toEqual(there.map(({ labels }) => labels));
    expect(new Set(here[0]?.labels.data).size).toBeGreaterThan(1);
  });

  test("as a file of weights gives float32 under the old names", () => {
    const { weights } = readWeights(file);
    expect([...weights.keys()].sort()).toEqual([...network.graph.initializers.keys()].sort());
    expect([...weights.values()].filter(({ dtype }) => dtype === "float16")).toEqual([]);
  });
});

/** `y = image * w + v`. */
function scaling(w: Tensor, v: Tensor): Model {
  const b = new GraphBuilder("scale");
  const x = b.input("image", "float32", [1, 1, 16, 16]);
  const scaled = b.add("scaled", "Mul", [x, b.initializer("w", w)]);
  b.output(b.add("y", "Add", [scaled, b.initializer("v", v)]), "float32", [1, 1, 16, 16]);
  return modelOf(b.build());
}

const plane = (value: number): Tensor => float32Tensor([1, 1, 16, 16], new Float32Array(256).fill(value));

test("numbers that float16 does not have stay float32; small and flat tensors, too", () => {
  const { model, halved: names, tooLarge } = halved(scaling(plane(65520), plane(1 / 3)));
  expect([names, tooLarge]).toEqual([["v"], ["w"]]);
  expect(numbersOf(widened(model).graph.initializers.get("w") ?? plane(0))?.[0]).toBe(65520);
  expect(numbersOf(widened(model).graph.initializers.get("v") ?? plane(0))?.[0]).toBe(0.333251953125);
  const small = scaling(float32Tensor([1, 1, 1, 16], new Float32Array(16)), float32Tensor([16], new Float32Array(16)));
  expect(halved(small)).toEqual({ model: small, halved: [], tooLarge: [] });
  expect(widened(small)).toBe(small);
  const infinite = halved(scaling(plane(-Infinity), plane(Number.NaN)));
  expect(infinite.tooLarge).toEqual([]);
});

test("constants that are listed among the inputs, as IR version 3 has them, and names that are taken", () => {
  const model = scaling(plane(0.1), plane(0.2));
  const { graph } = model;
  const listed: Model = {
    ...model,
    irVersion: 3,
    graph: {
      ...graph,
      inputs: [
        ...graph.inputs,
        tensorValue("w", "float32", [1, 1, 16, 16]),
        tensorValue("v", "float32", [1, 1, 16, 16]),
      ],
      initializers: new Map([...graph.initializers, ["w/float16", float32Tensor([1], [1])]]),
    },
  };
  const half = readModel(writeModel(halved(listed).model).bytes).graph;
  expect(half.inputs.map(({ name, type }) => [name, type.kind === "tensor" && type.dtype])).toEqual([
    ["image", "float32"],
    ["w/float162", "float16"],
    ["v/float16", "float16"],
  ]);
  const back = widened({ ...model, graph: half }).graph;
  expect(back.inputs.map(({ name }) => name)).toEqual(["image"]);
  expect([...back.initializers.keys()].sort()).toEqual(["v", "w", "w/float16"]);
});

test("what is used as float16, too, stays", () => {
  const b = new GraphBuilder("mixed");
  const x = b.input("image", "float16", [1, 2]);
  const w = b.initializer("w", ofBytes("float16", [2], Uint16Array.of(0x3c00, 0xb800)));
  b.output(b.add("wide", "Cast", [w], { to: codes.float32 }), "float32", [2]);
  b.output(b.add("y", "Mul", [x, w]), "float16", [1, 2]);
  const { nodes, initializers } = widened(modelOf(b.build())).graph;
  expect(nodes.map(({ op }) => op)).toEqual(["Mul"]);
  expect([...initializers.keys()]).toEqual(["w", "wide"]);
  expect(numbersOf(initializers.get("wide") ?? plane(0))).toEqual([1, -0.5]);
});
