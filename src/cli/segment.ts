// `clockwork segment`: a video through a network on a clock.

import { Command, Option } from "commander";
import { formatSchedule } from "../clocks/index.ts";
import { ClockworkError } from "../errors.ts";
import { SummaryMeter } from "../metrics/index.ts";
import { sizeText, type Size } from "../network/index.ts";
import { defaultClock, openSegmenter } from "../node/open-segmenter.ts";
import type { Preparation, Segmenter } from "../segment/index.ts";
import { openSink, openVideo, paletteFor, readPalette, type LabelSink, type VideoReader } from "../video/index.ts";
import { readJson } from "../node/json-file.ts";
import { downloadProgress } from "./network.ts";
import {
  checkMotion,
  modelSpec,
  networkSize,
  otherSize,
  readSchedule,
  share,
  wholeNumber,
  withNetworkFlags,
  scheduleOf,
  withMotion,
  withPropagation,
  type MotionFlags,
  type PropagationFlags,
  withTunedSchedule,
  type NetworkFlags,
} from "./options.ts";
import { Progress } from "./progress.ts";
import { print, say, warn } from "./terminal.ts";

interface SegmentFlags extends NetworkFlags, PropagationFlags, MotionFlags {
  readonly model?: string;
  readonly clock?: string;
  readonly schedule?: string;
  readonly output?: string;
  readonly format?: "overlay" | "labels";
  readonly size?: Size | "native";
  readonly opacity?: number;
  readonly palette?: string;
  readonly limit?: number;
  readonly shots: boolean;
  readonly threads?: number;
  readonly provider?: string;
  readonly quiet?: boolean;
  readonly json?: boolean;
}

/** The command. */
export function segmentCommand(signal: AbortSignal): Command {
  const command = new Command("segment")
    .description("Segment a video, with the deep stages of the network resting between firings of their clock.")
    .argument("<video>", "video file, folder of images, pattern such as %05d.png, URL, or - for standard input")
    .option(
      "--model <model>",
      "model folder, .onnx file, hf:owner/name, or a file that `compile` wrote (default: the network in the box)",
    )
    .option(
      "--clock <schedule>",
      "when stages fire: every, skip:3, fixed:2, fixed:1,2,4, adaptive:0.25, pipeline",
      defaultClock,
    );
  return withNetworkFlags(withMotion(withPropagation(withTunedSchedule(command))))
    .option("-o, --output <path>", "overlay as .mp4, .mov, .mkv or .webm, or a folder for label PNGs (default: none)")
    .addOption(
      new Option("--format <kind>", "what to write; labels with .mkv is a lossless video of class indices").choices([
        "overlay",
        "labels",
      ]),
    )
    .option("--size <WxH>", "size at which the network runs, or native (default: what the model says)", networkSize)
    .option(
      "--opacity <share>",
      "how far the class colours cover the picture, 0 to 1 (default: 0.5)",
      share("--opacity"),
    )
    .option("--palette <file>", 'class colours: JSON, [[r,g,b], ...] or { "road": [r,g,b] }')
    .option("--limit <frames>", "stop after this many frames", wholeNumber("--limit"))
    .option("--no-shots", "do not look for changes of shot, at which everything fires")
    .option("--threads <n>", "threads of the engine (default: one for each core)", wholeNumber("--threads"))
    .option("--provider <name>", "execution provider of ONNX Runtime, such as cuda or webgpu (default: cpu)")
    .option("-q, --quiet", "no progress, warnings only")
    .option("--json", "print one JSON object on standard output")
    .addHelpText(
      "after",
      `
Clocks:
  every          the whole network on every frame: the oracle
  skip:3         the whole network every 3rd frame, its labels repeated in between: what people do by hand
  fixed:2        the deepest stage every 2nd frame, everything else on every frame
  fixed:1,2,4    one period for each stage, shallowest first
  adaptive:0.25  the deepest stage when a quarter of the labels of a shallow score map have changed
  fixed:5+flow   the same, and what is held moves along the optical flow; with any clock that holds something
                 (--motion codec: along the motion vectors of the video)
On the first frame, after a change of shot and after a change of frame size everything fires.

Examples:
  clockwork segment street.mp4 --model my-model --clock fixed:2 --output out.mp4
  clockwork segment frames/ --model net.onnx --clock adaptive:0.25 --output labels/
  clockwork segment street.mp4 --model my-model --format labels --output labels.mkv --json

Labels come back at the size of the video. Ctrl-C stops: an unfinished video of a file is removed, of a live source
(camera, stream) it is finished.`,
    )
    .action((video: string, flags: SegmentFlags) => segment(video, flags, signal));
}

async function segment(input: string, flags: SegmentFlags, signal: AbortSignal): Promise<void> {
  const tuned = flags.schedule === undefined ? undefined : await readSchedule(flags.schedule);
  const schedule = tuned?.schedule ?? scheduleOf(flags.clock ?? defaultClock, flags);
  // A compiled network brings its own.
  if (tuned !== undefined || flags.clock !== undefined) checkMotion(flags, [schedule]);
  await using segmenter = await openSegmenter({
    model: modelSpec(undefined, flags.model, flags.quiet),
    ...(tuned === undefined ? { clock: schedule } : { tuned }),
    ...(flags.stages !== undefined && { stages: flags.stages }),
    ...(flags.cut !== undefined && { cuts: flags.cut }),
    ...(flags.plan !== undefined && { plan: await readJson(flags.plan) }),
    ...(flags.size !== undefined && { size: flags.size }),
    ...(flags.networkOutput !== undefined && { output: flags.networkOutput }),
    ...(!flags.shots && { shots: false }),
    ...(flags.motion !== undefined && { motion: flags.motion }),
    ...(flags.threads !== undefined && { threads: flags.threads }),
    ...(flags.provider !== undefined && { providers: [flags.provider, "cpu"] }),
    hub: { onProgress: downloadProgress(), signal },
  });
  const fixed = segmenter.compiledFor;
  await using video = await openVideo(input, {
    signal,
    ...(segmenter.needsMotion && { motion: true }),
    ...(fixed !== undefined && { width: fixed.widthPx, height: fixed.heightPx }),
  });
  const { widthPx, heightPx } = video.info;
  const prepared = await segmenter.prepare({ widthPx, heightPx });
  const { protocol } = prepared;
  const warnings = [...prepared.notes];
  if (fixed !== undefined) {
    const given = [
      ...(["size", "stages", "cut", "plan", "schedule"] as const).filter((name) => flags[name] !== undefined),
      ...(flags.networkOutput === undefined ? [] : ["network-output"]),
    ];
    if (given.length > 0) warnings.push(`--${given.join(", --")}: not used, since the model is compiled already`);
  }
  if (fixed === undefined) warnings.push(...otherSize(tuned, protocol.network));
  for (const warning of warnings) warn(warning);
  if (flags.quiet !== true) {
    const clock =
      protocol.schedule === formatSchedule(schedule) ? protocol.schedule : `${protocol.schedule} (compiled in)`;
    say(
      `${input}: ${sizeText({ widthPx, heightPx })}, network at ${sizeText(protocol.network)}, ` +
        `${protocol.stages.length} ${protocol.stages.length === 1 ? "stage" : "stages"}, clock ${clock}` +
        (protocol.inputs.motion === undefined ? "" : ", motion of the codec"),
    );
  }
  const sink = flags.output === undefined ? undefined : await sinkFor(flags.output, flags, input, video, segmenter);
  const run = await drive(segmenter, video, sink, prepared, flags, signal);
  const after = [...video.warnings, ...(sink?.warnings ?? []), ...unmoved(run)];
  warnings.push(...after);
  for (const warning of after) warn(warning);
  report(run, protocol.schedule, flags, warnings);
}

async function sinkFor(
  path: string,
  flags: SegmentFlags,
  input: string,
  video: VideoReader,
  segmenter: Segmenter,
): Promise<LabelSink> {
  const palette =
    flags.palette === undefined
      ? paletteFor(segmenter.classNames, 256)
      : await readPalette(flags.palette, segmenter.classNames);
  const { frameRate, timeBase, sampleAspectRatio, hasAudio } = video.info;
  return openSink(path, {
    palette,
    frameRate,
    timeBase,
    sampleAspectRatio,
    // Standard input cannot be read twice, which a sink warns of; without audio there is nothing to warn of.
    ...((hasAudio || input !== "-") && { source: input }),
    nameOf: (timestampSec) => video.nameOf(timestampSec),
    ...(flags.format !== undefined && { format: flags.format }),
    ...(flags.opacity !== undefined && { opacity: flags.opacity }),
  });
}

interface Run {
  readonly meter: SummaryMeter;
  readonly seconds: number;
  readonly shots: number;
  /** Frames whose codec told no motion, though it was asked for it. */
  readonly unmoved: number;
}

/** What is to be said where motion is mostly unknown: a video of intra pictures, or of fields. */
function unmoved({ meter, unmoved: without }: Run): readonly string[] {
  const { frames } = meter.result();
  if (without <= frames / 2) return [];
  return [
    `the codec told no motion of ${without} of ${frames} frames, in which what is held stood still; try --motion graph`,
  ];
}

/** Pulls results through; one frame is written while the next are made. */
async function drive(
  segmenter: Segmenter,
  video: VideoReader,
  sink: LabelSink | undefined,
  prepared: Preparation,
  flags: SegmentFlags,
  signal: AbortSignal,
): Promise<Run> {
  const { info } = video;
  const meter = new SummaryMeter(prepared.protocol.stages.reduce((sum, stage) => sum + stage.macs, 0));
  const live = info.durationSec === undefined && info.container !== "images";
  const total = flags.limit ?? info.frameCountEstimate;
  const progress = flags.quiet === true ? undefined : new Progress(process.stderr);
  const start = performance.now();
  let frames = 0;
  let fired = 0;
  let shots = 0;
  let still = 0;
  let writing: Promise<void> = Promise.resolve();
  try {
    try {
      for await (const result of segmenter.segment(video, { signal })) {
        meter.update(result);
        frames += 1;
        if (result.fired.at(-1) === true) fired += 1;
        if (result.shot) shots += 1;
        if (result.frame.motion?.blocks.length === 0) still += 1;
        await writing;
        writing = sink?.write(result.frame, result.labels) ?? Promise.resolve();
        // Seen when it is awaited; until then it must not count as unhandled.
        writing.catch(() => undefined);
        progress?.update({ frames, total, note: `deepest stage on ${((100 * fired) / frames).toFixed(0)} %` });
        if (frames === flags.limit) break;
      }
    } catch (error) {
      const stopped = error instanceof ClockworkError && error.code === "aborted";
      if (!(stopped && live && frames > 0)) throw error;
    }
    await writing;
    await sink?.close();
  } catch (error) {
    progress?.done();
    await writing.catch(() => undefined);
    await sink?.abort();
    throw error;
  }
  progress?.done();
  return { meter, seconds: (performance.now() - start) / 1000, shots, unmoved: still };
}

function report(run: Run, schedule: string, flags: SegmentFlags, warnings: readonly string[]): void {
  const summary = run.meter.result();
  const { frames, updateRates, macsRatio, latencyMs } = summary;
  const framesPerSecond = frames / run.seconds;
  const output = flags.output ?? null;
  if (flags.json === true) {
    print(
      JSON.stringify(
        {
          clock: schedule,
          frames,
          seconds: run.seconds,
          framesPerSecond,
          updateRates,
          macsRatio: macsRatio ?? null,
          latencyMs: latencyMs ?? null,
          shots: run.shots,
          output,
          warnings,
        },
        undefined,
        2,
      ),
    );
    return;
  }
  const rates = updateRates.map((rate, depth) => `stage ${depth + 1} on ${(100 * rate).toFixed(1)} %`).join(", ");
  print(
    [
      `${frames} frames in ${run.seconds.toFixed(1)} s: ${framesPerSecond.toFixed(1)} frames/s`,
      `fired: ${rates} of the frames; ${macsRatio === undefined ? "-" : (100 * macsRatio).toFixed(1)} % of the oracle's MACs`,
      ...(latencyMs === undefined
        ? []
        : [
            `latency: ${latencyMs.p50.toFixed(1)} ms (median), ${latencyMs.p95.toFixed(1)} ms (95 %), ${latencyMs.max.toFixed(1)} ms (worst)`,
          ]),
      ...(run.shots > 0 ? [`changes of shot: ${run.shots}`] : []),
      ...(output === null ? [] : [`written: ${output}`]),
    ].join("\n"),
  );
}
