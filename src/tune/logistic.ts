// Multinomial logistic regression by Adam (Kingma and Ba 2015), in plain loops that are laid out for a processor's cache. What
// it is for is in probe.ts.

import type { Random } from "../seeded.ts";
import { shuffled } from "./shuffled.ts";

const batchSize = 256;
const firstStep = 0.03;
const adam = { mean: 0.9, square: 0.999, floor: 1e-8 };

/** How to train. */
export interface DescentOptions {
  readonly channels: number;
  readonly classes: number;
  /** Passes over the samples. */
  readonly epochs: number;
  /** Weight of half the sum of squares of the weights, bias left out. */
  readonly l2: number;
}

/**
 * Adam over mini-batches in random order, the step falling to 0 as a half cosine.
 * @param inputs [samples, channels], best with a mean of 0 and a deviation of 1 in each channel
 * @param targets [samples], classes from 0
 * @returns [classes, channels + 1], the bias last
 */
export function descend(
  inputs: Float32Array,
  targets: Int32Array,
  options: DescentOptions,
  random: Random,
): Float64Array {
  const { channels, classes, epochs, l2 } = options;
  const width = channels + 1;
  const weights = new Float64Array(classes * width);
  const gradient = new Float64Array(classes * width);
  const means = new Float64Array(classes * width);
  const squares = new Float64Array(classes * width);
  const batch: Batch = {
    inputs,
    channels,
    classes,
    rows: new Int32Array(batchSize),
    errors: new Float64Array(classes * batchSize),
  };
  const steps = epochs * Math.ceil(targets.length / batchSize);
  let step = 0;
  for (let epoch = 0; epoch < epochs; epoch++) {
    const order = shuffled(targets.length, random);
    for (let start = 0; start < order.length; start += batchSize) {
      const taken = order.subarray(start, start + batchSize);
      // A batch that is not full is filled with its first sample, whose further copies have no errors.
      for (let at = 0; at < batchSize; at++) batch.rows[at] = (taken[at] ?? taken[0] ?? 0) * channels;
      scoreInto(batch, weights);
      errorsOf(batch, taken, targets);
      slopeInto(gradient, batch);
      step++;
      const rate = firstStep * 0.5 * (1 + Math.cos((Math.PI * step) / (steps + 1)));
      const meanScale = 1 / (1 - adam.mean ** step);
      const squareScale = 1 / (1 - adam.square ** step);
      for (let at = 0; at < weights.length; at++) {
        const decay = at % width === channels ? 0 : l2 * (weights[at] ?? 0);
        const slope = (gradient[at] ?? 0) / taken.length + decay;
        const mean = adam.mean * (means[at] ?? 0) + (1 - adam.mean) * slope;
        const square = adam.square * (squares[at] ?? 0) + (1 - adam.square) * slope * slope;
        means[at] = mean;
        squares[at] = square;
        weights[at] = (weights[at] ?? 0) - (rate * mean * meanScale) / (Math.sqrt(square * squareScale) + adam.floor);
      }
    }
  }
  return weights;
}

interface Batch {
  readonly inputs: Float32Array;
  readonly channels: number;
  readonly classes: number;
  /** Where each sample of the batch starts in `inputs`. */
  readonly rows: Int32Array;
  /** [classes, batch]: scores, then what is wrong with their probabilities. */
  readonly errors: Float64Array;
}

/** Scores of a batch, four samples at once, so that a weight is fetched once for all four. */
function scoreInto({ inputs, channels, classes, rows, errors }: Batch, weights: Float64Array): void {
  for (let k = 0; k < classes; k++) {
    const from = k * (channels + 1);
    const bias = weights[from + channels] ?? 0;
    for (let at = 0; at < batchSize; at += 4) {
      const r0 = rows[at] ?? 0;
      const r1 = rows[at + 1] ?? 0;
      const r2 = rows[at + 2] ?? 0;
      const r3 = rows[at + 3] ?? 0;
      let s0 = bias;
      let s1 = bias;
      let s2 = bias;
      let s3 = bias;
      for (let c = 0; c < channels; c++) {
        const weight = weights[from + c] ?? 0;
        s0 += weight * (inputs[r0 + c] ?? 0);
        s1 += weight * (inputs[r1 + c] ?? 0);
        s2 += weight * (inputs[r2 + c] ?? 0);
        s3 += weight * (inputs[r3 + c] ?? 0);
      }
      const to = k * batchSize + at;
      errors[to] = s0;
      errors[to + 1] = s1;
      errors[to + 2] = s2;
      errors[to + 3] = s3;
    }
  }
}

/** Turns scores into probabilities, less 1 at the right class. */
function errorsOf({ classes, errors }: Batch, taken: Int32Array, targets: Int32Array): void {
  for (let at = 0; at < batchSize; at++) {
    const sample = taken[at];
    let highest = -Infinity;
    for (let k = 0; k < classes; k++) highest = Math.max(highest, errors[k * batchSize + at] ?? 0);
    let sum = 0;
    for (let k = 0; k < classes; k++) {
      const power = Math.exp((errors[k * batchSize + at] ?? 0) - highest);
      errors[k * batchSize + at] = power;
      sum += power;
    }
    for (let k = 0; k < classes; k++) {
      const probability = (errors[k * batchSize + at] ?? 0) / sum;
      errors[k * batchSize + at] = sample === undefined ? 0 : probability - (targets[sample] === k ? 1 : 0);
    }
  }
}

/** Slope of the likelihood, summed over a batch. */
function slopeInto(gradient: Float64Array, { inputs, channels, classes, rows, errors }: Batch): void {
  gradient.fill(0);
  for (let k = 0; k < classes; k++) {
    const to = k * (channels + 1);
    for (let at = 0; at < batchSize; at += 4) {
      const r0 = rows[at] ?? 0;
      const r1 = rows[at + 1] ?? 0;
      const r2 = rows[at + 2] ?? 0;
      const r3 = rows[at + 3] ?? 0;
      const e0 = errors[k * batchSize + at] ?? 0;
      const e1 = errors[k * batchSize + at + 1] ?? 0;
      const e2 = errors[k * batchSize + at + 2] ?? 0;
      const e3 = errors[k * batchSize + at + 3] ?? 0;
      // Of most classes most samples say nothing.
      if (Math.abs(e0) + Math.abs(e1) + Math.abs(e2) + Math.abs(e3) < 1e-6) continue;
      for (let c = 0; c < channels; c++) {
        gradient[to + c] =
          (gradient[to + c] ?? 0) +
          (e0 * (inputs[r0 + c] ?? 0) +
            e1 * (inputs[r1 + c] ?? 0) +
            e2 * (inputs[r2 + c] ?? 0) +
            e3 * (inputs[r3 + c] ?? 0));
      }
      gradient[to + channels] = (gradient[to + channels] ?? 0) + e0 + e1 + e2 + e3;
    }
  }
}
