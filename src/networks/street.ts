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

/** Options of street; with `auxiliary`, it has the outputs `aux4`, `aux8` and `aux16`. */
export type StreetOptions = NetworkOptions &
  AuxiliaryOptions & {
    /** Stride of the finest scores; default 4. 2 draws what is thin, for a fifteenth more arithmetic, all of it in stage 1. */
    readonly finestStride?: 2 | 4;
    /** Stride of the deep stage; default 16. 8 sees four times as finely, for four times its arithmetic; weights fit both. */
    readonly deepStride?: 8 | 16;
  };

/** Dilations of the residual blocks of the deep stage: together they see further than a picture of 480x360 is wide. */
const deepDilations = [1, 2, 4, 8, 1] as const;

/**
 * Builds street. Default width 1, 12 classes; 1.7 million weights, 1.8 GMAC at 480x360.
 * `image` float32 [batch, 3, height, width] -> `logits` float32 [batch, classes, height, width], and with
 * `auxiliary: true` scores upsampled to the same shape, which losses may teach, too: those that fresh features at stride 4
 * have of their own (`aux4`), those at stride 8 (`aux8`) and the deep stage's (`aux16`).
 */
export function street(options: StreetOptions = {}): Model {
  const layers = new Layers(resolveOptions(options, { name: "street", width: 1, classes: 12, sizeMultiple: 1 }));
  const wide = (channels: number): number => layers.scaled(channels);
  const half = layers.convBnRelu("half", layers.image, wide(16), { kernel: 3, stride: 2 });
  const down4 = layers.convBnRelu("quarter/down", half, wide(32), { kernel: 3, stride: 2 });
  const quarter = basicBlock(layers, "quarter/block", down4, wide(32));
  const down8 = layers.convBnRelu("eighth/down", quarter, wide(64), { kernel: 3, stride: 2 });
  const eighth = basicBlock(layers, "eighth/block", down8, wide(64));

  // Without its stride, the deep stage looks at the same places with dilations twice as large (Chen et al., DeepLab).
  const stride = (options.deepStride ?? 16) / 8;
  const spread = 2 / stride;
  let deep = layers.convBnRelu("deep/down", eighth, wide(128), { kernel: 3, stride });
  for (const [index, dilation] of deepDilations.entries()) {
    deep = basicBlock(layers, `deep/block${index}`, deep, wide(128), { dilation: dilation * spread });
  }
  const context = layers.convBnRelu("deep/context", deep, wide(32));
  const score16 = score(layers, "deep/score", context);

  const fused8 = fuse(layers, "fuse8", { features: context, scores: score16 }, eighth, wide(64));
  const fused4 = fuse(layers, "fuse4", fused8, quarter, wide(32));
  const finest = options.finestStride === 2 ? fuse(layers, "fuse2", fused4, half, wide(16)) : fused4;
  const whole = (name: string, map: Feature, output: string): Feature =>
    layers.resizeLike(name, map, layers.image, "bilinear", output);
  const logits = whole("up", finest.scores, "logits");
  const auxiliary =
    (options.auxiliary ?? false)
      ? [
          whole("aux4/up", fused4.own, "aux4"),
          whole("aux8/up", fused8.scores, "aux8"),
          whole("aux16/up", score16, "aux16"),
        ]
      : [];
  return layers.finish(logits, 1, auxiliary);
}

function score(layers: Layers, name: string, x: Feature): Feature {
  return layers.conv(name, x, layers.options.classes, { bias: true });
}

/** What goes from one stride to the next. */
interface Scored {
  readonly features: Feature;
  readonly scores: Feature;
}

/**
 * Features and scores of half the size meet fresh features; gives features and corrected scores at the larger size, and
 * the scores that the fresh features have of their own. What is below is brought to the fresh features' channels before it
 * is upsampled, which is the same and cheaper, and added: the 3x3 convolution over them is then no wider than they are.
 */
function fuse(
  layers: Layers,
  name: string,
  below: Scored,
  fresh: Feature,
  channels: number,
): Scored & { readonly own: Feature } {
  const joint = layers.concat(`${name}/concat`, [below.features, below.scores]);
  const projected = layers.conv(`${name}/project`, joint, fresh.channels, { bias: true });
  const joined = layers.add(`${name}/sum`, layers.resizeLike(`${name}/features`, projected, fresh, "bilinear"), fresh);
  const features = layers.convBnRelu(name, joined, channels, { kernel: 3 });
  const guess = layers.resizeLike(`${name}/scores`, below.scores, fresh, "bilinear");
  const own = score(layers, `${name}/own`, fresh);
  const corrections = layers.add(`${name}/corrections`, own, score(layers, `${name}/correction`, features));
  return { features, scores: layers.add(`${name}/score`, guess, corrections), own };
}
