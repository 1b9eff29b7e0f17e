// Clocks with flow on cameras that move, stand and move: where there is something to gain by looking at the scene.

import { expect, test } from "vitest";
import { prepared, scoring, stopAndGo } from "../tune/engine/footage.ts";
import { atBudget, rigOf } from "../tune/engine/rig.ts";

test.each([
  ["the whole network", 1, 0.25],
  ["the deep stage", 2, 0.625],
] as const)(
  "%s rests by the residual: less disagreement than at a fixed rate of the same cost",
  async (_, stages, budget) => {
    const ratios: number[] = [];
    for (const seed of [1, 2, 3]) {
      for (const pace of [0.015, 0.02, 0.03]) {
        await using rig = await rigOf(await prepared({ ...scoring(), stages }), stopAndGo({ seed, pace }), "flow");
        const [fixed, residual] = [await atBudget(rig, "fixed", budget), await atBudget(rig, "residual", budget)];
        expect(fixed).toBeGreaterThan(0.01);
        ratios.push(residual / fixed);
      }
    }
    for (const ratio of ratios) expect(ratio).toBeLessThan(1);
    expect(ratios.reduce((sum, ratio) => sum + ratio, 0) / ratios.length).toBeLessThan(0.9);
  },
);
