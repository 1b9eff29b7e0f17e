// What the learned constants of a layer start from, by what they do in it; both ways of `init` are here and nowhere else.
// `varied` makes an untrained network behave like a trained one in tests: no two channels have the same statistics.
// `train` is what training starts from: He et al., "Delving Deep into Rectifiers", ICCV 2015, for convolutions (evenly
// distributed, by what goes in), normalisation that does nothing yet, zero biases, PReLU's slope of that paper, exact
// bilinear interpolation (Long et al., CVPR 2015, section 3.3), and for fully connected layers the narrow normal
// distribution of vision transformers. It is no copy of one author's initialisation.

import { ofBytes, type Tensor } from "../onnx/index.ts";
import type { ResolvedOptions } from "./options.ts";
import { Random } from "./random.ts";

/** What a constant does in its layer. */
export type WeightRole =
  /** Kernel of a convolution; every element of the output is a sum of `fanIn` products. */
  | { readonly kind: "kernel"; readonly fanIn: number }
  /** Kernel [from, to, size, size] of a transposed convolution that interpolates each channel. */
  | { readonly kind: "interpolation" }
  /** Matrix [fanIn, to] of a fully connected layer. */
  | { readonly kind: "matrix"; readonly fanIn: number }
  | { readonly kind: "bias" }
  /** Of a PReLU, below zero. */
  | { readonly kind: "slope" }
  /** Factor and summand behind a normalisation. */
  | { readonly kind: "scale" }
  | { readonly kind: "shift" }
  /** Running statistics of a batch normalisation whose input has about this mean square. */
  | { readonly kind: "mean"; readonly power: number }
  | { readonly kind: "variance"; readonly power: number };

/** Standard deviation of the matrices of fully connected layers before training. */
const matrixDeviation = 0.02;

/** The float32 tensor that a constant called `name` starts from. It follows from seed, name, role and dims alone. */
export function startOf(
  role: WeightRole,
  name: string,
  dims: readonly number[],
  { seed, init }: Pick<ResolvedOptions, "seed" | "init">,
): Tensor {
  const random = new Random(seed, name);
  return ofBytes("float32", dims, init === "train" ? toTrain(role, dims, random) : varied(role, dims, random));
}

function varied(role: WeightRole, dims: readonly number[], random: Random): Float32Array {
  const uniform = (low: number, high: number): Float32Array => random.uniform(elements(dims), low, high);
  switch (role.kind) {
    case "kernel":
    case "matrix":
      return he(role.fanIn, dims, random);
    case "interpolation":
      return addBilinear(uniform(-0.02, 0.02), dims);
    case "bias":
      return uniform(-0.1, 0.1);
    case "slope":
      return uniform(0.1, 0.4);
    case "scale":
      return uniform(0.6, 1.4);
    case "shift":
      return uniform(-0.2, 0.2);
    case "mean":
      return uniform(-0.2 * Math.sqrt(role.power), 0.2 * Math.sqrt(role.power));
    case "variance":
      return uniform(0.6 * role.power, 1.4 * role.power);
  }
}

function toTrain(role: WeightRole, dims: readonly number[], random: Random): Float32Array {
  const all = (value: number): Float32Array => new Float32Array(elements(dims)).fill(value);
  switch (role.kind) {
    case "kernel":
      return he(role.fanIn, dims, random);
    case "matrix":
      return random.normal(elements(dims), matrixDeviation);
    case "interpolation":
      return addBilinear(all(0), dims);
    case "slope":
      return all(0.25);
    case "scale":
    case "variance":
      return all(1);
    case "bias":
    case "shift":
    case "mean":
      return all(0);
  }
}

/** Weights that keep the variance of what a ReLU lets through, evenly distributed. */
function he(fanIn: number, dims: readonly number[], random: Random): Float32Array {
  const bound = Math.sqrt(6 / fanIn);
  return random.uniform(elements(dims), -bound, bound);
}

/** Adds to a kernel [from, to, size, size] the one that interpolates each channel bilinearly into its own. */
function addBilinear(values: Float32Array, dims: readonly number[]): Float32Array {
  const [from = 0, to = 0, size = 0] = dims;
  const centre = (size - 1) / 2;
  const tent = (at: number): number => 1 - Math.abs(at - centre) / Math.ceil(size / 2);
  for (let channel = 0; channel < Math.min(from, to); channel++) {
    for (let i = 0; i < size * size; i++) {
      const at = (channel * to + channel) * size * size + i;
      values[at] = (values[at] ?? 0) + tent(Math.floor(i / size)) * tent(i % size);
    }
  }
  return values;
}

function elements(dims: readonly number[]): number {
  return dims.reduce((product, dim) => product * dim, 1);
}
