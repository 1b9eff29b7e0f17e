// What several commands take, and how the texts of flags become values. Commander reports what these throw.

import { Option, type Command } from "commander";
import { ClockworkError } from "../errors.ts";
import type { Size } from "../network/index.ts";
import { readJson } from "../node/json-file.ts";
import { parseScheduleFile, type ScheduleFile } from "../tune/index.ts";

/** Flags that say which network and how it is cut. */
export interface NetworkFlags {
  readonly stages?: number;
  readonly cut?: readonly string[];
  readonly plan?: string;
  readonly networkOutput?: string;
}

/** Adds the flags of {@link NetworkFlags}. */
export function withNetworkFlags(command: Command): Command {
  return command
    .option(
      "--stages <n>",
      "number of stages to cut the network into; 1 is the whole network (default: 2)",
      wholeNumber("--stages"),
    )
    .option(
      "--cut <edges>",
      'cut here, as "tensor->node,node"; once for each stage after the first, shallowest first',
      repeated,
    )
    .addOption(new Option("--plan <file>", "use a plan that `inspect --save` wrote").conflicts(["stages", "cut"]))
    .option("--network-output <name>", "the network's output that has the result (default: found by itself)");
}

/** Most pixels of a size: twice those of 8K video; more is a slip of the hand. */
const mostPixels = 2 ** 26;

/** Parses `640x480`. */
export function parseSize(flag: string): (text: string) => Size {
  return (text) => {
    const match = /^(\d{1,5})x(\d{1,5})$/i.exec(text.trim());
    const [widthPx, heightPx] = [Number(match?.[1]), Number(match?.[2])];
    if (match === null || widthPx < 1 || heightPx < 1) {
      throw new ClockworkError("invalid-argument", `${flag}: expected WIDTHxHEIGHT, as 640x480, got "${text}"`);
    }
    if (widthPx * heightPx > mostPixels) {
      throw new ClockworkError("invalid-argument", `${flag}: expected at most ${mostPixels} pixels, got ${text}`);
    }
    return { widthPx, heightPx };
  };
}

/** Parses the size at which a network runs. */
export function networkSize(text: string): Size | "native" {
  return text === "native" ? "native" : parseSize("--size")(text);
}

/** Parses a whole number from 1. */
export function wholeNumber(flag: string): (text: string) => number {
  return countFrom(flag, 1);
}

/** Parses a whole number from `least`. */
export function countFrom(flag: string, least: number): (text: string) => number {
  return (text) => {
    const number = text.trim() === "" ? Number.NaN : Number(text);
    if (!Number.isInteger(number) || number < least) {
      throw new ClockworkError("invalid-argument", `${flag}: expected a whole number from ${least}, got "${text}"`);
    }
    return number;
  };
}

/** Collects a flag that may be repeated. */
export function repeated(value: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), value];
}

/** Parses a number above 0. */
export function positive(flag: string): (text: string) => number {
  return (text) => {
    const number = Number(text);
    if (!(number > 0 && number < Infinity)) {
      throw new ClockworkError("invalid-argument", `${flag}: expected a number above 0, got "${text}"`);
    }
    return number;
  };
}

/** Parses a share from 0 to 1. */
export function share(flag: string): (text: string) => number {
  return (text) => {
    const number = text.trim() === "" ? Number.NaN : Number(text);
    if (!(number >= 0 && number <= 1)) {
      throw new ClockworkError("invalid-argument", `${flag}: expected a number from 0 to 1, got "${text}"`);
    }
    return number;
  };
}

/** The model of a command: its argument, or `--model`. */
export function modelSpec(argument: string | undefined, flag: string | undefined): string {
  const spec = argument ?? flag ?? "";
  if (spec === "") {
    throw new ClockworkError(
      "invalid-argument",
      "model: expected a model folder, an .onnx file or hf:owner/name, got none",
    );
  }
  return spec;
}

/** Reads the tuned schedule of `--schedule`. */
export async function readSchedule(path: string): Promise<ScheduleFile> {
  return parseScheduleFile(await readJson(path), path);
}
