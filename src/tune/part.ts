// A stretch of recorded video that a clock goes through from a fresh start: what fires in it, and what that costs.

import { longestHold, type MotionSignal, type Propagation, type Schedule, type Signal } from "../clocks/index.ts";
import type { Plan } from "../stages/index.ts";
import type { Span } from "./blocks.ts";
import { macsRatioAt } from "./budget.ts";
import { Changes, type Recording } from "./recording.ts";
import { simulate } from "./simulate.ts";

/** A stretch of a video, with what was recorded of it. */
export interface Part extends Span {
  readonly changes: Changes;
}

/** Kinds of clocks; `fixed` is a rate without a signal. Those of motion need flow. */
export type ClockKind = "labels" | "probe" | MotionSignal["kind"] | "expected" | "fixed";

/** A clock before its cost is known. */
export interface Choice {
  readonly kind: ClockKind;
  readonly schedule: Schedule;
}

/** What firings cost. */
export interface Cost {
  /** Share of frames on which the deepest stage fired. */
  readonly updateRate: number;
  /** Multiply-accumulates as a share of the oracle's. */
  readonly macsRatio: number;
}

/** Parts of recorded videos. */
export function partsOf(recordings: readonly Recording[], spans: readonly Span[]): readonly Part[] {
  return spans.map((span) => ({ ...span, changes: new Changes(sliceOf(recordings[span.video], span)) }));
}

/** Frame of the last firing, in the video's own numbers, for every frame of a part. */
export function keysOf(part: Part, schedule: Schedule): readonly number[] {
  switch (schedule.kind) {
    case "adaptive":
      if (schedule.signal === undefined) throw new RangeError("expected a signal");
      return simulate(part.changes, schedule.signal, schedule.threshold, longestHold(schedule)).key.map(
        (key) => part.from + key,
      );
    case "fixed":
      return periodKeys(part, schedule.periods[0] ?? 1);
    case "skip":
      return periodKeys(part, schedule.period);
    case "every":
    case "pipeline":
      return periodKeys(part, 1);
  }
}

/** The same for a fixed rate, which counts anew from the first frame of each shot. */
export function periodKeys({ changes, from }: Part, period: number): readonly number[] {
  let start = 0;
  return Array.from({ length: changes.frames }, (_, frame) => {
    if (changes.restarts(frame)) start = frame;
    return from + frame - ((frame - start) % period);
  });
}

/**
 * What goes with every tuned clock. Nothing is blended: that changes fresh labels on purpose, and makes them depend on
 * more than the last firing, while tuning is for labels like the oracle's.
 */
export function movedBy(propagate: Propagation): Pick<Schedule, "propagate" | "blend"> {
  return propagate === "flow" ? { propagate, blend: 0 } : {};
}

/** Where there is one stage, a rate is that of the whole network. */
export function periodSchedule({ stages }: Plan, propagate: Propagation, period: number): Schedule {
  const moves = movedBy(propagate);
  return stages.length === 1 ? { kind: "skip", period, ...moves } : { kind: "fixed", periods: [period], ...moves };
}

/** A clock that looks at the scene. */
export function adaptiveSchedule(signal: Signal, propagate: Propagation, threshold: number): Schedule {
  return { kind: "adaptive", threshold, signal, ...movedBy(propagate) };
}

/**
 * What a clock costs over parts.
 * @param shares cost of each stage without deeper ones, as a share of the network's; shallowest first
 */
export function costOf(schedule: Schedule, parts: readonly Part[], shares: readonly number[]): Cost {
  let firings = 0;
  let frames = 0;
  for (const part of parts) {
    firings += keysOf(part, schedule).filter((key, offset) => key === part.from + offset).length;
    frames += part.changes.frames;
  }
  const updateRate = firings / Math.max(1, frames);
  return { updateRate, macsRatio: macsRatioAt(shares, updateRate) };
}

function sliceOf(recording: Recording | undefined, { from, to }: Span): Recording {
  if (recording === undefined) throw new RangeError("expected a recording of every video");
  return {
    signals: recording.signals,
    maps: recording.maps.map((list) => list.slice(from, to)),
    shots: recording.shots.slice(from, to),
    ...(recording.motion !== undefined && { motion: recording.motion.slice(from, to) }),
  };
}
