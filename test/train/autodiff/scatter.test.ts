// Picking and putting by index, running sums, sums of products under letters: gradients against measured slopes.

import { describe, expect, test } from "vitest";
import { Random } from "../../../src/networks/random.ts";
import { elementCount, type GraphBuilder } from "../../../src/onnx/index.ts";
import { einsum } from "../../../src/train/autodiff/rules/einsum.ts";
import {
  cumSum,
  gatherElements,
  gatherNd,
  scatterElements,
  scatterNd,
  topK,
} from "../../../src/train/autodiff/rules/scatter.ts";
import { faultsOf, randomGiven, type Check } from "./smooth.ts";

const rules = {
  GatherElements: gatherElements,
  GatherND: gatherNd,
  ScatterElements: scatterElements,
  ScatterND: scatterNd,
  CumSum: cumSum,
  Einsum: einsum,
  TopK: topK,
};

/** Faults of a graph with the rules of this file. */
async function faults(by: Check["by"], build: Check["build"]): Promise<readonly string[]> {
  return await faultsOf({ build, by, rules });
}

/** Indices from -length to length - 1, with many that are equal. */
function indicesOf(seed: number, dims: readonly number[], length: number): readonly number[] {
  const random = new Random(seed, "indices");
  return Array.from({ length: elementCount(dims) }, () => Math.floor(2 * length * random.next()) - length);
}

describe("GatherElements", () => {
  test.each([
    { dims: [3, 4], places: [7, 4], axis: 0 },
    { dims: [3, 4], places: [2, 9], axis: 1 },
    { dims: [2, 3, 2], places: [2, 5, 2], axis: -2 },
  ])("$dims at $places along axis $axis", async ({ dims, places, axis }) => {
    expect(
      await faults({ x: randomGiven(1, dims) }, (b) => {
        const indices = b.int64("indices", places, indicesOf(2, places, dims.at(axis) ?? 1));
        return b.add("y", "GatherElements", ["x", indices], { axis });
      }),
    ).toEqual([]);
  });
});

describe("GatherND", () => {
  test.each([
    { dims: [3, 4], places: [6, 2] },
    { dims: [3, 4, 2], places: [2, 5, 1] },
    { dims: [3, 3, 2], places: [2, 3, 2] },
  ])("$dims at $places", async ({ dims, places }) => {
    expect(
      await faults({ x: randomGiven(3, dims) }, (b) =>
        b.add("y", "GatherND", ["x", b.int64("indices", places, indicesOf(4, places, 3))]),
      ),
    ).toEqual([]);
  });

  test("many of one place", async () => {
    const count = 200;
    expect(
      await faults({ x: randomGiven(3, [2, 3]) }, (b) => {
        const indices = b.int64("indices", [count, 1], new Array<number>(count).fill(1));
        return b.add("y", "GatherND", ["x", indices]);
      }),
    ).toEqual([]);
  });

  test("batches are refused", async () => {
    const looked = faults({ x: randomGiven(3, [2, 3]) }, (b) =>
      b.add("y", "GatherND", ["x", b.int64("indices", [2, 1], [0, 2])], { batch_dims: 1 }),
    );
    await expect(looked).rejects.toThrow(/GatherND.*batch_dims 0, got 1/u);
  });
});

describe("ScatterElements", () => {
  const put = (
    b: GraphBuilder,
    dims: readonly number[],
    indices: readonly number[],
    axis: number,
    add: boolean,
  ): string =>
    b.add(
      "y",
      "ScatterElements",
      ["x", b.int64("indices", dims, indices), "updates"],
      add ? { axis, reduction: "add" } : { axis },
    );

  test("adding, to some places more than once", async () => {
    const by = { x: randomGiven(5, [3, 4]), updates: randomGiven(6, [5, 4]) };
    expect(await faults(by, (b) => put(b, [5, 4], indicesOf(7, [5, 4], 3), 0, true))).toEqual([]);
  });

  test("in place of what was there", async () => {
    const by = { x: randomGiven(5, [2, 5]), updates: randomGiven(6, [2, 3]) };
    expect(await faults(by, (b) => put(b, [2, 3], [4, 0, -3, 1, -1, 2], 1, false))).toEqual([]);
  });

  test("other reductions are refused", async () => {
    const by = { x: randomGiven(5, [2, 5]), updates: randomGiven(6, [2, 1]) };
    const looked = faults(by, (b) =>
      b.add("y", "ScatterElements", ["x", b.int64("i", [2, 1], [0, 1]), "updates"], { axis: 1, reduction: "mul" }),
    );
    await expect(looked).rejects.toThrow(/ScatterElements.*none or add, got mul/u);
  });
});

describe("ScatterND", () => {
  test.each([{ reduction: "none" }, { reduction: "add" }])("slices, $reduction", async ({ reduction }) => {
    const by = { x: randomGiven(8, [4, 3]), updates: randomGiven(9, [2, 3]) };
    expect(
      await faults(by, (b) =>
        b.add("y", "ScatterND", ["x", b.int64("indices", [2, 1], [-1, 1]), "updates"], { reduction }),
      ),
    ).toEqual([]);
  });

  test("elements", async () => {
    const by = { x: randomGiven(8, [2, 3]), updates: randomGiven(9, [3]) };
    expect(
      await faults(by, (b) =>
        b.add("y", "ScatterND", ["x", b.int64("indices", [3, 2], [0, 0, 1, 2, 0, 1]), "updates"]),
      ),
    ).toEqual([]);
  });
});

describe("CumSum", () => {
  test.each([0, 1].flatMap((exclusive) => [0, 1].map((reverse) => ({ exclusive, reverse }))))(
    "exclusive $exclusive, reverse $reverse",
    async ({ exclusive, reverse }) => {
      expect(
        await faults({ x: randomGiven(10, [2, 5, 2]) }, (b) =>
          b.add("y", "CumSum", ["x", b.int64("axis", [], [-2])], { exclusive, reverse }),
        ),
      ).toEqual([]);
    },
  );
});

describe("Einsum", () => {
  test.each([
    {
      equation: "ab,bc->ac",
      dims: [
        [2, 3],
        [3, 4],
      ],
    },
    {
      equation: "nchw,nkhw->nck",
      dims: [
        [2, 3, 2, 2],
        [2, 4, 2, 2],
      ],
    },
    {
      equation: " ij , jk ",
      dims: [
        [2, 3],
        [3, 2],
      ],
    },
    // j stands in one operand alone, in the other one k does.
    {
      equation: "ij,ik->i",
      dims: [
        [2, 3],
        [2, 4],
      ],
    },
    { equation: "a,b->ba", dims: [[3], [2]] },
    {
      equation: "ab,bc,cd->ad",
      dims: [
        [2, 3],
        [3, 2],
        [2, 4],
      ],
    },
    { equation: "abc->ca", dims: [[2, 3, 4]] },
  ])("$equation", async ({ equation, dims }) => {
    const by = Object.fromEntries(dims.map((each, index) => [`x${index}`, randomGiven(11 + index, each)]));
    expect(await faults(by, (b) => b.add("y", "Einsum", Object.keys(by), { equation }))).toEqual([]);
  });

  test.each(["...a,ab->...b", "aa,ab->b"])("%s is refused", async (equation) => {
    const by = { a: randomGiven(1, [3, 3]), b: randomGiven(2, [3, 2]) };
    const looked = faults(by, (b) => b.add("y", "Einsum", ["a", "b"], { equation }));
    await expect(looked).rejects.toThrow(/Einsum.*got "/u);
  });
});
