// Learned numbers of the published networks, added up layer by layer from their papers and their authors' code, without a
// look at our builders. Running statistics of normalisation are not learned and not counted.

/** A convolution or fully connected layer, and what comes with it. */
interface ConvInit {
  readonly groups?: number;
  readonly bias?: boolean;
}

const sum = (counts: readonly number[]): number => counts.reduce((total, count) => total + count, 0);
const times = (count: number, each: number): number => count * each;

const conv = (kernel: number, from: number, to: number, { groups = 1, bias = false }: ConvInit = {}): number =>
  (kernel ** 2 * from * to) / groups + (bias ? to : 0);
/** Scale and shift. */
const norm = (channels: number): number => 2 * channels;
const convNorm = (kernel: number, from: number, to: number, init: ConvInit = {}): number =>
  conv(kernel, from, to, init) + norm(to);
const depthwiseNorm = (channels: number, multiplier = 1): number =>
  convNorm(3, channels, channels * multiplier, { groups: channels });
const biased = { bias: true } as const;

/** Form of a fully convolutional VGG-16. */
export interface FcnForm {
  readonly classes: number;
  /** Stride of the finest scores. */
  readonly stride: 8 | 16 | 32;
  readonly width?: number;
  readonly fcWidth?: number;
}

/** The prototxt of voc-fcn8s, voc-fcn16s and voc-fcn32s (shelhamer/fcn.berkeleyvision.org), less what interpolates. */
export function fcn({ classes, stride, width = 1, fcWidth = 1 }: FcnForm): number {
  const trunk = [3, 64, 64, 128, 128, 256, 256, 256, 512, 512, 512, 512, 512, 512].map((c, i) =>
    i === 0 ? c : c * width,
  );
  const convs = trunk.slice(1).map((to, index) => conv(3, trunk[index] ?? 0, to, biased));
  const fc = 4096 * fcWidth;
  const scored = [fc, ...(stride <= 16 ? [512 * width] : []), ...(stride === 8 ? [256 * width] : [])];
  const scores = scored.map((from) => conv(1, from, classes, biased));
  return sum([...convs, conv(7, 512 * width, fc, biased), conv(1, fc, fc, biased), ...scores]);
}

/** Its transposed convolutions, which the authors keep at bilinear interpolation. */
export function fcnInterpolation({ classes, stride }: FcnForm): number {
  const kernels = { 8: [4, 4, 16], 16: [4, 32], 32: [64] }[stride];
  return sum(kernels.map((kernel) => conv(kernel, classes, classes)));
}

/** U-Net, figure 1, with padded and normalised convolutions of three input channels (milesial/Pytorch-UNet). */
export function unet(classes: number): number {
  const double = (from: number, to: number): number => convNorm(3, from, to) + convNorm(3, to, to);
  const down = [double(3, 64), double(64, 128), double(128, 256), double(256, 512), double(512, 1024)];
  const up = [512, 256, 128, 64].map((to) => conv(2, 2 * to, to, biased) + double(2 * to, to));
  return sum([...down, ...up, conv(1, 64, classes, biased)]);
}

/** ResNet without its classifier: He et al., table 1. */
export function resnet(depth: 18 | 50 | 101, stem: "7x7" | "3x3" = "7x7"): number {
  const first = stem === "7x7" ? [convNorm(7, 3, 64)] : [convNorm(3, 3, 64), convNorm(3, 64, 64), convNorm(3, 64, 128)];
  const blocks = { 18: [2, 2, 2, 2], 50: [3, 4, 6, 3], 101: [3, 4, 23, 3] }[depth];
  let from = stem === "7x7" ? 64 : 128;
  const groups = blocks.map((count, group) => {
    const inner = 64 * 2 ** group;
    const to = depth === 18 ? inner : 4 * inner;
    let total = 0;
    for (let i = 0; i < count; i++) {
      total +=
        depth === 18
          ? convNorm(3, from, inner) + convNorm(3, inner, inner)
          : convNorm(1, from, inner) + convNorm(3, inner, inner) + convNorm(1, inner, to);
      if (i === 0 && (from !== to || group > 0)) total += convNorm(1, from, to);
      from = to;
    }
    return total;
  });
  return sum([...first, ...groups]);
}

/** PSPNet (hszhao/semseg, model/pspnet.py); the published form has the stem `3x3` and an auxiliary head. */
export function pspnet(depth: 18 | 50, classes: number, stem: "7x7" | "3x3", auxiliary: boolean): number {
  const deep = depth === 18 ? 512 : 2048;
  const head = (from: number, hidden: number): number => convNorm(3, from, hidden) + conv(1, hidden, classes, biased);
  const pyramid = times(4, convNorm(1, deep, deep / 4));
  return resnet(depth, stem) + pyramid + head(2 * deep, 512) + (auxiliary ? head(deep / 2, deep / 8) : 0);
}

/** DeepLabv3+, figure 2, as in jfzhang95/pytorch-deeplab-xception (modeling/aspp.py, modeling/decoder.py). */
export function deeplabv3plus(depth: 18 | 50 | 101, classes: number): number {
  const [low, deep] = depth === 18 ? [64, 512] : [256, 2048];
  const pyramid = times(2, convNorm(1, deep, 256)) + times(3, convNorm(3, deep, 256)) + convNorm(1, 5 * 256, 256);
  const decoder = convNorm(1, low, 48) + convNorm(3, 256 + 48, 256) + convNorm(3, 256, 256);
  return resnet(depth) + pyramid + decoder + conv(1, 256, classes, biased);
}

/** BiSeNet on ResNet-18 (CoinCheung/BiSeNet, lib/models/bisenetv1.py of 2019, without auxiliary heads). */
export function bisenet(classes: number): number {
  return resnet(18) + bisenetSpatialPath() + bisenetRest(classes);
}

/** The spatial path alone, which the variant for faces does without. */
export function bisenetSpatialPath(): number {
  return convNorm(7, 3, 64) + times(2, convNorm(3, 64, 64)) + convNorm(1, 64, 128);
}

function bisenetRest(classes: number): number {
  const refinement = (from: number): number => convNorm(3, from, 128) + convNorm(1, 128, 128);
  const context = refinement(256) + refinement(512) + times(2, convNorm(3, 128, 128)) + convNorm(1, 512, 128);
  const fusion = convNorm(1, 256, 256) + conv(1, 256, 64) + conv(1, 64, 256);
  return context + fusion + convNorm(3, 256, 256) + conv(1, 256, classes);
}

/** BiSeNet V2, table 1 and figures 3 to 7 (CoinCheung/BiSeNet, lib/models/bisenetv2.py). */
export function bisenetv2(classes: number, auxiliary: boolean): number {
  const detail = [3, 64, 64, 64, 64, 64, 128, 128, 128];
  const semantic = [16, 32, 64, 128];
  const gather = (c: number): number => convNorm(3, c, c) + depthwiseNorm(c, 6) + convNorm(1, 6 * c, c);
  const halve = (from: number, to: number): number =>
    sum([
      convNorm(3, from, from),
      depthwiseNorm(from, 6),
      depthwiseNorm(6 * from),
      convNorm(1, 6 * from, to),
      depthwiseNorm(from),
      convNorm(1, from, to),
    ]);
  const head = (from: number, hidden: number): number => convNorm(3, from, hidden) + conv(1, hidden, classes, biased);
  return sum([
    ...detail.slice(1).map((to, index) => convNorm(3, detail[index] ?? 0, to)),
    // Stem block.
    convNorm(3, 3, 16) + convNorm(1, 16, 8) + convNorm(3, 8, 16) + convNorm(3, 32, 16),
    halve(16, 32) + gather(32),
    halve(32, 64) + gather(64),
    halve(64, 128) + times(3, gather(128)),
    // Context embedding.
    norm(128) + convNorm(1, 128, 128) + convNorm(3, 128, 128),
    // Guided aggregation.
    times(2, depthwiseNorm(128) + conv(1, 128, 128)) + times(3, convNorm(3, 128, 128)),
    head(128, 1024),
    ...(auxiliary ? semantic.map((from) => head(from, 128)) : []),
  ]);
}

/** DDRNet-23-slim (ydhongHIT/DDRNet, segmentation/DDRNet_23_slim.py, without the auxiliary head). */
export function ddrnet(classes: number): number {
  const basic = (from: number, to: number): number => convNorm(3, from, to) + convNorm(3, to, to);
  const shortcut = (from: number, to: number): number => convNorm(1, from, to);
  const bottle = (from: number, inner: number): number =>
    convNorm(1, from, inner) + convNorm(3, inner, inner) + convNorm(1, inner, 2 * inner) + shortcut(from, 2 * inner);
  const group = (from: number, to: number): number => basic(from, to) + basic(to, to) + shortcut(from, to);
  const before = (kernel: number, from: number, to: number): number => norm(from) + conv(kernel, from, to);
  const high = basic(64, 64) + basic(64, 64);
  return sum([
    convNorm(3, 3, 32, biased) + convNorm(3, 32, 32, biased),
    times(2, basic(32, 32)),
    group(32, 64),
    // First exchange.
    group(64, 128) + high + convNorm(1, 128, 64) + convNorm(3, 64, 128),
    // Second exchange.
    group(128, 256) + high + convNorm(1, 256, 64) + convNorm(3, 64, 128) + convNorm(3, 128, 256),
    bottle(64, 64) + bottle(256, 256),
    // Deep aggregation pyramid pooling.
    times(5, before(1, 512, 128)) + times(4, before(3, 128, 128)) + before(1, 640, 128) + before(1, 512, 128),
    before(3, 128, 64) + norm(64) + conv(1, 64, classes, biased),
  ]);
}

/** ESPNet with p = 2 and q = 8 (sacmehta/ESPNet, train/Model.py); a normalisation behind a convolution is folded or not. */
export function espnet(classes: number, folded: boolean): number {
  const normAndSlope = (channels: number): number => norm(channels) + channels;
  const behindConv = (channels: number): number => (folded ? channels : norm(channels));
  const pyramid = (from: number, kernel: number, to: number): number => {
    const each = Math.floor(to / 5);
    return conv(kernel, from, each) + conv(3, each, to - 4 * each) + times(4, conv(3, each, each)) + normAndSlope(to);
  };
  const twice = conv(2, classes, classes);
  return sum([
    conv(3, 3, 16) + behindConv(16) + 16 + normAndSlope(19),
    pyramid(19, 3, 64) + times(2, pyramid(64, 1, 64)) + normAndSlope(131),
    pyramid(131, 3, 128) + times(8, pyramid(128, 1, 128)) + normAndSlope(256),
    conv(1, 256, classes) + behindConv(classes) + twice,
    conv(1, 131, classes) + normAndSlope(2 * classes) + pyramid(2 * classes, 1, classes),
    twice + normAndSlope(classes),
    conv(3, 19 + classes, classes) + behindConv(classes) + classes + twice,
  ]);
}

/** Fast-SCNN, tables 1 to 3, without auxiliary heads. */
export function fastScnn(classes: number): number {
  const separable = (from: number, to: number): number => depthwiseNorm(from) + convNorm(1, from, to);
  const inverted = (from: number, to: number): number =>
    convNorm(1, from, 6 * from) + depthwiseNorm(6 * from) + convNorm(1, 6 * from, to);
  const units = [64, 64, 64, 64, 96, 96, 96, 128, 128, 128];
  return sum([
    convNorm(3, 3, 32) + separable(32, 48) + separable(48, 64),
    ...units.slice(1).map((to, index) => inverted(units[index] ?? 0, to)),
    times(4, convNorm(1, 128, 32)) + convNorm(1, 256, 128),
    depthwiseNorm(128) + convNorm(1, 128, 128, biased) + convNorm(1, 64, 128, biased),
    times(2, separable(128, 128)) + conv(1, 128, classes, biased),
  ]);
}

/** SegFormer-B0, table 6 of the appendix (NVlabs/SegFormer, mmseg/models/backbones/mix_transformer.py). */
export function segformer(classes: number): number {
  const widths = [32, 64, 160, 256];
  const linear = (from: number, to: number): number => conv(1, from, to, biased);
  const stages = widths.map((c, index) => {
    const reduction = [8, 4, 2, 1][index] ?? 1;
    const reduced = reduction === 1 ? 0 : conv(reduction, c, c, biased) + norm(c);
    const attention = times(4, linear(c, c)) + reduced;
    const feedForward = linear(c, 4 * c) + conv(3, 4 * c, 4 * c, { groups: 4 * c, bias: true }) + linear(4 * c, c);
    const embedding = conv(index === 0 ? 7 : 3, index === 0 ? 3 : (widths[index - 1] ?? 0), c, biased) + norm(c);
    return embedding + times(2, norm(c) + attention + norm(c) + feedForward) + norm(c);
  });
  return sum([...stages, ...widths.map((c) => linear(c, 256)), convNorm(1, 1024, 256), linear(256, classes)]);
}
