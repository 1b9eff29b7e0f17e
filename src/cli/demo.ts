// `clockwork demo`: what this package does, in a minute, on a street that is rendered or on a video of one's own.

import { join } from "node:path";
import { Command, Option } from "commander";
import { ClockworkError } from "../errors.ts";
import { demoSeed, runDemo, shownClock, type Demo, type DemoProgress, type DemoSource } from "../node/demo/demo.ts";
import { streetCameras, streetStyles, type StreetCamera, type StreetStyle } from "../video/street/index.ts";
import { downloadProgress } from "./network.ts";
import { modelSpec, positive, whole } from "./options.ts";
import { Progress } from "./progress.ts";
import { evaluationJson, evaluationTable } from "./tables.ts";
import { print, say, warn } from "./terminal.ts";

interface DemoFlags {
  readonly output: string;
  readonly seconds?: number;
  readonly seed?: number;
  readonly style?: StreetStyle;
  readonly camera?: StreetCamera;
  readonly model?: string;
  readonly map?: string;
  readonly quiet?: boolean;
  readonly json?: boolean;
}

/** The command. */
export function demoCommand(signal: AbortSignal): Command {
  return new Command("demo")
    .description("See it work: a rendered street, or your video, through a few schedules, beside the oracle.")
    .argument("[video]", "video of your own (default: a street is rendered, whose labels are known exactly)")
    .option("-o, --output <folder>", "where to write", "clockwork-demo")
    .option("--seconds <s>", "length (default: 7 s of street; 105 frames of a video)", positive("--seconds"))
    .option("--seed <n>", `which street (default: ${demoSeed})`, whole("--seed"))
    .addOption(new Option("--style <style>", "light and weather (default: day)").choices([...streetStyles]))
    .addOption(new Option("--camera <kind>", "how the camera moves (default: drive)").choices([...streetCameras]))
    .option("--model <model>", "model folder, .onnx file or hf:owner/name (default: the network in the box)")
    .option("--map <map>", "mapping of its classes to the street's: a name or a JSON file (default: by name)")
    .option("-q, --quiet", "no progress, warnings only")
    .option("--json", "print on standard output what `evaluate --json` prints, and nothing else")
    .addHelpText(
      "after",
      `
Written into the folder: comparison.mp4 (left the network on every frame, right ${shownClock}; below a row for each stage,
bright where it fired), report.html with its tables, and of a street clip.mp4. Nothing is downloaded.

Examples:
  clockwork demo
  clockwork demo --style night --camera turn -o night
  clockwork demo dashcam.mp4 --seconds 10`,
    )
    .action((video: string | undefined, flags: DemoFlags) => run(video, flags, signal));
}

async function run(video: string | undefined, flags: DemoFlags, signal: AbortSignal): Promise<void> {
  const source = sourceOf(video, flags);
  const { quiet = false } = flags;
  const bar = quiet ? undefined : new DemoBar();
  let demo: Demo;
  try {
    demo = await runDemo({
      source,
      output: flags.output,
      ...(flags.seconds !== undefined && { seconds: flags.seconds }),
      model: modelSpec(undefined, flags.model, quiet),
      ...(flags.map !== undefined && { map: flags.map }),
      hub: { onProgress: downloadProgress(), signal },
      signal,
      onStart: ({ dataset, notes }) => {
        bar?.done();
        for (const note of [...dataset.notes, ...notes]) warn(note);
      },
      onProgress: (progress) => bar?.update(progress),
      onNote: (note) => {
        if (!quiet) say(note);
      },
    });
  } finally {
    bar?.done();
  }
  const { evaluation } = demo;
  if (flags.json === true) {
    print(evaluationJson(evaluation));
    if (!quiet) say(placesText(demo));
    return;
  }
  print(evaluationTable(evaluation));
  print(`\n${placesText(demo)}`);
  if (!quiet) print(`\n${nextText(video, flags)}`);
}

/** Progress of one part after the other, each with a time of its own. */
class DemoBar {
  #part: DemoProgress["part"] | undefined;
  #progress = new Progress(process.stderr);

  update({ part, step, frames, total }: DemoProgress): void {
    if (part !== this.#part) {
      this.#progress.done();
      this.#progress = new Progress(process.stderr);
      this.#part = part;
    }
    this.#progress.update({ frames, total, note: step });
  }

  done(): void {
    this.#progress.done();
  }
}

function sourceOf(video: string | undefined, { seed, style, camera }: DemoFlags): DemoSource {
  if (video === undefined) {
    const street = { seed: seed ?? demoSeed, ...(style !== undefined && { style }), ...(camera && { camera }) };
    return { kind: "street", street };
  }
  const given = Object.entries({ seed, style, camera }).find(([, value]) => value !== undefined);
  if (given === undefined) return { kind: "video", path: video };
  throw new ClockworkError(
    "invalid-argument",
    `--${given[0]}: expected it without a video, for a street that is rendered, got ${video}`,
  );
}

function placesText({ files: { comparison, report, clip } }: Demo): string {
  return [
    `${comparison}: left the network on every frame, right ${shownClock}; below, a row for each stage, bright where it fired`,
    `${report}: all of the above, frame by frame`,
    ...(clip === undefined ? [] : [`${clip}: the street itself`]),
  ].join("\n");
}

function nextText(video: string | undefined, { model, output }: DemoFlags): string {
  const mine = quoted(video ?? "my.mp4");
  const network = model === undefined ? "" : ` --model ${quoted(model)}`;
  return [
    "Next, on a video of yours:",
    ...(video === undefined ? [`  clockwork demo ${mine}${network}`] : []),
    `  clockwork segment ${mine}${network} --stages 1 --clock fixed:3+flow -o ${quoted(join(output, "out.mp4"))}`,
    `  clockwork tune ${mine}${network} --budget 0.5 -o schedule.json`,
  ].join("\n");
}

/** A path as a shell takes it. */
function quoted(path: string): string {
  return /^[\w./:@-]+$/u.test(path) ? path : `'${path.replaceAll("'", String.raw`'\''`)}'`;
}
