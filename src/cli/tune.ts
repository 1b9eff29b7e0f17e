// `clockwork tune`: a clock for one's own footage, without labels.

import { constants } from "node:fs";
import { access, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { Command, Option } from "commander";
import { formatSchedule, type Propagation } from "../clocks/index.ts";
import { ClockworkError, reasonOf } from "../errors.ts";
import type { Size } from "../network/index.ts";
import { tuneModel, type TunedModel } from "../node/tune-model.ts";
import { readJson } from "../node/json-file.ts";
import { writeWhole } from "../node/whole-file.ts";
import { scheduleFileText, type ClockKind, type TuneGoal } from "../tune/index.ts";
import { downloadProgress } from "./network.ts";
import {
  modelSpec,
  networkSize,
  positive,
  share,
  wholeNumber,
  withNetworkFlags,
  type NetworkFlags,
} from "./options.ts";
import { Progress } from "./progress.ts";
import { textTable } from "./tables.ts";
import { print, say, warn } from "./terminal.ts";

interface TuneFlags extends NetworkFlags {
  readonly model?: string;
  readonly budget?: number;
  readonly maxLoss?: number;
  readonly confidence: number;
  readonly promise: "mean" | "clips";
  readonly signal: "auto" | ClockKind;
  readonly propagate: Propagation;
  readonly block?: number;
  readonly fit?: number;
  readonly seed?: number;
  readonly split?: string;
  readonly limit?: number;
  readonly size?: Size | "native";
  readonly threads?: number;
  readonly provider?: string;
  readonly output?: string;
  readonly quiet?: boolean;
  readonly json?: boolean;
}

/** The command. */
export function tuneCommand(signal: AbortSignal): Command {
  const command = new Command("tune")
    .description(
      "Find a clock for your footage, without labels: the best within a budget, or the cheapest that keeps a promise.",
    )
    .argument("<video...>", "video files, folders of images, or datasets")
    .option("--model <model>", "model folder, .onnx file or hf:owner/name (default: the network in the box)")
    .option("--budget <share>", "spend at most this share of the oracle's multiply-accumulates", share("--budget"))
    .option("--max-loss <share>", "disagree with the oracle on at most this share of the pixels", share("--max-loss"))
    .option("--confidence <share>", "how sure the promise of --max-loss is to be", share("--confidence"), 0.9)
    .addOption(
      new Option(
        "--promise <kind>",
        "what --max-loss bounds: the expected disagreement (mean), or that of a new clip of one block (clips)",
      )
        .choices(["mean", "clips"])
        .default("mean"),
    )
    .option("-o, --output <file>", "write the schedule there, for --schedule of segment, evaluate and compile")
    .addOption(
      new Option(
        "--signal <kind>",
        "what the clock looks at: the labels of a shallow score map, those of a linear probe; with flow: how badly the key " +
          "frame explains this one (residual), how much came into view (arrived), how far things moved (motion); the " +
          "disagreement expected from all of these, or nothing (fixed); auto takes what agrees most with the oracle",
      )
        .choices(["auto", "labels", "probe", "residual", "arrived", "motion", "expected", "fixed"])
        .default("auto"),
    )
    .addOption(
      new Option(
        "--propagate <kind>",
        "what the clock does with what is held: still, or flow, which moves it with the video",
      )
        .choices(["still", "flow"])
        .default("still"),
    );
  return withNetworkFlags(command)
    .option("--block <seconds>", "length of the blocks that a promise is made from (default: 1)", positive("--block"))
    .option("--fit <share>", "share of each video that signals are fitted to (default: a third)", share("--fit"))
    .option("--seed <n>", "seed of what is drawn at random (default: 1)", wholeNumber("--seed"))
    .option("--split <name>", "split of a dataset (default: the layout's)")
    .option("--limit <frames>", "take at most this many frames of each video", wholeNumber("--limit"))
    .option("--size <WxH>", "size at which the network runs, or native (default: what the model says)", networkSize)
    .option("--threads <n>", "threads of the engine (default: one for each core)", wholeNumber("--threads"))
    .option("--provider <name>", "execution provider of ONNX Runtime, such as cuda or webgpu (default: cpu)")
    .option("-q, --quiet", "no progress, warnings only")
    .option("--json", "print one JSON object on standard output")
    .addHelpText(
      "after",
      `
The oracle, which is the network run whole on every frame, goes through the footage once. From what is recorded on the
way the firings of any clock are known exactly; only its disagreement with the oracle has to be run.

A promise of --max-loss holds for footage like the given one, with the given confidence, whatever the distribution. It
needs footage: 46 blocks for 5 %, 232 for 1 % (--promise clips: 9). Where there is too little, tune says so and stops.

Examples:
  clockwork tune drive.mp4 --model my-model --budget 0.5 -o schedule.json
  clockwork tune drive.mp4 --model my-model --stages 1 --propagate flow --budget 0.2 -o schedule.json
  clockwork tune monday.mp4 tuesday.mp4 --model my-model --max-loss 0.02 -o schedule.json
  clockwork segment today.mp4 --model my-model --schedule schedule.json -o out.mp4`,
    )
    .action((videos: readonly string[], flags: TuneFlags) => run(videos, flags, signal));
}

async function run(videos: readonly string[], flags: TuneFlags, signal: AbortSignal): Promise<void> {
  const goal = goalOf(flags);
  if (flags.output !== undefined) await checkOutput(flags.output);
  const progress = flags.quiet === true ? undefined : new Progress(process.stderr);
  let tuned: TunedModel;
  try {
    tuned = await tuneModel({
      videos,
      model: modelSpec(undefined, flags.model, flags.quiet),
      goal,
      ...(flags.signal !== "auto" && { kind: flags.signal }),
      propagate: flags.propagate,
      ...(flags.block !== undefined && { blockSec: flags.block }),
      ...(flags.fit !== undefined && { fitShare: flags.fit }),
      ...(flags.seed !== undefined && { seed: flags.seed }),
      ...(flags.split !== undefined && { split: flags.split }),
      ...(flags.limit !== undefined && { limit: flags.limit }),
      ...(flags.stages !== undefined && { stages: flags.stages }),
      ...(flags.cut !== undefined && { cuts: flags.cut }),
      ...(flags.plan !== undefined && { plan: await readJson(flags.plan) }),
      ...(flags.networkOutput !== undefined && { output: flags.networkOutput }),
      ...(flags.size !== undefined && { size: flags.size }),
      ...(flags.threads !== undefined && { threads: flags.threads }),
      ...(flags.provider !== undefined && { providers: [flags.provider, "cpu"] }),
      hub: { onProgress: downloadProgress(), signal },
      signal,
      onStart: (notes) => {
        for (const note of notes) warn(note);
      },
      onProgress: ({ step, frames, total }) => progress?.update({ frames, total, note: step }),
    });
  } finally {
    progress?.done();
  }
  if (flags.output !== undefined) await writeWhole(flags.output, scheduleFileText(tuned.file));
  report(tuned, goal, flags);
}

/** Finds out before the work what would keep its result from being written. */
async function checkOutput(path: string): Promise<void> {
  try {
    const folder = dirname(path);
    if (!(await stat(folder)).isDirectory()) throw new Error(`${folder} is no folder`);
    await access(folder, constants.W_OK);
    const found = await stat(path).catch(() => undefined);
    if (found?.isDirectory() === true) throw new Error("it is a folder");
  } catch (cause) {
    throw new ClockworkError("io", `${path}: expected a file that can be written (${reasonOf(cause)})`, { cause });
  }
}

function goalOf({ budget, maxLoss, promise, confidence }: TuneFlags): TuneGoal {
  if ((budget === undefined) === (maxLoss === undefined)) {
    throw new ClockworkError(
      "invalid-argument",
      `goal: expected either --budget or --max-loss, got ${budget === undefined ? "neither" : "both"}; try --budget 0.5`,
    );
  }
  if (budget !== undefined) {
    if (budget > 0) return { kind: "budget", budget };
    throw new ClockworkError("invalid-argument", `--budget: expected a share above 0, got ${budget}; try 0.5`);
  }
  for (const [flag, value] of [
    ["--max-loss", maxLoss],
    ["--confidence", confidence],
  ] as const) {
    if (value === undefined || value <= 0 || value >= 1) {
      throw new ClockworkError("invalid-argument", `${flag}: expected a share above 0 and below 1, got ${value}`);
    }
  }
  return { kind: "max-loss", maxLoss: maxLoss ?? 0, promise, confidence };
}

function report(tuned: TunedModel, goal: TuneGoal, flags: TuneFlags): void {
  const { kind, schedule, evidence, notes } = tuned;
  const candidates = tuned.candidates.map((candidate) => ({
    kind: candidate.kind,
    clock: formatSchedule(candidate.schedule),
    updateRate: candidate.updateRate,
    macsRatio: candidate.macsRatio,
    disagreement: candidate.disagreement,
  }));
  if (flags.json === true) {
    const clock = formatSchedule(schedule);
    print(
      JSON.stringify({ clock, kind, goal, ...evidence, candidates, notes, output: flags.output ?? null }, undefined, 2),
    );
    return;
  }
  const rows = candidates.map(({ kind: name, clock, ...found }) => [
    clock,
    name,
    `${(100 * found.updateRate).toFixed(1)} %`,
    found.macsRatio.toFixed(3),
    `${(100 * found.disagreement).toFixed(2)} %`,
    // For a budget kinds are compared, for a loss clocks of one kind.
    (goal.kind === "budget" ? name === kind : clock === formatSchedule(schedule)) ? "<- chosen" : "",
  ]);
  print(textTable([["clock", "looks at", "fires on", "MACs", "disagreement", ""], ...rows]));
  for (const note of notes) print(note);
  const { bound, frames, blocks, updateRate, macsRatio, disagreement } = evidence;
  if (goal.kind === "max-loss" && bound !== null) {
    print(
      `promised at ${Number((100 * goal.confidence).toFixed(4))} % confidence, from ${blocks} blocks: ` +
        (goal.promise === "mean" ? "expected disagreement" : "disagreement of a new clip") +
        ` of at most ${(100 * goal.maxLoss).toFixed(2)} % (shown: ${(100 * bound).toFixed(2)} %)`,
    );
  } else {
    print(
      `${formatSchedule(schedule)} over ${frames} frames: fires on ${(100 * updateRate).toFixed(1)} %, ` +
        `MACs ${macsRatio.toFixed(3)}` +
        (disagreement === null ? "" : `, disagreement ${(100 * disagreement).toFixed(2)} %`),
    );
  }
  if (flags.quiet === true) return;
  say(flags.output === undefined ? "not written; try -o schedule.json" : `written: ${flags.output}`);
}
