// `clockwork compile`: a network and a schedule as one ONNX file that any ONNX Runtime drives.

import { basename, dirname, join, resolve } from "node:path";
import { Command, Option } from "commander";
import { formatSchedule, stagesNamedBy } from "../clocks/index.ts";
import { compile, type Io } from "../compile/index.ts";
import { ClockworkError } from "../errors.ts";
import { sizeText, type Size } from "../network/index.ts";
import { inlineLimitBytes, tensorBytes, writeModel, type Model } from "../onnx/index.ts";
import { defaultClock } from "../node/open-segmenter.ts";
import { writeWhole } from "../node/whole-file.ts";
import { planNetwork } from "./network.ts";
import {
  checkMotion,
  modelSpec,
  parseSize,
  readSchedule,
  withNetworkFlags,
  scheduleOf,
  withMotion,
  withPropagation,
  type MotionFlags,
  type PropagationFlags,
  withTunedSchedule,
  type NetworkFlags,
} from "./options.ts";
import { print, warn } from "./terminal.ts";

interface CompileFlags extends NetworkFlags, PropagationFlags, MotionFlags {
  readonly model?: string;
  readonly clock?: string;
  readonly schedule?: string;
  readonly io: Io;
  readonly size?: Size;
  readonly frame?: Size;
  readonly output: string;
  readonly json?: boolean;
}

/** The command. */
export function compileCommand(signal: AbortSignal): Command {
  const command = new Command("compile")
    .description("Write a network with clocks, resting stages and memory as one ONNX file.")
    .argument("[model]", "model folder, .onnx file or hf:owner/name (default: the network in the box)")
    .option("--model <model>", "the model, in place of the argument")
    .option(
      "--clock <schedule>",
      "when stages fire: every, skip:3, fixed:2, fixed:1,2,4, adaptive:0.25, pipeline",
      defaultClock,
    );
  return withNetworkFlags(withMotion(withPropagation(withTunedSchedule(command))))
    .addOption(
      new Option(
        "--io <kind>",
        "frames: uint8 RGB frames in, uint8 labels out; tensors: the network's own in- and outputs",
      )
        .choices(["frames", "tensors"])
        .default("frames"),
    )
    .option(
      "--size <WxH>",
      "size at which the network runs (default: that of --schedule, else the model's own, else 640x480)",
      parseSize("--size"),
    )
    .option("--frame <WxH>", "size of the frames and labels, with --io frames (default: --size)", parseSize("--frame"))
    .requiredOption("-o, --output <file>", "file to write")
    .option("--json", "print one JSON object on standard output: how to drive the file")
    .addHelpText(
      "after",
      `
The file needs nothing of this package: feed each output "next/..." into the input "state/..." of the next run.
How to drive it from Python or C++ is in docs/compiled-networks.md, and as JSON in its metadata entry "clockwork".

Examples:
  clockwork compile my-model --clock adaptive:0.3 -o adaptive.onnx
  clockwork compile my-model --clock fixed:1,2,4 --size 480x360 --frame 1280x720 -o three-stages.onnx
  clockwork compile net.onnx --io tensors -o net-clockwork.onnx`,
    )
    .action((model: string | undefined, flags: CompileFlags) => run(modelSpec(model, flags.model), flags, signal));
}

async function run(spec: string, flags: CompileFlags, signal: AbortSignal): Promise<void> {
  const tuned = flags.schedule === undefined ? undefined : await readSchedule(flags.schedule);
  const schedule = tuned?.schedule ?? scheduleOf(flags.clock ?? defaultClock, flags);
  checkMotion(flags, [schedule]);
  if (flags.io === "tensors" && flags.frame !== undefined) {
    throw new ClockworkError("invalid-argument", "--frame: expected it with --io frames, got --io tensors; try --size");
  }
  const { network, plan, source, warnings } = await planNetwork(
    spec,
    { ...flags, tuned, stagesOfClock: stagesNamedBy(schedule), allOutputs: flags.io === "tensors" },
    signal,
  );
  for (const warning of [...warnings, ...plan.notes]) warn(warning);
  if (resolve(flags.output) === source.path) {
    throw new ClockworkError(
      "invalid-argument",
      `${flags.output}: expected an output apart from the model, got the model itself; try another name`,
    );
  }
  const { model, protocol } = compile(network, plan, {
    schedule,
    classNames: source.classNames,
    ...(flags.motion !== undefined && { motion: flags.motion }),
    ...(flags.io === "frames"
      ? { io: "frames", preprocessing: source.preprocessing, ...(flags.frame !== undefined && { frame: flags.frame }) }
      : { io: "tensors", preprocessing: source.preprocessing }),
  });
  await save(model, flags.output);
  if (flags.json === true) print(JSON.stringify({ output: flags.output, ...protocol }, undefined, 2));
  else {
    print(
      `${flags.output}: ${source.name} with ${formatSchedule(schedule)} over ${plan.stages.length} stages, ` +
        `${protocol.io} of ${sizeText(protocol.frame)}, network at ${sizeText(protocol.network)}, ` +
        `${protocol.state.length} tensors of memory`,
    );
  }
}

/** Writes a model, with its weights in a second file where they exceed what one can hold. */
async function save(model: Model, path: string): Promise<void> {
  const weights = [...model.graph.initializers.values()].reduce((sum, tensor) => sum + tensorBytes(tensor), 0);
  const external = weights > inlineLimitBytes ? `${basename(path)}.data` : undefined;
  const written = writeModel(model, external === undefined ? {} : { external });
  if (external !== undefined) await writeWhole(join(dirname(path), external), written.external);
  await writeWhole(path, written.bytes);
}
