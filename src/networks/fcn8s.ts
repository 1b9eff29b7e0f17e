// FCN-8s: VGG-16 with class scores of three depths, fused from deep to shallow.
// Long et al., "Fully Convolutional Networks for Semantic Segmentation", CVPR 2015, section 4.2 and figure 3: the network
// that the clockwork paper cuts into stages. Names are those of the authors' Caffe network voc-fcn8s.
// Departs from it in padding (see vgg.ts), hence without crops; `upscore8` puts out `logits`, which was `score`.

import type { Model } from "../onnx/index.ts";
import { Layers } from "./layers.ts";
import { resolveOptions } from "./options.ts";
import { vgg16, type VggOptions } from "./vgg.ts";

/**
 * Builds FCN-8s. Default width 1/8, 21 classes; 134 million weights at width 1.
 * `image` float32 [1, 3, height, width] -> `logits` float32 [1, classes, height, width]; height and width multiples of 32.
 */
export function fcn8s(options: VggOptions = {}): Model {
  const resolved = resolveOptions(options, { name: "fcn8s", width: 1 / 8, classes: 21, sizeMultiple: 32 });
  const layers = new Layers(resolved);
  const { classes } = resolved;
  const { pool3, pool4, scoreFr } = vgg16(layers, options.fcWidth ?? resolved.width);
  const twice = { kernel: 4, stride: 2, pad: 1, weights: "bilinear" } as const;

  const upscore2 = layers.convTranspose("upscore2", scoreFr, classes, twice);
  const scorePool4 = layers.conv("score_pool4", pool4, classes, { bias: true });
  const fusePool4 = layers.add("fuse_pool4", upscore2, scorePool4);

  const upscorePool4 = layers.convTranspose("upscore_pool4", fusePool4, classes, twice);
  const scorePool3 = layers.conv("score_pool3", pool3, classes, { bias: true });
  const fusePool3 = layers.add("fuse_pool3", upscorePool4, scorePool3);

  const upscore8 = { kernel: 16, stride: 8, pad: 4, weights: "bilinear", output: "logits" } as const;
  return layers.finish(layers.convTranspose("upscore8", fusePool3, classes, upscore8), 1);
}
