// That a resting stage costs nothing: by the engine's own record of which nodes it ran, the nodes of a stage run as often
// as the stage fires. And that a compiled file needs no operators but the standard's.

import { describe, expect, test } from "vitest";
import { parseSchedule } from "../../src/clocks/index.ts";
import { compile, type Compiled } from "../../src/compile/compile.ts";
import type { EngineTensor, NodeTiming, OpenOptions } from "../../src/engine/engine.ts";
import { nodeEngine } from "../../src/engine/node/engine.ts";
import { zeros } from "../../src/engine/ort-session.ts";
import { fitNetwork, type Network } from "../../src/network/index.ts";
import { networks, type NetworkName } from "../../src/networks/index.ts";
import { nodeLabel, readModel, subgraphsOf, writeModel, type Node } from "../../src/onnx/index.ts";
import { planOf, type Plan } from "../../src/stages/plan.ts";
import { localEngine } from "../support/runtime.ts";
import { noiseImage } from "../support/noise.ts";

const size = { widthPx: 96, heightPx: 64 };
const frames = 7;

async function planned(name: NetworkName, stages: number): Promise<{ network: Network; plan: Plan }> {
  const network = await fitNetwork(networks[name].build(), { size, engine: localEngine });
  const plan = planOf(network, { stages });
  expect(plan.stages).toHaveLength(stages);
  return { network, plan };
}

/** What the engine recorded over the frames, and how often each stage said that it fired. */
async function recorded(
  { model, protocol }: Compiled,
  options: OpenOptions,
): Promise<{ timings: readonly NodeTiming[]; firings: readonly number[] }> {
  await using session = await nodeEngine.open(writeModel(model).bytes, {
    ...options,
    state: protocol.state,
    profile: true,
  });
  const firings = new Array<number>(protocol.stages.length).fill(0);
  for (let frame = 0; frame < frames; frame++) {
    const reset: EngineTensor = { dtype: "bool", dims: [1], data: Uint8Array.of(frame === 0 ? 1 : 0) };
    const image = noiseImage(protocol.inputs.image.shape, 6 * frame);
    const { outputs } = await session.run({ [protocol.inputs.image.name]: image, [protocol.inputs.reset.name]: reset });
    for (const [stage, flag] of Array.from(outputs["fired"]?.data ?? [], Number).entries()) {
      firings[stage] = (firings[stage] ?? 0) + flag;
    }
  }
  return { timings: await session.profile(), firings };
}

/** The deepest stage that has a node. */
function stageOf(plan: Plan, position: number): number {
  return plan.stages.reduce((deepest, { index, nodes }) => (nodes[position] === 1 ? index : deepest), 0);
}

describe.each([
  ["fcn8s", 3, "fixed:1,2,4", [7, 4, 2]],
  ["fcn8s", 3, "fixed:2,4,6", [4, 3, 2]],
  ["fcn8s", 2, "skip:3", [3, 3]],
  ["espnet", 2, "fixed:3", [7, 3]],
  ["ddrnet", 2, "fixed:2", [7, 4]],
] as const)("%s in %i stages, %s", (name, stages, text, expected) => {
  test(`stages fire ${expected.join(", ")} times and their nodes run as often`, async () => {
    const { network, plan } = await planned(name, stages);
    const compiled = compile(network, plan, { io: "tensors", schedule: parseSchedule(text) });
    const { timings, firings } = await recorded(compiled, { optimize: "none" });
    // `fixed:2,4,6`: frames 0, 2, 4, 6 for the first; 0, 4 and, with the third, 6 for the second; 0, 6 for the third.
    expect(firings).toEqual(expected);
    const runs = new Map(timings.map((timing) => [timing.node, timing.runs]));
    const wrong = network.index.nodes
      .map((node, position) => ({ label: nodeLabel(node), stage: stageOf(plan, position) }))
      .filter(({ stage }) => stage > 0)
      .filter(({ label, stage }) => runs.get(label) !== expected[stage - 1])
      .map(({ label, stage }) => `${label} of stage ${stage}: ${runs.get(label) ?? 0} runs`);
    expect(wrong).toEqual([]);
  });
});

test("the engine's optimisations do not bring a resting stage back", async () => {
  const { network, plan } = await planned("espnet", 2);
  const compiled = compile(network, plan, { io: "tensors", schedule: parseSchedule("fixed:7") });
  const { timings } = await recorded(compiled, { optimize: "all" });
  const convolutions = timings.filter(({ op }) => op.includes("Conv") && !op.includes("Transpose"));
  const isDeep = ({ node }: NodeTiming): boolean => node.startsWith("level3");
  const byRuns = (deep: boolean): readonly number[] =>
    [...new Set(convolutions.filter((timing) => isDeep(timing) === deep).map(({ runs }) => runs))].toSorted(
      (a, b) => a - b,
    );
  expect(byRuns(true)).toEqual([1]);
  expect(byRuns(false)).toEqual([frames]);
});

test.each(["fcn8s", "ddrnet", "segformer"] as const)("a compiled %s has standard operators only", async (name) => {
  const { network, plan } = await planned(name, 2);
  const schedules = ["every", "skip:2", "fixed:2", "fixed:2,4", "adaptive:0.1"];
  for (const text of schedules) {
    const { bytes } = writeModel(compile(network, plan, { io: "tensors", schedule: parseSchedule(text) }).model);
    const model = readModel(bytes);
    expect([...model.opsets.keys()]).toEqual([""]);
    const nodes = allNodes(model.graph.nodes);
    expect(nodes.length).toBeGreaterThanOrEqual(network.index.nodes.length);
    expect(new Set(nodes.map(({ domain }) => domain))).toEqual(new Set([""]));
    // `every` is the source itself, without branches.
    expect(nodes.some(({ op }) => op === "If")).toBe(text !== "every");
  }
});

test("memory starts as zeros of the stated types and shapes", async () => {
  const { network, plan } = await planned("fcn8s", 3);
  const { protocol, model } = compile(network, plan, { io: "tensors", schedule: parseSchedule("fixed:2,4,8") });
  const inputs = new Map(model.graph.inputs.map((input) => [input.name, input.type]));
  expect(protocol.state.length).toBeGreaterThan(3);
  for (const { input, dtype, dims } of protocol.state) {
    expect(inputs.get(input)).toEqual({ kind: "tensor", dtype, shape: dims });
    expect(zeros(dtype, dims)).toHaveLength(dims.reduce((product, dim) => product * dim, 1));
  }
});

/** Nodes of a graph and of all bodies in it. */
function allNodes(nodes: readonly Node[]): readonly Node[] {
  return nodes.flatMap((node) => [node, ...subgraphsOf(node).flatMap((body) => allNodes(body.nodes))]);
}
