// Brightness of a picture at the finest scale of motion: means over square cells, as graph nodes. Not a preprocessing:
// no network sees this.

import { ClockworkError } from "../errors.ts";
import type { GraphBuilder } from "../onnx/index.ts";
import type { FlowScale } from "./levels.ts";
import { MotionNodes, motionPrefix } from "./nodes.ts";

/** Luma of ITU-R BT.601, which every decoder's RGB was made from or is near enough to. */
const rgbWeights = [0.299, 0.587, 0.114] as const;

/** Rows of pixels that are looked at in a cell, at least, where it has as many: the mean changes little with more. */
const rowsInCell = 3;

/** Number of float32 in `Cast`. */
const castToFloat32 = 1;

/** A decoded picture. */
export interface FrameLuma {
  /** Name of a tensor uint8 RGB [heightPx, widthPx, 3]. */
  readonly frame: string;
  readonly scale: FlowScale;
  /** Default `clockwork/motion`. */
  readonly prefix?: string;
}

/** Luma 0..1 of a frame, float32 [1, 1, heightCells, widthCells] of the finest level. Nodes `PREFIX/luma/...`. */
export function frameLuma(b: GraphBuilder, { frame, scale, prefix = motionPrefix }: FrameLuma): string {
  const nodes = new MotionNodes(b, `${prefix}/luma`);
  const { cellPx, heightCells, widthCells } = scale.finest;
  // Bytes are thinned out and rows added up before anything is weighted: the picture is passed over once as floats, by
  // the operators that do it fastest.
  const step = Math.max(1, Math.floor(cellPx / rowsInCell));
  const rows = Math.ceil(cellPx / step);
  const span = 3 * cellPx;
  const lines = nodes.reshape("lines", frame, [scale.heightPx, 3 * scale.widthPx]);
  const covered = { rows: heightCells * cellPx, numbers: widthCells * span };
  const isCovered = covered.rows === scale.heightPx && covered.numbers === 3 * scale.widthPx;
  const cropped = isCovered ? lines : slice(nodes, "cropped", lines, [0, 1], [covered.rows, covered.numbers], [1, 1]);
  const cells = nodes.reshape("cells", cropped, [heightCells, cellPx, covered.numbers]);
  const thinned = step === 1 ? cells : slice(nodes, "thinned", cells, [1], [cellPx], [step]);
  const floats = nodes.add("floats", "Cast", [thinned], { to: castToFloat32 });
  const summed = nodes.add("summed", "ReduceSum", [floats, nodes.int64("summed/axes", [1])], { keepdims: 0 });
  const flat = nodes.reshape("flat", summed, [heightCells * widthCells, span]);
  const weights = Array.from({ length: span }, (_, at) => (rgbWeights[at % 3] ?? 0) / (255 * rows * cellPx));
  const means = nodes.add("means", "MatMul", [flat, nodes.float32("weights", [span, 1], weights)]);
  return nodes.reshape("map", means, [1, 1, heightCells, widthCells]);
}

/** From the start of each axis to an end, by steps. */
function slice(
  nodes: MotionNodes,
  part: string,
  tensor: string,
  axes: readonly number[],
  ends: readonly number[],
  steps: readonly number[],
): string {
  return nodes.add(part, "Slice", [
    tensor,
    nodes.int64(
      `${part}/starts`,
      axes.map(() => 0),
    ),
    nodes.int64(`${part}/ends`, ends),
    nodes.int64(`${part}/axes`, axes),
    nodes.int64(`${part}/steps`, steps),
  ]);
}

/** A picture as a network takes it. */
export interface ImageLuma {
  /** Name of a tensor float32 [1, channels, heightPx, widthPx]. */
  readonly image: string;
  /** What luma 0..1 is made of: a weight for each channel, in its order, and a constant. */
  readonly weights: readonly number[];
  readonly offset: number;
  readonly scale: FlowScale;
  /** Default `clockwork/motion`. */
  readonly prefix?: string;
}

/**
 * Luma of an image tensor, float32 [1, 1, heightCells, widthCells] of the finest level. Nodes `PREFIX/luma/...`.
 * @throws ClockworkError `invalid-argument` without weights
 */
export function imageLuma(b: GraphBuilder, options: ImageLuma): string {
  const { image, weights, offset, scale, prefix = motionPrefix } = options;
  if (weights.length === 0) {
    throw new ClockworkError("invalid-argument", "luma of an image: expected a weight for each channel, got none");
  }
  const nodes = new MotionNodes(b, `${prefix}/luma`);
  const { cellPx } = scale.finest;
  const area = cellPx * cellPx;
  const kernel = weights.flatMap((weight) => Array.from({ length: area }, () => weight / area));
  // What does not fill a cell at the end of a row or column is left out by itself.
  return nodes.add(
    "map",
    "Conv",
    [
      image,
      nodes.float32("weights", [1, weights.length, cellPx, cellPx], kernel),
      nodes.float32("offset", [1], [offset]),
    ],
    { kernel_shape: [cellPx, cellPx], strides: [cellPx, cellPx] },
  );
}

/**
 * Weights and offset for an image of which each channel is `(scale * value - mean) / std` of a byte.
 * @param order of the image's channels
 */
export function lumaWeights(normalised: {
  readonly order: "rgb" | "bgr";
  readonly scale: number;
  readonly mean: readonly number[];
  readonly std: readonly number[];
}): { weights: number[]; offset: number } {
  const { order, scale, mean, std } = normalised;
  const share: readonly number[] = order === "rgb" ? rgbWeights : [...rgbWeights].reverse();
  const unit = 255 * scale;
  return {
    weights: share.map((weight, channel) => (weight * (std[channel] ?? std[0] ?? 1)) / unit),
    offset: share.reduce((sum, weight, channel) => sum + (weight * (mean[channel] ?? mean[0] ?? 0)) / unit, 0),
  };
}
