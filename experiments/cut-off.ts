// A network cut off at a shallow score map: what the stages before a deep one say alone. Shelhamer et al. 2016 call it the
// "2-stage baseline" and the "3-stage baseline" : score_pool4 and score_pool3 of FCN-8s, upsampled.
// The map comes out as it is; the segmenter upsamples scores bilinearly. Nothing is trained anew, there as here.

import { ClockworkError } from "../src/errors.ts";
import type { Model } from "../src/index.ts";
import { GraphIndex, tensorsReadBy, tensorValue } from "../src/onnx/index.ts";

/**
 * The part of a model that makes a score map, with that map as its only output.
 * @param scores name of a float32 tensor [1, classes, h, w] that a node makes
 * @throws ClockworkError `invalid-argument` where no node makes it
 */
export function cutOffAt(model: Model, scores: string): Model {
  const { graph } = model;
  const index = new GraphIndex(graph);
  if (index.producerOf(scores) === undefined) {
    throw new ClockworkError("invalid-argument", `cut off: expected a tensor that a node makes, got "${scores}"`);
  }
  const needed = new Set([scores]);
  const nodes = [...index.nodes].reverse().filter((node) => {
    if (!node.outputs.some((name) => needed.has(name))) return false;
    for (const name of tensorsReadBy(node)) needed.add(name);
    return true;
  });
  return {
    ...model,
    graph: {
      ...graph,
      nodes: nodes.reverse(),
      initializers: new Map([...graph.initializers].filter(([name]) => needed.has(name))),
      // Inputs of old files list the constants, too.
      inputs: graph.inputs.filter(({ name }) => needed.has(name) || !graph.initializers.has(name)),
      outputs: [tensorValue(scores, "float32", undefined)],
      values: [],
    },
  };
}
