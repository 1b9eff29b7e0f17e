// The adaptive clock: what it measures, against the same measure taken in plain loops from the source's own tensors
// (labels: Shelhamer et al. 2016, section 3.3), and that it fires exactly where that reaches the threshold.

import { beforeAll, describe, expect, test } from "vitest";
import { compile } from "../../src/compile/compile.ts";
import type { EngineTensor } from "../../src/engine/engine.ts";
import { fitNetwork, type Network } from "../../src/network/index.ts";
import { networks, type NetworkName } from "../../src/networks/index.ts";
import { writeModel, type Model } from "../../src/onnx/index.ts";
import { planOf, type Plan } from "../../src/stages/plan.ts";
import { localEngine } from "../support/runtime.ts";
import { noiseImage } from "../support/noise.ts";
import { drive, firedIn, named, type Tensors } from "../support/reference.ts";
import { withOutputs } from "../support/sessions.ts";

const size = { widthPx: 96, heightPx: 64 };
/** Slow, a standstill, faster, slow, faster; one shot throughout. */
const shifts = [0, 1, 2, 2, 5, 9, 14, 20, 26, 27, 28, 33];
const images = shifts.map((shift) => noiseImage([1, 3, size.heightPx, size.widthPx], shift));

/** Labels of scores [1, C, h, w]: the first of the largest. */
function labelsIn({ dims, data }: EngineTensor): readonly number[] {
  const [, classes = 0, height = 0, width = 0] = dims;
  const plane = height * width;
  return Array.from({ length: plane }, (_, at) => {
    let best = 0;
    for (let c = 1; c < classes; c++) {
      if (Number(data[c * plane + at]) > Number(data[best * plane + at])) best = c;
    }
    return best;
  });
}

/** Share of positions with another label. */
function changedLabels(now: EngineTensor, key: EngineTensor): number {
  const [a, b] = [labelsIn(now), labelsIn(key)];
  return a.filter((label, at) => label !== b[at]).length / a.length;
}

/** Mean absolute change, relative to the mean absolute value of what it is compared with. */
function changedFeatures(now: EngineTensor, key: EngineTensor): number {
  let [change, scale] = [0, 0];
  for (const [at, value] of key.data.entries()) {
    change += Math.abs(Number(now.data[at]) - Number(value));
    scale += Math.abs(Number(value));
  }
  return change / scale;
}

describe.each<
  readonly [NetworkName, number, "labels" | "features", (now: EngineTensor, key: EngineTensor) => number, number]
>([
  ["fcn8s", 2, "labels", changedLabels, 0.12],
  ["fcn8s", 3, "labels", changedLabels, 0.3],
  ["lraspp", 2, "labels", changedLabels, 0.35],
  ["unet", 2, "features", changedFeatures, 0.3],
  ["bisenet", 3, "features", changedFeatures, 0.3],
])("%s in %i stages watches %s", (name, stages, kind, measure, threshold) => {
  let model: Model;
  let network: Network;
  let plan: Plan;
  let watched: readonly EngineTensor[];

  beforeAll(async () => {
    model = networks[name].build();
    network = await fitNetwork(model, { size, engine: localEngine });
    plan = planOf(network, { stages });
    const tensor = plan.stages.at(-1)?.watch?.tensor ?? "";
    const open = { optimize: "none", threads: 1 } as const;
    await using session = await localEngine.open(writeModel(withOutputs(model, [tensor])).bytes, open);
    const found: EngineTensor[] = [];
    for (const image of images) found.push(named((await session.run({ image })).outputs, tensor));
    watched = found;
  });

  test("as the plan says", () => {
    expect(plan.stages).toHaveLength(stages);
    const watch = plan.stages.at(-1)?.watch;
    expect(watch?.kind).toBe(kind);
    expect(plan.notes.some((note) => note.includes(`relative change of ${watch?.tensor}`))).toBe(kind === "features");
  });

  function runsAt(level: number, resets: readonly number[] = []): Promise<readonly Tensors[]> {
    const schedule = { kind: "adaptive", threshold: level } as const;
    return drive(compile(network, plan, { io: "tensors", schedule }), images, { resets });
  }

  /** Firings and signals by the definition; the signal of a restart is whatever memory there was. */
  function expectedAt(level: number, resets: readonly number[] = []): { fired: boolean[]; signals: number[] } {
    const fired: boolean[] = [];
    const signals: number[] = [];
    let key: EngineTensor | undefined;
    for (const [frame, now] of watched.entries()) {
      const signal = key === undefined ? Number.NaN : measure(now, key);
      // Far enough from the threshold that rounding does not decide.
      expect(Math.abs(signal - level)).not.toBeLessThan(1e-5);
      const fires = key === undefined || resets.includes(frame) || signal >= level;
      if (fires) key = now;
      fired.push(fires);
      signals.push(signal);
    }
    return { fired, signals };
  }

  test.each([[[]], [[5]]])(
    "fires where the change since the last firing reaches the threshold, resets at %j",
    async (resets) => {
      const runs = await runsAt(threshold, resets);
      const { fired, signals } = expectedAt(threshold, resets);
      // Both on the way, or this says little.
      expect(new Set(fired.slice(1))).toEqual(new Set([true, false]));
      expect(runs.map((run) => firedIn(run).at(-1) === 1)).toEqual(fired);
      expect(
        runs.every((run) =>
          firedIn(run)
            .slice(0, -1)
            .every((flag) => flag === 1),
        ),
      ).toBe(true);
      const measured = runs.map((run) => named(run, "signal"));
      expect(measured.map(({ dims }) => dims)).toEqual(runs.map(() => [1]));
      const errors = measured.map(({ data }, at) => Math.abs(Number(data[0]) - (signals[at] ?? Number.NaN)));
      expect(errors.slice(1).filter((error) => !(error < 1e-5))).toEqual([]);
    },
  );

  test("a threshold of 0 always fires, even where nothing changed", async () => {
    const runs = await runsAt(0);
    expect(runs.every((run) => firedIn(run).every((flag) => flag === 1))).toBe(true);
    const standstill = shifts.findIndex((shift, at) => shift === shifts[at - 1]);
    expect(Number(named(runs[standstill] ?? {}, "signal").data[0])).toBe(0);
  });

  test("a threshold out of reach fires once", async () => {
    const runs = await runsAt(1e6);
    expect(runs.map((run) => firedIn(run).at(-1))).toEqual(images.map((_, frame) => (frame === 0 ? 1 : 0)));
  });
});

test("a plan of one stage has nothing to watch over", async () => {
  const network = await fitNetwork(networks.fcn32s.build(), { size, engine: localEngine });
  const plan = planOf(network);
  const act = (): unknown => compile(network, plan, { io: "tensors", schedule: { kind: "adaptive", threshold: 0.1 } });
  expect(act).toThrow(expect.objectContaining({ name: "ClockworkError", code: "invalid-schedule" }));
});
