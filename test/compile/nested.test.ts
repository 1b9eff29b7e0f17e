// Stages within stages: which of them fire, and what comes out when a deeper one rests inside a shallower one that does
// too, against a simulation that runs the source with the held tensors of the shallowest resting stage given from
// outside. Flags are compared with the definition: a stage fires when it is due or a deeper one is.

import { beforeAll, describe, expect, test } from "vitest";
import { parseSchedule } from "../../src/clocks/index.ts";
import { compile } from "../../src/compile/compile.ts";
import type { EngineTensor } from "../../src/engine/engine.ts";
import type { Network } from "../../src/network/index.ts";
import { networks } from "../../src/networks/index.ts";
import type { Model } from "../../src/onnx/index.ts";
import { planOf, type Plan } from "../../src/stages/plan.ts";
import { fitNetwork } from "../../src/network/index.ts";
import { localEngine } from "../support/runtime.ts";
import { noiseImage } from "../support/noise.ts";
import { differences, drive, firedIn, simulate } from "../support/reference.ts";

const size = { widthPx: 96, heightPx: 64 };
const images = Array.from({ length: 10 }, (_, frame) => noiseImage([1, 3, size.heightPx, size.widthPx], 4 * frame));

/** Periods that a text stands for, one per stage, as a reader of the help would list them. */
const schedules: readonly (readonly [string, readonly [number, number, number]])[] = [
  ["every", [1, 1, 1]],
  ["fixed:3", [1, 1, 3]],
  ["fixed:1,1,3", [1, 1, 3]],
  ["fixed:1,2,4", [1, 2, 4]],
  ["fixed:2,4,4", [2, 4, 4]],
  ["fixed:2,4,8", [2, 4, 8]],
  ["fixed:1,2,3", [1, 2, 3]],
  ["fixed:2,3,4", [2, 3, 4]],
  ["skip:3", [3, 3, 3]],
];

/** Number of stages that fire on each frame: down to the deepest that is due. */
function depthsFor(periods: readonly number[], frames: number, reset = 0): readonly number[] {
  return Array.from({ length: frames }, (_, frame) => {
    const since = frame < reset ? frame : frame - reset;
    return periods.reduce((depth, period, stage) => (since % period === 0 ? stage + 1 : depth), 0);
  });
}

/** Flags of three stages where the shallowest `depth` of them fire. */
function flags(depth: number): readonly number[] {
  return [1, 2, 3].map((stage) => (stage <= depth ? 1 : 0));
}

describe.each(["fcn8s", "bisenet"] as const)("%s in three stages", (name) => {
  let model: Model;
  let network: Network;
  let plan: Plan;

  beforeAll(async () => {
    model = networks[name].build();
    network = await fitNetwork(model, { size, engine: localEngine });
    plan = planOf(network, { stages: 3 });
  });

  test("has them", () => {
    expect(plan.stages).toHaveLength(3);
  });

  test.each(schedules)("%s", async (text, periods) => {
    const compiled = compile(network, plan, { io: "tensors", schedule: parseSchedule(text) });
    const depths = depthsFor(periods, images.length);
    const runs = await drive(compiled, images);
    expect(runs.map(firedIn)).toEqual(depths.map(flags));
    expect(differences(runs, await simulate(model, network, plan, images, depths))).toEqual([]);
  });

  test.each([
    ["fixed:2,4,8", [2, 4, 8]],
    ["fixed:1,2,3", [1, 2, 3]],
    ["skip:4", [4, 4, 4]],
  ])("%s starts again at a reset", async (text, periods) => {
    const compiled = compile(network, plan, { io: "tensors", schedule: parseSchedule(text) });
    const depths = depthsFor(periods, images.length, 5);
    expect(depths).not.toEqual(depthsFor(periods, images.length));
    const runs = await drive(compiled, images, { resets: [5] });
    expect(runs.map(firedIn)).toEqual(depths.map(flags));
    expect(differences(runs, await simulate(model, network, plan, images, depths))).toEqual([]);
  });

  test("remembers no more than the resting stages hold, and a result where the first rests", () => {
    const memoryOf = (text: string): readonly string[] =>
      compile(network, plan, { io: "tensors", schedule: parseSchedule(text) })
        .protocol.state.map(({ output }) => output.replace("next/", ""))
        .filter((tensor) => !tensor.startsWith("clockwork/"));
    const held = (stage: number): readonly string[] => plan.stages[stage]?.held.map(({ tensor }) => tensor) ?? [];
    const sorted = (names: readonly string[]): readonly string[] => [...new Set(names)].toSorted();
    expect(sorted(memoryOf("every"))).toEqual([]);
    expect(sorted(memoryOf("fixed:1,1,3"))).toEqual(sorted(held(2)));
    expect(sorted(memoryOf("fixed:1,2,4"))).toEqual(sorted([...held(1), ...held(2)]));
    expect(sorted(memoryOf("fixed:2,4,8"))).toEqual(sorted(["logits", ...held(1), ...held(2)]));
  });

  test("adaptive clocks leave shallower stages running", async () => {
    const compiled = compile(network, plan, { io: "tensors", schedule: parseSchedule("adaptive:0.4") });
    const runs = await drive(compiled, images);
    const depths = runs.map((run) => firedIn(run).reduce((sum, flag) => sum + flag, 0));
    // Both happen, or this says nothing.
    expect(new Set(depths)).toEqual(new Set([2, 3]));
    expect(runs.map(firedIn)).toEqual(depths.map(flags));
    expect(differences(runs, await simulate(model, network, plan, images, depths))).toEqual([]);
  });
});

test("the images differ enough to tell held from fresh", async () => {
  const model = networks.fcn8s.build();
  const network = await fitNetwork(model, { size, engine: localEngine });
  const plan = planOf(network, { stages: 3 });
  const source = await simulate(
    model,
    network,
    plan,
    images,
    images.map(() => 3),
  );
  const text = (tensor: EngineTensor | undefined): string => Array.from(tensor?.data ?? [], String).join();
  expect(new Set(source.map(({ results }) => text(results["logits"]))).size).toBe(images.length);
});
