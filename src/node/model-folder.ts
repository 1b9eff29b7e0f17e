// A model written to disk: an ONNX file, or a folder in the layout of Hugging Face. Opening is in `models/`.

import { mkdir } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { ClockworkError, reasonOf } from "../errors.ts";
import { CONFIG_FILE, PREPROCESSOR_FILE } from "../models/layout.ts";
import { inlineLimitBytes, tensorBytes, writeModel, type Model } from "../onnx/index.ts";
import type { Preprocessing } from "../preprocessing.ts";
import { writeAllWhole, type Content } from "./whole-file.ts";

/** What a model folder says besides the network. */
export interface ModelDescription {
  /** Names of the classes by label. */
  readonly classNames: readonly string[];
  /** Content of its preprocessor_config.json, such as of {@link preprocessorOf}. */
  readonly preprocessor: unknown;
}

/**
 * Writes a model folder: every file whole, the network last.
 * @throws ClockworkError `io` where it cannot be written
 */
export async function writeModelFolder(folder: string, model: Model, description: ModelDescription): Promise<void> {
  await mkdir(join(folder, "onnx"), { recursive: true }).catch((cause: unknown) => {
    throw new ClockworkError("io", `${folder}: expected a folder that can be made (${reasonOf(cause)})`, { cause });
  });
  const text = (content: unknown): string => `${JSON.stringify(content, undefined, 2)}\n`;
  const id2label = Object.fromEntries(description.classNames.entries());
  await writeAllWhole([
    [join(folder, CONFIG_FILE), text({ id2label })],
    [join(folder, PREPROCESSOR_FILE), text(description.preprocessor)],
    ...modelFiles(model, join(folder, "onnx", "model.onnx")),
  ]);
}

/** A model as files, with its weights in a second one where they exceed what one can hold. */
export function modelFiles(model: Model, path: string): readonly (readonly [path: string, content: Content])[] {
  const external = weightBytes(model) > inlineLimitBytes ? `${basename(path)}.data` : undefined;
  const written = writeModel(model, external === undefined ? {} : { external });
  const files: readonly (readonly [string, Content])[] =
    external === undefined ? [] : [[join(dirname(path), external), written.external]];
  return [...files, [path, written.bytes]];
}

/** Bytes of a model's weights. */
export function weightBytes({ graph }: Model): number {
  return [...graph.initializers.values()].reduce((sum, tensor) => sum + tensorBytes(tensor), 0);
}

/**
 * A preprocessing as a preprocessor_config.json says it; its size is the frame's.
 * @param sizeMultiple number that height and width of frames are rounded to multiples of
 */
export function preprocessorOf({ channelOrder, scale, mean, std }: Preprocessing, sizeMultiple: number): unknown {
  return {
    do_resize: false,
    do_rescale: true,
    rescale_factor: scale,
    do_normalize: true,
    image_mean: mean,
    image_std: std,
    ...(channelOrder === "bgr" && { do_flip_channel_order: true }),
    ...(sizeMultiple > 1 && { size_divisor: sizeMultiple }),
  };
}
