// Fast-SCNN: a few convolutions down to stride 8 that both a skip and a global feature extractor at stride 32 start from.
// Poudel et al., "Fast-SCNN: Fast Semantic Segmentation Network", BMVC 2019, figure 1 and tables 1 to 3.
// Departs from it in two things: the deep features are upsampled to the size of the skip, which is 4 times their own where
// the image divides, and the auxiliary heads, which only training uses, are left out.

import type { Model } from "../onnx/index.ts";
import { Layers, type Feature } from "./layers.ts";
import { resolveOptions, type NetworkOptions } from "./options.ts";
import { pyramidPooling } from "./pyramid-pooling.ts";

/**
 * Builds Fast-SCNN. Default width 1/4, 19 classes; 1.1 million weights at width 1.
 * `image` float32 [batch, 3, height, width] -> `logits` float32 [batch, classes, height, width].
 */
export function fastScnn(options: NetworkOptions = {}): Model {
  const layers = new Layers(resolveOptions(options, { name: "fast-scnn", width: 1 / 4, classes: 19, sizeMultiple: 1 }));
  const scaled = (channels: number): number => layers.scaled(channels);

  // Learning to downsample.
  const conv = layers.convBnRelu("downsample/conv", layers.image, scaled(32), { kernel: 3, stride: 2 });
  const ds1 = separable(layers, "downsample/ds1", conv, scaled(48), 2);
  const high = separable(layers, "downsample/ds2", ds1, scaled(64), 2);

  // Global feature extractor.
  let low = high;
  for (const [index, { channels, stride }] of bottlenecks.entries()) {
    for (let i = 0; i < 3; i++) {
      low = bottleneck(layers, `global/bottleneck${index + 1}/${i}`, low, scaled(channels), i === 0 ? stride : 1);
    }
  }
  const pyramid = pyramidPooling(layers, "global/ppm", low, Math.max(1, Math.round(low.channels / 4)));
  const global = layers.convBnRelu("global/out", pyramid, scaled(128));

  // Feature fusion.
  const up = layers.resizeLike("fusion/up", global, high, "bilinear");
  const wide = layers.convBnRelu("fusion/depthwise", up, scaled(128), {
    kernel: 3,
    dilation: 4,
    groups: up.channels,
  });
  const deep = layers.convBn("fusion/low", wide, scaled(128), { bias: true });
  const skip = layers.convBn("fusion/high", high, scaled(128), { bias: true });
  const fused = layers.relu("fusion/relu", layers.add("fusion/add", skip, deep));

  // Classifier.
  let x = fused;
  for (const name of ["classifier/ds1", "classifier/ds2"]) x = separable(layers, name, x, scaled(128), 1);
  const score = layers.conv("classifier/score", x, layers.options.classes, { bias: true });
  return layers.finish(layers.resizeLike("upsample", score, layers.image, "bilinear", "logits"), 1);
}

/** Three blocks each (table 1). */
const bottlenecks = [
  { channels: 64, stride: 2 },
  { channels: 96, stride: 2 },
  { channels: 128, stride: 1 },
] as const;

/** Depthwise 3x3 and pointwise convolution. */
function separable(layers: Layers, name: string, x: Feature, channels: number, stride: number): Feature {
  const depthwise = layers.convBnRelu(`${name}/depthwise`, x, x.channels, { kernel: 3, stride, groups: x.channels });
  return layers.convBnRelu(`${name}/pointwise`, depthwise, channels);
}

/** Inverted residual of MobileNetV2 with expansion 6 (table 2). */
function bottleneck(layers: Layers, name: string, x: Feature, channels: number, stride: number): Feature {
  const expanded = layers.convBnRelu(`${name}/expand`, x, x.channels * 6);
  const depthwise = layers.convBnRelu(`${name}/depthwise`, expanded, expanded.channels, {
    kernel: 3,
    stride,
    groups: expanded.channels,
  });
  const projected = layers.convBn(`${name}/project`, depthwise, channels);
  return stride === 1 && x.channels === channels ? layers.add(`${name}/add`, x, projected) : projected;
}
