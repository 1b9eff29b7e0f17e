// Accuracy against update rate: curves of clocks, and how far one is above another where both fire as often. Numbers only.

import { seeded } from "../src/tune/index.ts";

/** How one clock did on one seed. */
export interface SeedScore {
  readonly seed: number;
  /** Share of frames on which the deepest stage fired. */
  readonly updateRate: number;
  /** Percent. */
  readonly mIoU: number;
}

/** A place on a curve. */
export type CurvePlace = Pick<SeedScore, "updateRate" | "mIoU">;

/** One clock on all seeds. */
export interface CurvePoint extends CurvePlace {
  /** The clock as text. */
  readonly name: string;
  /** Update rate that it was chosen for. */
  readonly aimed: number;
  /** In the order of the seeds; `updateRate` and `mIoU` of the point itself are those of all frames together. */
  readonly seeds: readonly SeedScore[];
}

/** How far a clock is above another at the same update rate, in points of mIoU. */
export interface Margin {
  /** Mean over seeds, each at its own update rate. */
  readonly mean: number;
  /** 95 % of the means of seeds drawn anew lie between these. */
  readonly low: number;
  readonly high: number;
  /** With all frames together, at the update rate of all. */
  readonly pooled: number;
}

/**
 * mIoU of a curve at an update rate: linear between its places. Beyond its ends it goes on level.
 * @param places at least one
 */
export function curveAt(places: readonly CurvePlace[], updateRate: number): number {
  const sorted = [...places].sort((a, b) => a.updateRate - b.updateRate);
  const next = sorted.findIndex((place) => place.updateRate >= updateRate);
  const right = sorted[next === -1 ? sorted.length - 1 : next];
  const left = next > 0 ? sorted[next - 1] : right;
  if (left === undefined || right === undefined) throw new RangeError("expected a curve with places");
  if (left === right) return right.mIoU;
  const share = (updateRate - left.updateRate) / (right.updateRate - left.updateRate);
  return left.mIoU + share * (right.mIoU - left.mIoU);
}

/**
 * The margin of a clock over a curve.
 * @param curve the points of the other clock, with the same seeds in the same order
 */
export function marginOf(point: CurvePoint, curve: readonly CurvePoint[]): Margin {
  const margins = point.seeds.map(({ updateRate, mIoU }, place) => {
    const others = curve.flatMap(({ seeds }) => seeds[place] ?? []);
    return mIoU - curveAt(others, updateRate);
  });
  const [low, high] = meanInterval(margins);
  return { mean: meanOf(margins), low, high, pooled: point.mIoU - curveAt(curve, point.updateRate) };
}

const draws = 10_000;

/** Percentile bootstrap of a mean (Efron, 1979): 95 % of the means of as many values drawn with repetition. */
export function meanInterval(values: readonly number[]): readonly [low: number, high: number] {
  const random = seeded(1);
  const means = Float64Array.from({ length: draws }, () => {
    let sum = 0;
    for (let draw = 0; draw < values.length; draw++) sum += values[Math.floor(random() * values.length)] ?? 0;
    return sum / Math.max(1, values.length);
  }).sort();
  return [means[Math.floor(0.025 * draws)] ?? 0, means[Math.ceil(0.975 * draws) - 1] ?? 0];
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
}
