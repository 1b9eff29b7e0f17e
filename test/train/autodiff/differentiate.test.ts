// What differentiation does around the rules: which gradients there are, how parts add up, what is refused and how names
// are kept apart.

// oxlint-disable vitest/expect-expect -- what tensors are compared by expects
import { expect, test } from "vitest";
import { ClockworkError } from "../../../src/errors.ts";
import { GraphBuilder, namesIn, nodeOf, tensorValue, type Graph } from "../../../src/onnx/index.ts";
import { differentiate } from "../../../src/train/autodiff/differentiate.ts";
import { rules } from "../../../src/train/autodiff/rules.ts";
import { stopGradient } from "../../../src/train/autodiff/stop-gradient.ts";
import {
  differencesOf,
  expectClose,
  expectDifferences,
  floats,
  gradientsOf,
  shapesIn,
  type Floats,
} from "./gradients-of.ts";

const x = floats("x", [2, 3], 0.2, 1);
const w = floats("w", [3, 3]);

test("a tensor that is used several times gets the sum of its gradients", async () => {
  await expectDifferences(
    "shared",
    { x, w },
    (b) => {
      const h = b.add("h", "MatMul", ["x", "w"]);
      const square = b.add("square", "Mul", [h, h]);
      const both = b.add("both", "Add", [square, b.add("again", "MatMul", [h, "w"])]);
      return [both, b.add("direct", "Sin", ["x"])];
    },
    { step: 1e-2 },
  );
});

test("gradient by an intermediate, and by it and its origin at once", async () => {
  const { gradients, values } = await gradientsOf(
    { x, w },
    (b) => {
      const h = b.add("h", "MatMul", ["x", "w"]);
      return b.add("y", "Mul", [b.add("e", "Exp", [h]), h]);
    },
    { by: ["h", "x"], watch: ["h"] },
  );
  const h = values["h"] as Floats;
  const expected = await differencesOf({ h }, (b) => b.add("y", "Mul", [b.add("e", "Exp", ["h"]), "h"]));
  expectClose(gradients["h"], expected["h"], 1e-3, "by the intermediate");
  const byX = await differencesOf({ x, w }, (b) => {
    const h = b.add("h", "MatMul", ["x", "w"]);
    return b.add("y", "Mul", [b.add("e", "Exp", [h]), h]);
  });
  expectClose(gradients["x"], byX["x"], 1e-3, "by its origin");
});

test("gradient by an initializer", async () => {
  const { gradients } = await gradientsOf(
    { x },
    (b) => b.add("y", "MatMul", ["x", b.float32("kernel", w.dims, w.data)]),
    { by: ["kernel"] },
  );
  const expected = await differencesOf({ x, w }, (b) => b.add("y", "MatMul", ["x", "w"]), { by: ["w"], step: 1 });
  expectClose(gradients["kernel"], expected["w"], 1e-4, "by the kernel");
});

test("what the loss does not depend on has no gradient", async () => {
  const { gradients } = await gradientsOf({ x, w, idle: floats("idle", [2]), side: floats("side", [2]) }, (b) => {
    b.add("unused", "Exp", ["side"]);
    return b.add("y", "MatMul", ["x", "w"]);
  });
  expect(Object.keys(gradients).sort()).toEqual(["w", "x"]);
});

test("nothing goes back through stopGradient", async () => {
  const stopped = await gradientsOf({ x }, (b) => b.add("y", "Mul", [stopGradient(b, "held", "x"), "x"]));
  // d (c x) / dx where c is held: x itself, not 2 x.
  const [weight] = stopped.weights;
  const expected = { dims: x.dims, data: x.data.map((value, i) => value * (weight?.data[i] ?? 0)) };
  expectClose(stopped.gradients["x"], expected, 1e-6, "half of the square's");
  const all = await gradientsOf({ x }, (b) => b.add("y", "Exp", [stopGradient(b, "held", "x")]));
  expect(all.gradients).toEqual({});
});

test("nothing goes back through step functions and shapes", async () => {
  const { gradients, weights } = await gradientsOf({ x }, (b) => {
    const steps = b.add("steps", "Floor", [b.add("triple", "Mul", ["x", b.float32("three", [], [3])])]);
    return b.add("y", "Mul", [steps, "x"]);
  });
  const [weight] = weights;
  const data = x.data.map((value, i) => Math.floor(Math.fround(value * 3)) * (weight?.data[i] ?? 0));
  expectClose(gradients["x"], { dims: x.dims, data }, 1e-6);
});

/** A graph whose tensor `y` comes from x by one node. */
function graphOf(op: string, name: string, domain = ""): Graph {
  const b = new GraphBuilder("one");
  b.input("x", "float32", [2]);
  b.append([nodeOf(op, ["x"], ["y"], {}, name, domain)]);
  b.add("loss", "ReduceSum", ["y"], { keepdims: 0 });
  return b.build();
}

const shapes = new Map([
  ["x", [2]],
  ["y", [2]],
  ["loss", []],
]);

test.each([
  ["Acosh", "layer3/strange", "", /Acosh at node "layer3\/strange"/],
  ["Strange", "own", "com.example", /com\.example\.Strange at node "own"/],
  ["Relu", "own", "com.example", /com\.example\.Relu at node "own"/],
])("operator %s without a rule is refused by name", (op, name, domain, message) => {
  const graph = graphOf(op, name, domain);
  const attempt = (): unknown => differentiate(graph, { shapes, loss: "loss", by: ["x"], opset: 17, rules });
  expect(attempt).toThrow(ClockworkError);
  expect(attempt).toThrow(message);
});

test("an operator without a rule is let be where nothing before it is learned", async () => {
  const { gradients } = await gradientsOf(
    { x: floats("acosh", [2, 3], 1.5, 2), w },
    (b) => b.add("y", "MatMul", [b.add("strange", "Acosh", ["x"]), "w"]),
    { by: ["w"] },
  );
  expect(Object.keys(gradients)).toEqual(["w"]);
});

test("operators inside If are refused", async () => {
  const then: Graph = {
    name: "then",
    nodes: [nodeOf("Sin", ["x"], ["inner/then"])],
    inputs: [],
    outputs: [tensorValue("inner/then", "float32", [2, 3])],
    initializers: new Map(),
    values: [],
  };
  const otherwise: Graph = {
    ...then,
    name: "else",
    nodes: [nodeOf("Cos", ["x"], ["inner/else"])],
    outputs: [tensorValue("inner/else", "float32", [2, 3])],
  };
  const attempt = gradientsOf({ x }, (b) => {
    const condition = b.add("condition", "Greater", [b.float32("one", [], [1]), b.float32("zero", [], [0])]);
    // x goes into the bodies alone: the node has no input of that name.
    return b.add("branch", "If", [condition], { then_branch: then, else_branch: otherwise });
  });
  await expect(attempt).rejects.toThrow(/If at node "branch"/);
});

test("a loss of more than one element is refused", () => {
  const graph = graphOf("Relu", "relu");
  const attempt = (): unknown => differentiate(graph, { shapes, loss: "y", by: ["x"], opset: 17, rules });
  expect(attempt).toThrow(ClockworkError);
  expect(attempt).toThrow(/one element.*\[2\]/);
});

test("a loss of unknown shape is refused", () => {
  const graph = graphOf("Relu", "relu");
  const some = new Map([...shapes].filter(([name]) => name !== "loss"));
  expect(() => differentiate(graph, { shapes: some, loss: "loss", by: ["x"], opset: 17, rules })).toThrow(/loss/);
});

test("a loss that no tensor goes by is refused", () => {
  const graph = graphOf("Relu", "relu");
  const attempt = (): unknown => differentiate(graph, { shapes, loss: "los", by: ["x"], opset: 17, rules });
  expect(attempt).toThrow(/"los"/);
});

test("a tensor of unknown shape is named", () => {
  const graph = graphOf("ReduceMean", "mean");
  const some = new Map([...shapes].filter(([name]) => name !== "x"));
  const attempt = (): unknown => differentiate(graph, { shapes: some, loss: "loss", by: ["x"], opset: 17, rules });
  expect(attempt).toThrow(/ReduceMean "mean".*"x"/);
});

test("a loss of shape [1] and one that is itself differentiated by", async () => {
  const b = new GraphBuilder("line");
  b.input("x", "float32", [2]);
  b.add("loss", "ReduceSum", ["x"], { keepdims: 1 });
  const graph = b.build();
  const { gradients } = differentiate(graph, {
    shapes: await shapesIn(graph, 17),
    loss: "loss",
    by: ["x", "loss"],
    opset: 17,
    rules: new Map([["ReduceSum", { backward: () => ["x"] }]]),
  });
  expect([...gradients.keys()]).toEqual(["x", "loss"]);
});

test("new names never meet names of the graph, whatever those are", async () => {
  const build = (b: GraphBuilder): string => b.add("y", "Mul", [b.add("relu", "Relu", ["x"]), "x"]);
  const first = await gradientsOf({ x }, build);
  // Every name that the first way back made stands in the graph of the second.
  const taken = [...namesIn(first.graph)].filter((name) => name.startsWith("gradient/"));
  expect(taken.length).toBeGreaterThan(3);
  const second = await gradientsOf({ x }, (b) => {
    for (const name of taken) b.add(name, "Identity", ["x"]);
    return build(b);
  });
  expect(second.gradients).toEqual(first.gradients);
});

test("differentiating what is differentiated already, for a second derivative", async () => {
  const b = new GraphBuilder("twice");
  b.input("x", "float32", [3]);
  b.add("loss", "ReduceSum", [b.add("sine", "Sin", ["x"])], { keepdims: 0 });
  const point = floats("twice", [3]);
  const graph = b.build();
  const known = new Map([...(await shapesIn(graph, 17)), ["x", [3]] as const]);
  const once = differentiate(graph, { shapes: known, loss: "loss", by: ["x"], opset: 17, rules });
  const slope = once.gradients.get("x") ?? "";
  const { gradients, weights } = await gradientsOf({ x: point }, (b) => {
    for (const [name, tensor] of once.graph.initializers) b.initializer(name, tensor);
    b.append(once.graph.nodes);
    return slope;
  });
  const data = point.data.map((value, i) => -Math.sin(value) * (weights[0]?.data[i] ?? 0));
  expectClose(gradients["x"], { dims: [3], data }, 1e-5, "-sin");
});
