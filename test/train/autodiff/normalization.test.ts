// Normalisations over a sample's own statistics: gradients against measured slopes.

import { describe, expect, test } from "vitest";
import { float, type AttributeInits } from "../../../src/onnx/index.ts";
import {
  groupNormalization,
  instanceNormalization,
  layerNormalization,
  lpNormalization,
} from "../../../src/train/autodiff/rules/normalization.ts";
import { faultsOf, randomGiven, type Given } from "./smooth.ts";

const rules = {
  LayerNormalization: layerNormalization,
  InstanceNormalization: instanceNormalization,
  GroupNormalization: groupNormalization,
  LpNormalization: lpNormalization,
};

/** Faults of one node on all of `by`, in their order. */
async function faults(
  op: string,
  by: Readonly<Record<string, Given>>,
  attributes: AttributeInits,
  opset = 17,
): Promise<readonly string[]> {
  return await faultsOf({ build: (b) => b.add("y", op, Object.keys(by), attributes), by, rules, opset });
}

/** Values that lie off zero and are spread unlike those of any other row. */
function spread(seed: number, dims: readonly number[]): Given {
  return randomGiven(seed, dims, -0.5, 2);
}

describe("LayerNormalization", () => {
  test.each([
    { dims: [4, 6], axis: -1, own: [6] },
    { dims: [2, 3, 5], axis: 2, own: [5] },
    { dims: [2, 3, 4], axis: 1, own: [3, 4] },
    { dims: [2, 3, 2, 3], axis: -2, own: [2, 3] },
    // Scale and shift that are broadcast.
    { dims: [3, 2, 4], axis: 1, own: [2, 1] },
    { dims: [3, 2, 4], axis: 1, own: [4] },
  ])("$dims from axis $axis, scale $own", async ({ dims, axis, own }) => {
    const by = { x: spread(1, dims), scale: randomGiven(2, own, 0.5, 1.5), shift: randomGiven(3, own) };
    expect(await faults("LayerNormalization", by, { axis })).toEqual([]);
  });

  test("without a shift, with an epsilon that shows", async () => {
    const by = { x: spread(4, [3, 5]), scale: randomGiven(5, [5]) };
    expect(await faults("LayerNormalization", by, { epsilon: float(0.3) })).toEqual([]);
  });

  test("the statistics have no way back", async () => {
    const by = { x: spread(4, [3, 5]), scale: randomGiven(5, [5]) };
    const looked = faultsOf({
      build: (b) => {
        b.add("n", "LayerNormalization", ["x", "scale"], {}, { outputs: ["y", "mean", "inverse"] });
        return b.add("m", "Mul", ["y", "inverse"]);
      },
      by,
      rules,
    });
    await expect(looked).rejects.toThrow(/LayerNormalization.*mean or deviation/u);
  });
});

describe("InstanceNormalization", () => {
  test.each([
    { dims: [2, 3, 4, 3], epsilon: 1e-5 },
    { dims: [1, 2, 7], epsilon: 1e-5 },
    { dims: [3, 1, 2, 5], epsilon: 0.2 },
  ])("$dims, epsilon $epsilon", async ({ dims, epsilon }) => {
    const own = [dims[1] ?? 1];
    const by = { x: spread(6, dims), scale: randomGiven(7, own, 0.5, 1.5), shift: randomGiven(8, own) };
    expect(await faults("InstanceNormalization", by, { epsilon: float(epsilon) })).toEqual([]);
  });
});

describe("GroupNormalization", () => {
  test.each([
    { dims: [2, 4, 3, 2], groups: 2, opset: 21 },
    { dims: [1, 6, 5], groups: 3, opset: 21 },
    { dims: [2, 4, 3], groups: 1, opset: 21 },
    { dims: [2, 4, 3], groups: 4, opset: 21 },
    { dims: [2, 4, 3, 2], groups: 2, opset: 18 },
    { dims: [2, 4, 3], groups: 1, opset: 18 },
  ])("$dims in $groups groups, operator set $opset", async ({ dims, groups, opset }) => {
    const own = [opset < 21 ? groups : (dims[1] ?? 1)];
    const by = { x: spread(9, dims), scale: randomGiven(10, own, 0.5, 1.5), shift: randomGiven(11, own) };
    expect(await faults("GroupNormalization", by, { num_groups: groups, epsilon: float(0.01) }, opset)).toEqual([]);
  });
});

describe("LpNormalization", () => {
  test.each([
    { dims: [3, 4], axis: -1, p: 2 },
    { dims: [2, 3, 4], axis: 1, p: 2 },
    { dims: [2, 3, 4], axis: 1, p: 1 },
  ])("$dims along axis $axis, p $p", async ({ dims, axis, p }) => {
    // Off zero, where sizes have a kink, and with both signs.
    const { data } = randomGiven(12, dims, -1, 1);
    const x = { dims, data: data.map((value) => value + Math.sign(value) * 0.2) };
    expect(await faults("LpNormalization", { x }, { axis, p })).toEqual([]);
  });
});
