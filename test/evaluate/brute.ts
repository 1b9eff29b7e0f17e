// What an evaluation must say, computed the long way: every schedule is run in one go over the frames of every stretch,
// and everything is counted pixel by pixel, with none of the code of `evaluate/` and `metrics/`.

import { parseSchedule } from "../../src/clocks/index.ts";
import type { Dataset, LabelledFrame } from "../../src/datasets/index.ts";
import type { EvaluationRun, FrameMatcher, TemporalConsistency, Timeline } from "../../src/evaluate/index.ts";
import type { LabelMap } from "../../src/frame.ts";
import { resultsOf, smallSegmenter } from "../support/segmenting.ts";

/** Frames that are run from a fresh start. */
export interface Leg {
  readonly sequence: number;
  readonly frames: readonly number[];
  /** Places in `frames` from which on frames are counted. */
  readonly from: number;
  /** Frame whose labels count; `undefined` for all. */
  readonly target?: number;
}

/** What to compute. */
export interface Task {
  readonly dataset: Dataset;
  readonly legs: readonly Leg[];
  readonly networkClasses: number;
  readonly table?: Uint8Array;
  /** Phases of each clock; default 1. */
  readonly phasesOf?: (clock: string) => number;
  readonly boundaryPx?: number;
  readonly matcher?: FrameMatcher | undefined;
}

/** What is known without looking at a clock. */
export type TimelessRun = Omit<EvaluationRun, "msPerFrame" | "speedup" | "latencyMs">;

/** A counted frame. */
interface Seen {
  readonly phase: number;
  readonly sequence: number;
  readonly frame: number;
  readonly fired: readonly boolean[];
  readonly signal: number | null;
  readonly shot: boolean;
  readonly macs: number;
  readonly age: number;
  readonly labels: Uint8Array;
  readonly oracle: Uint8Array;
  readonly before: Uint8Array | undefined;
  readonly truth: LabelMap | undefined;
  /** True labels of the frame before, where they count. */
  readonly truthBefore: LabelMap | undefined;
  readonly places: Int32Array | undefined;
}

/** The runs and timelines of an evaluation of these clocks, the oracle first. */
export async function bruteForce(
  task: Task,
  clocks: readonly string[],
): Promise<{
  readonly runs: readonly TimelessRun[];
  readonly timelines: readonly Omit<Timeline, "ms">[];
  readonly truthConsistency: TemporalConsistency | null;
}> {
  const frames = await Promise.all(
    task.dataset.sequences.map(async (sequence) => {
      const all: LabelledFrame[] = [];
      for await (const frame of sequence.read()) all.push(frame);
      return all;
    }),
  );
  const oracles = await Promise.all(
    frames.map(async (all) => {
      await using oracle = smallSegmenter("every");
      return (await resultsOf(oracle.segment(all.map(({ frame }) => frame)))).map(({ labels }) => labels.data);
    }),
  );
  const seen = new Map<string, Seen[]>();
  for (const clock of ["every", ...clocks]) seen.set(clock, await seenBy(clock, task, frames, oracles));
  const oracleMacs = average((seen.get("every") ?? []).map(({ macs }) => macs));
  const all = [...seen];
  const truths = (seen.get("every") ?? []).flatMap(({ truth, truthBefore, places }) =>
    truth === undefined || truthBefore === undefined ? [] : [{ labels: truth.data, before: truthBefore.data, places }],
  );
  return {
    truthConsistency: consistencyOf(truths, task.dataset.classNames.length),
    runs: all.map(([clock, frames]) => runOf(clock, frames, task, oracleMacs)),
    timelines: all.map(([, frames]) =>
      timelineOf(
        frames.filter(({ phase }) => phase === 0),
        task,
      ),
    ),
  };
}

async function seenBy(
  clock: string,
  { legs, phasesOf = () => 1, matcher }: Task,
  frames: readonly (readonly LabelledFrame[])[],
  oracles: readonly (readonly Uint8Array[])[],
): Promise<Seen[]> {
  const seen: Seen[] = [];
  await using segmenter = smallSegmenter("every").variant({ schedule: parseSchedule(clock) });
  for (const leg of legs) {
    for (let phase = 0; phase < phasesOf(clock); phase++) {
      const places = leg.frames.slice(phase);
      const items = places.flatMap((index) => frames[leg.sequence]?.[index] ?? []);
      const results = await resultsOf(segmenter.segment(items.map(({ frame }) => frame)));
      let age = 0;
      for (const [at, { labels, fired, signal, shot, macs }] of results.entries()) {
        const item = items[at];
        const oracle = oracles[leg.sequence]?.[item?.index ?? -1];
        if (item === undefined || oracle === undefined) throw new Error("expected as many frames as results");
        age = fired.at(-1) === true ? 0 : age + 1;
        if (at < leg.from) continue;
        const earlier = results[at - 1]?.labels;
        const isSameSize = earlier?.widthPx === labels.widthPx && earlier.heightPx === labels.heightPx;
        const counts = leg.target === undefined || leg.target === item.index;
        const itemBefore = items[at - 1];
        const countedBefore = leg.target === undefined && at - 1 >= leg.from;
        seen.push({
          phase,
          sequence: leg.sequence,
          frame: item.index,
          fired,
          signal: signal ?? null,
          shot,
          macs,
          age,
          labels: labels.data,
          oracle,
          before: isSameSize ? earlier.data : undefined,
          truth: counts ? item.labels : undefined,
          truthBefore: countedBefore ? itemBefore?.labels : undefined,
          places: itemBefore && (await matcher?.match(item.frame, itemBefore.frame)),
        });
      }
    }
  }
  return seen;
}

function runOf(clock: string, frames: readonly Seen[], task: Task, oracleMacs: number): TimelessRun {
  const { dataset, networkClasses, boundaryPx = 5 } = task;
  const classes = dataset.classNames.length;
  const scored = frames.flatMap((frame) => (frame.truth === undefined ? [] : [{ ...frame, truth: frame.truth }]));
  const counts = countsOf(scored.map(({ labels, truth }) => [truth.data, mapped(labels, task)]));
  const nearEdges = countsOf(
    scored.map(({ labels, truth }) => [
      truth.data.map((label, at) => (isNearEdge(truth, at, classes, boundaryPx) ? label : 255)),
      mapped(labels, task),
    ]),
  );
  const withOracle = countsOf(frames.map(({ labels, oracle }) => [oracle, labels]));
  const scores = scoresOf(counts, classes);
  const changes = frames.flatMap(({ labels, before }) => (before === undefined ? [] : [[before, labels] as const]));
  const same = scoresOf(countsOf(changes), 256)?.accuracy;
  const agreements = frames.filter(({ phase }) => phase === 0).map((frame) => agreementIn(frame));
  const least = Math.min(...agreements);
  const stages = frames[0]?.fired.length ?? 0;
  return {
    clock,
    propagate: "still",
    stages,
    mIoU: scores?.mIoU ?? null,
    accuracy: scores?.accuracy ?? null,
    meanAccuracy: scores?.meanAccuracy ?? null,
    frequencyWeightedIoU: scores?.frequencyWeightedIoU ?? null,
    boundary: scoresOf(nearEdges, classes),
    agreement: scoresOf(withOracle, 256)?.accuracy ?? Number.NaN,
    agreementMIoU: scoresOf(withOracle, networkClasses)?.mIoU ?? Number.NaN,
    consistency: consistencyOf(frames, networkClasses),
    flicker: same === undefined ? null : 100 - same,
    updateRates: Array.from({ length: stages }, (_, stage) =>
      average(frames.map(({ fired }) => (fired[stage] === true ? 1 : 0))),
    ),
    macsRatio: average(frames.map(({ macs }) => macs)) / oracleMacs,
    age: { mean: average(frames.map(({ age }) => age)), max: Math.max(...frames.map(({ age }) => age)) },
    perClass: Object.fromEntries(dataset.classNames.map((name, label) => [name, iouOf(counts, classes, label)])),
    worstFrame: { index: least === 100 ? 0 : agreements.indexOf(least), agreement: least },
  };
}

/** Counts pixels that have a place in the frame before, and a class in both. */
function consistencyOf(
  pairs: readonly Pick<Seen, "before" | "labels" | "places">[],
  classes: number,
): TemporalConsistency | null {
  const compared = pairs.map(({ labels, before, places }) => {
    const found = [...labels.keys()].flatMap((at) => {
      const place = places?.[at] ?? -1;
      const pair = [labels[at] ?? 255, before?.[place] ?? 255] as const;
      return place >= 0 && Math.max(...pair) < classes ? [pair] : [];
    });
    return [Uint8Array.from(found, ([label]) => label), Uint8Array.from(found, ([, label]) => label)] as const;
  });
  const scores = scoresOf(countsOf(compared), classes);
  const pixels = sum(compared.map(([{ length }]) => length));
  return scores === null ? null : { value: scores.accuracy, mIoU: scores.mIoU, pixels };
}

function timelineOf(frames: readonly Seen[], task: Task): Omit<Timeline, "ms"> {
  return {
    sequence: frames.map(({ sequence }) => sequence),
    frame: frames.map(({ frame }) => frame),
    fired: frames.map(({ fired }) => fired),
    signal: frames.map(({ signal }) => signal),
    shot: frames.map(({ shot }) => shot),
    agreement: frames.map((frame) => agreementIn(frame)),
    accuracy: frames.map(({ truth, labels }) =>
      truth === undefined
        ? null
        : (scoresOf(countsOf([[truth.data, mapped(labels, task)]]), task.dataset.classNames.length)?.accuracy ?? null),
    ),
    age: frames.map(({ age }) => age),
  };
}

function mapped(labels: Uint8Array, { table }: Task): Uint8Array {
  return table === undefined ? labels : labels.map((label) => table[label] ?? 255);
}

function agreementIn({ labels, oracle }: Seen): number {
  return (100 * labels.filter((label, at) => label === oracle[at]).length) / labels.length;
}

/** How many pixels of true label t have label p: 256 rows of 256. */
function countsOf(maps: readonly (readonly [truth: Uint8Array, labels: Uint8Array])[]): readonly number[][] {
  const counts = Array.from({ length: 256 }, () => Array<number>(256).fill(0));
  for (const [truth, labels] of maps) {
    for (const [at, label] of labels.entries()) {
      const row = counts[truth[at] ?? 255];
      if (row !== undefined) row[label] = (row[label] ?? 0) + 1;
    }
  }
  return counts;
}

/** Long, Shelhamer, Darrell 2015, section 5, by their formulas; percent. */
function scoresOf(
  counts: readonly number[][],
  classes: number,
): { mIoU: number; accuracy: number; meanAccuracy: number; frequencyWeightedIoU: number } | null {
  const labels = Array.from({ length: classes }, (_, label) => label);
  const truths = labels.map((label) => sum(counts[label] ?? []));
  const rights = labels.map((label) => counts[label]?.[label] ?? 0);
  const pixels = sum(truths);
  if (pixels === 0) return null;
  const ious = labels.map((label) => iouOf(counts, classes, label));
  return {
    mIoU: average(ious.filter((iou) => iou !== null)),
    accuracy: (100 * sum(rights)) / pixels,
    meanAccuracy: average(
      labels.filter((label) => truths[label] !== 0).map((label) => (100 * (rights[label] ?? 0)) / (truths[label] ?? 0)),
    ),
    frequencyWeightedIoU: sum(labels.map((label) => (truths[label] ?? 0) * (ious[label] ?? 0))) / pixels,
  };
}

function iouOf(counts: readonly number[][], classes: number, label: number): number | null {
  const both = counts[label]?.[label] ?? 0;
  const either = sum(counts[label] ?? []) + sum(counts.slice(0, classes).map((row) => row[label] ?? 0)) - both;
  return either === 0 ? null : (100 * both) / either;
}

/** Whether another class lies within the width of the band. */
function isNearEdge({ data, widthPx, heightPx }: LabelMap, at: number, classes: number, width: number): boolean {
  const [x, y, label] = [at % widthPx, Math.floor(at / widthPx), data[at] ?? 255];
  if (label >= classes) return false;
  for (let v = Math.max(0, y - width); v <= Math.min(heightPx - 1, y + width); v++) {
    for (let u = Math.max(0, x - width); u <= Math.min(widthPx - 1, x + width); u++) {
      const other = data[v * widthPx + u] ?? 255;
      if (other < classes && other !== label && (u - x) ** 2 + (v - y) ** 2 <= width ** 2) return true;
    }
  }
  return false;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function average(values: readonly number[]): number {
  return sum(values) / values.length;
}
