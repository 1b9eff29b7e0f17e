// Taps: tensors of the inside come out as they are in the source and in the clock, and those that rest do not.

import { beforeAll, describe, expect, test } from "vitest";
import { parseSchedule } from "../../src/clocks/index.ts";
import { compile, type Compiled } from "../../src/compile/compile.ts";
import { readProtocol } from "../../src/compile/protocol.ts";
import { fitNetwork, type Network } from "../../src/network/index.ts";
import { networks } from "../../src/networks/index.ts";
import { readModel, writeModel, type Model } from "../../src/onnx/index.ts";
import { defaultPreprocessing } from "../../src/preprocessing.ts";
import { planOf, type Plan } from "../../src/stages/plan.ts";
import { noiseFrame, noiseImage } from "../support/noise.ts";
import { drive, firedIn, named, sameBits } from "../support/reference.ts";
import { localEngine } from "../support/runtime.ts";
import { withOutputs } from "../support/sessions.ts";

const size = { widthPx: 96, heightPx: 64 };
const images = [0, 3, 6, 9, 20].map((shift) => noiseImage([1, 3, size.heightPx, size.widthPx], shift));

let model: Model;
let network: Network;
let plan: Plan;

beforeAll(async () => {
  model = networks.fcn8s.build();
  network = await fitNetwork(model, { size, engine: localEngine });
  plan = planOf(network);
});

function tapped(clock: string, taps: readonly string[]): Compiled {
  return compile(network, plan, { io: "tensors", schedule: parseSchedule(clock), taps });
}

describe("tensors", () => {
  test("of the network, resting or not", async () => {
    const names = ["pool3", "score_pool3"];
    const compiled = tapped("fixed:2", names);
    await using source = await localEngine.open(writeModel(withOutputs(model, names)).bytes, {
      optimize: "none",
      threads: 1,
    });
    const runs = await drive(compiled, images);
    for (const [frame, image] of images.entries()) {
      const { outputs } = await source.run({ image });
      for (const name of names) expect(sameBits(named(runs[frame] ?? {}, name), named(outputs, name))).toBe(true);
    }
  });

  test("of the clock: labels, their share, which is the signal", async () => {
    const now = "clockwork/clock/labels/now";
    const compiled = tapped("adaptive:0.1", [now, "clockwork/clock/labels/share", "score_pool3"]);
    const runs = await drive(compiled, images);
    expect(new Set(runs.slice(1).map((run) => firedIn(run)[1]))).toEqual(new Set([0, 1]));
    for (const run of runs) {
      const scores = named(run, "score_pool3");
      const [, classes = 0, height = 0, width = 0] = scores.dims;
      const plane = height * width;
      const labels = Array.from({ length: plane }, (_, at) => {
        const all = Array.from({ length: classes }, (_c, label) => Number(scores.data[label * plane + at]));
        return all.indexOf(Math.max(...all));
      });
      expect(named(run, now).dims).toEqual([1, height, width]);
      expect(Array.from(named(run, now).data, Number)).toEqual(labels);
      expect(sameBits(named(run, "clockwork/clock/labels/share"), named(run, "signal"))).toBe(true);
    }
  });

  test("are in the protocol with types and shapes, each once, and come out so", async () => {
    const compiled = tapped("adaptive:0.1", ["pool3", "clockwork/clock/labels/now", "pool3", "logits"]);
    const { taps } = compiled.protocol.outputs;
    expect(taps).toEqual([
      { name: "pool3", dtype: "float32", shape: [1, 32, 8, 12] },
      { name: "clockwork/clock/labels/now", dtype: "int32", shape: [1, 8, 12] },
      { name: "logits", dtype: "float32", shape: [1, 21, 64, 96] },
    ]);
    const written = readModel(writeModel(compiled.model).bytes);
    expect(readProtocol(written)).toEqual(compiled.protocol);
    const outputs = written.graph.outputs.map(({ name }) => name);
    expect(new Set(outputs).size).toBe(outputs.length);
    const [run = {}] = await drive(compiled, images.slice(0, 1));
    for (const { name, dtype, shape } of taps ?? []) {
      expect({ name, dtype: named(run, name).dtype, shape: named(run, name).dims }).toEqual({ name, dtype, shape });
    }
  });

  test("leave everything else as it is", async () => {
    const plain = compile(network, plan, { io: "tensors", schedule: parseSchedule("fixed:2") });
    expect("taps" in plain.protocol.outputs).toBe(false);
    const [without, tappedRuns] = [await drive(plain, images), await drive(tapped("fixed:2", ["pool3"]), images)];
    for (const [frame, run] of without.entries()) {
      for (const [name, tensor] of Object.entries(run)) {
        expect(sameBits(tensor, named(tappedRuns[frame] ?? {}, name))).toBe(true);
      }
    }
  });

  test("of a network behind frames, its image among them", async () => {
    const compiled = compile(network, plan, {
      io: "frames",
      schedule: parseSchedule("every"),
      preprocessing: { ...defaultPreprocessing(), scale: 1 / 255, mean: [0, 0, 0], std: [1, 1, 1] },
      taps: ["image", "logits"],
    });
    const { data } = noiseFrame(size.widthPx, size.heightPx, 0);
    const [run = {}] = await drive(compiled, [{ dtype: "uint8", dims: [size.heightPx, size.widthPx, 3], data }]);
    const plane = size.heightPx * size.widthPx;
    const image = named(run, "image");
    for (const at of [0, 1, plane - 1, plane, 2 * plane + 5]) {
      expect(Number(image.data[at])).toBeCloseTo((data[(at % plane) * 3 + Math.floor(at / plane)] ?? 0) / 255, 6);
    }
    expect(named(run, "logits").dims).toEqual([1, 21, 64, 96]);
  });
});

describe("refusals", () => {
  test.each([
    ["fixed:2", "nowhere", 'got "nowhere"'],
    ["fixed:2", "conv1_1.weight", "that a node of the network makes from the image"],
    ["fixed:2", "image", "that a node of the network makes from the image"],
    ["fixed:2", "clockwork/clock/labels/now", 'got "clockwork/clock/labels/now"'],
    ["adaptive:0.1", "clockwork/clock/probe/now", "clockwork/clock/labels/now, clockwork/clock/labels/share"],
    ["fixed:2", "conv4_1", 'got "conv4_1" of stage 2, which may rest'],
    ["fixed:2", "fuse_pool4", "next/..."],
    ["skip:2", "pool3", 'got "pool3" of stage 1, which may rest'],
  ])("%s with %s", (clock, tap, part) => {
    const act = (): unknown => tapped(clock, [tap]);
    expect(act).toThrow(expect.objectContaining({ name: "ClockworkError", code: "invalid-argument" }));
    expect(act).toThrow(part);
  });

  test("nothing rests in a pipeline, nor with `every`", async () => {
    for (const clock of ["pipeline", "every"]) {
      const [run = {}] = await drive(tapped(clock, ["conv4_1", "fuse_pool4"]), images.slice(0, 1));
      expect(named(run, "conv4_1").dims).toEqual([1, 64, 8, 12]);
    }
  });
});
