// Order, reach and edges of graphs against brute force on random graphs, and graphs that are none.

import { describe, expect, test } from "vitest";
import { Random } from "../../src/networks/random.ts";
import {
  capturesOf,
  GraphBuilder,
  GraphIndex,
  modelOf,
  namesIn,
  nodeOf,
  readModel,
  tensorsReadBy,
  tensorValue,
  topologicalOrder,
  writeModel,
  type Graph,
  type Node,
} from "../../src/onnx/index.ts";

function graphOf(nodes: readonly Node[], inputs: readonly string[] = ["x"], constants: readonly string[] = []): Graph {
  const b = new GraphBuilder("g");
  for (const name of inputs) b.input(name, "float32", undefined);
  for (const name of constants) b.float32(name, [], [1]);
  return { ...b.build(), nodes };
}

/** A random graph without cycles: node i makes `t<i>`, and some a second tensor, from what was there before. */
function randomNodes(random: Random, count: number): Node[] {
  const made = ["x", "w", ""];
  const nodes: Node[] = [];
  for (let i = 0; i < count; i++) {
    const inputs = Array.from({ length: 1 + Math.floor(random.next() * 3) }, () => {
      // Mostly near ones, so that paths get long.
      const back = Math.floor(random.next() ** 3 * made.length);
      return made[made.length - 1 - back] ?? "x";
    });
    const outputs = random.next() < 0.2 ? [`t${i}`, "", `u${i}`] : [`t${i}`];
    nodes.push(nodeOf("Op", inputs, outputs));
    made.push(...outputs.filter((name) => name !== ""));
  }
  return nodes;
}

function shuffled<T>(random: Random, list: readonly T[]): T[] {
  return list
    .map((item) => ({ item, key: random.next() }))
    .sort((a, b) => a.key - b.key)
    .map(({ item }) => item);
}

/** Whether every tensor is made before it is read. */
function isOrdered(nodes: readonly Node[], given: readonly string[]): boolean {
  const made = new Set([...given, ""]);
  return nodes.every((node) => {
    const ready = node.inputs.every((name) => made.has(name));
    for (const name of node.outputs) made.add(name);
    return ready;
  });
}

describe("random graphs", () => {
  const rounds = Array.from({ length: 25 }, (_, round) => round);

  test.each(rounds)("round %i: any order of the nodes is brought into one that runs", (round) => {
    const random = new Random(round, "graph");
    const nodes = randomNodes(random, 60);
    expect(topologicalOrder(graphOf(nodes, ["x"], ["w"]))).toEqual(nodes);
    const mixed = shuffled(random, nodes);
    expect(isOrdered(mixed, ["x", "w"])).toBe(false);
    const order = topologicalOrder(graphOf(mixed, ["x"], ["w"]));
    expect(isOrdered(order, ["x", "w"])).toBe(true);
    expect(new Set(order)).toEqual(new Set(nodes));
    expect(order).toHaveLength(nodes.length);
  });

  test.each(rounds)("round %i: makers, readers and reach are those of following every path", (round) => {
    const random = new Random(round, "reach");
    const index = new GraphIndex(graphOf(shuffled(random, randomNodes(random, 40)), ["x"], ["w"]));
    const { nodes } = index;
    const tensors = ["x", "w", ...nodes.flatMap((node) => node.outputs.filter((name) => name !== ""))];
    for (const tensor of tensors) {
      const maker = nodes.findIndex((node) => node.outputs.includes(tensor));
      expect(index.producerOf(tensor)).toBe(maker === -1 ? undefined : maker);
      expect(index.consumersOf(tensor)).toEqual(nodes.flatMap((node, i) => (node.inputs.includes(tensor) ? [i] : [])));
    }
    for (let question = 0; question < 10; question++) {
      const sources = shuffled(random, tensors).slice(0, 1 + Math.floor(random.next() * 2));
      const walls = new Set(
        nodes.map((_, i) => i).flatMap((i) => tensors.filter(() => random.next() < 0.1).map((t) => `${t}>${i}`)),
      );
      const passes = (tensor: string, consumer: number): boolean => !walls.has(`${tensor}>${consumer}`);
      const expected = new Uint8Array(nodes.length);
      const follow = (tensor: string): void => {
        for (const [i, node] of nodes.entries()) {
          if (expected[i] === 1 || !node.inputs.includes(tensor) || !passes(tensor, i)) continue;
          expected[i] = 1;
          node.outputs.filter((name) => name !== "").forEach(follow);
        }
      };
      sources.forEach(follow);
      expect(index.reach(sources, passes)).toEqual(expected);
    }
  });

  test("a chain of 50,000 nodes does not exhaust the stack, in the worst order", () => {
    const nodes = Array.from({ length: 50_000 }, (_, i) => nodeOf("Op", [i === 0 ? "x" : `t${i - 1}`], [`t${i}`]));
    const index = new GraphIndex(graphOf([...nodes].reverse()));
    expect(index.nodes[49_999]).toBe(nodes[49_999]);
    expect(index.reach(["t25000"]).reduce((sum, flag) => sum + flag, 0)).toBe(24_999);
  });
});

describe("bodies", () => {
  /** `If` in `If`: the inner branch reads `deep` and `x` from outside, and what its own sparse constant and nodes make. */
  function nested(): Node {
    const inner: Graph = {
      name: "inner",
      nodes: [nodeOf("Op", ["own", "deep", "sparse", "weight"], ["inner/y"]), nodeOf("Op", ["x"], ["own"])],
      inputs: [],
      outputs: [tensorValue("inner/y", "float32", undefined)],
      initializers: new Map(),
      values: [],
    };
    const b = new GraphBuilder("inner");
    b.float32("weight", [1], [1]);
    const proto = readModel(writeModel(modelOf({ ...b.build(), nodes: inner.nodes })).bytes).graph;
    const sparse = [{ $typeName: "clockwork.onnx.SparseTensorProto" as const, values: { name: "sparse" }, dims: [1n] }];
    const body: Graph = {
      ...inner,
      initializers: proto.initializers,
      sparseInitializers: sparse as unknown as NonNullable<Graph["sparseInitializers"]>,
    };
    const outer: Graph = {
      ...inner,
      nodes: [nodeOf("If", ["flag"], ["outer/y"], { then_branch: body })],
      outputs: [tensorValue("outer/y", "float32", undefined), tensorValue("passed", "float32", undefined)],
    };
    return nodeOf("If", ["condition"], ["y", "z"], {
      then_branch: outer,
      else_branch: { ...outer, nodes: [], outputs: [tensorValue("other", "float32", undefined)] },
    });
  }

  test("a node reads what its bodies take from around them, outputs that are passed through included", () => {
    const node = nested();
    expect([...tensorsReadBy(node)].sort()).toEqual(["condition", "deep", "flag", "other", "passed", "x"]);
    const graph = graphOf(
      [nodeOf("Op", ["y"], ["last"]), node, nodeOf("Op", ["x"], ["deep"])],
      ["x", "condition", "flag", "passed", "other"],
    );
    const index = new GraphIndex(graph);
    expect(index.nodes.map(({ outputs }) => outputs[0])).toEqual(["deep", "y", "last"]);
    expect([...index.reach(["deep"])]).toEqual([0, 1, 1]);
    expect([...namesIn(graph)]).toEqual(
      expect.arrayContaining(["own", "sparse", "weight", "inner/y", "outer/y", "x", "last"]),
    );
  });

  test("names that a loop gives itself are not taken from outside", () => {
    const body = graphOf([nodeOf("Op", ["i", "carried", "outside"], ["next"])], ["i", "going", "carried"]);
    expect([
      ...capturesOf({ ...body, outputs: ["going", "next"].map((name) => tensorValue(name, "float32", undefined)) }),
    ]).toEqual(["outside"]);
  });
});

test.each([
  [
    "a cycle",
    [nodeOf("A", ["x", "c"], ["a"]), nodeOf("B", ["a"], ["b"]), nodeOf("C", ["b"], ["c"])],
    /no cycles, got one through tensor "[abc]"/,
  ],
  ["a node that reads itself", [nodeOf("A", ["a"], ["a"])], /no cycles, got one through tensor "a"/],
  [
    "two makers",
    [nodeOf("A", ["x"], ["a"], {}, "first"), nodeOf("B", ["x"], ["a"], {}, "second")],
    /one origin of tensor "a", got node "second" and node "first"/,
  ],
  ["one maker twice", [nodeOf("A", ["x"], ["a", "a"])], /one origin of tensor "a"/],
  [
    "a maker of an input",
    [nodeOf("A", [], ["x"])],
    /one origin of tensor "x", got node "x" and an input or initializer/,
  ],
  ["a maker of a constant", [nodeOf("A", ["x"], ["w"])], /one origin of tensor "w"/],
  [
    "a tensor from nowhere",
    [nodeOf("A", ["x", "lost"], ["a"], {}, "n")],
    /node "n" \(A\): expected tensor "lost" to be produced/,
  ],
])("a graph with %s is refused", (_name, nodes, message) => {
  const make = (): GraphIndex => new GraphIndex(graphOf(nodes, ["x"], ["w"]));
  expect(make).toThrow(message);
  expect(make).toThrow(expect.objectContaining({ name: "ClockworkError", code: "invalid-model" }));
});
