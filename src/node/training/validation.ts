// How good a network is on the labelled frames of a split: it is run as users run it, whole on every frame, and scored by
// the meters of evaluations.

import { parseSchedule } from "../../clocks/index.ts";
import { mapClasses, NO_CLASS, type Dataset } from "../../datasets/index.ts";
import { nodeEngine } from "../../engine/node/engine.ts";
import type { Frame, LabelMap } from "../../frame.ts";
import { ConfusionMatrix, type ConfusionResult } from "../../metrics/index.ts";
import type { Model } from "../../onnx/index.ts";
import type { Preprocessing } from "../../preprocessing.ts";
import { Segmenter } from "../../segment/index.ts";

/** What is validated on. */
export interface ValidationOptions {
  readonly dataset: Dataset;
  readonly classNames: readonly string[];
  readonly preprocessing: Preprocessing;
  readonly threads?: number;
  readonly signal?: AbortSignal;
}

/** Scores a network on all labelled frames of a dataset. */
export async function validate(model: Model, options: ValidationOptions): Promise<ConfusionResult> {
  const { dataset, classNames, preprocessing, threads, signal } = options;
  const { table } = mapClasses({ network: classNames, dataset: dataset.classNames });
  const matrix = new ConfusionMatrix(dataset.classNames.length);
  await using segmenter = new Segmenter({
    model,
    engine: nodeEngine,
    schedule: parseSchedule("every"),
    preprocessing,
    classNames,
    stages: 1,
    shots: false,
    engineOptions: threads === undefined ? {} : { threads },
  });
  for (const sequence of dataset.sequences) {
    const truth: LabelMap[] = [];
    const frames = labelledFrames(sequence.read(signal === undefined ? {} : { signal }), truth);
    for await (const { labels } of segmenter.segment(frames)) {
      const expected = truth.shift();
      if (expected === undefined) continue;
      matrix.update(
        labels.data.map((label) => table[label] ?? NO_CLASS),
        expected.data,
      );
    }
  }
  return matrix.result();
}

/** Frames that have labels; the labels go into `truth`, in their order. */
async function* labelledFrames(
  frames: AsyncIterable<{ readonly frame: Frame; readonly labels: LabelMap | undefined }>,
  truth: LabelMap[],
): AsyncGenerator<Frame, void, void> {
  for await (const { frame, labels } of frames) {
    if (labels === undefined) continue;
    truth.push(labels);
    yield frame;
  }
}
