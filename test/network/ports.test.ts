// Which tensor takes the image and which gives the result, for files as the common exporters write them; and what is
// no segmentation network, refused with its reason.

import { describe, expect, test } from "vitest";
import { ClockworkError } from "../../src/errors.ts";
import { imageDimsOf, networkOf, type Network, type NetworkOptions, type Size } from "../../src/network/index.ts";
import { GraphBuilder, modelOf, type Dim, type DType, type Model } from "../../src/onnx/index.ts";
import { localEngine } from "../support/runtime.ts";

const size = { widthPx: 96, heightPx: 64 };
const open: readonly Dim[] = [1, 3, "height", "width"];

interface Input {
  readonly dtype?: DType;
  readonly shape?: readonly Dim[] | undefined;
}

/** A network: its image as float32 [1, C, h, w] for `end` to make outputs from. */
function model(input: Input, end: (b: GraphBuilder, x: string) => void, opset = 17): Model {
  const b = new GraphBuilder("network");
  const dtype = input.dtype ?? "float32";
  const shape = "shape" in input ? input.shape : open;
  let x = b.input("image", dtype, shape);
  if (dtype !== "float32") x = b.add("float", "Cast", [x], { to: 1 });
  if (shape?.[3] === 3 || shape?.[3] === 1) x = b.add("nchw", "Transpose", [x], { perm: [0, 3, 1, 2] });
  end(b, x);
  return modelOf(b.build(), opset);
}

/** Class scores of `classes` channels at a stride. */
function scores(b: GraphBuilder, x: string, name: string, classes: number, stride = 1, channels = 3): string {
  const weights = Float32Array.from({ length: classes * channels * stride * stride }, (_, i) => Math.sin(i));
  return b.add(name, "Conv", [x, b.float32(`${name}/w`, [classes, channels, stride, stride], weights)], {
    strides: [stride, stride],
  });
}

function networkAt(source: Model, options: Partial<NetworkOptions> = {}): Promise<Network> {
  return networkOf(source, { size, engine: localEngine, ...options });
}

async function refusal(source: Model, options: Partial<NetworkOptions> = {}): Promise<string> {
  try {
    const { output } = await networkAt(source, options);
    return `was taken: ${output.kind} ${output.name}`;
  } catch (error) {
    if (error instanceof ClockworkError && (error.code === "unsupported-model" || error.code === "invalid-argument"))
      return error.message;
    throw error;
  }
}

const logits = (b: GraphBuilder, x: string): void => b.output(scores(b, x, "logits", 5), "float32", undefined);

describe("the image", () => {
  test.each<[string, Input, Partial<Network["input"]>, readonly number[]]>([
    [
      "open sizes",
      {},
      { layout: "nchw", channels: 3, widthPx: undefined, heightPx: undefined, dtype: "float32" },
      [1, 3, 64, 96],
    ],
    ["a named batch", { shape: ["N", 3, "h", "w"] }, { layout: "nchw" }, [1, 3, 64, 96]],
    [
      "a batch of no name and length",
      { shape: [undefined, 3, undefined, undefined] },
      { layout: "nchw" },
      [1, 3, 64, 96],
    ],
    [
      "lengths of -1 and 0, as older tools write them",
      { shape: [-1, 3, -1, 0] },
      { widthPx: undefined, heightPx: undefined },
      [1, 3, 64, 96],
    ],
    ["fixed sizes", { shape: [1, 3, 64, 96] }, { widthPx: 96, heightPx: 64 }, [1, 3, 64, 96]],
    ["one fixed size", { shape: [1, 3, "h", 96] }, { widthPx: 96, heightPx: undefined }, [1, 3, 64, 96]],
    ["channels last", { shape: [1, "h", "w", 3] }, { layout: "nhwc", channels: 3 }, [1, 64, 96, 3]],
    [
      "channels last, fixed",
      { shape: ["N", 64, 96, 3] },
      { layout: "nhwc", widthPx: 96, heightPx: 64 },
      [1, 64, 96, 3],
    ],
    ["bytes", { dtype: "uint8" }, { dtype: "uint8", layout: "nchw" }, [1, 3, 64, 96]],
    [
      "bytes, channels last",
      { dtype: "uint8", shape: [1, "h", "w", 3] },
      { dtype: "uint8", layout: "nhwc" },
      [1, 64, 96, 3],
    ],
    ["float16", { dtype: "float16" }, { dtype: "float16" }, [1, 3, 64, 96]],
    ["float64", { dtype: "float64" }, { dtype: "float64" }, [1, 3, 64, 96]],
  ])("%s", async (_name, input, expected, dims) => {
    const network = await networkAt(model(input, logits));
    expect(network.input).toMatchObject(expected);
    expect(imageDimsOf(network)).toEqual(dims);
    expect(network.shapeOf("image")).toEqual(dims);
    expect(network.dtypeOf("image")).toBe(input.dtype ?? "float32");
    expect(network.output).toMatchObject({ name: "logits", kind: "scores", classes: 5, dims: [1, 5, 64, 96] });
  });

  test.each<[string, readonly Dim[], string]>([
    ["grey, planes", [1, 1, "h", "w"], "nchw"],
    ["grey, channels last", [1, "h", "w", 1], "nhwc"],
  ])("%s", async (_name, shape, layout) => {
    const network = await networkAt(
      model({ shape }, (b, x) => b.output(scores(b, x, "logits", 5, 1, 1), "float32", undefined)),
    );
    expect(network.input).toMatchObject({ channels: 1, layout });
    expect(imageDimsOf(network)).toEqual(layout === "nchw" ? [1, 1, 64, 96] : [1, 64, 96, 1]);
  });

  test.each<[string, Input, RegExp]>([
    [
      "a batch of two",
      { shape: [2, 3, "h", "w"] },
      /expected one input, an image \[1,3,H,W\] or \[1,H,W,3\], got 1: image float32 \[2,3,h,w\]/,
    ],
    ["four channels", { shape: [1, 4, "h", "w"] }, /got 1: image float32 \[1,4,h,w\]/],
    ["no batch", { shape: [3, "h", "w"] }, /got 1: image float32 \[3,h,w\]/],
    ["no shape", { shape: undefined }, /got 1: image float32 \[any\]/],
    ["tokens", { dtype: "int64", shape: [1, 3, "h", "w"] }, /got 1: image int64/],
  ])("%s is refused", async (_name, input, message) => {
    expect(await refusal(model(input, logits))).toMatch(message);
  });

  test("other inputs besides it are refused", async () => {
    const two = model({}, (b, x) => {
      const memory = b.input("memory", "float32", [1, 16]);
      b.output(
        b.add("sum", "Add", [scores(b, x, "logits", 5), b.add("mean", "ReduceMean", [memory], { keepdims: 0 })]),
        "float32",
        undefined,
      );
    });
    expect(await refusal(two)).toMatch(
      /got 2: image float32 \[1,3,height,width\], memory float32 \[1,16\]; networks with memory/,
    );
    const none = new GraphBuilder("none");
    none.output(none.add("y", "Identity", [none.float32("c", [1], [1])]), "float32", [1]);
    expect(await refusal(modelOf(none.build()))).toMatch(/got 0: none/);
  });
});

describe("the result", () => {
  const argmax = (b: GraphBuilder, x: string, keepdims: 0 | 1, axis = 1): string =>
    b.add("argmax", "ArgMax", [scores(b, x, "scores", 7)], { axis, keepdims });

  test.each<[string, (b: GraphBuilder, x: string) => string, Partial<Network["output"]>]>([
    [
      "scores at stride 4",
      (b, x) => scores(b, x, "y", 5, 4),
      { kind: "scores", classes: 5, size: { widthPx: 24, heightPx: 16 } },
    ],
    [
      "scores at stride 8",
      (b, x) => scores(b, x, "y", 21, 8),
      { kind: "scores", classes: 21, size: { widthPx: 12, heightPx: 8 } },
    ],
    [
      "labels int64 [1,H,W]",
      (b, x) => argmax(b, x, 0),
      { kind: "labels", dtype: "int64", classes: 7, dims: [1, 64, 96] },
    ],
    ["labels int64 [1,1,H,W]", (b, x) => argmax(b, x, 1), { kind: "labels", classes: 7, dims: [1, 1, 64, 96] }],
    ["labels, the axis counted from the end", (b, x) => argmax(b, x, 0, -3), { kind: "labels", classes: 7 }],
    [
      "labels int32 [H,W]",
      (b, x) => b.add("y", "Cast", [b.add("flat", "Squeeze", [argmax(b, x, 0), b.int64("0", [1], [0])])], { to: 6 }),
      { kind: "labels", dtype: "int32", classes: 7, dims: [64, 96] },
    ],
    [
      "labels uint8 [1,H,W,1]",
      (b, x) => b.add("y", "Unsqueeze", [b.add("byte", "Cast", [argmax(b, x, 0)], { to: 2 }), b.int64("3", [1], [3])]),
      { kind: "labels", dtype: "uint8", dims: [1, 64, 96, 1], size },
    ],
    [
      "one channel of shares",
      (b, x) => b.add("y", "Sigmoid", [scores(b, x, "scores", 1)]),
      { kind: "foreground", classes: 2, size },
    ],
    [
      "shares [1,H,W]",
      (b, x) => b.add("y", "Squeeze", [b.add("share", "Sigmoid", [scores(b, x, "scores", 1)]), b.int64("1", [1], [1])]),
      { kind: "foreground", classes: 2, dims: [1, 64, 96] },
    ],
    // Networks that pad to a multiple of their stride, or lose a border.
    [
      "scores of a padded image",
      (b, x) => scores(b, b.add("padded", "Pad", [x, b.int64("by", [8], [0, 0, 0, 0, 0, 0, 8, 0])]), "y", 5),
      { kind: "scores", classes: 5, size: { widthPx: 96, heightPx: 72 } },
    ],
    [
      "scores without a border",
      (b, x) =>
        scores(
          b,
          b.add("cut", "Slice", [
            x,
            b.int64("from", [2], [6, 6]),
            b.int64("to", [2], [-6, -6]),
            b.int64("axes", [2], [2, 3]),
          ]),
          "y",
          5,
        ),
      { kind: "scores", layout: "nchw", size: { widthPx: 84, heightPx: 52 } },
    ],
    [
      "truth values",
      (b, x) => b.add("y", "Greater", [scores(b, x, "scores", 1), b.float32("0", [], [0])]),
      { kind: "labels", dtype: "bool" },
    ],
    [
      "scores with channels last behind an image with channels first",
      (b, x) => b.add("y", "Transpose", [scores(b, x, "scores", 5)], { perm: [0, 2, 3, 1] }),
      { kind: "scores", layout: "nhwc", classes: 5, size },
    ],
  ])("%s", async (_name, end, expected) => {
    const source = model({}, (b, x) => b.output(end(b, x), "float32", undefined));
    const outputs = source.graph.outputs.map(({ name }) => ({
      name,
      type: { kind: "other" as const, proto: undefined },
    }));
    const network = await networkAt({ ...source, graph: { ...source.graph, outputs } });
    expect(network.output).toMatchObject(expected);
  });

  test.each<[string, readonly Dim[], Size]>([
    ["open", [1, "h", "w", 3], size],
    // As many rows as classes: only the proportions tell.
    ["of five rows", [1, "h", "w", 3], { widthPx: 8, heightPx: 5 }],
  ])("scores with channels last behind such an image, %s", async (_name, shape, at) => {
    const source = model({ shape }, (b, x) =>
      b.output(b.add("y", "Transpose", [scores(b, x, "scores", 5)], { perm: [0, 2, 3, 1] }), "float32", undefined),
    );
    const { output } = await networkAt(source, { size: at });
    expect(output).toMatchObject({ kind: "scores", layout: "nhwc", classes: 5, size: at });
  });

  test("scores with channels first behind an image with channels last", async () => {
    const { output } = await networkAt(model({ shape: [1, "h", "w", 3] }, logits));
    expect(output).toMatchObject({ layout: "nchw", classes: 5, size });
  });

  describe("among several", () => {
    const several = (...names: readonly string[]): Model =>
      model({}, (b, x) => names.forEach((name, i) => b.output(scores(b, x, name, i + 2), "float32", undefined)));

    test.each([
      [["out", "aux"], "out"],
      [["aux", "out"], "out"],
      [["d0", "d1", "d2"], "d0"],
      [["1234", "logits"], "logits"],
      [["Mask", "x"], "Mask"],
    ])("%j: the main one is %s", async (names, expected) => {
      expect((await networkAt(several(...names))).output.name).toBe(expected);
    });

    test("the one that was asked for is taken, and another is refused with the list", async () => {
      expect((await networkAt(several("out", "aux"), { output: "aux" })).output).toMatchObject({
        name: "aux",
        classes: 3,
      });
      expect(await refusal(several("out", "aux"), { output: "no" })).toMatch(
        /expected one of out \[1,2,64,96\], aux \[1,3,64,96\], got "no"/,
      );
    });

    test("scores go before boxes and vectors", async () => {
      const source = model({}, (b, x) => {
        b.output(
          b.add("pooled", "ReduceMean", [scores(b, x, "vector", 8)], { axes: [2, 3], keepdims: 0 }),
          "float32",
          undefined,
        );
        b.output(b.add("boxes", "Reshape", [x, b.int64("to", [3], [1, -1, 6])]), "float32", undefined);
        b.output(scores(b, x, "map", 4), "float32", undefined);
      });
      expect((await networkAt(source)).output.name).toBe("map");
    });
  });

  test.each<[string, (b: GraphBuilder, x: string) => string, RegExp]>([
    [
      "class scores [1,1000]",
      (b, x) => b.add("y", "ReduceMean", [scores(b, x, "s", 1000, 8)], { axes: [2, 3], keepdims: 0 }),
      /got y \[1,1000\]; is this a segmentation network\?/,
    ],
    [
      "class scores [1,1000,1,1]",
      (b, x) => b.add("y", "GlobalAveragePool", [scores(b, x, "s", 1000, 8)]),
      /got y \[1,1000,1,1\]/,
    ],
    ["boxes [1,3072,6]", (b, x) => b.add("y", "Reshape", [x, b.int64("to", [3], [1, 3072, 6])]), /got y \[1,3072,6\]/],
    ["tokens [1,96,192]", (b, x) => b.add("y", "Reshape", [x, b.int64("to", [3], [1, 96, 192])]), /got y \[1,96,192\]/],
    ["a number", (b, x) => b.add("y", "ReduceMean", [x], { keepdims: 0 }), /got y \[\]/],
  ])("%s is refused", async (_name, end, message) => {
    expect(await refusal(model({}, (b, x) => b.output(end(b, x), "float32", undefined)))).toMatch(message);
  });

  test("weights do not decide: an initializer that is an input as well is no image", async () => {
    const source = model({}, logits);
    const inputs = [
      { name: "logits/w", type: { kind: "tensor" as const, dtype: "float32" as const, shape: [5, 3, 1, 1] } },
      ...source.graph.inputs,
    ];
    expect((await networkAt({ ...source, irVersion: 3, graph: { ...source.graph, inputs } })).input.name).toBe("image");
  });
});
