// A drawn augmentation as a graph: a clip of decoded frames with their labels in, what a network trains on out. One graph
// for all transforms and source sizes; one transform for all frames of a clip. No loop in TypeScript goes over pixels.

import type { EngineTensor } from "../../engine/index.ts";
import { ClockworkError } from "../../errors.ts";
import { byteTensor, float, GraphBuilder, modelOf, type Model } from "../../onnx/index.ts";
import type { Preprocessing } from "../../preprocessing.ts";
import type { Augmentation, Transform } from "./augmentation.ts";
import { blurred, gaussianKernel, kernelLength } from "./blur.ts";
import { noisy } from "./noise.ts";
import { castTo, SourcePixels, type Nearest } from "./source-pixels.ts";

/** Label of pixels that no loss counts. */
export const ignoreLabel = 255;

/** What the graph is built for. */
export interface AugmentGraphOptions {
  /** Its crop is the size of what comes out; the graph has blur, gamma and noise only where it has them. */
  readonly augmentation: Augmentation;
  /** Its channel order, scale, mean and deviation are applied; its sizes are not looked at. */
  readonly preprocessing: Preprocessing;
  /** The network's label, or {@link ignoreLabel}, for each of 256 labels of the source. */
  readonly lookup: readonly number[];
}

/** Names of inputs that only graphs with the effect have. */
const inputOf = {
  gamma: "gamma",
  kernel: "blur_kernel",
  deviation: "noise_deviation",
  starts: "noise_starts",
} as const;

/**
 * The graph. Inputs: `frames` uint8 [T, H, W, 3] RGB; `labels` uint8 [T, H, W]; and those of {@link transformFeeds}.
 * Outputs: `image` float32 [T, 3, h, w], `labels_out` uint8 [T, h, w].
 *
 * Images are sampled bilinearly, from copies of half the size again and again where the transform makes them smaller by
 * more than 1.5, and blurred; colours are moved, cut off at black and white, and bent by gamma; noise is added, and cut
 * off likewise; then they are normalised as for inference. Labels are those of the nearest pixel. Where that lies outside of
 * the source, the image is 0 after normalisation and the label is {@link ignoreLabel}.
 *
 * @throws {ClockworkError} `invalid-argument` where the lookup table has not 256 bytes.
 */
export function augmentModel(options: AugmentGraphOptions): Model {
  checkLookup(options.lookup);
  const { augmentation } = options;
  const { crop } = augmentation;
  const b = new GraphBuilder("augment");
  const frames = b.input("frames", "uint8", ["frames", "height", "width", 3]);
  const labels = b.input("labels", "uint8", ["frames", "height", "width"]);
  const affine = b.input("affine", "float32", [6]);
  const colour = b.input("colour", "float32", [3, 4]);

  const source = new SourcePixels(b, affine, crop);
  const nearest = source.nearest(labels);
  const sampled = inFocusOrNot(b, source.bilinear(frames), augmentation);
  const coloured = bent(b, recoloured(b, sampled, colour, options), augmentation);
  const image = normalised(b, grainy(b, coloured, augmentation), options);
  const inside = b.add("inside/float", "Cast", [nearest.inside], { to: castTo.float32 });
  const masked = b.add("masked", "Mul", [image, inside]);
  const imageShape = b.int64("image/shape", [4], [-1, 3, crop.heightPx, crop.widthPx]);
  const labelShape = b.int64("labels/shape", [3], [-1, crop.heightPx, crop.widthPx]);
  b.output(b.add("image", "Reshape", [masked, imageShape]), "float32", ["frames", 3, crop.heightPx, crop.widthPx]);
  const mapped = mappedLabels(b, labels, nearest, options.lookup);
  b.output(b.add("labels_out", "Reshape", [mapped, labelShape]), "uint8", ["frames", crop.heightPx, crop.widthPx]);
  return modelOf(b.build());
}

/**
 * A transform as feeds of a graph of an augmentation: `affine` float32 [6] and `colour` float32 [3, 4]; where it has them,
 * `gamma` float32 [], `blur_kernel` float32 [K], `noise_deviation` float32 [] and `noise_starts` int64 [T].
 * @param noiseStarts one for each frame, as of `drawNoise`
 */
export function transformFeeds(
  augmentation: Augmentation,
  { affine, colour, gamma, blurPx, noise }: Transform,
  noiseStarts: readonly number[],
): Readonly<Record<string, EngineTensor>> {
  const numbers = (dims: readonly number[], values: readonly number[] | Float32Array<ArrayBuffer>): EngineTensor => ({
    dtype: "float32",
    dims,
    data: Float32Array.from(values),
  });
  const length = kernelLength(augmentation.blur?.sigmaPx ?? 0);
  return {
    affine: numbers([6], affine),
    colour: numbers([3, 4], colour),
    ...(bends(augmentation) && { [inputOf.gamma]: numbers([], [gamma]) }),
    ...(blurs(augmentation) && { [inputOf.kernel]: numbers([length], gaussianKernel(blurPx, length)) }),
    ...(addsNoise(augmentation) && {
      [inputOf.deviation]: numbers([], [noise]),
      [inputOf.starts]: {
        dtype: "int64",
        dims: [noiseStarts.length],
        data: BigInt64Array.from(noiseStarts, (start) => BigInt(start)),
      },
    }),
  };
}

function bends({ colour }: Augmentation): boolean {
  return (colour?.gamma ?? 0) > 0;
}

function blurs({ blur }: Augmentation): boolean {
  return (blur?.sigmaPx ?? 0) > 0;
}

function addsNoise({ noise }: Augmentation): boolean {
  return (noise?.deviation ?? 0) > 0;
}

function checkLookup(lookup: readonly number[]): void {
  const bad = lookup.findIndex((label) => !(Number.isInteger(label) && label >= 0 && label <= 255));
  if (lookup.length === 256 && bad < 0) return;
  const got = bad < 0 ? `${lookup.length} of them` : `${lookup[bad]} for ${bad}`;
  throw new ClockworkError("invalid-argument", `lookup: expected 256 labels from 0 to 255, got ${got}`);
}

/** Labels of the nearest pixels, uint8 [T, pixels]. */
function mappedLabels(b: GraphBuilder, labels: string, nearest: Nearest, lookup: readonly number[]): string {
  const flat = b.add("labels/flat", "Reshape", [labels, b.int64("labels/flat/shape", [2], [0, -1])]);
  const found = b.add("labels/found", "Gather", [flat, nearest.index], { axis: 1 });
  const table = b.initializer("lookup", byteTensor("uint8", [256], lookup));
  const places = b.add("labels/places", "Cast", [found], { to: castTo.int32 });
  const mapped = b.add("labels/mapped", "Gather", [table, places]);
  const ignore = b.initializer("ignore", byteTensor("uint8", [], [ignoreLabel]));
  return b.add("labels/known", "Where", [nearest.inside, mapped, ignore]);
}

/** The colour transform, from RGB to the network's channel order; from 0 to 255 on both sides. */
function recoloured(b: GraphBuilder, image: string, colour: string, { preprocessing }: AugmentGraphOptions): string {
  const order = preprocessing.channelOrder === "bgr" ? [2, 1, 0] : [0, 1, 2];
  const ordered = b.add("colour/ordered", "Gather", [colour, b.int64("colour/order", [3], order)], { axis: 0 });
  const outputs = ["colour/matrix", "colour/constant"];
  b.add("colour/parts", "Split", [ordered, b.int64("colour/sizes", [2], [3, 1])], { axis: 1 }, { outputs });
  const white = b.float32("colour/white", [], [255]);
  const constant = b.add("colour/level", "Mul", ["colour/constant", white]);
  const mixed = b.add("colour/mixed", "MatMul", ["colour/matrix", image]);
  const moved = b.add("colour/moved", "Add", [mixed, constant]);
  return b.add("colour/cut", "Clip", [moved, b.float32("colour/black", [], [0]), white]);
}

/** Frames [T, 3, pixels] blurred, where the augmentation does it. */
function inFocusOrNot(b: GraphBuilder, frames: string, augmentation: Augmentation): string {
  if (!blurs(augmentation)) return frames;
  const length = kernelLength(augmentation.blur?.sigmaPx ?? 0);
  const kernel = b.input(inputOf.kernel, "float32", [length]);
  return blurred(b, frames, kernel, { ...augmentation.crop, length });
}

/** Values from 0 to 255 raised to a power, where the augmentation does it. */
function bent(b: GraphBuilder, image: string, augmentation: Augmentation): string {
  if (!bends(augmentation)) return image;
  const gamma = b.input(inputOf.gamma, "float32", []);
  const whole = b.float32("gamma/white", [], [255]);
  const raised = b.add("gamma/raised", "Pow", [b.add("gamma/share", "Div", [image, whole]), gamma]);
  return b.add("gamma/bent", "Mul", [raised, whole]);
}

/** Frames [T, 3, pixels] with noise, from 0 to 255, where the augmentation adds it. */
function grainy(b: GraphBuilder, frames: string, augmentation: Augmentation): string {
  if (!addsNoise(augmentation)) return frames;
  const deviation = b.input(inputOf.deviation, "float32", []);
  const starts = b.input(inputOf.starts, "int64", ["frames"]);
  const { widthPx, heightPx } = augmentation.crop;
  const added = noisy(b, frames, starts, deviation, widthPx * heightPx);
  const ends = [b.float32("noise/black", [], [0]), b.float32("noise/white", [], [255])];
  return b.add("noise/cut", "Clip", [added, ...ends]);
}

/** The very arithmetic of inference (`compile/frame-graph.ts`). */
function normalised(b: GraphBuilder, image: string, { preprocessing }: AugmentGraphOptions): string {
  const { scale, mean, std } = preprocessing;
  const channels = [0, 1, 2];
  const at = (list: readonly number[], channel: number, fallback: number): number =>
    list[channel] ?? list[0] ?? fallback;
  const constant = (name: string, value: (channel: number) => number): string =>
    b.float32(`normalised/${name}`, [3], channels.map(value));
  return b.add(
    "normalised",
    "BatchNormalization",
    [
      image,
      constant("factors", (channel) => scale / at(std, channel, 1)),
      constant("offsets", (channel) => -at(mean, channel, 0) / at(std, channel, 1)),
      constant("zeros", () => 0),
      constant("ones", () => 1),
    ],
    { epsilon: float(0) },
  );
}
