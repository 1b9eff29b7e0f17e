// FCN-8s: VGG-16 with class scores of three depths, fused from deep to shallow.
// Long et al., "Fully Convolutional Networks for Semantic Segmentation", CVPR 2015, section 4.2 and figure 3: the network
// that the clockwork paper cuts into stages. Names are those of the authors' Caffe network voc-fcn8s.
// Departs from it in padding (see vgg.ts), hence without crops; `upscore8` puts out `logits`, which was `score`.

import type { Model } from "../onnx/index.ts";
import { fcnTrunk, fuseScores, upscore } from "./fcn.ts";
import type { VggOptions } from "./vgg.ts";

/**
 * Builds FCN-8s. Default width 1/8, 21 classes; 134 million weights at width 1.
 * `image` float32 [batch, 3, height, width] -> `logits` float32 [batch, classes, height, width]; height and width
 * multiples of 32.
 */
export function fcn8s(options: VggOptions = {}): Model {
  const { layers, pool3, pool4, scoreFr } = fcnTrunk("fcn8s", options);
  const names4 = { upscore: "upscore2", score: "score_pool4", fuse: "fuse_pool4" };
  const fused4 = fuseScores(layers, scoreFr, pool4, names4);
  const names3 = { upscore: "upscore_pool4", score: "score_pool3", fuse: "fuse_pool3" };
  return upscore(layers, "upscore8", fuseScores(layers, fused4, pool3, names3), 8);
}
