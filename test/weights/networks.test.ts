// Published weights in our networks. Names of the checkpoints are put together here from the structure of their authors'
// modules, not from the maps. What lies beside the project is used where it is there.

import { readFileSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { EngineTensor } from "../../src/engine/engine.ts";
import { networks } from "../../src/networks/index.ts";
import { Random } from "../../src/networks/random.ts";
import { float32Tensor, numbersOf, readModel, writeModel, type Model, type Tensor } from "../../src/onnx/index.ts";
import { readImage } from "../../src/video/index.ts";
import { assignWeights, nameMaps, readWeights, writeSafetensors } from "../../src/weights/index.ts";
import { plain } from "../support/plain.ts";
import { besideProject } from "../support/shared.ts";
import { runOnce } from "../support/runtime.ts";

const camvid = besideProject("models/espnet-camvid/onnx/model.onnx");
const frames = besideProject("data/camvid/val");

const numbersIn = (model: Model, name: string): readonly number[] => {
  const tensor = model.graph.initializers.get(name);
  if (tensor === undefined) throw new Error(`expected a tensor ${name}`);
  return numbersOf(tensor) ?? [];
};

/** A model with all of its weights zero. */
function zeroed(model: Model): Model {
  const initializers = new Map(
    [...model.graph.initializers].map(([name, tensor]) => [
      name,
      tensor.dtype === "float32" ? { ...tensor, data: new Uint8Array((tensor.data as Uint8Array).length) } : tensor,
    ]),
  );
  return { ...model, graph: { ...model.graph, initializers } };
}

describe.skipIf(camvid === undefined)("ESPNet for CamVid, beside the project (skipped where it is not)", () => {
  const bytes = (): Uint8Array => readFileSync(camvid ?? "");

  test("to safetensors and back into its own graph: the same file", () => {
    const model = readModel(bytes());
    const { weights } = readWeights(bytes());
    const saved = readWeights(writeSafetensors(weights));
    expect(saved.format).toBe("safetensors");
    const empty = zeroed(model);
    expect(Buffer.compare(writeModel(empty).bytes, writeModel(model).bytes)).not.toBe(0);
    const { model: filled, unused, missing } = assignWeights(empty, saved.weights);
    expect([unused, missing]).toEqual([[], []]);
    expect(Buffer.compare(writeModel(filled).bytes, writeModel(model).bytes)).toBe(0);
  });

  test.skipIf(frames === undefined)("in our ESPNet: its labels on CamVid", async () => {
    const { weights } = readWeights(bytes());
    const { model } = assignWeights(networks.espnet.build({ width: 1, classes: 12, seed: 3 }), weights);
    const names = (await readdir(frames ?? "")).sort();
    for (const index of [0, 50, 100]) {
      const image = await imageOf(join(frames ?? "", names[index] ?? ""));
      const [own, theirs] = await Promise.all([runOnce(model, { image }), runOnce(bytes(), { image })]);
      const labels = labelsOf(own["logits"]?.data as Float32Array, 12);
      expect(labels).toEqual(labelsOf(theirs["logits"]?.data as Float32Array, 12));
      // A picture of a street, not of one class.
      expect(new Set(labels).size).toBeGreaterThan(6);
    }
  });
});

/** Half the size; as the model's preprocessor_config.json has it: BGR, mean and deviation of its training. */
async function imageOf(path: string): Promise<EngineTensor> {
  const frame = await readImage(path);
  const mean = [0.432667, 0.425137, 0.411882];
  const std = [72.13, 72.69, 69.9];
  const [widthPx, heightPx] = [frame.widthPx, frame.heightPx].map((px) => Math.floor(px / 16) * 8) as [number, number];
  const area = widthPx * heightPx;
  const data = Float32Array.from({ length: 3 * area }, (_, at) => {
    const channel = Math.floor(at / area);
    const [y, x] = [Math.floor((at % area) / widthPx), at % widthPx];
    const value = frame.data[(2 * y * frame.widthPx + 2 * x) * 3 + (2 - channel)] ?? 0;
    return (value / 255 - (mean[channel] ?? 0)) / (std[channel] ?? 1);
  });
  return { dtype: "float32", dims: [1, 3, heightPx, widthPx], data };
}

function labelsOf(scores: Float32Array, classes: number): Uint8Array {
  const area = scores.length / classes;
  return Uint8Array.from({ length: area }, (_, at) => {
    let best = 0;
    for (let c = 1; c < classes; c++) if ((scores[c * area + at] ?? 0) > (scores[best * area + at] ?? 0)) best = c;
    return best;
  });
}

/** Names in pairs: there, here. */
type Pairs = [there: string, here: string][];

/** `ESPNet` of its authors with p = 2 and q = 8, module by module; without the three convolutions that we fold. */
function espnetPairs(): Pairs {
  const pairs: Pairs = [];
  const bn = (there: string, here: string): void => {
    pairs.push([`${there}.weight`, `${here}.scale`], [`${there}.bias`, `${here}.shift`]);
    pairs.push([`${there}.running_mean`, `${here}.mean`], [`${there}.running_var`, `${here}.var`]);
  };
  const br = (there: string, here: string): void => {
    bn(`${there}.bn`, `${here}/bn`);
    pairs.push([`${there}.act.weight`, `${here}/prelu.slope`]);
  };
  const branches = (there: string, here: string): void => {
    pairs.push([`${there}.c1.conv.weight`, `${here}/reduce.weight`]);
    for (const d of [1, 2, 4, 8, 16]) pairs.push([`${there}.d${d}.conv.weight`, `${here}/dilated${d}.weight`]);
  };
  const down = (there: string, here: string): void => {
    branches(there, here);
    br(there, here);
  };
  const esp = (there: string, here: string): void => {
    branches(there, here);
    br(`${there}.bn`, here);
  };
  pairs.push(["encoder.level1.act.weight", "level1/prelu.slope"]);
  br("encoder.b1", "level1/out");
  down("encoder.level2_0", "level2/down");
  for (let i = 0; i < 2; i++) esp(`encoder.level2.${i}`, `level2/esp${i + 1}`);
  br("encoder.b2", "level2/out");
  down("encoder.level3_0", "level3/down");
  for (let i = 0; i < 8; i++) esp(`encoder.level3.${i}`, `level3/esp${i + 1}`);
  br("encoder.b3", "level3/out");
  pairs.push(["level3_C.conv.weight", "level2/score.weight"]);
  pairs.push(["conv.act.weight", "fuse1/prelu.slope"]);
  pairs.push(["up_l3.0.weight", "level3/score_up.weight"]);
  br("combine_l2_l3.0", "fuse2");
  esp("combine_l2_l3.1", "fuse2/esp");
  pairs.push(["up_l2.0.weight", "fuse2/up.weight"]);
  br("up_l2.1", "fuse2/up");
  pairs.push(["classifier.weight", "head.weight"]);
  return pairs;
}

test("the map for ESPNet's own checkpoints: every tensor in its place, three normalisations folded", () => {
  const trained = networks.espnet.build({ width: 1, classes: 12, seed: 8 });
  const random = new Random(8, "statistics");
  const checkpoint = new Map<string, Tensor>();
  for (const [there, here] of espnetPairs()) {
    const tensor = trained.graph.initializers.get(here);
    if (tensor === undefined) throw new Error(`expected a tensor ${here}`);
    // Slopes are vectors there.
    checkpoint.set(there, tensor.dims.length === 3 ? { ...tensor, dims: tensor.dims.slice(0, 1) } : tensor);
  }
  // w = raw * g / sqrt(v + e), b = s - m * g / sqrt(v + e), solved for what the authors have.
  for (const [conv, bn, here] of [
    ["encoder.level1.conv", "encoder.level1.bn", "level1/conv"],
    ["encoder.classifier.conv", "br", "level3/score"],
    ["conv.conv", "conv.bn", "fuse1/conv"],
  ] as const) {
    const weight = trained.graph.initializers.get(`${here}.weight`);
    const bias = numbersIn(trained, `${here}.bias`);
    const [gamma, mean, variance] = [0.5, -1, 0.5].map((low) => Array.from(random.uniform(bias.length, low, low + 1)));
    const factor = bias.map((_, i) => (gamma?.[i] ?? 1) / Math.sqrt((variance?.[i] ?? 1) + 1e-3));
    const raw = numbersIn(trained, `${here}.weight`);
    const each = raw.length / bias.length;
    checkpoint.set(
      `${conv}.weight`,
      float32Tensor(
        weight?.dims ?? [],
        raw.map((w, i) => w / (factor[Math.floor(i / each)] ?? 1)),
      ),
    );
    checkpoint.set(`${bn}.weight`, float32Tensor([bias.length], gamma ?? []));
    checkpoint.set(
      `${bn}.bias`,
      float32Tensor(
        [bias.length],
        bias.map((b, i) => b + (mean?.[i] ?? 0) * (factor[i] ?? 1)),
      ),
    );
    checkpoint.set(`${bn}.running_mean`, float32Tensor([bias.length], mean ?? []));
    checkpoint.set(`${bn}.running_var`, float32Tensor([bias.length], variance ?? []));
  }
  const map = nameMaps.get("espnet");
  if (map === undefined) throw new Error("expected a map");
  const { model, unused, missing } = assignWeights(networks.espnet.build({ width: 1, classes: 12 }), checkpoint, {
    map,
  });
  expect([unused, missing]).toEqual([[], []]);
  const folded = /^(?:level1\/conv|level3\/score|fuse1\/conv)\.(?:weight|bias)$/;
  const names = [...trained.graph.initializers.keys()];
  for (const name of names.filter((one) => !folded.test(one))) {
    expect([name, plain(model.graph.initializers.get(name))]).toEqual([
      name,
      plain(trained.graph.initializers.get(name)),
    ]);
  }
  for (const name of names.filter((one) => folded.test(one))) {
    const [expected, got] = [numbersIn(trained, name), numbersIn(model, name)];
    expect(got.length).toBe(expected.length);
    expect(Math.max(...got.map((value, at) => Math.abs(value - (expected[at] ?? 0))))).toBeLessThan(1e-5);
  }
});

/** `SegformerForSemanticSegmentation` of two blocks a stage, module by module. */
function segformerPairs(): Pairs {
  const pairs: Pairs = [];
  const both = (there: string, here: string): void => {
    for (const part of ["weight", "bias"]) pairs.push([`${there}.${part}`, `${here}.${part}`]);
  };
  const norm = (there: string, here: string): void => {
    pairs.push([`${there}.weight`, `${here}.scale`], [`${there}.bias`, `${here}.shift`]);
  };
  const encoder = "segformer.encoder";
  for (let s = 0; s < 4; s++) {
    both(`${encoder}.patch_embeddings.${s}.proj`, `stage${s + 1}/embed/proj`);
    norm(`${encoder}.patch_embeddings.${s}.layer_norm`, `stage${s + 1}/embed/norm`);
    for (let i = 0; i < 2; i++) {
      const [there, here] = [`${encoder}.block.${s}.${i}`, `stage${s + 1}/${i}`];
      norm(`${there}.layer_norm_1`, `${here}/norm1`);
      for (const part of ["query", "key", "value"])
        both(`${there}.attention.self.${part}`, `${here}/attention/${part}`);
      if (s < 3) {
        both(`${there}.attention.self.sr`, `${here}/attention/reduce`);
        norm(`${there}.attention.self.layer_norm`, `${here}/attention/reduce/norm`);
      }
      both(`${there}.attention.output.dense`, `${here}/attention/out`);
      norm(`${there}.layer_norm_2`, `${here}/norm2`);
      both(`${there}.mlp.dense1`, `${here}/ffn/fc1`);
      both(`${there}.mlp.dwconv.dwconv`, `${here}/ffn/depthwise`);
      both(`${there}.mlp.dense2`, `${here}/ffn/fc2`);
    }
    norm(`${encoder}.layer_norm.${s}`, `stage${s + 1}/norm`);
    both(`decode_head.linear_c.${s}.proj`, `decode/linear_c${s + 1}`);
  }
  pairs.push(["decode_head.linear_fuse.weight", "decode/linear_fuse/conv.weight"]);
  norm("decode_head.batch_norm", "decode/linear_fuse/bn");
  pairs.push(["decode_head.batch_norm.running_mean", "decode/linear_fuse/bn.mean"]);
  pairs.push(["decode_head.batch_norm.running_var", "decode/linear_fuse/bn.var"]);
  both("decode_head.classifier", "decode/linear_pred");
  return pairs;
}

test("the map for transformers' SegFormer: every tensor in its place, matrices the right way round", () => {
  const trained = networks.segformer.build({ width: 1 / 4, classes: 19, seed: 8 });
  const checkpoint = new Map<string, Tensor>();
  for (const [there, here] of segformerPairs()) {
    const tensor = trained.graph.initializers.get(here);
    if (tensor === undefined) throw new Error(`expected a tensor ${here}`);
    const [rows = 0, columns = 0, ...more] = tensor.dims;
    const values = numbersOf(tensor) ?? [];
    const isMatrix = columns > 0 && more.length === 0;
    const turned = Array.from(
      { length: rows * columns },
      (_, i) => values[(i % rows) * columns + Math.floor(i / rows)] ?? 0,
    );
    checkpoint.set(there, isMatrix ? float32Tensor([columns, rows], turned) : tensor);
  }
  const map = nameMaps.get("segformer");
  if (map === undefined) throw new Error("expected a map");
  const { model, unused, missing } = assignWeights(
    networks.segformer.build({ width: 1 / 4, classes: 19 }),
    checkpoint,
    { map },
  );
  expect([unused, missing]).toEqual([[], []]);
  for (const [name, tensor] of trained.graph.initializers) {
    expect([name, plain(model.graph.initializers.get(name))]).toEqual([name, plain(tensor)]);
  }
});

test.each(["fcn32s", "deeplabv3plus", "bisenet", "unet"] as const)(
  "%s: its own weights with names in PyTorch's words",
  (name) => {
    const trained = networks[name].build({ width: 1 / 16, classes: 5, seed: 8 });
    const words: Readonly<Record<string, string>> = {
      scale: "weight",
      shift: "bias",
      mean: "running_mean",
      var: "running_var",
    };
    const checkpoint = new Map(
      [...trained.graph.initializers]
        .filter(([key]) => !key.startsWith("const/"))
        .map(([key, tensor]) => [key.replaceAll("/", ".").replace(/[^.]+$/, (last) => words[last] ?? last), tensor]),
    );
    const { model, unused } = assignWeights(networks[name].build({ width: 1 / 16, classes: 5 }), checkpoint);
    expect(unused).toEqual([]);
    expect(plain(model.graph.initializers)).toEqual(plain(trained.graph.initializers));
  },
);
