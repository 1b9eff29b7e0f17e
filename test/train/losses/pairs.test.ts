import { expect, test } from "vitest";
import { binaryCrossEntropy, klDivergence, meanSquaredError, type ScoreDims } from "../../../src/train/losses/index.ts";
import { apart, differences, float32, lossOf, noise, probabilities } from "./rig.ts";

const shape: ScoreDims = [2, 3, 2, 4];
const student = noise(48, 1).map((value) => 3 * value);
const teacher = noise(48, 2).map((value) => 3 * value);
const pixelMask = Float32Array.from({ length: 16 }, (_, index) => [1, 0, 0.5][index % 3] ?? 0);
const mask = Float32Array.from({ length: 48 }, (_, index) => [1, 0.25, 0][index % 3] ?? 0);

test.each([
  { temperature: 1, masked: false },
  { temperature: 4, masked: true },
])("KL at temperature $temperature, masked: $masked", async ({ temperature, masked }) => {
  const weights = masked ? pixelMask : pixelMask.map(() => 1);
  const reference = (x: ArrayLike<number>): number => {
    const [p, q] = [probabilities(teacher, shape, temperature), probabilities(x, shape, temperature)];
    let total = 0;
    for (const [i, own] of p.entries()) {
      for (const [c, value] of own.entries()) {
        total += (weights[i] ?? 0) * value * Math.log(value / (q[i]?.[c] ?? 0));
      }
    }
    return (temperature ** 2 * total) / weights.reduce((a, b) => a + b);
  };
  const feeds = {
    teacher: float32(shape, teacher),
    student: float32(shape, student),
    mask: float32([2, 2, 4], pixelMask),
  };
  const options = {
    teacher: "teacher",
    student: "student",
    dims: shape,
    temperature,
    ...(masked ? { mask: "mask" } : {}),
  };
  const { value, gradients } = await lossOf((ops) => klDivergence(ops, options), feeds, ["teacher", "student"]);
  expect(value).toBeCloseTo(reference(student), 5);
  expect(apart(gradients.get("student"), differences(reference, student))).toEqual([]);
  expect(gradients.has("teacher")).toBe(false);
});

test("KL of a network from itself is 0", async () => {
  const feeds = { x: float32(shape, student) };
  const { value, gradients } = await lossOf(
    (ops) => klDivergence(ops, { teacher: "x", student: "x", dims: shape }),
    feeds,
    ["x"],
  );
  expect(value).toBeCloseTo(0, 6);
  expect(Math.max(...(gradients.get("x") ?? [1]).map(Math.abs))).toBeLessThan(1e-7);
});

test.each([{ target: "y" }, { target: 0.25 }])(
  "squared error and binary cross-entropy towards $target",
  async (way) => {
    const { target } = way;
    const wanted = noise(48, 7).map((value) => (value + 1) / 2);
    const y = (index: number): number => (typeof target === "number" ? target : (wanted[index] ?? 0));
    const feeds = { x: float32(shape, student), y: float32(shape, wanted), mask: float32(shape, mask) };
    for (const isMasked of [false, true]) {
      const weights = isMasked ? mask : mask.map(() => 1);
      const mean = (term: (x: number, y: number) => number) => (x: ArrayLike<number>) => {
        let total = 0;
        for (const [index, weight] of weights.entries()) total += weight * term(x[index] ?? 0, y(index));
        return total / weights.reduce((a, b) => a + b);
      };
      const squared = mean((x, t) => (x - t) ** 2);
      const binary = mean((x, t) => {
        const p = 1 / (1 + Math.exp(-x));
        return -t * Math.log(p) - (1 - t) * Math.log(1 - p);
      });
      const masked = isMasked ? { mask: "mask" } : {};
      const mse = await lossOf((ops) => meanSquaredError(ops, { prediction: "x", target, ...masked }), feeds, ["x"]);
      expect(mse.value).toBeCloseTo(squared(student), 5);
      expect(apart(mse.gradients.get("x"), differences(squared, student))).toEqual([]);
      const bce = await lossOf((ops) => binaryCrossEntropy(ops, { logits: "x", target, ...masked }), feeds, ["x"]);
      expect(bce.value).toBeCloseTo(binary(student), 5);
      expect(apart(bce.gradients.get("x"), differences(binary, student))).toEqual([]);
    }
  },
);

test("binary cross-entropy stands scores whose exponentials overflow", async () => {
  const feeds = {
    x: float32([4], Float32Array.of(1000, -1000, 1000, 0)),
    y: float32([4], Float32Array.of(0, 1, 1, 0)),
  };
  const { value, gradients } = await lossOf((ops) => binaryCrossEntropy(ops, { logits: "x", target: "y" }), feeds, [
    "x",
  ]);
  expect(value).toBeCloseTo((2000 + Math.LN2) / 4, 3);
  expect(gradients.get("x")).toEqual([0.25, -0.25, 0, 0.125]);
});

test("a mask of zeros gives 0", async () => {
  const feeds = { x: float32([2], Float32Array.of(1, 2)), mask: float32([2], new Float32Array(2)) };
  const { value } = await lossOf((ops) => meanSquaredError(ops, { prediction: "x", target: 0, mask: "mask" }), feeds, [
    "x",
  ]);
  expect(value).toBe(0);
});
