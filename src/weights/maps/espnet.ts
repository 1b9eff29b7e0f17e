// ESPNet as its authors' PyTorch code names it (github.com/sacmehta/ESPNet, train/Model.py): the decoder's `ESPNet` with
// p = 2 and q = 8, whose encoder is `encoder`. Three convolutions there have a normalisation of their own behind them that
// is part of the convolution in our network.

import type { NameMap } from "../name-map.ts";

/** From the state dicts of ESPNet's authors to the network `espnet` at width 1. */
export const ESPNET: NameMap = {
  folds: [
    { conv: "encoder.level1.conv", bn: "encoder.level1.bn", epsilon: 1e-3 },
    { conv: "encoder.classifier.conv", bn: "br", epsilon: 1e-3 },
    { conv: "conv.conv", bn: "conv.bn", epsilon: 1e-3 },
  ],
  rules: [
    { from: "/^encoder\\.level1\\.conv\\./", to: "level1/conv." },
    { from: "/^encoder\\.level1\\.act\\./", to: "level1/prelu." },
    { from: "/^encoder\\.b([123])\\.bn\\./", to: "level$1/out/bn." },
    { from: "/^encoder\\.b([123])\\.act\\./", to: "level$1/out/prelu." },
    { from: "/^encoder\\.level([23])_0\\./", to: "level$1/down/" },
    { from: "/^encoder\\.level([23])\\.0\\./", to: "level$1/esp1/" },
    { from: "/^encoder\\.level([23])\\.1\\./", to: "level$1/esp2/" },
    { from: "/^encoder\\.level([23])\\.2\\./", to: "level$1/esp3/" },
    { from: "/^encoder\\.level([23])\\.3\\./", to: "level$1/esp4/" },
    { from: "/^encoder\\.level([23])\\.4\\./", to: "level$1/esp5/" },
    { from: "/^encoder\\.level([23])\\.5\\./", to: "level$1/esp6/" },
    { from: "/^encoder\\.level([23])\\.6\\./", to: "level$1/esp7/" },
    { from: "/^encoder\\.level([23])\\.7\\./", to: "level$1/esp8/" },
    { from: "/^encoder\\.classifier\\.conv\\./", to: "level3/score." },
    { from: "/^level3_C\\.conv\\./", to: "level2/score." },
    { from: "/^up_l3\\.0\\./", to: "level3/score_up." },
    { from: "/^combine_l2_l3\\.0\\.bn\\./", to: "fuse2/bn." },
    { from: "/^combine_l2_l3\\.0\\.act\\./", to: "fuse2/prelu." },
    { from: "/^combine_l2_l3\\.1\\./", to: "fuse2/esp/" },
    { from: "/^up_l2\\.0\\./", to: "fuse2/up." },
    { from: "/^up_l2\\.1\\.bn\\./", to: "fuse2/up/bn." },
    { from: "/^up_l2\\.1\\.act\\./", to: "fuse2/up/prelu." },
    { from: "/^conv\\.conv\\./", to: "fuse1/conv." },
    { from: "/^conv\\.act\\./", to: "fuse1/prelu." },
    { from: "/^classifier\\./", to: "head." },
    // Inside of blocks.
    { from: "//c1\\.conv\\./", to: "/reduce." },
    { from: "//d(\\d+)\\.conv\\./", to: "/dilated$1." },
    { from: "//bn\\.bn\\./", to: "/bn." },
    { from: "//(?:bn\\.)?act\\./", to: "/prelu." },
  ],
};
