// What the graph pieces of this folder are written with: names under a prefix, constants that are made once, sampling.

import { ClockworkError } from "../errors.ts";
import type { AttributeInits, GraphBuilder, NodeInit } from "../onnx/index.ts";

/** Prefix of all names where none is given. */
export const motionPrefix = "clockwork/motion";

/** Adds nodes and constants whose names all start with `PREFIX/`. */
export class MotionNodes {
  readonly #builder: GraphBuilder;
  readonly #prefix: string;
  readonly #constants = new Map<string, string>();

  constructor(builder: GraphBuilder, prefix: string) {
    this.#builder = builder;
    this.#prefix = prefix;
  }

  /** The full name of a part. */
  name(part: string): string {
    return `${this.#prefix}/${part}`;
  }

  /** Adds a node with one output and returns its name. */
  add(part: string, op: string, inputs: readonly string[], attributes: AttributeInits = {}): string {
    return this.#builder.add(this.name(part), op, inputs, attributes);
  }

  /** Parts of a tensor along its channels, one channel each or as many as `sizes` says. */
  split(part: string, tensor: string, sizes: readonly number[]): string[] {
    const outputs = sizes.map((_, index) => this.name(`${part}/${index}`));
    const init: NodeInit = { outputs };
    this.#builder.add(this.name(part), "Split", [tensor, this.int64(`${part}/sizes`, sizes)], { axis: 1 }, init);
    return outputs;
  }

  /** A constant; the same part gives the same constant. */
  float32(part: string, dims: readonly number[], values: ArrayLike<number>): string {
    return this.#once(part, (name) => this.#builder.float32(name, dims, values));
  }

  /** A scalar constant. */
  scalar(part: string, value: number): string {
    return this.float32(part, [], [value]);
  }

  /** A constant vector; the same part gives the same constant. */
  int64(part: string, values: readonly number[]): string {
    return this.#once(part, (name) => this.#builder.int64(name, [values.length], values));
  }

  /** A constant int32 scalar or tensor. */
  int32(part: string, dims: readonly number[], values: readonly number[]): string {
    const data = new Uint8Array(Int32Array.from(values).buffer);
    return this.#once(part, (name) => this.#builder.initializer(name, { dtype: "int32", dims, data }));
  }

  /** A tensor in another shape. */
  reshape(part: string, tensor: string, dims: readonly number[]): string {
    return this.add(part, "Reshape", [tensor, this.int64(`${part}/shape`, dims)]);
  }

  /**
   * Bilinear samples; beyond the outermost centres the source fades to zero.
   * In the form of operator sets 16 to 19: the WebGPU provider knows no other.
   */
  sample(part: string, source: string, grid: string): string {
    return this.add(part, "GridSample", [source, grid], {
      mode: "bilinear",
      padding_mode: "zeros",
      align_corners: 0,
    });
  }

  #once(part: string, make: (name: string) => string): string {
    const known = this.#constants.get(part);
    if (known !== undefined) return known;
    const made = make(this.name(part));
    this.#constants.set(part, made);
    return made;
  }
}

/** A whole number of at least `least`. @throws ClockworkError `invalid-argument` */
export function requireWhole(where: string, value: number, least: number): void {
  if (Number.isSafeInteger(value) && value >= least) return;
  throw new ClockworkError("invalid-argument", `${where}: expected a whole number of at least ${least}, got ${value}`);
}
