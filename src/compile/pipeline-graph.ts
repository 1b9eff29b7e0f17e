// The pipeline of Shelhamer et al. 2016: every stage runs on every frame, but on what the stage around it
// made one frame earlier, so that stage s sees the frame s - 1 frames ago. Here as data flow only: which tensor of which
// frame a node reads. Stages run one after another in this graph; running them side by side is no matter of it.
//
// Data that enters a stage is read from memory, whether it comes from the stage directly around it or from one further
// out: then it waits one frame at every border that it crosses. What a stage puts out is not delayed again, so what joins
// a deeper result with data of its own stage joins two frames. A stage in several segments reads all its entries a frame
// late, those behind its own first segment, too. On a restart there is nothing earlier, and all stages see the same frame.

import { ClockworkError } from "../errors.ts";
import type { Network } from "../network/index.ts";
import { nodeOf, tensorValue, type Graph, type Node } from "../onnx/index.ts";
import type { Plan } from "../stages/plan.ts";
import { entriesOf } from "../stages/region.ts";
import { renamed } from "./rename.ts";
import type { ClockTensor } from "./signal-graph.ts";
import type { MemoryNames } from "./stage-graph.ts";

/** A graph in which stages read what was. */
export interface PipelineGraph {
  /** Memory and `restart` are among its inputs. */
  readonly graph: Graph;
  readonly memory: readonly ClockTensor[];
}

/**
 * Delays what enters the stages of a plan.
 * @param graph the network's graph, with or without what is around it
 * @param restart name of the bool tensor [1] that tells of a restart
 * @throws ClockworkError `invalid-schedule` where something enters a stage that is no tensor
 */
export function pipelineGraph(
  graph: Graph,
  network: Network,
  plan: Plan,
  names: MemoryNames,
  restart: string,
): PipelineGraph {
  const memory: ClockTensor[] = [];
  const added: Node[] = [];
  /** What a tensor is called where a stage reads it; that of the stage around until a deeper one is looked at. */
  const versions = new Map<string, string>();
  const reads = new Map<Node, Map<string, string>>();
  for (const stage of plan.stages.slice(1)) {
    for (const { tensor, consumers } of entriesOf(network, stage.nodes)) {
      const dtype = network.dtypeOf(tensor);
      const dims = network.shapeOf(tensor);
      if (dtype === undefined || dims === undefined) {
        throw new ClockworkError(
          "invalid-schedule",
          `clock: pipeline expects tensors to enter stage ${stage.index}, got "${tensor}", which is none; try another cut`,
        );
      }
      const now = versions.get(tensor) ?? tensor;
      const late = `${tensor}@stage${stage.index}`;
      versions.set(tensor, late);
      memory.push({ tensor: now, dtype, dims });
      added.push(nodeOf("Identity", [now], [names.after(now)]));
      // No `Where`: it reads both, and not every element type has it.
      const choice = (from: string, kind: string): Graph => {
        const result = `${late}/${kind}`;
        return {
          name: `stage ${stage.index} reads ${kind === "fresh" ? "this frame" : "the frame before"}`,
          nodes: [nodeOf("Identity", [from], [result])],
          inputs: [],
          outputs: [tensorValue(result, dtype, dims)],
          initializers: new Map(),
          values: [],
        };
      };
      const branches = { then_branch: choice(now, "fresh"), else_branch: choice(names.before(now), "earlier") };
      added.push(nodeOf("If", [restart], [late], branches, `clockwork/pipeline/${late}`));
      for (const consumer of consumers) {
        const node = network.index.node(consumer);
        const own = reads.get(node) ?? new Map<string, string>();
        reads.set(node, own.set(tensor, late));
      }
    }
  }
  return {
    graph: {
      ...graph,
      nodes: [...graph.nodes.map((node) => renamed(node, reads.get(node) ?? new Map())), ...added],
      inputs: [
        ...graph.inputs,
        tensorValue(restart, "bool", [1]),
        ...memory.map(({ tensor, dtype, dims }) => tensorValue(names.before(tensor), dtype, dims)),
      ],
    },
    memory,
  };
}
