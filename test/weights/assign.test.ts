// Weights put into networks: by name, in the same words, by order and by maps; what does not fit and what is left over.

import { describe, expect, test } from "vitest";
import {
  float32Tensor,
  GraphBuilder,
  modelOf,
  numbersOf,
  ofBytes,
  type Model,
  type Tensor,
} from "../../src/onnx/index.ts";
import { assignWeights, parseNameMap, type AssignOptions, type Weights } from "../../src/weights/index.ts";
import { failureOf } from "./fixture.ts";

/** A network of every kind of layer that has weights, all of which are zero. */
function network(): Model {
  const b = new GraphBuilder("net");
  const zeros = (name: string, ...dims: readonly number[]): string =>
    b.float32(name, dims, new Array(dims.reduce((product, dim) => product * dim, 1)).fill(0));
  const x = b.input("x", "float32", [1, 3, 8, 8]);
  let y = b.add("a/conv", "Conv", [x, zeros("a/conv.weight", 4, 3, 1, 1), zeros("a/conv.bias", 4)]);
  const bn = ["scale", "shift", "mean", "var"].map((part) => zeros(`a/bn.${part}`, 4));
  y = b.add("a/bn", "BatchNormalization", [y, ...bn]);
  y = b.add("a/prelu", "PRelu", [y, zeros("a/prelu.slope", 4, 1, 1)]);
  y = b.add("sized", "Resize", [y, "", b.float32("scales", [4], [1, 1, 2, 2])], { mode: "nearest" });
  y = b.add("scaled", "Mul", [y, b.float32("half", [], [0.5])]);
  y = b.add("rows", "Transpose", [y], { perm: [0, 2, 3, 1] });
  y = b.add("fc/matmul", "MatMul", [y, zeros("fc.weight", 4, 2)]);
  b.output(b.add("fc", "Add", [y, zeros("fc.bias", 2)]), "float32", [1, 16, 16, 2]);
  return modelOf(b.build());
}

/** The weights of such a network as PyTorch would save them, with numbers that tell them apart. */
function checkpoint(): Map<string, Tensor> {
  let next = 0;
  const some = (...dims: readonly number[]): Tensor =>
    float32Tensor(
      dims,
      Array.from({ length: dims.reduce((product, dim) => product * dim, 1) }, () => ++next),
    );
  return new Map([
    ["a.conv.weight", some(4, 3, 1, 1)],
    ["a.conv.bias", some(4)],
    ["a.bn.weight", some(4)],
    ["a.bn.bias", some(4)],
    ["a.bn.running_mean", some(4)],
    ["a.bn.running_var", some(4)],
    ["a.bn.num_batches_tracked", ofBytes("int64", [], BigInt64Array.of(7n))],
    ["a.prelu.weight", some(4)],
    ["fc.weight", some(2, 4)],
    ["fc.bias", some(2)],
  ]);
}

const turn = { map: { rules: [{ from: "fc.weight", to: "fc.weight", transpose: [1, 0] }] } };
const valuesIn = (model: Model, name: string): readonly number[] | undefined => {
  const tensor = model.graph.initializers.get(name);
  return tensor && numbersOf(tensor);
};
const failure = (weights: Weights, options: AssignOptions = {}): string =>
  failureOf(() => assignWeights(network(), weights, options));
/** The checkpoint with a tensor under another name, or another tensor. */
const changed = (name: string, ...entries: readonly (readonly [string, Tensor])[]): Map<string, Tensor> =>
  new Map([...checkpoint()].flatMap((entry) => (entry[0] === name ? entries : [entry])));

test("names in the same words; counters of training are of no account", () => {
  const { model, assigned, unused, missing } = assignWeights(network(), checkpoint(), turn);
  expect([unused, missing]).toEqual([[], []]);
  expect(assigned.map(({ to, from, by }) => `${to} < ${from} (${by})`).sort()).toEqual([
    "a/bn.mean < a.bn.running_mean (words)",
    "a/bn.scale < a.bn.weight (words)",
    "a/bn.shift < a.bn.bias (words)",
    "a/bn.var < a.bn.running_var (words)",
    "a/conv.bias < a.conv.bias (words)",
    "a/conv.weight < a.conv.weight (words)",
    "a/prelu.slope < a.prelu.weight (words)",
    "fc.bias < fc.bias (name)",
    "fc.weight < fc.weight (name)",
  ]);
  expect(valuesIn(model, "a/bn.mean")).toEqual([25, 26, 27, 28]);
  expect(valuesIn(model, "a/prelu.slope")).toEqual([33, 34, 35, 36]);
  expect(model.graph.initializers.get("a/prelu.slope")?.dims).toEqual([4, 1, 1]);
  expect(valuesIn(model, "fc.weight")).toEqual([37, 41, 38, 42, 39, 43, 40, 44]);
  // Settings stay, and so does everything that is no constant.
  expect(valuesIn(model, "scales")).toEqual([1, 1, 2, 2]);
  expect(model.graph.nodes).toEqual(network().graph.nodes);
  expect([...model.graph.initializers.keys()]).toEqual([...network().graph.initializers.keys()]);
});

test("two names that are one in the same words match nothing", () => {
  const twice = changed(
    "a.conv.bias",
    ["a.conv.bias", float32Tensor([4], [1, 2, 3, 4])],
    ["a/conv:bias", float32Tensor([4], [5, 6, 7, 8])],
  );
  expect(failure(twice, turn)).toMatch(/missing: a\/conv\.bias; not used: a\.conv\.bias, a\/conv:bias/);
});

describe("by order", () => {
  const renamed = (weights: Weights): Weights =>
    new Map([...weights].map(([name, tensor], index) => [`m.${index}.${name.split(".").at(-1)}`, tensor]));
  const fitting = (): Map<string, Tensor> =>
    changed("fc.weight", ["fc.weight", float32Tensor([4, 2], [1, 2, 3, 4, 5, 6, 7, 8])]);

  test("where both go on alike to the end, and only when asked for", () => {
    const weights = renamed(fitting());
    expect(failure(weights)).toMatch(/got none that has a place/);
    const { model, assigned, unused } = assignWeights(network(), weights, { match: "order" });
    expect(assigned.every(({ by }) => by === "order")).toBe(true);
    expect(unused).toEqual([]);
    expect(valuesIn(model, "a/bn.var")).toEqual([29, 30, 31, 32]);
    expect(valuesIn(model, "fc.weight")).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  });

  test("not where a shape, a role or the number differs", () => {
    expect(failure(renamed(checkpoint()), { match: "order" })).toMatch(
      /fc\.weight|m\.8\.weight float32 \[2,4\] for fc\.weight float32 \[4,2\] at 8 of 9 and 9/,
    );
    const entries = [...fitting()];
    const swapped = entries.map((entry, index) => entries[index === 4 ? 5 : index === 5 ? 4 : index] ?? entry);
    expect(failure(renamed(new Map(swapped)), { match: "order" })).toMatch(
      /running_var .* for a\/bn\.mean .* at 5 of 9/,
    );
    expect(failure(renamed(new Map(entries.slice(0, -1))), { match: "order" })).toMatch(/got nothing for fc\.bias/);
    expect(failure(renamed(new Map([...entries, ["x.y", float32Tensor([1], [0])]])), { match: "order" })).toMatch(
      /m\.10\.y .* for nothing at 10 of 10 and 9/,
    );
  });
});

describe("what does not fit", () => {
  test("another shape: both tensors are named", () => {
    const wide = changed("a.conv.weight", ["a.conv.weight", float32Tensor([4, 3, 1, 3], new Array(36).fill(0))]);
    expect(failure(wide, turn)).toMatch(
      /^a\/conv\.weight float32 \[4,3,1,1\] from a\.conv\.weight float32 \[4,3,1,3\]: .*name map/,
    );
    expect(failure(checkpoint())).toMatch(/^fc\.weight float32 \[4,2\] from fc\.weight float32 \[2,4\]: .*transpose/);
    // As many elements in another order are no fit, even where nothing but axes of one are between them.
    const turned = changed("a.conv.weight", ["a.conv.weight", float32Tensor([3, 4, 1, 1], new Array(12).fill(0))]);
    expect(failure(turned, turn)).toMatch(/expected one shape/);
  });

  test("another kind of elements", () => {
    const integers = changed("a.conv.bias", ["a.conv.bias", ofBytes("int32", [4], new Int32Array(4))]);
    expect(failure(integers, turn)).toMatch(
      /a\/conv\.bias float32 \[4\] from .*: expected elements of type float32, got int32/,
    );
  });

  test("a square matrix that was renamed or matched by words, unless a rule says how it lies", () => {
    const b = new GraphBuilder("net");
    const x = b.input("x", "float32", [1, 2]);
    const w = b.float32("part/fc.weight", [2, 2], [0, 0, 0, 0]);
    b.output(b.add("y", "MatMul", [x, w]), "float32", [1, 2]);
    const model = modelOf(b.build());
    const weights = new Map([["part.fc.weight", float32Tensor([2, 2], [1, 2, 3, 4])]]);
    const rule = { from: "part.fc.weight", to: "part/fc.weight" };
    const result = (options: AssignOptions): readonly number[] | undefined =>
      valuesIn(assignWeights(model, weights, options).model, "part/fc.weight");
    expect(failureOf(() => result({}))).toMatch(/which axis of a square matrix .* transpose \[1,0\], or \[0,1\]/);
    expect(failureOf(() => result({ map: { rules: [rule] } }))).toMatch(/square matrix/);
    expect(result({ map: { rules: [{ ...rule, transpose: [1, 0] }] } })).toEqual([1, 3, 2, 4]);
    expect(result({ map: { rules: [{ ...rule, transpose: [0, 1] }] } })).toEqual([1, 2, 3, 4]);
    // A file with the network's own names is of the network.
    const own = new Map([["part/fc.weight", float32Tensor([2, 2], [1, 2, 3, 4])]]);
    expect(valuesIn(assignWeights(model, own).model, "part/fc.weight")).toEqual([1, 2, 3, 4]);
  });
});

test("what is left over on either side is said, and missing weights are an error unless they may be", () => {
  const other = changed("a.conv.bias", ["head.bias", float32Tensor([4], [1, 2, 3, 4])]);
  expect(failure(other, turn)).toMatch(
    /^weights: expected all 9 weights of the network, got 8; missing: a\/conv\.bias; not used: head\.bias; try/,
  );
  const { model, unused, missing } = assignWeights(network(), other, { ...turn, partial: true });
  expect([unused, missing]).toEqual([["head.bias"], ["a/conv.bias"]]);
  expect(valuesIn(model, "a/conv.bias")).toEqual([0, 0, 0, 0]);
  expect(failure(new Map([["x", float32Tensor([1], [0])]]), { partial: true })).toMatch(/got none that has a place/);
});

test("elements become the type that the network has", () => {
  const half = changed("a.conv.bias", [
    "a.conv.bias",
    ofBytes("float16", [4], Uint16Array.of(0x3c00, 0xc000, 1, 0x7c00)),
  ]);
  half.set("fc.bias", ofBytes("float64", [2], Float64Array.of(0.1, -2)));
  half.set("a.bn.bias", ofBytes("bfloat16", [4], Uint16Array.of(0x3f80, 0xbf00, 0, 0x4049)));
  const { model } = assignWeights(network(), half, turn);
  expect(valuesIn(model, "a/conv.bias")).toEqual([1, -2, 2 ** -24, Infinity]);
  expect(valuesIn(model, "fc.bias")).toEqual([Math.fround(0.1), -2]);
  expect(valuesIn(model, "a/bn.shift")).toEqual([1, -0.5, 0, 3.140625]);
});

describe("name maps", () => {
  test("a prefix, whole names, expressions with groups, tensors left out, and one rule after the other", () => {
    const prefixed = new Map(
      [...checkpoint()].map(([name, tensor]) => [`model.${name.replace("a.", "x.0.")}`, tensor]),
    );
    prefixed.set("model.loss.weight", float32Tensor([1], [1]));
    const map = parseNameMap({
      strip: "model.",
      rules: [
        { from: "/^x\\.(\\d)\\./", to: "y$1." },
        { from: "/^y0\\./", to: "a/" },
        { from: "loss.weight", to: null },
        { from: "/(fc)\\.weight/", to: "$1/flat", reshape: [-1] },
        { from: "fc/flat", to: "fc.weight", reshape: [2, 4] },
        { from: "fc.weight", to: "fc.weight", transpose: [1, 0] },
      ],
    });
    const { model, unused } = assignWeights(network(), prefixed, { map });
    expect(unused).toEqual([]);
    expect(model.graph.initializers).toEqual(assignWeights(network(), checkpoint(), turn).model.graph.initializers);
  });

  test("a whole name is no expression", () => {
    const map = parseNameMap({ rules: [{ from: "a.conv.bias", to: null }] });
    const weights = new Map([...checkpoint(), ["a-conv.bias", float32Tensor([4], [1, 2, 3, 4])]]);
    const { unused, missing } = assignWeights(network(), weights, {
      map: { rules: [...map.rules, ...turn.map.rules] },
      partial: true,
    });
    expect([unused, missing]).toEqual([["a-conv.bias"], ["a/conv.bias"]]);
  });

  test.each<readonly [string, unknown, RegExp]>([
    ["no object", [], /^m\.json: expected a JSON object, got \[\]/],
    ["no rules", {}, /rules: expected a list, got nothing/],
    ["an unknown key", { rules: [], prefix: "x" }, /expected the keys strip, folds, rules, got "prefix"/],
    ["an unknown key in a rule", { rules: [{ from: "a", to: "b", scale: 2 }] }, /rules\[0\].*got "scale"/],
    ["no name", { rules: [{ from: 1, to: "b" }] }, /rules\[0\]\.from: expected text, got 1/],
    ["nowhere to go", { rules: [{ from: "a" }] }, /rules\[0\]\.to: expected text or null, got nothing/],
    ["a broken expression", { rules: [{ from: "/(/", to: "b" }] }, /rules\[0\]\.from: expected a regular expression/],
    [
      "a fraction of an axis",
      { rules: [{ from: "a", to: "b", transpose: [0.5] }] },
      /transpose: expected whole numbers/,
    ],
    ["two open axes", { rules: [{ from: "a", to: "b", reshape: [-1, -1] }] }, /at most one -1/],
    ["a fold without an epsilon", { rules: [], folds: [{ conv: "a", bn: "b" }] }, /folds\[0\]\.epsilon/],
  ])("%s", (_name, json, message) => {
    expect(failureOf(() => parseNameMap(json, "m.json"))).toMatch(message);
  });

  test.each<readonly [string, unknown, RegExp]>([
    [
      "axes that are not there",
      { rules: [{ from: "fc.weight", to: "fc.weight", transpose: [0, 2] }] },
      /fc\.weight: transpose/,
    ],
    [
      "another number of elements",
      { rules: [{ from: "fc.weight", to: "fc.weight", reshape: [3, -1] }] },
      /shape of 8 elements/,
    ],
    ["one name for two", { rules: [{ from: "/^fc\\..*/", to: "x" }] }, /got fc\.weight and fc\.bias as x/],
    ["a fold of nothing", { rules: [], folds: [{ conv: "zz", bn: "b", epsilon: 0 }] }, /a layer zz with weights/],
    [
      "a fold without statistics",
      { rules: [], folds: [{ conv: "a.conv", bn: "b", epsilon: 0 }] },
      /4 numbers as b\.running_mean/,
    ],
  ])("%s", (_name, json, message) => {
    expect(failure(checkpoint(), { map: parseNameMap(json) })).toMatch(message);
  });
});
