// Architectures of segmentation networks as graph builders, untrained: for tests and benchmarks, and to be trained.

import type { Model } from "../onnx/index.ts";
import { bisenet } from "./bisenet.ts";
import { bisenetv2 } from "./bisenetv2.ts";
import { ddrnet } from "./ddrnet.ts";
import { deeplabv3plus } from "./deeplabv3plus.ts";
import { espnet } from "./espnet.ts";
import { fastScnn } from "./fast-scnn.ts";
import { fcn16s } from "./fcn16s.ts";
import { fcn32s } from "./fcn32s.ts";
import { fcn8s } from "./fcn8s.ts";
import { lraspp } from "./lraspp.ts";
import type { NetworkOptions } from "./options.ts";
import { pspnet } from "./pspnet.ts";
import { segformer } from "./segformer.ts";
import { street } from "./street.ts";
import { unet } from "./unet.ts";

export { bisenet } from "./bisenet.ts";
export { bisenetv2, type BisenetV2Options } from "./bisenetv2.ts";
export { ddrnet } from "./ddrnet.ts";
export { deeplabv3plus } from "./deeplabv3plus.ts";
export { espnet } from "./espnet.ts";
export { fastScnn } from "./fast-scnn.ts";
export { fcn16s } from "./fcn16s.ts";
export { fcn32s } from "./fcn32s.ts";
export { fcn8s } from "./fcn8s.ts";
export { lraspp } from "./lraspp.ts";
export type { AuxiliaryOptions, CommonOptions, Extent, NetworkOptions, Sizing, WeightInit } from "./options.ts";
export { pspnet, type PspnetOptions } from "./pspnet.ts";
export type { ResnetDepth, ResnetOptions, ResnetStem } from "./resnet.ts";
export { segformer } from "./segformer.ts";
export { street, type StreetOptions } from "./street.ts";
export { unet } from "./unet.ts";
export type { VggOptions } from "./vgg.ts";

/** Names that architectures go by. */
export type NetworkName =
  | "bisenet"
  | "bisenetv2"
  | "ddrnet"
  | "deeplabv3plus"
  | "espnet"
  | "fast-scnn"
  | "fcn16s"
  | "fcn32s"
  | "fcn8s"
  | "lraspp"
  | "pspnet"
  | "segformer"
  | "street"
  | "unet";

/** An architecture that can be built. */
export interface Network {
  /**
   * Builds it with deterministic random weights: `image` float32 [batch, 3, height, width] ->
   * `logits` float32 [batch, classes, ceil(height / outputStride), ceil(width / outputStride)]; opset 17.
   */
  readonly build: (options?: NetworkOptions) => Model;
  /** What it is, in a line. */
  readonly description: string;
  /** The paper, and where in it. */
  readonly source: string;
  /** Number that height and width of the image must be multiples of. */
  readonly sizeMultiple: number;
  /** Pixels of the image to a pixel of `logits`, along each axis. */
  readonly outputStride: number;
}

/**
 * The architectures by name.
 *
 * @example
 * ```ts
 * const model = networks["fcn8s"].build({ width: 1 / 8, classes: 5, seed: 7 });
 * ```
 */
export const networks: Readonly<Record<NetworkName, Network>> = {
  fcn8s: {
    build: fcn8s,
    description: "VGG-16 with class scores of three depths, fused from deep to shallow; the clockwork paper's network",
    source: "Long et al., Fully Convolutional Networks for Semantic Segmentation, CVPR 2015, section 4.2",
    sizeMultiple: 32,
    outputStride: 1,
  },
  fcn16s: {
    build: fcn16s,
    description: "VGG-16 with class scores of two depths, fused from deep to shallow",
    source: "Long et al., Fully Convolutional Networks for Semantic Segmentation, CVPR 2015, section 4.2",
    sizeMultiple: 32,
    outputStride: 1,
  },
  fcn32s: {
    build: fcn32s,
    description: "VGG-16 with class scores of its last layer alone; no skips",
    source: "Long et al., Fully Convolutional Networks for Semantic Segmentation, CVPR 2015, section 4.1",
    sizeMultiple: 32,
    outputStride: 1,
  },
  unet: {
    build: unet,
    description: "encoder and decoder of four levels with a skip at each",
    source:
      "Ronneberger et al., U-Net: Convolutional Networks for Biomedical Image Segmentation, MICCAI 2015, figure 1",
    sizeMultiple: 16,
    outputStride: 1,
  },
  espnet: {
    build: espnet,
    description: "pyramids of dilated convolutions with a light decoder",
    source: "Mehta et al., ESPNet: Efficient Spatial Pyramid of Dilated Convolutions, ECCV 2018, figures 1 and 4",
    sizeMultiple: 8,
    outputStride: 1,
  },
  bisenet: {
    build: bisenet,
    description: "spatial path at stride 8 beside a ResNet-18 context path, fused at the end",
    source: "Yu et al., BiSeNet: Bilateral Segmentation Network, ECCV 2018, figure 2",
    sizeMultiple: 1,
    outputStride: 1,
  },
  bisenetv2: {
    build: bisenetv2,
    description: "wide detail branch at stride 8 beside a narrow semantic branch at stride 32, each gating the other",
    source: "Yu et al., BiSeNet V2: Bilateral Network with Guided Aggregation, IJCV 2021, table 1 and figures 3 to 7",
    sizeMultiple: 1,
    outputStride: 1,
  },
  ddrnet: {
    build: ddrnet,
    description: "DDRNet-23-slim: two branches that exchange features twice, and deep aggregation pyramid pooling",
    source: "Hong et al., Deep Dual-resolution Networks, arXiv 2101.06085, figures 3 to 5",
    sizeMultiple: 8,
    outputStride: 1,
  },
  "fast-scnn": {
    build: fastScnn,
    description: "shared stem at stride 8, global features of inverted residuals and pyramid pooling, one fusion",
    source: "Poudel et al., Fast-SCNN: Fast Semantic Segmentation Network, BMVC 2019, tables 1 to 3",
    sizeMultiple: 1,
    outputStride: 1,
  },
  pspnet: {
    build: pspnet,
    description: "dilated ResNet-50 at stride 8 with pyramid pooling; no skips",
    source: "Zhao et al., Pyramid Scene Parsing Network, CVPR 2017, figure 3",
    sizeMultiple: 1,
    outputStride: 1,
  },
  deeplabv3plus: {
    build: deeplabv3plus,
    description: "ResNet at stride 16, atrous spatial pyramid pooling, one skip from stride 4",
    source: "Chen et al., Encoder-Decoder with Atrous Separable Convolution, ECCV 2018, figure 2",
    sizeMultiple: 1,
    outputStride: 1,
  },
  lraspp: {
    build: lraspp,
    description: "MobileNetV3-Large with squeeze-and-excite, and a head of two 1x1 convolutions",
    source: "Howard et al., Searching for MobileNetV3, ICCV 2019, table 1 and figure 10",
    sizeMultiple: 1,
    outputStride: 1,
  },
  segformer: {
    build: segformer,
    description:
      "SegFormer-B0: transformer encoder with reduced attention, decoder of linear layers; logits at stride 4",
    source: "Xie et al., SegFormer, NeurIPS 2021, figure 2",
    sizeMultiple: 1,
    outputStride: 4,
  },
  street: {
    build: street,
    description:
      "dense convolutions, a deep stage at stride 16, scores at strides 16, 8 and 4; made to be given clocks",
    source: "this project",
    sizeMultiple: 1,
    outputStride: 1,
  },
};
