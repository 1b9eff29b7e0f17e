// What was recorded of a video for tuning, and how much any two of its frames differ. Counts are made when they are asked
// for and kept, so that many thresholds over one recording compare each pair of frames once.

import { isMotionSignal, type ChangeSignal, type PlainSignal } from "../clocks/index.ts";
import { ClockworkError } from "../errors.ts";
import { longestAge, motionSignals, motionValue, type MotionValues } from "./motion-values.ts";

/** Labels of a small map, [height * width]. */
export type LabelMap = Uint8Array | Int32Array;

/** One video, frame by frame. */
export interface Recording {
  /** Signals of which the label maps were recorded. */
  readonly signals: readonly ChangeSignal[];
  /** `maps[i][t]`: labels that signal i looks at on frame t; all maps of a signal have one length. */
  readonly maps: readonly (readonly LabelMap[])[];
  /** Whether a change of shot was seen on frame t. The first frame needs no mark. */
  readonly shots: readonly boolean[];
  /** What the flow gives on frame t; absent where nothing moves along it. */
  readonly motion?: readonly MotionValues[];
}

/** Value of something on a frame, where the stage fired last on frame `key`. */
export type ValueReader = (frame: number, key: number) => number;

/** How much the frames of one recording differ: shares of changed labels, and what the flow gives. */
export class Changes {
  readonly frames: number;
  readonly recording: Recording;
  /** `#counts[i][k][t - k - 1]`: changed positions of signal i from frame k to frame t, as far as asked for. */
  readonly #counts: readonly number[][][];

  /** @throws ClockworkError `invalid-argument` for maps that are too few or differ in length or kind */
  constructor(recording: Recording) {
    const { signals, maps, shots, motion } = recording;
    this.recording = recording;
    this.frames = shots.length;
    if (maps.length !== signals.length) fail(`maps of ${signals.length} signals`, `${maps.length}`);
    for (const [index, list] of maps.entries()) {
      if (list.length !== shots.length) fail(`${shots.length} maps of signal ${index}, one a frame`, `${list.length}`);
      const [first] = list;
      if (first === undefined) continue;
      if (first.length === 0) fail(`maps with positions`, "empty ones");
      const odd = list.find((map) => map.length !== first.length || map.constructor !== first.constructor);
      if (odd !== undefined) {
        fail(`maps of signal ${index} of one kind and ${first.length} positions`, `one of ${odd.length}`);
      }
    }
    if (motion !== undefined && motion.length !== shots.length) {
      fail(`values of motion for ${shots.length} frames`, `${motion.length}`);
    }
    const length = longestAge * motionSignals.length;
    const odd = motion?.find((values) => values.length !== length);
    if (odd !== undefined) fail(`${length} values of motion a frame`, `${odd.length}`);
    this.#counts = signals.map(() => []);
  }

  /** Whether every stage fires on a frame, whatever the clock: the first frame of the video or of a shot. */
  restarts(frame: number): boolean {
    return frame === 0 || this.recording.shots[frame] === true;
  }

  /**
   * Share of positions whose label on frame `frame` is not that of frame `key`, from 0 to 1. The counts from `key` to all
   * frames up to `frame` are kept.
   * @param signal index in `recording.signals`
   */
  share(signal: number, frame: number, key: number): number {
    const maps = this.recording.maps[signal];
    const rows = this.#counts[signal];
    const before = maps?.[key];
    if (maps === undefined || rows === undefined || before === undefined) return 0;
    const row = (rows[key] ??= []);
    for (let next = key + 1 + row.length; next <= frame; next++) row.push(changed(maps[next] ?? before, before));
    return (row[frame - key - 1] ?? 0) / before.length;
  }

  /**
   * How a signal is read.
   * @throws ClockworkError `invalid-argument` where it was not recorded; so does reading motion over more than eleven frames
   */
  readerOf(signal: PlainSignal): ValueReader {
    if (!isMotionSignal(signal)) {
      const index = this.indexOf(signal);
      return (frame, key) => this.share(index, frame, key);
    }
    const { motion } = this.recording;
    if (motion === undefined) return fail("motion that was recorded", "a recording without it");
    return (frame, key) =>
      motionValue(motion[frame], signal, frame - key) ??
      fail(`motion over at most ${longestAge} frames`, `${frame - key} of them`);
  }

  /**
   * Index of a signal among those recorded.
   * @throws ClockworkError `invalid-argument` where it was not recorded
   */
  indexOf(signal: ChangeSignal): number {
    const found = this.recording.signals.findIndex((recorded) => isSame(recorded, signal));
    if (found === -1) fail(`a signal that was recorded`, `another "${signal.kind}"`);
    return found;
  }
}

/** Number of positions at which two maps of one length differ. */
export function changed(a: LabelMap, b: LabelMap): number {
  let count = 0;
  let at = 0;
  if (isAligned(a) && isAligned(b)) {
    // Four labels at a time: most words are equal, and of others the bytes that are not zero are counted.
    const words = a.length >> 2;
    const first = new Int32Array(a.buffer, a.byteOffset, words);
    const second = new Int32Array(b.buffer, b.byteOffset, words);
    for (let word = 0; word < words; word++) {
      const difference = (first[word] ?? 0) ^ (second[word] ?? 0);
      if (difference === 0) continue;
      const high = (((difference & 0x7f7f7f7f) + 0x7f7f7f7f) | difference) & 0x80808080;
      count += Math.imul((high >>> 7) & 0x01010101, 0x01010101) >>> 24;
    }
    at = words * 4;
  }
  for (; at < a.length; at++) if (a[at] !== b[at]) count++;
  return count;
}

function isAligned(map: LabelMap): map is Uint8Array {
  return map instanceof Uint8Array && map.byteOffset % 4 === 0;
}

function isSame(a: ChangeSignal, b: ChangeSignal): boolean {
  if (a === b) return true;
  if (a.kind === "labels" || b.kind === "labels") return a.kind === b.kind;
  const { probe } = a;
  const other = b.probe;
  return (
    probe.tensor === other.tensor &&
    probe.bias.length === other.bias.length &&
    probe.weights.length === other.weights.length &&
    probe.bias.every((value, index) => value === other.bias[index]) &&
    probe.weights.every((value, index) => value === other.weights[index])
  );
}

function fail(expected: string, got: string): never {
  throw new ClockworkError("invalid-argument", `recording: expected ${expected}, got ${got}`);
}
