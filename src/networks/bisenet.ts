// BiSeNet: a shallow spatial path keeps detail at stride 8, a ResNet-18 context path sees far, and both are fused.
// Yu et al., "BiSeNet: Bilateral Segmentation Network for Real-time Semantic Segmentation", ECCV 2018, figure 2.
// Departs from it as the implementation best known (CoinCheung/BiSeNet) does: the context features are carried up with
// 3x3 convolutions between the scales. The auxiliary heads, which only training uses, are left out.

import type { Model } from "../onnx/index.ts";
import { Layers, type Feature } from "./layers.ts";
import { resolveOptions, type NetworkOptions } from "./options.ts";
import { resnet } from "./resnet.ts";

/**
 * Builds BiSeNetV1. Default width 1/8, 19 classes.
 * `image` float32 [batch, 3, height, width] -> `logits` float32 [batch, classes, height, width].
 */
export function bisenet(options: NetworkOptions = {}): Model {
  const layers = new Layers(resolveOptions(options, { name: "bisenet", width: 1 / 8, classes: 19, sizeMultiple: 1 }));
  const fused = fuse(layers, spatialPath(layers), contextPath(layers));
  const wide = layers.convBnRelu("head/conv", fused, layers.scaled(256), { kernel: 3 });
  const score = layers.conv("head/score", wide, layers.options.classes);
  return layers.finish(layers.resizeLike("head/up", score, layers.image, "bilinear", "logits"), 1);
}

/** [batch, 128 width, height / 8, width / 8] */
function spatialPath(layers: Layers): Feature {
  const channels = layers.scaled(64);
  const conv1 = layers.convBnRelu("spatial/conv1", layers.image, channels, { kernel: 7, stride: 2 });
  const conv2 = layers.convBnRelu("spatial/conv2", conv1, channels, { kernel: 3, stride: 2 });
  const conv3 = layers.convBnRelu("spatial/conv3", conv2, channels, { kernel: 3, stride: 2 });
  return layers.convBnRelu("spatial/conv_out", conv3, layers.scaled(128));
}

/** [batch, 128 width, height / 8, width / 8] */
function contextPath(layers: Layers): Feature {
  const channels = layers.scaled(128);
  const { layer2, layer3, layer4 } = resnet(layers, "context/resnet", { depth: 18 });

  const average = layers.convBnRelu("context/avg", mean(layers, "context/avg/mean", layer4), channels);
  const averageUp = layers.resizeLike("context/avg/up", average, layer4, "nearest");
  const sum32 = layers.add("context/sum32", attentionRefinement(layers, "context/arm32", layer4, channels), averageUp);
  const up32 = layers.resizeLike("context/up32", sum32, layer3, "nearest");
  const head32 = layers.convBnRelu("context/head32", up32, channels, { kernel: 3 });

  const sum16 = layers.add("context/sum16", attentionRefinement(layers, "context/arm16", layer3, channels), head32);
  const up16 = layers.resizeLike("context/up16", sum16, layer2, "nearest");
  return layers.convBnRelu("context/head16", up16, channels, { kernel: 3 });
}

/** Attention refinement module: channels weighed by what the whole map says (figure 2b). */
function attentionRefinement(layers: Layers, name: string, x: Feature, channels: number): Feature {
  const feature = layers.convBnRelu(name, x, channels, { kernel: 3 });
  const attention = layers.convBn(`${name}/attention`, mean(layers, `${name}/mean`, feature), channels);
  return layers.mul(`${name}/mul`, feature, layers.activation(`${name}/sigmoid`, "Sigmoid", attention));
}

/** Feature fusion module (figure 2c). */
function fuse(layers: Layers, spatial: Feature, context: Feature): Feature {
  const both = layers.concat("ffm/concat", [spatial, context]);
  const feature = layers.convBnRelu("ffm", both, layers.scaled(256));
  const squeezed = layers.conv("ffm/conv1", mean(layers, "ffm/mean", feature), layers.scaled(64));
  const excited = layers.conv("ffm/conv2", layers.relu("ffm/relu1", squeezed), feature.channels);
  const weighed = layers.mul("ffm/mul", feature, layers.activation("ffm/sigmoid", "Sigmoid", excited));
  return layers.add("ffm/add", weighed, feature);
}

/** [batch, channels, 1, 1], as `torch.mean(x, dim=(2, 3), keepdim=True)` is exported. */
function mean(layers: Layers, name: string, x: Feature): Feature {
  const extent = x.extent && { heightPx: 1, widthPx: 1 };
  const attributes = { axes: [2, 3], keepdims: 1 };
  return { ...x, name: layers.graph.add(name, "ReduceMean", [x.name], attributes), extent, power: 0.6 * x.power };
}
