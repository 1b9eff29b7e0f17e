// SegFormer as `SegformerForSemanticSegmentation` of Hugging Face's transformers names it. Fully connected layers there
// are [outputs, inputs], in our network [inputs, outputs].

import type { NameMap, NameRule } from "../name-map.ts";

/** Parts of the encoder and of the decoder are numbered from 0 there, from 1 here. */
const numbered: readonly NameRule[] = [0, 1, 2, 3].flatMap((index) => [
  { from: `/^(patch_embeddings|block|layer_norm)\\.${index}\\./`, to: `stage${index + 1}/$1/` },
  { from: `/^decode_head\\.linear_c\\.${index}\\.proj\\./`, to: `decode/linear_c${index + 1}.` },
]);

/** From the state dicts of transformers' SegFormer-B0 to the network `segformer` at width 1. */
export const SEGFORMER: NameMap = {
  strip: "segformer.encoder.",
  rules: [
    ...numbered,
    { from: "/^(stage\\d)/patch_embeddings/proj\\./", to: "$1/embed/proj." },
    { from: "/^(stage\\d)/patch_embeddings/layer_norm\\./", to: "$1/embed/norm." },
    { from: "/^(stage\\d)/layer_norm//", to: "$1/norm." },
    { from: "/^(stage\\d)/block/(\\d+)\\./", to: "$1/$2/" },
    { from: "//layer_norm_([12])\\./", to: "/norm$1." },
    { from: "//attention\\.self\\.sr\\./", to: "/attention/reduce." },
    { from: "//attention\\.self\\.layer_norm\\./", to: "/attention/reduce/norm." },
    { from: "//attention\\.self\\.(query|key|value)\\./", to: "/attention/$1." },
    { from: "//attention\\.output\\.dense\\./", to: "/attention/out." },
    { from: "//mlp\\.dense([12])\\./", to: "/ffn/fc$1." },
    { from: "//mlp\\.dwconv\\.dwconv\\./", to: "/ffn/depthwise." },
    { from: "/^decode_head\\.linear_fuse\\./", to: "decode/linear_fuse/conv." },
    { from: "/^decode_head\\.batch_norm\\./", to: "decode/linear_fuse/bn." },
    { from: "/^decode_head\\.classifier\\./", to: "decode/linear_pred." },
    { from: "/(/(?:query|key|value|out|fc1|fc2|linear_c\\d)\\.weight)$/", to: "$1", transpose: [1, 0] },
  ],
};
