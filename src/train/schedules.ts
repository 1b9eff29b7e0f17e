// The learning rate over the steps of a training, as a pure function. Not the clocks of a network's stages.

import { ClockworkError } from "../errors.ts";

/** How the learning rate goes from the first step to the last. */
export type RateSchedule =
  | { readonly kind: "constant" }
  /** base (1 - step / total)^power */
  | { readonly kind: "poly"; readonly power: number }
  /** Half a cosine from base down to `minimum`, a learning rate. Loshchilov and Hutter, ICLR 2017, without restarts. */
  | { readonly kind: "cosine"; readonly minimum: number }
  /** Multiplied by `factor` at each of the steps `at`, counted from the first of the training. */
  | { readonly kind: "step"; readonly at: readonly number[]; readonly factor: number };

/** A straight line from `from` times the base up to the base, in front of the schedule. */
export interface WarmUp {
  readonly steps: number;
  /** Share of the base at the first step, from 0 to 1. */
  readonly from: number;
}

/** What {@link learningRate} follows. */
export interface RateOptions {
  readonly base: number;
  readonly schedule: RateSchedule;
  /** Steps of the whole training, warm-up included. */
  readonly total: number;
  /** The schedule begins where this ends, and has the steps that are left. */
  readonly warmUp?: WarmUp;
}

/**
 * Learning rate of a step.
 * @param step from 0; `total` and later ones have the rate that the schedule ends on
 * @throws ClockworkError `invalid-argument` where a number is out of range
 */
export function learningRate(step: number, options: RateOptions): number {
  const { base, schedule, total, warmUp = { steps: 0, from: 1 } } = options;
  expectThat(base >= 0 && Number.isFinite(base), "a base of at least 0", base);
  expectThat(step >= 0, "a step of at least 0", step);
  expectThat(total > 0, "at least one step in all", total);
  expectThat(warmUp.steps >= 0 && warmUp.steps <= total, `a warm-up of 0 to ${total} steps`, warmUp.steps);
  expectThat(warmUp.from >= 0 && warmUp.from <= 1, "a warm-up from a share of 0 to 1", warmUp.from);
  if (step < warmUp.steps) return base * (warmUp.from + ((1 - warmUp.from) * step) / warmUp.steps);
  const left = total - warmUp.steps;
  const done = left === 0 ? 1 : Math.min(1, (step - warmUp.steps) / left);
  switch (schedule.kind) {
    case "constant":
      return base;
    case "poly":
      expectThat(schedule.power >= 0, "a power of at least 0", schedule.power);
      return base * (1 - done) ** schedule.power;
    case "cosine":
      expectThat(schedule.minimum >= 0 && schedule.minimum <= base, `a minimum of 0 to ${base}`, schedule.minimum);
      return schedule.minimum + ((base - schedule.minimum) * (1 + Math.cos(Math.PI * done))) / 2;
    case "step":
      expectThat(schedule.factor >= 0, "a factor of at least 0", schedule.factor);
      return base * schedule.factor ** schedule.at.filter((at) => step >= at).length;
  }
}

function expectThat(holds: boolean, expected: string, got: number): void {
  if (!holds) throw new ClockworkError("invalid-argument", `learning rate: expected ${expected}, got ${got}`);
}
