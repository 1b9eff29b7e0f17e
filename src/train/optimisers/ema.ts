// A moving average of weights, to evaluate and to keep in place of the last ones. Polyak and Juditsky, SIAM J. Control
// Optim. 1992, with exponential weights. The training itself does not see it.

import { ClockworkError } from "../../errors.ts";
import type { Expressions, Tensor } from "../../onnx/index.ts";
import type { StateTensor } from "./optimiser.ts";

/** A float32 tensor that changes from step to step: a parameter, or a statistic of a normalisation. */
export interface Averaged {
  readonly name: string;
  /** Its value after this step. */
  readonly next: string;
  /** What it starts as, and the average with it. */
  readonly initial: Tensor;
}

/** What {@link movingAverage} follows. */
export interface MovingAverageOptions {
  readonly tensors: readonly Averaged[];
  /** Updates that were made before this one, 0 at first: a float32 scalar []. */
  readonly step: string;
  /** d, from 0 up to 1 excluded; default 0.999. */
  readonly decay?: number;
  /** Whether d is at most (1 + step) / (10 + step), so that the first weights are soon forgotten; default true. */
  readonly hasWarmUp?: boolean;
}

/** Averages of tensors. */
export interface MovingAverage {
  /** Average after this step, by the name of the tensor. */
  readonly averages: ReadonlyMap<string, string>;
  /** Memory called `NAME/average`, which the caller declares as inputs. */
  readonly state: readonly StateTensor[];
}

/**
 * average' = average + (1 - d) (next - average)
 * @throws ClockworkError `invalid-argument` where the decay is out of range
 */
export function movingAverage(ops: Expressions, options: MovingAverageOptions): MovingAverage {
  const { tensors, step, decay = 0.999, hasWarmUp = true } = options;
  if (!(decay >= 0 && decay < 1)) {
    throw new ClockworkError("invalid-argument", `moving average: expected a decay from 0 to below 1, got ${decay}`);
  }
  // 1 - (1 + t) / (10 + t) = 9 / (10 + t)
  const pull = hasWarmUp
    ? ops.op("Max", [ops.div(ops.scalar(9), ops.add(step, ops.scalar(10))), ops.scalar(1 - decay)])
    : ops.scalar(1 - decay);
  const averages = new Map<string, string>();
  const state = tensors.map(({ name: own, next, initial }): StateTensor => {
    const name = `${own}/average`;
    const output = ops.add(name, ops.mul(pull, ops.sub(next, name)));
    averages.set(own, output);
    return { name, output, dims: initial.dims, initial };
  });
  return { averages, state };
}
