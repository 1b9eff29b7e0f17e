// A cut written by hand: the edges by which data enters a stage.

import { ClockworkError } from "../errors.ts";
import type { Network } from "../network/index.ts";
import { nodeLabel } from "../onnx/index.ts";
import type { Entry } from "./region.ts";

/** Edges of a network, by name. */
export interface Cut {
  /** As written. */
  readonly text: string;
  /** The edges in a network. @throws ClockworkError `uncuttable` where a tensor or node is not in it */
  entriesIn(network: Network): readonly Entry[];
}

/**
 * Parses a cut: `tensor` (all edges from it), `tensor->node, node` (edges to these nodes), or several of them with `;`
 * between. Where no tensor has the name, the node of that name is entered by all of its data.
 *
 * @throws ClockworkError `invalid-argument` for text of another form
 */
export function parseCut(text: string): Cut {
  const groups = text
    .split(";")
    .map((part) => part.trim())
    .filter((part) => part !== "")
    .map((part) => {
      const [tensor = "", targets, ...more] = part.split("->").map((side) => side.trim());
      const nodes = targets?.split(",").map((name) => name.trim());
      if (tensor === "" || more.length > 0 || nodes?.includes("") === true) {
        throw new ClockworkError(
          "invalid-argument",
          `cut: expected "tensor", "tensor->node" or "tensor->node,node", with ";" between several, got "${text}"`,
        );
      }
      return { tensor, nodes };
    });
  if (groups.length === 0) {
    throw new ClockworkError("invalid-argument", `cut: expected "tensor" or "tensor->node", got "${text}"`);
  }
  return { text, entriesIn: (network) => groups.flatMap(({ tensor, nodes }) => edges(network, text, tensor, nodes)) };
}

function edges(network: Network, text: string, tensor: string, nodes: readonly string[] | undefined): readonly Entry[] {
  const { index } = network;
  const consumers = index.consumersOf(tensor);
  if (consumers.length === 0 || !network.isData(tensor)) {
    const node = index.find(tensor);
    if (node === undefined || nodes !== undefined) unknown(network, text, tensor, "a tensor");
    return (index.reads[node] ?? [])
      .filter((name) => network.isData(name))
      .map((name) => ({ tensor: name, consumers: [node] }));
  }
  if (nodes === undefined) return [{ tensor, consumers }];
  const chosen = nodes.map((name) => {
    const node = index.find(name);
    if (node === undefined) unknown(network, text, name, "a node");
    if (!consumers.includes(node)) {
      const readers = consumers.map((consumer) => nodeLabel(index.node(consumer))).join(", ");
      throw new ClockworkError(
        "uncuttable",
        `cut "${text}": expected a node that reads "${tensor}" (${readers}), got "${name}"`,
      );
    }
    return node;
  });
  return [{ tensor, consumers: chosen }];
}

function unknown(network: Network, text: string, name: string, kind: string): never {
  const names = network.index.nodes.flatMap((node) => [nodeLabel(node), ...node.outputs]);
  const near = [...new Set(names.filter((other) => other.includes(name) || name.includes(other)))].slice(0, 5);
  throw new ClockworkError(
    "uncuttable",
    `cut "${text}": expected ${kind} of the network that depends on the image, got "${name}"` +
      (near.length > 0 ? `; names like it: ${near.join(", ")}` : "; try `inspect --nodes` for the names"),
  );
}
