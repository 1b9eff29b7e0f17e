// A linear probe (Alain and Bengio 2016): which class a feature vector most likely has, by multinomial logistic regression
// on the labels of the oracle. Its labels are a clock's signal where a network has no shallow score map. It need not be
// good at segmentation; it must change its mind where the scene changes.
//
// Trained (logistic.ts) on standardised features; the standardisation is then part of weights and bias, so that the probe is
// a 1x1 convolution.

import type { LinearProbe } from "../clocks/index.ts";
import { ClockworkError } from "../errors.ts";
import { descend } from "./logistic.ts";
import { seeded, type Random } from "../seeded.ts";
import { shuffled } from "./shuffled.ts";

/** Feature vectors with the oracle's labels. */
export interface ProbeSamples {
  /** [samples, channels], row-major. */
  readonly features: Float32Array;
  /** [samples], 0 to `classes - 1`. */
  readonly labels: Uint8Array | Int32Array;
  /** [samples]: which stretch of video a sample is from; whole groups are held out, since neighbours are alike. */
  readonly groups: Int32Array;
  readonly channels: number;
  readonly classes: number;
}

/** How to train. */
export interface ProbeOptions {
  /** Feature map that the probe will read. */
  readonly tensor: string;
  /** Any integer; the same seed gives the same probe. */
  readonly seed: number;
  /** Most passes over the samples; 8 unless told. */
  readonly epochs?: number;
  /** Weight of half the sum of squares of the standardised weights; 1e-4 unless told. */
  readonly l2?: number;
  /** Share of the groups held out; a fifth unless told. */
  readonly heldOutShare?: number;
  /**
   * Multiply-accumulates that training may take; 3e9 unless told, some seconds. Where that is too little there are fewer
   * passes, two at the least, then fewer samples: with 150 classes and 512 channels some 9,700.
   */
  readonly mostMacs?: number;
}

/** A trained probe. */
export interface ProbeFit {
  /** Weights and bias are float32 numbers. */
  readonly probe: LinearProbe;
  /** Share of held-out samples with the right label; `null` where there was one group only. */
  readonly accuracy: number | null;
  /** Share of held-out samples that have the label most frequent in training: what knowing nothing gives. */
  readonly chance: number | null;
  readonly trainedOn: number;
  readonly heldOut: number;
}

/** Fewest samples that time is taken for. */
const fewestSamples = 256;

/**
 * Trains a probe. The same samples and options give the same probe, to the bit, on one machine.
 * @throws ClockworkError `invalid-argument` for samples that do not fit together, have no finite features, or are none
 */
export function fitProbe(samples: ProbeSamples, options: ProbeOptions): ProbeFit {
  checkSamples(samples);
  const { channels, classes } = samples;
  const { tensor, seed, epochs = 8, l2 = 1e-4, heldOutShare = 0.2, mostMacs = 3e9 } = options;
  const random = seeded(seed);
  const { train, heldOut } = split(samples.groups, heldOutShare, random);
  const perPass = 2 * channels * (classes + 1);
  // New samples teach more than further passes over the same ones.
  const passes = Math.min(epochs, Math.max(2, Math.floor(mostMacs / (perPass * train.length))));
  const affordable = Math.max(fewestSamples, Math.floor(mostMacs / (perPass * passes)));
  const taken = train.length <= affordable ? train : pick(train, affordable, random);

  const scale = standardisation(samples, taken);
  const inputs = standardised(samples, taken, scale);
  const targets = Int32Array.from(taken, (sample) => samples.labels[sample] ?? 0);
  const trained = descend(inputs, targets, { channels, classes, epochs: passes, l2 }, random);

  const weights = new Float32Array(classes * channels);
  const bias = new Float32Array(classes);
  for (let k = 0; k < classes; k++) {
    let shift = trained[k * (channels + 1) + channels] ?? 0;
    for (let c = 0; c < channels; c++) {
      const weight = (trained[k * (channels + 1) + c] ?? 0) * (scale.inverse[c] ?? 0);
      weights[k * channels + c] = weight;
      shift -= weight * (scale.mean[c] ?? 0);
    }
    bias[k] = shift;
  }
  const probe: LinearProbe = { tensor, channels, classes, weights: plain(weights), bias: plain(bias) };
  const scores = heldOut.length === 0 ? undefined : accuracyOf(samples, heldOut, weights, bias, mostFrequent(targets));
  return {
    probe,
    accuracy: scores?.accuracy ?? null,
    chance: scores?.chance ?? null,
    trainedOn: taken.length,
    heldOut: heldOut.length,
  };
}

/** As JSON can say it: without negative zeros. */
function plain(values: Float32Array): readonly number[] {
  return Array.from(values, (value) => value + 0);
}

/** Whole groups held out, at random; none where there is one group only. */
function split(groups: Int32Array, share: number, random: Random): { train: Int32Array; heldOut: Int32Array } {
  const names = [...new Set(groups)];
  const count = share <= 0 || names.length < 2 ? 0 : Math.max(1, Math.round(names.length * share));
  const out = new Set(Array.from(shuffled(names.length, random, count), (index) => names[index]));
  const indices = Int32Array.from(groups, (_, index) => index);
  return {
    train: indices.filter((index) => !out.has(groups[index])),
    heldOut: indices.filter((index) => out.has(groups[index])),
  };
}

function pick(samples: Int32Array, count: number, random: Random): Int32Array {
  return Int32Array.from(shuffled(samples.length, random, count), (index) => samples[index] ?? 0);
}

interface Standardisation {
  readonly mean: Float64Array;
  /** 1 over the standard deviation; 0 for channels that never change, which the probe leaves out. */
  readonly inverse: Float64Array;
}

function standardisation({ features, channels }: ProbeSamples, samples: Int32Array): Standardisation {
  const mean = new Float64Array(channels);
  const square = new Float64Array(channels);
  for (const sample of samples) {
    for (let c = 0; c < channels; c++) mean[c] = (mean[c] ?? 0) + (features[sample * channels + c] ?? 0);
  }
  for (let c = 0; c < channels; c++) mean[c] = (mean[c] ?? 0) / samples.length;
  for (const sample of samples) {
    for (let c = 0; c < channels; c++) {
      square[c] = (square[c] ?? 0) + ((features[sample * channels + c] ?? 0) - (mean[c] ?? 0)) ** 2;
    }
  }
  const deviations = square.map((sum) => Math.sqrt(sum / samples.length));
  const largest = deviations.reduce((most, deviation) => Math.max(most, deviation), 0);
  // Nothing can be learnt of a deviation that float32 cannot hold beside the mean; dead channels, which have next to
  // nothing in them, would get weights that it cannot hold.
  const inverse = deviations.map((deviation, c) =>
    deviation > Math.max(1e-6 * Math.abs(mean[c] ?? 0), 1e-12 * largest) ? 1 / deviation : 0,
  );
  if (!mean.every(Number.isFinite)) fail("finite features", "others");
  return { mean, inverse };
}

function standardised(
  { features, channels }: ProbeSamples,
  samples: Int32Array,
  { mean, inverse }: Standardisation,
): Float32Array {
  const inputs = new Float32Array(samples.length * channels);
  for (const [at, sample] of samples.entries()) {
    for (let c = 0; c < channels; c++) {
      inputs[at * channels + c] = ((features[sample * channels + c] ?? 0) - (mean[c] ?? 0)) * (inverse[c] ?? 0);
    }
  }
  return inputs;
}

/** Accuracy of the probe as it will run, on raw features. */
function accuracyOf(
  { features, labels, channels }: ProbeSamples,
  samples: Int32Array,
  weights: Float32Array,
  bias: Float32Array,
  guess: number,
): { accuracy: number; chance: number } {
  let right = 0;
  let guessed = 0;
  for (const sample of samples) {
    let best = 0;
    let highest = -Infinity;
    for (let k = 0; k < bias.length; k++) {
      let score = bias[k] ?? 0;
      for (let c = 0; c < channels; c++) {
        score += (weights[k * channels + c] ?? 0) * (features[sample * channels + c] ?? 0);
      }
      if (score > highest) {
        highest = score;
        best = k;
      }
    }
    if (best === labels[sample]) right++;
    if (guess === labels[sample]) guessed++;
  }
  return { accuracy: right / samples.length, chance: guessed / samples.length };
}

function mostFrequent(labels: Int32Array): number {
  const counts = new Map<number, number>();
  for (const label of labels) counts.set(label, (counts.get(label) ?? 0) + 1);
  const [most] = [...counts].sort(([a, n], [b, m]) => m - n || a - b);
  return most?.[0] ?? 0;
}

function checkSamples({ features, labels, groups, channels, classes }: ProbeSamples): void {
  if (!Number.isInteger(channels) || channels < 1) fail("at least one channel", `${channels}`);
  if (!Number.isInteger(classes) || classes < 2) fail("at least two classes", `${classes}`);
  if (labels.length === 0) fail("samples", "none");
  if (features.length !== labels.length * channels || groups.length !== labels.length) {
    fail(
      `${labels.length} samples of ${channels} channels with a group each`,
      `${features.length} features and ${groups.length} groups`,
    );
  }
  const odd = labels.find((label) => label < 0 || label >= classes);
  if (odd !== undefined) fail(`labels from 0 to ${classes - 1}`, `${odd}`);
}

function fail(expected: string, got: string): never {
  throw new ClockworkError("invalid-argument", `probe: expected ${expected}, got ${got}`);
}
