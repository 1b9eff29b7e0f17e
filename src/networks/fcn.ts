// What the fully convolutional networks share: class scores of VGG-16's depths, upsampled and added from deep to shallow.
// Long et al., "Fully Convolutional Networks for Semantic Segmentation", CVPR 2015, sections 4.1 and 4.2 and figure 3.
// Upsampling is learned and starts from bilinear interpolation. The authors' Caffe networks have the same transposed
// convolutions with a learning rate of zero; whoever trains decides.

import type { Model } from "../onnx/index.ts";
import { Layers, type Feature } from "./layers.ts";
import { resolveOptions } from "./options.ts";
import { vgg16, type VggFeatures, type VggOptions } from "./vgg.ts";

/** A network so far: the trunk, and the scores of its last layer. */
export interface FcnTrunk extends VggFeatures {
  readonly layers: Layers;
}

/** Names that a fusion has in the authors' network. */
export interface FusionNames {
  readonly upscore: string;
  readonly score: string;
  readonly fuse: string;
}

/** Begins the network called `name`. Default width 1/8, 21 classes. */
export function fcnTrunk(name: string, options: VggOptions): FcnTrunk {
  const resolved = resolveOptions(options, { name, width: 1 / 8, classes: 21, sizeMultiple: 32 });
  const layers = new Layers(resolved);
  return { layers, ...vgg16(layers, options.fcWidth ?? resolved.width) };
}

/** Scores, upsampled to twice their size, and the scores of a pooled map of that size. */
export function fuseScores(layers: Layers, scores: Feature, pool: Feature, names: FusionNames): Feature {
  const upscored = upsampled(layers, names.upscore, scores, 2);
  const skip = layers.conv(names.score, pool, layers.options.classes, { bias: true });
  return layers.add(names.fuse, upscored, skip);
}

/** Ends the network: scores, upsampled to the size of the image. */
export function upscore(layers: Layers, name: string, scores: Feature, stride: number): Model {
  return layers.finish(upsampled(layers, name, scores, stride, "logits"), 1);
}

function upsampled(layers: Layers, name: string, scores: Feature, stride: number, output?: string): Feature {
  return layers.convTranspose(name, scores, scores.channels, {
    kernel: 2 * stride,
    stride,
    pad: stride / 2,
    weights: "bilinear",
    ...(output === undefined ? {} : { output }),
  });
}
