// Frames in and labels out (`io: "frames"`): what a compiled network does to a picture before the network and to its
// result after it, against the same steps written here in plain loops over the definitions: channel order, block means,
// bilinear resizing with half-pixel centres, `(scale * value - mean) / std`, the largest score, nearest neighbour. The
// network in between is run alone, on the image of the reference.

import { describe, expect, test } from "vitest";
import { compile } from "../../src/compile/compile.ts";
import type { EngineTensor } from "../../src/engine/engine.ts";
import type { Frame } from "../../src/frame.ts";
import { fitNetwork, sizeText, type Size } from "../../src/network/index.ts";
import { Random } from "../../src/networks/random.ts";
import { GraphBuilder, modelOf, writeModel, type Model } from "../../src/onnx/index.ts";
import { defaultPreprocessing, type Preprocessing } from "../../src/preprocessing.ts";
import { planOf } from "../../src/stages/plan.ts";
import { localEngine } from "../support/runtime.ts";
import { staticNoise } from "../support/pictures.ts";
import { drive, named } from "../support/reference.ts";
import { withOutputs } from "../support/sessions.ts";

const castTo = { float32: 1, uint8: 2, int64: 7, bool: 9, float16: 10, float64: 11 } as const;

/** What comes in. */
interface Face {
  readonly layout: "nchw" | "nhwc";
  readonly channels: 1 | 3;
  readonly dtype: "float32" | "float16" | "float64" | "uint8";
}

/** What comes out. */
interface Result {
  readonly kind: "scores" | "foreground-logits" | "foreground-shares" | "labels";
  readonly classes?: number;
  /** Pixels of the image to one of the result, along each axis. */
  readonly stride?: number;
  /** Axes of foreground and labels: [1,1,h,w], [1,h,w] or [h,w]; of scores always 4. */
  readonly rank?: 2 | 3 | 4;
  readonly layout?: "nchw" | "nhwc";
  readonly dtype?: "float32" | "float16" | "int64" | "uint8" | "bool";
}

const usualFace: Face = { layout: "nchw", channels: 3, dtype: "float32" };

/** One 3x3 convolution with weights of no symmetry, between an input and an output of any form. */
function tinyNetwork(face: Partial<Face>, result: Result, opset = 17): Model {
  const { layout, channels, dtype } = { ...usualFace, ...face };
  const { kind, stride = 1, rank = 4, dtype: outType = kind === "labels" ? "int64" : "float32" } = result;
  const classes = kind.startsWith("foreground") ? 1 : (result.classes ?? 6);
  const random = new Random(7, "tiny");
  const b = new GraphBuilder("tiny");
  const free = (...axes: string[]): (string | number)[] =>
    layout === "nchw" ? [1, channels, ...axes] : [1, ...axes, channels];
  let map = b.input("image", dtype, free("height", "width"));
  if (dtype !== "float32") map = b.add("floats", "Cast", [map], { to: castTo.float32 });
  if (layout === "nhwc") map = b.add("planes", "Transpose", [map], { perm: [0, 3, 1, 2] });
  const weights = Array.from({ length: classes * channels * 9 }, () => random.next() - 0.5);
  const bias = Array.from({ length: classes }, () => 0.2 * (random.next() - 0.5));
  const weight = b.float32("weight", [classes, channels, 3, 3], weights);
  map = b.add("conv", "Conv", [map, weight, b.float32("bias", [classes], bias)], {
    kernel_shape: [3, 3],
    pads: [1, 1, 1, 1],
    strides: [stride, stride],
  });
  // Bytes are not shifted to both sides of zero: the network does it, or the foreground is everywhere.
  if (kind.startsWith("foreground")) {
    const mean = b.add("mean", "ReduceMean", [map], { keepdims: 1 });
    map = b.add("centred", "Sub", [map, mean]);
  }
  if (kind === "foreground-shares") map = b.add("shares", "Sigmoid", [map]);
  if (kind === "labels") map = b.add("largest", "ArgMax", [map], { axis: 1, keepdims: 1 });
  if (result.layout === "nhwc") map = b.add("last", "Transpose", [map], { perm: [0, 2, 3, 1] });
  if (rank < 4) {
    const axes = rank === 3 ? [1] : [0, 1];
    const inputs = opset >= 13 ? [map, b.int64("squeezed/axes", [axes.length], axes)] : [map];
    map = b.add("squeezed", "Squeeze", inputs, opset >= 13 ? {} : { axes });
  }
  if (kind === "labels" ? outType !== "int64" : outType !== "float32") {
    map = b.add("typed", "Cast", [map], { to: castTo[outType] });
  }
  b.output(b.add("result", "Identity", [map]), outType, undefined);
  return modelOf(b.build(), opset);
}

/** A picture as planes of numbers. */
interface Planes {
  readonly size: Size;
  readonly planes: readonly Float64Array[];
}

function planesOf(frame: Frame, channels: 1 | 3, order: "rgb" | "bgr"): Planes {
  const count = frame.widthPx * frame.heightPx;
  const plane = (value: (red: number, green: number, blue: number) => number): Float64Array =>
    Float64Array.from({ length: count }, (_, at) =>
      value(frame.data[3 * at] ?? 0, frame.data[3 * at + 1] ?? 0, frame.data[3 * at + 2] ?? 0),
    );
  const [red, green, blue] = [plane((r) => r), plane((_, g) => g), plane((_r, _g, b) => b)];
  const planes =
    channels === 1
      ? [plane((r, g, b) => 0.299 * r + 0.587 * g + 0.114 * b)]
      : order === "rgb"
        ? [red, green, blue]
        : [blue, green, red];
  return { size: frame, planes };
}

/** Means over whole blocks of pixels; what is left over at the right and at the bottom is dropped. */
function blockMeans({ size, planes }: Planes, to: Size): Planes {
  const across = Math.max(1, Math.floor(size.widthPx / to.widthPx));
  const down = Math.max(1, Math.floor(size.heightPx / to.heightPx));
  const small = { widthPx: Math.floor(size.widthPx / across), heightPx: Math.floor(size.heightPx / down) };
  const mean = (plane: Float64Array, x: number, y: number): number => {
    let sum = 0;
    for (let j = 0; j < down; j++) {
      for (let i = 0; i < across; i++) sum += plane[(y * down + j) * size.widthPx + x * across + i] ?? 0;
    }
    return sum / (across * down);
  };
  return { size: small, planes: planes.map((plane) => mapped(small, (x, y) => mean(plane, x, y))) };
}

/** Bilinear: the value at the centre of each new pixel, between the centres of the four around it. */
function bilinear({ size, planes }: Planes, to: Size): Planes {
  const axis = (at: number, from: number, length: number): { low: number; high: number; share: number } => {
    const centre = Math.min(Math.max(((at + 0.5) * from) / length - 0.5, 0), from - 1);
    const low = Math.floor(centre);
    return { low, high: Math.min(low + 1, from - 1), share: centre - low };
  };
  const at = (plane: Float64Array, x: number, y: number): number => plane[y * size.widthPx + x] ?? Number.NaN;
  const value = (plane: Float64Array, x: number, y: number): number => {
    const [h, v] = [axis(x, size.widthPx, to.widthPx), axis(y, size.heightPx, to.heightPx)];
    const row = (line: number): number => at(plane, h.low, line) * (1 - h.share) + at(plane, h.high, line) * h.share;
    return row(v.low) * (1 - v.share) + row(v.high) * v.share;
  };
  return { size: to, planes: planes.map((plane) => mapped(to, (x, y) => value(plane, x, y))) };
}

function mapped({ widthPx, heightPx }: Size, value: (x: number, y: number) => number): Float64Array {
  return Float64Array.from({ length: widthPx * heightPx }, (_, at) => value(at % widthPx, Math.floor(at / widthPx)));
}

/** The image that the network should see, as planes. */
function seen(frame: Frame, face: Face, preprocessing: Preprocessing, to: Size): Planes {
  const planes = planesOf(frame, face.channels, preprocessing.channelOrder);
  const same = sizeText(frame) === sizeText(to);
  const fitted = same ? planes : bilinear(blockMeans(planes, to), to);
  if (face.dtype === "uint8") return { ...fitted, planes: fitted.planes.map((plane) => plane.map(Math.round)) };
  const { scale, mean, std } = preprocessing;
  return {
    ...fitted,
    planes: fitted.planes.map((plane, c) => plane.map((value) => (scale * value - (mean[c] ?? 0)) / (std[c] ?? 1))),
  };
}

/** Planes as the tensor of an input. */
function tensorFor({ size, planes }: Planes, face: Face): EngineTensor {
  const { widthPx, heightPx } = size;
  const count = widthPx * heightPx;
  const values = Float64Array.from({ length: count * planes.length }, (_, at) =>
    face.layout === "nchw"
      ? (planes[Math.floor(at / count)]?.[at % count] ?? 0)
      : (planes[at % planes.length]?.[Math.floor(at / planes.length)] ?? 0),
  );
  const dims = face.layout === "nchw" ? [1, planes.length, heightPx, widthPx] : [1, heightPx, widthPx, planes.length];
  const data =
    face.dtype === "uint8"
      ? Uint8Array.from(values)
      : face.dtype === "float64"
        ? values
        : face.dtype === "float16"
          ? Uint16Array.from(values, halfBits)
          : Float32Array.from(values);
  return { dtype: face.dtype, dims, data };
}

/** The bits of the nearest half-precision number, for values of ordinary size. */
function halfBits(value: number): number {
  const magnitude = Math.abs(value);
  const sign = value < 0 ? 0x8000 : 0;
  if (magnitude < 2 ** -14) return sign + Math.round(magnitude * 2 ** 24);
  const exponent = Math.floor(Math.log2(magnitude));
  return sign + (exponent + 14) * 1024 + Math.round(magnitude * 2 ** (10 - exponent));
}

/** Half-precision bits as a number. */
function half(bits: number): number {
  const exponent = (bits >> 10) & 31;
  const mantissa = bits & 1023;
  const magnitude = exponent === 0 ? mantissa * 2 ** -24 : (1024 + mantissa) * 2 ** (exponent - 25);
  return bits >= 0x8000 ? -magnitude : magnitude;
}

function numbersIn({ dtype, data }: EngineTensor): Float64Array {
  return Float64Array.from(Array.from<number | bigint>(data), (value) =>
    dtype === "float16" ? half(Number(value)) : Number(value),
  );
}

/** Index of the largest value at each position; the first of equal ones. */
function largest({ size, planes }: Planes): Float64Array {
  return mapped(size, (x, y) => {
    const at = y * size.widthPx + x;
    let best = 0;
    for (let c = 1; c < planes.length; c++) if ((planes[c]?.[at] ?? 0) > (planes[best]?.[at] ?? 0)) best = c;
    return best;
  });
}

/** Each new pixel takes the old one whose area has its centre, the upper or left one on a border. */
function nearest(labels: Float64Array, from: Size, to: Size): Float64Array {
  const axis = (at: number, length: number, target: number): number =>
    Math.max(0, Math.ceil(((at + 0.5) * length) / target - 1));
  return mapped(
    to,
    (x, y) =>
      labels[axis(y, from.heightPx, to.heightPx) * from.widthPx + axis(x, from.widthPx, to.widthPx)] ?? Number.NaN,
  );
}

interface Ran {
  /** What the network was fed inside the compiled graph. */
  readonly image: EngineTensor;
  readonly labels: EngineTensor;
  /** Size at which the network ran. */
  readonly size: Size;
}

/** Runs a network compiled for frames on one of them. */
async function segmented(model: Model, frame: Frame, preprocessing: Preprocessing, size: Size): Promise<Ran> {
  const network = await fitNetwork(model, { size, engine: localEngine });
  const plan = planOf(network, { stages: 1 });
  const compiled = compile(network, plan, { io: "frames", schedule: { kind: "every" }, preprocessing, frame });
  const image: EngineTensor = { dtype: "uint8", dims: [frame.heightPx, frame.widthPx, 3], data: frame.data };
  const [run = {}] = await drive({ ...compiled, model: withOutputs(compiled.model, [network.input.name]) }, [image]);
  return { image: named(run, network.input.name), labels: named(run, "labels"), size: network.size };
}

/** Runs the source network alone. */
async function alone(model: Model, image: EngineTensor): Promise<EngineTensor> {
  await using session = await localEngine.open(writeModel(model).bytes, { optimize: "none", threads: 1 });
  return named((await session.run({ image })).outputs, "result");
}

/** Scores of an output as planes. */
function scoresOf(tensor: EngineTensor, layout: "nchw" | "nhwc"): Planes {
  const [, a = 1, b = 1, c = 1] = tensor.dims;
  const [classes, heightPx, widthPx] = layout === "nchw" ? [a, b, c] : [c, a, b];
  const values = numbersIn(tensor);
  const count = heightPx * widthPx;
  return {
    size: { widthPx, heightPx },
    planes: Array.from({ length: classes }, (_, k) =>
      Float64Array.from({ length: count }, (_v, at) =>
        layout === "nchw" ? (values[k * count + at] ?? 0) : (values[at * classes + k] ?? 0),
      ),
    ),
  };
}

/** Number of positions at which two maps differ. */
function mismatches(labels: EngineTensor, expected: Float64Array): number {
  expect(labels.data.length).toBe(expected.length);
  return expected.reduce((count, label, at) => count + (Number(labels.data[at]) === label ? 0 : 1), 0);
}

/** Largest difference between the image in the graph and the reference's. */
function imageError(image: EngineTensor, expected: EngineTensor): number {
  expect([image.dtype, ...image.dims]).toEqual([expected.dtype, ...expected.dims]);
  const [a, b] = [numbersIn(image), numbersIn(expected)];
  return a.reduce((most, value, at) => Math.max(most, Math.abs(value - (b[at] ?? Number.NaN))), 0);
}

const plain = defaultPreprocessing();
const odd: Preprocessing = {
  channelOrder: "bgr",
  scale: 1 / 127.5,
  mean: [1.1, 0.4, 0.7],
  std: [0.5, 2, 0.25],
  size: { kind: "native" },
};
const size = (widthPx: number, heightPx: number): Size => ({ widthPx, heightPx });
const scores: Result = { kind: "scores" };

describe("a frame of the network's own size", () => {
  test.each<readonly [string, Partial<Face>, Preprocessing, Size]>([
    ["RGB, means of ImageNet", {}, plain, size(48, 32)],
    ["BGR, other means, deviations and scale", {}, odd, size(48, 32)],
    ["RGB, other means, deviations and scale", {}, { ...odd, channelOrder: "rgb" }, size(32, 48)],
    ["channels last", { layout: "nhwc" }, odd, size(33, 21)],
    ["grey", { channels: 1 }, plain, size(31, 47)],
    ["grey, BGR, channels last", { channels: 1, layout: "nhwc" }, odd, size(47, 31)],
    ["bytes", { dtype: "uint8" }, plain, size(29, 50)],
    ["bytes, BGR, channels last", { dtype: "uint8", layout: "nhwc" }, odd, size(50, 29)],
    ["grey bytes", { dtype: "uint8", channels: 1 }, plain, size(50, 29)],
    ["half precision", { dtype: "float16" }, plain, size(24, 40)],
    ["double precision", { dtype: "float64" }, odd, size(40, 24)],
  ])("%s: image and labels are those of the reference", async (_name, partial, preprocessing, at) => {
    const face = { ...usualFace, ...partial };
    const model = tinyNetwork(face, scores);
    const frame = staticNoise(at, 3);
    const expected = tensorFor(seen(frame, face, preprocessing, at), face);
    const { image, labels } = await segmented(model, frame, preprocessing, at);
    // Half precision has 11 bits: a rounding apart is 2^-10 of the value.
    expect(imageError(image, expected)).toBeLessThan(
      { float32: 1e-5, float64: 1e-5, float16: 4e-3, uint8: 1e-9 }[face.dtype],
    );
    const own = largest(scoresOf(await alone(model, face.dtype === "float16" ? image : expected), "nchw"));
    expect(labels.dtype).toBe("uint8");
    expect(labels.dims).toEqual([at.heightPx, at.widthPx]);
    expect(mismatches(labels, own)).toBe(0);
    expect(new Set(own).size).toBeGreaterThan(2);
  });

  test("the picture tells channels and directions apart", async () => {
    const frame = staticNoise(size(48, 32), 3);
    const model = tinyNetwork({}, scores);
    const { labels } = await segmented(model, frame, plain, frame);
    for (const wrong of [
      { ...frame, data: Uint8Array.from(frame.data, (_, at) => frame.data[at - (at % 3) + 2 - (at % 3)] ?? 0) },
      { ...frame, data: frame.data.toReversed() },
    ]) {
      const image = tensorFor(seen(wrong, usualFace, plain, frame), usualFace);
      const map = largest(scoresOf(await alone(model, image), "nchw"));
      expect(mismatches(labels, map)).toBeGreaterThan(frame.data.length / 3 / 2);
    }
  });
});

describe("a frame of another size", () => {
  test.each<readonly [string, Size, Size, Partial<Face>, Preprocessing, number]>([
    ["2.5 times as large", size(160, 120), size(64, 48), {}, plain, 17],
    ["2.5 times as large, portrait, BGR", size(120, 160), size(48, 64), {}, odd, 17],
    ["5 times as large", size(160, 120), size(32, 24), {}, plain, 17],
    ["larger by odd factors", size(161, 121), size(47, 35), {}, plain, 17],
    ["a little larger", size(70, 50), size(64, 48), {}, plain, 17],
    ["smaller", size(37, 29), size(96, 72), {}, plain, 17],
    ["wider and lower", size(160, 30), size(40, 60), {}, plain, 17],
    ["2.5 times as large, channels last", size(160, 120), size(64, 48), { layout: "nhwc" }, odd, 17],
    ["2.5 times as large, grey", size(160, 120), size(64, 48), { channels: 1 }, plain, 17],
    ["2.5 times as large, operator set 11", size(160, 120), size(64, 48), {}, plain, 11],
  ])(
    "%s: the image within 1e-3, labels back at the frame's size",
    async (_name, at, to, partial, preprocessing, opset) => {
      const face = { ...usualFace, ...partial };
      const model = tinyNetwork(face, scores, opset);
      const frame = staticNoise(at, 5);
      const { image, labels, size: ran } = await segmented(model, frame, preprocessing, to);
      expect(sizeText(ran)).toBe(sizeText(to));
      expect(imageError(image, tensorFor(seen(frame, face, preprocessing, to), face))).toBeLessThan(1e-3);
      const own = largest(scoresOf(await alone(model, image), "nchw"));
      expect(labels.dims).toEqual([at.heightPx, at.widthPx]);
      expect(mismatches(labels, nearest(own, to, at))).toBe(0);
    },
  );

  test("bytes are rounded, not cut off", async () => {
    const face: Face = { ...usualFace, dtype: "uint8" };
    const frame = staticNoise(size(160, 120), 5);
    const { image } = await segmented(tinyNetwork(face, scores), frame, plain, size(64, 48));
    const exact = bilinear(blockMeans(planesOf(frame, 3, "rgb"), size(64, 48)), size(64, 48)).planes.flatMap(
      (plane) => [...plane],
    );
    const errors = exact.map((value, at) => Number(image.data[at]) - value);
    expect(Math.max(...errors.map(Math.abs))).toBeLessThan(0.501);
  });
});

describe("results of other forms", () => {
  test.each<readonly [string, Result, Size, Size]>([
    ["stride 4, network of the frame's size", { kind: "scores", stride: 4 }, size(64, 48), size(64, 48)],
    ["stride 4, a larger frame", { kind: "scores", stride: 4 }, size(128, 96), size(64, 48)],
    ["stride 4, odd size, portrait", { kind: "scores", stride: 4 }, size(45, 63), size(45, 63)],
    ["stride 4, channels last", { kind: "scores", stride: 4, layout: "nhwc" }, size(64, 48), size(64, 48)],
    ["stride 4, half precision", { kind: "scores", stride: 4, dtype: "float16" }, size(64, 48), size(64, 48)],
    ["stride 4, a smaller frame", { kind: "scores", stride: 4 }, size(40, 30), size(64, 48)],
  ])("scores at %s: bilinear, then the largest", async (_name, result, at, to) => {
    const face: Face = { ...usualFace, layout: result.layout ?? "nchw" };
    const model = tinyNetwork(face, result);
    const frame = staticNoise(at, 11);
    const { image, labels } = await segmented(model, frame, plain, to);
    // Scores are not compared at more positions than the frame has pixels.
    const grid = at.widthPx < to.widthPx ? at : to;
    const fine = bilinear(scoresOf(await alone(model, image), face.layout), grid);
    const expected = nearest(largest(fine), grid, at);
    // Where two scores are equal but for rounding, either is right.
    const clear = Uint8Array.from(
      nearest(
        mapped(grid, (x, y) => margin(fine, y * grid.widthPx + x)),
        grid,
        at,
      ),
      (value) => (value > 1e-4 ? 1 : 0),
    );
    expect(clear.filter((flag) => flag === 0).length).toBeLessThan(0.005 * clear.length);
    expect([...expected.keys()].filter((k) => clear[k] === 1 && Number(labels.data[k]) !== expected[k])).toEqual([]);
  });

  test.each<readonly [string, Result, Size, Size]>([
    ["logits", { kind: "foreground-logits" }, size(48, 32), size(48, 32)],
    ["logits [1,h,w]", { kind: "foreground-logits", rank: 3 }, size(48, 32), size(48, 32)],
    ["logits [h,w]", { kind: "foreground-logits", rank: 2 }, size(33, 48), size(33, 48)],
    ["logits, half precision", { kind: "foreground-logits", dtype: "float16" }, size(48, 32), size(48, 32)],
    ["logits, a larger frame", { kind: "foreground-logits" }, size(112, 96), size(48, 32)],
    ["shares", { kind: "foreground-shares" }, size(48, 32), size(48, 32)],
    ["shares [1,h,w], a larger frame", { kind: "foreground-shares", rank: 3 }, size(112, 96), size(48, 32)],
  ])("foreground as %s: label 1 above the threshold", async (_name, result, at, to) => {
    const model = tinyNetwork({}, result);
    const frame = staticNoise(at, 13);
    const { image, labels } = await segmented(model, frame, plain, to);
    const threshold = result.kind === "foreground-shares" ? 0.5 : 0;
    const own = numbersIn(await alone(model, image)).map((value) => (value > threshold ? 1 : 0));
    expect(mismatches(labels, nearest(own, to, at))).toBe(0);
    const share = own.reduce((sum, label) => sum + label, 0) / own.length;
    expect(share).toBeGreaterThan(0.2);
    expect(share).toBeLessThan(0.8);
  });

  test.each<readonly [string, Result, Size, Size]>([
    ["int64 [1,1,h,w]", { kind: "labels" }, size(48, 32), size(48, 32)],
    ["int64 [1,h,w]", { kind: "labels", rank: 3 }, size(32, 48), size(32, 48)],
    ["int64 [h,w], a larger frame", { kind: "labels", rank: 2 }, size(75, 50), size(32, 24)],
    ["int64 [1,h,w,1]", { kind: "labels", layout: "nhwc" }, size(75, 50), size(32, 24)],
    ["int64 at stride 4", { kind: "labels", stride: 4 }, size(64, 48), size(64, 48)],
    ["int64, a smaller frame", { kind: "labels" }, size(31, 17), size(48, 32)],
    ["uint8", { kind: "labels", dtype: "uint8" }, size(48, 32), size(48, 32)],
    ["bool", { kind: "labels", dtype: "bool", classes: 2 }, size(75, 50), size(32, 24)],
  ])("labels as %s: passed on, nearest neighbour", async (_name, result, at, to) => {
    const face: Face = { ...usualFace, layout: result.layout ?? "nchw" };
    const model = tinyNetwork(face, result);
    const frame = staticNoise(at, 17);
    const { image, labels } = await segmented(model, frame, plain, to);
    const stride = result.stride ?? 1;
    const grid = size(Math.ceil(to.widthPx / stride), Math.ceil(to.heightPx / stride));
    const own = numbersIn(await alone(model, image));
    expect(mismatches(labels, nearest(own, grid, at))).toBe(0);
    expect(new Set(own).size).toBeGreaterThan(1);
  });

  test("as many classes as a byte holds", async () => {
    const model = tinyNetwork({}, { kind: "scores", classes: 256 });
    const frame = staticNoise(size(64, 48), 19);
    const { image, labels } = await segmented(model, frame, plain, frame);
    const own = largest(scoresOf(await alone(model, image), "nchw"));
    expect(mismatches(labels, own)).toBe(0);
    expect(Math.max(...own)).toBeGreaterThan(127);
  });

  test("more classes are refused, for frames alone", async () => {
    const network = await fitNetwork(tinyNetwork({}, { kind: "scores", classes: 257 }), {
      size: size(32, 24),
      engine: localEngine,
    });
    const plan = planOf(network, { stages: 1 });
    const schedule = { kind: "every" } as const;
    expect(() => compile(network, plan, { io: "frames", schedule, preprocessing: plain })).toThrow(
      expect.objectContaining({ code: "unsupported-model", message: expect.stringContaining("257") }),
    );
    expect(() => compile(network, plan, { io: "tensors", schedule })).not.toThrow();
  });
});

/** How far the largest score is above the second. */
function margin({ planes }: Planes, at: number): number {
  const [first = 0, second = 0] = planes.map((plane) => plane[at] ?? 0).sort((a, b) => b - a);
  return first - second;
}
