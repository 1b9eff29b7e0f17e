// Phases of a periodic clock. Where labels are sparse, whether the labelled frame is one on which the clock fires is
// chance; Shelhamer et al. 2016 therefore add the histograms of on-frames and off-frames. Here every phase of the clock
// is run, by starting later, and everything is added up.

import type { Schedule } from "../clocks/index.ts";
import { ClockworkError } from "../errors.ts";

/** Most phases that are run; more would cost as many times the whole evaluation. */
const mostPhases = 60;

/**
 * Number of phases of a schedule: 1 where it is not periodic.
 * @throws ClockworkError `invalid-argument` for more than 60
 */
export function phasesOf(schedule: Schedule): number {
  const phases =
    schedule.kind === "skip"
      ? schedule.period
      : schedule.kind === "fixed"
        ? schedule.periods.reduce(commonMultiple, 1)
        : 1;
  if (phases > mostPhases) {
    throw new ClockworkError(
      "invalid-argument",
      `phases: expected a clock that repeats within ${mostPhases} frames, got one of ${phases}; try it without --phases`,
    );
  }
  return phases;
}

function commonMultiple(a: number, b: number): number {
  let [x, y] = [a, b];
  while (y !== 0) [x, y] = [y, x % y];
  return (a * b) / x;
}
