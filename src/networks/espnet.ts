// ESPNet: pyramids of dilated convolutions at strides 4 and 8, and a light decoder with skips from strides 4 and 2.
// Mehta et al., "ESPNet: Efficient Spatial Pyramid of Dilated Convolutions for Semantic Segmentation", ECCV 2018,
// figures 1 and 4, with p = 2 and q = 8. Nodes, names and, at width 1 with 12 classes, shapes are those of the ESPNet for
// CamVid that the project measures with: its decoder is that of the authors' code, where scores of level 2 and level 3
// meet in an ESP block.

import type { Model } from "../onnx/index.ts";
import { ClockworkError } from "../errors.ts";
import { Layers, type Feature } from "./layers.ts";
import { resolveOptions, type NetworkOptions } from "./options.ts";

/** Dilations of the parallel convolutions of an ESP block. */
const dilations = [1, 2, 4, 8, 16] as const;

/**
 * Builds ESPNet. Default width 1/2, 12 classes (5 at least); 0.36 million weights at width 1.
 * `image` float32 [batch, 3, height, width] -> `logits` float32 [batch, classes, height, width]; height and width multiples of 8.
 */
export function espnet(options: NetworkOptions = {}): Model {
  const resolved = resolveOptions(options, { name: "espnet", width: 1 / 2, classes: 12, sizeMultiple: 8 });
  const { classes } = resolved;
  const layers = new Layers(resolved, 1e-3);
  const wide = [layers.scaled(64), layers.scaled(128)] as const;
  for (const channels of [classes, ...wide]) {
    if (channels < dilations.length) {
      throw new ClockworkError(
        "invalid-argument",
        `espnet: expected at least ${dilations.length} classes and channels in each ESP block, got ${channels}; ` +
          "try more classes or a larger width",
      );
    }
  }

  const conv1 = layers.conv("level1/conv", layers.image, layers.scaled(16), { kernel: 3, stride: 2, bias: true });
  const active1 = layers.prelu("level1/prelu", conv1);
  const half = layers.averagePool("image/half", layers.image, 3, 2, 1);
  const quarter = layers.averagePool("image/quarter", half, 3, 2, 1);
  const level1 = joined(layers, "level1", [active1, half]);

  const down2 = down(layers, "level2/down", level1, wide[0]);
  let x = down2;
  for (let i = 1; i <= 2; i++) x = esp(layers, `level2/esp${i}`, x, wide[0]);
  const level2 = joined(layers, "level2", [x, down2, quarter]);

  const down3 = down(layers, "level3/down", level2, wide[1]);
  x = down3;
  for (let i = 1; i <= 8; i++) x = esp(layers, `level3/esp${i}`, x, wide[1]);
  const level3 = joined(layers, "level3", [down3, x]);

  const twice = { kernel: 2, stride: 2 } as const;
  const score3 = layers.conv("level3/score", level3, classes, { bias: true });
  const up3 = layers.convTranspose("level3/score_up", score3, classes, twice);
  const score2 = layers.conv("level2/score", level2, classes);
  const fuse2 = layers.concat("fuse2/concat", [score2, up3]);
  const mixed2 = esp(layers, "fuse2/esp", bnPrelu(layers, "fuse2", fuse2), classes);
  const up2 = bnPrelu(layers, "fuse2/up", layers.convTranspose("fuse2/up", mixed2, classes, twice));
  const fuse1 = layers.conv("fuse1/conv", layers.concat("fuse1/concat", [up2, level1]), classes, {
    kernel: 3,
    bias: true,
  });
  const head = { ...twice, output: "logits" };
  return layers.finish(layers.convTranspose("head", layers.prelu("fuse1/prelu", fuse1), classes, head), 1);
}

/** Maps of one level: `level/concat`, `level/out/bn`, `level/out/prelu`. */
function joined(layers: Layers, level: string, parts: readonly [Feature, ...Feature[]]): Feature {
  return bnPrelu(layers, `${level}/out`, layers.concat(`${level}/concat`, parts));
}

/** Half the size: a strided 3x3 reduction in front of the pyramid, and no shortcut. */
function down(layers: Layers, name: string, x: Feature, channels: number): Feature {
  const reduced = layers.conv(`${name}/reduce`, x, Math.floor(channels / 5), { kernel: 3, stride: 2 });
  return bnPrelu(layers, name, pyramid(layers, name, reduced, channels));
}

/** An ESP block, with a shortcut where it keeps the number of channels. */
function esp(layers: Layers, name: string, x: Feature, channels: number): Feature {
  const reduced = layers.conv(`${name}/reduce`, x, Math.floor(channels / 5));
  const merged = pyramid(layers, name, reduced, channels);
  const sum = x.channels === channels ? layers.add(`${name}/residual`, x, merged) : merged;
  return bnPrelu(layers, name, sum);
}

/** Five dilated convolutions; their results are summed up from the second on, against gridding. */
function pyramid(layers: Layers, name: string, x: Feature, channels: number): Feature {
  const each = Math.floor(channels / 5);
  const branches = dilations.map((dilation) => {
    const own = dilation === 1 ? channels - 4 * each : each;
    return layers.conv(`${name}/dilated${dilation}`, x, own, { kernel: 3, dilation });
  });
  const [dilated1 = x, dilated2 = x, ...wider] = branches;
  const parts: [Feature, ...Feature[]] = [dilated1, dilated2];
  let sum = dilated2;
  for (const [index, branch] of wider.entries()) {
    sum = layers.add(`${name}/sum${dilations[index + 2] ?? ""}`, sum, branch);
    parts.push(sum);
  }
  return layers.concat(`${name}/concat`, parts);
}

function bnPrelu(layers: Layers, name: string, x: Feature): Feature {
  return layers.prelu(`${name}/prelu`, layers.batchNorm(`${name}/bn`, x));
}
