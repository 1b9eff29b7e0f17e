// What every architecture can be asked for, and what is made of it.

import { ClockworkError } from "../errors.ts";

/** Size of an image or feature map, in pixels of its own. */
export interface Extent {
  readonly heightPx: number;
  readonly widthPx: number;
}

/** Options of a network, whatever its image size. */
export interface CommonOptions {
  /** Channels as a multiple of the paper's: 1 is the published network. The default is small. */
  readonly width?: number;
  /** Number of classes: channels of `logits`. */
  readonly classes?: number;
  /** Integer that the weights are drawn from; the same seed gives the same bytes. Default 1. */
  readonly seed?: number;
  /** What the weights start from; default `varied`. */
  readonly init?: WeightInit;
  /** Images in one run: the first axis of `image` and of every output. Default 1. */
  readonly batch?: number;
}

/** What the weights of an untrained network start from. */
export type WeightInit =
  /**
   * Made up so that the network behaves like a trained one: normalisation has statistics, scales and shifts of its own in
   * every channel, biases are not zero. For tests and benchmarks.
   */
  | "varied"
  /**
   * What training starts from: He's weights for convolutions, normalisation of mean 0, variance 1, scale 1 and shift 0,
   * zero biases, exact bilinear upsampling, normal weights of deviation 0.02 for fully connected layers.
   */
  | "train";

/** Options of the networks whose authors train them with further heads. */
export interface AuxiliaryOptions {
  /** Whether those heads are there, as further outputs of the shape of `logits`; default no. Inference has no use for them. */
  readonly auxiliary?: boolean;
}

/** Whether sizes are computed in the graph or written into it. */
export type Sizing =
  /** `image` is [batch, 3, height, width] for any height and width; sizes are computed in the graph. */
  | { readonly size?: never; readonly dynamic?: true }
  /**
   * `image` is [batch, 3, size.heightPx, size.widthPx]. With `dynamic: true` sizes are computed in the graph all the same, as in
   * a file whose dynamic axes were fixed afterwards; by default they are constants.
   */
  | { readonly size: Extent; readonly dynamic?: boolean };

/** Options of a network. */
export type NetworkOptions = CommonOptions & Sizing;

/** Options with their defaults filled in. */
export interface ResolvedOptions {
  /** Name of the architecture: for the graph, and for errors. */
  readonly name: string;
  readonly width: number;
  readonly classes: number;
  readonly seed: number;
  readonly init: WeightInit;
  readonly batch: number;
  /** Size that `image` is declared with; `undefined` for any. */
  readonly size: Extent | undefined;
  /** Whether sizes are computed in the graph. */
  readonly dynamic: boolean;
}

/** What an architecture says of itself. */
export interface NetworkDefaults {
  readonly name: string;
  readonly width: number;
  readonly classes: number;
  /** Number that height and width must be multiples of. */
  readonly sizeMultiple: number;
}

const weightInits: readonly WeightInit[] = ["varied", "train"];

/** Checks options and fills in the defaults. @throws ClockworkError `invalid-argument` for what is out of range */
export function resolveOptions(options: NetworkOptions, defaults: NetworkDefaults): ResolvedOptions {
  const { name, sizeMultiple } = defaults;
  const { width = defaults.width, classes = defaults.classes, seed = 1, init = "varied", batch = 1 } = options;
  const { size, dynamic = size === undefined } = options;
  const refuse = (expected: string, got: unknown): never => {
    throw new ClockworkError("invalid-argument", `${name}: expected ${expected}, got ${String(got)}`);
  };
  if (!(width > 0 && Number.isFinite(width))) refuse("`width` to be a positive number", width);
  if (!(Number.isInteger(classes) && classes >= 1)) refuse("`classes` to be a positive integer", classes);
  if (!Number.isInteger(seed)) refuse("`seed` to be an integer", seed);
  if (!weightInits.includes(init)) refuse(`\`init\` to be one of ${weightInits.join(", ")}`, init);
  if (!(Number.isInteger(batch) && batch >= 1)) refuse("`batch` to be a positive integer", batch);
  for (const length of size === undefined ? [] : [size.heightPx, size.widthPx]) {
    if (!(Number.isInteger(length) && length >= 1 && length % sizeMultiple === 0)) {
      refuse(`\`size\` in positive multiples of ${sizeMultiple}`, length);
    }
  }
  if (size === undefined && !dynamic) refuse("`size` where `dynamic` is false", size);
  return { name, width, classes, seed, init, batch, size, dynamic };
}
