// A compiled network against its source: equal to the bit when its stages fire, and when they hold equal to the source
// with the held tensors given from outside. The references are built from the source graph alone.

import { describe, expect, test } from "vitest";
import { parseSchedule } from "../../src/clocks/index.ts";
import { nodeEngine } from "../../src/engine/node/engine.ts";
import type { EngineTensor } from "../../src/engine/engine.ts";
import { networks } from "../../src/networks/index.ts";
import { writeModel } from "../../src/onnx/index.ts";
import { planOf } from "../../src/stages/plan.ts";
import { noiseImage } from "../support/noise.ts";
import { networkAt, runCompiled, withInputs, withOutputs } from "../support/sessions.ts";

const size = { widthPx: 192, heightPx: 128 };
const images = [0, 3, 6, 9].map((shift) => noiseImage([1, 3, size.heightPx, size.widthPx], shift));

function bytes(tensor: EngineTensor | undefined): Uint8Array {
  if (tensor === undefined) throw new Error("expected a tensor");
  return new Uint8Array(tensor.data.buffer, tensor.data.byteOffset, tensor.data.byteLength);
}

function same(a: EngineTensor | undefined, b: EngineTensor | undefined): boolean {
  return Buffer.compare(bytes(a), bytes(b)) === 0;
}

/** The planner leaves these whole; FCN-16s it cuts where it cuts FCN-8s. */
const leftOut: ReadonlySet<string> = new Set(["bisenetv2", "fcn16s", "fcn32s", "pspnet"]);
const cut = Object.entries(networks).filter(([name]) => !leftOut.has(name));
/** Networks whose arithmetic takes seconds a frame; narrower, they are the same graphs. */
const wide: ReadonlySet<string> = new Set(["deeplabv3plus", "fcn8s", "unet"]);

describe.each(cut)("%s, deep stage every second frame", (name, { build }) => {
  test("fired frames and held tensors equal the source, held frames equal the source with held tensors given", async () => {
    const model = build(wide.has(name) ? { width: 1 / 4 } : {});
    const network = await networkAt(model, size);
    const plan = planOf(network, { stages: 2 });
    expect(plan.stages).toHaveLength(2);
    const held = plan.stages[1]?.held.map(({ tensor }) => tensor) ?? [];
    expect(held.length).toBeGreaterThan(0);
    const runs = await runCompiled(network, plan, { io: "tensors", schedule: parseSchedule("fixed:2") }, images);
    expect(runs.map((run) => Array.from(run["fired"]?.data as Uint8Array))).toEqual([
      [1, 1],
      [1, 0],
      [1, 1],
      [1, 0],
    ]);

    await using source = await nodeEngine.open(writeModel(withOutputs(model, held)).bytes, { optimize: "none" });
    await using rest = await nodeEngine.open(writeModel(withInputs(network, held)).bytes, { optimize: "none" });
    let kept: Readonly<Record<string, EngineTensor>> = {};
    for (const [frame, image] of images.entries()) {
      const run = runs[frame] ?? {};
      const fires = frame % 2 === 0;
      const whole = await source.run({ image });
      if (fires) kept = Object.fromEntries(held.map((name) => [name, whole.outputs[name] as EngineTensor]));
      const expected = fires ? whole : await rest.run({ image, ...kept });
      expect(same(run["logits"], expected.outputs["logits"])).toBe(true);
      // The images differ: a network that held nothing would equal the whole source on every frame.
      expect(same(run["logits"], whole.outputs["logits"])).toBe(fires);
      for (const name of held) expect(same(run[`next/${name}`], kept[name])).toBe(true);
    }
  });
});

describe.each(["espnet", "ddrnet", "segformer"] as const)("%s with the default optimisations", (name) => {
  test("has the labels of its source on fired frames, and logits within 1e-4 of the largest", async () => {
    const model = networks[name].build();
    const network = await networkAt(model, size);
    const plan = planOf(network, { stages: 2 });
    const options = { io: "tensors", schedule: parseSchedule("fixed:2") } as const;
    const runs = await runCompiled(network, plan, options, images, {});
    await using source = await nodeEngine.open(writeModel(model).bytes);
    for (const frame of [0, 2]) {
      const image = images[frame];
      if (image === undefined) throw new Error("expected an image");
      const { outputs } = await source.run({ image });
      const ours = runs[frame]?.["logits"];
      const theirs = outputs["logits"];
      expect(labelsOf(ours)).toEqual(labelsOf(theirs));
      const values = theirs?.data as Float32Array;
      const largest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
      const difference = values.reduce(
        (most, value, at) => Math.max(most, Math.abs(value - Number(ours?.data[at]))),
        0,
      );
      expect(difference).toBeLessThan(1e-4 * largest);
    }
  });
});

/** Class with the largest score at every position of [1,C,H,W]. */
function labelsOf(tensor: EngineTensor | undefined): number[] {
  if (tensor === undefined) throw new Error("expected a tensor");
  const [, classes = 1, height = 1, width = 1] = tensor.dims;
  const scores = tensor.data as Float32Array;
  return Array.from({ length: height * width }, (_, at) => {
    let best = 0;
    for (let k = 1; k < classes; k++) {
      if ((scores[k * height * width + at] ?? 0) > (scores[best * height * width + at] ?? 0)) best = k;
    }
    return best;
  });
}
