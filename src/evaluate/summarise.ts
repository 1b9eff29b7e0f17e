// From tallies to the numbers of an evaluation. Percentages are rounded nowhere: whoever prints them does.

import type { ConfusionMatrix } from "../metrics/index.ts";
import type { Accuracy, EvaluationRun, Timeline } from "./evaluation.ts";
import type { Records, Tally } from "./tally.ts";

/** A schedule and what it did. */
export interface TalliedRun {
  readonly clock: string;
  readonly propagate: "still" | "flow";
  /** Multiply-accumulates of each stage, shallowest first. */
  readonly stageMacs: readonly number[];
  readonly tally: Tally;
}

/** The numbers of every run; the first is the oracle. */
export function summarise(runs: readonly TalliedRun[], classNames: readonly string[]): readonly EvaluationRun[] {
  const oracle = runs[0];
  const oracleMs = oracle === undefined ? 0 : mean(oracle.tally.records.ms);
  const oracleMacs = oracle === undefined ? 0 : mean(oracle.tally.records.macs);
  return runs.map((run) => summary(run, classNames, oracleMs, oracleMacs));
}

function summary(
  { clock, propagate, stageMacs, tally }: TalliedRun,
  classNames: readonly string[],
  oracleMs: number,
  oracleMacs: number,
): EvaluationRun {
  const { records } = tally;
  const accuracy = tally.truth === undefined ? null : accuracyOf(tally.truth);
  const msPerFrame = mean(records.ms);
  const flickers = records.flicker.filter((value) => value !== null);
  const worst = worstOf(records);
  const iou = tally.truth?.result().iou ?? [];
  return {
    clock,
    propagate,
    stages: stageMacs.length,
    mIoU: accuracy?.mIoU ?? null,
    accuracy: accuracy?.accuracy ?? null,
    meanAccuracy: accuracy?.meanAccuracy ?? null,
    frequencyWeightedIoU: accuracy?.frequencyWeightedIoU ?? null,
    boundary: tally.boundary === undefined ? null : accuracyOf(tally.boundary),
    agreement: 100 * mean(records.agreement),
    agreementMIoU: 100 * (tally.agreement.result().meanIou ?? 1),
    flicker: flickers.length === 0 ? null : 100 * mean(flickers),
    updateRates: stageMacs.map((_, depth) => mean(records.fired.map((fired) => (fired[depth] === "1" ? 1 : 0)))),
    macsRatio: oracleMacs === 0 ? 0 : mean(records.macs) / oracleMacs,
    msPerFrame,
    speedup: msPerFrame === 0 ? 0 : oracleMs / msPerFrame,
    latencyMs: latencyOf(records.ms),
    age: { mean: mean(records.age), max: records.age.reduce((most, age) => Math.max(most, age), 0) },
    perClass: Object.fromEntries(
      classNames.map((name, label) => {
        const value = iou[label];
        return [name, value === undefined ? null : 100 * value];
      }),
    ),
    worstFrame: worst,
  };
}

/** What a run did frame by frame, in the first phase of its clock. */
export function timelineOf({ tally, stageMacs }: TalliedRun): Timeline {
  const { records } = tally;
  const at = firstPhase(records);
  const column = <T>(values: readonly T[]): T[] => at.map((index) => values[index] as T);
  return {
    sequence: column(records.sequence),
    frame: column(records.frame),
    fired: column(records.fired).map((fired) => stageMacs.map((_, depth) => fired[depth] === "1")),
    signal: column(records.signal),
    shot: column(records.shot),
    agreement: column(records.agreement).map((share) => 100 * share),
    accuracy: column(records.accuracy).map((share) => (share === null ? null : 100 * share)),
    age: column(records.age),
    ms: column(records.ms),
  };
}

/** Places among the records of the first phase, in order. */
export function firstPhase(records: Records): readonly number[] {
  return records.phase.flatMap((phase, index) => (phase === 0 ? [index] : []));
}

function accuracyOf(matrix: ConfusionMatrix): Accuracy | null {
  const { pixels, meanIou, accuracy, meanAccuracy, frequencyWeightedIou } = matrix.result();
  if (pixels === 0) return null;
  return {
    mIoU: 100 * (meanIou ?? 0),
    accuracy: 100 * (accuracy ?? 0),
    meanAccuracy: 100 * (meanAccuracy ?? 0),
    frequencyWeightedIoU: 100 * (frequencyWeightedIou ?? 0),
  };
}

function worstOf(records: Records): { readonly index: number; readonly agreement: number } {
  let worst = { index: 0, agreement: 100 };
  for (const [index, at] of firstPhase(records).entries()) {
    const agreement = 100 * (records.agreement[at] ?? 1);
    if (agreement < worst.agreement) worst = { index, agreement };
  }
  return worst;
}

function latencyOf(ms: readonly number[]): EvaluationRun["latencyMs"] {
  const sorted = [...ms].sort((a, b) => a - b);
  const percentile = (share: number): number => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0;
  return { p50: percentile(0.5), p95: percentile(0.95), p99: percentile(0.99), max: sorted.at(-1) ?? 0 };
}

function mean(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;
}
