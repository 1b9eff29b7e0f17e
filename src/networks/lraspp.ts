// LR-ASPP on MobileNetV3-Large: inverted residuals with squeeze-and-excite down to stride 16, and a head of two 1x1
// convolutions, one from stride 8.
// Howard et al., "Searching for MobileNetV3", ICCV 2019, table 1 and figure 10, in the layout of torchvision's
// `lraspp_mobilenet_v3_large`: the last stage is dilated, the head pools the whole map, and the skip is from stride 8.

import { float, type Model } from "../onnx/index.ts";
import { Layers, type Activation, type Feature } from "./layers.ts";
import { resolveOptions, type NetworkOptions } from "./options.ts";

/** One inverted residual. */
interface BlockSpec {
  readonly kernel: 3 | 5;
  readonly expanded: number;
  readonly channels: number;
  readonly squeeze: boolean;
  readonly activation: Extract<Activation, "Relu" | "HardSwish">;
  readonly stride: 1 | 2;
  readonly dilation: 1 | 2;
}

type BlockRow = readonly [
  kernel: 3 | 5,
  expanded: number,
  channels: number,
  squeeze: 0 | 1,
  activation: BlockSpec["activation"],
  stride: 1 | 2,
  dilation?: 2,
];

/** Table 1 of the paper, the last three rows dilated instead of strided. */
const rows: readonly BlockRow[] = [
  [3, 16, 16, 0, "Relu", 1],
  [3, 64, 24, 0, "Relu", 2],
  [3, 72, 24, 0, "Relu", 1],
  [5, 72, 40, 1, "Relu", 2],
  [5, 120, 40, 1, "Relu", 1],
  [5, 120, 40, 1, "Relu", 1],
  [3, 240, 80, 0, "HardSwish", 2],
  [3, 200, 80, 0, "HardSwish", 1],
  [3, 184, 80, 0, "HardSwish", 1],
  [3, 184, 80, 0, "HardSwish", 1],
  [3, 480, 112, 1, "HardSwish", 1],
  [3, 672, 112, 1, "HardSwish", 1],
  [5, 672, 160, 1, "HardSwish", 1, 2],
  [5, 960, 160, 1, "HardSwish", 1, 2],
  [5, 960, 160, 1, "HardSwish", 1, 2],
];

/** Index of the block whose output, at stride 8, the head reads: the first with 40 channels. */
const skipBlock = 4;

/**
 * Builds LR-ASPP. Default width 1/4, 21 classes; 3.2 million weights at width 1.
 * Channels are rounded to multiples of 8, as MobileNet does.
 * `image` float32 [batch, 3, height, width] -> `logits` float32 [batch, classes, height, width].
 */
export function lraspp(options: NetworkOptions = {}): Model {
  const resolved = resolveOptions(options, { name: "lraspp", width: 1 / 4, classes: 21, sizeMultiple: 1 });
  const layers = new Layers(resolved, 1e-3);
  const scaled = (channels: number): number => multipleOf8(channels * resolved.width);
  const hardSwish = (name: string, x: Feature): Feature => layers.activation(name, "HardSwish", x);

  const first = layers.convBn("features/0", layers.image, scaled(16), { kernel: 3, stride: 2 });
  let x = hardSwish("features/0/act", first);
  let skip = x;
  for (const [row, [kernel, expanded, channels, squeeze, activation, stride, dilation = 1]] of rows.entries()) {
    const index = row + 1;
    x = invertedResidual(layers, `features/${index}`, x, {
      kernel,
      expanded: scaled(expanded),
      channels: scaled(channels),
      squeeze: squeeze === 1,
      activation,
      stride,
      dilation,
    });
    if (index === skipBlock) skip = x;
  }
  const last = hardSwish("features/16/act", layers.convBn("features/16", x, x.channels * 6));

  const inner = layers.scaled(128);
  const wide = layers.convBnRelu("head/cbr", last, inner);
  const attention = layers.conv("head/scale", layers.globalPool("head/scale/pool", last), inner);
  const weighed = layers.mul("head/mul", wide, layers.activation("head/scale/sigmoid", "Sigmoid", attention));
  const up = layers.resizeLike("head/up", weighed, skip, "bilinear");
  const low = layers.conv("head/low_classifier", skip, resolved.classes, { bias: true });
  const high = layers.conv("head/high_classifier", up, resolved.classes, { bias: true });
  const score = layers.add("head/add", low, high);
  return layers.finish(layers.resizeLike("upsample", score, layers.image, "bilinear", "logits"), 1);
}

/** Expansion, depthwise convolution, squeeze-and-excite, projection; the shortcut where shapes allow it. */
function invertedResidual(layers: Layers, name: string, x: Feature, spec: BlockSpec): Feature {
  const { kernel, stride, dilation, expanded, channels, activation } = spec;
  let inner = x;
  if (expanded !== x.channels) {
    inner = layers.activation(`${name}/expand/act`, activation, layers.convBn(`${name}/expand`, x, expanded));
  }
  const depthwise = layers.convBn(`${name}/depthwise`, inner, expanded, { kernel, stride, dilation, groups: expanded });
  inner = layers.activation(`${name}/depthwise/act`, activation, depthwise);
  if (spec.squeeze) inner = squeezeExcite(layers, `${name}/se`, inner);
  const projected = layers.convBn(`${name}/project`, inner, channels);
  return stride === 1 && x.channels === channels ? layers.add(`${name}/add`, projected, x) : projected;
}

function squeezeExcite(layers: Layers, name: string, x: Feature): Feature {
  const pooled = layers.globalPool(`${name}/pool`, x);
  const squeezed = layers.conv(`${name}/fc1`, pooled, multipleOf8(x.channels / 4), { bias: true });
  const excited = layers.conv(`${name}/fc2`, layers.relu(`${name}/relu`, squeezed), x.channels, { bias: true });
  const scale = layers.activation(`${name}/hardsigmoid`, "HardSigmoid", excited, {
    alpha: float(1 / 6),
    beta: float(0.5),
  });
  return layers.mul(`${name}/mul`, scale, x);
}

/** MobileNet's rounding: the nearest multiple of 8, at least 8, and not below nine tenths of the number. */
function multipleOf8(channels: number): number {
  const nearest = Math.max(8, Math.floor((channels + 4) / 8) * 8);
  return nearest < 0.9 * channels ? nearest + 8 : nearest;
}
