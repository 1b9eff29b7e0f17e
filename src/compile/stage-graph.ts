// Stages as `If` nodes. A branch that fires runs the stage; the other hands on what was held. What ONNX Runtime asks of
// branches: no outer name returned directly (hence the Identity), no output that shadows an outer name (hence the
// renaming), equal element types on both sides.

import {
  byteLength,
  nodeOf,
  tensorValue,
  type DType,
  type Graph,
  type GraphIndex,
  type Node,
  type Tensor,
  type Value,
} from "../onnx/index.ts";
import { renamed } from "./rename.ts";
import type { Scope, Scopes } from "./scopes.ts";

/** A tensor that is kept from one frame to the next. */
export interface HeldTensor {
  readonly tensor: string;
  /** Number of the stage that puts it out. */
  readonly stage: number;
}

/** Names of the tensors by which memory comes in and goes out. */
export interface MemoryNames {
  /** Graph input with what a tensor was. */
  before(tensor: string): string;
  /** Graph output with what it is now. */
  after(tensor: string): string;
}

/** What the staged graph is made from. */
export interface StageGraphOptions {
  readonly index: GraphIndex;
  readonly scopes: Scopes;
  readonly memory: MemoryNames;
  /** Condition of a stage: a bool tensor of one element. */
  condition(stage: number): string;
  dtypeOf(tensor: string): DType | undefined;
  shapeOf(tensor: string): readonly number[] | undefined;
  /**
   * What becomes of a tensor while its stage rests: nodes for the branch that holds, the last of which puts out `to`.
   * `undefined` where it stays as it is.
   */
  moved?(tensor: string, stage: number, to: string): readonly Node[] | undefined;
  /** Tensors whose value is read on the next frame, whether or not they are results. */
  readonly carried?: readonly string[];
  /** Nodes that compute the conditions, in order. They run in the root scope before any stage that may rest. */
  readonly clock: readonly Node[];
}

/** The nodes of the root scope, and what has to be remembered. */
export interface StageGraph {
  readonly nodes: readonly Node[];
  readonly initializers: ReadonlyMap<string, Tensor>;
  readonly held: readonly HeldTensor[];
}

/** Puts every scope below the root into an `If`. */
export function stageGraph(options: StageGraphOptions): StageGraph {
  const writer = new ScopeWriter(options);
  const body = writer.body(options.scopes.root, new Map());
  const next = writer
    .exportsOf(options.scopes.root)
    .flatMap(({ held, name }) =>
      held && !writer.passed.has(name) ? [nodeOf("Identity", [name], [options.memory.after(name)])] : [],
    );
  // What no stage holds is handed on as it was made.
  const made = (options.carried ?? []).filter((name) => !writer.held.some(({ tensor }) => tensor === name));
  const fresh = made.map((name) => nodeOf("Identity", [name], [options.memory.after(name)]));
  const held = [...writer.held, ...made.map((tensor) => ({ tensor, stage: 1 }))];
  return { ...body, nodes: [...body.nodes, ...next, ...fresh], held };
}

/** A tensor that leaves a scope. */
interface Export {
  readonly name: string;
  /** Whether it is used where the stage may rest and this goes on: then it is remembered. */
  readonly held: boolean;
}

class ScopeWriter {
  readonly held: HeldTensor[] = [];
  /** Memory whose new value leaves the outermost `If` under its own name. */
  readonly passed = new Set<string>();
  readonly #options: StageGraphOptions;
  readonly #outputs: ReadonlySet<string>;

  constructor(options: StageGraphOptions) {
    this.#options = options;
    this.#outputs = new Set([...options.index.graph.outputs.map(({ name }) => name), ...(options.carried ?? [])]);
  }

  /** Tensors that the scopes directly below one hand up to it. */
  exportsOf(scope: Scope): readonly Export[] {
    return scope.children.flatMap((child) => this.#exports(child));
  }

  /** Nodes of a scope with their names in it. `names` has what is called differently here than in the source. */
  body(scope: Scope, names: ReadonlyMap<string, string>): { nodes: Node[]; initializers: Map<string, Tensor> } {
    const { index } = this.#options;
    const nodes: Node[] = [];
    for (const item of this.#inOrder(scope)) {
      if (item === "clock") nodes.push(...this.#options.clock);
      else if (typeof item === "number") nodes.push(renamed(index.node(item), names));
      else nodes.push(this.#conditional(item, names));
    }
    const initializers = new Map<string, Tensor>();
    for (const name of scope.initializers) {
      const tensor = index.graph.initializers.get(name);
      if (tensor !== undefined) initializers.set(name, tensor);
    }
    return { nodes, initializers };
  }

  /** The `If` of a scope, seen from the scope around it. */
  #conditional(scope: Scope, outer: ReadonlyMap<string, string>): Node {
    const { memory } = this.#options;
    const stage = scope.level?.stage ?? 1;
    const exports = this.#exports(scope);
    // Memory of deeper stages leaves through every branch around it.
    const deeper = [...this.#heldBelow(scope)].filter(
      (name) => !exports.some((item) => item.held && item.name === name),
    );
    const inner = new Map(outer);
    for (const { name } of exports) inner.set(name, `${name}@fired${scope.depth}`);
    const fired = this.body(scope, inner);
    const firedValues: Value[] = [];
    const heldValues: Value[] = [];
    const heldNodes: Node[] = [];
    const results: string[] = [];
    const add = (name: string, from: string, to: string, remembered: boolean, moves = false): void => {
      const dtype = this.#options.dtypeOf(name) ?? "float32";
      const shape = this.#options.shapeOf(name);
      const kept = `${to}@held${scope.depth}`;
      results.push(to);
      firedValues.push(tensorValue(from, dtype, shape));
      heldNodes.push(
        ...((moves ? this.#options.moved?.(name, stage, kept) : undefined) ?? [
          remembered
            ? nodeOf("Identity", [memory.before(name)], [kept])
            : nodeOf("Constant", [], [kept], { value: placeholder(dtype, shape?.length ?? 0) }),
        ]),
      );
      heldValues.push(tensorValue(kept, dtype, remembered ? shape : undefined));
    };
    for (const { name, held } of exports) {
      const moves = held && this.#moves(name, stage);
      add(name, inner.get(name) ?? name, outer.get(name) ?? name, held, moves);
      if (held) this.#remember(name, stage);
      // What moves is remembered as it was when its stage fired: moved again and again it would blur.
      if (moves) deeper.push(name);
    }
    for (const name of deeper) {
      const to = scope.depth === 1 ? memory.after(name) : `${memory.after(name)}@${scope.depth}`;
      const from = `${memory.after(name)}@${scope.depth + 1}`;
      // Out of the branches directly below this one it comes as itself, out of deeper ones already as memory.
      const own = exports.some((item) => item.name === name);
      const direct = own || this.#leavesAsItself(scope, name);
      if (direct) fired.nodes.push(nodeOf("Identity", [inner.get(name) ?? name], [from]));
      if (scope.depth === 1) this.passed.add(name);
      add(name, from, to, true);
    }
    return nodeOf(
      "If",
      [this.#options.condition(stage)],
      results,
      {
        then_branch: branch(`stage ${stage} fires`, fired.nodes, firedValues, fired.initializers),
        else_branch: branch(`stage ${stage} holds`, heldNodes, heldValues),
      },
      `stage${stage}/${results[0] ?? ""}`,
    );
  }

  #moves(tensor: string, stage: number): boolean {
    return this.#options.moved?.(tensor, stage, "") !== undefined;
  }

  /** Whether a tensor comes out of the branches directly below a scope as it was made, and not moved. */
  #leavesAsItself(scope: Scope, tensor: string): boolean {
    return scope.children.some((child) =>
      this.#exports(child).some(
        (item) => item.held && item.name === tensor && !this.#moves(tensor, child.level?.stage ?? 1),
      ),
    );
  }

  #remember(tensor: string, stage: number): void {
    if (!this.held.some((item) => item.tensor === tensor)) this.held.push({ tensor, stage });
  }

  /** Tensors made in a scope, or below it, and used outside of it. */
  #exports(scope: Scope): readonly Export[] {
    const { index, scopes } = this.#options;
    return this.#nodesIn(scope).flatMap((position) =>
      index.node(position).outputs.flatMap((name): Export[] => {
        if (name === "") return [];
        const users = index.consumersOf(name).map((consumer) => scopes.scopeOf(consumer));
        const outside = users.filter((user) => !isWithin(user, scope));
        const isResult = this.#outputs.has(name);
        if (outside.length === 0 && !isResult) return [];
        // Other segments of the same stage rest with this one: they need nothing while they do.
        return [{ name, held: isResult || outside.some((user) => !isOfStage(user, scope)) }];
      }),
    );
  }

  /** Memory of the scopes strictly below one. */
  #heldBelow(scope: Scope): readonly string[] {
    const names = scope.children.flatMap((child) => [
      ...this.#exports(child).flatMap((item) => (item.held ? [item.name] : [])),
      ...this.#heldBelow(child),
    ]);
    return [...new Set(names)];
  }

  #nodesIn(scope: Scope): readonly number[] {
    return [...scope.own, ...scope.children.flatMap((child) => this.#nodesIn(child))].sort((a, b) => a - b);
  }

  /** Nodes, branches and the clock of a scope in an order in which everything is there before it is used. */
  #inOrder(scope: Scope): readonly (number | Scope | "clock")[] {
    const { index, clock } = this.#options;
    const isRoot = scope.parent === undefined;
    const items: (number | Scope | "clock")[] = [
      ...scope.own,
      ...scope.children,
      ...(isRoot ? ["clock" as const] : []),
    ];
    const makers = new Map<string, number | Scope | "clock">();
    if (isRoot) for (const { outputs } of clock) for (const name of outputs) makers.set(name, "clock");
    for (const position of scope.own) for (const name of index.node(position).outputs) makers.set(name, position);
    for (const child of scope.children) {
      for (const position of this.#nodesIn(child))
        for (const name of index.node(position).outputs) makers.set(name, child);
    }
    const needs = (item: number | Scope | "clock"): readonly (number | Scope | "clock")[] => {
      const reads =
        item === "clock"
          ? clock.flatMap((node) => node.inputs)
          : typeof item === "number"
            ? (index.reads[item] ?? [])
            : this.#nodesIn(item).flatMap((position) => index.reads[position] ?? []);
      const made = [...new Set(reads)].map((name) => makers.get(name)).filter((maker) => maker !== undefined);
      const others = made.filter((maker) => maker !== item);
      return isRoot && typeof item === "object" ? ["clock", ...others] : others;
    };
    const entered = new Set<number | Scope | "clock">();
    const done = new Set<number | Scope | "clock">();
    const order: (number | Scope | "clock")[] = [];
    const open = [...items]
      .reverse()
      .map((item) => ({ item, waiting: undefined as (number | Scope | "clock")[] | undefined }));
    for (let top = open.at(-1); top !== undefined; top = open.at(-1)) {
      if (top.waiting === undefined && !done.has(top.item)) {
        if (entered.has(top.item))
          throw new RangeError("a stage that needs itself: its segments were told apart wrongly");
        entered.add(top.item);
      }
      top.waiting ??= done.has(top.item) ? [] : [...needs(top.item)];
      const next = top.waiting.pop();
      if (next !== undefined) {
        if (!done.has(next)) open.push({ item: next, waiting: undefined });
        continue;
      }
      open.pop();
      if (done.has(top.item)) continue;
      done.add(top.item);
      order.push(top.item);
    }
    return order;
  }
}

function isWithin(scope: Scope, ancestor: Scope): boolean {
  for (let at: Scope | undefined = scope; at !== undefined; at = at.parent) if (at === ancestor) return true;
  return false;
}

/** Whether a scope is, or is below, a segment of the same stage as another one, under the same parent. */
function isOfStage(scope: Scope, other: Scope): boolean {
  for (let at: Scope | undefined = scope; at !== undefined; at = at.parent) {
    if (at.level === other.level && at.parent === other.parent) return true;
  }
  return false;
}

function branch(
  name: string,
  nodes: readonly Node[],
  outputs: readonly Value[],
  initializers: ReadonlyMap<string, Tensor> = new Map(),
): Graph {
  return { name, nodes, inputs: [], outputs, initializers, values: [] };
}

/** The smallest tensor of a type and rank: what a resting segment hands to one that rests with it. */
function placeholder(dtype: DType, rank: number): Tensor {
  return {
    dtype,
    dims: Array.from({ length: rank }, () => 1),
    data: new Uint8Array(byteLength(dtype, 1)),
  };
}
