// What the flow gives of one frame, for every earlier frame on which the stage may have fired last: numbers only, no maps.

import { longestHold, type MotionSignal } from "../clocks/index.ts";

/** Signals that are recorded, in this order. */
export const motionSignals: readonly MotionSignal[] = [{ kind: "residual" }, { kind: "arrived" }, { kind: "motion" }];

/** Frames since a firing after which an adaptive clock with flow has fired again; all ages up to this are recorded. */
export const longestAge: number = 1 + (longestHold({ kind: "adaptive", threshold: 0, propagate: "flow" }) ?? 0);

/** Values of one frame: signal i over what was made `age` frames before, at `(age - 1) * motionSignals.length + i`. */
export type MotionValues = Float32Array;

/** One of the values; `undefined` for ages that are not recorded. @param age frames since the firing, from 1 */
export function motionValue(values: MotionValues | undefined, { kind }: MotionSignal, age: number): number | undefined {
  const index = motionSignals.findIndex((signal) => signal.kind === kind);
  return values?.[(age - 1) * motionSignals.length + index];
}
