// What happens to a frame before the network sees it: channel order, scale, mean and deviation, and the size. Read from
// the `preprocessor_config.json` of a Hugging Face model folder, in the forms that the segmentation processors of
// `transformers` write. A description only: nothing here touches a pixel, and no file is read here.

import { ClockworkError } from "./errors.ts";

/** How the size of the network's input follows from the size of a frame, before `multipleOf`. */
export type InputSize =
  /** The frame's own size. */
  | { readonly kind: "native" }
  /** Always this size; the aspect is not kept. */
  | { readonly kind: "exact"; readonly widthPx: number; readonly heightPx: number }
  /** Aspect kept: the shorter edge becomes `px`, less where the longer edge would exceed `maxPx`. */
  | { readonly kind: "shortest-edge"; readonly px: number; readonly maxPx?: number }
  /** Aspect kept: the largest size that fits into this box. */
  | { readonly kind: "within"; readonly widthPx: number; readonly heightPx: number }
  /** Aspect kept: the width or the height becomes that of the box, whichever changes the frame less (as DPT does). */
  | { readonly kind: "least-change"; readonly widthPx: number; readonly heightPx: number };

/**
 * From a frame to the network's input. Of a channel value 0..255 the network sees `(scale * value - mean) / std`, with
 * the `mean` and `std` of that channel.
 */
export interface Preprocessing {
  /** Order of the channels in the network's input; `mean` and `std` are in this order too. */
  readonly channelOrder: "rgb" | "bgr";
  /** Multiplies the value 0..255. */
  readonly scale: number;
  /** One number a channel, in the order of the network's input, subtracted from the scaled value. */
  readonly mean: readonly number[];
  /** One number a channel, in the order of the network's input, never 0. */
  readonly std: readonly number[];
  readonly size: InputSize;
  /** Width and height are rounded to the nearest multiple of this number of pixels, and are at least one multiple. */
  readonly multipleOf?: number;
}

const IMAGENET_MEAN: readonly number[] = [0.485, 0.456, 0.406];
const IMAGENET_STD: readonly number[] = [0.229, 0.224, 0.225];
const HALF: readonly number[] = [0.5, 0.5, 0.5];
const BYTE_TO_UNIT = 1 / 255;

/** What is assumed of a bare `.onnx`: RGB, 1/255, mean and deviation of ImageNet, the frame's own size. */
export function defaultPreprocessing(): Preprocessing {
  return {
    channelOrder: "rgb",
    scale: BYTE_TO_UNIT,
    mean: IMAGENET_MEAN,
    std: IMAGENET_STD,
    size: { kind: "native" },
  };
}

/**
 * The size of the network's input for frames of a size.
 *
 * @example
 * ```ts
 * import { defaultPreprocessing, networkSize } from "clockwork-convnets";
 * const preprocessing = { ...defaultPreprocessing(), multipleOf: 32 };
 * networkSize(preprocessing, { widthPx: 1920, heightPx: 1080 }); // { widthPx: 1920, heightPx: 1088 }
 * ```
 */
export function networkSize(
  preprocessing: Preprocessing,
  frame: { readonly widthPx: number; readonly heightPx: number },
): { widthPx: number; heightPx: number } {
  const { widthPx, heightPx } = sizeBeforeRounding(preprocessing.size, frame);
  const step = preprocessing.multipleOf ?? 1;
  const round = (px: number): number => Math.max(1, Math.round(px / step)) * step;
  return { widthPx: round(widthPx), heightPx: round(heightPx) };
}

function sizeBeforeRounding(
  size: InputSize,
  frame: { readonly widthPx: number; readonly heightPx: number },
): { widthPx: number; heightPx: number } {
  const scaled = (factor: number): { widthPx: number; heightPx: number } => ({
    widthPx: frame.widthPx * factor,
    heightPx: frame.heightPx * factor,
  });
  switch (size.kind) {
    case "native":
      return { widthPx: frame.widthPx, heightPx: frame.heightPx };
    case "exact":
      return { widthPx: size.widthPx, heightPx: size.heightPx };
    case "shortest-edge": {
      // Whole pixels, cut off and not rounded, as `get_resize_output_image_size` of transformers does.
      const longFrame = Math.max(frame.widthPx, frame.heightPx);
      let short = size.px;
      let long = Math.floor((size.px * longFrame) / Math.min(frame.widthPx, frame.heightPx));
      if (size.maxPx !== undefined && long > size.maxPx) {
        short = Math.floor((size.maxPx * short) / long);
        long = size.maxPx;
      }
      return frame.widthPx <= frame.heightPx ? { widthPx: short, heightPx: long } : { widthPx: long, heightPx: short };
    }
    case "within":
      return scaled(Math.min(size.widthPx / frame.widthPx, size.heightPx / frame.heightPx));
    case "least-change": {
      const byWidth = size.widthPx / frame.widthPx;
      const byHeight = size.heightPx / frame.heightPx;
      return scaled(Math.abs(1 - byWidth) < Math.abs(1 - byHeight) ? byWidth : byHeight);
    }
  }
}

/**
 * Reads the parsed content of a `preprocessor_config.json`. `where` names the file in messages. Keys that are missing or
 * `null` take the defaults of the processor that wrote the file; unknown keys are passed over; a known key with a value
 * of the wrong type is an error. `warnings` say what had to be assumed and which steps of the file are not done here.
 *
 * `image_mean[i]` and `image_std[i]` belong to channel i of the network's input, also where the order is flipped.
 */
export function parsePreprocessing(
  json: unknown,
  where: string,
): { preprocessing: Preprocessing; warnings: readonly string[] } {
  const file = new Section(asRecord(json, where), where);
  const warnings: string[] = [];
  const processor = file.text("image_processor_type") ?? file.text("feature_extractor_type") ?? "";
  const size = parseSize(file, processor, warnings);
  const multipleOf = parseMultiple(file);
  warnAboutSkippedSteps(file, processor, warnings);
  const factor = file.number("rescale_factor") ?? BYTE_TO_UNIT;
  return {
    preprocessing: {
      channelOrder: (file.flag("do_flip_channel_order") ?? isMobileVit(processor)) ? "bgr" : "rgb",
      scale: (file.flag("do_rescale") ?? true) ? factor : 1,
      ...parseNormalisation(file, processor, warnings),
      size,
      ...(multipleOf === undefined ? {} : { multipleOf }),
    },
    warnings,
  };
}

function isMobileVit(processor: string): boolean {
  return processor.startsWith("MobileViT");
}

function parseNormalisation(
  file: Section,
  processor: string,
  warnings: string[],
): { mean: readonly number[]; std: readonly number[] } {
  const given = { mean: file.channels("image_mean"), std: file.channels("image_std") };
  const zero = given.std?.indexOf(0) ?? -1;
  if (zero >= 0) throw file.wrong(`image_std[${zero}]`, "a number other than 0", 0);
  // The MobileViT processor is the one with `do_flip_channel_order`, and the one without a normalisation.
  const neverNormalises = isMobileVit(processor) || file.flag("do_flip_channel_order") !== undefined;
  const bare = given.mean === undefined && given.std === undefined;
  if (!(file.flag("do_normalize") ?? !(neverNormalises && bare))) return { mean: [0, 0, 0], std: [1, 1, 1] };

  const half = /^(?:DPT|Beit|MobileNetV|ViT)/.test(processor);
  const fallback = half ? { mean: HALF, std: HALF } : { mean: IMAGENET_MEAN, std: IMAGENET_STD };
  for (const part of ["mean", "std"] as const) {
    if (given[part] !== undefined) continue;
    const origin = half ? `the default of ${processor}` : "that of ImageNet";
    warnings.push(`${file.where}: image_${part} is missing; assumed [${fallback[part].join(", ")}], ${origin}`);
  }
  return { mean: given.mean ?? fallback.mean, std: given.std ?? fallback.std };
}

function parseSize(file: Section, processor: string, warnings: string[]): InputSize {
  const value = file.value("size");
  const resize = file.flag("do_resize") ?? true;
  const keepAspect = file.flag("keep_aspect_ratio") ?? false;
  const maxPx = file.count("max_size");
  if (value === undefined) {
    if (resize) warnings.push(`${file.where}: size is missing; frames go to the network at their own size`);
    return { kind: "native" };
  }
  const size = readSize(file, value, { processor, keepAspect, maxPx });
  return resize ? size : { kind: "native" };
}

function readSize(
  file: Section,
  value: unknown,
  how: { processor: string; keepAspect: boolean; maxPx: number | undefined },
): InputSize {
  const box = (widthPx: number, heightPx: number): InputSize => ({
    kind: how.keepAspect ? "least-change" : "exact",
    widthPx,
    heightPx,
  });
  const shortest = (px: number, maxPx: number | undefined): InputSize =>
    maxPx === undefined ? { kind: "shortest-edge", px } : { kind: "shortest-edge", px, maxPx };

  if (typeof value === "number") {
    const px = file.count("size") ?? value;
    const isShortestEdge = how.maxPx !== undefined || /^(?:Mobile(?:ViT|Net)|Mask|OneFormer)/.test(how.processor);
    return isShortestEdge ? shortest(px, how.maxPx) : box(px, px);
  }
  if (Array.isArray(value)) {
    // Height first, as transformers reads it.
    const [heightPx, widthPx] = value.map((_, index) => file.countAt(`size[${index}]`, value[index]));
    if (heightPx === undefined || widthPx === undefined || value.length !== 2) {
      throw file.wrong("size", "[height, width]", value);
    }
    return box(widthPx, heightPx);
  }
  if (!isRecord(value)) throw file.wrong("size", "a number, [height, width] or an object", value);
  const at = new Section(value, file.where, "size.");
  const height = at.count("height");
  const width = at.count("width");
  if (height !== undefined && width !== undefined) return box(width, height);
  const shortestEdge = at.count("shortest_edge");
  const longestEdge = at.count("longest_edge");
  if (shortestEdge !== undefined) return shortest(shortestEdge, longestEdge ?? how.maxPx);
  if (longestEdge !== undefined) return { kind: "within", widthPx: longestEdge, heightPx: longestEdge };
  const maxHeight = at.count("max_height");
  const maxWidth = at.count("max_width");
  if (maxHeight !== undefined && maxWidth !== undefined) {
    return { kind: "within", widthPx: maxWidth, heightPx: maxHeight };
  }
  throw file.wrong("size", "height and width, shortest_edge, longest_edge, or max_height and max_width", value);
}

/** The multiple that width and height must be of; 0 and 1 in the file mean none. */
function parseMultiple(file: Section): number | undefined {
  let multiple: number | undefined;
  for (const key of ["size_divisibility", "size_divisor", "ensure_multiple_of"]) {
    const value = file.number(key);
    if (value === undefined || value === 0 || value === 1) continue;
    multiple = file.countAt(key, value);
  }
  return multiple;
}

function warnAboutSkippedSteps(file: Section, processor: string, warnings: string[]): void {
  const crop = file.value("crop_size");
  const cropsByDefault = isMobileVit(processor) || crop !== undefined;
  if (file.flag("do_center_crop") ?? cropsByDefault) {
    const size = crop === undefined ? "" : ` to ${JSON.stringify(crop)}`;
    warnings.push(`${file.where}: do_center_crop${size} is not done: the whole frame goes to the network`);
  }
  if (file.flag("do_pad") === true && (file.value("pad_size") ?? file.value("size_divisor")) !== undefined) {
    warnings.push(`${file.where}: do_pad is not done: frames are resized and not padded`);
  }
  if (file.flag("do_split_image") === true) {
    warnings.push(`${file.where}: do_split_image is not done: the whole frame goes to the network at once`);
  }
}

function asRecord(value: unknown, where: string): Readonly<Record<string, unknown>> {
  if (isRecord(value)) return value;
  throw new ClockworkError("invalid-model", `${where}: expected a JSON object, got ${shown(value)}`);
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? "nothing";
  const short = text.length > 60 ? `${text.slice(0, 57)}...` : text;
  return `${short} (${Array.isArray(value) ? "array" : value === null ? "null" : typeof value})`;
}

/** Typed access to an object of the file. `null` counts as missing, as in Python. */
class Section {
  readonly where: string;
  private readonly content: Readonly<Record<string, unknown>>;
  private readonly prefix: string;

  constructor(content: Readonly<Record<string, unknown>>, where: string, prefix = "") {
    this.content = content;
    this.where = where;
    this.prefix = prefix;
  }

  value(key: string): unknown {
    return Object.hasOwn(this.content, key) ? (this.content[key] ?? undefined) : undefined;
  }

  wrong(path: string, expected: string, got: unknown): ClockworkError {
    return new ClockworkError(
      "invalid-model",
      `${this.where}: ${this.prefix}${path}: expected ${expected}, got ${shown(got)}`,
    );
  }

  flag(key: string): boolean | undefined {
    const value = this.value(key);
    if (value === undefined || typeof value === "boolean") return value;
    throw this.wrong(key, "true or false", value);
  }

  text(key: string): string | undefined {
    const value = this.value(key);
    if (value === undefined || typeof value === "string") return value;
    throw this.wrong(key, "a string", value);
  }

  number(key: string): number | undefined {
    const value = this.value(key);
    return value === undefined ? undefined : this.numberAt(key, value);
  }

  /** A number of pixels: a whole number above 0. */
  count(key: string): number | undefined {
    const value = this.value(key);
    return value === undefined ? undefined : this.countAt(key, value);
  }

  countAt(path: string, value: unknown): number {
    if (typeof value === "number" && Number.isSafeInteger(value) && value > 0) return value;
    throw this.wrong(path, "a whole number above 0", value);
  }

  /** Three numbers, one a channel; a single number stands for all three. */
  channels(key: string): readonly number[] | undefined {
    const value = this.value(key);
    if (value === undefined) return undefined;
    if (typeof value === "number") {
      const number = this.numberAt(key, value);
      return [number, number, number];
    }
    if (!Array.isArray(value) || value.length !== 3) throw this.wrong(key, "three numbers", value);
    return value.map((item: unknown, index) => this.numberAt(`${key}[${index}]`, item));
  }

  private numberAt(path: string, value: unknown): number {
    if (typeof value === "number" && Number.isFinite(value)) return value;
    throw this.wrong(path, "a number", value);
  }
}
