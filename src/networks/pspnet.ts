// PSPNet: a dilated ResNet at stride 8 and pyramid pooling. It has no skip from a shallow layer: nothing fresh would join
// a deep stage that rests, so the whole network is one stage.
// Zhao et al., "Pyramid Scene Parsing Network", CVPR 2017, figure 3.
// By default it departs from the published form (the authors' hszhao/PSPNet and hszhao/semseg) in two things, which
// options undo: the stem is one 7x7 convolution instead of three 3x3 (`stem: "3x3"`), and the auxiliary head on layer3,
// which only training uses, is left out (`auxiliary: true`).

import type { Model } from "../onnx/index.ts";
import { Layers, type Feature } from "./layers.ts";
import { resolveOptions, type AuxiliaryOptions } from "./options.ts";
import { pyramidPooling } from "./pyramid-pooling.ts";
import { resnet, type ResnetOptions } from "./resnet.ts";

/** Options of PSPNet; with `auxiliary`, it has the output `aux`. */
export type PspnetOptions = ResnetOptions & AuxiliaryOptions;

/**
 * Builds PSPNet. Default width 1/8, ResNet-50, 21 classes; 46.6 million weights at width 1, 49 million as published.
 * `image` float32 [batch, 3, height, width] -> `logits` float32 [batch, classes, height, width], and with
 * `auxiliary: true` the same from layer3: `aux`.
 */
export function pspnet(options: PspnetOptions = {}): Model {
  const layers = new Layers(resolveOptions(options, { name: "pspnet", width: 1 / 8, classes: 21, sizeMultiple: 1 }));
  const { layer3, layer4 } = resnet(layers, "encoder", {
    depth: options.depth ?? 50,
    stem: options.stem,
    outputStride: 8,
  });
  const pyramid = pyramidPooling(layers, "ppm", layer4, Math.max(1, Math.round(layer4.channels / 4)));
  const hidden = layers.convBnRelu("head", pyramid, layers.scaled(512), { kernel: 3 });
  const logits = scoresOf(layers, "head/score", "upsample", hidden, "logits");
  return layers.finish(logits, 1, (options.auxiliary ?? false) ? [auxiliaryHead(layers, layer3)] : []);
}

function auxiliaryHead(layers: Layers, x: Feature): Feature {
  const hidden = layers.convBnRelu("aux/head", x, Math.max(1, Math.round(x.channels / 4)), { kernel: 3 });
  return scoresOf(layers, "aux/score", "aux/upsample", hidden, "aux");
}

/** Scores at the size of the image. */
function scoresOf(layers: Layers, name: string, upsample: string, hidden: Feature, output: string): Feature {
  const score = layers.conv(name, hidden, layers.options.classes, { bias: true });
  return layers.resizeLike(upsample, score, layers.image, "bilinear-corners", output);
}
