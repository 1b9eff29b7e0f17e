// Layers of segmentation networks over GraphBuilder: convolutions with their weights, normalisation, resizing.
// A node has the name of its output. Constants are called after the layer: `conv.weight`, `bn.scale`.
// Sizes that depend on the image are computed as PyTorch's exporter writes them (Shape, Gather, Unsqueeze, Concat, Cast,
// Slice), or are constants, by the option `dynamic`. Weights depend on the seed and on the name of their tensor alone
// (weights.ts), so both variants of a network have the same.

import { ClockworkError } from "../errors.ts";
import { float, GraphBuilder, modelOf, type AttributeInits, type Dim, type Model } from "../onnx/index.ts";
import type { Extent, ResolvedOptions } from "./options.ts";
import { startOf, type WeightRole } from "./weights.ts";

/** A feature map float32 [batch, channels, height, width] of the graph under construction. */
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
  /** What the weights start from: noise, or bilinear interpolation of each channel (varied: with a little noise). */
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
  /** The network's input float32 [batch, 3, height, width]. */
  readonly image: Feature;
  readonly #epsilon: number;
  readonly #constants = new Map<string, string>();

  /** @param epsilon of the network's batch normalisation */
  constructor(options: ResolvedOptions, epsilon = 1e-5) {
    this.options = options;
    this.graph = new GraphBuilder(options.name);
    this.#epsilon = epsilon;
    const { heightPx, widthPx } = options.size ?? { heightPx: "height", widthPx: "width" };
    const name = this.graph.input("image", "float32", [options.batch, 3, heightPx, widthPx]);
    this.image = { name, channels: 3, extent: options.dynamic ? undefined : options.size, power: 1 };
  }

  /** A number of channels of the paper at this network's width. */
  scaled(channels: number): number {
    return Math.max(1, Math.round(channels * this.options.width));
  }

  /**
   * A convolution. @param channels of the output
   * @returns [batch, channels, floor((height + 2 pad - dilation (kernel - 1) - 1) / stride) + 1, ...]
   */
  conv(name: string, x: Feature, channels: number, init: ConvInit = {}): Feature {
    const { kernel = 1, stride = 1, dilation = 1, groups = 1, bias = false } = init;
    const pad = init.pad ?? (dilation * (kernel - 1)) / 2;
    const fanIn = (x.channels / groups) * kernel * kernel;
    const inputs = [x.name, this.#kernel(name, [channels, x.channels / groups, kernel, kernel], fanIn)];
    if (bias) inputs.push(this.#bias(name, channels));
    const attributes = { ...window(kernel, stride, pad), dilations: [dilation, dilation], group: groups };
    const output = this.graph.add(name, "Conv", inputs, attributes, outputInit(init.output));
    const reach = dilation * (kernel - 1) + 1;
    const length = (n: number): number => Math.floor((n + 2 * pad - reach) / stride) + 1;
    return { name: output, channels, extent: mapExtent(x.extent, length), power: 2 * x.power };
  }

  /** A transposed convolution to `channels` channels and (height - 1) stride - 2 pad + kernel rows. */
  convTranspose(name: string, x: Feature, channels: number, init: ConvTransposeInit): Feature {
    const { kernel, stride, pad = 0 } = init;
    const dims = [x.channels, channels, kernel, kernel];
    // Every element of the output meets (kernel / stride)^2 elements of each input channel.
    const fanIn = x.channels * Math.max(1, kernel / stride) ** 2;
    const interpolates = init.weights === "bilinear";
    const weight = interpolates
      ? this.#learned(`${name}.weight`, dims, { kind: "interpolation" })
      : this.#kernel(name, dims, fanIn);
    const inputs = [x.name, weight];
    if (init.bias ?? false) inputs.push(this.#bias(name, channels));
    const output = this.graph.add(name, "ConvTranspose", inputs, window(kernel, stride, pad), outputInit(init.output));
    const power = interpolates ? x.power : 2 * x.power;
    return { name: output, channels, extent: mapExtent(x.extent, (n) => (n - 1) * stride - 2 * pad + kernel), power };
  }

  /** Batch normalisation with fixed statistics. */
  batchNorm(name: string, x: Feature): Feature {
    const { channels, power } = x;
    const inputs = [
      x.name,
      ...this.#affine(name, channels),
      this.#learned(`${name}.mean`, [channels], { kind: "mean", power }),
      this.#learned(`${name}.var`, [channels], { kind: "variance", power }),
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
    const slope = this.#learned(`${name}.slope`, [x.channels, 1, 1], { kind: "slope" });
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

  /** The mean of each channel: [batch, channels, 1, 1]. */
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
    const matrix = this.#learned(`${name}.weight`, [from, to], { kind: "matrix", fanIn: from });
    const product = this.graph.add(`${name}/matmul`, "MatMul", [x, matrix]);
    return this.graph.add(name, "Add", [this.#bias(name, to), product]);
  }

  /** Layer normalisation over the last axis, of length `channels`. */
  layerNorm(name: string, x: string, channels: number): string {
    const inputs = [x, ...this.#affine(name, channels)];
    return this.graph.add(name, "LayerNormalization", inputs, { axis: -1, epsilon: float(1e-5) });
  }

  /**
   * The finished network.
   * @param logits its output, called `logits` @param stride of the outputs against the image: 1 or more pixels
   * @param auxiliary further outputs of the same shape, which only training reads
   */
  finish(logits: Feature, stride: number, auxiliary: readonly Feature[] = []): Model {
    const symbol = (axis: string): string => (stride === 1 ? axis : `${axis}_over_${stride}`);
    const { batch, classes, size } = this.options;
    const dims: readonly Dim[] =
      size === undefined
        ? [symbol("height"), symbol("width")]
        : [Math.ceil(size.heightPx / stride), Math.ceil(size.widthPx / stride)];
    for (const { name } of [logits, ...auxiliary]) this.graph.output(name, "float32", [batch, classes, ...dims]);
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
    if (size.kind === "constant") {
      return this.int64([this.options.batch, x.channels, size.extent.heightPx, size.extent.widthPx]);
    }
    const spatial = this.vector(`${name}/hw`, [size.height, size.width]);
    const cast = this.graph.add(`${name}/hw/cast`, "Cast", [spatial], { to: int64Code });
    const shape = this.graph.add(`${name}/shape`, "Shape", [x.name]);
    const range = [this.int64([0]), this.int64([2]), this.int64([0])];
    const leading = this.graph.add(`${name}/nc`, "Slice", [shape, ...range]);
    return this.graph.add(`${name}/sizes`, "Concat", [leading, cast], { axis: 0 });
  }

  #kernel(layer: string, dims: readonly number[], fanIn: number): string {
    return this.#learned(`${layer}.weight`, dims, { kind: "kernel", fanIn });
  }

  #bias(layer: string, channels: number): string {
    return this.#learned(`${layer}.bias`, [channels], { kind: "bias" });
  }

  /** Factor and summand behind a normalisation. */
  #affine(layer: string, channels: number): readonly [scale: string, shift: string] {
    return [
      this.#learned(`${layer}.scale`, [channels], { kind: "scale" }),
      this.#learned(`${layer}.shift`, [channels], { kind: "shift" }),
    ];
  }

  #learned(name: string, dims: readonly number[], role: WeightRole): string {
    return this.graph.initializer(name, startOf(role, name, dims, this.options));
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
  return extent === undefined ? `${channels} channels` : `${channels} channels of ${extent.heightPx}x${extent.widthPx}`;
}

function mapExtent(extent: Extent | undefined, length: (n: number) => number): Extent | undefined {
  return extent && { heightPx: length(extent.heightPx), widthPx: length(extent.widthPx) };
}
