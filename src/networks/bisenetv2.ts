// BiSeNet V2: a wide and shallow detail branch at stride 8, a narrow and deep semantic branch at stride 32, and a layer in
// which each gates the other.
// Yu et al., "BiSeNet V2: Bilateral Network with Guided Aggregation for Real-time Semantic Segmentation", IJCV 2021,
// table 1 and figures 3 to 7; expansion 6, a head of 1024 channels. What the paper leaves open is as in the implementation
// best known (CoinCheung/BiSeNet): a normalisation and a ReLU behind the last convolutions of the context embedding and of
// the guided aggregation, and a ReLU behind the last depthwise convolution of a gather-and-expansion layer. Upsampling is
// bilinear, as the paper's figure 6 has it, where that implementation repeats pixels.
// Auxiliary heads are the paper's segmentation head with 128 channels, on the semantic branch at the end of its stages.

import type { Model } from "../onnx/index.ts";
import { Layers, type Feature } from "./layers.ts";
import { resolveOptions, type AuxiliaryOptions, type NetworkOptions } from "./options.ts";

/** Options of BiSeNet V2; with `auxiliary`, it has the outputs `aux2` to `aux5`. */
export type BisenetV2Options = NetworkOptions & AuxiliaryOptions;

/** A stage of the semantic branch: a halving layer, and others behind it. */
interface StageSpec {
  readonly channels: number;
  readonly layers: number;
}

/** Stages 3 to 5 (table 1). */
const stages: readonly StageSpec[] = [
  { channels: 32, layers: 2 },
  { channels: 64, layers: 2 },
  { channels: 128, layers: 4 },
];
const expansion = 6;

/**
 * Builds BiSeNet V2. Default width 1/4, 19 classes; 3.3 million weights at width 1.
 * `image` float32 [batch, 3, height, width] -> `logits` float32 [batch, classes, height, width], and with
 * `auxiliary: true` the same from the stem and from stages 3 to 5 of the semantic branch: `aux2`, `aux3`, `aux4`, `aux5`.
 */
export function bisenetv2(options: BisenetV2Options = {}): Model {
  const layers = new Layers(resolveOptions(options, { name: "bisenetv2", width: 1 / 4, classes: 19, sizeMultiple: 1 }));
  const detail = detailBranch(layers);
  const { context, ends } = semanticBranch(layers);
  const logits = head(layers, "head", aggregate(layers, detail, context), layers.scaled(1024), "logits");
  const auxiliary = (options.auxiliary ?? false) ? ends : [];
  return layers.finish(
    logits,
    1,
    auxiliary.map((end, index) => head(layers, `aux${index + 2}/head`, end, layers.scaled(128), `aux${index + 2}`)),
  );
}

/** [batch, 128 width, height / 8, width / 8] */
function detailBranch(layers: Layers): Feature {
  let x = layers.image;
  for (const [index, channels] of [
    [64, 64],
    [64, 64, 64],
    [128, 128, 128],
  ].entries()) {
    for (const [i, wide] of channels.entries()) {
      const init = { kernel: 3, stride: i === 0 ? 2 : 1 };
      x = layers.convBnRelu(`detail/stage${index + 1}/${i}`, x, layers.scaled(wide), init);
    }
  }
  return x;
}

/** The context [batch, 128 width, height / 32, width / 32], and the ends of the stem and of the stages. */
function semanticBranch(layers: Layers): { readonly context: Feature; readonly ends: readonly Feature[] } {
  let x = stem(layers);
  const ends = [x];
  for (const [index, spec] of stages.entries()) {
    const name = `semantic/stage${index + 3}`;
    x = gatherAndHalve(layers, `${name}/0`, x, layers.scaled(spec.channels));
    for (let i = 1; i < spec.layers; i++) x = gather(layers, `${name}/${i}`, x);
    ends.push(x);
  }
  return { context: embedContext(layers, x), ends };
}

/** Stem block: stride 4 by a convolution and by pooling side by side (figure 4a). */
function stem(layers: Layers): Feature {
  const channels = layers.scaled(16);
  const half = layers.convBnRelu("semantic/stem/conv", layers.image, channels, { kernel: 3, stride: 2 });
  const narrow = layers.convBnRelu("semantic/stem/left0", half, layers.scaled(8));
  const left = layers.convBnRelu("semantic/stem/left1", narrow, channels, { kernel: 3, stride: 2 });
  const both = layers.concat("semantic/stem/concat", [left, layers.maxPool("semantic/stem/pool", half, 3, 2, 1)]);
  return layers.convBnRelu("semantic/stem/fuse", both, channels, { kernel: 3 });
}

/** Gather-and-expansion layer (figure 5b). */
function gather(layers: Layers, name: string, x: Feature): Feature {
  const gathered = layers.convBnRelu(`${name}/conv1`, x, x.channels, { kernel: 3 });
  const expanded = layers.convBnRelu(`${name}/expand`, gathered, x.channels * expansion, {
    kernel: 3,
    groups: x.channels,
  });
  return residual(layers, name, expanded, x);
}

/** Gather-and-expansion layer that halves the size (figure 5c). */
function gatherAndHalve(layers: Layers, name: string, x: Feature, channels: number): Feature {
  const gathered = layers.convBnRelu(`${name}/conv1`, x, x.channels, { kernel: 3 });
  const half = { kernel: 3, stride: 2, groups: x.channels };
  const expanded = layers.convBn(`${name}/expand`, gathered, x.channels * expansion, half);
  const init = { kernel: 3, groups: expanded.channels };
  const mixed = layers.convBnRelu(`${name}/depthwise`, expanded, expanded.channels, init);
  const shortcut = layers.convBn(`${name}/shortcut/depthwise`, x, x.channels, half);
  return residual(layers, name, mixed, layers.convBn(`${name}/shortcut/project`, shortcut, channels));
}

/** The expanded map, projected back and added to the shortcut. */
function residual(layers: Layers, name: string, expanded: Feature, shortcut: Feature): Feature {
  const projected = layers.convBn(`${name}/project`, expanded, shortcut.channels);
  return layers.relu(`${name}/relu`, layers.add(`${name}/add`, projected, shortcut));
}

/** Context embedding block: what the whole map says, added to every pixel (figure 4b). */
function embedContext(layers: Layers, x: Feature): Feature {
  const pooled = layers.batchNorm("semantic/context/bn", layers.globalPool("semantic/context/pool", x));
  const context = layers.convBnRelu("semantic/context/gap", pooled, x.channels);
  const sum = layers.add("semantic/context/add", context, x);
  return layers.convBnRelu("semantic/context/conv", sum, x.channels, { kernel: 3 });
}

/** Guided aggregation: each branch, at both sizes, gated by the other (figure 6). */
function aggregate(layers: Layers, detail: Feature, context: Feature): Feature {
  const { channels } = detail;
  const separable = (name: string, x: Feature): Feature =>
    layers.conv(
      `${name}/pointwise`,
      layers.convBn(`${name}/depthwise`, x, channels, { kernel: 3, groups: channels }),
      channels,
    );
  const sigmoid = (name: string, x: Feature): Feature => layers.activation(`${name}/sigmoid`, "Sigmoid", x);

  const fine = separable("bga/detail", detail);
  const halved = layers.convBn("bga/detail_down", detail, channels, { kernel: 3, stride: 2 });
  const coarse = layers.averagePool("bga/detail_down/pool", halved, 3, 2, 1);
  const wide = layers.convBn("bga/semantic_up", context, channels, { kernel: 3 });
  const gate = sigmoid("bga/semantic_up", layers.resizeLike("bga/semantic_up/up", wide, fine, "bilinear"));
  const guided = layers.mul("bga/detail/mul", fine, gate);

  const deep = sigmoid("bga/semantic", separable("bga/semantic", context));
  const product = layers.mul("bga/semantic/mul", coarse, deep);
  const up = layers.resizeLike("bga/semantic/up", product, guided, "bilinear");
  return layers.convBnRelu("bga/conv", layers.add("bga/add", guided, up), channels, { kernel: 3 });
}

/** Segmentation head (figure 7): scores at the size of the image. */
function head(layers: Layers, name: string, x: Feature, channels: number, output: string): Feature {
  const hidden = layers.convBnRelu(`${name}/conv`, x, channels, { kernel: 3 });
  const score = layers.conv(`${name}/score`, hidden, layers.options.classes, { bias: true });
  return layers.resizeLike(`${name}/up`, score, layers.image, "bilinear", output);
}
