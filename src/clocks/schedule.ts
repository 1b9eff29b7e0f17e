// Schedules: the clocks of all stages together, as data that can be parsed, checked, printed and saved.
// What a clock decides on a frame is computed in the compiled graph (compile/clock-graph.ts), not here.

import { ClockworkError } from "../errors.ts";
import { faultOf, isMotionSignal, type Signal } from "./signal.ts";

/** What is done with what is held: it stays as it is, as in the paper, or moves along the optical flow. */
export type Propagation = "still" | "flow";

/** The clocks of all stages, as a user states them, and what is done with what is held; default `still`. */
export type Schedule = Firings & {
  readonly propagate?: Propagation;
  /**
   * With flow: share, from 0 to below 1, of what moved in from the frame before that is mixed into fresh scores, against
   * flicker; default {@link defaultBlend}. See {@link blendAt} for firings that are further apart.
   */
  readonly blend?: number;
};

/** When stages fire. */
export type Firings =
  /** Everything on every frame: the oracle. */
  | { readonly kind: "every" }
  /** The whole network every `period` frames, its result repeated in between: the baseline. */
  | { readonly kind: "skip"; readonly period: number }
  /** Stage s every `periods[s]` frames; a single period is the deepest stage's. */
  | { readonly kind: "fixed"; readonly periods: readonly number[] }
  /** The deepest stage when the signal reaches the threshold; without a signal, that which the plan names. */
  | { readonly kind: "adaptive"; readonly threshold: number; readonly signal?: Signal }
  /** Every stage on every frame, but each on what the stage around it made one frame earlier. */
  | { readonly kind: "pipeline" };

/** The clock of one stage. A stage also fires whenever a deeper one does, since it makes what the deeper one reads. */
export type Clock =
  | { readonly kind: "every" }
  | { readonly kind: "period"; readonly frames: number }
  | { readonly kind: "adaptive"; readonly threshold: number; readonly signal?: Signal };

/** Schedules as they are written, for messages and help. */
export const scheduleForms =
  "every, skip:K, fixed:P, fixed:P1,P2,..., adaptive:THRESHOLD, adaptive:THRESHOLD@labels, adaptive:THRESHOLD@features, adaptive:THRESHOLD@residual+flow, adaptive:THRESHOLD@arrived+flow, adaptive:THRESHOLD@motion+flow, pipeline, fixed:P+flow, every+flow, fixed:P+flow+blend:SHARE";

/** Longest period, in frames: ten hours at 30 frames a second; more is a slip of the hand. */
const longestPeriod = 1_080_000;

/**
 * Parses a schedule.
 *
 * @example
 * ```ts
 * import { parseSchedule } from "clockwork-convnets";
 * parseSchedule("fixed:1,2,4"); // { kind: "fixed", periods: [1, 2, 4] }
 * parseSchedule("adaptive:0.25"); // { kind: "adaptive", threshold: 0.25 }
 * parseSchedule("fixed:5+flow"); // { kind: "fixed", periods: [5], propagate: "flow" }
 * parseSchedule("every+flow+blend:0.3"); // { kind: "every", propagate: "flow", blend: 0.3 }
 * parseSchedule("adaptive:0.25@features"); // { kind: "adaptive", threshold: 0.25, signal: { kind: "features" } }
 * ```
 * @throws ClockworkError `invalid-schedule` for anything that is not one of the forms, and for signals with weights,
 *   which no text has
 */
export function parseSchedule(text: string): Schedule {
  // Not at the plus of 1e+3.
  const [clock = "", ...behind] = text.trim().split(/\+(?!\d)/);
  const [propagate, mixing, ...tooMuch] = behind.map((part) => part.trim());
  if (propagate !== undefined && ((propagate !== "still" && propagate !== "flow") || tooMuch.length > 0)) {
    fail(text, `still or flow behind "+", as in fixed:5+flow`);
  }
  const firings = firingsIn(text, clock);
  const blend = mixing === undefined ? undefined : blendIn(text, mixing);
  return checkSchedule(
    { ...firings, ...(propagate === "flow" && { propagate }), ...(blend !== undefined && { blend }) },
    text,
  );
}

function blendIn(text: string, part: string): number {
  const [name, value, ...more] = part.split(":");
  if (name !== "blend" || more.length > 0) fail(text, `blend:SHARE behind "+flow", as in fixed:2+flow+blend:0.5`);
  return numberIn(text, value, "every+flow+blend:0.5");
}

function firingsIn(text: string, clock: string): Firings {
  const [kind, value, ...more] = clock.trim().split(":");
  if (more.length > 0) fail(text, `one of ${scheduleForms}`);
  switch (kind) {
    case "every":
    case "pipeline":
      if (value !== undefined) fail(text, `"${kind}" alone`);
      return { kind };
    case "skip":
      return { kind, period: numberIn(text, value, "skip:3") };
    case "fixed": {
      const periods = (value ?? "").split(",").map((period) => numberIn(text, period, "fixed:2 or fixed:1,2,4"));
      return { kind, periods };
    }
    case "adaptive": {
      const [level, ...names] = (value ?? "").split("@");
      const signal = signalIn(text, names);
      const threshold = numberIn(text, level, "adaptive:0.25");
      return { kind, threshold, ...(signal !== undefined && { signal }) };
    }
    default:
      return fail(text, `one of ${scheduleForms}`);
  }
}

/**
 * Checks a schedule that did not come from {@link parseSchedule}, and returns it.
 * @throws ClockworkError `invalid-schedule` for periods that are no whole numbers from 1 or that fall with depth, for
 *   thresholds that are negative or no numbers, and for signals whose weights are no numbers or too many or few
 */
export function checkSchedule(schedule: Schedule, text: string = formatSchedule(schedule)): Schedule {
  const { kind, propagate, blend } = schedule;
  if (propagate === "flow" && kind === "pipeline") {
    fail(text, `a clock that holds something for flow to move, not "${kind}"`, "try fixed:2+flow");
  }
  if (blend !== undefined) {
    if (kind === "pipeline") fail(text, `a clock that holds something, not "${kind}"`, "try fixed:2+flow");
    if (propagate !== "flow") fail(text, "flow where scores are blended", `try ${firingsText(schedule)}+flow`);
    if (!(blend >= 0 && blend < 1)) fail(text, "a blend from 0 to below 1", "try blend:0.5");
    if (kind === "every" && blend === 0) fail(text, "a blend above 0: every+flow has nothing else to do", "try every");
  }
  switch (schedule.kind) {
    case "every":
    case "pipeline":
      return schedule;
    case "skip":
      checkPeriod(text, schedule.period);
      return schedule;
    case "fixed": {
      const { periods } = schedule;
      if (periods.length === 0) fail(text, "at least one period");
      for (const period of periods) checkPeriod(text, period);
      const falls = periods.findIndex((period, index) => period < (periods[index - 1] ?? 0));
      if (falls !== -1) {
        fail(
          text,
          "periods that do not fall with depth: a stage fires whenever a deeper one does",
          `try fixed:${[...periods].sort((a, b) => a - b).join(",")}`,
        );
      }
      return schedule;
    }
    case "adaptive": {
      if (!Number.isFinite(schedule.threshold) || schedule.threshold < 0) {
        fail(text, "a threshold from 0 up (a share: 0.25 is a quarter)");
      }
      const fault = schedule.signal && faultOf(schedule.signal);
      if (fault !== undefined) {
        throw new ClockworkError("invalid-schedule", `clock "${text}": ${fault}; try tuning it again`);
      }
      if (schedule.signal !== undefined && propagate !== "flow" && knowsMotion(schedule.signal)) {
        fail(text, `flow, which "${schedule.signal.kind}" is measured in`, `try ${firingsText(schedule)}+flow`);
      }
      return schedule;
    }
  }
}

/**
 * A schedule as {@link parseSchedule} reads it. Of a signal only its name is written: the weights of a `probe` or an
 * `expected` one are left out, so that text is for people and does not parse.
 */
export function formatSchedule(schedule: Schedule): string {
  const { propagate, blend } = schedule;
  const mixing = blend === undefined ? "" : `+blend:${blend}`;
  return `${firingsText(schedule)}${propagate === "flow" ? "+flow" : ""}${mixing}`;
}

/** Share of what moved in that is mixed into fresh scores one frame after, where nothing is said. */
export const defaultBlend = 0.5;

/** Frames after which what moved in is no help any more: flow drifts, and scenes change. */
const blendFrames = 5;

/**
 * Share of what moved in that a schedule mixes into scores which are made `frames` frames after the last ones: its
 * `blend` after one frame, falling evenly to none after five.
 */
export function blendAt({ propagate, blend = defaultBlend }: Schedule, frames: number): number {
  return propagate === "flow" ? Math.max(0, blend * (1 - (frames - 1) / (blendFrames - 1))) : 0;
}

/** Whether results are those of the network run whole on every frame. */
export function isOracle(schedule: Schedule): boolean {
  return schedule.kind === "every" && schedule.propagate !== "flow";
}

function firingsText(schedule: Firings): string {
  switch (schedule.kind) {
    case "every":
    case "pipeline":
      return schedule.kind;
    case "skip":
      return `skip:${schedule.period}`;
    case "fixed":
      return `fixed:${schedule.periods.join(",")}`;
    case "adaptive":
      return `adaptive:${schedule.threshold}${schedule.signal === undefined ? "" : `@${schedule.signal.kind}`}`;
  }
}

function knowsMotion(signal: Signal): boolean {
  return isMotionSignal(signal) || (signal.kind === "expected" && signal.signals.some(isMotionSignal));
}

/** Frames over which flow is chained at most, where the clock is free to fire: it drifts. */
const longestChain = 10;

/** Frames in a row that an adaptive clock may hold, whatever it measures; `undefined` where there is no end to it. */
export function longestHold({ kind, propagate }: Schedule): number | undefined {
  return kind === "adaptive" && propagate === "flow" ? longestChain : undefined;
}

/** Number of stages that a schedule speaks of; `undefined` where it fits any number. */
export function stagesNamedBy(schedule: Schedule): number | undefined {
  return schedule.kind === "fixed" && schedule.periods.length > 1 ? schedule.periods.length : undefined;
}

/**
 * The clock of every stage, shallowest first.
 * @throws ClockworkError `invalid-schedule` where a list of periods has another length than there are stages
 */
export function clocksOf(schedule: Schedule, stages: number): readonly Clock[] {
  checkSchedule(schedule);
  const deepest = (clock: Clock): readonly Clock[] =>
    Array.from({ length: stages }, (_, depth): Clock => (depth === stages - 1 ? clock : { kind: "every" }));
  switch (schedule.kind) {
    case "every":
    // What a stage works on is no matter of its clock: all of them fire.
    case "pipeline":
      return deepest({ kind: "every" });
    case "skip":
      return Array.from({ length: stages }, () => periodClock(schedule.period));
    case "fixed": {
      const [period = 1] = schedule.periods;
      if (schedule.periods.length === 1) return deepest(periodClock(period));
      if (schedule.periods.length !== stages) {
        fail(
          formatSchedule(schedule),
          `one period for each of the ${stages} stages of the plan (or one for the deepest)`,
        );
      }
      return schedule.periods.map(periodClock);
    }
    case "adaptive": {
      const { propagate: _, blend: __, ...clock } = schedule;
      return deepest(clock);
    }
  }
}

/** The signal that stands behind the "@" of an adaptive clock. */
function signalIn(text: string, names: readonly string[]): Signal | undefined {
  const [name, ...more] = names.map((part) => part.trim());
  if (name === undefined) return undefined;
  if (more.length === 0) {
    switch (name) {
      case "labels":
      case "features":
      case "residual":
      case "arrived":
      case "motion":
        return { kind: name };
    }
    if (name === "probe" || name === "expected") {
      fail(
        text,
        `a signal without weights (labels, features, residual, arrived or motion)`,
        `the weights of "${name}" are in the file that \`clockwork tune\` wrote: try --schedule FILE`,
      );
    }
  }
  return fail(text, `labels, features, residual, arrived or motion after "@", as in adaptive:0.25@labels`);
}

function periodClock(frames: number): Clock {
  return frames === 1 ? { kind: "every" } : { kind: "period", frames };
}

function numberIn(text: string, value: string | undefined, example: string): number {
  const number = value === undefined || value.trim() === "" ? Number.NaN : Number(value);
  if (Number.isNaN(number)) fail(text, `a number, as in ${example}`);
  return number;
}

function checkPeriod(text: string, period: number): void {
  if (!Number.isInteger(period) || period < 1 || period > longestPeriod) {
    fail(text, `periods that are whole numbers of frames from 1 to ${longestPeriod}`);
  }
}

function fail(text: string, expected: string, hint = ""): never {
  throw new ClockworkError("invalid-schedule", `clock: expected ${expected}, got "${text}"${hint && `; ${hint}`}`);
}
