// `clockwork evaluate`: schedules against the oracle on a dataset or a video.

import { Command } from "commander";
import type { Schedule } from "../clocks/index.ts";
import { parseViewport, type ViewportOptions } from "../datasets/index.ts";
import type { DetailedEvaluation } from "../evaluate/index.ts";
import { sizeText, type Size } from "../network/index.ts";
import { evaluateModel, type ClockSpec, type EvaluationStart } from "../node/evaluate-model.ts";
import { readJson } from "../node/json-file.ts";
import { downloadProgress } from "./network.ts";
import {
  checkMotion,
  countFrom,
  modelSpec,
  networkSize,
  readSchedule,
  repeated,
  schedulesOf,
  withMotion,
  withPropagation,
  type MotionFlags,
  type PropagationFlags,
  wholeNumber,
  withNetworkFlags,
  type NetworkFlags,
} from "./options.ts";
import { Progress } from "./progress.ts";
import { evaluationJson, evaluationTable } from "./tables.ts";
import { print, say, warn } from "./terminal.ts";

interface EvaluateFlags extends NetworkFlags, PropagationFlags, MotionFlags {
  readonly dataset?: string;
  readonly split?: string;
  readonly model?: string;
  readonly clock?: readonly string[];
  readonly schedule?: readonly string[];
  readonly map?: string;
  readonly viewport?: ViewportOptions;
  readonly every?: number;
  readonly before?: number;
  readonly warmUp?: number;
  readonly limit?: number;
  readonly phases?: boolean;
  readonly boundary?: number;
  readonly size?: Size | "native";
  readonly shots: boolean;
  readonly consistency: boolean;
  readonly threads?: number;
  readonly provider?: string;
  readonly report?: string;
  readonly quiet?: boolean;
  readonly json?: boolean;
}

/** What is compared where no clock is given: the baseline and the plain clocks, side by side. */
const usualClocks: readonly string[] = ["skip:2", "fixed:2", "skip:5", "fixed:5"];

/** The command. */
export function evaluateCommand(signal: AbortSignal): Command {
  const command = new Command("evaluate")
    .description("Run the oracle and any number of schedules over the same frames: accuracy against cost.")
    .argument(
      "<dataset>",
      "folder of a dataset (see `clockwork datasets`), a video without labels, or street:SEED, which is rendered",
    )
    .option("--dataset <name>", "layout of the folder (default: recognised)")
    .option("--split <name>", "split to evaluate on, such as val (default: the layout's)")
    .option("--model <model>", "model folder, .onnx file or hf:owner/name (default: the network in the box)")
    .option(
      "--clock <schedule>",
      `schedule to evaluate; may be repeated (default: ${usualClocks.join(", ")})`,
      repeated,
    );
  return withNetworkFlags(withMotion(withPropagation(command)))
    .option("--schedule <file>", "a schedule that `tune -o` wrote, to evaluate as well; may be repeated", repeated)
    .option(
      "--map <map>",
      "mapping of the network's classes to the dataset's: a name or a JSON file (default: by name)",
    )
    .option("--every <n>", "take every n-th frame only (default: 1)", wholeNumber("--every"))
    .option("--before <k>", "take k frames before each labelled one, and score that one only", countFrom("--before", 0))
    .option("--warm-up <n>", "run but do not count the first n frames of each sequence", countFrom("--warm-up", 0))
    .option("--limit <frames>", "take at most this many frames of each sequence", wholeNumber("--limit"))
    .option("--phases", "run every phase of periodic clocks and add the histograms: on-frames and off-frames")
    .option(
      "--boundary <px>",
      "width of the band around true edges that is scored apart (default: 5)",
      countFrom("--boundary", 1),
    )
    .option(
      "--viewport <SHIFTxFRAMES>",
      "see each labelled frame as a video: 16x6 is 6 frames, 16 px apart",
      parseViewport,
    )
    .option("--size <WxH>", "size at which the network runs, or native (default: what the model says)", networkSize)
    .option("--no-shots", "do not look for changes of shot, at which everything fires")
    .option("--no-consistency", "do not measure temporal consistency, for which frames are matched with those before")
    .option("--threads <n>", "threads of the engine (default: one for each core)", wholeNumber("--threads"))
    .option("--provider <name>", "execution provider of ONNX Runtime, such as cuda or webgpu (default: cpu)")
    .option("--report <folder>", "write report.html, report.json and tables as CSV there")
    .option("-q, --quiet", "no progress, warnings only")
    .option("--json", "print one JSON object on standard output")
    .addHelpText(
      "after",
      `
The oracle is the network run whole on every frame; it always runs, and comes first. Every schedule sees the same
frames in the same run, block by block, so that times can be compared. A run that was stopped or killed goes on where
it was when the same command is given again.

Examples:
  clockwork evaluate camvid/ --split val --model my-model --clock skip:5 --clock fixed:5 --report report/
  clockwork evaluate cityscapes/ --model net.onnx --before 19 --phases --clock fixed:2 --json
  clockwork evaluate dashcam.mp4 --model my-model --clock adaptive:0.25
  clockwork evaluate street:7,night --clock skip:3 --clock fixed:3+flow

mIoU and accuracy are against the true labels, agreement against the oracle's, consistency against the frame before
along the motion; all are percentages.`,
    )
    .action((folder: string, flags: EvaluateFlags) => run(folder, flags, signal));
}

async function run(folder: string, flags: EvaluateFlags, signal: AbortSignal): Promise<void> {
  const tuned = await Promise.all((flags.schedule ?? []).map(readSchedule));
  const clocks = flags.clock ?? (tuned.length > 0 ? [] : usualClocks);
  const specs: readonly (ClockSpec & { readonly clock: Schedule })[] = [
    ...schedulesOf(clocks, flags).map((clock) => ({ clock })),
    ...tuned.map(({ schedule, plan }) => ({ clock: schedule, plan })),
  ];
  checkMotion(
    flags,
    specs.map(({ clock }) => clock),
  );
  const progress = flags.quiet === true ? undefined : new Progress(process.stderr);
  let evaluation: DetailedEvaluation;
  try {
    evaluation = await evaluateModel({
      folder,
      model: modelSpec(undefined, flags.model, flags.quiet),
      clocks: specs,
      ...(flags.dataset !== undefined && { layout: flags.dataset }),
      ...(flags.split !== undefined && { split: flags.split }),
      ...(flags.stages !== undefined && { stages: flags.stages }),
      ...(flags.cut !== undefined && { cuts: flags.cut }),
      ...(flags.plan !== undefined && { plan: await readJson(flags.plan) }),
      ...(flags.networkOutput !== undefined && { output: flags.networkOutput }),
      ...(flags.map !== undefined && { map: flags.map }),
      ...(flags.viewport !== undefined && { viewport: flags.viewport }),
      ...(flags.every !== undefined && { every: flags.every }),
      ...(flags.before !== undefined && { before: flags.before }),
      ...(flags.warmUp !== undefined && { warmUp: flags.warmUp }),
      ...(flags.limit !== undefined && { limit: flags.limit }),
      ...(flags.phases !== undefined && { phases: flags.phases }),
      ...(flags.boundary !== undefined && { boundaryPx: flags.boundary }),
      ...(flags.size !== undefined && { size: flags.size }),
      ...(!flags.shots && { shots: false }),
      ...(flags.motion !== undefined && { motion: flags.motion }),
      ...(!flags.consistency && { consistency: false }),
      ...(flags.threads !== undefined && { threads: flags.threads }),
      ...(flags.provider !== undefined && { providers: [flags.provider, "cpu"] }),
      ...(flags.report !== undefined && { report: flags.report }),
      hub: { onProgress: downloadProgress(), signal },
      signal,
      onStart: (start) => introduce(start, flags),
      onProgress: ({ frames, total, clock }) => progress?.update({ frames, total, note: clock }),
    });
  } finally {
    progress?.done();
  }
  print(flags.json === true ? evaluationJson(evaluation) : evaluationTable(evaluation));
  if (flags.report !== undefined && flags.quiet !== true) say(`written: ${flags.report}/report.html`);
}

function introduce({ dataset, preparation, clocks, notes, resumed }: EvaluationStart, flags: EvaluateFlags): void {
  for (const note of [...dataset.notes, ...notes]) warn(note);
  if (flags.quiet === true) return;
  const { protocol } = preparation;
  const { sequences } = dataset;
  say(
    `${dataset.name}${dataset.split === undefined ? "" : ` ${dataset.split}`}: ` +
      `${sequences.length} ${sequences.length === 1 ? "sequence" : "sequences"}, ` +
      `frames of ${sizeText(protocol.frame)}, network at ${sizeText(protocol.network)}, ` +
      `oracle ${clocks.length === 0 ? "alone" : `and ${clocks.join(", ")}`}`,
  );
  if (resumed) say("going on where the last run was stopped");
}
