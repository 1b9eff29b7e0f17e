// The short way on Node: videos, a model and a goal, and there is a tuned schedule as `segment --schedule` takes it.

import { createHash } from "node:crypto";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { formatSchedule } from "../clocks/index.ts";
import { openDataset, type Sequence } from "../datasets/index.ts";
import { nodeEngine } from "../engine/node/engine.ts";
import { ClockworkError } from "../errors.ts";
import { boxedModel, openModel } from "../models/index.ts";
import { planToFile } from "../stages/index.ts";
import { tune, type ScheduleFile, type TuneGoal, type TuneOptions, type Tuned } from "../tune/index.ts";
import { FileStore } from "./file-store.ts";
import { openSegmenter, type OpenSegmenterOptions } from "./open-segmenter.ts";

/** What to tune, and how. */
export interface TuneModelOptions
  extends
    Omit<OpenSegmenterOptions, "clock" | "tuned" | "motion">,
    Pick<TuneOptions, "kind" | "propagate" | "blockSec" | "fitShare" | "seed" | "limit" | "signal" | "onProgress"> {
  /** Video files, folders of pictures or datasets; labels are not looked at. */
  readonly videos: readonly string[];
  /** Split of datasets; default: the layout's. */
  readonly split?: string;
  readonly goal: TuneGoal;
  /** Told what there is to know before the work begins. */
  readonly onStart?: (notes: readonly string[]) => void;
}

/** A tuned model. */
export interface TunedModel extends Tuned {
  /** What `scheduleFileText` writes and `openSegmenter` takes. */
  readonly file: ScheduleFile;
}

/**
 * Tunes a clock of a model on unlabelled video.
 *
 * @example
 * ```ts
 * import { openSegmenter, tuneModel } from "clockwork-convnets/node";
 * const goal = { kind: "budget", budget: 0.5 } as const;
 * const { file } = await tuneModel({ videos: ["street.mp4"], model: "my-model", goal });
 * await using segmenter = await openSegmenter({ model: "my-model", tuned: file });
 * ```
 * @throws ClockworkError as `tune` does, and where a video or the model is no good
 */
export async function tuneModel(options: TuneModelOptions): Promise<TunedModel> {
  const { model = boxedModel, signal, goal } = options;
  const videos: Sequence[] = [];
  for (const path of options.videos) {
    const { sequences } = await openDataset(path, {
      ...(options.split !== undefined && { split: options.split }),
      ...(signal !== undefined && { signal }),
    });
    videos.push(...sequences);
  }
  const source = await openModel(model, options.hub);
  await using oracle = await openSegmenter({ ...options, clock: "every" });
  const first = await firstSize(videos, signal);
  const { network, plan, notes } = await oracle.prepare(first);
  if (network === undefined || plan === undefined) {
    throw new ClockworkError(
      "invalid-argument",
      `${model}: expected a network, got one that is compiled already; try the network that it was compiled from`,
    );
  }
  options.onStart?.(notes);
  await using labels = await FileStore.open(await mkdtemp(join(tmpdir(), "clockwork-tune-")));
  try {
    const tuned = await tune({
      ...options,
      videos,
      oracle,
      engine: nodeEngine,
      engineOptions: {
        ...(options.threads !== undefined && { threads: options.threads }),
        ...(options.providers !== undefined && { providers: options.providers }),
      },
      labels,
      network,
      plan,
      classes: network.output.classes ?? oracle.classNames?.length ?? 256,
    });
    const file: ScheduleFile = {
      format: "clockwork-schedule",
      version: 1,
      clock: formatSchedule(tuned.schedule),
      schedule: tuned.schedule,
      model: {
        name: basename(model.replace(/[/\\]+$/u, "")),
        sha256: createHash("sha256").update(source.bytes).digest("hex"),
      },
      size: network.size,
      plan: planToFile(plan, network),
      goal,
      evidence: tuned.evidence,
    };
    return { ...tuned, file };
  } finally {
    await labels.remove();
  }
}

async function firstSize(
  videos: readonly Sequence[],
  signal: AbortSignal | undefined,
): Promise<{ readonly widthPx: number; readonly heightPx: number }> {
  for (const video of videos) {
    for await (const { frame } of video.read({ to: 1, ...(signal !== undefined && { signal }) })) return frame;
  }
  throw new ClockworkError("invalid-video", "tune: expected frames, got none");
}
