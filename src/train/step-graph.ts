// A training step as one graph: networks, losses, gradients and optimisers. Batches and a learning rate go in, losses come
// out; weights, statistics and moments are memory that the engine keeps. Not the loop around it.
//
// Any number of networks may take part, each on any number of tensors (a student on labelled and on unlabelled frames, a
// frozen teacher beside it, a discriminator on both), and any number of losses, each with the weights that it teaches.

import type { Engine, EngineTensor, StateLink } from "../engine/index.ts";
import { ClockworkError } from "../errors.ts";
import { tensorTypesOf } from "../network/tensor-types.ts";
import {
  elementCount,
  Expressions,
  GraphBuilder,
  intAttribute,
  isIntegral,
  modelOf,
  namesIn,
  tensorValue,
  topologicalOrder,
  type DType,
  type Graph,
  type Model,
  type Node,
  type Tensor,
} from "../onnx/index.ts";
import { differentiate } from "./autodiff/differentiate.ts";
import { rules } from "./autodiff/rules.ts";
import { movingAverage, type Optimiser, type OptimiserParameter, type StateTensor } from "./optimisers/index.ts";
import { appliedIn, participantIn, type Participant, type ParticipantOptions } from "./participant.ts";

/** Operator set of steps. */
const opset = 17;

/** A loss, and what it teaches. */
export interface Goal {
  /** A scalar. */
  readonly loss: string;
  readonly teaches: readonly Participant[];
  readonly optimiser: Optimiser;
  /** Learning rate, a scalar float32 tensor. */
  readonly rate: string;
  /**
   * Decay of a moving average of weights and statistics, from 0 to below 1; default none is kept. A network has one average,
   * also where several goals teach it; their decays have to be the same.
   */
  readonly average?: number;
  /**
   * Whether gradients of several runs are added up, until one is fed with `apply` true. The loss then is to be divided by
   * the number of runs. Statistics of normalisation follow every run.
   */
  readonly accumulate?: boolean;
}

/** What a learned tensor does in the memory of a step. */
export interface StepMemory extends StateLink {
  /** What it starts as. */
  readonly initial: Tensor;
}

/** A step that an engine can open. */
export interface TrainingStep {
  readonly model: Model;
  readonly memory: readonly StepMemory[];
  /** Tensors to feed: batches, learning rates, the number of the step. */
  readonly inputs: readonly { readonly name: string; readonly dtype: DType; readonly dims: readonly number[] }[];
  /** Scalars that a run gives, such as losses. */
  readonly outputs: readonly string[];
  /** For each network: initializer of its model -> memory input that has its value. */
  readonly learned: ReadonlyMap<string, ReadonlyMap<string, string>>;
  /** Memory input -> the one that has its moving average, where one is kept. */
  readonly averages: ReadonlyMap<string, string>;
}

/**
 * Puts a step together.
 *
 * @example
 * ```ts
 * const step = new StepGraph();
 * const image = step.input("image", "float32", [8, 3, 240, 320]);
 * const labels = step.input("labels", "uint8", [8, 240, 320]);
 * const net = step.network("network", street({ batch: 8, size: { heightPx: 240, widthPx: 320 }, init: "train" }));
 * const { logits } = step.apply(net, image);
 * const loss = crossEntropy(step.ops, { logits, labels, dims: [8, 12, 240, 320] });
 * step.report("loss", loss);
 * step.minimise({ loss, teaches: [net], optimiser: sgd(), rate: step.input("learning_rate", "float32", []) });
 * const { model, memory } = await step.build(engine);
 * ```
 */
export class StepGraph {
  /** For losses and whatever else is computed in the step. */
  readonly ops: Expressions;
  readonly #builder = new GraphBuilder("training_step");
  readonly #inputs: { name: string; dtype: DType; dims: readonly number[] }[] = [];
  /** By the input that it goes into. */
  readonly #memory = new Map<string, StepMemory>();
  readonly #participants: { participant: Participant; options: ParticipantOptions }[] = [];
  readonly #goals: Goal[] = [];
  readonly #reports: { name: string; tensor: string }[] = [];

  constructor() {
    this.ops = new Expressions(this.#builder, "step", opset);
  }

  /** A tensor that is fed to every run. */
  input(name: string, dtype: DType, dims: readonly number[]): string {
    this.#inputs.push({ name, dtype, dims });
    return this.#builder.input(name, dtype, dims);
  }

  /** Takes a network into the step; its image input has to have one fixed shape. */
  network(name: string, model: Model, options: ParticipantOptions = {}): Participant {
    const participant = participantIn(this.#builder, opset, name, model, options);
    this.#participants.push({ participant, options });
    return participant;
  }

  /**
   * Applies a network to an image tensor of the step.
   * @returns its outputs: their names in the step, by their names in the model
   */
  apply(participant: Participant, image: string): Readonly<Record<string, string>> {
    const options = this.#participants.find((entry) => entry.participant === participant)?.options ?? {};
    return appliedIn(this.#builder, participant, options, image);
  }

  /** A scalar that runs give under a name. */
  report(name: string, tensor: string): void {
    this.#reports.push({ name, tensor });
  }

  /**
   * Lets a loss teach networks. Several may teach the same one, each by its optimiser, from the weights as they were.
   * @throws ClockworkError `invalid-argument` where two ask for averages of one network with different decays
   */
  minimise(goal: Goal): void {
    checkDecay(goal, this.#goals);
    this.#goals.push(goal);
  }

  /** The step as a graph with memory. @throws ClockworkError `unsupported-model` where something cannot be differentiated */
  async build(engine: Engine): Promise<TrainingStep> {
    const apply = this.#goals.some(({ accumulate }) => accumulate === true)
      ? this.input("apply", "bool", [])
      : undefined;
    const step = this.input("step", "float32", []);
    let graph = this.#sorted();
    const parts: { goal: Goal; gradients: ReadonlyMap<string, string> }[] = [];
    for (const [index, goal] of this.#goals.entries()) {
      const by = goal.teaches.flatMap(({ weights }) => [...weights.values()]);
      const made = graph.nodes.flatMap((node) => node.outputs.filter((output) => output !== ""));
      const shapes = await this.#shapesOf(withRunnableNormalisation(graph), made, engine);
      const { graph: whole, gradients } = differentiate(graph, {
        shapes,
        loss: goal.loss,
        by,
        opset,
        rules,
        prefix: `gradient${index === 0 ? "" : index}`,
      });
      graph = whole;
      parts.push({ goal, gradients });
    }
    const builder = new GraphBuilder("training_step", namesIn(graph));
    const ops = new Expressions(builder, "update", opset);
    const outputs: string[] = [];
    const averages = new Map<string, string>();
    const next = this.#followStatistics(ops);
    for (const [index, { goal, gradients }] of parts.entries()) {
      this.#update(ops, goal, gradients, next, { step, apply, suffix: index === 0 ? "" : `${index}` });
    }
    // Averages follow what all goals together have made of the weights.
    for (const goal of this.#goals) this.#average(ops, goal, next, { step, apply, averages });
    this.#rememberUntaught(ops);
    for (const { name, tensor } of this.#reports) outputs.push(builder.add(name, "Identity", [tensor]));
    const added = builder.build();
    const memory = [...this.#memory.values()];
    const whole: Graph = {
      ...graph,
      nodes: [...graph.nodes, ...added.nodes],
      initializers: new Map([...graph.initializers, ...added.initializers]),
      inputs: [...graph.inputs, ...added.inputs],
      outputs: [
        ...this.#reports.map(({ name }) => tensorValue(name, "float32", [])),
        ...memory.map(({ output, dtype, dims }) => tensorValue(output, dtype, dims)),
      ],
    };
    const learned = this.#participants.map(
      ({ participant, options }) =>
        [
          participant.name,
          options.frozen === true ? new Map() : new Map([...participant.weights, ...participant.statistics]),
        ] as const,
    );
    return {
      model: modelOf({ ...whole, nodes: topologicalOrder(whole) }, opset),
      memory,
      inputs: this.#inputs,
      outputs,
      learned: new Map(learned),
      averages,
    };
  }

  #sorted(): Graph {
    const graph = this.#builder.build();
    return { ...graph, nodes: topologicalOrder(graph) };
  }

  async #shapesOf(
    graph: Graph,
    names: readonly string[],
    engine: Engine,
  ): Promise<ReadonlyMap<string, readonly number[]>> {
    const types = await tensorTypesOf(modelOf(graph, opset), names, engine);
    const shapes = new Map<string, readonly number[]>();
    for (const [name, { shape }] of types) {
      if (shape.every((length) => typeof length === "number")) shapes.set(name, shape);
    }
    return shapes;
  }

  #remember(input: string, output: string, initial: Tensor): void {
    this.#memory.set(input, { input, output, dtype: initial.dtype, dims: initial.dims, initial });
  }

  /** Weights that no loss reaches stay as they are. */
  #rememberUntaught(ops: Expressions): void {
    for (const { participant, options } of this.#participants) {
      if (options.frozen === true) continue;
      for (const [tensor, input] of [...participant.weights, ...participant.statistics]) {
        const initial = participant.model.graph.initializers.get(tensor);
        if (initial !== undefined && !this.#memory.has(input))
          this.#remember(input, ops.named(`${input}/next`, input), initial);
      }
    }
  }

  /** Running statistics go on from run to run; returns their next values. */
  #followStatistics(ops: Expressions): Map<string, string> {
    const next = new Map<string, string>();
    for (const { participant, options } of this.#participants) {
      if (options.frozen === true || options.fixedStatistics === true) continue;
      for (const [tensor, input] of participant.statistics) {
        const initial = participant.model.graph.initializers.get(tensor);
        const newest = participant.newest.get(tensor);
        if (initial === undefined || newest === undefined) continue;
        const output = newest === input ? ops.named(`${input}/next`, input) : newest;
        this.#remember(input, output, initial);
        next.set(input, output);
      }
    }
    return next;
  }

  /**
   * Adds one optimiser; with accumulation, gradients are added up and used where `apply` holds. Where another goal teaches
   * the same weights, what both change is added up.
   */
  #update(
    ops: Expressions,
    goal: Goal,
    gradients: ReadonlyMap<string, string>,
    nextOf: Map<string, string>,
    { step, apply, suffix }: UpdateParts,
  ): void {
    const gate = goal.accumulate === true ? apply : undefined;
    const initials = initialsOf(goal);
    const parameters: OptimiserParameter[] = [];
    for (const [name, initial] of initials) {
      const gradient = gradients.get(name);
      if (gradient === undefined) continue;
      const memory = `${name}/gradient${suffix}`;
      const whole = gate === undefined ? gradient : this.#accumulated(ops, memory, gradient, initial, gate);
      parameters.push({ name, gradient: whole, dims: initial.dims });
    }
    const prefix = `optimiser${suffix}`;
    const { next, state } = goal.optimiser(ops, { parameters, learningRate: goal.rate, step, prefix });
    for (const [name, tensor] of next) {
      const initial = initials.get(name);
      if (initial === undefined) continue;
      const own = gated(ops, gate, name, tensor);
      const before = nextOf.get(name);
      const value = before === undefined ? own : ops.add(before, ops.sub(own, name));
      nextOf.set(name, value);
      this.#remember(name, value, initial);
    }
    for (const tensor of state) this.#rememberState(ops, tensor, gate);
  }

  /** Lets the averages that a goal asks for follow; those of weights that another goal has asked for are there already. */
  #average(
    ops: Expressions,
    goal: Goal,
    nextOf: ReadonlyMap<string, string>,
    { step, apply, averages }: Omit<UpdateParts, "suffix"> & { readonly averages: Map<string, string> },
  ): void {
    if (goal.average === undefined) return;
    const tensors = [...initialsOf(goal)].flatMap(([name, initial]) => {
      const next = nextOf.get(name);
      return next === undefined || averages.has(name) ? [] : [{ name, next, initial }];
    });
    const { state } = movingAverage(ops, { tensors, step, decay: goal.average });
    for (const [index, tensor] of state.entries()) {
      this.#rememberState(ops, tensor, goal.accumulate === true ? apply : undefined);
      averages.set(tensors[index]?.name ?? "", tensor.name);
    }
  }

  #rememberState(ops: Expressions, { name, output, dims, initial }: StateTensor, gate: string | undefined): void {
    ops.builder.input(name, "float32", dims);
    this.#remember(name, gated(ops, gate, name, output), initial);
  }

  #accumulated(ops: Expressions, name: string, gradient: string, { dims }: Tensor, apply: string): string {
    const memory = ops.builder.input(name, "float32", dims);
    const summed = ops.add(memory, gradient);
    const left = ops.where(apply, ops.scale(summed, 0), summed);
    const initial: Tensor = { dtype: "float32", dims, data: new Uint8Array(4 * elementCount(dims)) };
    this.#remember(memory, left, initial);
    return summed;
  }
}

/** What all optimisers of a step have in common, and what tells the names of one from those of others. */
interface UpdateParts {
  readonly step: string;
  readonly apply: string | undefined;
  readonly suffix: string;
}

function checkDecay({ teaches, average }: Goal, others: readonly Goal[]): void {
  for (const { name } of teaches) {
    const other = others.find(
      (one) => one.average !== undefined && one.teaches.some((network) => network.name === name),
    );
    if (average === undefined || other?.average === undefined || other.average === average) continue;
    throw new ClockworkError(
      "invalid-argument",
      `network "${name}": expected one decay of its average, got ${other.average} and ${average}`,
    );
  }
}

/** What a goal teaches, and statistics beside it: what they start as, by their names in the step. */
function initialsOf({ teaches }: Goal): ReadonlyMap<string, Tensor> {
  const initials = new Map<string, Tensor>();
  for (const { weights, statistics, model } of teaches) {
    for (const [tensor, name] of [...weights, ...statistics]) {
      const initial = model.graph.initializers.get(tensor);
      if (initial !== undefined) initials.set(name, initial);
    }
  }
  return initials;
}

/** The next value where a gate holds, or there is none; else the one of now. */
function gated(ops: Expressions, gate: string | undefined, now: string, next: string): string {
  return gate === undefined ? next : ops.where(gate, next, now);
}

/** Normalisation in training has no shapes that the engine would tell: for that question it may be the other form. */
function withRunnableNormalisation(graph: Graph): Graph {
  return {
    ...graph,
    nodes: graph.nodes.flatMap((node) => {
      if (node.op !== "BatchNormalization" || intAttribute(node, "training_mode", 0) !== 1) return [node];
      const [y = "", ...running] = node.outputs;
      const copies = running.map((output, position): Node => ({
        ...node,
        name: "",
        op: "Identity",
        inputs: [node.inputs[3 + position] ?? ""],
        outputs: [output],
        attributes: new Map(),
      }));
      const attributes = new Map([...node.attributes].filter(([key]) => key !== "training_mode"));
      return [{ ...node, outputs: [y], attributes }, ...copies.filter(({ outputs }) => outputs[0] !== "")];
    }),
  };
}

/** The starting value of memory, as an engine takes it. */
export function initialOf({ initial }: StepMemory): EngineTensor {
  if (isIntegral(initial.dtype) || !(initial.data instanceof Uint8Array)) {
    throw new ClockworkError("invalid-argument", `memory: expected float32, got ${initial.dtype}`);
  }
  const copy = Uint8Array.from(initial.data);
  return { dtype: "float32", dims: initial.dims, data: new Float32Array(copy.buffer) };
}
