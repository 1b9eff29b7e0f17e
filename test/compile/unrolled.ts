// The pipeline without memory: the source once for every frame, side by side in one graph, with an edge from the frame
// on which the reading stage works. From the definition of the schedule alone.

import type { EngineTensor } from "../../src/engine/engine.ts";
import type { Network } from "../../src/network/index.ts";
import { subgraphsOf, tensorValue, type Model, type Node } from "../../src/onnx/index.ts";
import type { Plan } from "../../src/stages/plan.ts";
import { runOnce } from "../support/runtime.ts";
import type { Tensors } from "../support/reference.ts";

/** Frame that stage `depth` works on, where stage 1 works on `frame`: as late as it is deep, but not before a restart. */
export function frameOf(depth: number, frame: number, restarts: readonly number[]): number {
  const last = restarts.findLast((restart) => restart <= frame) ?? 0;
  return Math.max(last, frame - (depth - 1));
}

/** Outputs of the source for every frame. `restarts` are the frames on which all stages work on the same one. */
export async function unrolled(
  network: Network,
  plan: Plan,
  images: readonly EngineTensor[],
  restarts: readonly number[],
): Promise<readonly Tensors[]> {
  const { index } = network;
  const { graph } = network.model;
  const at = (name: string, frame: number): string => (graph.initializers.has(name) ? name : `${name}#${frame}`);
  const depthOf = (node: number | undefined): number =>
    plan.stages.findLast(({ nodes }) => node !== undefined && nodes[node] === 1)?.index ?? 1;
  const nodes = images.flatMap((_, frame) =>
    index.nodes.map((node, position): Node => {
      if (subgraphsOf(node).length > 0) throw new Error("expected nodes without bodies");
      const inputs = node.inputs.map((name) => {
        if (name === "" || !network.isData(name)) return name === "" ? "" : at(name, frame);
        // What comes from a stage further out waits one frame for each border on its way in.
        const late = Math.max(0, depthOf(position) - depthOf(index.producerOf(name)));
        return at(name, frameOf(late + 1, frame, restarts));
      });
      const outputs = node.outputs.map((name) => (name === "" ? "" : at(name, frame)));
      return { ...node, name: node.name === "" ? "" : `${node.name}#${frame}`, inputs, outputs };
    }),
  );
  const results = graph.outputs.map(({ name }) => name);
  const every = <T>(make: (frame: number) => readonly T[]): readonly T[] => images.flatMap((_, frame) => make(frame));
  const model: Model = {
    ...network.model,
    graph: {
      ...graph,
      nodes,
      inputs: every((frame) => graph.inputs.map((input) => ({ ...input, name: at(input.name, frame) }))),
      outputs: every((frame) =>
        results.map((name) =>
          tensorValue(at(name, frame), network.dtypeOf(name) ?? "undefined", network.shapeOf(name)),
        ),
      ),
      values: [],
    },
  };
  const outputs = await runOnce(
    model,
    Object.fromEntries(images.map((image, frame) => [at(network.input.name, frame), image])),
  );
  return images.map((_, frame) =>
    Object.fromEntries(
      results.flatMap((name): [string, EngineTensor][] => {
        const tensor = outputs[at(name, frame)];
        return tensor === undefined ? [] : [[name, tensor]];
      }),
    ),
  );
}
