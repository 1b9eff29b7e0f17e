// Evaluations to report on, made up from a seed: plausible numbers, consistent columns. Not measured on anything.

import type { DetailedEvaluation, EvaluationRun, Timeline } from "../../src/evaluate/index.ts";

export interface SampleOptions {
  readonly clocks: readonly string[];
  readonly frames: number;
  readonly sequences: readonly string[];
  readonly classes: readonly string[];
  readonly labels: boolean;
  /** Whether temporal consistency was measured. */
  readonly consistency: boolean;
}

export const usualClocks: readonly string[] = [
  "every",
  "skip:2",
  "skip:5",
  "fixed:2",
  "fixed:5",
  "adaptive:0.25",
  "adaptive:0.35",
  "pipeline",
];

export const camVidClasses: readonly string[] = [
  "sky",
  "building",
  "pole",
  "road",
  "pavement",
  "tree",
  "sign",
  "fence",
  "car",
  "pedestrian",
  "cyclist",
];

const usual: SampleOptions = {
  clocks: usualClocks,
  frames: 101,
  sequences: ["0016E5"],
  classes: camVidClasses,
  labels: true,
  consistency: true,
};

/** An evaluation; a clock that ends in `+flow` propagates along the flow. */
export function sampleEvaluation(changes: Partial<SampleOptions> = {}): DetailedEvaluation {
  const options = { ...usual, ...changes };
  const { frames, labels, sequences } = options;
  const random = randomFrom(7);
  const motion = Array.from({ length: frames }, (_, at) => 0.05 + 0.04 * Math.sin(at / 9) + 0.03 * random());
  const shots = new Set([Math.floor(frames * 0.42), Math.floor(frames * 0.8)]);
  const timelines = options.clocks.map((clock) => timelineOf(clock, options, motion, shots, random));
  const runs = options.clocks.map((clock, index) =>
    runOf(clock, options, timelines[index] as Timeline, timelines[0] as Timeline, random),
  );
  return {
    dataset: "CamVid",
    model: "fcn8s-camvid",
    frames,
    labelled: labels ? frames : 0,
    truthConsistency: labels && options.consistency ? { value: 96.3, mIoU: 87.1, pixels: 12_345_678 } : null,
    protocol: { split: "test", every: 1, before: null, warmUp: 0, phases: false, boundaryPx: 3, map: null },
    sequences,
    runs,
    notes: ["Labels of class void are not scored."],
    timelines,
  };
}

function timelineOf(
  clock: string,
  { frames, sequences, labels }: SampleOptions,
  motion: readonly number[],
  shots: ReadonlySet<number>,
  random: () => number,
): Timeline {
  const [, kind = "", number = "1"] = /^(\w+)(?::([\d.]+))?/.exec(clock) ?? [];
  const perSequence = Math.ceil(frames / sequences.length);
  const all = Array.from({ length: frames }, (_, at) => at);
  let held = 0;
  let change = 0;
  const steps = all.map((at) => {
    const first = at % perSequence === 0;
    const shot = !first && shots.has(at);
    change = Math.min(1, change + (motion[at] ?? 0));
    const seen = change;
    const due =
      kind === "adaptive"
        ? seen >= Number(number)
        : kind === "every" || kind === "pipeline" || (at % perSequence) % Number(number) === 0;
    const fires = first || shot || due;
    held = fires ? 0 : held + 1;
    if (fires) change = 0;
    const lag = kind === "pipeline" && !first ? 1 : held;
    const loss = kind === "skip" ? 6 : clock.endsWith("+flow") ? 1.5 : 3;
    const agreement =
      lag === 0 ? 100 : 100 - loss * lag ** 0.8 * (0.5 + 10 * (motion[at] ?? 0)) * (0.9 + 0.2 * random());
    const slow = random() > 0.985 ? 1.4 : 1;
    const ms = (fires ? 40 : kind === "skip" ? 0.3 : 17) * (0.95 + 0.1 * random()) * slow;
    return { first, shot, fires, held, signal: kind === "adaptive" && !first ? seen : null, agreement, ms };
  });
  return {
    sequence: all.map((at) => Math.floor(at / perSequence)),
    frame: all.map((at) => at % perSequence),
    fired: steps.map(({ fires }) => [kind !== "skip" || fires, fires]),
    signal: steps.map(({ signal }) => signal),
    shot: steps.map(({ shot }) => shot),
    agreement: steps.map(({ agreement }) => agreement),
    accuracy: steps.map(({ agreement }) => (labels ? 0.92 * agreement : null)),
    age: steps.map(({ held }) => held),
    ms: steps.map(({ ms }) => ms),
  };
}

function runOf(
  clock: string,
  options: SampleOptions,
  timeline: Timeline,
  oracle: Timeline,
  random: () => number,
): EvaluationRun {
  const { classes, labels } = options;
  const rates = [0, 1].map((stage) => mean(timeline.fired.map((fired) => (fired[stage] === true ? 1 : 0))));
  const agreement = mean(timeline.agreement);
  const away = 100 - agreement;
  const perClass = classes.map((name, index) => [
    name,
    index === 7 && classes.length > 8
      ? null
      : Math.max(0, 92 - 5.5 * (index % 12) - away * (0.3 + 1.5 * random()) + (away > 0 ? random() * 1.2 : 0)),
  ]);
  const mIoU = mean(perClass.map(([, value]) => value).filter((value) => typeof value === "number"));
  const sorted = [...timeline.ms].sort((a, b) => a - b);
  const at = (share: number): number => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0;
  const worst = timeline.agreement.reduce(
    (least, value, index) => (value < (timeline.agreement[least] ?? 0) ? index : least),
    0,
  );
  return {
    clock,
    propagate: clock.endsWith("+flow") ? "flow" : "still",
    stages: 2,
    mIoU: labels ? mIoU : null,
    accuracy: labels ? 0.92 * agreement : null,
    meanAccuracy: labels ? mIoU + 9 : null,
    frequencyWeightedIoU: labels ? mIoU + 14 : null,
    boundary: labels
      ? { mIoU: 0.7 * mIoU, accuracy: 0.7 * agreement, meanAccuracy: 0.8 * mIoU, frequencyWeightedIoU: 0.75 * mIoU }
      : null,
    agreement,
    agreementMIoU: agreement - 1.7 * away,
    flicker: clock.startsWith("skip") ? 2.1 : 3.4,
    consistency: options.consistency
      ? { value: 97 + 0.01 * away, mIoU: 85 + 0.02 * away, pixels: 12_000_000 + Math.round(1000 * away) }
      : null,
    updateRates: rates,
    macsRatio: 0.4 * (rates[0] ?? 0) + 0.6 * (rates[1] ?? 0),
    msPerFrame: mean(timeline.ms),
    speedup: mean(oracle.ms) / mean(timeline.ms),
    latencyMs: { p50: at(0.5), p95: at(0.95), p99: at(0.99), max: at(1) },
    age: { mean: mean(timeline.age), max: timeline.age.reduce((a, b) => Math.max(a, b), 0) },
    perClass: labels ? Object.fromEntries(perClass) : {},
    worstFrame: { index: worst, agreement: timeline.agreement[worst] ?? 100 },
  };
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
}

/** Numbers from 0 to 1 that are the same every time: a linear congruential generator (Numerical Recipes, section 7.1). */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
