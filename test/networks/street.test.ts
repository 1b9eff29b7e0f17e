// What options of street must not change: with finer scores it has the same deep stage and holds the same; with a finer deep
// stage the same weights see the same, between which more is seen.

import { expect, test } from "vitest";
import { fitNetwork } from "../../src/network/index.ts";
import { street } from "../../src/networks/index.ts";
import { numbersOf, tensorValue, type Model } from "../../src/onnx/index.ts";
import { planOf, type Plan } from "../../src/stages/plan.ts";
import { noiseImage } from "../support/noise.ts";
import { localEngine, runOnce } from "../support/runtime.ts";

const size = { widthPx: 480, heightPx: 360 };

async function planWith(finestStride: 2 | 4): Promise<Plan> {
  return planOf(await fitNetwork(street({ finestStride, classes: 11 }), { size, engine: localEngine }));
}

test("scores at stride 2 cost the shallow stage a fifteenth of all, and change nothing else", async () => {
  const [coarse, fine] = [await planWith(4), await planWith(2)];
  const [shallow, deep] = coarse.stages;
  const [finer, deepest] = fine.stages;
  expect(fine.stages).toHaveLength(2);
  expect(deepest?.held).toEqual(deep?.held);
  expect(deepest?.macs).toBe(deep?.macs);
  const whole = (shallow?.macs ?? 0) + (deep?.macs ?? 0);
  expect(((finer?.macs ?? 0) - (shallow?.macs ?? 0)) / whole).toBeCloseTo(1 / 15, 2);
  const [some, all] = [
    street({ classes: 11 }).graph.initializers,
    street({ finestStride: 2, classes: 11 }).graph.initializers,
  ];
  const differing = [...some].filter(([name, tensor]) => {
    const other = all.get(name);
    return other === undefined || String(numbersOf(other)) !== String(numbersOf(tensor));
  });
  expect(differing.map(([name]) => name)).toEqual([]);
});

test("a deep stage at stride 8 sees at every other place what one at stride 16 sees, with the same weights", async () => {
  const small = { widthPx: 96, heightPx: 64 };
  const context = "deep/context/relu";
  const contextOf = async (deepStride: 8 | 16): Promise<{ dims: readonly number[]; data: Float32Array }> => {
    const { graph, ...rest } = street({ deepStride, classes: 11, size: small, seed: 3, init: "train" });
    const outputs = [...graph.outputs, tensorValue(context, "float32", undefined)];
    const model: Model = { ...rest, graph: { ...graph, outputs } };
    const image = noiseImage([1, 3, 64, 96], 0);
    const { [context]: made } = await runOnce(model, { image });
    if (made === undefined) throw new Error("no context");
    return { dims: made.dims, data: made.data as Float32Array };
  };
  const [coarse, fine] = [await contextOf(16), await contextOf(8)];
  expect(coarse.dims).toEqual([1, 32, 4, 6]);
  expect(fine.dims).toEqual([1, 32, 8, 12]);
  let [worst, most] = [0, 0];
  for (const [at, value] of coarse.data.entries()) {
    const [channel, row, column] = [Math.floor(at / 24), Math.floor(at / 6) % 4, at % 6];
    const other = fine.data[(channel * 8 + 2 * row) * 12 + 2 * column] ?? Number.NaN;
    worst = Math.max(worst, Math.abs(value - other));
    most = Math.max(most, Math.abs(value));
  }
  expect(most).toBeGreaterThan(0.1);
  expect(worst / most).toBeLessThan(1e-5);
});
