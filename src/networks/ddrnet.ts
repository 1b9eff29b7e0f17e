// DDRNet-23-slim: a branch at stride 8 and one that goes down to stride 64, which exchange what they know twice on the
// way and once at the end.
// Hong et al., "Deep Dual-resolution Networks for Real-time and Accurate Semantic Segmentation of Road Scenes",
// arXiv 2101.06085, figures 3 to 5 and table 1, in the layout of the authors' code (ydhongHIT/DDRNet).
// Departs from it in the output: logits are resized to the image inside the graph. The auxiliary head is left out.

import type { Model } from "../onnx/index.ts";
import { Layers, type Feature } from "./layers.ts";
import { resolveOptions, type NetworkOptions } from "./options.ts";
import { basicBlock, bottleneck } from "./resnet.ts";

/**
 * Builds DDRNet-23-slim. Default width 1/4, 19 classes; 5.7 million weights at width 1.
 * `image` float32 [batch, 3, height, width] -> `logits` float32 [batch, classes, height, width]; height and width multiples of 8.
 */
export function ddrnet(options: NetworkOptions = {}): Model {
  const layers = new Layers(resolveOptions(options, { name: "ddrnet", width: 1 / 4, classes: 19, sizeMultiple: 8 }));
  const planes = layers.scaled(32);
  const highPlanes = planes * 2;
  // As in the authors' code, size is the image's, divided: one chain of int64 that every exchange reads.
  const eighth = layers.sizeOf("eighth", layers.image, 8);
  const relu = (name: string, x: Feature): Feature => layers.relu(name, x);
  const toHigh = (name: string, low: Feature): Feature =>
    layers.resize(`${name}/up`, layers.convBn(name, low, highPlanes), eighth, "bilinear");

  let stem = layers.image;
  for (const name of ["conv1/0", "conv1/1"]) {
    stem = layers.convBnRelu(name, stem, planes, { kernel: 3, stride: 2, bias: true });
  }
  const layer1 = blocks(layers, "layer1", stem, planes, 1);
  const layer2 = blocks(layers, "layer2", relu("layer1/relu", layer1), planes * 2, 2);
  const shared = relu("layer2/relu", layer2);

  // First exchange, at 1/16.
  const layer3 = blocks(layers, "layer3", shared, planes * 4, 2);
  const high3 = blocks(layers, "layer3_", shared, highPlanes, 1);
  const down3 = layers.convBn("down3", relu("layer3_/relu", high3), planes * 4, { kernel: 3, stride: 2 });
  const low3 = layers.add("exchange3/low", layer3, down3);
  const mixed3 = layers.add("exchange3/high", high3, toHigh("compression3", relu("layer3/relu", layer3)));

  // Second exchange, at 1/32.
  const layer4 = blocks(layers, "layer4", relu("exchange3/low/relu", low3), planes * 8, 2);
  const high4 = blocks(layers, "layer4_", relu("exchange3/high/relu", mixed3), highPlanes, 1);
  const half = layers.convBnRelu("down4/0", relu("layer4_/relu", high4), planes * 4, { kernel: 3, stride: 2 });
  const down4 = layers.convBn("down4/1", half, planes * 8, { kernel: 3, stride: 2 });
  const low4 = layers.add("exchange4/low", layer4, down4);
  const mixed4 = layers.add("exchange4/high", high4, toHigh("compression4", relu("layer4/relu", layer4)));

  const high5 = bottleneck(
    layers,
    "layer5_/0",
    relu("exchange4/high/relu", mixed4),
    highPlanes * 2,
    { relu: false },
    2,
  );
  const low5 = bottleneck(
    layers,
    "layer5/0",
    relu("exchange4/low/relu", low4),
    planes * 16,
    { stride: 2, relu: false },
    2,
  );
  const context = layers.resize("spp/up", dappm(layers, low5, planes * 4), eighth, "bilinear");
  const fused = layers.add("fuse", context, high5);

  const hidden = preactivated(layers, "head/0", fused, layers.scaled(64), { kernel: 3 });
  const score = preactivated(layers, "head/1", hidden, layers.options.classes, { bias: true });
  return layers.finish(layers.resizeLike("head/up", score, layers.image, "bilinear", "logits"), 1);
}

/** Two residual blocks, the second without the ReLU at its end. */
function blocks(layers: Layers, name: string, x: Feature, channels: number, stride: number): Feature {
  const first = basicBlock(layers, `${name}/0`, x, channels, { stride });
  return basicBlock(layers, `${name}/1`, first, channels, { relu: false });
}

/** Normalisation and ReLU before the convolution. */
function preactivated(
  layers: Layers,
  name: string,
  x: Feature,
  channels: number,
  init: { kernel?: number; bias?: boolean } = {},
): Feature {
  const active = layers.relu(`${name}/relu`, layers.batchNorm(`${name}/bn`, x));
  return layers.conv(`${name}/conv`, active, channels, init);
}

/** Deep aggregation pyramid pooling module (figure 5): pooled maps, from fine to coarse, each added to the one before. */
function dappm(layers: Layers, x: Feature, channels: number): Feature {
  const branch = layers.scaled(128);
  const scale0 = preactivated(layers, "spp/scale0", x, branch);
  let last = scale0;
  const parts: [Feature, ...Feature[]] = [scale0];
  for (const [index, kernel] of [5, 9, 17, undefined].entries()) {
    const name = `spp/scale${index + 1}`;
    const pooled =
      kernel === undefined
        ? layers.globalPool(`${name}/pool`, x)
        : layers.averagePool(`${name}/pool`, x, kernel, 2 ** (index + 1), (kernel - 1) / 2);
    const up = layers.resizeLike(`${name}/up`, preactivated(layers, name, pooled, branch), x, "bilinear");
    const sum = layers.add(`${name}/add`, up, last);
    last = preactivated(layers, `spp/process${index + 1}`, sum, branch, { kernel: 3 });
    parts.push(last);
  }
  const compressed = preactivated(layers, "spp/compression", layers.concat("spp/concat", parts), channels);
  return layers.add("spp/add", compressed, preactivated(layers, "spp/shortcut", x, channels));
}
