// The pipeline: on which frame every stage works, against the source run on separate frames with tensors carried over by
// hand (Shelhamer et al. 2016: FCN-8s in 2 and 3 stages), and against the source unrolled over the frames.

import { beforeAll, describe, expect, test } from "vitest";
import { parseSchedule } from "../../src/clocks/index.ts";
import { compile, type CompileOptions } from "../../src/compile/compile.ts";
import type { EngineTensor } from "../../src/engine/engine.ts";
import { fitNetwork, type Network } from "../../src/network/index.ts";
import { networks } from "../../src/networks/index.ts";
import { subgraphsOf, writeModel, type Model } from "../../src/onnx/index.ts";
import { defaultPreprocessing } from "../../src/preprocessing.ts";
import { groundOf } from "../../src/stages/candidates.ts";
import { parseCut } from "../../src/stages/cut.ts";
import { planFrom, planOf, type Plan } from "../../src/stages/plan.ts";
import { isSubset, sizeOf } from "../../src/stages/region.ts";
import { noiseFrame, noiseImage } from "../support/noise.ts";
import { randomNetwork, side } from "../support/random-network.ts";
import { drive, firedIn, named, sameBits, type Tensors } from "../support/reference.ts";
import { localEngine } from "../support/runtime.ts";
import { withInputs, withOutputs } from "../support/sessions.ts";
import { TrialNetwork } from "../support/trial-network.ts";
import { regionsOf } from "./regions.ts";
import { frameOf, unrolled } from "./unrolled.ts";

const size = { widthPx: 96, heightPx: 64 };
const schedule = parseSchedule("pipeline");
const tensors: CompileOptions = { io: "tensors", schedule };
const exact = { optimize: "none", threads: 1 } as const;

/** A shot of four frames, and another one of five. */
function twoShots(heightPx: number, widthPx: number): readonly EngineTensor[] {
  return [0, 3, 6, 9, 30, 33, 36, 39, 42].map((shift, frame) => {
    const image = noiseImage([1, 3, heightPx, widthPx], shift);
    const negative = (image.data as Float32Array).map((value) => -value);
    return frame < 4 ? image : { ...image, data: negative };
  });
}

const images = twoShots(size.heightPx, size.widthPx);
const cutAt = 4;

/** Names and frames of results that are not to the bit what is expected. */
function differing(runs: readonly Tensors[], expected: readonly Tensors[]): readonly string[] {
  expect(expected).toHaveLength(runs.length);
  return runs.flatMap((run, frame) =>
    Object.entries(expected[frame] ?? {}).flatMap(([name, tensor]) =>
      sameBits(named(run, name), tensor) ? [] : [`${name} on frame ${frame}`],
    ),
  );
}

function shotsIn(runs: readonly Tensors[]): readonly number[] {
  return runs.flatMap((run, frame) => (frame > 0 && Number(named(run, "shot").data[0]) === 1 ? [frame] : []));
}

/** Logits of the source for each image, with some tensors given from the source's run on an earlier one. */
async function withEarlier(
  model: Model,
  network: Network,
  given: readonly { readonly tensor: string; readonly depth: number }[],
  restarts: readonly number[],
): Promise<readonly Tensors[]> {
  const cut = given.map(({ tensor }) => tensor);
  await using whole = await localEngine.open(writeModel(withOutputs(model, cut)).bytes, exact);
  await using rest = await localEngine.open(writeModel(withInputs(network, cut)).bytes, exact);
  const source: Tensors[] = [];
  for (const image of images) source.push((await whole.run({ image })).outputs);
  const results: Tensors[] = [];
  for (const [frame, image] of images.entries()) {
    const held = given.map(({ tensor, depth }) => [
      tensor,
      named(source[frameOf(depth, frame, restarts)] ?? {}, tensor),
    ]);
    const { outputs } = await rest.run({ image, ...Object.fromEntries(held) });
    results.push({ logits: named(outputs, "logits") });
  }
  return results;
}

describe("fcn8s", () => {
  let model: Model;
  let network: Network;

  beforeAll(async () => {
    model = networks.fcn8s.build();
    network = await fitNetwork(model, { size, engine: localEngine });
  });

  // The plan's own cuts; that of two stages behind pool4; and both of the paper's.
  test.each<readonly [string, readonly string[] | undefined, number, Readonly<Record<string, number>>]>([
    ["2 stages of the planner's", undefined, 2, { score_pool4: 2, score_fr: 2 }],
    ["2 stages behind pool4", ["pool4->conv5_1"], 2, { score_fr: 2 }],
    ["3 stages of the planner's", undefined, 3, { score_pool4: 2, score_fr: 3 }],
    ["3 stages as in the paper", ["pool3->conv4_1", "pool4->conv5_1"], 3, { score_pool4: 2, score_fr: 3 }],
  ])("fuses the scores of different frames in %s", async (_name, cuts, stages, depths) => {
    const plan = planOf(network, cuts === undefined ? { stages } : { cuts: cuts.map(parseCut) });
    expect(plan.stages).toHaveLength(stages);
    const runs = await drive(compile(network, plan, tensors), images, { resets: [7] });
    expect(shotsIn(runs)).toEqual([cutAt]);
    const given = Object.entries(depths).map(([tensor, depth]) => ({ tensor, depth }));
    expect(differing(runs, await withEarlier(model, network, given, [0, cutAt, 7]))).toEqual([]);
    // Another shift would show.
    const others = given.map(({ tensor, depth }) => ({ tensor, depth: depth + 1 }));
    const wrong = differing(runs, await withEarlier(model, network, others, [0, cutAt, 7]));
    expect(wrong).toContain("logits on frame 3");
    expect(wrong).not.toContain(`logits on frame ${cutAt}`);
  });

  test("fires everything on every frame, and remembers what enters stages", async () => {
    const plan = planOf(network, { stages: 3 });
    const { protocol, model: compiled } = compile(network, plan, tensors);
    expect(protocol.schedule).toBe("pipeline");
    expect(protocol.outputs.signal).toBeUndefined();
    const own = protocol.state.map(({ output }) => output).filter((name) => !name.startsWith("next/clockwork/"));
    expect(own).toEqual(["next/pool3", "next/pool4"]);
    const runs = await drive({ model: compiled, protocol }, images.slice(0, 3));
    expect(runs.map(firedIn)).toEqual([
      [1, 1, 1],
      [1, 1, 1],
      [1, 1, 1],
    ]);
    const source = await unrolled(
      network,
      plan,
      images.slice(0, 3),
      images.map((_, frame) => frame),
    );
    expect(differing(runs.slice(0, 1), source.slice(0, 1))).toEqual([]);
    expect(differing(runs, source)).toEqual(["logits on frame 1", "logits on frame 2"]);
    // Only what was and what is are chosen between: no stage is in a branch.
    const inBranches = compiled.graph.nodes.flatMap((node) => subgraphsOf(node).flatMap(({ nodes }) => nodes));
    expect(new Set(inBranches.map(({ op }) => op))).toEqual(new Set(["Identity"]));
  });

  test("works on frames as on tensors", async () => {
    const plan = planOf(network, { stages: 3 });
    const preprocessing = defaultPreprocessing();
    const compiled = compile(network, plan, { io: "frames", schedule, preprocessing, taps: ["logits", "image"] });
    // Pre-processing is not what this is about: the source gets the images that it made.
    const frames = [0, 5, 10, 15].map((shift): EngineTensor => ({
      dtype: "uint8",
      dims: [size.heightPx, size.widthPx, 3],
      data: noiseFrame(size.widthPx, size.heightPx, shift).data,
    }));
    const runs = await drive(compiled, frames);
    const seen = runs.map((run) => named(run, "image"));
    const expected = await unrolled(network, plan, seen, [0]);
    expect(differing(runs, expected)).toEqual([]);
    // With the engine's optimisations, too, but for rounding.
    const optimised = await drive(compiled, frames, { open: { optimize: "all", threads: 1 } });
    for (const [frame, run] of optimised.entries()) {
      const logits = named(expected[frame] ?? {}, "logits").data as Float32Array;
      const largest = logits.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
      const other = named(run, "logits").data;
      const error = logits.reduce((most, value, at) => Math.max(most, Math.abs(value - Number(other[at]))), 0);
      expect(error).toBeLessThan(1e-4 * largest);
    }
  });
});

// bisenet has no score maps, ddrnet a stage in two segments, unet skips from both stages.
describe.each([
  ["bisenet", 2],
  ["bisenet", 3],
  ["ddrnet", 2],
  ["unet", 2],
  ["espnet", 2],
] as const)("%s in %i stages", (name, stages) => {
  test("equals the source unrolled over the frames", async () => {
    const network = await fitNetwork(networks[name].build(), { size, engine: localEngine });
    const plan = planOf(network, { stages });
    expect(plan.stages).toHaveLength(stages);
    const runs = await drive(compile(network, plan, tensors), images);
    expect(shotsIn(runs)).toEqual([cutAt]);
    expect(differing(runs, await unrolled(network, plan, images, [0, cutAt]))).toEqual([]);
    const undelayed = await unrolled(network, plan, images, [...images.keys()]);
    expect(differing(runs, undelayed)).toEqual([1, 2, 3, 5, 6, 7, 8].map((frame) => `logits on frame ${frame}`));
  });
});

const seeds = [1, 2, 3, 4, 5, 6];

test.each(seeds)("random network %i in regions and regions within regions", async (seed) => {
  const network = await fitNetwork(randomNetwork(seed), {
    size: { widthPx: side, heightPx: side },
    engine: localEngine,
  });
  const few = twoShots(side, side).slice(1, 8);
  const regions = regionsOf(network);
  const chains = [
    ...regions.map((region) => [region]),
    ...regions.flatMap((outer) =>
      regions.filter((inner) => sizeOf(inner) < sizeOf(outer) && isSubset(inner, outer)).map((inner) => [outer, inner]),
    ),
  ];
  expect(chains.length).toBeGreaterThan(6);
  const ground = groundOf(network);
  // An even choice of them.
  const step = Math.ceil(chains.length / 14);
  for (const chain of chains.filter((_, at) => at % step === seed % step)) {
    const plan: Plan = planFrom(ground, chain);
    const runs = await drive(compile(network, plan, tensors), few);
    const entries = plan.stages.map(({ entry }) => entry);
    const wrong = differing(runs, await unrolled(network, plan, few, [0, ...shotsIn(runs)]));
    expect({ entries, shots: shotsIn(runs), wrong }).toEqual({ entries, shots: [3], wrong: [] });
  }
});

describe("what enters", () => {
  /** Data of a type enters stage 2, and goes around it into stage 3. */
  function trial(code: number): Model {
    const net = new TrialNetwork(32, 32);
    const first = net.conv("first", net.image, 4, 2);
    const scaled = net.node("scaled", "Mul", [net.node("positive", "Relu", [first.name], 4).name, "ten"], 4);
    net.graph.float32("ten", [], [10]);
    const typed = net.node("typed", "Cast", [scaled.name], 4, { to: code });
    const back = (name: string): { name: string; channels: number } =>
      net.node(name, "Cast", [typed.name], 4, { to: 1 });
    const second = net.conv("second", back("to second"), 4, 2);
    const aside = net.conv("aside", back("to third"), 4, 2);
    const third = net.conv("third", net.plus("both", second, aside), 4, 2);
    const joined = net.plus("joined", second, net.up("third up", third, 2));
    const score = net.conv("score", net.plus("fused", first, net.up("second up", joined, 2)), 3);
    return net.model(net.up("logits", score, 2));
  }

  test.each([
    ["float16", 10],
    ["bool", 9],
    ["int8", 3],
    ["uint8", 2],
    ["double", 11],
    ["int64", 7],
  ])("%s tensors wait, twice where they cross two borders", async (_dtype, code) => {
    const network = await fitNetwork(trial(code), { size: { widthPx: 32, heightPx: 32 }, engine: localEngine });
    const at = (names: readonly string[]): Uint8Array =>
      Uint8Array.from(network.index.nodes, (node) => (names.includes(node.name) ? 1 : 0));
    const inner = ["to third", "aside", "both", "third"];
    const plan = planFrom(groundOf(network), [at([...inner, "to second", "second", "third up", "joined"]), at(inner)]);
    expect(plan.stages).toHaveLength(3);
    const few = twoShots(32, 32);
    const compiled = compile(network, plan, tensors);
    expect(compiled.protocol.state.map(({ output }) => output)).toEqual(
      expect.arrayContaining(["next/typed", "next/typed@stage2", "next/second"]),
    );
    const runs = await drive(compiled, few);
    expect(shotsIn(runs)).toEqual([cutAt]);
    expect(differing(runs, await unrolled(network, plan, few, [0, cutAt]))).toEqual([]);
    expect(differing(runs, await unrolled(network, plan, few, [...few.keys()]))).not.toEqual([]);
  });
});

test("one stage has nothing to be ahead of", async () => {
  const network = await fitNetwork(networks.fcn32s.build(), { size, engine: localEngine });
  const act = (): unknown => compile(network, planOf(network), tensors);
  expect(act).toThrow(expect.objectContaining({ name: "ClockworkError", code: "invalid-schedule" }));
  expect(act).toThrow("pipeline expects a plan of two stages or more");
});
