// `clockwork street`: a synthetic street as a video, or as a dataset with everything known.

import { Command, Option } from "commander";
import { ClockworkError } from "../errors.ts";
import type { Size } from "../network/index.ts";
import { writeStreet, type StreetWritten } from "../node/street/write-street.ts";
import {
  streetCameras,
  streetClasses,
  streetStyles,
  type StreetCamera,
  type StreetStyle,
} from "../video/street/index.ts";
import { countFrom, parseSize, positive, wholeNumber } from "./options.ts";
import { Progress } from "./progress.ts";
import { print } from "./terminal.ts";

interface StreetFlags {
  readonly output: string;
  readonly seed: number;
  readonly seconds?: number;
  readonly frames?: number;
  readonly style?: readonly StreetStyle[];
  readonly camera?: readonly StreetCamera[];
  readonly clips?: number;
  readonly density?: number;
  readonly size?: Size;
  readonly fps?: number;
  readonly noise?: number;
  readonly exposure?: number;
  readonly every?: number;
  readonly compress?: number;
  readonly flow: boolean;
  readonly depth: boolean;
  readonly instances: boolean;
  readonly threads?: number;
  readonly quiet?: boolean;
  readonly json?: boolean;
}

const usual = { seconds: 10, fps: 15 } as const;

/** The command. */
export function streetCommand(signal: AbortSignal): Command {
  return new Command("street")
    .description("Render a synthetic street: a video, or a dataset with the labels, motion and depth of every pixel.")
    .requiredOption(
      "-o, --output <path>",
      "a video (.mp4, .mov, .mkv or .webm), or a folder that is empty or not there yet",
    )
    .option("--seed <n>", "which town and traffic; any whole number", countFrom("--seed", Number.MIN_SAFE_INTEGER), 1)
    .addOption(
      new Option("--seconds <s>", `length of a clip (default: ${usual.seconds})`)
        .argParser(positive("--seconds"))
        .conflicts("frames"),
    )
    .option("--frames <n>", "the same in frames", wholeNumber("--frames"))
    .option(
      "--style <names>",
      `light and weather: ${streetStyles.join(", ")}; several for clips in turn (default: day)`,
      listOf("--style", streetStyles),
    )
    .option(
      "--camera <names>",
      `how the camera moves: ${streetCameras.join(", ")}; several for clips in turn (default: drive)`,
      listOf("--camera", streetCameras),
    )
    .option(
      "--clips <n>",
      "clips with seeds that follow each other, as sequences of one dataset (default: one for each style or camera)",
      wholeNumber("--clips"),
    )
    .option("--density <x>", "how much moves: 0 nothing, 1 the usual, up to 3", numberFor("--density"))
    .option("--size <WxH>", "size of the frames (default: 480x360)", parseSize("--size"))
    .option("--fps <n>", `frames a second (default: ${usual.fps})`, positive("--fps"))
    .option("--noise <n>", "deviation of the sensor's noise, of 255 (default: the style's)", numberFor("--noise"))
    .option(
      "--exposure <x>",
      "how far exposure wanders, as a factor, 1 for not at all (default: 1.1)",
      numberFor("--exposure"),
    )
    .option("--every <n>", "in a folder: write every nth frame only (default: 1)", wholeNumber("--every"))
    .option(
      "--compress <crf>",
      "frames of a folder go through H.264 of this quality first, 0 (all but lossless) to 51; of a video, its own quality",
      numberFor("--compress"),
    )
    .option("--no-flow", "in a folder: leave out flow/ and occlusion/")
    .option("--no-depth", "in a folder: leave out depth/")
    .option("--no-instances", "in a folder: leave out instances/")
    .option("--threads <n>", "workers that render (default: one for each core)", wholeNumber("--threads"))
    .option("-q, --quiet", "no progress")
    .option("--json", "print one JSON object on standard output")
    .addHelpText(
      "after",
      `
A folder is a dataset that evaluate, tune and train take: frames/, labels/ and classes.json. Beside them are
flow/ (.flo) and occlusion/, depth/ (.pfm) and instances/, and street.json with all that it was rendered from. With
several clips, each has a subfolder in all of these. docs/street.md says what is in the files.

The same flags give the same bytes, whatever the number of threads (but videos, whose encoder uses all cores).

Examples:
  clockwork street --seed 7 --style dusk -o dusk.mp4
  clockwork street --clips 20 --style day,dusk,rain --camera drive,turn --every 5 --no-flow --no-depth -o training/
  clockwork street --seed 100 --seconds 20 --compress 28 -o held-out/
  clockwork evaluate held-out/ --model my-model --clock fixed:3+flow`,
    )
    .action((flags: StreetFlags) => run(flags, signal));
}

async function run(flags: StreetFlags, signal: AbortSignal): Promise<void> {
  const progress = flags.quiet === true ? undefined : new Progress(process.stderr);
  const start = performance.now();
  const fps = flags.fps ?? usual.fps;
  let written: StreetWritten;
  try {
    written = await writeStreet({
      output: flags.output,
      seed: flags.seed,
      frames: flags.frames ?? Math.max(1, Math.round((flags.seconds ?? usual.seconds) * fps)),
      fps,
      ...(flags.style !== undefined && { styles: flags.style }),
      ...(flags.camera !== undefined && { cameras: flags.camera }),
      ...(flags.clips !== undefined && { clips: flags.clips }),
      ...(flags.density !== undefined && { density: flags.density }),
      ...flags.size,
      ...(flags.noise !== undefined && { noise: flags.noise }),
      ...(flags.exposure !== undefined && { exposure: flags.exposure }),
      ...(flags.every !== undefined && { every: flags.every }),
      ...(flags.compress !== undefined && { compress: flags.compress }),
      ...(flags.threads !== undefined && { threads: flags.threads }),
      maps: { flow: flags.flow, depth: flags.depth, instances: flags.instances },
      signal,
      onProgress: ({ frames, total }) => progress?.update({ frames, total, note: "rendering" }),
    });
  } finally {
    progress?.done();
  }
  report(written, (performance.now() - start) / 1000, flags);
}

function report({ output, frames, clips }: StreetWritten, seconds: number, { json }: StreetFlags): void {
  if (json === true) {
    const streets = clips.map(({ name, frames: length, street }) => ({ name, frames: length, ...street }));
    const seeds = clips.map(({ street }) => street.seed);
    print(JSON.stringify({ output, frames, seconds, seeds, classes: streetClasses, clips: streets }, undefined, 2));
    return;
  }
  const of = clips.length === 1 ? "" : ` of ${clips.length} clips`;
  print(
    `${frames} frames${of} in ${seconds.toFixed(1)} s: ${(frames / seconds).toFixed(1)} frames/s\nwritten: ${output}`,
  );
}

/** Parses names with commas between them. */
function listOf<T extends string>(flag: string, known: readonly T[]): (text: string) => readonly T[] {
  const isKnown = (name: string): name is T => (known as readonly string[]).includes(name);
  return (text) =>
    text.split(",").map((part) => {
      const name = part.trim();
      if (isKnown(name)) return name;
      throw new ClockworkError("invalid-argument", `${flag}: expected some of ${known.join(", ")}, got "${name}"`);
    });
}

/** Parses a number, whose range the renderer knows. */
function numberFor(flag: string): (text: string) => number {
  return (text) => {
    const number = text.trim() === "" ? Number.NaN : Number(text);
    if (Number.isFinite(number)) return number;
    throw new ClockworkError("invalid-argument", `${flag}: expected a number, got "${text}"`);
  };
}
