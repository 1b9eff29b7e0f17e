// Construction of graphs node by node. Names are unique by construction; types of intermediates are left to the engine.

import { ClockworkError } from "../errors.ts";
import { attributeOf, type AttributeInit } from "./attribute.ts";
import type { DType } from "./dtype.ts";
import type { Dim, Graph, Model, Node, Tensor, Value } from "./model.ts";
import { float32Tensor, int64Tensor } from "./tensor.ts";

/** Attributes of a new node, by name. */
export type AttributeInits = Readonly<Record<string, AttributeInit>>;

/** What else a new node may have. */
export interface NodeInit {
  /** Names of the outputs; default: one, named as the node. */
  readonly outputs?: readonly string[];
  readonly domain?: string;
}

/** A node, with its attributes made from plain values. */
export function nodeOf(
  op: string,
  inputs: readonly string[],
  outputs: readonly string[],
  attributes: AttributeInits = {},
  name: string = outputs[0] ?? "",
  domain = "",
): Node {
  return {
    name,
    op,
    domain,
    inputs,
    outputs,
    attributes: new Map(Object.entries(attributes).map(([key, init]) => [key, attributeOf(init)])),
  };
}

/** A tensor value with its type, for the in- and outputs of a graph. */
export function tensorValue(name: string, dtype: DType, shape: readonly Dim[] | undefined): Value {
  return { name, type: { kind: "tensor", dtype, shape } };
}

/**
 * Builds a graph.
 *
 * @example
 * ```ts
 * const b = new GraphBuilder("double");
 * const x = b.input("x", "float32", [1, 3, "height", "width"]);
 * b.output(b.add("y", "Mul", [x, b.float32("two", [], [2])]), "float32", [1, 3, "height", "width"]);
 * const model = modelOf(b.build());
 * ```
 */
export class GraphBuilder {
  readonly #name: string;
  readonly #taken = new Set<string>();
  readonly #nodes: Node[] = [];
  readonly #inputs: Value[] = [];
  readonly #outputs: Value[] = [];
  readonly #initializers = new Map<string, Tensor>();

  /** @param taken names that are in use around this graph and must not be used in it */
  constructor(name: string, taken: Iterable<string> = []) {
    this.#name = name;
    for (const name of taken) this.#taken.add(name);
  }

  /** Adds an input and returns its name. */
  input(name: string, dtype: DType, shape: readonly Dim[] | undefined): string {
    this.#inputs.push(tensorValue(this.#claim(name), dtype, shape));
    return name;
  }

  /** Makes a tensor an output. */
  output(name: string, dtype: DType, shape: readonly Dim[] | undefined): void {
    this.#outputs.push(tensorValue(name, dtype, shape));
  }

  /** Adds a constant and returns its name. */
  initializer(name: string, tensor: Tensor): string {
    this.#initializers.set(this.#claim(name), tensor);
    return name;
  }

  /** Adds a float32 constant and returns its name. */
  float32(name: string, dims: readonly number[], values: ArrayLike<number>): string {
    return this.initializer(name, float32Tensor(dims, values));
  }

  /** Adds an int64 constant and returns its name. */
  int64(name: string, dims: readonly number[], values: readonly number[]): string {
    return this.initializer(name, int64Tensor(dims, values));
  }

  /** Adds a node called `name` and returns its first output, which has the same name unless `init` says otherwise. */
  add(
    name: string,
    op: string,
    inputs: readonly string[],
    attributes: AttributeInits = {},
    init: NodeInit = {},
  ): string {
    const outputs = init.outputs ?? [name];
    for (const output of outputs) if (output !== "") this.#claim(output);
    this.#nodes.push(nodeOf(op, inputs, outputs, attributes, name, init.domain));
    return outputs[0] ?? "";
  }

  /** Takes over nodes of another graph as they are. */
  append(nodes: readonly Node[]): void {
    for (const node of nodes) {
      for (const output of node.outputs) if (output !== "") this.#claim(output);
      this.#nodes.push(node);
    }
  }

  /** The graph as built so far. */
  build(): Graph {
    return {
      name: this.#name,
      nodes: [...this.#nodes],
      inputs: [...this.#inputs],
      outputs: [...this.#outputs],
      initializers: new Map(this.#initializers),
      values: [],
    };
  }

  #claim(name: string): string {
    if (name === "" || this.#taken.has(name)) {
      throw new ClockworkError("invalid-argument", `graph "${this.#name}": expected a new tensor name, got "${name}"`);
    }
    this.#taken.add(name);
    return name;
  }
}

/** A model around a graph of standard operators. */
export function modelOf(graph: Graph, opset = 17): Model {
  return {
    irVersion: 8,
    opsets: new Map([["", opset]]),
    producerName: "clockwork-convnets",
    producerVersion: "",
    domain: "",
    modelVersion: 0n,
    doc: "",
    metadata: new Map(),
    graph,
  };
}
