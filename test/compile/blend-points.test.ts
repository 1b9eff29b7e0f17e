// Which map is mixed: scores on the straight way to the result, whatever the order of their axes.

import { describe, expect, test } from "vitest";
import { parseSchedule } from "../../src/clocks/index.ts";
import { blendPointOf } from "../../src/compile/blend-graph.ts";
import { compile } from "../../src/compile/index.ts";
import { networkOf, type Network } from "../../src/network/index.ts";
import { fcn8s, unet } from "../../src/networks/index.ts";
import { nodeOf, tensorValue, type DType, type Model, type Node } from "../../src/onnx/index.ts";
import { planOf } from "../../src/stages/index.ts";
import { localEngine } from "../support/runtime.ts";

const size = { widthPx: 64, heightPx: 64 };
const classes = 60;
const model = unet({ width: 0.125, classes });
const scores = model.graph.outputs[0]?.name ?? "";

/** The network with nodes behind its scores. */
async function ending(nodes: readonly Node[], to: string, dtype: DType, rank: number): Promise<Network> {
  const dims = Array.from({ length: rank }, (_, axis) => (axis === 0 ? 1 : `axis${axis}`));
  const ended: Model = {
    ...model,
    graph: {
      ...model.graph,
      nodes: [...model.graph.nodes, ...nodes],
      outputs: [tensorValue(to, dtype, dims)],
    },
  };
  return networkOf(ended, { size, engine: localEngine });
}

const turned = nodeOf("Transpose", [scores], ["turned"], { perm: [0, 2, 3, 1] }, "turn");

describe("as many classes as the picture has rows, nearly", () => {
  test.each<[string, readonly Node[], string, DType, number]>([
    ["scores [1,H,W,C]", [turned], "turned", "float32", 4],
    ["labels of [1,C,H,W]", [nodeOf("ArgMax", [scores], ["x"], { axis: 1 }, "a")], "x", "int64", 4],
    ["labels of axis -3", [nodeOf("ArgMax", [scores], ["x"], { axis: -3, keepdims: 0 }, "a")], "x", "int64", 3],
    ["labels of [1,H,W,C]", [turned, nodeOf("ArgMax", ["turned"], ["x"], { axis: 3 }, "a")], "x", "int64", 4],
    ["labels of [1,H,W,C], axis -1", [turned, nodeOf("ArgMax", ["turned"], ["x"], { axis: -1 }, "a")], "x", "int64", 4],
  ])("%s", async (_, nodes, to, dtype, rank) => {
    const network = await ending(nodes, to, dtype, rank);
    const point = blendPointOf(network);
    expect(point?.dims[1]).toBe(classes);
    expect(network.shapeOf(point?.tensor ?? "")).toEqual([1, classes, point?.dims[2], point?.dims[3]]);
  });
});

test("learned upsampling is behind the mixture", async () => {
  const network = await networkOf(fcn8s({ width: 0.125, classes: 6 }), { size, engine: localEngine });
  expect(blendPointOf(network)?.dims).toEqual([1, 6, 8, 8]);
});

test("a stage that fires with deeper ones between is mixed by its age, as are adaptive ones", async () => {
  const network = await networkOf(fcn8s({ width: 0.125, classes: 6 }), { size, engine: localEngine });
  const counts = (clock: string): boolean =>
    compile(network, planOf(network), {
      io: "tensors",
      schedule: parseSchedule(clock),
    }).protocol.state.some(({ input }) => input.endsWith("stage1/age"));
  expect(["fixed:3,6+flow", "fixed:3,10+flow", "fixed:5,7+flow", "fixed:2+flow"].map(counts)).toEqual([
    false,
    true,
    true,
    false,
  ]);
});
