// The experiments on the rendered street as commands. They need no data; Ctrl-C stops them.

import { mkdir } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { Command, Option } from "commander";
import { countFrom, parseSize, positive, whole, wholeNumber } from "../src/cli/options.ts";
import { print, say } from "../src/cli/terminal.ts";
import type { Propagation, Size } from "../src/index.ts";
import { writeAllWhole } from "../src/node/whole-file.ts";
import type { ClockKind } from "../src/tune/index.ts";
import { streetCameras, streetStyles, type StreetCamera, type StreetStyle } from "../src/video/street/index.ts";
import { coverageText } from "./coverage.ts";
import { howPictures } from "./how-pictures.ts";
import { formatOf, withFormat, type FormatFlags } from "./rows.ts";
import { streetClocksHtml, streetClocksSvg } from "./street-clocks-page.ts";
import { streetClocksText } from "./street-clocks-text.ts";
import { scenes, streetClocks } from "./street-clocks.ts";
import { streetPictures } from "./street-pictures.ts";
import { streetPromise } from "./street-promise.ts";

/** Seeds from here on, so that streets are not those that a network is likely to be trained on. */
const usualFirstSeed = 900_001;

/** All of them. */
export function streetCommands(): readonly Command[] {
  return [flowCommand(), clocksCommand(), promiseCommand(), picturesCommand(), howCommand()];
}

function howCommand(): Command {
  return new Command("how-pictures")
    .description("Pictures of what schedules do: labels while the network rests, and what an adaptive clock sees.")
    .requiredOption("-o, --output <folder>", "where the pictures go")
    .option("--model <model>", "model folder, .onnx file or hf:owner/name (default: the network in the box)")
    .action(async ({ output, model }: { readonly output: string; readonly model?: string }) =>
      print((await howPictures(output, model)).join("\n")),
    )
    .exitOverride()
    .showHelpAfterError("(add --help for the flags)");
}

function picturesCommand(): Command {
  return new Command("street-pictures")
    .description("Pictures of the rendered street: styles, cameras, and one frame with all that is known of it.")
    .requiredOption("-o, --output <folder>", "where the pictures go")
    .action(async ({ output }: { readonly output: string }) => print((await streetPictures(output)).join("\n")))
    .exitOverride()
    .showHelpAfterError("(add --help for the flags)");
}

function flowCommand(): Command {
  const command = new Command("street-flow")
    .description("Endpoint errors of the motion graph and of OpenCV on rendered streets, by class.")
    .addOption(new Option("--style <style>", "light and weather").choices(streetStyles).default("day"))
    .addOption(new Option("--camera <camera>", "how the camera moves").choices(streetCameras).default("drive"))
    .option("--size <WxH>", "size of the frames", parseSize("--size"), { widthPx: 480, heightPx: 360 })
    .option("--seeds <n>", "streets", wholeNumber("--seeds"), 10)
    .option("--pairs <n>", "pairs of frames of each, 1.6 s apart", wholeNumber("--pairs"), 6);
  return withFormat(withFirstSeed(command)).action(
    async (
      flags: {
        readonly style: StreetStyle;
        readonly camera: StreetCamera;
        readonly size: Size;
        readonly seeds: number;
        readonly pairs: number;
      } & SeedFlags &
        FormatFlags,
    ) => {
      // Only here: OpenCV takes a while to load.
      const { streetFlow, streetFlowText } = await import("./street-flow.ts");
      const result = await stoppable((signal) => streetFlow({ ...flags, signal }));
      print(streetFlowText(result, formatOf(flags)));
    },
  );
}

function clocksCommand(): Command {
  const command = new Command("street-clocks")
    .description("Where adaptive clocks pay: mIoU by update rate on rendered streets, against fixed clocks.")
    .requiredOption("--model <model>", "model folder, .onnx file or hf:owner/name; classes are matched by name")
    .option("--cut-2 <edges>", "cut of the plan of two stages (default: the planner's)")
    .option("--seeds <n>", "streets of each scene", wholeNumber("--seeds"), 10)
    .option(
      "--calibration-seeds <n>",
      "further streets that thresholds are chosen on",
      wholeNumber("--calibration-seeds"),
      4,
    )
    .option("--frames <n>", "frames of each", wholeNumber("--frames"), 120)
    .option("--fps <rate>", "frames a second", positive("--fps"), 15)
    .option("--size <WxH>", "size of the frames, and of the network", parseSize("--size"), {
      widthPx: 320,
      heightPx: 240,
    })
    .addOption(new Option("--scenes <names...>", "which scenes").choices(scenes.map(({ name }) => name)))
    .option("-o, --output <folder>", "where street-clocks.json, .html and .svg go (default: nowhere)")
    .addHelpText(
      "after",
      `
Scenes: ${scenes.map(({ name }) => name).join(", ")}.
On each, with the whole network held and with its deep stage held, still and moved along the flow: the oracle, fixed
clocks (periods 2, 3, 5, 8, 12) and adaptive ones that look at labels (2 stages), residual, arrived and motion (flow),
with thresholds that fire on 1/2, 1/3, 1/5 and 1/8 of the frames of the calibration streets of the scene. mIoU is against
the exact labels. The margin of an adaptive clock is its mIoU less that of the fixed clocks with the same cut and
propagation at the update rate that it has on the same street: linear between periods, level below period 12.`,
    );
  return withFormat(withFirstSeed(command)).action(
    async (
      flags: {
        readonly model: string;
        readonly cut2?: string;
        readonly seeds: number;
        readonly calibrationSeeds: number;
        readonly frames: number;
        readonly fps: number;
        readonly size: Size;
        readonly scenes?: readonly string[];
        readonly output?: string;
      } & SeedFlags &
        FormatFlags,
    ) => {
      const { output } = flags;
      if (output !== undefined) await mkdir(output, { recursive: true });
      const chosen = scenes.filter(({ name }) => flags.scenes?.includes(name) ?? true);
      const result = await stoppable((signal) => streetClocks({ ...flags, scenes: chosen, signal }));
      if (output !== undefined) {
        const path = (extension: string): string => join(output, `street-clocks.${extension}`);
        await writeAllWhole([
          [path("json"), `${streetClocksText(result, "json")}\n`],
          [path("html"), streetClocksHtml(result)],
          [path("svg"), streetClocksSvg(result)],
        ]);
        say(`written: ${["json", "html", "svg"].map(path).join(", ")}`);
      }
      print(streetClocksText(result, formatOf(flags)));
    },
  );
}

function promiseCommand(): Command {
  const command = new Command("street-promise")
    .description(
      "Does the promise of `tune --max-loss` hold on new footage? Many random splits of clips of independent streets, of " +
        "all styles and cameras.",
    )
    .requiredOption("--model <model>", "model folder, .onnx file or hf:owner/name")
    .addOption(
      new Option("--signal <kind>", "what the clocks look at (default: as tune chooses)").choices([
        "labels",
        "probe",
        "residual",
        "arrived",
        "motion",
        "expected",
        "fixed",
      ]),
    )
    .addOption(
      new Option("--propagate <how>", "what is done with what is held").choices(["still", "flow"]).default("still"),
    )
    .option("--clips <n>", "clips: half of them are calibrated on, the others checked", countFrom("--clips", 2), 200)
    .option("--fit-clips <n>", "further clips that signals are fitted to", wholeNumber("--fit-clips"), 20)
    .option("--frames <n>", "frames of each clip", wholeNumber("--frames"), 24)
    .option("--fps <rate>", "frames a second", positive("--fps"), 15)
    .option("--size <WxH>", "size of the frames, and of the network", parseSize("--size"), {
      widthPx: 240,
      heightPx: 180,
    })
    .option("--splits <n>", "how many random splits", wholeNumber("--splits"), 2000)
    .option("--threads <n>", "clips that are rendered at a time", wholeNumber("--threads"), availableParallelism());
  return withFormat(withFirstSeed(command)).action(
    async (
      flags: {
        readonly model: string;
        readonly signal?: ClockKind;
        readonly propagate: Propagation;
        readonly clips: number;
        readonly fitClips: number;
        readonly frames: number;
        readonly fps: number;
        readonly size: Size;
        readonly splits: number;
        readonly threads: number;
      } & SeedFlags &
        FormatFlags,
    ) => {
      const { signal: kind, ...others } = flags;
      const result = await stoppable((signal) => streetPromise({ ...others, kind, signal }));
      print(coverageText(result, formatOf(flags), `clips of ${flags.frames} frames, each of its own street`));
    },
  );
}

interface SeedFlags {
  readonly firstSeed: number;
}

function withFirstSeed(command: Command): Command {
  return command
    .option("--first-seed <n>", "seed of the first street; others follow", whole("--first-seed"), usualFirstSeed)
    .exitOverride()
    .showHelpAfterError("(add --help for the flags)");
}

/** Does something that Ctrl-C stops in order; a second one ends the process at once. */
async function stoppable<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const stop = new AbortController();
  const onSignal = (): void => {
    process.off("SIGINT", onSignal);
    stop.abort();
  };
  process.on("SIGINT", onSignal);
  try {
    return await work(stop.signal);
  } finally {
    process.off("SIGINT", onSignal);
  }
}
