// What an adaptive clock would have done on a recorded video: the decisions of the compiled graph
// (compile/clock-graph.ts), frame by frame, without running it. Scores are not simulated, only when the stage fires.

import type { Signal } from "../clocks/index.ts";
import { ClockworkError } from "../errors.ts";
import type { Changes, ValueReader } from "./recording.ts";

/** What the deepest stage's clock did, one entry a frame. */
export interface Simulation {
  readonly fired: readonly boolean[];
  /** What the clock looked at; `null` on first frames of the video or of a shot, which fire anyway. */
  readonly signal: readonly (number | null)[];
  /** Frames since the last firing; 0 where it fired. */
  readonly age: readonly number[];
  /** Frame of the last firing; the frame itself where it fired. */
  readonly key: readonly number[];
}

/**
 * A run of the clock in short: how often it fired, and between which values the threshold can move without changing that.
 * Any threshold in (above, upTo] gives the same run. Frames on which the stage fires anyway say nothing of that.
 */
export interface Trace {
  readonly firings: number;
  readonly frames: number;
  /** The highest signal that did not fire; `-Infinity` where every frame fired. */
  readonly above: number;
  /** The lowest signal that fired; `Infinity` where nothing fired but first frames. */
  readonly upTo: number;
}

/**
 * How a signal is read from a recording, as the graph's float32.
 * @throws ClockworkError `invalid-argument` for signals that were not recorded, and for `features`, which has no labels
 */
export function signalReader(changes: Changes, signal: Signal): ValueReader {
  switch (signal.kind) {
    case "labels":
    case "probe":
    case "residual":
    case "arrived":
    case "motion": {
      const read = changes.readerOf(signal);
      return (frame, key) => Math.fround(read(frame, key));
    }
    case "features":
      throw new ClockworkError(
        "invalid-argument",
        `tuning: expected a signal of labels, got "features"; try a probe on the features`,
      );
    case "expected": {
      const readers = signal.signals.map((one) => changes.readerOf(one));
      const { weights, productWeights, ageCap, ageWeight, bias } = signal;
      return (frame, key) => {
        const age = Math.min(frame - key, ageCap) / ageCap;
        let sum = bias + ageWeight * age;
        for (const [i, read] of readers.entries()) {
          sum += ((weights[i] ?? 0) + (productWeights[i] ?? 0) * age) * read(frame, key);
        }
        return Math.fround(Math.max(0, sum));
      };
    }
  }
}

/**
 * Runs an adaptive clock over a recording. As in the graph: the signal compares a frame with that of the last firing, the
 * stage fires unless the signal is below the threshold, and both are float32.
 * @param longestHold frames in a row that it may hold, whatever the signal; see `longestHold` of the clocks
 */
export function simulate(
  changes: Changes,
  signal: Signal,
  threshold: number,
  longestHold: number = Infinity,
): Simulation {
  const read = signalReader(changes, signal);
  const level = Math.fround(threshold);
  const fired: boolean[] = [];
  const values: (number | null)[] = [];
  const age: number[] = [];
  const keys: number[] = [];
  let key = 0;
  for (let frame = 0; frame < changes.frames; frame++) {
    const value = changes.restarts(frame) ? null : read(frame, key);
    const fires = value === null || !(value < level) || frame - key > longestHold;
    if (fires) key = frame;
    fired.push(fires);
    values.push(value);
    age.push(frame - key);
    keys.push(key);
  }
  return { fired, signal: values, age, key: keys };
}

/**
 * The same as {@link simulate} over several videos, in short.
 * @param threshold `Infinity` fires on first frames, and where it has held for too long, alone
 */
export function trace(
  videos: readonly Changes[],
  readers: readonly ValueReader[],
  threshold: number,
  longestHold: number = Infinity,
): Trace {
  const level = Math.fround(threshold);
  let firings = 0;
  let frames = 0;
  let above = -Infinity;
  let upTo = Infinity;
  for (const [video, changes] of videos.entries()) {
    const read = readers[video];
    let key = 0;
    frames += changes.frames;
    for (let frame = 0; frame < changes.frames; frame++) {
      if (!changes.restarts(frame) && frame - key <= longestHold && read !== undefined) {
        const value = read(frame, key);
        if (value < level) {
          if (value > above) above = value;
          continue;
        }
        if (value < upTo) upTo = value;
      }
      key = frame;
      firings++;
    }
  }
  return { firings, frames, above, upTo };
}
