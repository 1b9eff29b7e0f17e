// PSPNet: a dilated ResNet at stride 8 and pyramid pooling. It has no skip from a shallow layer: nothing fresh would join
// a deep stage that rests, so the whole network is one stage.
// Zhao et al., "Pyramid Scene Parsing Network", CVPR 2017, figure 3.
// Departs from it in the stem (one 7x7 convolution instead of three 3x3) and leaves out the auxiliary head.

import type { Model } from "../onnx/index.ts";
import { Layers } from "./layers.ts";
import { resolveOptions } from "./options.ts";
import { pyramidPooling } from "./pyramid-pooling.ts";
import { resnet, type ResnetOptions } from "./resnet.ts";

/**
 * Builds PSPNet. Default width 1/8, ResNet-50, 21 classes.
 * `image` float32 [1, 3, height, width] -> `logits` float32 [1, classes, height, width].
 */
export function pspnet(options: ResnetOptions = {}): Model {
  const layers = new Layers(resolveOptions(options, { name: "pspnet", width: 1 / 8, classes: 21, sizeMultiple: 1 }));
  const { layer4 } = resnet(layers, "encoder", options.depth ?? 50, 8);
  const pyramid = pyramidPooling(layers, "ppm", layer4, Math.max(1, Math.round(layer4.channels / 4)));
  const hidden = layers.convBnRelu("head", pyramid, layers.scaled(512), { kernel: 3 });
  const score = layers.conv("head/score", hidden, layers.options.classes, { bias: true });
  return layers.finish(layers.resizeLike("upsample", score, layers.image, "bilinear-corners", "logits"), 1);
}
