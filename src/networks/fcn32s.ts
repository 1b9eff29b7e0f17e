// FCN-32s: VGG-16 with class scores of the last layer alone, upsampled in one step. It has no skip, so no stage of it
// can rest while another runs.
// Long et al., "Fully Convolutional Networks for Semantic Segmentation", CVPR 2015, section 4.1. Names are those of the
// authors' Caffe network voc-fcn32s. Departs from it in padding (see vgg.ts); `upscore` puts out `logits`.

import type { Model } from "../onnx/index.ts";
import { Layers } from "./layers.ts";
import { resolveOptions } from "./options.ts";
import { vgg16, type VggOptions } from "./vgg.ts";

/**
 * Builds FCN-32s. Default width 1/8, 21 classes.
 * `image` float32 [1, 3, height, width] -> `logits` float32 [1, classes, height, width]; height and width multiples of 32.
 */
export function fcn32s(options: VggOptions = {}): Model {
  const resolved = resolveOptions(options, { name: "fcn32s", width: 1 / 8, classes: 21, sizeMultiple: 32 });
  const layers = new Layers(resolved);
  const { scoreFr } = vgg16(layers, options.fcWidth ?? resolved.width);
  const upscore = { kernel: 64, stride: 32, pad: 16, weights: "bilinear", output: "logits" } as const;
  return layers.finish(layers.convTranspose("upscore", scoreFr, resolved.classes, upscore), 1);
}
