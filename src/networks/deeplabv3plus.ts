// DeepLabv3+: atrous spatial pyramid pooling at stride 16, and a decoder with one skip from stride 4.
// Chen et al., "Encoder-Decoder with Atrous Separable Convolution for Semantic Image Segmentation", ECCV 2018, figure 2,
// with a ResNet encoder as in its section 4.2. Convolutions are not separable, as in the paper's ResNet variant; the
// authors' ResNet has the stem `3x3`, most implementations (jfzhang95/pytorch-deeplab-xception, and here the default) the
// one of torchvision.

import type { Model } from "../onnx/index.ts";
import { Layers, type Feature } from "./layers.ts";
import { resolveOptions } from "./options.ts";
import { resnet, type ResnetOptions } from "./resnet.ts";

/**
 * Builds DeepLabv3+. Default width 1/8, ResNet-18, 21 classes; the paper's encoder is `depth: 101`: 59 million weights
 * at width 1.
 * `image` float32 [batch, 3, height, width] -> `logits` float32 [batch, classes, height, width].
 */
export function deeplabv3plus(options: ResnetOptions = {}): Model {
  const layers = new Layers(
    resolveOptions(options, { name: "deeplabv3plus", width: 1 / 8, classes: 21, sizeMultiple: 1 }),
  );
  const { layer1, layer4 } = resnet(layers, "encoder", {
    depth: options.depth ?? 18,
    stem: options.stem,
    outputStride: 16,
  });
  const context = aspp(layers, layer4);

  const low = layers.convBnRelu("decoder/low", layer1, layers.scaled(48));
  const up = layers.resizeLike("decoder/up", context, low, "bilinear");
  let x = layers.concat("decoder/concat", [up, low]);
  for (const name of ["decoder/0", "decoder/1"]) x = layers.convBnRelu(name, x, layers.scaled(256), { kernel: 3 });
  const score = layers.conv("decoder/score", x, layers.options.classes, { bias: true });
  return layers.finish(layers.resizeLike("upsample", score, layers.image, "bilinear", "logits"), 1);
}

/** Atrous spatial pyramid pooling with image pooling: [batch, 256 width, height / 16, width / 16]. */
function aspp(layers: Layers, x: Feature): Feature {
  const channels = layers.scaled(256);
  const image = layers.convBnRelu("aspp/image", layers.globalPool("aspp/image/pool", x), channels);
  const parts: [Feature, ...Feature[]] = [layers.convBnRelu("aspp/rate1", x, channels)];
  for (const rate of [6, 12, 18]) {
    parts.push(layers.convBnRelu(`aspp/rate${rate}`, x, channels, { kernel: 3, dilation: rate }));
  }
  parts.push(layers.resizeLike("aspp/image/up", image, x, "bilinear"));
  return layers.convBnRelu("aspp/project", layers.concat("aspp/concat", parts), channels);
}
