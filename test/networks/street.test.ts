// street with finer scores is street with something on top: the same weights, the same deep stage, the same held scores.

import { expect, test } from "vitest";
import { fitNetwork } from "../../src/network/index.ts";
import { street } from "../../src/networks/index.ts";
import { numbersOf } from "../../src/onnx/index.ts";
import { planOf, type Plan } from "../../src/stages/plan.ts";
import { localEngine } from "../support/runtime.ts";

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
