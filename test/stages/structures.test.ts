// Structures of real networks that a planner can misread, each in a small network of its own: residual blocks and
// pyramids that must not be torn, tokens whose scale changes without a convolution, maps with channels last, quantised
// features, results of their own deep inside. What each should give follows from what it is.

import { describe, expect, test } from "vitest";
import { compile } from "../../src/compile/compile.ts";
import { fitNetwork, type Network } from "../../src/network/index.ts";
import { nodeLabel, type Model } from "../../src/onnx/index.ts";
import { workingAreas } from "../../src/stages/area.ts";
import { candidatesAt, groundOf } from "../../src/stages/candidates.ts";
import { parseCut } from "../../src/stages/cut.ts";
import { planOf } from "../../src/stages/plan.ts";
import { heldBy } from "../../src/stages/region.ts";
import { Strands } from "../../src/stages/strands.ts";
import { localEngine } from "../support/runtime.ts";
import { noiseImage } from "../support/noise.ts";
import { differences, drive, simulate } from "../support/reference.ts";
import { TrialNetwork, type TrialMap } from "../support/trial-network.ts";

const [heightPx, widthPx] = [128, 256];
const positions = heightPx * widthPx;

function networkOf(model: Model): Promise<Network> {
  return fitNetwork(model, { size: { widthPx, heightPx }, engine: localEngine });
}

/** Working area by node. */
async function areasIn(model: Model): Promise<ReadonlyMap<string, number>> {
  const network = await networkOf(model);
  const areas = workingAreas(network);
  return new Map(network.index.nodes.map((node, at) => [nodeLabel(node), areas[at] ?? 0]));
}

/** Strands of a tensor's consumers, by label. */
async function strandsOf(model: Model, tensor: string): Promise<readonly (readonly string[])[]> {
  const network = await networkOf(model);
  const { data, areas } = groundOf(network);
  const { index } = network;
  return new Strands(network, data, areas)
    .of(index.consumersOf(tensor))
    .map((strand) => strand.map((position) => nodeLabel(index.node(position))));
}

describe("working areas", () => {
  test("tokens merged by reshaping count as few as there are", async () => {
    const t = new TrialNetwork(heightPx, widthPx);
    const embedded = t.conv("embed", t.image, 8, 4, 1);
    const last = t.node("last", "Transpose", [embedded.name], 8, { perm: [0, 2, 3, 1] });
    const before = t.node("before", "MatMul", [last.name, t.weight("w0", [8, 8])], 8);
    const split = t.node("split", "Reshape", [before.name, t.integers("s0", [1, 16, 2, 32, 2, 8])], 8);
    const turned = t.node("turned", "Transpose", [split.name], 8, { perm: [0, 1, 3, 2, 4, 5] });
    const merged = t.node("merged", "Reshape", [turned.name, t.integers("s1", [1, 16, 32, 32])], 32);
    const after = t.node("after", "MatMul", [merged.name, t.weight("w1", [32, 16])], 16);
    // Attention: products of data with data stay where their tokens are.
    const keys = t.node("keys", "Transpose", [after.name], 16, { perm: [0, 1, 3, 2] });
    const attention = t.node("attention", "MatMul", [after.name, keys.name], 32);
    const map = t.node("map", "Transpose", [attention.name], 32, { perm: [0, 3, 1, 2] });
    const areas = await areasIn(t.model(t.conv("score", map, 5, 1, 1)));
    expect(areas.get("before")).toBe(positions / 16);
    expect(areas.get("after")).toBe(positions / 64);
    expect(areas.get("attention")).toBe(positions / 64);
  });

  test("a squeeze to one token or one position stays with its host", async () => {
    const t = new TrialNetwork(heightPx, widthPx);
    const host = t.conv("host", t.image, 8, 4);
    const pooled = t.node("pooled", "GlobalAveragePool", [host.name], 8);
    const flat = t.node("flat", "Reshape", [pooled.name, t.integers("s0", [1, 8])], 8);
    const linear = t.node("linear", "Gemm", [flat.name, t.weight("w", [8, 8])], 8);
    const gate = t.node("gate", "Reshape", [linear.name, t.integers("s1", [1, 8, 1, 1])], 8);
    const small = t.conv("small", pooled, 8, 1, 1);
    const gated = t.node("gated", "Mul", [host.name, gate.name], 8);
    const areas = await areasIn(t.model(t.plus("score", gated, small)));
    for (const name of ["host", "pooled", "linear", "small", "gated", "score"])
      expect(areas.get(name)).toBe(positions / 16);
  });

  test("a resize of a map with channels last counts rows and columns", async () => {
    const t = new TrialNetwork(heightPx, widthPx);
    const deep = t.conv("deep", t.image, 6, 8);
    const last = t.node("last", "Transpose", [deep.name], 6, { perm: [0, 2, 3, 1] });
    const scales = t.graph.float32("scales", [4], [1, 2, 2, 1]);
    const resized = t.node("resized", "Resize", [last.name, "", scales], 6, { mode: "nearest" });
    const first = t.node("first", "Transpose", [resized.name], 6, { perm: [0, 3, 1, 2] });
    const areas = await areasIn(t.model(t.conv("score", first, 5)));
    expect(areas.get("deep")).toBe(positions / 64);
    expect(areas.get("resized")).toBe(positions / 16);
    expect(areas.get("score")).toBe(positions / 16);
  });
});

describe("strands", () => {
  test("body and shortcut of a residual block are one, a skip around an encoder is another", async () => {
    const t = new TrialNetwork(heightPx, widthPx);
    const stem = t.conv("stem", t.image, 8, 4);
    const deep = t.block("deep", t.block("down", stem, 16, 2), 8);
    const fused = t.plus("fused", t.up("up", deep, 2), stem);
    const model = t.model(t.conv("score", fused, 5));
    expect(await strandsOf(model, "stem")).toEqual([["down/1", "down/shortcut"], ["fused"]]);
    expect(await strandsOf(model, "down")).toEqual([["deep/1", "deep/shortcut"]]);
  });

  test("branches of a pyramid at one scale are one, a branch that pools is its own", async () => {
    const t = new TrialNetwork(heightPx, widthPx);
    const x = t.conv("x", t.image, 8, 4);
    const branches = [1, 2, 3, 4, 5].map((number) => t.conv(`branch${number}`, x, 8));
    const pooled = t.up("back", t.conv("pooled", x, 8, 4), 4);
    const parts = [x, ...branches, pooled];
    const joined = t.node(
      "joined",
      "Concat",
      parts.map(({ name }) => name),
      56,
      { axis: 1 },
    );
    const strands = await strandsOf(t.model(t.conv("score", joined, 5)), "x");
    expect(strands.toSorted((a, b) => a.length - b.length)).toEqual([
      ["pooled"],
      ["branch1", "branch2", "branch3", "branch4", "branch5", "joined"],
    ]);
  });

  test("ways that meet at no node are apart", async () => {
    const t = new TrialNetwork(heightPx, widthPx);
    const x = t.conv("x", t.image, 8, 4);
    const model = t.model(t.conv("logits", x, 5), t.conv("second", x, 5));
    expect(await strandsOf(model, "x")).toEqual([["logits"], ["second"]]);
  });
});

/** Three branches as in PIDNet: detail and boundary at stride 8, context to stride 32 that both take from. */
function threeBranches(): TrialNetwork & { readonly result: TrialMap } {
  const t = new TrialNetwork(heightPx, widthPx);
  const shared = t.block("shared", t.conv("stem", t.image, 12, 4), 16, 2);
  const context = t.block("context1", shared, 32, 2);
  const detail = t.plus(
    "detail2",
    t.block("detail1", shared),
    t.up("detail/up", t.conv("detail/from", context, 16, 1, 1), 2),
  );
  const boundary = t.block("boundary1", shared, 8);
  const deepest = t.block("context2", context, 64, 2);
  const edge = t.plus("boundary2", boundary, t.up("boundary/up", t.conv("boundary/from", deepest, 8, 1, 1), 4));
  const wide = t.up("context/up", t.conv("context/from", deepest, 16, 1, 1), 4);
  const gated = t.node("gated", "Mul", [detail.name, t.conv("gate", edge, 16, 1, 1).name], 16);
  const result = t.up("logits", t.conv("score", t.plus("fused", gated, wide), 5), 8);
  return Object.assign(t, { result });
}

describe("plans", () => {
  test("of three branches, the one that goes deep rests, whole blocks at a time", async () => {
    const t = threeBranches();
    const network = await networkOf(t.model(t.result));
    const plan = planOf(network);
    expect(plan.stages[1]?.entry).toBe("shared -> context1/1, context1/shortcut");
    expect(plan.stages[1]?.held.map(({ tensor }) => tensor)).toEqual(["detail/from", "boundary/from", "context/from"]);
  });

  test("quantised features can be watched", async () => {
    const t = new TrialNetwork(heightPx, widthPx);
    const shallow = t.conv("shallow", t.image, 8, 4);
    const scale = t.graph.float32("scale", [], [0.05]);
    const zero = t.graph.initializer("zero", { dtype: "uint8", dims: [], data: Uint8Array.of(128) });
    const bytes = t.node("bytes", "QuantizeLinear", [shallow.name, scale, zero], 8);
    const weights = new Int8Array(16 * 8 * 9).map((_, at) => ((at * 37) % 17) - 8);
    const weight = t.graph.initializer("weight", {
      dtype: "int8",
      dims: [16, 8, 3, 3],
      data: new Uint8Array(weights.buffer),
    });
    const point = t.graph.initializer("point", { dtype: "int8", dims: [], data: Uint8Array.of(0) });
    const inputs = [bytes.name, scale, zero, weight, scale, point, scale, zero];
    const coarse = t.node("coarse", "QLinearConv", inputs, 16, { strides: [2, 2], pads: [1, 1, 1, 1] });
    const deep = t.conv("deep", t.node("floats", "DequantizeLinear", [coarse.name, scale, zero], 16), 8);
    const detail = t.node("detail", "DequantizeLinear", [bytes.name, scale, zero], 8);
    const fused = t.plus("fused", t.up("up", deep, 2), detail);
    const model = t.model(t.up("logits", t.conv("score", fused, 5, 1, 1), 4));
    const network = await networkOf(model);
    const plan = planOf(network, { cuts: [parseCut("bytes -> coarse")] });
    expect(plan.stages[1]?.watch).toEqual({ kind: "features", tensor: "bytes" });

    const images = [0, 2, 2, 4].map((shift) => noiseImage([1, 3, heightPx, widthPx], shift));
    const schedule = { kind: "adaptive", threshold: 1e-6 } as const;
    const runs = await drive(compile(network, plan, { io: "tensors", schedule }), images);
    // The third image is the second once more.
    const depths = [2, 2, 1, 2];
    expect(runs.map((run) => Array.from(run["fired"]?.data ?? [], Number))).toEqual(
      depths.map((depth) => [1, depth === 2 ? 1 : 0]),
    );
    expect(differences(runs, await simulate(model, network, plan, images, depths))).toEqual([]);
  });

  test("a sequence of tensors is never held", async () => {
    const t = new TrialNetwork(heightPx, widthPx);
    const shallow = t.conv("shallow", t.image, 8, 4);
    const deep = t.block("deep", t.block("down", shallow, 32, 2), 16);
    const parts = t.node("parts", "SplitToSequence", [deep.name, t.integers("lengths", [8, 8])], 8, { axis: 1 });
    const at = t.graph.int64("at", [], [1]);
    const part = t.node("part", "SequenceAt", [parts.name, at], 8);
    const fused = t.plus("fused", t.up("up", part, 2), shallow);
    const network = await networkOf(t.model(t.up("logits", t.conv("score", fused, 5, 1, 1), 4)));
    expect(network.dtypeOf("parts")).toBeUndefined();
    const regions = candidatesAt(groundOf(network), 8).map(({ nodes }) => heldBy(network, nodes));
    expect(regions).toContainEqual(["part"]);
    expect(regions.flat()).not.toContain("parts");
  });

  test("a result deep inside is held with what else leaves the stage", async () => {
    const t = new TrialNetwork(heightPx, widthPx);
    const shallow = t.conv("shallow", t.image, 8, 4);
    const deep = t.block("deep", shallow, 32, 2);
    const side = t.conv("side", deep, 5, 1, 1);
    const fused = t.plus("fused", t.up("up", t.conv("back", deep, 8, 1, 1), 2), shallow);
    const model = t.model(t.up("logits", t.conv("score", fused, 5, 1, 1), 4), side);
    const network = await networkOf(model);
    const plan = planOf(network, { cuts: [parseCut("shallow -> deep/1, deep/shortcut")] });
    expect(plan.stages[1]?.held.map(({ tensor }) => tensor).toSorted()).toEqual(["back", "side"]);
    const images = [0, 2, 4].map((shift) => noiseImage([1, 3, heightPx, widthPx], shift));
    const schedule = { kind: "fixed", periods: [2] } as const;
    const runs = await drive(compile(network, plan, { io: "tensors", schedule }), images);
    expect(differences(runs, await simulate(model, network, plan, images, [2, 1, 2]))).toEqual([]);
  });
});
