// Layers of segmentation networks over GraphBuilder: convolutions with their weights, normalisation, resizing.
// A node has the name of its output. Constants are called after the layer: `conv.weight`, `bn.scale`.
// Sizes that depend on the image are computed as PyTorch's exporter writes them (Shape, Gather, Unsqueeze, Concat, Cast,
// Slice), or are constants, by the option `dynamic`. Weights depend on the seed and on the name of their tensor alone,
// so both variants of a network have the same.

import { ClockworkError } from "../errors.ts";
import { float, GraphBuilder, modelOf, ofBytes, type AttributeInits, type Dim, type Model } from "../onnx/index.ts";
import type { Extent, ResolvedOptions } from "./options.ts";
import { Random } from "./random.ts";

/** A feature map float32 [1, channels, height, width] of the graph under construction. */
export interface Feature {
  readonly name: string;
  readonly channels: number;
  /** Its size where sizes are constants. */
  readonly extent: Extent | undefined;
  /**
   * About the mean square of its elements. Statistics of normalisation are made up from it, so that, as in a trained
   * network, neither shallow nor deep features drown the others where they meet.
   */
  readonly power: number;
}

/** Height and width as numbers, or as names of int64 scalars in the graph. */
export type Size =
  | { readonly kind: "constant"; readonly extent: Extent }
  | { readonly kind: "computed"; readonly height: string; readonly width: string };

/** Form of a convolution; default 1x1, stride 1, padded so that stride 1 keeps the size, without bias. */
export interface ConvInit {
  readonly kernel?: number;
  readonly stride?: number;
  readonly dilation?: number;
  readonly groups?: number;
  /** Zeros around the map, in pixels on each side. */
  readonly pad?: number;
  readonly bias?: boolean;
  /** Name of the output where it is not the layer's. */
  readonly output?: string;
}

/** Form of a transposed convolution, without bias. */
export interface ConvTransposeInit {
  readonly kernel: number;
  readonly stride: number;
  readonly pad?: number;
  readonly bias?: boolean;
  /** What the weights start from: noise, or bilinear interpolation of each channel with a little noise. */
  readonly weights?: "he" | "bilinear";
  readonly output?: string;
}

/** Activations without weights. */
export type Activation = "Relu" | "HardSwish" | "Sigmoid" | "HardSigmoid";

/** How a map is resampled: PyTorch's `nearest`, `bilinear`, and `bilinear` with `align_corners`. */
export type ResizeMode = "nearest" | "bilinear" | "bilinear-corners";

const resizeAttributes: Readonly<Record<ResizeMode, AttributeInits>> = {
  nearest: { mode: "nearest", coordinate_transformation_mode: "asymmetric", nearest_mode: "floor" },
  bilinear: { mode: "linear", coordinate_transformation_mode: "half_pixel", nearest_mode: "floor" },
  "bilinear-corners": { mode: "linear", coordinate_transformation_mode: "align_corners", nearest_mode: "floor" },
};

/** What becomes of the mean square of normal noise in an activation. */
const powerAfter: Readonly<Record<Activation, (power: number) => number>> = {
  Relu: (power) => 0.5 * power,
  HardSwish: (power) => 0.35 * power,
  Sigmoid: () => 0.3,
  HardSigmoid: () => 0.3,
};

/** Mean square of what a normalisation puts out. */
const normalPower = 1.1;

/** ONNX's number of int64 in `Cast`. */
const int64Code = 7;

/** Adds layers to a graph. */
export class Layers {
  /** The graph under construction, for operators that have no method here. */
  readonly graph: GraphBuilder;
  readonly options: ResolvedOptions;
  /** The network's input float32 [1, 3, height, width]. */
  readonly image: Feature;
  readonly #epsilon: number;
  readonly #constants = new Map<string, string>();

  /** @param epsilon of the network's batch normalisation */
  constructor(options: ResolvedOptions, epsilon = 1e-5) {
    this.options = options;
    this.graph = new GraphBuilder(options.name);
    this.#epsilon = epsilon;
    const { heightPx, widthPx } = options.size ?? { heightPx: "height", widthPx: "width" };
    const name = this.graph.input("image", "float32", [1, 3, heightPx, widthPx]);
    this.image = { name, channels: 3, extent: options.dynamic ? undefined : options.size, power: 1 };
  }

  /** A number of channels of the paper at this network's width. */
  scaled(channels: number): number {
    return Math.max(1, Math.round(channels * this.options.width));
  }

  /**
   * A convolution. @param channels of the output
   * @returns [1, channels, floor((height + 2 pad - dilation (kernel - 1) - 1) / stride) + 1, ...]
   */
  conv(name: string, x: Feature, channels: number, init: ConvInit = {}): Feature {
    const { kernel = 1, stride = 1, dilation = 1, groups = 1, bias = false } = init;
    const pad = init.pad ?? (dilation * (kernel - 1)) / 2;
    const fanIn = (x.channels / groups) * kernel * kernel;
    const inputs = [x.name, this.#he(`${name}.weight`, [channels, x.channels / groups, kernel, kernel], fanIn)];
    if (bias) inputs.push(this.#uniform(`${name}.bias`, [channels], -0.1, 0.1));
    const attributes = { ...window(kernel, stride, pad), dilations: [dilation, dilation], group: groups };
    const output = this.graph.add(name, "Conv", inputs, attributes, outputInit(init.output));
    const reach = dilation * (kernel - 1) + 1;
    const length = (n: number): number => Math.floor((n + 2 * pad - reach) / stride) + 1;
    return { name: output, channels, extent: mapExtent(x.extent, length), power: 2 * x.power };
  }

  /** A transposed convolution to `channels` channels and (height - 1) stride - 2 pad + kernel rows. */
  convTranspose(name: string, x: Feature, channels: number, init: ConvTransposeInit): Feature {
    const { kernel, stride, pad = 0 } = init;
    const weight = `${name}.weight`;
    const dims = [x.channels, channels, kernel, kernel];
    // Every element of the output meets (kernel / stride)^2 elements of each input channel.
    const fanIn = x.channels * Math.max(1, kernel / stride) ** 2;
    if (init.weights === "bilinear") this.#constant(weight, dims, this.#bilinear(weight, x.channels, channels, kernel));
    else this.#he(weight, dims, fanIn);
    const inputs = [x.name, weight];
    if (init.bias ?? false) inputs.push(this.#uniform(`${name}.bias`, [channels], -0.1, 0.1));
    const output = this.graph.add(name, "ConvTranspose", inputs, window(kernel, stride, pad), outputInit(init.output));
    const power = init.weights === "bilinear" ? x.power : 2 * x.power;
    return { name: output, channels, extent: mapExtent(x.extent, (n) => (n - 1) * stride - 2 * pad + kernel), power };
  }

  /** Batch normalisation with fixed statistics. */
  batchNorm(name: string, x: Feature): Feature {
    const deviation = Math.sqrt(x.power);
    const inputs = [
      x.name,
      this.#uniform(`${name}.scale`, [x.channels], 0.6, 1.4),
      this.#uniform(`${name}.shift`, [x.channels], -0.2, 0.2),
      this.#uniform(`${name}.mean`, [x.channels], -0.2 * deviation, 0.2 * deviation),
      this.#uniform(`${name}.var`, [x.channels], 0.6 * x.power, 1.4 * x.power),
    ];
    const attributes = { epsilon: float(this.#epsilon) };
    return { ...x, name: this.graph.add(name, "BatchNormalization", inputs, attributes), power: normalPower };
  }

  /** `name/conv`, `name/bn`. */
  convBn(name: string, x: Feature, channels: number, init: ConvInit = {}): Feature {
    return this.batchNorm(`${name}/bn`, this.conv(`${name}/conv`, x, channels, init));
  }

  /** `name/conv`, `name/bn`, `name/relu`. */
  convBnRelu(name: string, x: Feature, channels: number, init: ConvInit = {}): Feature {
    return this.relu(`${name}/relu`, this.convBn(name, x, channels, init));
  }

  /** max(x, 0). @param kept share of the mean square that is left: half, or more where x is mostly positive */
  relu(name: string, x: Feature, kept = 0.5): Feature {
    return { ...this.activation(name, "Relu", x), power: kept * x.power };
  }

  /** A PReLU with a slope for each channel. */
  prelu(name: string, x: Feature): Feature {
    const slope = this.#uniform(`${name}.slope`, [x.channels, 1, 1], 0.1, 0.4);
    return { ...x, name: this.graph.add(name, "PRelu", [x.name, slope]), power: 0.5 * x.power };
  }

  /** An activation. */
  activation(name: string, op: Activation, x: Feature, attributes: AttributeInits = {}): Feature {
    return { ...x, name: this.graph.add(name, op, [x.name], attributes), power: powerAfter[op](x.power) };
  }

  /** The sum of two maps; one may be a single pixel. */
  add(name: string, a: Feature, b: Feature): Feature {
    return this.#pairwise(name, "Add", a, b);
  }

  /** The product of two maps; one may be a single pixel. */
  mul(name: string, a: Feature, b: Feature): Feature {
    return this.#pairwise(name, "Mul", a, b);
  }

  /** Maps of one size, one behind the other in channels. */
  concat(name: string, parts: readonly [Feature, ...Feature[]]): Feature {
    const names = parts.map((part) => part.name);
    const channels = parts.reduce((sum, part) => sum + part.channels, 0);
    const power = parts.reduce((sum, part) => sum + part.power * part.channels, 0) / channels;
    return { name: this.graph.add(name, "Concat", names, { axis: 1 }), channels, extent: parts[0].extent, power };
  }

  /** The largest of each window; rows and columns that do not fill one are left out. */
  maxPool(name: string, x: Feature, kernel: number, stride: number, pad = 0): Feature {
    const extent = mapExtent(x.extent, (n) => Math.floor((n + 2 * pad - kernel) / stride) + 1);
    return { ...x, name: this.graph.add(name, "MaxPool", [x.name], window(kernel, stride, pad)), extent };
  }

  /** An average in which the zeros around the map count, as PyTorch's default. */
  averagePool(name: string, x: Feature, kernel: number, stride: number, pad = 0): Feature {
    const attributes = { ...window(kernel, stride, pad), count_include_pad: 1 };
    const extent = mapExtent(x.extent, (n) => Math.floor((n + 2 * pad - kernel) / stride) + 1);
    return { ...x, name: this.graph.add(name, "AveragePool", [x.name], attributes), extent };
  }

  /** The mean of each channel: [1, channels, 1, 1]. */
  globalPool(name: string, x: Feature): Feature {
    const extent = mapExtent(x.extent, () => 1);
    return { ...x, name: this.graph.add(name, "GlobalAveragePool", [x.name]), extent, power: 0.6 * x.power };
  }

  /** Height and width of a map, divided by `divisor` and rounded down. */
  sizeOf(name: string, x: Feature, divisor = 1): Size {
    if (x.extent !== undefined) {
      const { heightPx, widthPx } = x.extent;
      const extent = { heightPx: Math.floor(heightPx / divisor), widthPx: Math.floor(widthPx / divisor) };
      return { kind: "constant", extent };
    }
    const shape = this.graph.add(`${name}/shape`, "Shape", [x.name]);
    const axis = (axisName: string, index: number): string => {
      const length = this.graph.add(axisName, "Gather", [shape, this.int64(index)], { axis: 0 });
      if (divisor === 1) return length;
      const divided = this.graph.add(`${axisName}/div`, "Div", [length, this.int64(divisor)]);
      return this.graph.add(`${axisName}/cast`, "Cast", [divided], { to: int64Code });
    };
    return { kind: "computed", height: axis(`${name}/height`, 2), width: axis(`${name}/width`, 3) };
  }

  /** A map resampled to a size. */
  resize(name: string, x: Feature, size: Size, mode: ResizeMode, output?: string): Feature {
    const sizes = this.#sizesOf(name, x, size);
    const inputs = [x.name, "", "", sizes];
    const made = this.graph.add(name, "Resize", inputs, resizeAttributes[mode], outputInit(output));
    return { ...x, name: made, extent: size.kind === "constant" ? size.extent : undefined };
  }

  /** A map resampled to the size of another: `name/size/...`, `name`. */
  resizeLike(name: string, x: Feature, like: Feature, mode: ResizeMode, output?: string): Feature {
    return this.resize(name, x, this.sizeOf(`${name}/size`, like), mode, output);
  }

  /** A constant int64 scalar (for a number) or vector; equal ones are one tensor. */
  int64(value: number | readonly number[]): string {
    const dims = typeof value === "number" ? [] : [value.length];
    const values = typeof value === "number" ? [value] : value;
    const name = `const/int64/${typeof value === "number" ? "scalar" : "vector"}/${values.join("_")}`;
    return this.#once(name, () => this.graph.int64(name, dims, values));
  }

  /** A constant float32 scalar; equal ones are one tensor. */
  scalar(value: number): string {
    const name = `const/float32/${value}`;
    return this.#once(name, () => this.graph.float32(name, [], [value]));
  }

  /** A vector of int64 [parts.length] put together from constants and from scalars of the graph. */
  vector(name: string, parts: readonly (number | string)[]): string {
    if (parts.every((part) => typeof part === "number")) return this.int64(parts);
    const [single] = parts;
    if (parts.length === 1 && typeof single === "string") {
      return this.graph.add(name, "Unsqueeze", [single, this.int64([0])]);
    }
    const items = parts.map((part, index) =>
      typeof part === "number"
        ? this.int64([part])
        : this.graph.add(`${name}/unsqueeze${index}`, "Unsqueeze", [part, this.int64([0])]),
    );
    return this.graph.add(name, "Concat", items, { axis: 0 });
  }

  /** A fully connected layer over the last axis of x [..., from]: `name/matmul`, `name`. */
  linear(name: string, x: string, from: number, to: number): string {
    const product = this.graph.add(`${name}/matmul`, "MatMul", [x, this.#he(`${name}.weight`, [from, to], from)]);
    return this.graph.add(name, "Add", [this.#uniform(`${name}.bias`, [to], -0.1, 0.1), product]);
  }

  /** Layer normalisation over the last axis, of length `channels`. */
  layerNorm(name: string, x: string, channels: number): string {
    const scale = this.#uniform(`${name}.scale`, [channels], 0.6, 1.4);
    const shift = this.#uniform(`${name}.shift`, [channels], -0.2, 0.2);
    return this.graph.add(name, "LayerNormalization", [x, scale, shift], { axis: -1, epsilon: float(1e-5) });
  }

  /**
   * The finished network.
   * @param logits its output, called `logits` @param stride of the output against the image: 1 or more pixels
   */
  finish(logits: Feature, stride: number): Model {
    const symbol = (axis: string): string => (stride === 1 ? axis : `${axis}_over_${stride}`);
    const { size } = this.options;
    const dims: readonly Dim[] =
      size === undefined
        ? [symbol("height"), symbol("width")]
        : [Math.ceil(size.heightPx / stride), Math.ceil(size.widthPx / stride)];
    this.graph.output(logits.name, "float32", [1, this.options.classes, ...dims]);
    return modelOf(this.graph.build());
  }

  #pairwise(name: string, op: "Add" | "Mul", a: Feature, b: Feature): Feature {
    const area = (x: Feature): number => (x.extent === undefined ? 0 : x.extent.heightPx * x.extent.widthPx);
    const [large, small] = area(a) >= area(b) ? [a, b] : [b, a];
    const fits = area(small) <= 1 || describe(small) === describe(large);
    if (a.channels !== b.channels || !fits) {
      const message = `${this.options.name}, layer ${name}: expected two maps of one shape, got ${describe(a)} and ${describe(b)}`;
      throw new ClockworkError("invalid-argument", message);
    }
    const power = op === "Add" ? a.power + b.power : a.power * b.power;
    return { ...large, name: this.graph.add(name, op, [a.name, b.name]), power };
  }

  /** What `Resize` takes as sizes. */
  #sizesOf(name: string, x: Feature, size: Size): string {
    if (size.kind === "constant") return this.int64([1, x.channels, size.extent.heightPx, size.extent.widthPx]);
    const spatial = this.vector(`${name}/hw`, [size.height, size.width]);
    const cast = this.graph.add(`${name}/hw/cast`, "Cast", [spatial], { to: int64Code });
    const shape = this.graph.add(`${name}/shape`, "Shape", [x.name]);
    const range = [this.int64([0]), this.int64([2]), this.int64([0])];
    const leading = this.graph.add(`${name}/nc`, "Slice", [shape, ...range]);
    return this.graph.add(`${name}/sizes`, "Concat", [leading, cast], { axis: 0 });
  }

  /** Weights that keep the variance of what a ReLU lets through (He et al. 2015, evenly distributed). */
  #he(name: string, dims: readonly number[], fanIn: number): string {
    const bound = Math.sqrt(6 / fanIn);
    return this.#uniform(name, dims, -bound, bound);
  }

  #uniform(name: string, dims: readonly number[], low: number, high: number): string {
    const count = dims.reduce((product, dim) => product * dim, 1);
    return this.#constant(name, dims, new Random(this.options.seed, name).uniform(count, low, high));
  }

  #bilinear(name: string, from: number, to: number, kernel: number): Float32Array {
    const values = new Random(this.options.seed, name).uniform(from * to * kernel * kernel, -0.02, 0.02);
    const centre = (kernel - 1) / 2;
    const tent = (at: number): number => 1 - Math.abs(at - centre) / Math.ceil(kernel / 2);
    for (let channel = 0; channel < Math.min(from, to); channel++) {
      for (let i = 0; i < kernel * kernel; i++) {
        const at = (channel * to + channel) * kernel * kernel + i;
        values[at] = (values[at] ?? 0) + tent(Math.floor(i / kernel)) * tent(i % kernel);
      }
    }
    return values;
  }

  #constant(name: string, dims: readonly number[], values: Float32Array): string {
    return this.graph.initializer(name, ofBytes("float32", dims, values));
  }

  #once(key: string, make: () => string): string {
    const known = this.#constants.get(key);
    if (known !== undefined) return known;
    const made = make();
    this.#constants.set(key, made);
    return made;
  }
}

function window(kernel: number, stride: number, pad: number): Record<string, readonly number[]> {
  return { kernel_shape: [kernel, kernel], strides: [stride, stride], pads: [pad, pad, pad, pad] };
}

function outputInit(output: string | undefined): { outputs?: readonly string[] } {
  return output === undefined ? {} : { outputs: [output] };
}

function describe({ channels, extent }: Feature): string {
  return extent === undefined ? `${channels} channels` : `[1,${channels},${extent.heightPx},${extent.widthPx}]`;
}

function mapExtent(extent: Extent | undefined, length: (n: number) => number): Extent | undefined {
  return extent && { heightPx: length(extent.heightPx), widthPx: length(extent.widthPx) };
}
