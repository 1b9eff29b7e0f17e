// Forward graphs of whole networks on TensorFlow.js, which then differentiates them by itself: it shares no line with the
// library's rules. Covers what street, FCN-8s and SegFormer are made of and refuses the rest; layouts are turned around
// each operator that TensorFlow has for channels last only.

import * as tf from "@tensorflow/tfjs-core";
import {
  intAttribute,
  intsAttribute,
  numbersOf,
  stringAttribute,
  type Graph,
  type Node,
} from "../../../src/onnx/index.ts";
import { channelsFirst, channelsLast, tensorOf } from "./tensorflow.ts";
import type { Floats, FloatsByName } from "./gradients-of.ts";

/** A node with its inputs. */
interface Call {
  readonly node: Node;
  /** A float tensor. */
  readonly x: (input?: number) => tf.Tensor;
  /** Whether an input is there. */
  readonly has: (input: number) => boolean;
  /** Elements of a constant. */
  readonly constant: (input: number) => readonly number[];
}

const operators: Readonly<Record<string, (call: Call) => tf.Tensor>> = {
  Conv: convolution,
  ConvTranspose: transposedConvolution,
  BatchNormalization: batchNormalization,
  LayerNormalization: layerNormalization,
  MaxPool: maxPool,
  Resize: resize,
  MatMul: product,
  Softmax: ({ node, x }) => {
    if (intAttribute(node, "axis", -1) !== -1) refuse(node, "another axis than the last");
    return tf.softmax(x());
  },
  Relu: ({ x }) => tf.relu(x()),
  Erf: ({ x }) => tf.erf(x()),
  Add: ({ x }) => tf.add(x(), x(1)),
  Mul: ({ x }) => tf.mul(x(), x(1)),
  Div: ({ x }) => tf.div(x(), x(1)),
  Transpose: ({ node, x }) => tf.transpose(x(), intsAttribute(node, "perm")),
  Reshape: ({ x, constant }) => {
    const { shape } = x();
    return tf.reshape(
      x(),
      constant(1).map((length, axis) => (length === 0 ? (shape[axis] ?? 1) : length)),
    );
  },
  Concat: ({ node, x }) =>
    tf.concat(
      node.inputs.map((_, input) => x(input)),
      intAttribute(node, "axis", 0),
    ),
};

/** Values of a graph's outputs, by name. Normalisation uses the batch, as in training. */
export function runOnTensorflow(
  graph: Graph,
  given: ReadonlyMap<string, tf.Tensor>,
): Readonly<Record<string, tf.Tensor>> {
  const values = new Map(given);
  for (const node of graph.nodes) {
    const nameOf = (input: number): string => node.inputs[input] ?? "";
    const constant = (input: number): readonly number[] => {
      const tensor = graph.initializers.get(nameOf(input));
      const numbers = tensor === undefined ? undefined : numbersOf(tensor);
      return numbers ?? refuse(node, `input ${input} that is no constant`);
    };
    const x = (input = 0): tf.Tensor => {
      const known = values.get(nameOf(input));
      if (known !== undefined) return known;
      const made = tf.tensor([...constant(input)], [...(graph.initializers.get(nameOf(input))?.dims ?? [])], "float32");
      values.set(nameOf(input), made);
      return made;
    };
    const run = operators[node.op] ?? refuse(node, "this operator");
    values.set(node.outputs[0] ?? "", run({ node, x, has: (input) => nameOf(input) !== "", constant }));
  }
  return Object.fromEntries(
    graph.outputs.map(({ name }) => [name, values.get(name) ?? refuse(undefined, `output "${name}"`)]),
  );
}

/** Loss and gradients of a graph by its weights. */
export function networkGradients(
  graph: Graph,
  feeds: FloatsByName,
  weights: FloatsByName,
  lossOf: (outputs: Readonly<Record<string, tf.Tensor>>) => tf.Tensor,
): { readonly loss: number; readonly gradients: FloatsByName } {
  const names = Object.keys(weights);
  const fed = Object.entries(feeds).map(([name, value]) => [name, tensorOf(value)] as const);
  const loss = (...tensors: tf.Tensor[]): tf.Tensor => {
    const learned = names.flatMap((name, index) => {
      const tensor = tensors[index];
      return tensor === undefined ? [] : [[name, tensor] as const];
    });
    return lossOf(runOnTensorflow(graph, new Map([...fed, ...learned])));
  };
  const { value, grads } = tf.valueAndGrads(loss)(Object.values(weights).map(tensorOf));
  const gradients = names.map((name, index): [string, Floats] => {
    const gradient = grads[index];
    if (gradient === undefined) throw new Error(`test: no reference by ${name}`);
    return [name, { dims: gradient.shape, data: Float32Array.from(gradient.dataSync()) }];
  });
  return { loss: value.dataSync()[0] ?? Number.NaN, gradients: Object.fromEntries(gradients) };
}

/** Mean over labelled pixels of -log p of the label; `labels` [N,H,W], where what is no class is unlabelled. */
export function crossEntropyOf(logits: tf.Tensor, labels: ArrayLike<number>): tf.Tensor {
  const classes = logits.shape[1] ?? 0;
  const rows = tf.reshape(channelsLast(logits), [-1, classes]);
  const wanted = Float32Array.from({ length: labels.length * classes }, (_, index) =>
    labels[Math.floor(index / classes)] === index % classes ? 1 : 0,
  );
  const hits = tf.mul(tf.logSoftmax(rows), tf.tensor(wanted, [labels.length, classes]));
  const count = wanted.reduce((total, one) => total + one, 0);
  return tf.mul(tf.sum(hits), tf.scalar(-1 / count));
}

function refuse(node: Node | undefined, what: string): never {
  throw new Error(`test: the reference has no ${what}${node === undefined ? "" : ` (${node.op} "${node.name}")`}`);
}

/** Numbers of an attribute with one for each of two axes. */
function pair(node: Node, name: string, fallback: number): [number, number] {
  const [first = fallback, second = fallback] = intsAttribute(node, name) ?? [];
  return [first, second];
}

/** Zeros around [N,H,W,C]. */
function padded(node: Node, x: tf.Tensor4D): tf.Tensor4D {
  const [top = 0, left = 0, bottom = 0, right = 0] = intsAttribute(node, "pads") ?? [];
  if (top + left + bottom + right === 0) return x;
  const around: [number, number][] = [
    [0, 0],
    [top, bottom],
    [left, right],
    [0, 0],
  ];
  return tf.pad(x, around);
}

/** A filter [h,w,I,O] with zeros between its taps: gradients of TensorFlow.js know no dilation. */
function dilated(filter: tf.Tensor, [rows, columns]: readonly [number, number]): tf.Tensor4D {
  const [h = 1, w = 1, inputs = 1, outputs = 1] = filter.shape;
  const apart = tf.pad(tf.reshape(filter, [h, 1, w, 1, inputs * outputs]), [
    [0, 0],
    [0, rows - 1],
    [0, 0],
    [0, columns - 1],
    [0, 0],
  ]);
  const wide = tf.reshape(apart, [h * rows, w * columns, inputs, outputs]);
  return tf.slice(wide, [0, 0, 0, 0], [(h - 1) * rows + 1, (w - 1) * columns + 1, inputs, outputs]) as tf.Tensor4D;
}

function biased({ x, has }: Call, map: tf.Tensor4D): tf.Tensor {
  return channelsFirst(has(2) ? tf.add(map, x(2)) : map);
}

function convolution(call: Call): tf.Tensor {
  const { node, x } = call;
  const group = intAttribute(node, "group", 1);
  const map = padded(node, channelsLast(x()));
  const strides = pair(node, "strides", 1);
  const filter = dilated(tf.transpose(x(1), [2, 3, 1, 0]), pair(node, "dilations", 1));
  if (group === 1) return biased(call, tf.conv2d(map, filter, strides, "valid"));
  const [h, w, , outputs] = filter.shape;
  if (group !== map.shape[3]) refuse(node, "groups of several channels");
  const apart = tf.reshape(filter, [h, w, group, outputs / group]) as tf.Tensor4D;
  return biased(call, tf.depthwiseConv2d(map, apart, strides, "valid"));
}

function transposedConvolution(call: Call): tf.Tensor {
  const { node, x } = call;
  if (intAttribute(node, "group", 1) !== 1) refuse(node, "groups");
  const filter = tf.transpose(x(1), [2, 3, 1, 0]) as tf.Tensor4D;
  const [h, w, outputs] = filter.shape;
  const [down, right] = pair(node, "strides", 1);
  const [batch, rows, columns] = channelsLast(x()).shape;
  const [height, width] = [(rows - 1) * down + h, (columns - 1) * right + w];
  const whole = tf.conv2dTranspose(channelsLast(x()), filter, [batch, height, width, outputs], [down, right], "valid");
  const [top = 0, left = 0, bottom = 0, end = 0] = intsAttribute(node, "pads") ?? [];
  return biased(call, tf.slice(whole, [0, top, left, 0], [batch, height - top - bottom, width - left - end, outputs]));
}

function batchNormalization({ node, x }: Call): tf.Tensor {
  const map = channelsLast(x());
  const { mean, variance } = tf.moments(map, [0, 1, 2]);
  return channelsFirst(scaled(node, map, mean, variance, x(1), x(2)));
}

function layerNormalization({ node, x }: Call): tf.Tensor {
  if (intAttribute(node, "axis", -1) !== -1) refuse(node, "another axis than the last");
  const { mean, variance } = tf.moments(x(), -1, true);
  return scaled(node, x(), mean, variance, x(1), x(2));
}

function scaled(
  node: Node,
  x: tf.Tensor,
  mean: tf.Tensor,
  variance: tf.Tensor,
  scale: tf.Tensor,
  shift: tf.Tensor,
): tf.Tensor {
  const attribute = node.attributes.get("epsilon");
  const epsilon = attribute?.kind === "float" ? attribute.value : 1e-5;
  const deviation = tf.sqrt(tf.add(variance, tf.scalar(epsilon)));
  return tf.add(tf.mul(tf.div(tf.sub(x, mean), deviation), scale), shift);
}

function maxPool({ node, x }: Call): tf.Tensor {
  if ((intsAttribute(node, "pads") ?? []).some((count) => count !== 0)) refuse(node, "padding");
  if (intAttribute(node, "ceil_mode", 0) !== 0) refuse(node, "partial windows");
  return channelsFirst(tf.maxPool(channelsLast(x()), pair(node, "kernel_shape", 1), pair(node, "strides", 1), "valid"));
}

/** Each axis as a product with its matrix of interpolation weights. */
function resize({ node, x, has, constant }: Call): tf.Tensor {
  const mode = stringAttribute(node, "mode", "nearest");
  const coordinates = stringAttribute(node, "coordinate_transformation_mode", "half_pixel");
  if (mode !== "linear") refuse(node, `mode ${mode}`);
  const [batch = 1, channels = 1, height = 1, width = 1] = x().shape;
  const given = has(3) ? constant(3) : constant(2).map((scale, axis) => Math.floor(scale * (x().shape[axis] ?? 1)));
  const [, , rows = 1, columns = 1] = given;
  const matrix = (from: number, to: number): tf.Tensor2D => {
    const weights = new Float32Array(from * to);
    for (let target = 0; target < to; target++) {
      const source = Math.min(Math.max(sourceOf(target, from, to), 0), from - 1);
      const below = Math.min(Math.floor(source), Math.max(from - 2, 0));
      const share = source - below;
      for (const [at, weight] of [
        [below, 1 - share],
        [Math.min(below + 1, from - 1), share],
      ] as const) {
        weights[at * to + target] = (weights[at * to + target] ?? 0) + weight;
      }
    }
    return tf.tensor2d(weights, [from, to]);
  };
  const sourceOf = (target: number, from: number, to: number): number => {
    if (coordinates === "half_pixel") return ((target + 0.5) * from) / to - 0.5;
    if (coordinates === "align_corners") return to === 1 ? 0 : (target * (from - 1)) / (to - 1);
    return refuse(node, `coordinates ${coordinates}`);
  };
  const across = tf.matMul(tf.reshape(x(), [batch * channels * height, width]), matrix(width, columns));
  const turned = tf.transpose(tf.reshape(across, [batch, channels, height, columns]), [0, 1, 3, 2]);
  const down = tf.matMul(tf.reshape(turned, [batch * channels * columns, height]), matrix(height, rows));
  return tf.transpose(tf.reshape(down, [batch, channels, columns, rows]), [0, 1, 3, 2]);
}

/** Gradients of TensorFlow.js do not broadcast matrices: leading axes become rows instead. */
function product({ node, x }: Call): tf.Tensor {
  const [a, b] = [x(), x(1)];
  if (b.rank === 2) {
    const [inner = 1, outer = 1] = b.shape;
    const flat = tf.matMul(tf.reshape(a, [-1, inner]), b);
    return tf.reshape(flat, [...a.shape.slice(0, -1), outer]);
  }
  if (a.shape.slice(0, -2).join() !== b.shape.slice(0, -2).join()) refuse(node, "broadcasting of matrices");
  return tf.matMul(a, b);
}
