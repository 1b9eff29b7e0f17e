// What several commands take, and how the texts of flags become values. Commander reports what these throw.

import { Option, type Command } from "commander";
import {
  checkSchedule,
  defaultBlend,
  formatSchedule,
  parseSchedule,
  type Propagation,
  type Schedule,
} from "../clocks/index.ts";
import type { MotionOrigin } from "../compile/index.ts";
import { ClockworkError } from "../errors.ts";
import { boxedModel } from "../models/index.ts";
import { sizeText, type Size } from "../network/index.ts";
import { readJson } from "../node/json-file.ts";
import { parseScheduleFile, type ScheduleFile } from "../tune/index.ts";
import { say } from "./terminal.ts";

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

/** Adds the flag of a tuned schedule, which brings its clock and its plan. */
export function withTunedSchedule(command: Command): Command {
  return command.addOption(
    new Option("--schedule <file>", "use the clock and the cut of a schedule that `tune -o` wrote").conflicts([
      "clock",
      "stages",
      "cut",
      "plan",
    ]),
  );
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

/** Parses a whole number, which may be negative. */
export function whole(flag: string): (text: string) => number {
  return (text) => {
    const number = text.trim() === "" ? Number.NaN : Number(text);
    if (!Number.isSafeInteger(number)) {
      throw new ClockworkError("invalid-argument", `${flag}: expected a whole number, got "${text}"`);
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

/** What is said where a command is given no model. */
export const boxedModelLine =
  "no --model: the network in the box, street (trained on a synthetic street; docs/street-model.md)";

/** The model of a command: its argument, or `--model`, or the network in the box, which is said unless `quiet`. */
export function modelSpec(argument: string | undefined, flag: string | undefined, quiet = false): string {
  const given = argument ?? flag;
  if (given === undefined && !quiet) say(boxedModelLine);
  const spec = given ?? boxedModel;
  if (spec === "") {
    throw new ClockworkError(
      "invalid-argument",
      "model: expected a model folder, an .onnx file or hf:owner/name, got none",
    );
  }
  return spec;
}

/** What is done with what is held, as flags say it. */
export interface PropagationFlags {
  readonly propagate?: Propagation;
  readonly blend?: number;
}

/** Adds `--propagate` and `--blend`. */
export function withPropagation(command: Command): Command {
  return command
    .addOption(
      new Option(
        "--propagate <kind>",
        "what is done with what is held: still, or flow, which moves it with the video; also as fixed:5+flow (default: still)",
      ).choices(["still", "flow"]),
    )
    .option(
      "--blend <share>",
      "with flow: share of what moved in that is mixed into fresh scores, against flicker; 0 for none, also as " +
        `every+flow+blend:0.3 (default: ${defaultBlend})`,
      share("--blend"),
    );
}

/**
 * A schedule as a flag has it, with `--propagate` and `--blend` where it does not say itself.
 * @throws ClockworkError `invalid-schedule` for a blend where nothing flows
 */
export function scheduleOf(text: string, { propagate, blend }: PropagationFlags): Schedule {
  const schedule = parseSchedule(propagate === "flow" && !/\+[a-z]/i.test(text) ? `${text}+flow` : text);
  return blend === undefined || schedule.blend !== undefined ? schedule : checkSchedule({ ...schedule, blend });
}

/**
 * The same for several clocks to be compared: `--propagate` is for those that hold something, `--blend` for those that flow,
 * of which there has to be one.
 */
export function schedulesOf(texts: readonly string[], { propagate, blend }: PropagationFlags): readonly Schedule[] {
  const plain = texts.map((text) => {
    const holds = !/^\s*(every|pipeline)\b/.test(text);
    return scheduleOf(text, propagate === undefined || !holds ? {} : { propagate });
  });
  if (blend === undefined) return plain;
  if (plain.every((schedule) => schedule.propagate !== "flow"))
    return plain.map((one) => checkSchedule({ ...one, blend }));
  return plain.map((schedule) =>
    schedule.propagate === "flow" && schedule.blend === undefined ? checkSchedule({ ...schedule, blend }) : schedule,
  );
}

/** Where motion is taken from, as a flag says it. */
export interface MotionFlags {
  readonly motion?: MotionOrigin;
}

/** Adds `--motion`. */
export function withMotion(command: Command): Command {
  return command.addOption(
    new Option(
      "--motion <source>",
      "with flow: looked for in the pictures (graph), or the vectors that H.264 and MPEG videos come with (codec) (default: graph)",
    ).choices(["graph", "codec"]),
  );
}

/** @throws ClockworkError `invalid-argument` for `--motion` where no clock flows */
export function checkMotion({ motion }: MotionFlags, schedules: readonly Schedule[]): void {
  if (motion === undefined || schedules.some(({ propagate }) => propagate === "flow")) return;
  throw new ClockworkError(
    "invalid-argument",
    `--motion: expected a clock that flows, got "${schedules.map(formatSchedule).join('", "')}"; ` +
      "try one with +flow, as --clock fixed:5+flow",
  );
}

/** Reads the tuned schedule of `--schedule`. */
export async function readSchedule(path: string): Promise<ScheduleFile> {
  return parseScheduleFile(await readJson(path), path);
}

/** What is to be said where a network runs at another size than that at which its schedule was tuned. */
export function otherSize(tuned: ScheduleFile | undefined, network: Size): readonly string[] {
  if (tuned === undefined || sizeText(tuned.size) === sizeText(network)) return [];
  return [
    `the schedule was tuned at ${sizeText(tuned.size)}, and the network runs at ${sizeText(network)}: ` +
      `what it promises is not known here; try --size ${sizeText(tuned.size)}`,
  ];
}
