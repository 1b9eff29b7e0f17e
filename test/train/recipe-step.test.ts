// The step of a recipe with a teacher, against both networks run alone.

import { describe, expect, test } from "vitest";
import { GraphBuilder, modelOf, writeModel, type Model } from "../../src/onnx/index.ts";
import { defaultPreprocessing, type Preprocessing } from "../../src/preprocessing.ts";
import { recipeStep } from "../../src/train/recipe-step.ts";
import { initialOf } from "../../src/train/step-graph.ts";
import { tiny } from "../node/training/tiny-training.ts";
import { localEngine, runOnce } from "../support/runtime.ts";
import { floats } from "./autodiff/gradients-of.ts";
import { probabilities } from "./losses/rig.ts";

const [batch, classes, height, width] = [2, 3, 6, 8];
const dims = [batch, classes, height, width] as const;
const imageDims = [batch, 3, height, width];

/** Scores by a convolution of the image. */
function network(name: string): Model {
  const b = new GraphBuilder(name);
  b.input("image", "float32", imageDims);
  const weight = b.float32("weight", [classes, 3, 3, 3], floats(`${name} weight`, [classes, 3, 3, 3]).data);
  const bias = b.float32("bias", [classes], floats(`${name} bias`, [classes]).data);
  const attributes = { kernel_shape: [3, 3], pads: [1, 1, 1, 1] };
  b.output(b.add("logits", "Conv", ["image", weight, bias], attributes), "float32", dims);
  return modelOf(b.build());
}

const student = defaultPreprocessing();
const others: readonly (readonly [string, Preprocessing])[] = [
  ["sees the same", student],
  [
    "sees blue first, of 255",
    { channelOrder: "bgr", scale: 1, mean: [104, 117, 123], std: [60, 50, 55], size: { kind: "native" } },
  ],
];

/** RGB bytes as planes of a network's image. */
function seenBy({ channelOrder, scale, mean, std }: Preprocessing, rgb: readonly number[]): Float32Array<ArrayBuffer> {
  const area = height * width;
  return Float32Array.from({ length: rgb.length }, (_, at) => {
    const channel = Math.floor(at / area) % 3;
    const colour = channelOrder === "rgb" ? channel : 2 - channel;
    const byte = rgb[at + (colour - channel) * area] ?? 0;
    return (byte * scale - (mean[channel] ?? 0)) / (std[channel] ?? 1);
  });
}

describe("distillation", () => {
  test.each(others)("from a teacher that %s is the divergence of both networks' scores", async (_, preprocessing) => {
    const [model, teacher] = [network("student"), network("teacher")];
    const temperature = 2;
    const recipe = tiny({
      batch,
      augmentation: { crop: { widthPx: width, heightPx: height } },
      teacher: "big",
      losses: [{ kind: "distillation", output: "logits", weight: 0.5, temperature }],
    });
    const step = await recipeStep(
      recipe,
      {
        model,
        classes,
        balanced: [],
        preprocessing: student,
        teacher: { model: teacher, scores: "logits", preprocessing },
      },
      localEngine,
    );
    expect(step.learned.get("teacher")?.size).toBe(0);
    expect(step.memory.filter(({ input }) => input.includes("teacher"))).toEqual([]);

    const rgb = Array.from(floats("picture", imageDims, 0, 255).data, Math.round);
    const image = { dtype: "float32", dims: imageDims, data: seenBy(student, rgb) } as const;
    const given = { ...image, data: seenBy(preprocessing, rgb) };
    const scores = async (one: Model, seen: typeof image): Promise<number[][]> =>
      probabilities((await runOnce(one, { image: seen }))["logits"]?.data as Float32Array, dims, temperature);
    const [wanted, made] = [await scores(teacher, given), await scores(model, image)];
    const divergence = wanted.reduce(
      (sum, row, pixel) => sum + row.reduce((part, p, c) => part + p * Math.log(p / (made[pixel]?.[c] ?? 0)), 0),
      0,
    );
    const expected = (0.5 * temperature ** 2 * divergence) / wanted.length;
    expect(expected).toBeGreaterThan(0.01);

    await using session = await localEngine.open(writeModel(step.model).bytes, { state: step.memory });
    await session.writeState(Object.fromEntries(step.memory.map((one) => [one.input, initialOf(one)])));
    const losses: number[] = [];
    for (let index = 0; index < 6; index++) {
      const { outputs } = await session.run({
        image,
        // Nothing is labelled.
        labels: {
          dtype: "uint8",
          dims: [batch, height, width],
          data: new Uint8Array(batch * height * width).fill(255),
        },
        rate: { dtype: "float32", dims: [], data: Float32Array.of(0.02) },
        step: { dtype: "float32", dims: [], data: Float32Array.of(index) },
      });
      losses.push(Number(outputs["loss"]?.data[0]));
    }
    expect(Math.abs((losses[0] ?? 0) / expected - 1)).toBeLessThan(1e-4);
    expect(losses[5]).toBeLessThan(losses[0] ?? 0);
  });

  test("without a teacher is refused", async () => {
    const recipe = tiny({ batch, augmentation: { crop: { widthPx: width, heightPx: height } } });
    const losses = [{ kind: "distillation", output: "logits", weight: 1, temperature: 1 }] as const;
    const built = recipeStep({ ...recipe, losses }, { model: network("net"), classes, balanced: [] }, localEngine);
    await expect(built).rejects.toThrow("expected a teacher for distillation, got none");
  });
});
