// Networks folded for one size against their source in ONNX Runtime: the same bits, and what depends on the size alone
// is gone. The node counts are those of the same architectures built with constant sizes.

import { describe, expect, test } from "vitest";
import type { EngineTensor } from "../../src/engine/engine.ts";
import { networkOf, type Network } from "../../src/network/index.ts";
import { networks, type NetworkName } from "../../src/networks/index.ts";
import {
  float,
  GraphBuilder,
  modelOf,
  nodeOf,
  ofBytes,
  readModel,
  tensorValue,
  writeModel,
  type AttributeInit,
  type Dim,
  type DType,
  type Model,
  type Node,
} from "../../src/onnx/index.ts";
import { noiseImage } from "../support/noise.ts";
import { digestOf, localEngine, runOnce } from "../support/runtime.ts";

const size = { widthPx: 96, heightPx: 64 };
const dims = [1, 3, 64, 96];
const open: readonly Dim[] = [1, 3, "height", "width"];
const image = noiseImage(dims, 2);

/** Adds a 3x3 convolution with made-up weights. */
function conv(b: GraphBuilder, name: string, x: string, from: number, to: number): string {
  const weights = Float32Array.from({ length: to * from * 9 }, (_, i) => Math.sin(i * 1.7 + to) / 3);
  return b.add(name, "Conv", [x, b.float32(`${name}/w`, [to, from, 3, 3], weights)], { pads: [1, 1, 1, 1] });
}

/** The network at `size`, which must give the bits of its source. */
async function folded(model: Model, feed: EngineTensor = image): Promise<Network> {
  const network = await networkOf(model, { size, engine: localEngine });
  const [source, result] = [
    await runOnce(model, { [network.input.name]: feed }),
    await runOnce(network.model, { [network.input.name]: feed }),
  ];
  expect(Object.keys(source).length).toBeGreaterThan(0);
  expect(Object.keys(result)).toEqual(Object.keys(source));
  for (const [name, tensor] of Object.entries(source)) expect(digestOf(result[name])).toEqual(digestOf(tensor));
  // The shapes that were found are those of the results.
  expect(network.shapeOf(network.output.name)).toEqual(source[network.output.name]?.dims);
  expect(network.dtypeOf(network.output.name)).toBe(source[network.output.name]?.dtype);
  return network;
}

const opsOf = (network: Network): string[] => network.model.graph.nodes.map(({ op }) => op);

test.each(["fcn8s", "ddrnet", "lraspp", "segformer", "deeplabv3plus"] as const satisfies readonly NetworkName[])(
  "%s with sizes computed in the graph folds to what it is with constant sizes",
  async (name) => {
    const { build } = networks[name];
    const network = await folded(build());
    const constant = await networkOf(build({ size: { heightPx: 64, widthPx: 96 } }), { size, engine: localEngine });
    const count = (ops: readonly string[]): Record<string, number> =>
      Object.fromEntries([...new Set(ops)].sort().map((op) => [op, ops.filter((other) => other === op).length]));
    expect(count(opsOf(network))).toEqual(count(opsOf(constant)));
    expect(network.totalMacs).toBe(constant.totalMacs);
    expect(network.parameters).toBe(constant.parameters);
  },
);

test("what is computed from the size alone becomes constants: ranges, fills, choices and grids", async () => {
  const b = new GraphBuilder("positions");
  const x = b.input("image", "float32", open);
  const h = b.add("h", "Gather", [b.add("shape", "Shape", [x]), b.int64("two", [], [2])]);
  const range = b.add("rows", "Range", [b.int64("zero", [], [0]), h, b.int64("one", [], [1])]);
  const column = b.add("column", "Unsqueeze", [b.add("real", "Cast", [range], { to: 1 }), b.int64("last", [1], [1])]);
  const length = b.add("length", "Unsqueeze", [h, b.int64("first", [1], [0])]);
  const filled = b.add("filled", "ConstantOfShape", [length], { value: ofBytes("float32", [1], Float32Array.of(5)) });
  const even = b.add("even", "Equal", [b.add("half", "Mod", [range, b.int64("by two", [], [2])]), "zero"]);
  const chosen = b.add("chosen", "Where", [even, filled, b.float32("other", [], [-1])]);
  const places = b.add("places", "NonZero", [b.add("as numbers", "Cast", [even], { to: 7 })]);
  const count = b.add(
    "count",
    "Cast",
    [b.add("sum", "Add", [b.add("size of", "Size", [places]), b.add("size of image", "Size", [x])])],
    { to: 1 },
  );
  const drawn = b.add("plus", "Add", [
    conv(b, "conv", x, 3, 4),
    b.add("grid", "Add", [column, b.add("chosen column", "Unsqueeze", [chosen, "last"])]),
  ]);
  const dropped = b.add(
    "dropped",
    "Dropout",
    [b.add("times", "Mul", [drawn, count])],
    {},
    { outputs: ["dropped", "mask"] },
  );
  b.output(b.add("logits", "Identity", [dropped]), "float32", [1, 4, "height", "width"]);
  const network = await folded(modelOf(b.build()));
  expect(opsOf(network)).toEqual(["Conv", "Add", "Mul", "Dropout", "Identity"]);
  expect(network.isData("conv")).toBe(true);
  expect(network.isData("grid")).toBe(false);
});

test("auxiliary heads stay beside the result", async () => {
  const b = new GraphBuilder("heads");
  const features = conv(b, "features", b.input("image", "float32", open), 3, 4);
  b.output(conv(b, "aux", features, 4, 8), "float32", undefined);
  b.output(conv(b, "out", features, 4, 2), "float32", undefined);
  const network = await folded(modelOf(b.build()));
  expect(network.output).toMatchObject({ name: "out", classes: 2 });
  expect(opsOf(network)).toEqual(["Conv", "Conv", "Conv"]);
});

test("large maps of the size alone, such as grids of positions, are left to the engine", async () => {
  const b = new GraphBuilder("grid");
  const x = b.input("image", "float32", open);
  const shape = b.add("shape", "Shape", [x]);
  const ones = b.add(
    "ones",
    "ConstantOfShape",
    [
      b.add(
        "to",
        "Concat",
        [b.add("hw", "Slice", [shape, b.int64("a", [1], [2]), b.int64("z", [1], [4])]), b.int64("4", [1], [4])],
        { axis: 0 },
      ),
    ],
    {
      value: ofBytes("float32", [1], Float32Array.of(0.5)),
    },
  );
  const grid = b.add("grid", "Transpose", [ones], { perm: [2, 0, 1] });
  b.output(b.add("logits", "Add", [conv(b, "conv", x, 3, 4), grid]), "float32", [1, 4, "height", "width"]);
  const network = await folded(modelOf(b.build()));
  // 4 x 64 x 96 floats are 96 KB.
  expect(opsOf(network).sort()).toEqual(["Add", "ConstantOfShape", "Conv", "Transpose"]);
  expect(network.model.graph.initializers.get("to")).toMatchObject({ dtype: "int64", dims: [3] });
});

test("constants in nodes keep their values, the largest int64 of a slice to the end included", async () => {
  const constant = (name: string, attribute: string, value: AttributeInit): Node =>
    nodeOf("Constant", [], [name], { [attribute]: value });
  const b = new GraphBuilder("constants");
  const x = b.input("image", "float32", open);
  b.append([
    constant("start", "value_ints", [1]),
    constant("end", "value_ints", { kind: "ints", value: [2n ** 63n - 1n] }),
    constant("axis", "value", ofBytes("int64", [1], BigInt64Array.of(1n))),
    constant("least", "value_int", { kind: "int", value: -(2n ** 63n) }),
    constant("factor", "value_float", float(0.1)),
    constant("offsets", "value_floats", { kind: "floats", value: [0.1, 0.2, 0.3] }),
  ]);
  const sliced = b.add("sliced", "Slice", [conv(b, "conv", x, 3, 4), "start", "end", "axis"]);
  const scaled = b.add("scaled", "Mul", [sliced, "factor"]);
  const moved = b.add("moved", "Add", [scaled, b.add("column", "Reshape", ["offsets", b.int64("to", [3], [3, 1, 1])])]);
  const never = b.add("never", "Cast", [b.add("less", "Less", ["least", b.int64("zero", [], [0])])], { to: 1 });
  b.output(b.add("logits", "Mul", [moved, never]), "float32", [1, 3, "height", "width"]);
  const network = await folded(modelOf(b.build()));
  expect(network.output.dims).toEqual([1, 3, 64, 96]);
  expect(opsOf(network)).not.toContain("Constant");
  expect(network.model.graph.initializers.get("end")?.data).toEqual(
    new Uint8Array(BigInt64Array.of(2n ** 63n - 1n).buffer),
  );
});

test("an If that reads from around it, and chooses by the size or by pixels, stays and computes the same", async () => {
  const branch = (name: string, op: string): Model["graph"] => {
    const b = new GraphBuilder(name);
    b.output(b.add(`${name}/y`, op, ["conv", "height or so"]), "float32", undefined);
    return b.build();
  };
  for (const by of ["size", "pixels"]) {
    const b = new GraphBuilder(by);
    const x = b.input("image", "float32", open);
    const h = b.add("h", "Gather", [b.add("shape", "Shape", [x]), b.int64("two", [], [2])]);
    b.add("height or so", "Cast", [h], { to: 1 });
    conv(b, "conv", x, 3, 4);
    const sum = b.add("sum", "ReduceMax", [x], { keepdims: 0 });
    const condition =
      by === "size"
        ? b.add("tall", "Greater", [h, b.int64("50", [], [50])])
        : b.add("bright", "Greater", [sum, b.float32("0.5", [], [0.5])]);
    b.add("chosen", "If", [condition], { then_branch: branch("then", "Add"), else_branch: branch("else", "Mul") });
    b.output(b.add("logits", "Identity", ["chosen"]), "float32", [1, 4, "height", "width"]);
    const network = await folded(modelOf(b.build()));
    expect(opsOf(network)).toEqual(
      by === "size" ? ["Conv", "If", "Identity"] : ["Conv", "ReduceMax", "Greater", "If", "Identity"],
    );
    expect(network.model.graph.initializers.has("height or so")).toBe(true);
  }
});

test("sequences have no shape and pass", async () => {
  const b = new GraphBuilder("sequences");
  const features = conv(b, "conv", b.input("image", "float32", open), 3, 4);
  b.add("parts", "SplitToSequence", [features, b.int64("two", [], [2])], { axis: 1 });
  b.add("same parts", "Identity", ["parts"]);
  const half = b.add("half", "SequenceAt", ["same parts", b.int64("one", [], [1])]);
  b.output(b.add("logits", "Relu", [half]), "float32", [1, 2, "height", "width"]);
  const network = await folded(modelOf(b.build()));
  expect(network.shapeOf("parts")).toBeUndefined();
  expect(network.shapeOf("half")).toEqual([1, 2, 64, 96]);
});

describe("files of other times and types", () => {
  test("operator set 11, with Resize as PyTorch wrote it then", async () => {
    const b = new GraphBuilder("opset 11");
    const x = b.input("image", "float32", ["N", 3, "height", "width"]);
    const small = b.add("small", "MaxPool", [conv(b, "conv", x, 3, 4)], { kernel_shape: [2, 2], strides: [2, 2] });
    const part = (index: number): string => {
      const at = b.add(`at ${index}`, "Gather", [
        b.add(`shape ${index}`, "Shape", [x]),
        b.int64(`${index}`, [], [index]),
      ]);
      return b.add(`length ${index}`, "Unsqueeze", [at], { axes: [0] });
    };
    const wanted = b.add("wanted", "Concat", [part(2), part(3)], { axis: 0 });
    const kept = b.add("kept", "Slice", [
      b.add("small shape", "Shape", [small]),
      b.int64("from", [1], [0]),
      b.int64("until", [1], [2]),
      b.int64("axes", [1], [0]),
    ]);
    const sizes = b.add("sizes", "Concat", [kept, b.add("wanted64", "Cast", [wanted], { to: 7 })], { axis: 0 });
    const empty = (name: string): string => {
      b.append([nodeOf("Constant", [], [name], { value: ofBytes("float32", [0], new Float32Array()) })]);
      return name;
    };
    const logits = b.add("logits", "Resize", [small, empty("roi"), empty("scales"), sizes], {
      mode: "linear",
      coordinate_transformation_mode: "pytorch_half_pixel",
      nearest_mode: "floor",
      cubic_coeff_a: float(-0.75),
    });
    b.output(logits, "float32", ["N", 4, "height", "width"]);
    const network = await folded(modelOf(b.build(), 11));
    expect(opsOf(network)).toEqual(["Conv", "MaxPool", "Resize"]);
  });

  test("operator set 9, with Upsample, and constants among the inputs as in IR version 3", async () => {
    const b = new GraphBuilder("opset 9");
    const x = b.input("image", "float32", open);
    const small = b.add("small", "AveragePool", [conv(b, "conv", x, 3, 4)], { kernel_shape: [4, 4], strides: [4, 4] });
    // Scales by the size: wanted / small.
    const real = (name: string, tensor: string): string =>
      b.add(`${name} real`, "Cast", [b.add(`${name} shape`, "Shape", [tensor])], { to: 1 });
    const scales = b.add("scales", "Div", [real("conv", "conv"), real("small", small)]);
    b.float32("unused", [1], [1]);
    b.output(b.add("logits", "Upsample", [small, scales], { mode: "linear" }), "float32", [1, 4, "height", "width"]);
    const graph = b.build();
    const inputs = [
      ...graph.inputs,
      ...[...graph.initializers].map(([name, { dtype, dims: shape }]) => tensorValue(name, dtype, shape)),
    ];
    const model: Model = { ...modelOf({ ...graph, inputs }, 9), irVersion: 3 };
    const network = await folded(model);
    expect(opsOf(network)).toEqual(["Conv", "AveragePool", "Upsample"]);
    expect(network.model.graph.inputs.map(({ name }) => name)).toEqual(["image"]);
  });

  test.each(["inside", "outside"])("float16 with its casts %s", async (place) => {
    const b = new GraphBuilder("half");
    const dtype: DType = place === "inside" ? "float32" : "float16";
    const x = b.input("image", dtype, open);
    const half = place === "inside" ? b.add("to half", "Cast", [x], { to: 10 }) : x;
    const weight = b.initializer(
      "w",
      ofBytes(
        "float16",
        [4, 3, 1, 1],
        Uint16Array.from({ length: 12 }, (_, i) => 0x3800 + 37 * i),
      ),
    );
    const features = b.add("features", "Conv", [half, weight]);
    const out =
      place === "inside" ? b.add("logits", "Cast", [features], { to: 1 }) : b.add("logits", "Relu", [features]);
    b.output(out, dtype, [1, 4, "height", "width"]);
    const feed: EngineTensor =
      place === "inside"
        ? image
        : { dtype, dims, data: Uint16Array.from({ length: 3 * 64 * 96 }, (_, i) => 0x3000 + (i % 3000)) };
    const network = await folded(modelOf(b.build()), feed);
    expect(network.dtypeOf("features")).toBe("float16");
    expect(network.bytesOf("features")).toBe(4 * 64 * 96 * 2);
    expect(network.bytesOf("w")).toBe(24);
  });

  test("weights quantised to int8 stay int8", async () => {
    const b = new GraphBuilder("quantised");
    const x = b.input("image", "float32", open);
    const scale = b.float32("scale", [], [0.02]);
    const zero = b.initializer("zero", ofBytes("int8", [], Int8Array.of(0)));
    const quantised = (name: string, tensor: string): string =>
      b.add(`${name} dq`, "DequantizeLinear", [
        b.add(`${name} q`, "QuantizeLinear", [tensor, scale, zero]),
        scale,
        zero,
      ]);
    b.initializer(
      "w",
      ofBytes(
        "int8",
        [4, 3, 3, 3],
        Int8Array.from({ length: 108 }, (_, i) => (i * 7) % 120),
      ),
    );
    const scales = b.float32("w scales", [4], [0.01, 0.02, 0.03, 0.04]);
    const zeros = b.initializer("w zeros", ofBytes("int8", [4], new Int8Array(4)));
    const weight = b.add("w dq", "DequantizeLinear", ["w", scales, zeros], { axis: 0 });
    const features = b.add("features", "Conv", [quantised("image", x), weight], { pads: [1, 1, 1, 1] });
    b.output(quantised("logits", features), "float32", [1, 4, "height", "width"]);
    const network = await folded(modelOf(b.build()));
    expect(opsOf(network).filter((op) => op === "DequantizeLinear")).toHaveLength(3);
    expect(network.model.graph.initializers.get("w")).toMatchObject({ dtype: "int8", dims: [4, 3, 3, 3] });
    expect(network.model.graph.initializers.has("w dq")).toBe(false);
    expect(network.totalMacs).toBe(64 * 96 * 108);
  });

  test("types that JavaScript has no arrays for are counted in bytes", async () => {
    const b = new GraphBuilder("small types");
    const x = b.input("image", "float32", open);
    b.initializer("w", ofBytes("bfloat16", [4], Uint16Array.of(0x3f80, 0x4000, 0x4040, 0x4080)));
    const weight = b.add("w32", "Reshape", [b.add("cast", "Cast", ["w"], { to: 1 }), b.int64("to", [4], [1, 4, 1, 1])]);
    b.output(b.add("logits", "Mul", [conv(b, "conv", x, 3, 4), weight]), "float32", [1, 4, "height", "width"]);
    const network = await folded(modelOf(b.build()));
    expect(network.bytesOf("w")).toBe(8);
    expect(network.bytesOf("logits")).toBe(4 * 4 * 64 * 96);
  });

  test("a written network is read again as it was", async () => {
    const network = await networkOf(networks.fcn8s.build(), { size, engine: localEngine });
    const again = await networkOf(readModel(writeModel(network.model).bytes), { size, engine: localEngine });
    expect(again.model.graph.nodes.map(({ name }) => name)).toEqual(network.model.graph.nodes.map(({ name }) => name));
    expect(again.totalMacs).toBe(network.totalMacs);
  });
});
