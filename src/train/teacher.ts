// A teacher in a training step: a frozen network on the very images of the student, as it is used to seeing them.

import type { Expressions, Model } from "../onnx/index.ts";
import type { Preprocessing } from "../preprocessing.ts";
import type { StepGraph } from "./step-graph.ts";

/** A network whose scores another one is to follow. */
export interface Teacher {
  /** `image` of the recipe's batch and crop. */
  readonly model: Model;
  /** Its output with scores float32 [batch, classes, h, w], before the softmax, of the classes of the student. */
  readonly scores: string;
  /** How it sees pictures; its sizes are not looked at. */
  readonly preprocessing: Preprocessing;
}

/**
 * Scores of a teacher, as a tensor of the step.
 * @param image float32 [batch, 3, h, w] as the student sees it @param student how it does
 */
export function teacherScores(
  step: StepGraph,
  name: string,
  { model, scores, preprocessing }: Teacher,
  image: string,
  student: Preprocessing,
): string {
  const network = step.network(name, model, { frozen: true });
  return step.apply(network, seenOtherwise(step.ops, image, student, preprocessing))[scores] ?? "";
}

/**
 * An image float32 [N, 3, H, W] as it would be with another preprocessing: the same value 0..255 of each channel, in
 * another order, scaled and shifted otherwise.
 */
export function seenOtherwise(ops: Expressions, image: string, from: Preprocessing, to: Preprocessing): string {
  const channels = [0, 1, 2];
  const isTurned = from.channelOrder !== to.channelOrder;
  const at = (list: readonly number[], channel: number, otherwise: number): number =>
    list[channel] ?? list[0] ?? otherwise;
  const terms = channels.map((channel) => {
    const origin = isTurned ? 2 - channel : channel;
    const [fromStd, toStd] = [at(from.std, origin, 1), at(to.std, channel, 1)];
    const [fromMean, toMean] = [at(from.mean, origin, 0), at(to.mean, channel, 0)];
    const ratio = to.scale / from.scale;
    return { factor: (fromStd * ratio) / toStd, offset: (fromMean * ratio - toMean) / toStd };
  });
  const ordered = isTurned ? ops.op("Gather", [image, ops.int64([2, 1, 0])], { axis: 1 }) : image;
  if (terms.every(({ factor, offset }) => factor === 1 && offset === 0)) return ordered;
  const perChannel = (values: readonly number[]): string => ops.float32([1, 3, 1, 1], values);
  const scaled = ops.mul(ordered, perChannel(terms.map(({ factor }) => factor)));
  return ops.add(scaled, perChannel(terms.map(({ offset }) => offset)));
}
