// The short way on Node: a model by its path or name and a clock by its text, and there is a segmenter.

import { createHash } from "node:crypto";
import { parseSchedule, type Schedule } from "../clocks/index.ts";
import { readProtocol } from "../compile/index.ts";
import type { MotionOrigin } from "../compile/index.ts";
import { nodeEngine } from "../engine/node/engine.ts";
import { boxedModel, openModel, type HubOptions, type ModelSource } from "../models/index.ts";
import type { Network, Size } from "../network/index.ts";
import { readModel } from "../onnx/index.ts";
import { Segmenter } from "../segment/index.ts";
import { parseCut, planFromFile, type Plan } from "../stages/index.ts";
import type { ScheduleFile } from "../tune/index.ts";

/** What to open, and how. */
export interface OpenSegmenterOptions {
  /** A model folder, an `.onnx` file, `hf:owner/name`, or a network compiled for frames; default: {@link boxedModel}. */
  readonly model?: string;
  /** A schedule, as text or parsed; default `fixed:2`. A compiled network brings its own. */
  readonly clock?: string | Schedule;
  /** A tuned schedule with its plan, in place of `clock`, `stages`, `cuts` and `plan`. */
  readonly tuned?: ScheduleFile;
  /** Wanted number of stages; default 2, or as many as the clock names. */
  readonly stages?: number;
  /** Explicit cuts, shallowest first, as `inspect` prints them. */
  readonly cuts?: readonly string[];
  /** A saved plan (the parsed JSON), in place of `stages` and `cuts`. */
  readonly plan?: unknown;
  /** Size at which the network runs; default: what the model says, else that of the frames. */
  readonly size?: Size | "native";
  /** Name of the network's output that has the result; default: found by itself. */
  readonly output?: string;
  /** Whether everything fires at a change of shot; default true. A camera that moves very fast may be taken for one. */
  readonly shots?: boolean;
  /**
   * Where a clock with `+flow` takes motion from; default `graph`, which looks for it in the pictures. `codec` takes the
   * motion vectors that an H.264 or MPEG video came with: open it with `motion: true`.
   */
  readonly motion?: MotionOrigin;
  /** Threads of the engine; default: as many as the machine has cores. */
  readonly threads?: number;
  /** Execution providers, the preferred first, such as `["cuda", "cpu"]`; default: the CPU. */
  readonly providers?: readonly string[];
  /** Cache, progress and abort of downloads. */
  readonly hub?: HubOptions;
}

/** The clock where none is given. */
export const defaultClock = "fixed:2";

/**
 * Opens a model for segmenting video.
 *
 * @example
 * ```ts
 * import { openSegmenter, openVideo } from "clockwork-convnets/node";
 * await using segmenter = await openSegmenter({ model: "my-model", clock: "fixed:2" });
 * for await (const { labels, fired, timestampSec } of segmenter.segment(await openVideo("street.mp4"))) {
 *   console.log(timestampSec, fired, labels.data[0]);
 * }
 * ```
 * @throws ClockworkError where the model or the schedule is no good; a plan or cut is checked with the first frame
 */
export async function openSegmenter(options: OpenSegmenterOptions): Promise<Segmenter> {
  const { tuned, clock = tuned?.schedule ?? defaultClock, plan = tuned?.plan } = options;
  const schedule = typeof clock === "string" ? parseSchedule(clock) : clock;
  const cuts = options.cuts?.map(parseCut);
  const source = await openModel(options.model ?? boxedModel, options.hub);
  const model = readModel(source.bytes, { name: source.path, external: source.readExternal });
  const protocol = readProtocol(model);
  return new Segmenter({
    model,
    engine: nodeEngine,
    schedule,
    preprocessing: source.preprocessing,
    classNames: protocol?.classNames ?? source.classNames,
    // A compiled network has its preprocessing inside: what was assumed about it does not matter.
    warnings:
      protocol === undefined
        ? [...source.warnings, ...otherModel(tuned, source), ...otherMotion(tuned, options.motion)]
        : [],
    stages: options.stages,
    cuts,
    planFor: plan === undefined ? undefined : (network: Network): Plan => planFromFile(plan, network),
    size: options.size,
    output: options.output,
    shots: options.shots,
    motion: options.motion,
    engineOptions: {
      ...(options.threads !== undefined && { threads: options.threads }),
      ...(options.providers !== undefined && { providers: options.providers }),
    },
  });
}

/** What is to be said where a schedule was tuned for another file: a threshold suits the weights that it was tuned with. */
export function otherModel(tuned: ScheduleFile | undefined, { bytes, name }: ModelSource): readonly string[] {
  if (tuned === undefined || createHash("sha256").update(bytes).digest("hex") === tuned.model.sha256) return [];
  return [
    `the schedule was tuned for another file, of "${tuned.model.name}", than that of ${name}: what it promises is not known here`,
  ];
}

/** What is to be said where a schedule was tuned with other motion: all are tuned with that of the graph. */
function otherMotion(tuned: ScheduleFile | undefined, motion: MotionOrigin | undefined): readonly string[] {
  if (tuned === undefined || motion !== "codec") return [];
  return ["the schedule was tuned with motion from the graph: what it promises is not known with that of a codec"];
}
