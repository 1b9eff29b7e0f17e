// `npm run experiment -- NAME --data FOLDER --model MODEL`: the experiments of Shelhamer et al. 2016 (arXiv 1608.03609), one
// command each, on any network and dataset. docs/results.md has what came out. Not part of the package.

import { Command, CommanderError, Option } from "commander";
import { parseSize, positive, repeated, wholeNumber } from "../src/cli/options.ts";
import { exitCodes, print, report } from "../src/cli/terminal.ts";
import type { Size } from "../src/index.ts";
import type { ClockKind } from "../src/tune/index.ts";
import { codecMotion, codecMotionText } from "./codec-motion.ts";
import { coverage, coverageText } from "./coverage.ts";
import { fastObjects, fastObjectsText } from "./fast-objects.ts";
import { flowPictures } from "./flow-pictures.ts";
import { flowTime, flowTimeText } from "./flow-time.ts";
import { protocolLines } from "./protocols.ts";
import { formatOf, printed, withFormat, type FormatFlags, type Table } from "./rows.ts";
import { schedules } from "./schedules.ts";
import { streetCommands } from "./street-commands.ts";
import { viewport } from "./translating-viewport.ts";

interface Flags extends FormatFlags {
  readonly data: string;
  readonly model: string;
  readonly dataset?: string;
  readonly split?: string;
  readonly map?: string;
  readonly cut2?: string;
  readonly cut3?: readonly string[];
  readonly provider?: string;
  readonly limit?: number;
  readonly stills?: number;
  readonly shift?: readonly number[];
}

function experiment(name: string, about: string, run: (flags: Flags) => Promise<readonly Table[]>): Command {
  return withFormat(new Command(name))
    .description(about)
    .requiredOption("--data <folder>", "folder of the dataset (see `clockwork datasets`)")
    .requiredOption("--model <model>", "model folder, .onnx file or hf:owner/name")
    .option("--dataset <name>", "layout of the folder (default: recognised)")
    .option("--split <name>", "split of the dataset (default: that of the layout or the paper)")
    .option("--map <map>", "mapping of classes: a name or a JSON file; `name` is by name (default: that of the paper)")
    .option("--cut-2 <edges>", "cut of the plan of two stages (default: the planner's)")
    .option("--cut-3 <edges>", "cut of the plan of three stages; twice, the shallower first", repeated)
    .option("--provider <name>", "execution provider of ONNX Runtime, such as cuda (default: cpu)")
    .action(async (flags: Flags) => {
      print(printed(await run(flags), formatOf(flags)));
    })
    .exitOverride()
    .showHelpAfterError("(add --help for the flags)");
}

/** What all experiments take. */
function common({ data, model, dataset, split, map, cut2, cut3, provider }: Flags) {
  return {
    data,
    model,
    layout: dataset,
    split,
    map,
    cut2,
    cut3,
    providers: provider === undefined ? undefined : [provider, "cpu"],
  };
}

const program = new Command("experiment")
  .description("The experiments of the clockwork paper, one command each.")
  .exitOverride()
  .addCommand(
    experiment("schedules", "Oracle, pipelines, skip, fixed and adaptive clocks at several rates, on video.", (flags) =>
      schedules({ ...common(flags), limit: flags.limit }),
    )
      .option("--limit <n>", "at most n frames (or labelled frames) of each sequence", wholeNumber("--limit"))
      .addHelpText("after", `\nProtocols:\n${protocolLines()}`),
  )
  .addCommand(
    experiment(
      "translating-viewport",
      "Labelled stills through a viewport that moves 16 or 32 px a frame: pipelines against nets cut off.",
      (flags) => viewport({ ...common(flags), shifts: flags.shift, stills: flags.stills }),
    )
      .option(
        "--shift <px>",
        "pixels a frame; may be repeated (default: 16 and 32)",
        (text: string, before: readonly number[] | undefined) => [...(before ?? []), wholeNumber("--shift")(text)],
      )
      .option("--stills <n>", "at most n stills, spread evenly", wholeNumber("--stills")),
  );

program.addCommand(
  new Command("coverage")
    .description(
      "Does the promise of `tune --max-loss` hold? Many random splits of footage into calibration and the rest.",
    )
    .requiredOption("--data <paths...>", "videos, folders of images or datasets; labels are not looked at")
    .requiredOption("--model <model>", "model folder, .onnx file or hf:owner/name")
    .addOption(
      new Option("--signal <kind>", "what the clocks look at (default: as tune chooses)").choices([
        "labels",
        "probe",
        "expected",
        "fixed",
      ]),
    )
    .option("--size <WxH>", "size at which the network runs (default: what the model says)", parseSize("--size"))
    .option("--block <seconds>", "length of a block", positive("--block"), 0.4)
    .option("--splits <n>", "how many random splits", wholeNumber("--splits"), 2000)
    .option("--json", "print JSON, with the losses of every block")
    .action(
      async (flags: {
        readonly data: readonly string[];
        readonly model: string;
        readonly signal?: ClockKind;
        readonly size?: Size;
        readonly block: number;
        readonly splits: number;
        readonly json?: boolean;
      }) => {
        const { data, model, signal, size, block, splits, json } = flags;
        const result = await coverage({ data, model, kind: signal, size, blockSec: block, splits });
        print(coverageText(result, json === true ? "json" : "text"));
      },
    )
    .exitOverride()
    .showHelpAfterError("(add --help for the flags)"),
);

program.addCommand(
  new Command("codec-motion")
    .description("Labels moved along the motion vectors of the video's codec, along flow, and not at all.")
    .requiredOption("--data <paths...>", "videos; labels are not looked at")
    .requiredOption("--model <model>", "model folder, .onnx file or hf:owner/name")
    .option("--size <WxH>", "size at which the network runs", parseSize("--size"), { widthPx: 480, heightPx: 272 })
    .option("--limit <n>", "at most n frames of each video", wholeNumber("--limit"), 300)
    .option("--json", "print JSON")
    .action(
      async (flags: {
        readonly data: readonly string[];
        readonly model: string;
        readonly size: Size;
        readonly limit: number;
        readonly json?: boolean;
      }) => {
        const periods = [2, 3, 5, 10];
        const rows = await codecMotion({ ...flags, periods });
        print(flags.json === true ? JSON.stringify(rows) : codecMotionText(rows, periods));
      },
    )
    .exitOverride()
    .showHelpAfterError("(add --help for the flags)"),
);

program
  .addCommand(
    new Command("flow-quality")
      .description("Endpoint errors of the motion graph and of OpenCV on drawn scenes whose motion is known.")
      .option("--seeds <n>", "how often each texture is made", wholeNumber("--seeds"), 3)
      .option("--json", "print JSON")
      .action(async (flags: { readonly seeds: number; readonly json?: boolean }) => {
        // Only here: OpenCV takes a while to load.
        const { flowQuality, flowQualityText } = await import("./flow-quality.ts");
        const result = await flowQuality(flags);
        print(flags.json === true ? JSON.stringify(result) : flowQualityText(result));
      })
      .exitOverride()
      .showHelpAfterError("(add --help for the flags)"),
  )
  .addCommand(
    new Command("fast-objects")
      .description("Exact labels moved along the flow, and not moved, where small objects are fast.")
      .option("--frames <n>", "frames of each sequence", wholeNumber("--frames"), 31)
      .option("--json", "print JSON")
      .action(async (flags: { readonly frames: number; readonly json?: boolean }) => {
        const periods = [1, 2, 3, 5, 10];
        const rows = await fastObjects({ frames: flags.frames, periods });
        print(flags.json === true ? JSON.stringify(rows) : fastObjectsText(rows, periods));
      })
      .exitOverride()
      .showHelpAfterError("(add --help for the flags)"),
  )
  .addCommand(
    new Command("flow-time")
      .description("Milliseconds of flow and warp by size of the picture, on one thread.")
      .option("--rounds <n>", "rounds, the best of which counts", wholeNumber("--rounds"), 60)
      .option("--json", "print JSON")
      .action(async (flags: { readonly rounds: number; readonly json?: boolean }) => {
        const rows = await flowTime(flags.rounds);
        print(flags.json === true ? JSON.stringify(rows) : flowTimeText(rows));
      })
      .exitOverride()
      .showHelpAfterError("(add --help for the flags)"),
  )
  .addCommand(
    new Command("flow-pictures")
      .description("Pictures of flow, of trust in it and of labels moved: of a drawn street, and of videos if given.")
      .requiredOption("-o, --output <folder>", "where the pictures go")
      .option("--data <paths...>", "videos")
      .option("--model <model>", "model folder, .onnx file or hf:owner/name, for the labels of videos")
      .option("--age <n>", "frames from the key frame to the one that is shown", wholeNumber("--age"), 5)
      .action(
        async (flags: {
          readonly output: string;
          readonly data?: readonly string[];
          readonly model?: string;
          readonly age: number;
        }) => {
          const { output, data = [], model, age } = flags;
          print((await flowPictures({ folder: output, data, model, age })).join("\n"));
        },
      )
      .exitOverride()
      .showHelpAfterError("(add --help for the flags)"),
  );

for (const command of streetCommands()) program.addCommand(command);

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode =
    error instanceof CommanderError ? (error.exitCode === 0 ? exitCodes.done : exitCodes.usage) : report(error);
}
