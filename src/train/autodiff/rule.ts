// What a rule of differentiation is: how the gradient of a scalar goes back through one operator, as graph nodes.
// The rules are in the folder `rules/`, one file for each family of operators; the table of them is rules.ts.

import { ClockworkError } from "../../errors.ts";
import { nodeLabel, type Expressions, type Node, type Tensor } from "../../onnx/index.ts";

/** A node and what is known around it. */
export interface Place {
  readonly node: Node;
  /** For adding nodes to the step. */
  readonly ops: Expressions;
  /** Shape of an input or output of the node. @throws ClockworkError `unsupported-model` where nothing tells */
  shapeOf(tensor: string): readonly number[];
  /** The value of an input that is a constant; `undefined` where it is computed or learned. */
  constantOf(tensor: string): Tensor | undefined;
}

/** A node on the way back. */
export interface Backward extends Place {
  /** Gradient with regard to an output, in its shape; `undefined` where the loss does not depend on it. */
  gradient(output?: number): string | undefined;
  /** Whether the gradient with regard to an input is asked for. */
  wants(input: number): boolean;
  /** A tensor that `forward` kept, by its key. */
  saved(key: string): string;
}

/** Nodes that take the place of a node in a training step. */
export interface Forward {
  /** Names of tensors for the way back, by keys of the rule's own. */
  readonly saved: Readonly<Record<string, string>>;
  /** What takes the place of the node: the same outputs, and perhaps more. `ops` may add nodes that these read. */
  readonly nodes: readonly Node[];
}

/** How the gradient goes back through an operator. */
export interface Rule {
  /**
   * What runs in place of the node: where the way back needs more than the node puts out, or where the engine does not
   * have the operator's training form. `undefined` leaves a node as it is.
   */
  readonly forward?: (place: Place) => Forward | undefined;
  /** Gradients with regard to the inputs, in their order and shapes; `undefined` for those that are not asked for or zero. */
  readonly backward: (node: Backward) => readonly (string | undefined)[];
}

/** What a rule says where it does not cover a form of its operator. */
export function refuse({ node }: Place, expected: string, got: string): never {
  throw new ClockworkError(
    "unsupported-model",
    `gradient of ${node.op} "${nodeLabel(node)}": expected ${expected}, got ${got}`,
  );
}

/** Name of an input that has to be there. */
export function inputOf(place: Place, index: number): string {
  const name = place.node.inputs[index];
  if (name === undefined || name === "") return refuse(place, `an input ${index}`, "none");
  return name;
}

/** Name of an output that has to be there. */
export function outputOf(place: Place, index = 0): string {
  const name = place.node.outputs[index];
  if (name === undefined || name === "") return refuse(place, `an output ${index}`, "none");
  return name;
}
