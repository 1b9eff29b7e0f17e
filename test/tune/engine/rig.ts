// Footage gone through for tuning, beside the network that can really be run: what is simulated and measured on one hand,
// what happens on the other.

import { expect } from "vitest";
import { longestHold, type Propagation, type Schedule, type Signal } from "../../../src/clocks/index.ts";
import type { Frame } from "../../../src/frame.ts";
import { scheduleForBudget } from "../../../src/tune/buy.ts";
import { Disagreements } from "../../../src/tune/disagreement.ts";
import { runOracle, type FootageOptions } from "../../../src/tune/footage.ts";
import { divideFootage, groundOf, tryOut, type Ground } from "../../../src/tune/ground.ts";
import { simulate, type ClockKind } from "../../../src/tune/index.ts";
import { adaptiveSchedule, keysOf, type Part } from "../../../src/tune/part.ts";
import { frameSize } from "../../support/segmenting.ts";
import { MemoryLabels, runFor, sequenceFrom, type Prepared } from "./footage.ts";

/** A network with one video on which everything was recorded. */
export interface Rig extends AsyncDisposable {
  readonly net: Prepared;
  readonly frames: readonly Frame[];
  readonly options: FootageOptions;
  readonly ground: Ground;
  readonly disagreements: Disagreements;
  /** The video whole. */
  readonly whole: Part;
}

/** Records; half of the frames are fitted to. The network is closed with the rig. */
export async function rigOf(net: Prepared, frames: readonly Frame[], propagate?: Propagation): Promise<Rig> {
  const options = {
    ...net,
    videos: [sequenceFrom(frames)],
    labels: new MemoryLabels(),
    fitShare: 0.5,
    ...(propagate !== undefined && { propagate }),
  };
  const recorded = await runOracle(options);
  const disagreements = new Disagreements(options, net.plan.stages.length);
  const ground = await groundOf(options, recorded, divideFootage(recorded, options), disagreements);
  const [whole] = ground.whole;
  if (whole === undefined) throw new Error("expected a recording");
  const dispose = async (): Promise<void> => {
    await disagreements[Symbol.asyncDispose]();
    await net[Symbol.asyncDispose]();
  };
  return { net, frames, options, ground, disagreements, whole, [Symbol.asyncDispose]: dispose };
}

/** The signal of a kind. */
export function signalOf({ ground }: Rig, kind: Signal["kind"]): Signal {
  const signal = kind === "features" ? undefined : ground.signals.get(kind);
  if (signal === undefined) throw new Error(`expected a signal of kind ${kind}`);
  return signal;
}

/** Runs an adaptive clock, and compares firings, signals and changes of shot with the simulation. */
export async function compare(
  rig: Rig,
  signal: Signal,
  threshold: number,
  shots: readonly number[],
): Promise<readonly boolean[]> {
  const schedule = adaptiveSchedule(signal, rig.ground.propagate, threshold);
  const predicted = simulate(rig.whole.changes, signal, threshold, longestHold(schedule));
  const real = await runFor(rig.net, schedule, rig.frames);
  expect(real.fired).toEqual(predicted.fired);
  const distances = predicted.signal.map((value, frame) =>
    value === null ? 0 : Math.abs(value - (real.signal[frame] ?? Infinity)),
  );
  expect(Math.max(...distances)).toBeLessThan(1e-6);
  expect(real.shots.flatMap((shot, frame) => (shot ? [frame] : []))).toEqual(shots);
  return real.fired;
}

/** Disagreement of a kind of clock with as much to spend as the others, over the whole video. */
export async function atBudget({ ground }: Rig, kind: ClockKind, budget: number): Promise<number> {
  const choice = scheduleForBudget(ground, kind, ground.whole, budget);
  if (typeof choice === "number") throw new Error("expected a budget within reach");
  const { candidate } = await tryOut(ground, choice, ground.whole);
  expect(candidate.macsRatio).toBeLessThanOrEqual(budget);
  return candidate.disagreement;
}

/** What a clock does. */
export interface Way {
  readonly fired: readonly boolean[];
  /** Numbers of pixels that disagree with the oracle, by frame. */
  readonly pixels: readonly number[];
}

/** Measures and runs; the same pairs of frame and key come again and again. */
export async function bothWays(
  { net, frames, whole, disagreements }: Rig,
  all: readonly Schedule[],
): Promise<{ readonly measured: readonly Way[]; readonly real: readonly Way[] }> {
  const measured: Way[] = [];
  const real: Way[] = [];
  for (const schedule of all) {
    const keys = keysOf(whole, schedule);
    const values = await disagreements.of(0, keys, whole, "");
    measured.push({ fired: keys.map((key, frame) => key === frame), pixels: pixelsOf(values) });
    const { fired, disagreement } = await runFor(net, schedule, frames);
    real.push({ fired, pixels: pixelsOf(disagreement) });
  }
  return { measured, real };
}

/** Of those ways on which something rests, the fewest pixels that disagree in all. */
export function leastOf(ways: readonly Way[]): number {
  const resting = ways.filter(({ fired }) => fired.includes(false));
  return Math.min(...resting.map(({ pixels }) => pixels.reduce((sum, value) => sum + value, 0)));
}

/** Numbers of pixels: of shares a last bit depends on how they were worked out. */
export function pixelsOf(shares: ArrayLike<number>): readonly number[] {
  const pixels = frameSize.widthPx * frameSize.heightPx;
  return Array.from(shares, (share) => {
    expect(Math.abs(share * pixels - Math.round(share * pixels))).toBeLessThan(1e-6);
    return Math.round(share * pixels);
  });
}
