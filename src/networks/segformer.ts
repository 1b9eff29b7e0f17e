// SegFormer-B0: four stages of transformer blocks at strides 4, 8, 16 and 32 without positions, and a decoder of linear
// layers that joins all four at stride 4.
// Xie et al., "SegFormer: Simple and Efficient Design for Semantic Segmentation with Transformers", NeurIPS 2021, figure 2,
// sections 3.1 and 3.2, and table 6 of the appendix. Keys and values have a linear layer each, as in Hugging Face's
// exports; the authors' code has one for both. Logits are at stride 4: whoever wants labels resizes them.

import type { Model } from "../onnx/index.ts";
import { Layers, type Feature } from "./layers.ts";
import { resolveOptions, type Extent, type NetworkOptions } from "./options.ts";

/** A map as a sequence float32 [batch, height * width, channels]. */
interface Tokens {
  readonly name: string;
  readonly channels: number;
  /** Size of the map where sizes are constants. */
  readonly extent: Extent | undefined;
  /** As of {@link Feature}. */
  readonly power: number;
}

/** A stage of the encoder; `reduction` is the stride at which attention sees keys and values. */
interface StageSpec {
  readonly heads: number;
  readonly reduction: number;
  readonly kernel: number;
  readonly stride: number;
}

/** Table 6, B0: two blocks a stage, heads of 32 channels, feed-forward 4 times as wide. */
const stages: readonly StageSpec[] = [
  { heads: 1, reduction: 8, kernel: 7, stride: 4 },
  { heads: 2, reduction: 4, kernel: 3, stride: 2 },
  { heads: 5, reduction: 2, kernel: 3, stride: 2 },
  { heads: 8, reduction: 1, kernel: 3, stride: 2 },
];
const blocksPerStage = 2;
const headChannels = 32;
const feedForward = 4;

/**
 * Builds SegFormer-B0. Default width 1/4 (heads of 8 channels), 19 classes; 3.7 million weights at width 1.
 * `image` float32 [batch, 3, height, width] -> `logits` float32 [batch, classes, ceil(height / 4), ceil(width / 4)];
 * height and width at least 32.
 */
export function segformer(options: NetworkOptions = {}): Model {
  const resolved = resolveOptions(options, { name: "segformer", width: 1 / 4, classes: 19, sizeMultiple: 1 });
  const layers = new Layers(resolved);
  const maps: Feature[] = [];
  let x = layers.image;
  for (const [index, spec] of stages.entries()) {
    x = stage(layers, `stage${index + 1}`, x, spec);
    maps.push(x);
  }
  return layers.finish(decode(layers, maps), 4);
}

function stage(layers: Layers, name: string, image: Feature, spec: StageSpec): Feature {
  const channels = spec.heads * layers.scaled(headChannels);
  const { kernel, stride } = spec;
  const init = { kernel, stride, pad: Math.floor(kernel / 2), bias: true };
  const map = layers.conv(`${name}/embed/proj`, image, channels, init);
  let x = normalised(layers, `${name}/embed/norm`, tokensOf(layers, `${name}/embed`, map));
  for (let i = 0; i < blocksPerStage; i++) {
    const block = `${name}/${i}`;
    const attended = attention(layers, `${block}/attention`, normalised(layers, `${block}/norm1`, x), map, spec);
    x = sum(layers, `${block}/add1`, attended, x);
    const fed = mixFfn(layers, `${block}/ffn`, normalised(layers, `${block}/norm2`, x), map);
    x = sum(layers, `${block}/add2`, fed, x);
  }
  return mapOf(layers, `${name}/out`, normalised(layers, `${name}/norm`, x), map);
}

/** Self-attention whose keys and values come from a map `reduction` times smaller (section 3.1). */
function attention(layers: Layers, name: string, x: Tokens, map: Feature, { heads, reduction }: StageSpec): Tokens {
  const { graph, options } = layers;
  const { channels } = x;
  const perHead = channels / heads;
  let context = x;
  if (reduction > 1) {
    const whole = mapOf(layers, `${name}/reduce/map`, x, map);
    const init = { kernel: reduction, stride: reduction, pad: 0, bias: true };
    const reduced = layers.conv(`${name}/reduce`, whole, channels, init);
    context = normalised(layers, `${name}/reduce/norm`, tokensOf(layers, `${name}/reduce/tokens`, reduced));
  }
  /** [batch, heads, tokens, perHead], or for keys [batch, heads, perHead, tokens]. */
  const split = (part: string, from: Tokens, perm: readonly number[]): string => {
    const projected = layers.linear(`${name}/${part}`, from.name, channels, channels);
    const count = tokenCount(layers, `${name}/${part}/count`, { ...from, name: projected });
    const shape = layers.vector(`${name}/${part}/shape`, [options.batch, count, heads, perHead]);
    const apart = graph.add(`${name}/${part}/heads`, "Reshape", [projected, shape]);
    return graph.add(`${name}/${part}/transpose`, "Transpose", [apart], { perm });
  };
  const query = split("query", x, [0, 2, 1, 3]);
  const key = split("key", context, [0, 2, 3, 1]);
  const value = split("value", context, [0, 2, 1, 3]);
  const product = graph.add(`${name}/scores`, "MatMul", [query, key]);
  const scaled = graph.add(`${name}/scores/div`, "Div", [product, layers.scalar(Math.sqrt(perHead))]);
  const weights = graph.add(`${name}/softmax`, "Softmax", [scaled], { axis: -1 });
  const mixed = graph.add(`${name}/context`, "MatMul", [weights, value]);
  const back = graph.add(`${name}/context/transpose`, "Transpose", [mixed], { perm: [0, 2, 1, 3] });
  const count = tokenCount(layers, `${name}/context/count`, { ...x, name: back });
  const shape = layers.vector(`${name}/context/shape`, [options.batch, count, channels]);
  const merged = graph.add(`${name}/context/merge`, "Reshape", [back, shape]);
  return { ...x, name: layers.linear(`${name}/out`, merged, channels, channels) };
}

/** Feed-forward network with a depthwise convolution, which is what knows of positions (section 3.1). */
function mixFfn(layers: Layers, name: string, x: Tokens, map: Feature): Tokens {
  const channels = x.channels * feedForward;
  const wide = { ...x, channels, name: layers.linear(`${name}/fc1`, x.name, x.channels, channels) };
  const wideMap = mapOf(layers, `${name}/map`, wide, map);
  const mixed = layers.conv(`${name}/depthwise`, wideMap, channels, { kernel: 3, groups: channels, bias: true });
  const active = gelu(layers, `${name}/gelu`, tokensOf(layers, `${name}/tokens`, mixed).name);
  return { ...x, name: layers.linear(`${name}/fc2`, active, channels, x.channels) };
}

/** All-MLP decoder (section 3.2). */
function decode(layers: Layers, maps: readonly Feature[]): Feature {
  const channels = layers.scaled(256);
  const unified = maps.map((map, index) => {
    const name = `decode/linear_c${index + 1}`;
    const tokens = tokensOf(layers, `${name}/tokens`, map);
    const projected = layers.linear(name, tokens.name, map.channels, channels);
    const linear = { ...tokens, channels, name: projected, power: 2 * map.power };
    return mapOf(layers, `${name}/map`, linear, map);
  });
  const [finest = layers.image, ...coarser] = unified;
  const parts: [Feature, ...Feature[]] = [finest];
  for (const [index, map] of coarser.entries()) {
    parts.unshift(layers.resizeLike(`decode/up${index + 2}`, map, finest, "bilinear"));
  }
  const fused = layers.convBnRelu("decode/linear_fuse", layers.concat("decode/concat", parts), channels);
  return layers.conv("decode/linear_pred", fused, layers.options.classes, { bias: true, output: "logits" });
}

/** [batch, channels, height, width] -> [batch, height * width, channels], as `x.flatten(2).transpose(1, 2)` is exported. */
function tokensOf(layers: Layers, name: string, map: Feature): Tokens {
  const { graph } = layers;
  const computed = (): string => {
    const whole = graph.add(`${name}/shape`, "Shape", [map.name]);
    const range = [layers.int64([0]), layers.int64([2]), layers.int64([0])];
    const leading = graph.add(`${name}/shape/nc`, "Slice", [whole, ...range]);
    return graph.add(`${name}/shape/flat`, "Concat", [leading, layers.int64([-1])], { axis: 0 });
  };
  const shape = map.extent === undefined ? computed() : layers.int64([layers.options.batch, map.channels, -1]);
  const flat = graph.add(`${name}/flatten`, "Reshape", [map.name, shape]);
  return { ...map, name: graph.add(`${name}/transpose`, "Transpose", [flat], { perm: [0, 2, 1] }) };
}

/** [batch, height * width, channels] -> [batch, channels, height, width], of the size of `like`. */
function mapOf(layers: Layers, name: string, tokens: Tokens, like: Feature): Feature {
  const { graph } = layers;
  const turned = graph.add(`${name}/transpose`, "Transpose", [tokens.name], { perm: [0, 2, 1] });
  const size = layers.sizeOf(`${name}/size`, like);
  const { height, width } =
    size.kind === "computed" ? size : { height: size.extent.heightPx, width: size.extent.widthPx };
  const shape = layers.vector(`${name}/shape`, [layers.options.batch, tokens.channels, height, width]);
  const map = graph.add(`${name}/reshape`, "Reshape", [turned, shape]);
  return { ...like, name: map, channels: tokens.channels, power: tokens.power };
}

/** Number of tokens: a number, or the name of an int64 scalar. */
function tokenCount(layers: Layers, name: string, tokens: Tokens): number | string {
  if (tokens.extent !== undefined) return tokens.extent.heightPx * tokens.extent.widthPx;
  const shape = layers.graph.add(`${name}/shape`, "Shape", [tokens.name]);
  return layers.graph.add(name, "Gather", [shape, layers.int64(1)], { axis: 0 });
}

function normalised(layers: Layers, name: string, x: Tokens): Tokens {
  return { ...x, name: layers.layerNorm(name, x.name, x.channels), power: 1 };
}

function sum(layers: Layers, name: string, a: Tokens, b: Tokens): Tokens {
  return { ...a, name: layers.graph.add(name, "Add", [a.name, b.name]) };
}

/** x / 2 (1 + erf(x / sqrt 2)), as exported below opset 20. */
function gelu(layers: Layers, name: string, x: string): string {
  const { graph } = layers;
  const scaled = graph.add(`${name}/div`, "Div", [x, layers.scalar(Math.SQRT2)]);
  const erf = graph.add(`${name}/erf`, "Erf", [scaled]);
  const raised = graph.add(`${name}/add`, "Add", [erf, layers.scalar(1)]);
  const product = graph.add(`${name}/mul`, "Mul", [x, raised]);
  return graph.add(name, "Mul", [product, layers.scalar(0.5)]);
}
