// Which stages come out of the networks of the field by themselves, and what holds for every plan whatever the network:
// costs that add up, stages that nest, held tensors that are those of an exhaustive search for edges out of the stage.
// Expected cuts are those of the papers (clockwork on FCN-8s) or of the networks' own figures.

import { readFile } from "node:fs/promises";
import { beforeAll, describe, expect, test } from "vitest";
import { fitNetwork, type Network, type Size } from "../../src/network/index.ts";
import { networks, type NetworkName } from "../../src/networks/index.ts";
import { nodeLabel, readModel, subgraphsOf, type Graph, type Model } from "../../src/onnx/index.ts";
import { parseCut } from "../../src/stages/cut.ts";
import { planOf, type Plan, type Stage } from "../../src/stages/plan.ts";
import { localEngine } from "../support/runtime.ts";
import { besideProject } from "../support/shared.ts";

const usual: Size = { widthPx: 512, heightPx: 256 };
const other: Size = { widthPx: 224, heightPx: 192 };

async function networkAt(model: Model, size: Size): Promise<Network> {
  return fitNetwork(model, { size, engine: localEngine });
}

/** Every network at the usual size, loaded once. */
const loaded = new Map<NetworkName, Network>();
const names: readonly NetworkName[] = [
  "bisenet",
  "bisenetv2",
  "ddrnet",
  "deeplabv3plus",
  "espnet",
  "fast-scnn",
  "fcn16s",
  "fcn32s",
  "fcn8s",
  "lraspp",
  "pspnet",
  "segformer",
  "unet",
];

function network(name: NetworkName): Network {
  const found = loaded.get(name);
  if (found === undefined) throw new Error(`${name} is not loaded`);
  return found;
}

beforeAll(async () => {
  for (const name of names) loaded.set(name, await networkAt(networks[name].build(), usual));
});

function stage(plan: Plan, index: number): Stage {
  const found = plan.stages[index - 1];
  if (found === undefined) throw new Error(`expected stage ${index}, got ${plan.stages.length} stages`);
  return found;
}

/** Held tensors as `name [shape]`. */
function heldIn({ held }: Stage): readonly string[] {
  return held.map(({ tensor, shape, dtype }) => `${tensor} ${dtype} [${shape.join(",")}]`);
}

describe("fcn8s", () => {
  test("three stages are the clockwork paper's", () => {
    const plan = planOf(network("fcn8s"), { stages: 3 });
    expect(plan.stages).toHaveLength(3);
    expect(plan.notes).toEqual([]);
    expect(plan.stages.map(({ entry }) => entry)).toEqual([null, "pool3 -> conv4_1", "pool4 -> conv5_1"]);
    expect(plan.stages.map(heldIn)).toEqual([
      [],
      ["fuse_pool4 float32 [1,21,16,32]"],
      ["score_fr float32 [1,21,8,16]"],
    ]);
    expect(plan.stages.map(({ scoreMap }) => scoreMap)).toEqual(["score_pool3", "score_pool4", "score_fr"]);
    expect(plan.stages.map(({ watch }) => watch)).toEqual([
      null,
      { kind: "labels", tensor: "score_pool3" },
      { kind: "labels", tensor: "score_pool4" },
    ]);
    expect(plan.stages.map(({ segments }) => segments)).toEqual([1, 1, 1]);
  });

  test("of two stages, the deep one has both of the paper's deeper ones", () => {
    const [two, three] = [planOf(network("fcn8s")), planOf(network("fcn8s"), { stages: 3 })];
    expect(two.stages).toHaveLength(2);
    expect(stage(two, 2)).toMatchObject({ entry: "pool3 -> conv4_1", nodes: stage(three, 2).nodes });
    expect(stage(two, 2).share).toBeCloseTo(stage(three, 2).share + stage(three, 3).share, 12);
    expect(stage(two, 2).share).toBeGreaterThan(0.4);
  });

  test("scales of the cut follow the size of the frame, names do not", async () => {
    const plan = planOf(await networkAt(networks.fcn8s.build(), other), { stages: 3 });
    expect(plan.stages.map(({ entry }) => entry)).toEqual([null, "pool3 -> conv4_1", "pool4 -> conv5_1"]);
    expect(heldIn(stage(plan, 2))).toEqual(["fuse_pool4 float32 [1,21,12,14]"]);
    expect(heldIn(stage(plan, 3))).toEqual(["score_fr float32 [1,21,6,7]"]);
  });

  test("one stage is the whole network", () => {
    const plan = planOf(network("fcn8s"), { stages: 1 });
    expect(plan.stages).toHaveLength(1);
    expect(plan.notes).toEqual([]);
    expect(stage(plan, 1)).toMatchObject({ entry: null, held: [], share: 1, macs: network("fcn8s").totalMacs });
  });
});

describe("two stages", () => {
  test.each<readonly [NetworkName, string, readonly string[], number]>([
    ["fcn16s", "pool4 -> conv5_1", ["score_fr float32 [1,21,8,16]"], 1],
    ["unet", "down2/1/relu -> down3/pool", ["up1/1/relu float32 [1,64,32,64]"], 1],
    ["espnet", "level2/out/prelu -> level3/down/reduce", ["level3/score float32 [1,12,32,64]"], 1],
    [
      "bisenet",
      "context/resnet/layer1/1/relu -> context/resnet/layer2/0/conv1, context/resnet/layer2/0/downsample/conv",
      ["context/head16/relu float32 [1,16,32,64]"],
      1,
    ],
    [
      "ddrnet",
      "layer2/relu -> layer3/0/conv1, layer3/0/downsample/conv; layer3_/relu -> down3/conv; layer4_/relu -> down4/0/conv",
      ["compression3/bn float32 [1,16,16,32]", "compression4/bn float32 [1,16,8,16]", "spp/add float32 [1,32,4,8]"],
      2,
    ],
    [
      "fast-scnn",
      "downsample/ds2/pointwise/relu -> global/bottleneck1/0/expand/conv",
      ["fusion/low/bn float32 [1,32,32,64]"],
      1,
    ],
    [
      "deeplabv3plus",
      "encoder/layer1/1/relu -> encoder/layer2/0/conv1, encoder/layer2/0/downsample/conv",
      ["aspp/project/relu float32 [1,32,16,32]"],
      1,
    ],
    [
      "lraspp",
      "features/4/project/bn -> features/5/expand/conv, features/5/add",
      ["head/high_classifier float32 [1,21,32,64]"],
      1,
    ],
    [
      "segformer",
      "stage1/out/reshape -> stage2/embed/proj",
      [
        "decode/linear_c2/map/reshape float32 [1,64,32,64]",
        "decode/linear_c3/map/reshape float32 [1,64,16,32]",
        "decode/linear_c4/map/reshape float32 [1,64,8,16]",
      ],
      1,
    ],
  ])("%s is cut at %s", (name, entry, held, segments) => {
    const plan = planOf(network(name));
    expect(plan.stages).toHaveLength(2);
    expect(stage(plan, 2)).toMatchObject({ entry, segments });
    expect(heldIn(stage(plan, 2)).toSorted()).toEqual(held.toSorted());
  });

  test.each<readonly [NetworkName, string]>([
    ["bisenet", "features context/resnet/layer1/1/relu"],
    ["ddrnet", "features layer2/relu"],
    ["lraspp", "labels head/low_classifier"],
    ["espnet", "labels level2/score"],
  ])("what an adaptive clock watches on %s is %s, and features are noted", (name, watched) => {
    const plan = planOf(network(name));
    const { watch } = stage(plan, 2);
    expect(`${watch?.kind} ${watch?.tensor}`).toBe(watched);
    expect(plan.notes.some((note) => note.includes(`watches the relative change of ${watch?.tensor}`))).toBe(
      watch?.kind === "features",
    );
  });
});

describe("networks without skips", () => {
  test.each(["fcn32s", "pspnet"] as const)("%s stays whole, and a note says why", (name) => {
    for (const stages of [2, 3]) {
      const plan = planOf(network(name), { stages });
      expect(plan.stages).toHaveLength(1);
      expect(plan.notes).toHaveLength(1);
      expect(plan.notes[0]).toContain(`1 of ${stages} stages`);
      expect(plan.notes[0]).toContain("no skip joins it with fresher data");
    }
  });
});

describe("bisenetv2", () => {
  test("stays whole: its semantic branch is too light to be worth a clock", () => {
    const plan = planOf(network("bisenetv2"), { stages: 2 });
    expect(plan.stages).toHaveLength(1);
    const entry = "semantic/stem/fuse/relu -> semantic/stage3/0/conv1/conv, semantic/stage3/0/shortcut/depthwise/conv";
    const branch = planOf(network("bisenetv2"), { cuts: [parseCut(entry)] });
    expect(branch.notes[0]).toMatch(/has only \d\.\d % of the cost/);
    expect(stage(branch, 2)).toMatchObject({ entry, segments: 1 });
    expect(stage(branch, 2).share).toBeLessThan(0.1);
    // What gates the detail branch, before it is upsampled, and what the detail branch gates.
    expect(heldIn(stage(branch, 2)).toSorted()).toEqual([
      "bga/semantic/sigmoid float32 [1,32,8,16]",
      "bga/semantic_up/bn float32 [1,32,8,16]",
    ]);
  });
});

describe("three stages", () => {
  test("bisenet: the two scales of its context path", () => {
    const plan = planOf(network("bisenet"), { stages: 3 });
    expect(plan.stages.map(heldIn)).toEqual([
      [],
      ["context/head16/relu float32 [1,16,32,64]"],
      ["context/head32/relu float32 [1,16,16,32]"],
    ]);
  });

  test("a network with one fusion has two, and a note about the third", () => {
    const plan = planOf(network("lraspp"), { stages: 3 });
    expect(plan.stages).toHaveLength(2);
    expect(plan.notes.filter((note) => note.startsWith("2 of 3 stages: "))).toHaveLength(1);
  });
});

describe.each(names)("every plan of %s", (name) => {
  let plans: readonly Plan[];

  beforeAll(() => {
    plans = [1, 2, 3, 4].map((stages) => planOf(network(name), { stages }));
  });

  test("has costs that add up to the network's", () => {
    for (const plan of plans) {
      const { totalMacs } = network(name);
      expect(plan.macs).toBe(totalMacs);
      expect(plan.stages.reduce((sum, { macs }) => sum + macs, 0)).toBe(totalMacs);
      expect(plan.stages.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1, 12);
      expect(plan.stages.map(({ index }) => index)).toEqual(plan.stages.map((_, at) => at + 1));
    }
  });

  test("has stages within stages, the first with every node that depends on the image", () => {
    for (const plan of plans) {
      const members = plan.stages.map(({ nodes }) => labelsOf(network(name), nodes));
      expect(members[0]).toEqual(dependentOn(network(name).model.graph, "image"));
      for (const [depth, inner] of members.entries()) {
        const around = members[depth - 1];
        if (around === undefined) continue;
        expect([...inner].every((label) => around.has(label))).toBe(true);
        expect(inner.size).toBeLessThan(around.size);
        expect(inner.size).toBeGreaterThan(0);
      }
    }
  });

  test("holds what leaves a stage, and nothing that an upsampling put out", () => {
    for (const plan of plans) {
      for (const deep of plan.stages.slice(1)) {
        const { graph } = network(name).model;
        const inside = labelsOf(network(name), deep.nodes);
        expect(new Set(deep.held.map(({ tensor }) => tensor))).toEqual(leaving(graph, inside));
        // Maps that have more positions than what they were made from.
        const upsampled = deep.held.filter(({ tensor }) => {
          const maker = graph.nodes.find((node) => node.outputs.includes(tensor));
          const before = network(name).shapeOf(maker?.inputs[0] ?? "") ?? [];
          return before.length === 4 && area(network(name).shapeOf(tensor)) > area(before);
        });
        expect(upsampled).toEqual([]);
      }
    }
  });

  test("comes out the same from a file with open sizes and from one with fixed ones", async () => {
    const size = { heightPx: usual.heightPx, widthPx: usual.widthPx };
    const fixed = await networkAt(networks[name].build({ size }), usual);
    for (const stages of [2, 3]) {
      const outline = (plan: Plan): unknown => ({
        notes: plan.notes,
        // The nodes themselves differ: adaptive pooling is written in another way where sizes are open.
        stages: plan.stages.map((item) => ({ ...item, nodes: undefined })),
      });
      expect(outline(planOf(fixed, { stages }))).toEqual(outline(planOf(network(name), { stages })));
    }
  });

  test("comes out of its own entries, written as cuts", () => {
    const plan = planOf(network(name), { stages: 3 });
    const cuts = plan.stages.flatMap(({ entry }) => (entry === null ? [] : [parseCut(entry)]));
    if (cuts.length === 0) return;
    expect(planOf(network(name), { cuts }).stages).toEqual(plan.stages);
  });
});

describe("cuts written by hand", () => {
  test("a tensor alone cuts all edges from it, a node alone all edges to it", () => {
    const entries = (text: string): unknown => parseCut(text).entriesIn(network("fcn8s"));
    const { index } = network("fcn8s");
    expect(entries("pool4")).toEqual([{ tensor: "pool4", consumers: index.consumersOf("pool4") }]);
    expect(index.consumersOf("pool4")).toHaveLength(2);
    expect(entries(" pool4->conv5_1 ; pool4 -> score_pool4 ;")).toEqual([
      { tensor: "pool4", consumers: [index.find("conv5_1")] },
      { tensor: "pool4", consumers: [index.find("score_pool4")] },
    ]);
  });

  test("a node without a tensor of its name is entered by all of its data", async () => {
    const { graph, ...rest } = networks.fcn8s.build();
    const nodes = graph.nodes.map((node) => (node.name === "conv5_1" ? { ...node, name: "deep" } : node));
    const renamed = await networkAt({ ...rest, graph: { ...graph, nodes } }, usual);
    const plan = planOf(renamed, { cuts: [parseCut("deep")] });
    expect(stage(plan, 2)).toMatchObject({ entry: "pool4 -> deep" });
  });

  test("a deep stage that the planner would not choose is taken, with a note", () => {
    const plan = planOf(network("fcn32s"), { cuts: [parseCut("pool4 -> conv5_1")] });
    expect(plan.stages).toHaveLength(2);
    expect(plan.notes[0]).toContain("skipping frames");
    const small = planOf(network("unet"), { cuts: [parseCut("down3/1/relu -> down4/pool")] });
    expect(heldIn(stage(small, 2))).toEqual(["down4/1/relu float32 [1,128,16,32]"]);
    expect(small.notes[0]).toMatch(/has only \d\.\d % of the cost/);
  });

  test.each<readonly [readonly string[], string, readonly string[]]>([
    // Parts of names, and what they may have meant.
    [["pool33"], "uncuttable", ["a tensor of the network", '"pool33"', "pool3"]],
    [["nothing/like/it"], "uncuttable", ["inspect --nodes"]],
    [["pool3 -> conv5_1"], "uncuttable", ['a node that reads "pool3"', "conv4_1, score_pool3"]],
    [["pool3 -> conv4"], "uncuttable", ["a node of the network", "conv4_1"]],
    // Weights are no data.
    [["conv4_1.weight"], "uncuttable", ["depends on the image"]],
    // The skip goes around it.
    [["score_pool3 -> fuse_pool3"], "uncuttable", ["other paths go around"]],
    // Deep first.
    [["pool4 -> conv5_1", "pool3 -> conv4_1"], "uncuttable", ["part of stage 2", "shallowest first"]],
  ])("cuts %j are refused as %s", (texts, code, parts) => {
    const act = (): Plan => planOf(network("fcn8s"), { cuts: texts.map(parseCut) });
    expect(act).toThrow(expect.objectContaining({ name: "ClockworkError", code }));
    for (const part of parts) expect(act).toThrow(part);
  });

  test.each(["", " ; ", "a -> ", "-> b", "a -> b, ", "a -> b -> c"])("%j is no cut", (text) => {
    expect(() => parseCut(text)).toThrow(expect.objectContaining({ name: "ClockworkError", code: "invalid-argument" }));
    expect(() => parseCut(text)).toThrow('"tensor"');
  });

  test.each([0, 7, 1.5, Number.NaN])("%s stages are none", (stages) => {
    expect(() => planOf(network("fcn8s"), { stages })).toThrow(
      expect.objectContaining({ name: "ClockworkError", code: "invalid-argument" }),
    );
  });
});

describe("measured times in place of MACs", () => {
  test("choose the cut and are summed up by stage", () => {
    const { index } = network("fcn8s");
    // Nearly all time in the last block: only the stage around it is worth a clock.
    const slow = index.nodes.map((node) => (/^(conv5|relu5|pool5|fc|relu[67]|score_fr)/.test(node.name) ? 10 : 0.01));
    const plan = planOf(network("fcn8s"), { stages: 2, milliseconds: slow });
    expect(plan.milliseconds).toBeCloseTo(
      slow.reduce((sum, time) => sum + time, 0),
      9,
    );
    expect(plan.stages.reduce((sum, { milliseconds = 0 }) => sum + milliseconds, 0)).toBeCloseTo(
      plan.milliseconds ?? 0,
      9,
    );
    expect(stage(plan, 2).milliseconds).toBeGreaterThan(0.9 * (plan.milliseconds ?? 0));
    // The other way about, the deep half costs nothing, and nothing is cut.
    const shallow = index.nodes.map((node) => (/^(?:conv[123]|relu[123])_/.test(node.name) ? 10 : 0.01));
    expect(planOf(network("fcn8s"), { milliseconds: shallow }).stages).toHaveLength(1);
  });
});

describe("ESPNet", () => {
  const size = { widthPx: 480, heightPx: 360 };

  /** What is known of the cut, from the network that the project measures with. */
  const known = {
    entry: "level2/out/prelu -> level3/down/reduce",
    held: ["level3/score float32 [1,12,45,60]"],
    scores: "level2/score",
    macs: "856.8 of 1335.3 million",
  };

  function outline(plan: Plan): unknown {
    const deep = stage(plan, 2);
    const millions = (count: number): string => (count / 1e6).toFixed(1);
    return {
      entry: deep.entry,
      held: heldIn(deep),
      scores: stage(plan, 1).scoreMap,
      macs: `${millions(deep.macs)} of ${millions(plan.macs)} million`,
    };
  }

  test("of full width", async () => {
    const built = await networkAt(networks.espnet.build({ width: 1, classes: 12 }), size);
    expect(outline(planOf(built))).toEqual(known);
  });

  const file = besideProject("models/espnet-camvid/onnx/model.onnx");
  test.skipIf(file === undefined)("as trained on CamVid", async () => {
    const trained = await networkAt(readModel(await readFile(file ?? "")), size);
    expect(outline(planOf(trained))).toEqual(known);
  });
});

/** Positions of a map [N,C,H,W]. */
function area(shape: readonly number[] = []): number {
  return shape.slice(2).reduce((product, dim) => product * dim, 1);
}

/** Labels of the nodes of a set. */
function labelsOf({ index }: Network, nodes: Uint8Array): ReadonlySet<string> {
  return new Set(index.nodes.filter((_, position) => nodes[position] === 1).map(nodeLabel));
}

/** Labels of the nodes that an input reaches, found by going over all nodes until nothing changes. */
function dependentOn(graph: Graph, input: string): ReadonlySet<string> {
  const live = new Set([input]);
  const labels = new Set<string>();
  for (let before = -1; before !== live.size;) {
    before = live.size;
    for (const node of graph.nodes) {
      if (!node.inputs.some((name) => live.has(name))) continue;
      labels.add(nodeLabel(node));
      for (const output of node.outputs) live.add(output);
    }
  }
  return labels;
}

/** Tensors that nodes of a set make and a node outside of it, or a reader of the result, uses. */
function leaving(graph: Graph, inside: ReadonlySet<string>): ReadonlySet<string> {
  expect(graph.nodes.flatMap(subgraphsOf)).toEqual([]);
  const made = graph.nodes.filter((node) => inside.has(nodeLabel(node))).flatMap((node) => node.outputs);
  const isUsedOutside = (tensor: string): boolean =>
    graph.outputs.some(({ name }) => name === tensor) ||
    graph.nodes.some((node) => !inside.has(nodeLabel(node)) && node.inputs.includes(tensor));
  return new Set(made.filter(isUsedOutside));
}
