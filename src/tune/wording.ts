// What is said of clocks and shares, in a few words.

import type { Choice } from "./part.ts";

/** A clock, for progress. */
export function textOf({ kind, schedule }: Choice): string {
  switch (schedule.kind) {
    case "adaptive":
      return `${kind} at ${schedule.threshold}`;
    case "fixed":
      return `fixed:${schedule.periods.join(",")}`;
    case "skip":
      return `skip:${schedule.period}`;
    case "every":
    case "pipeline":
      return schedule.kind;
  }
}

/** A share in percent. */
export function percent(share: number): string {
  return `${(100 * share).toFixed(2).replace(/\.?0+$/u, "")} %`;
}
