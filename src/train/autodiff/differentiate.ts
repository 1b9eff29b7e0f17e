// Reverse-mode differentiation from graph to graph: a forward graph with a scalar loss in it becomes a graph that also
// puts out the gradients of the loss. Not the rules of operators (rules/), not the optimiser.
// Baydin et al., "Automatic Differentiation in Machine Learning: a Survey", JMLR 2018, section 3.2.

import { ClockworkError } from "../../errors.ts";
import {
  elementCount,
  Expressions,
  GraphBuilder,
  GraphIndex,
  namesIn,
  nodeLabel,
  topologicalOrder,
  type Graph,
  type Node,
} from "../../onnx/index.ts";
import type { Backward, Place, Rule } from "./rule.ts";
import { isStopped } from "./stop-gradient.ts";

/** What to differentiate. */
export interface DifferentiateOptions {
  /** Shape of every tensor of the graph; constants may be left out. */
  readonly shapes: ReadonlyMap<string, readonly number[]>;
  /** The loss: a tensor of one element. */
  readonly loss: string;
  /** Float tensors to differentiate by: initializers, inputs or intermediates. */
  readonly by: readonly string[];
  readonly opset: number;
  readonly rules: ReadonlyMap<string, Rule>;
  /** Prefix of new names, with a number where names of the graph have it; default `gradient`. */
  readonly prefix?: string;
}

/** A graph with gradients. */
export interface Differentiated {
  /** The graph with the nodes of the way back; its outputs are the old ones. */
  readonly graph: Graph;
  /** Gradient by what it is the gradient by, in its shape; absent where the loss does not depend on it. */
  readonly gradients: ReadonlyMap<string, string>;
}

/**
 * Adds the gradients of a loss to a graph.
 * @throws ClockworkError `unsupported-model` where an operator on the way has no rule, named with its node,
 * `invalid-argument` where the loss is no tensor of one element
 */
export function differentiate(graph: Graph, options: DifferentiateOptions): Differentiated {
  const { loss, by, shapes, rules, opset, prefix = "gradient" } = options;
  const index = new GraphIndex(graph);
  const taken = namesIn(graph);
  if (!taken.has(loss)) refuseLoss("a tensor of the graph", `"${loss}"`);
  const builder = new GraphBuilder(graph.name, taken);
  const ops = new Expressions(builder, freePrefix(prefix, taken), opset);
  const learned = new Set(by);
  const live = liveTensors(index, learned);
  const needed = neededNodes(index, loss, live);
  const shapeOf = (node: Node, tensor: string): readonly number[] => {
    const shape = shapes.get(tensor) ?? graph.initializers.get(tensor)?.dims;
    if (shape !== undefined) return shape;
    throw new ClockworkError(
      "unsupported-model",
      `gradient of ${node.op} "${nodeLabel(node)}": expected a known shape of tensor "${tensor}", got none; ` +
        "try a network whose sizes are constants, or one frame size",
    );
  };
  const placeOf = (node: Node): Place => ({
    node,
    ops,
    shapeOf: (tensor) => shapeOf(node, tensor),
    constantOf: (tensor) => (learned.has(tensor) ? undefined : graph.initializers.get(tensor)),
  });

  // Forward: nodes in their training form.
  const kept: Node[] = [];
  const savedOf = new Map<Node, Readonly<Record<string, string>>>();
  for (const [position, node] of index.nodes.entries()) {
    const rule = ruleOf(rules, node);
    const asks = needed.has(position) || needsTrainingForm(node);
    const form = asks ? rule?.forward?.(placeOf(node)) : undefined;
    if (form === undefined) kept.push(node);
    else {
      savedOf.set(node, form.saved);
      kept.push(...form.nodes);
    }
  }

  // Backward: contributions to the gradient of each tensor, added up when all have come.
  const contributions = new Map<string, string[]>([
    [loss, [seed(ops, loss, shapes.get(loss) ?? graph.initializers.get(loss)?.dims)]],
  ]);
  const complete = new Map<string, string>();
  const gradientOf = (tensor: string | undefined): string | undefined => {
    if (tensor === undefined || tensor === "") return undefined;
    const known = complete.get(tensor);
    if (known !== undefined) return known;
    const [first, ...rest] = contributions.get(tensor) ?? [];
    if (first === undefined) return undefined;
    const whole = ops.sum([first, ...rest]);
    complete.set(tensor, whole);
    return whole;
  };
  for (const position of [...needed].sort((a, b) => b - a)) {
    const node = index.node(position);
    if (!node.outputs.some((output) => contributions.has(output))) continue;
    const rule = ruleOf(rules, node);
    if (rule === undefined) refuseOperator(node, rules);
    const backward: Backward = {
      ...placeOf(node),
      gradient: (output = 0) => gradientOf(node.outputs[output]),
      wants: (input) => live.has(node.inputs[input] ?? ""),
      saved: (key) => {
        const tensor = savedOf.get(node)?.[key];
        if (tensor === undefined) throw new RangeError(`rule of ${node.op}: nothing was kept as "${key}"`);
        return tensor;
      },
    };
    for (const [input, gradient] of rule.backward(backward).entries()) {
      const tensor = node.inputs[input];
      if (gradient === undefined || tensor === undefined || !live.has(tensor)) continue;
      const list = contributions.get(tensor);
      if (list === undefined) contributions.set(tensor, [gradient]);
      else list.push(gradient);
    }
  }
  const gradients = new Map<string, string>();
  for (const tensor of by) {
    const gradient = gradientOf(tensor);
    if (gradient !== undefined) gradients.set(tensor, gradient);
  }
  const added = builder.build();
  const whole: Graph = {
    ...graph,
    nodes: [...kept, ...added.nodes],
    initializers: new Map([...graph.initializers, ...added.initializers]),
    values: [],
  };
  return { graph: { ...whole, nodes: topologicalOrder(whole) }, gradients };
}

/** Tensors whose value depends on what is learned. */
function liveTensors(index: GraphIndex, learned: ReadonlySet<string>): ReadonlySet<string> {
  const live = new Set(learned);
  for (const [position, node] of index.nodes.entries()) {
    if (isStopped(node) || flat.has(node.op)) continue;
    if (!(index.reads[position] ?? []).some((tensor) => live.has(tensor))) continue;
    for (const output of node.outputs) if (output !== "") live.add(output);
  }
  return live;
}

/** Positions of nodes between what is learned and the loss. */
function neededNodes(index: GraphIndex, loss: string, live: ReadonlySet<string>): ReadonlySet<number> {
  const wanted = new Set([loss]);
  const needed = new Set<number>();
  for (let position = index.nodes.length - 1; position >= 0; position--) {
    const node = index.node(position);
    if (!node.outputs.some((output) => wanted.has(output) && live.has(output))) continue;
    needed.add(position);
    for (const tensor of index.reads[position] ?? []) if (live.has(tensor)) wanted.add(tensor);
  }
  return needed;
}

/** Operators whose result is a step function or no number: nothing goes back through them. */
const flat: ReadonlySet<string> = new Set([
  "ArgMax",
  "ArgMin",
  "Shape",
  "Size",
  "NonZero",
  "OneHot",
  "RandomUniformLike",
  "RandomNormalLike",
  "Equal",
  "Greater",
  "GreaterOrEqual",
  "Less",
  "LessOrEqual",
  "Not",
  "And",
  "Or",
  "Xor",
  "IsNaN",
  "IsInf",
  "Floor",
  "Ceil",
  "Round",
  "Sign",
  "ConstantOfShape",
  "EyeLike",
]);

/** Whether a node is of a form that only training has, which the engine cannot run. */
function needsTrainingForm(node: Node): boolean {
  return node.op === "BatchNormalization" && node.attributes.get("training_mode")?.value === 1n;
}

function ruleOf(rules: ReadonlyMap<string, Rule>, node: Node): Rule | undefined {
  return node.domain === "" || node.domain === "ai.onnx" ? rules.get(node.op) : rules.get(`${node.domain}.${node.op}`);
}

function refuseOperator(node: Node, rules: ReadonlyMap<string, Rule>): never {
  const domain = node.domain === "" ? "" : `${node.domain}.`;
  throw new ClockworkError(
    "unsupported-model",
    `gradient: expected operators with a rule (${rules.size} have one), got ${domain}${node.op} at node ` +
      `"${nodeLabel(node)}"; try to freeze what comes before it, or add a rule as docs/training.md shows`,
  );
}

/** d loss / d loss. */
function seed(ops: Expressions, loss: string, shape: readonly number[] | undefined): string {
  if (shape === undefined) return refuseLoss("a known shape", `none of "${loss}"`);
  if (elementCount(shape) !== 1) refuseLoss("one element", `shape [${shape.join(",")}] of "${loss}"`);
  return ops.float32(shape, [1]);
}

function refuseLoss(expected: string, got: string): never {
  throw new ClockworkError("invalid-argument", `gradient of a loss: expected ${expected}, got ${got}`);
}

/** The prefix itself or, where names of the graph start with it, with the first number that they do not. */
function freePrefix(prefix: string, taken: ReadonlySet<string>): string {
  const names = [...taken];
  let free = prefix;
  for (let count = 2; names.some((name) => name.startsWith(`${free}/`)); count++) free = `${prefix}${count}`;
  return free;
}
