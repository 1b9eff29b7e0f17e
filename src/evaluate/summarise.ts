// From tallies to the numbers of an evaluation. Percentages are rounded nowhere: whoever prints them does.

import type { ConfusionMatrix, Consistency } from "../metrics/index.ts";
import type { Accuracy, EvaluationRun, TemporalConsistency, Timeline } from "./evaluation.ts";
import type { Records, Tally } from "./tally.ts";

/** A schedule and what it did. */
export interface TalliedRun {
  readonly clock: string;
  readonly propagate: "still" | "flow";
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
  { clock, propagate, tally }: TalliedRun,
  classNames: readonly string[],
  oracleMs: number,
  oracleMacs: number,
): EvaluationRun {
  const { records } = tally;
  const accuracy = tally.truth === undefined ? null : accuracyOf(tally.truth);
  const msPerFrame = mean(records.ms);
  const iou = tally.truth?.result().iou ?? [];
  return {
    clock,
    propagate,
    stages: stagesOf(records),
    mIoU: accuracy?.mIoU ?? null,
    accuracy: accuracy?.accuracy ?? null,
    meanAccuracy: accuracy?.meanAccuracy ?? null,
    frequencyWeightedIoU: accuracy?.frequencyWeightedIoU ?? null,
    boundary: tally.boundary === undefined ? null : accuracyOf(tally.boundary),
    agreement: 100 * (overPixels(records.agreement, records.pixels) ?? 1),
    agreementMIoU: 100 * (tally.agreement.result().meanIou ?? 1),
    flicker: percent(overPixels(records.flicker, records.pixels)),
    consistency: consistencyOf(tally.consistency),
    updateRates: updateRatesOf(records),
    macsRatio: oracleMacs === 0 ? 0 : mean(records.macs) / oracleMacs,
    msPerFrame,
    speedup: msPerFrame === 0 ? 0 : oracleMs / msPerFrame,
    latencyMs: latencyOf(records.ms),
    age: { mean: mean(records.age), max: records.age.reduce((most, age) => Math.max(most, age), 0) },
    perClass: Object.fromEntries(classNames.map((name, label) => [name, percent(iou[label])])),
    worstFrame: worstOf(records),
  };
}

/** What a run did frame by frame, in the first phase of its clock. */
export function timelineOf({ tally }: TalliedRun): Timeline {
  const { records } = tally;
  const at = firstPhase(records);
  const column = <T>(values: readonly T[]): T[] => at.map((index) => values[index] as T);
  return {
    sequence: column(records.sequence),
    frame: column(records.frame),
    fired: column(records.fired).map((fired) => Array.from(fired, (flag) => flag === "1")),
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

/** What a meter says; `null` where it compared nothing. */
export function consistencyOf(meter: Consistency): TemporalConsistency | null {
  const { pixels, share, meanIou } = meter.result();
  return share === undefined || meanIou === undefined ? null : { value: 100 * share, mIoU: 100 * meanIou, pixels };
}

function worstOf(records: Records): { readonly index: number; readonly agreement: number } {
  let worst = { index: 0, agreement: 100 };
  for (const [index, at] of firstPhase(records).entries()) {
    const agreement = 100 * (records.agreement[at] ?? 1);
    if (agreement < worst.agreement) worst = { index, agreement };
  }
  return worst;
}

function stagesOf({ fired }: Records): number {
  return fired[0]?.length ?? 0;
}

function updateRatesOf(records: Records): readonly number[] {
  return Array.from({ length: stagesOf(records) }, (_, depth) =>
    mean(records.fired.map((fired) => (fired[depth] === "1" ? 1 : 0))),
  );
}

function latencyOf(ms: readonly number[]): EvaluationRun["latencyMs"] {
  const sorted = [...ms].sort((a, b) => a - b);
  const percentile = (share: number): number => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0;
  return { p50: percentile(0.5), p95: percentile(0.95), p99: percentile(0.99), max: sorted.at(-1) ?? 0 };
}

function mean(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Mean of the shares of frames by their pixels; `undefined` where there are none. */
function overPixels(shares: readonly (number | null)[], pixels: readonly number[]): number | undefined {
  let [part, whole] = [0, 0];
  for (const [at, share] of shares.entries()) {
    if (share === null) continue;
    part += share * (pixels[at] ?? 0);
    whole += pixels[at] ?? 0;
  }
  return whole === 0 ? undefined : part / whole;
}

function percent(share: number | undefined): number | null {
  return share === undefined ? null : 100 * share;
}
