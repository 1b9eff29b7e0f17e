// street: a network made to be cut into stages. Not from a paper; what it is made of is He et al.'s residual blocks (CVPR
// 2016), dilated as in Yu and Koltun's (ICLR 2016), and Long et al.'s fusion of score maps (CVPR 2015).
// - Dense 3x3 convolutions only: what CPUs and GPUs do fastest.
// - Two stages by construction. The deep one has three quarters of the arithmetic or more; what leaves it are class scores
//   and a few features at stride 8. All above it is fresh on every frame.
// - Scores at each of the strides 16, 8 and 4, and 2 if asked for; each corrects the one below it, so a held score is only
//   a first guess. Fresh features also have scores of their own, which an adaptive clock can watch before it decides on
//   what is deeper.
// - Upsampling is bilinear and never learned: what is held may be moved by any distance before it.

import type { Model } from "../onnx/index.ts";
import { Layers, type Feature } from "./layers.ts";
import { resolveOptions, type AuxiliaryOptions, type NetworkOptions } from "./options.ts";
import { basicBlock } from "./resnet.ts";

/** Options of street; with `auxiliary`, it has the outputs `aux8` and `aux16`. */
export type StreetOptions = NetworkOptions &
  AuxiliaryOptions & {
    /** Stride of the finest scores; default 4. 2 draws what is thin, for a fifteenth more arithmetic, all of it in stage 1. */
    readonly finestStride?: 2 | 4;
  };

/** Dilations of the residual blocks of the deep stage: together they see further than a picture of 480x360 is wide. */
const deepDilations = [1, 2, 4, 8, 1] as const;

/**
 * Builds street. Default width 1, 12 classes; 1.7 million weights, 1.8 GMAC at 480x360.
 * `image` float32 [batch, 3, height, width] -> `logits` float32 [batch, classes, height, width], and with
 * `auxiliary: true` the scores at strides 8 and 16, upsampled to the same shape: `aux8`, `aux16`.
 */
export function street(options: StreetOptions = {}): Model {
  const layers = new Layers(resolveOptions(options, { name: "street", width: 1, classes: 12, sizeMultiple: 1 }));
  const wide = (channels: number): number => layers.scaled(channels);
  const half = layers.convBnRelu("half", layers.image, wide(16), { kernel: 3, stride: 2 });
  const down4 = layers.convBnRelu("quarter/down", half, wide(32), { kernel: 3, stride: 2 });
  const quarter = basicBlock(layers, "quarter/block", down4, wide(32));
  const down8 = layers.convBnRelu("eighth/down", quarter, wide(64), { kernel: 3, stride: 2 });
  const eighth = basicBlock(layers, "eighth/block", down8, wide(64));

  let deep = layers.convBnRelu("deep/down", eighth, wide(128), { kernel: 3, stride: 2 });
  for (const [index, dilation] of deepDilations.entries()) {
    deep = basicBlock(layers, `deep/block${index}`, deep, wide(128), { dilation });
  }
  const context = layers.convBnRelu("deep/context", deep, wide(32));
  const score16 = score(layers, "deep/score", context);

  const fused8 = fuse(layers, "fuse8", [context, score16], eighth, wide(64));
  const fused4 = fuse(layers, "fuse4", fused8, quarter, wide(32));
  const finest = options.finestStride === 2 ? fuse(layers, "fuse2", fused4, half, wide(16)) : fused4;
  const whole = (name: string, map: Feature, output: string): Feature =>
    layers.resizeLike(name, map, layers.image, "bilinear", output);
  const logits = whole("up", finest[1], "logits");
  const auxiliary =
    (options.auxiliary ?? false) ? [whole("aux8/up", fused8[1], "aux8"), whole("aux16/up", score16, "aux16")] : [];
  return layers.finish(logits, 1, auxiliary);
}

function score(layers: Layers, name: string, x: Feature): Feature {
  return layers.conv(name, x, layers.options.classes, { bias: true });
}

/**
 * Features and scores of half the size meet fresh features; returns features and corrected scores at the larger size.
 * They are brought to the fresh features' channels before they are upsampled, which is the same and cheaper, and added:
 * the 3x3 convolution over them is then no wider than the fresh features.
 */
function fuse(
  layers: Layers,
  name: string,
  [features, scores]: readonly [Feature, Feature],
  fresh: Feature,
  channels: number,
): readonly [Feature, Feature] {
  const below = layers.concat(`${name}/concat`, [features, scores]);
  const projected = layers.conv(`${name}/project`, below, fresh.channels, { bias: true });
  const joined = layers.add(`${name}/sum`, layers.resizeLike(`${name}/features`, projected, fresh, "bilinear"), fresh);
  const mixed = layers.convBnRelu(name, joined, channels, { kernel: 3 });
  const guess = layers.resizeLike(`${name}/scores`, scores, fresh, "bilinear");
  const own = layers.add(
    `${name}/corrections`,
    score(layers, `${name}/own`, fresh),
    score(layers, `${name}/correction`, mixed),
  );
  return [mixed, layers.add(`${name}/score`, guess, own)];
}
