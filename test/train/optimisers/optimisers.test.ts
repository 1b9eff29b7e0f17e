import { expect, test } from "vitest";
import { float32Tensor } from "../../../src/onnx/index.ts";
import {
  adam,
  adamW,
  clipByNorm,
  clipByValue,
  decays,
  movingAverage,
  sgd,
  type Optimiser,
} from "../../../src/train/optimisers/index.ts";
import { groups, runGraph, runReference, stepsApart, toys, type Reference } from "./rig.ts";

const steps = 10;

/** SGD as the documentation of PyTorch has it. */
function sgdReference(momentum: number, isNesterov: boolean, weightDecay: number): Reference {
  return ({ decay }) =>
    (p, gradient, rate, _, memory) => {
      let g = gradient + (decay ? weightDecay * p : 0);
      if (momentum !== 0) {
        const before = memory.get("b");
        const b = before === undefined ? g : momentum * before + g;
        memory.set("b", b);
        g = isNesterov ? g + momentum * b : b;
      }
      return p - rate * g;
    };
}

test.each([
  { momentum: 0, isNesterov: false, weightDecay: 0 },
  { momentum: 0.9, isNesterov: false, weightDecay: 0 },
  { momentum: 0.9, isNesterov: false, weightDecay: 0.05 },
  { momentum: 0.8, isNesterov: true, weightDecay: 0.05 },
])("SGD: %j", async (options) => {
  const { parameters, state } = await runGraph(sgd({ ...options, ...groups }), steps);
  expect(
    stepsApart(
      parameters,
      runReference(sgdReference(options.momentum, options.isNesterov, options.weightDecay), steps),
    ),
  ).toEqual([]);
  expect(state.map(({ name }) => name)).toEqual(options.momentum === 0 ? [] : ["own/w/momentum", "own/b/momentum"]);
});

/** Adam by the definition of the means, as sums over the past. */
function adamReference(
  [first, second]: readonly [number, number],
  epsilon: number,
  weightDecay: number,
  isDecoupled: boolean,
): Reference {
  return ({ decay }) => {
    const past: number[] = [];
    return (p, gradient, rate) => {
      const own = decay ? weightDecay : 0;
      past.push(gradient + (isDecoupled ? 0 : own * p));
      const mean = (beta: number, of: (g: number) => number): number => {
        let [total, weight] = [0, 0];
        for (const [index, g] of past.entries()) {
          const share = beta ** (past.length - 1 - index);
          total += share * of(g);
          weight += share;
        }
        return total / weight;
      };
      const change = mean(first, (g) => g) / (Math.sqrt(mean(second, (g) => g * g)) + epsilon);
      return p - (isDecoupled ? rate * own * p : 0) - rate * change;
    };
  };
}

test("Adam with its defaults", async () => {
  const { parameters, state } = await runGraph(adam(groups), steps);
  expect(stepsApart(parameters, runReference(adamReference([0.9, 0.999], 1e-8, 0, false), steps))).toEqual([]);
  expect(state.map(({ name }) => name)).toEqual(["own/w/mean", "own/w/square", "own/b/mean", "own/b/square"]);
});

test("Adam and AdamW with weight decay of their own kinds", async () => {
  const options = { betas: [0.8, 0.95], epsilon: 1e-3, weightDecay: 0.1 } as const;
  const [coupled, decoupled] = [adam({ ...options, ...groups }), adamW({ ...options, ...groups })];
  expect(
    stepsApart(
      (await runGraph(coupled, steps)).parameters,
      runReference(adamReference(options.betas, 1e-3, 0.1, false), steps),
    ),
  ).toEqual([]);
  expect(
    stepsApart(
      (await runGraph(decoupled, steps)).parameters,
      runReference(adamReference(options.betas, 1e-3, 0.1, true), steps),
    ),
  ).toEqual([]);
});

test("Adam late in a training, where the corrections are over", async () => {
  const late: Reference = () => (p, gradient, rate) =>
    p - (rate * 0.1 * gradient) / (Math.sqrt(0.001) * Math.abs(gradient) + 1e-8);
  const { parameters } = await runGraph(adam(groups), 1, 1_000_000);
  expect(stepsApart(parameters, runReference(late, 1, undefined, 1_000_000))).toEqual([]);
});

test("gradients are limited by the norm of all, and by value", async () => {
  const [byNorm, byValue] = [clipByNorm(1.5, sgd(groups)), clipByValue(0.4, sgd(groups))];
  const reference = sgdReference(0.9, false, 0);
  const limited: boolean[] = [];
  expect(
    stepsApart(
      (await runGraph(byNorm, steps)).parameters,
      runReference(reference, steps, (gradients) => {
        const norm = Math.hypot(...gradients);
        limited.push(norm > 1.5);
        return gradients.map((g) => (norm > 1.5 ? (g * 1.5) / norm : g));
      }),
    ),
  ).toEqual([]);
  expect(new Set(limited).size).toBe(2);
  expect(
    stepsApart(
      (await runGraph(byValue, steps)).parameters,
      runReference(reference, steps, (gradients) => gradients.map((g) => Math.max(-0.4, Math.min(0.4, g)))),
    ),
  ).toEqual([]);
});

test.each([{ hasWarmUp: true }, { hasWarmUp: false }])("moving averages: %j", async ({ hasWarmUp }) => {
  const decay = 0.4;
  const averaged: Optimiser = (ops, inputs) => {
    const update = sgd(groups)(ops, inputs);
    const tensors = toys.map(({ name, start }) => ({
      name,
      next: update.next.get(name) ?? "",
      initial: float32Tensor([start.length], start),
    }));
    const { averages, state } = movingAverage(ops, { tensors, step: inputs.step, decay, hasWarmUp });
    expect([...averages.values()]).toEqual(state.map(({ output }) => output));
    return { next: update.next, state: [...state, ...update.state] };
  };
  const { parameters, state } = await runGraph(averaged, steps);
  expect(state.slice(0, 2).map(({ name }) => name)).toEqual(["w/average", "b/average"]);
  const weights = runReference(sgdReference(0.9, false, 0), steps);
  let average = toys.flatMap(({ start }) => start);
  const wanted = weights.map((row, t) => {
    const d = hasWarmUp ? Math.min(decay, (1 + t) / (10 + t)) : decay;
    average = average.map((before, index) => d * before + (1 - d) * (row[index] ?? 0));
    return [...row, ...average];
  });
  expect(stepsApart(parameters, wanted)).toEqual([]);
});

test("weight decay is for what is not a vector, and not for what a pattern names", () => {
  expect(decays("conv.weight", [8, 3, 3, 3])).toBe(true);
  expect(decays("conv.bias", [8])).toBe(false);
  expect(decays("scale", [])).toBe(false);
  const never = [/pos_embed/g, /^head\./];
  for (let again = 0; again < 2; again++) {
    expect(decays("backbone.pos_embed", [1, 196, 64], never)).toBe(false);
    expect(decays("head.weight", [12, 64], never)).toBe(false);
    expect(decays("decode.head.weight", [12, 64], never)).toBe(true);
  }
});

test("numbers out of range are refused", () => {
  expect(() => sgd({ momentum: 1 })).toThrow("expected a momentum from 0 to below 1, got 1");
  expect(() => sgd({ momentum: 0, isNesterov: true })).toThrow("Nesterov");
  expect(() => sgd({ weightDecay: -1 })).toThrow("got -1");
  expect(() => adam({ betas: [0.9, 1] })).toThrow("got 0.9, 1");
  expect(() => adam({ epsilon: 0 })).toThrow("got 0");
  expect(() => adamW({ weightDecay: Number.NaN })).toThrow("got NaN");
});
