// The face of a network: the one tensor that takes the image and the one that gives the scores.
// Found from the file, by the conventions of the common exporters; what does not fit is refused with a reason.

import { ClockworkError } from "../errors.ts";
import type { Dim, DType, Graph, Value } from "../onnx/index.ts";

/** Order of the axes of an image tensor. */
export type Layout = "nchw" | "nhwc";

/** Width and height in pixels. */
export interface Size {
  readonly widthPx: number;
  readonly heightPx: number;
}

/** The tensor that takes the image. */
export interface ImageInput {
  readonly name: string;
  readonly dtype: DType;
  readonly layout: Layout;
  readonly channels: 1 | 3;
  /** Length where the file fixes it. */
  readonly widthPx: number | undefined;
  readonly heightPx: number | undefined;
}

/** What the values of the output are. */
export type OutputKind =
  /** One channel per class: the largest is the label. */
  | "scores"
  /** One channel: the label is 1 where it exceeds a threshold. */
  | "foreground"
  /** Labels already. */
  | "labels";

/** The tensor that gives the result. */
export interface ScoresOutput {
  readonly name: string;
  readonly dtype: DType;
  readonly kind: OutputKind;
  readonly layout: Layout;
  /** Shape at the network's size. */
  readonly dims: readonly number[];
  /** Size of the map at the network's size. */
  readonly size: Size;
  /** Number of classes; `undefined` where the network gives labels and nothing tells. */
  readonly classes: number | undefined;
}

/** Width and height as people write them. */
export function sizeText(size: Size): string {
  return `${size.widthPx}x${size.heightPx}`;
}

/**
 * The image input of a graph.
 * @throws ClockworkError `unsupported-model` where there is none, or where there are other inputs besides it
 */
export function imageInputOf(graph: Graph): ImageInput {
  const inputs = graph.inputs.filter((input) => !graph.initializers.has(input.name));
  const image = inputs.map(asImage).find((found) => found !== undefined);
  if (image === undefined || inputs.length !== 1) {
    const list = inputs.map((input) => `${input.name} ${shapeText(input)}`).join(", ") || "none";
    throw new ClockworkError(
      "unsupported-model",
      `network: expected one input, an image [1,3,H,W] or [1,H,W,3], got ${inputs.length}: ${list}` +
        (inputs.length > 1 ? "; networks with memory or prompts of their own cannot be given a clock yet" : ""),
    );
  }
  return image;
}

function asImage(value: Value): ImageInput | undefined {
  if (value.type.kind !== "tensor") return undefined;
  const { dtype, shape } = value.type;
  const usable = dtype === "float32" || dtype === "float16" || dtype === "uint8" || dtype === "float64";
  if (!usable || shape?.length !== 4 || (typeof shape[0] === "number" && shape[0] > 1)) return undefined;
  const isChannels = (dim: Dim): boolean => dim === 3 || dim === 1;
  const last = shape[3];
  // [1,H,W,3] only where the last axis says so and the second does not: an unnamed second axis is the channels.
  const layout: Layout = isChannels(last) && !isChannels(shape[1]) ? "nhwc" : "nchw";
  const channels = layout === "nchw" ? shape[1] : last;
  if (typeof channels === "number" && !isChannels(channels)) return undefined;
  const [height, width] = layout === "nchw" ? [shape[2], shape[3]] : [shape[1], shape[2]];
  return {
    name: value.name,
    dtype,
    layout,
    channels: channels === 1 ? 1 : 3,
    widthPx: typeof width === "number" && width > 0 ? width : undefined,
    heightPx: typeof height === "number" && height > 0 ? height : undefined,
  };
}

/** Shape of the image tensor for a size. */
export function imageDims(input: ImageInput, size: Size): readonly number[] {
  return input.layout === "nchw"
    ? [1, input.channels, size.heightPx, size.widthPx]
    : [1, size.heightPx, size.widthPx, input.channels];
}

function shapeText(value: Value): string {
  if (value.type.kind !== "tensor") return "(not a tensor)";
  return `${value.type.dtype} [${value.type.shape?.map((dim) => dim ?? "?").join(",") ?? "any"}]`;
}

/** Names by which exporters call the output that matters, most telling first. */
const outputNames = ["logits", "out", "output", "scores", "pred", "semantic", "segmentation", "mask"];

/**
 * The result among the outputs of a graph: the one that is asked for, else the one whose name says so, else the first
 * that can be a label or score map. Auxiliary heads come after the main one in every exporter seen.
 *
 * @throws ClockworkError `unsupported-model` where no output is a map of scores or labels
 */
export function scoresOutputOf(
  graph: Graph,
  input: ImageInput,
  size: Size,
  shapes: ReadonlyMap<string, readonly number[]>,
  dtypes: ReadonlyMap<string, DType>,
  wanted?: string,
): ScoresOutput {
  const maps = graph.outputs
    .map(({ name }) => asScores(name, input.layout, size, shapes.get(name), dtypes.get(name)))
    .filter((map) => map !== undefined);
  const list = (): string =>
    graph.outputs.map(({ name }) => `${name} [${shapes.get(name)?.join(",") ?? "?"}]`).join(", ");
  if (wanted !== undefined) {
    const map = maps.find(({ name }) => name === wanted);
    if (map !== undefined) return map;
    throw new ClockworkError("invalid-argument", `network output: expected one of ${list()}, got "${wanted}"`);
  }
  const named = outputNames
    .map((name) => maps.find((map) => map.name.toLowerCase() === name))
    .find((map) => map !== undefined);
  const result = named ?? maps.find((map) => map.kind === "scores") ?? maps[0];
  if (result === undefined) {
    throw new ClockworkError(
      "unsupported-model",
      `network: expected an output of scores [1,C,h,w] or labels [1,h,w], got ${list()}; is this a segmentation network?`,
    );
  }
  return result;
}

function asScores(
  name: string,
  layout: Layout,
  size: Size,
  dims: readonly number[] | undefined,
  dtype: DType | undefined,
): ScoresOutput | undefined {
  if (dims === undefined || dtype === undefined) return undefined;
  const integral = dtype.startsWith("int") || dtype.startsWith("uint") || dtype === "bool";
  // Maps have about the proportions of the image; lists of boxes or of class scores do not.
  const isMap = (h: number, w: number): boolean => {
    const stretch = (h * size.widthPx) / (w * size.heightPx);
    return Math.min(h, w) >= 2 && (fits(h, w) || (stretch > 0.8 && stretch < 1.25));
  };
  // As much as rounding to whole pixels at any stride can make.
  const fits = (h: number, w: number): boolean =>
    Math.abs(h * size.widthPx - w * size.heightPx) <= Math.max(size.widthPx, size.heightPx) * 2;
  const labels = (heightPx: number, widthPx: number): ScoresOutput | undefined =>
    !isMap(heightPx, widthPx)
      ? undefined
      : integral
        ? { name, dtype, kind: "labels", layout, dims, size: { widthPx, heightPx }, classes: undefined }
        : { name, dtype, kind: "foreground", layout, dims, size: { widthPx, heightPx }, classes: 2 };
  const [a = 0, b = 0, c = 0, d = 0] = dims;
  if (dims.length === 2) return labels(a, b);
  if (dims.length === 3 && a === 1) return labels(b, c);
  if (dims.length !== 4 || a !== 1) return undefined;
  if (b === 1) return labels(c, d);
  if (d === 1 && (layout === "nhwc" || integral)) return labels(b, c);
  if (integral) return undefined;
  // The axes of the scores are those of the image unless only the other reading has the image's proportions.
  const asNchw = layout === "nchw" ? fits(c, d) || !fits(b, c) : fits(c, d) && !fits(b, c);
  const [heightPx, widthPx, classes] = asNchw ? [c, d, b] : [b, c, d];
  if (!isMap(heightPx, widthPx)) return undefined;
  return { name, dtype, kind: "scores", layout: asNchw ? "nchw" : "nhwc", dims, size: { widthPx, heightPx }, classes };
}
