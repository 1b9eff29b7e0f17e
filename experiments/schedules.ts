// The schedules of Shelhamer et al. 2016 (arXiv 1608.03609) on video: oracle, pipelines, adaptive clocks at several rates,
// and fixed and skip at the same rates where a period gives them, so that one can see whether an adaptive clock is worth
// it. Thresholds are chosen on the frames of the evaluation, without labels.

import { Progress } from "../src/cli/progress.ts";
import { warn } from "../src/cli/terminal.ts";
import { formatSchedule, type Schedule } from "../src/index.ts";
import { evaluateModel, openDataset, type ClockSpec } from "../src/node.ts";
import { periodRate, type Changes } from "../src/tune/index.ts";
import { protocolOf } from "./protocols.ts";
import { rowsOf, titleOf, type Table } from "./rows.ts";
import { firstFrameOf, openSubject, type Subject, type SubjectOptions } from "./subject.ts";
import { recordChanges, thresholdFor } from "./thresholds.ts";

/** What to run. */
export interface SchedulesOptions extends SubjectOptions {
  readonly data: string;
  /** Layout of the folder; default: recognised. */
  readonly layout?: string | undefined;
  readonly split?: string | undefined;
  /** Mapping of classes; default: that of the dataset's protocol. `name`: by name. */
  readonly map?: string | undefined;
  /** Frames of each sequence, or labelled frames where the protocol goes back from them, at most. */
  readonly limit?: number | undefined;
}

/** Rates at which an adaptive clock is shown besides those of periods. */
const rates = [0.9, 0.75] as const;

/** A schedule with the name of its row. */
interface Method {
  readonly name: string;
  readonly spec: ClockSpec;
}

/** Runs the experiment. */
export async function schedules(options: SchedulesOptions): Promise<readonly Table[]> {
  const { data, layout, split, limit, providers } = options;
  const dataset = await openDataset(data, {
    ...(layout !== undefined && { layout }),
    ...(split !== undefined && { split }),
  });
  const { about, map: usual, ...protocol } = protocolOf(dataset.name);
  const { map = usual } = options;
  const progress = new Progress(process.stderr);
  const frames = { ...protocol, ...(limit !== undefined && { limit }) };
  const notes: string[] = [];
  const methods: Method[] = [];
  const subject = await openSubject(options, await firstFrameOf(dataset));
  try {
    notes.push(...subject.notes);
    const changes =
      subject.two &&
      (await recordChanges(subject.oracle, subject.two, dataset, frames, (count) =>
        progress.update({ frames: count, total: undefined, note: "thresholds" }),
      ));
    methods.push(...methodsOf(subject, changes, notes));
  } finally {
    await subject.oracle[Symbol.asyncDispose]();
  }
  const evaluation = await evaluateModel({
    ...frames,
    folder: data,
    layout: dataset.name,
    ...(dataset.split !== undefined && { split: dataset.split }),
    model: options.model,
    clocks: methods.map(({ spec }) => spec),
    ...(map !== undefined && map !== "name" && { map }),
    ...(providers !== undefined && { providers }),
    ...(subject.two !== undefined && { plan: subject.two.file }),
    onStart: ({ notes: said }) => said.forEach((note) => warn(note)),
    onProgress: ({ frames: done, total, clock }) => progress.update({ frames: done, total, note: clock }),
  }).finally(() => progress.done());
  return [
    {
      title: `Schedules: ${evaluation.model} on ${titleOf(dataset)}`,
      rows: rowsOf(evaluation, ["oracle", ...methods.map(({ name }) => name)]),
      notes: [
        `${evaluation.frames} frames, ${evaluation.labelled} labelled; ${about}.`,
        ...new Set([...notes, ...evaluation.notes]),
      ],
    },
  ];
}

function methodsOf(
  { two, three }: Subject,
  changes: readonly Changes[] | undefined,
  notes: string[],
): readonly Method[] {
  const method = (schedule: Schedule, name: string, plan?: unknown): Method => ({
    name,
    spec: { clock: schedule, ...(plan !== undefined && { plan }) },
  });
  const skip = (period: number): Method => method({ kind: "skip", period }, `skip:${period}`);
  const fixed = (period: number): readonly Method[] =>
    two === undefined
      ? []
      : [method({ kind: "fixed", periods: [period] }, `fixed:${period}${period === 2 ? " (alternating)" : ""}`)];
  const adaptive = (rate: number): readonly Method[] => {
    if (changes === undefined) return [];
    const found = thresholdFor(changes, rate);
    if (found === undefined) {
      notes.push(
        `no adaptive clock at ${(100 * rate).toFixed(0)} %: more frames than that are the first of a stretch.`,
      );
      return [];
    }
    const schedule: Schedule = { kind: "adaptive", threshold: found.threshold };
    return [method(schedule, formatSchedule(schedule))];
  };
  const atPeriod = (period: number): readonly Method[] => [
    skip(period),
    ...fixed(period),
    ...(changes === undefined ? [] : adaptive(periodRate(changes, period))),
  ];
  if (two !== undefined && changes === undefined) {
    notes.push(
      "stage 1 makes no score map, so no thresholds could be chosen for adaptive clocks; " +
        "try `clockwork evaluate --clock adaptive:THRESHOLD`.",
    );
  }
  return [
    ...(two === undefined ? [] : [method({ kind: "pipeline" }, "pipeline, 2 stages")]),
    ...(three === undefined ? [] : [method({ kind: "pipeline" }, "pipeline, 3 stages", three.file)]),
    ...rates.flatMap(adaptive),
    ...[2, 3].flatMap(atPeriod),
    ...(three === undefined
      ? []
      : [skip(4), ...fixed(4), method({ kind: "fixed", periods: [1, 2, 4] }, "fixed:1,2,4 (3 stages)", three.file)]),
    ...atPeriod(5),
  ];
}
