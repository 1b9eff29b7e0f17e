// Networks of random structure, in stages of their own choice and in every region that the planner would look at: what
// is compiled equals the source to the bit when it fires, and the source with the held tensors given when it holds.
// Correctness must not depend on whether a cut is a good one.

import { expect, test } from "vitest";
import { parseSchedule } from "../../../src/clocks/index.ts";
import { compile } from "../../../src/compile/compile.ts";
import { fitNetwork, type Network } from "../../../src/network/index.ts";
import type { Model } from "../../../src/onnx/index.ts";
import { groundOf } from "../../../src/stages/candidates.ts";
import { planFrom, planOf, type Plan } from "../../../src/stages/plan.ts";
import { isSubset, sizeOf } from "../../../src/stages/region.ts";
import { localEngine } from "../../support/runtime.ts";
import { noiseImage } from "../../support/noise.ts";
import { randomNetwork, side } from "../../support/random-network.ts";
import { differences, drive, simulate } from "../../support/reference.ts";
import { regionsOf } from "../../compile/regions.ts";

const seeds = Array.from({ length: 6 }, (_, index) => index + 1);
const images = [0, 5, 10, 15].map((shift) => noiseImage([1, 3, side, side], shift));

/** A network in some stages. */
class Trial {
  readonly model: Model;
  readonly network: Network;

  constructor(model: Model, network: Network) {
    this.model = model;
    this.network = network;
  }

  static async of(seed: number): Promise<Trial> {
    const model = randomNetwork(seed);
    return new Trial(model, await fitNetwork(model, { size: { widthPx: side, heightPx: side }, engine: localEngine }));
  }

  /** What differs from the reference; empty where all is well. */
  async differences(plan: Plan, text: string, depths: readonly number[]): Promise<readonly string[]> {
    const compiled = compile(this.network, plan, { io: "tensors", schedule: parseSchedule(text) });
    const runs = await drive(compiled, images);
    return differences(runs, await simulate(this.model, this.network, plan, images, depths));
  }
}

test.each(seeds)("network %i in stages of its own choice", async (seed) => {
  const trial = await Trial.of(seed);
  const { index } = trial.network;
  expect(index.nodes.length).toBeGreaterThanOrEqual(15);
  for (const stages of [2, 3]) {
    const plan = planOf(trial.network, { stages });
    const depth = plan.stages.length;
    expect(await trial.differences(plan, "fixed:2", [depth, depth - 1, depth, depth - 1])).toEqual([]);
    expect(await trial.differences(plan, "skip:3", [depth, 0, 0, depth])).toEqual([]);
  }
});

test.each(seeds)("network %i in every region that might rest", async (seed) => {
  const trial = await Trial.of(seed);
  const regions = regionsOf(trial.network);
  expect(regions.length).toBeGreaterThan(3);
  const ground = groundOf(trial.network);
  for (const region of regions) {
    const plan = planFrom(ground, [region]);
    const entry = plan.stages[1]?.entry;
    expect({ entry, wrong: await trial.differences(plan, "fixed:2", [2, 1, 2, 1]) }).toEqual({ entry, wrong: [] });
  }
});

test.each(seeds)("network %i in regions within regions", async (seed) => {
  const trial = await Trial.of(seed);
  const regions = regionsOf(trial.network);
  const pairs = regions.flatMap((outer) =>
    regions.filter((inner) => sizeOf(inner) < sizeOf(outer) && isSubset(inner, outer)).map((inner) => [outer, inner]),
  );
  expect(pairs.length).toBeGreaterThan(3);
  const ground = groundOf(trial.network);
  // An even choice of them.
  const step = Math.ceil(pairs.length / 12);
  for (const pair of pairs.filter((_, at) => at % step === seed % step)) {
    const plan = planFrom(ground, pair);
    const entries = plan.stages.map(({ entry }) => entry);
    expect({ entries, wrong: await trial.differences(plan, "fixed:1,2,3", [3, 1, 2, 3]) }).toEqual({
      entries,
      wrong: [],
    });
  }
});

test("the networks have what they are to have", async () => {
  const graphs = seeds.map((seed) => randomNetwork(seed).graph);
  const nodes = graphs.flatMap((graph) => graph.nodes);
  const ops = new Set(nodes.map(({ op }) => op));
  for (const op of [
    "Split",
    "ConvTranspose",
    "Resize",
    "GlobalAveragePool",
    "MatMul",
    "Where",
    "ArgMax",
    "MaxPool",
    "Abs",
  ]) {
    expect(ops).toContain(op);
  }
  expect(nodes.some(({ name }) => name === "")).toBe(true);
  // Nodes that come before what they read, and weights that several read.
  expect(
    graphs.some((graph) => {
      const first = graph.nodes[0];
      return graph.nodes
        .slice(1)
        .some((node) => node.outputs.some((output) => first?.inputs.includes(output) === true));
    }),
  ).toBe(true);
  expect(
    graphs.some((graph) =>
      [...graph.initializers.keys()].some(
        (name) => graph.nodes.filter((node) => node.inputs.includes(name)).length > 1,
      ),
    ),
  ).toBe(true);
  // Stages in several pieces, and held tensors of other types than float.
  const trials = await Promise.all(seeds.map((seed) => Trial.of(seed)));
  const plans = trials.flatMap(({ network }) =>
    regionsOf(network).map((region) => planFrom(groundOf(network), [region])),
  );
  expect(plans.some(({ stages }) => (stages[1]?.segments ?? 0) > 1)).toBe(true);
  expect(
    new Set(plans.flatMap(({ stages }) => stages.flatMap(({ held }) => held.map(({ dtype }) => dtype)))),
  ).toContain("bool");
});
