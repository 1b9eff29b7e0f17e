// At width 1 every network has the number of parameters that its paper, its authors' code or a published implementation
// has: the exact figure where one is published, and the layers added up by hand (counts.ts) everywhere. Papers round;
// where one does, the sum by hand has to round to them.

import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import {
  bisenetv2,
  deeplabv3plus,
  fcn16s,
  fcn32s,
  fcn8s,
  networks,
  pspnet,
  type VggOptions,
} from "../../src/networks/index.ts";
import { readModel, totalParameters, type Model } from "../../src/onnx/index.ts";
import { besideProject } from "../support/shared.ts";
import * as counts from "./counts.ts";

/** Learned numbers of the nodes whose names begin with `prefix`. */
function parametersUnder({ graph }: Model, prefix: string): number {
  return totalParameters({ ...graph, nodes: graph.nodes.filter((node) => node.name.startsWith(prefix)) });
}

interface Row {
  readonly name: string;
  readonly build: () => Model;
  /** Added up by hand. */
  readonly layers: number;
  /** As published. */
  readonly exact?: number;
  /** As published, in millions to one digit. */
  readonly millions?: number;
}

const width = 1;
const rows: readonly Row[] = [
  {
    // The usual count of milesial/Pytorch-UNet with three input channels, two classes and transposed convolutions.
    name: "U-Net, 2 classes",
    build: () => networks.unet.build({ width, classes: 2 }),
    layers: counts.unet(2),
    exact: 31_037_698,
  },
  {
    // torchvision, LRASPP_MobileNet_V3_Large_Weights.COCO_WITH_VOC_LABELS_V1: num_params.
    name: "LR-ASPP, 21 classes",
    build: () => networks.lraspp.build({ width, classes: 21 }),
    layers: 3_221_538,
    exact: 3_221_538,
  },
  {
    // osmr/imgclsmob, pytorchcv/models/fastscnn.py: fastscnn_cityscapes without the auxiliary head. The paper: 1.11 M.
    name: "Fast-SCNN, 19 classes",
    build: () => networks["fast-scnn"].build({ width, classes: 19 }),
    layers: counts.fastScnn(19),
    exact: 1_138_051,
  },
  {
    // Hugging Face, nvidia/segformer-b0-finetuned-ade-512-512. The paper: 3.8 M, of which 3.4 M are the encoder.
    name: "SegFormer-B0, 150 classes",
    build: () => networks.segformer.build({ width, classes: 150 }),
    layers: counts.segformer(150),
    exact: 3_752_694,
  },
  {
    // The same with the head for Cityscapes (nvidia/segformer-b0-finetuned-cityscapes-*): 3.7 M.
    name: "SegFormer-B0, 19 classes",
    build: () => networks.segformer.build({ width, classes: 19 }),
    layers: counts.segformer(19),
    exact: 3_719_027,
  },
  {
    // Hong et al., arXiv 2101.06085, table of Cityscapes: 5.7 M.
    name: "DDRNet-23-slim, 19 classes",
    build: () => networks.ddrnet.build({ width, classes: 19 }),
    layers: counts.ddrnet(19),
    millions: 5.7,
  },
  {
    // osmr/imgclsmob, pytorchcv/models/bisenet.py: bisenet_resnet18_celebamaskhq without auxiliary heads has 13,150,272;
    // that variant takes the spatial path from the ResNet. (What the paper's table 4 calls parameters is another count.)
    name: "BiSeNet, 19 classes",
    build: () => networks.bisenet.build({ width, classes: 19 }),
    layers: counts.bisenet(19),
    exact: 13_150_272 + counts.bisenetSpatialPath(),
  },
  {
    // Tables of real-time networks give 3.4 M.
    name: "BiSeNet V2, 19 classes",
    build: () => networks.bisenetv2.build({ width, classes: 19 }),
    layers: counts.bisenetv2(19, false),
    millions: 3.4,
  },
  {
    name: "BiSeNet V2 to be trained, 19 classes",
    build: () => bisenetv2({ width, classes: 19, auxiliary: true }),
    layers: counts.bisenetv2(19, true),
  },
  {
    // osmr/imgclsmob, pytorchcv/models/pspnet.py: pspnet_resnetd50b_voc without the auxiliary head.
    name: "PSPNet on ResNet-50 with three 3x3, 21 classes",
    build: () => pspnet({ width, classes: 21, stem: "3x3" }),
    layers: counts.pspnet(50, 21, "3x3", false),
    exact: 46_716_373,
  },
  {
    // The same with it: the published form.
    name: "PSPNet on ResNet-50 as published, 21 classes",
    build: () => pspnet({ width, classes: 21, stem: "3x3", auxiliary: true }),
    layers: counts.pspnet(50, 21, "3x3", true),
    exact: 49_081_578,
  },
  {
    // The default: torchvision's stem, 123,776 weights less.
    name: "PSPNet on ResNet-50 with one 7x7, 21 classes",
    build: () => pspnet({ width, classes: 21, depth: 50 }),
    layers: counts.pspnet(50, 21, "7x7", false),
  },
  {
    name: "PSPNet on ResNet-18, 21 classes",
    build: () => pspnet({ width, classes: 21, depth: 18 }),
    layers: counts.pspnet(18, 21, "7x7", false),
  },
  {
    name: "DeepLabv3+ on ResNet-18, 21 classes",
    build: () => deeplabv3plus({ width, classes: 21, depth: 18 }),
    layers: counts.deeplabv3plus(18, 21),
  },
  {
    name: "DeepLabv3+ on ResNet-50, 21 classes",
    build: () => deeplabv3plus({ width, classes: 21, depth: 50 }),
    layers: counts.deeplabv3plus(50, 21),
  },
  {
    // By the definition of jfzhang95/pytorch-deeplab-xception, which gives no figure itself.
    name: "DeepLabv3+ on ResNet-101, 21 classes",
    build: () => deeplabv3plus({ width, classes: 21, depth: 101 }),
    layers: counts.deeplabv3plus(101, 21),
  },
];

describe("published numbers of parameters", () => {
  test.each(rows)("$name: layer by layer", ({ build, layers }) => {
    expect(totalParameters(build().graph)).toBe(layers);
  });

  test.each(rows.filter(({ exact }) => exact !== undefined))("$name: as published", ({ layers, exact }) => {
    expect(layers).toBe(exact);
  });

  test.each(rows.filter(({ millions }) => millions !== undefined))("$name: as rounded", ({ layers, millions }) => {
    expect(Math.round(layers / 1e5) / 10).toBe(millions);
  });

  test("encoders are torchvision's ResNets without their classifier", () => {
    // num_params of ResNet18_Weights, ResNet50_Weights and ResNet101_Weights, less the 1000-class layer.
    const trunks = { 18: 11_689_512 - 513_000, 50: 25_557_032 - 2_049_000, 101: 44_549_160 - 2_049_000 };
    expect(counts.resnet(18)).toBe(trunks[18]);
    expect(counts.resnet(50)).toBe(trunks[50]);
    expect(counts.resnet(101)).toBe(trunks[101]);
    expect(parametersUnder(networks.bisenet.build({ width }), "context/resnet/")).toBe(trunks[18]);
    expect(parametersUnder(deeplabv3plus({ width, depth: 18 }), "encoder/")).toBe(trunks[18]);
    expect(parametersUnder(pspnet({ width, depth: 50 }), "encoder/")).toBe(trunks[50]);
  });
});

describe("ESPNet", () => {
  test("has the layers of the authors' code, less what folding its normalisations saves", () => {
    // The paper says 0.364 M for Cityscapes with 20 classes; its authors' code has three thousandths more.
    expect(Math.abs(counts.espnet(20, false) / 364_000 - 1)).toBeLessThan(0.004);
    // A scale and a shift become a bias behind the three convolutions that are normalised at once.
    expect(counts.espnet(20, false) - counts.espnet(20, true)).toBe(16 + 20 + 20);
    for (const classes of [12, 20]) {
      const { graph } = networks.espnet.build({ width, classes });
      expect(totalParameters(graph)).toBe(counts.espnet(classes, true));
    }
  });

  const file = besideProject("models/espnet-camvid/onnx/model.onnx");
  test.skipIf(file === undefined)("has as many as the file of the trained CamVid model", () => {
    const trained = readModel(readFileSync(file ?? ""), { name: "espnet" });
    expect(totalParameters(networks.espnet.build({ width, classes: 12 }).graph)).toBe(totalParameters(trained.graph));
  });
});

describe.each([
  { name: "FCN-8s", build: fcn8s, stride: 8 },
  { name: "FCN-16s", build: fcn16s, stride: 16 },
  { name: "FCN-32s", build: fcn32s, stride: 32 },
] as const)("$name on VGG-16", ({ build, stride }) => {
  const classes = 21;

  test("has the paper's 134 million (table 1), beside what interpolates", () => {
    expect(Math.round(counts.fcn({ classes, stride }) / 1e6)).toBe(134);
    // VGG-16 without its classifier, as torchvision has it (138,357,544 less 4096 times 1000 and 1000), and the scores.
    const scores = { 8: 4097 + 513 + 257, 16: 4097 + 513, 32: 4097 }[stride] * classes;
    expect(counts.fcn({ classes, stride })).toBe(138_357_544 - 4_097_000 + scores);
  });

  // The whole of it, half a gigabyte, is among the slow tests.
  test.each<VggOptions>([{ width: 1, fcWidth: 1 / 64 }, { width: 1 / 8 }, { width: 1 / 16, fcWidth: 1 / 32 }])(
    "has the layers of the prototxt at %o",
    (options) => {
      const { width: wide = 1, fcWidth = wide } = options;
      const expected = counts.fcn({ classes, stride, width: wide, fcWidth });
      const { graph } = build({ ...options, classes });
      expect(totalParameters(graph)).toBe(expected + counts.fcnInterpolation({ classes, stride }));
    },
  );
});
