// FCN-16s: VGG-16 with class scores of two depths, fused from deep to shallow.
// Long et al., "Fully Convolutional Networks for Semantic Segmentation", CVPR 2015, section 4.2 and figure 3. Names are
// those of the authors' Caffe network voc-fcn16s.
// Departs from it in padding (see vgg.ts), hence without crops; `upscore16` puts out `logits`, which was `score`.

import type { Model } from "../onnx/index.ts";
import { fcnTrunk, fuseScores, upscore } from "./fcn.ts";
import type { VggOptions } from "./vgg.ts";

/**
 * Builds FCN-16s. Default width 1/8, 21 classes; 135 million weights at width 1.
 * `image` float32 [batch, 3, height, width] -> `logits` float32 [batch, classes, height, width]; height and width
 * multiples of 32.
 */
export function fcn16s(options: VggOptions = {}): Model {
  const { layers, pool4, scoreFr } = fcnTrunk("fcn16s", options);
  const names = { upscore: "upscore2", score: "score_pool4", fuse: "fuse_pool4" };
  return upscore(layers, "upscore16", fuseScores(layers, scoreFr, pool4, names), 16);
}
