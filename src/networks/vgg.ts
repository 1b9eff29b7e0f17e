// The VGG-16 trunk of the fully convolutional networks: conv1_1 .. pool5, fc6, fc7, score_fr.
// Simonyan and Zisserman 2015 (configuration D), made convolutional as in Long et al., "Fully Convolutional Networks for
// Semantic Segmentation", CVPR 2015, section 4.1; names are those of the authors' Caffe networks (voc-fcn8s).
// Departs from them in one thing: the original pads the image by 100 pixels and leaves fc6 unpadded, so that any image is
// large enough, and crops afterwards. Here fc6 is padded by 3, everything stays aligned, and height and width are
// multiples of 32.

import { ClockworkError } from "../errors.ts";
import type { Feature, Layers } from "./layers.ts";
import type { CommonOptions, Sizing } from "./options.ts";

/** Options of the networks on VGG-16. */
export type VggOptions = CommonOptions &
  Sizing & {
    /** Channels of fc6 and fc7 as a multiple of 4096; default: `width`. They hold 9 of 10 weights of the full network. */
    readonly fcWidth?: number;
  };

/** What the heads read. */
export interface VggFeatures {
  /** [batch, 256 width, height / 8, width / 8] */
  readonly pool3: Feature;
  /** [batch, 512 width, height / 16, width / 16] */
  readonly pool4: Feature;
  /** Class scores [batch, classes, height / 32, width / 32] */
  readonly scoreFr: Feature;
}

/** Adds the trunk. @throws ClockworkError `invalid-argument` for an `fcWidth` that is no positive number */
export function vgg16(layers: Layers, fcWidth: number): VggFeatures {
  if (!(fcWidth > 0 && Number.isFinite(fcWidth))) {
    const message = `${layers.options.name}: expected \`fcWidth\` to be a positive number, got ${fcWidth}`;
    throw new ClockworkError("invalid-argument", message);
  }
  const block = (index: number, count: number, channels: number, from: Feature): Feature => {
    let x = from;
    for (let i = 1; i <= count; i++) {
      x = layers.conv(`conv${index}_${i}`, x, layers.scaled(channels), { kernel: 3, bias: true });
      x = layers.relu(`relu${index}_${i}`, x);
    }
    return layers.maxPool(`pool${index}`, x, 2, 2);
  };
  const pool3 = block(3, 3, 256, block(2, 2, 128, block(1, 2, 64, layers.image)));
  const pool4 = block(4, 3, 512, pool3);
  const pool5 = block(5, 3, 512, pool4);
  const fcChannels = Math.max(1, Math.round(4096 * fcWidth));
  const relu6 = layers.relu("relu6", layers.conv("fc6", pool5, fcChannels, { kernel: 7, bias: true }));
  const relu7 = layers.relu("relu7", layers.conv("fc7", relu6, fcChannels, { bias: true }));
  return { pool3, pool4, scoreFr: layers.conv("score_fr", relu7, layers.options.classes, { bias: true }) };
}
