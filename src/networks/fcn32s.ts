// FCN-32s: VGG-16 with class scores of the last layer alone, upsampled in one step. It has no skip, so no stage of it
// can rest while another runs.
// Long et al., "Fully Convolutional Networks for Semantic Segmentation", CVPR 2015, section 4.1. Names are those of the
// authors' Caffe network voc-fcn32s. Departs from it in padding (see vgg.ts); `upscore` puts out `logits`.

import type { Model } from "../onnx/index.ts";
import { fcnTrunk, upscore } from "./fcn.ts";
import type { VggOptions } from "./vgg.ts";

/**
 * Builds FCN-32s. Default width 1/8, 21 classes; 136 million weights at width 1, of which 1.8 million interpolate.
 * `image` float32 [batch, 3, height, width] -> `logits` float32 [batch, classes, height, width]; height and width
 * multiples of 32.
 */
export function fcn32s(options: VggOptions = {}): Model {
  const { layers, scoreFr } = fcnTrunk("fcn32s", options);
  return upscore(layers, "upscore", scoreFr, 32);
}
