// U-Net: an encoder of four poolings and a decoder of four transposed convolutions, joined at every scale.
// Ronneberger et al., "U-Net: Convolutional Networks for Biomedical Image Segmentation", MICCAI 2015, figure 1.
// Departs from it as most implementations do: convolutions are padded (so nothing is cropped) and batch-normalised,
// images have three channels.

import type { Model } from "../onnx/index.ts";
import { Layers, type Feature } from "./layers.ts";
import { resolveOptions, type NetworkOptions } from "./options.ts";

/**
 * Builds U-Net. Default width 1/8, 2 classes; 31 million weights at width 1.
 * `image` float32 [batch, 3, height, width] -> `logits` float32 [batch, classes, height, width]; height and width multiples of 16.
 */
export function unet(options: NetworkOptions = {}): Model {
  const layers = new Layers(resolveOptions(options, { name: "unet", width: 1 / 8, classes: 2, sizeMultiple: 16 }));
  const double = (name: string, x: Feature, channels: number): Feature => {
    const first = layers.convBnRelu(`${name}/0`, x, channels, { kernel: 3 });
    return layers.convBnRelu(`${name}/1`, first, channels, { kernel: 3 });
  };
  const channelsAt = (level: number): number => layers.scaled(64 * 2 ** level);

  const skips: Feature[] = [];
  let x = double("inc", layers.image, channelsAt(0));
  for (let level = 1; level <= 4; level++) {
    skips.push(x);
    x = double(`down${level}`, layers.maxPool(`down${level}/pool`, x, 2, 2), channelsAt(level));
  }
  for (const [index, skip] of skips.toReversed().entries()) {
    const name = `up${index + 1}`;
    const up = layers.convTranspose(`${name}/up`, x, skip.channels, { kernel: 2, stride: 2, bias: true });
    x = double(name, layers.concat(`${name}/concat`, [skip, up]), skip.channels);
  }
  return layers.finish(layers.conv("outc", x, layers.options.classes, { bias: true, output: "logits" }), 1);
}
