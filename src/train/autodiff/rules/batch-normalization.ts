// BatchNormalization: with fixed statistics, and in training, where mean and variance are those of the batch and running
// statistics follow them. Ioffe and Szegedy, "Batch Normalization", ICML 2015, algorithm 1 and section 3.1.
// The engine's CPU provider has no training form: it is written out here, over the operator with computed statistics,
// which is its fastest scale-and-shift of channels.

import { elementCount, float, intAttribute, nodeOf, type Expressions, type Node } from "../../../onnx/index.ts";
import { inputOf, outputOf, refuse, type Forward, type Place, type Rule } from "../rule.ts";

/** y = scale (x - mean) / sqrt(variance + epsilon) + shift */
export const batchNormalization: Rule = {
  forward: (place) => {
    if (isTraining(place)) return trainingForm(place);
    const { ops } = place;
    const deviation = ops.sqrt(ops.add(inputOf(place, 4), ops.scalar(epsilonOf(place))));
    return { nodes: [place.node], saved: { mean: inputOf(place, 3), inverse: ops.op("Reciprocal", [deviation]) } };
  },
  backward: (c) => {
    if (c.gradient(1) !== undefined || c.gradient(2) !== undefined) {
      refuse(c, "a loss that running statistics are no part of", "one that they are");
    }
    const dy = c.gradient();
    if (dy === undefined) return [];
    const { ops } = c;
    const x = inputOf(c, 0);
    const [channels, axes, perChannel] = layoutOf(c);
    const [mean, inverse] = [c.saved("mean"), c.saved("inverse")];
    const sum = ops.reduceSum(dy, axes, false);
    // Sum of dy x_hat, x_hat = (x - mean) inverse, without a pass for x_hat.
    const product = ops.reduceSum(ops.mul(dy, x), axes, false);
    const aligned = ops.mul(ops.sub(product, ops.mul(mean, sum)), inverse);
    const gain = ops.mul(inputOf(c, 1), inverse);
    const wide = (vector: string): string => ops.reshape(vector, perChannel);
    let dx: string | undefined;
    if (c.wants(0) && !isTraining(c)) dx = ops.mul(dy, wide(gain));
    if (c.wants(0) && isTraining(c)) {
      // gain (dy - sum / m - x_hat aligned / m) as gain dy + slope x + offset: three passes over the map.
      const count = elementCount(c.shapeOf(x)) / channels;
      const slope = ops.scale(ops.mul(ops.mul(gain, inverse), aligned), -1 / count);
      const offset = ops.sub(ops.scale(ops.mul(gain, sum), -1 / count), ops.mul(slope, mean));
      dx = ops.add(ops.mul(dy, wide(gain)), affine(ops, x, slope, offset, channels));
    }
    const given = !isTraining(c);
    return [
      dx,
      c.wants(1) ? aligned : undefined,
      c.wants(2) ? sum : undefined,
      given && c.wants(3) ? ops.neg(ops.mul(gain, sum)) : undefined,
      given && c.wants(4) ? ops.scale(ops.mul(ops.mul(gain, inverse), aligned), -0.5) : undefined,
    ];
  },
};

function isTraining({ node }: Place): boolean {
  return intAttribute(node, "training_mode", 0) === 1;
}

function epsilonOf({ node }: Place): number {
  const attribute = node.attributes.get("epsilon");
  return attribute?.kind === "float" ? attribute.value : 1e-5;
}

/** Channels, the axes of a mean over the batch, and the shape in which a vector of channels meets the map. */
function layoutOf(place: Place): [channels: number, axes: readonly number[], perChannel: readonly number[]] {
  const shape = place.shapeOf(inputOf(place, 0));
  const channels = shape[1] ?? 1;
  return [channels, shape.flatMap((_, axis) => (axis === 1 ? [] : [axis])), [channels, ...shape.slice(2).map(() => 1)]];
}

/** slope x + offset for each channel: the operator with statistics 0 and 1 does it in one pass. */
function affine(ops: Expressions, x: string, slope: string, offset: string, channels: number): string {
  const [zeros, ones] = [0, 1].map((value) =>
    ops.float32(
      [channels],
      Array.from({ length: channels }, () => value),
    ),
  );
  return ops.op("BatchNormalization", [x, slope, offset, zeros ?? "", ones ?? ""], { epsilon: float(0) });
}

/** Statistics of the batch in place of the given ones, and running ones that follow. */
function trainingForm(place: Place): Forward {
  const { node, ops } = place;
  const x = inputOf(place, 0);
  const [channels, axes] = layoutOf(place);
  const count = elementCount(place.shapeOf(x)) / channels;
  const mean = ops.scale(ops.reduceSum(x, axes, false), 1 / count);
  // E[x^2] - E[x]^2 takes one pass where E[(x - E[x])^2] takes two; rounding may make it a little less than nothing.
  const square = ops.scale(ops.reduceSumSquare(x, axes, false), 1 / count);
  const variance = ops.op("Max", [ops.sub(square, ops.mul(mean, mean)), ops.scalar(0)]);
  const epsilon = epsilonOf(place);
  const inverse = ops.op("Reciprocal", [ops.sqrt(ops.add(variance, ops.scalar(epsilon)))]);
  const inputs = [x, inputOf(place, 1), inputOf(place, 2), mean, variance];
  const normalised = nodeOf("BatchNormalization", inputs, [outputOf(place)], { epsilon: float(epsilon) }, node.name);
  // ONNX: running = momentum running + (1 - momentum) batch, with the variance of the population.
  const attribute = node.attributes.get("momentum");
  const momentum = attribute?.kind === "float" ? attribute.value : 0.9;
  const running: Node[] = [];
  const follow = (input: number, output: number, now: string): void => {
    const name = node.outputs[output];
    if (name === undefined || name === "") return;
    const kept = ops.scale(inputOf(place, input), momentum);
    running.push(nodeOf("Add", [kept, ops.scale(now, 1 - momentum)], [name]));
  };
  follow(3, 1, mean);
  follow(4, 2, variance);
  return { nodes: [normalised, ...running], saved: { mean, inverse } };
}
