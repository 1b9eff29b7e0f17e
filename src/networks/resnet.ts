// Residual networks as encoders: He et al., "Deep Residual Learning for Image Recognition", CVPR 2016, table 1, with the
// stride of a bottleneck on its 3x3 convolution and, where asked for, dilation in place of stride (as in torchvision).
// The stem is that table's 7x7 convolution, or the three 3x3 ones with which PSPNet and DeepLab were published.

import type { Feature, Layers } from "./layers.ts";
import type { NetworkOptions } from "./options.ts";

/** Number of layers that the network is known by. */
export type ResnetDepth = 18 | 34 | 50 | 101;

/** Options of the networks on a ResNet. */
export type ResnetOptions = NetworkOptions & {
  /** Layers of the encoder. */
  readonly depth?: ResnetDepth;
  /** First convolutions of the encoder; default `7x7`. */
  readonly stem?: ResnetStem;
};

/** First convolutions, down to stride 2: one of 64 channels, or three of 64, 64 and 128. */
export type ResnetStem = "7x7" | "3x3";

/** Form of the encoder. */
export interface EncoderInit {
  readonly depth: ResnetDepth;
  readonly stem?: ResnetStem | undefined;
  readonly outputStride?: 8 | 16 | 32;
}

/** Maps at the end of each group of blocks. */
export interface ResnetFeatures {
  /** Stride 4. */
  readonly layer1: Feature;
  /** Stride 8. */
  readonly layer2: Feature;
  /** Stride 16, or 8 for output stride 8. */
  readonly layer3: Feature;
  /** The output stride. */
  readonly layer4: Feature;
}

const blocksOf: Readonly<Record<ResnetDepth, readonly [number, number, number, number]>> = {
  18: [2, 2, 2, 2],
  34: [3, 4, 6, 3],
  50: [3, 4, 6, 3],
  101: [3, 4, 23, 3],
};

/** Form of a residual block. */
export interface BlockInit {
  readonly stride?: number;
  readonly dilation?: number;
  /** Whether a ReLU follows the sum; default yes. */
  readonly relu?: boolean;
}

/** Adds conv1 .. layer4 under `name`. */
export function resnet(layers: Layers, name: string, init: EncoderInit): ResnetFeatures {
  const { depth, stem = "7x7", outputStride = 32 } = init;
  const block = depth < 50 ? basicBlock : bottleneck;
  const expansion = depth < 50 ? 1 : 4;
  const [count1, count2, count3, count4] = blocksOf[depth];
  let stride = 4;
  let dilation = 1;
  const group = (index: number, from: Feature, count: number): Feature => {
    const channels = layers.scaled(64 * 2 ** (index - 1)) * expansion;
    const wanted = index === 1 ? 1 : 2;
    // The first block of a group that gives up its stride still has the dilation of the group before it.
    const first = stride * wanted > outputStride ? { stride: 1, dilation } : { stride: wanted, dilation };
    if (stride * wanted > outputStride) dilation *= wanted;
    else stride *= wanted;
    let x = block(layers, `${name}/layer${index}/0`, from, channels, first);
    for (let i = 1; i < count; i++) x = block(layers, `${name}/layer${index}/${i}`, x, channels, { dilation });
    return x;
  };
  const half = stem === "7x7" ? singleStem(layers, name) : tripleStem(layers, name);
  const layer1 = group(1, layers.maxPool(`${name}/maxpool`, half, 3, 2, 1), count1);
  const layer2 = group(2, layer1, count2);
  const layer3 = group(3, layer2, count3);
  return { layer1, layer2, layer3, layer4: group(4, layer3, count4) };
}

function singleStem(layers: Layers, name: string): Feature {
  const conv1 = layers.conv(`${name}/conv1`, layers.image, layers.scaled(64), { kernel: 7, stride: 2 });
  return layers.relu(`${name}/relu`, layers.batchNorm(`${name}/bn1`, conv1));
}

function tripleStem(layers: Layers, name: string): Feature {
  const first = layers.convBnRelu(`${name}/stem/0`, layers.image, layers.scaled(64), { kernel: 3, stride: 2 });
  const second = layers.convBnRelu(`${name}/stem/1`, first, layers.scaled(64), { kernel: 3 });
  return layers.convBnRelu(`${name}/stem/2`, second, layers.scaled(128), { kernel: 3 });
}

/** Two 3x3 convolutions and a shortcut. @param channels of the output */
export function basicBlock(
  layers: Layers,
  name: string,
  x: Feature,
  channels: number,
  { stride = 1, dilation = 1, relu = true }: BlockInit = {},
): Feature {
  const conv1 = layers.conv(`${name}/conv1`, x, channels, { kernel: 3, stride, dilation });
  const relu1 = layers.relu(`${name}/relu1`, layers.batchNorm(`${name}/bn1`, conv1));
  const conv2 = layers.conv(`${name}/conv2`, relu1, channels, { kernel: 3, dilation });
  const bn2 = layers.batchNorm(`${name}/bn2`, conv2);
  const sum = layers.add(`${name}/add`, bn2, shortcut(layers, name, x, channels, stride));
  return relu ? layers.relu(`${name}/relu`, sum, keptOf(x, stride, channels)) : sum;
}

/** A 1x1, a 3x3 and a 1x1 convolution and a shortcut. @param channels of the output, `expansion` times the inner ones */
export function bottleneck(
  layers: Layers,
  name: string,
  x: Feature,
  channels: number,
  { stride = 1, dilation = 1, relu = true }: BlockInit = {},
  expansion = 4,
): Feature {
  const inner = Math.max(1, Math.round(channels / expansion));
  const conv1 = layers.conv(`${name}/conv1`, x, inner);
  const relu1 = layers.relu(`${name}/relu1`, layers.batchNorm(`${name}/bn1`, conv1));
  const conv2 = layers.conv(`${name}/conv2`, relu1, inner, { kernel: 3, stride, dilation });
  const relu2 = layers.relu(`${name}/relu2`, layers.batchNorm(`${name}/bn2`, conv2));
  const bn3 = layers.batchNorm(`${name}/bn3`, layers.conv(`${name}/conv3`, relu2, channels));
  const sum = layers.add(`${name}/add`, bn3, shortcut(layers, name, x, channels, stride));
  return relu ? layers.relu(`${name}/relu`, sum, keptOf(x, stride, channels)) : sum;
}

/** What a ReLU leaves of a sum: most of it where the shortcut is x itself, which a ReLU made positive. */
function keptOf(x: Feature, stride: number, channels: number): number {
  return stride === 1 && x.channels === channels ? 0.85 : 0.5;
}

function shortcut(layers: Layers, name: string, x: Feature, channels: number, stride: number): Feature {
  if (stride === 1 && x.channels === channels) return x;
  return layers.convBn(`${name}/downsample`, x, channels, { stride });
}
