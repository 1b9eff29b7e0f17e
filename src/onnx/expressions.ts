// Graphs written as expressions: each call adds one node under a fresh name and returns the name of its output. For graph
// pieces of many small steps (gradients, losses, optimisers), where a name for every step would say nothing. Not for
// networks, whose nodes people look for by name.

import type { AttributeInits, GraphBuilder } from "./build.ts";
import { dtypeCode, type DType } from "./dtype.ts";
import type { Tensor } from "./model.ts";

/** Adds nodes called `PREFIX/OPERATOR/NUMBER`. */
export class Expressions {
  readonly builder: GraphBuilder;
  /** Operator set that nodes are written for, 13 or later: where an operator changed its form, the one of this set is used. */
  readonly opset: number;
  readonly #prefix: string;
  readonly #shared: Shared;

  constructor(builder: GraphBuilder, prefix: string, opset = 17, shared: Shared = { count: 0, constants: new Map() }) {
    this.builder = builder;
    this.opset = opset;
    this.#prefix = prefix;
    this.#shared = shared;
  }

  /** Expressions of a part: the same graph and constants, names under `PREFIX/part`. */
  under(part: string): Expressions {
    return new Expressions(this.builder, `${this.#prefix}/${part}`, this.opset, this.#shared);
  }

  /** A name that nothing has. */
  fresh(part: string): string {
    return `${this.#prefix}/${part}/${this.#shared.count++}`;
  }

  /** A node with one output. */
  op(op: string, inputs: readonly string[], attributes: AttributeInits = {}): string {
    return this.builder.add(this.fresh(op), op, inputs, attributes);
  }

  /** A node with several outputs. */
  ops(op: string, inputs: readonly string[], attributes: AttributeInits, count: number): readonly string[] {
    const name = this.fresh(op);
    const outputs = Array.from({ length: count }, (_, index) => `${name}/${index}`);
    this.builder.add(name, op, inputs, attributes, { outputs });
    return outputs;
  }

  /** A tensor under a name of its own. */
  named(name: string, tensor: string): string {
    return this.builder.add(name, "Identity", [tensor]);
  }

  // Constants; equal ones are one tensor.

  /** A float32 scalar []. */
  scalar(value: number): string {
    return this.float32([], [value]);
  }

  /** A float32 tensor. */
  float32(dims: readonly number[], values: readonly number[]): string {
    return this.#once(`float32[${dims.join()}]${values.join()}`, (name) => this.builder.float32(name, dims, values));
  }

  /** An int64 vector. */
  int64(values: readonly number[]): string {
    return this.#once(`int64${values.join()}`, (name) => this.builder.int64(name, [values.length], values));
  }

  /** Any tensor; a new one at every call. */
  constant(tensor: Tensor): string {
    return this.builder.initializer(this.fresh("constant"), tensor);
  }

  // Elementwise, with broadcasting as in NumPy.

  add(a: string, b: string): string {
    return this.op("Add", [a, b]);
  }

  sub(a: string, b: string): string {
    return this.op("Sub", [a, b]);
  }

  mul(a: string, b: string): string {
    return this.op("Mul", [a, b]);
  }

  div(a: string, b: string): string {
    return this.op("Div", [a, b]);
  }

  neg(x: string): string {
    return this.op("Neg", [x]);
  }

  sqrt(x: string): string {
    return this.op("Sqrt", [x]);
  }

  exp(x: string): string {
    return this.op("Exp", [x]);
  }

  log(x: string): string {
    return this.op("Log", [x]);
  }

  /** x times a number. */
  scale(x: string, factor: number): string {
    return factor === 1 ? x : this.mul(x, this.scalar(factor));
  }

  /** The sum of one tensor or more of one shape. */
  sum(parts: readonly [string, ...string[]]): string {
    return parts.reduce((total, part) => this.add(total, part));
  }

  cast(x: string, to: DType): string {
    return this.op("Cast", [x], { to: dtypeCode(to) });
  }

  /** Elements of `a` where `condition` (bool) holds, else those of `b`. */
  where(condition: string, a: string, b: string): string {
    return this.op("Where", [condition, a, b]);
  }

  // Shapes.

  reshape(x: string, dims: readonly number[]): string {
    return this.op("Reshape", [x, this.int64(dims)]);
  }

  transpose(x: string, perm: readonly number[]): string {
    return perm.every((axis, index) => axis === index) ? x : this.op("Transpose", [x], { perm });
  }

  expand(x: string, dims: readonly number[]): string {
    return this.op("Expand", [x, this.int64(dims)]);
  }

  concat(parts: readonly string[], axis: number): string {
    const [only] = parts;
    return parts.length === 1 && only !== undefined ? only : this.op("Concat", parts, { axis });
  }

  /** The part from `starts` to `ends` (excluded) along `axes`. */
  slice(
    x: string,
    axes: readonly number[],
    starts: readonly number[],
    ends: readonly number[],
    steps: readonly number[] = axes.map(() => 1),
  ): string {
    return this.op("Slice", [x, this.int64(starts), this.int64(ends), this.int64(axes), this.int64(steps)]);
  }

  /** Zeros around a tensor. @param before @param after elements to add at each axis; negative ones cut off */
  pad(x: string, before: readonly number[], after: readonly number[]): string {
    if ([...before, ...after].every((count) => count === 0)) return x;
    return this.op("Pad", [x, this.int64([...before, ...after])]);
  }

  // Products and sums.

  /** a [..., I, K] times b [..., K, J], leading axes broadcast. */
  matmul(a: string, b: string): string {
    return this.op("MatMul", [a, b]);
  }

  /** The sum over axes, which stay with length 1 unless `keep` is false. */
  reduceSum(x: string, axes: readonly number[], keep = true): string {
    if (axes.length === 0) return x;
    return this.op("ReduceSum", [x, this.int64(axes)], { keepdims: keep ? 1 : 0 });
  }

  /** The sum of squares over axes. */
  reduceSumSquare(x: string, axes: readonly number[], keep = true): string {
    return this.#reduce("ReduceSumSquare", x, axes, keep);
  }

  /** The mean over axes. */
  reduceMean(x: string, axes: readonly number[], keep = true): string {
    return this.#reduce("ReduceMean", x, axes, keep);
  }

  /** The largest over axes. */
  reduceMax(x: string, axes: readonly number[], keep = true): string {
    return this.#reduce("ReduceMax", x, axes, keep);
  }

  /** The sum of all elements, a scalar []. */
  total(x: string): string {
    return this.op("ReduceSum", [x], { keepdims: 0 });
  }

  /** Up to operator set 17 these name their axes in an attribute, from 18 on in an input. */
  #reduce(op: string, x: string, axes: readonly number[], keep: boolean): string {
    const keepdims = keep ? 1 : 0;
    return this.opset < 18 ? this.op(op, [x], { axes, keepdims }) : this.op(op, [x, this.int64(axes)], { keepdims });
  }

  #once(key: string, make: (name: string) => string): string {
    const known = this.#shared.constants.get(key);
    if (known !== undefined) return known;
    const made = make(this.fresh("constant"));
    this.#shared.constants.set(key, made);
    return made;
  }
}

/** What the parts of one graph have in common. */
interface Shared {
  count: number;
  readonly constants: Map<string, string>;
}
