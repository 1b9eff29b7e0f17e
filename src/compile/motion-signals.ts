// The numbers that an adaptive clock takes from the flow, as graph nodes: how badly the key frame, moved here, explains
// this one, how much came into view, how far things moved.

import type { MotionSignal } from "../clocks/index.ts";
import { coveredPx, type FlowScale } from "../motion/index.ts";
import type { GraphBuilder } from "../onnx/index.ts";

/** What is measured. Names of float32 tensors at the finest level, as in `Past`. */
export interface MotionSignalInputs {
  readonly flow: string;
  readonly valid: string;
  readonly mismatch: string;
  /** Name of a float32 tensor [1]: frames since the last firing; needed for `residual`. */
  readonly age: string | undefined;
  readonly scale: FlowScale;
  readonly prefix: string;
}

/** Writes one signal, float32 [1]. Nodes are named `PREFIX/SIGNAL/...`. */
export function motionSignalGraph(b: GraphBuilder, { kind }: MotionSignal, inputs: MotionSignalInputs): string {
  const { flow, valid, mismatch, age, scale } = inputs;
  const name = `${inputs.prefix}/signal/${kind}`;
  const mean = (part: string, map: string): string =>
    b.add(`${name}/${part}`, "Reshape", [
      b.add(`${name}/${part}/mean`, "GlobalAveragePool", [map]),
      b.int64(`${name}/${part}/shape`, [1], [1]),
    ]);
  switch (kind) {
    case "residual": {
      const difference = mean("difference", mismatch);
      if (age === undefined) throw new Error("a residual is taken times the age of what is held");
      return b.add(name, "Mul", [difference, age]);
    }
    case "arrived":
      return b.add(name, "Sub", [b.float32(`${name}/all`, [1], [1]), mean("seen", valid)]);
    case "motion": {
      // Flow is in halves of what the cells cover.
      const covered = coveredPx(scale.finest);
      const longest = Math.max(scale.widthPx, scale.heightPx);
      const factors = [covered.widthPx, covered.heightPx].map((extent) => extent / 2 / longest);
      const scaled = b.add(`${name}/scaled`, "Mul", [flow, b.float32(`${name}/factors`, [1, 2, 1, 1], factors)]);
      const squares = b.add(`${name}/squares`, "Mul", [scaled, scaled]);
      const parts = [`${name}/x`, `${name}/y`];
      const sizes = b.int64(`${name}/sizes`, [2], [1, 1]);
      b.add(`${name}/parts`, "Split", [squares, sizes], { axis: 1 }, { outputs: parts });
      const length = b.add(`${name}/length`, "Sqrt", [b.add(`${name}/sum`, "Add", parts)]);
      return mean("mean", length);
    }
  }
}
