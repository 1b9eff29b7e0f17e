// A session on ONNX Runtime's JavaScript interface, which its Node and its browser package share.
// Runs on the calling thread and blocks it: engines put it into a worker.

import type { InferenceSession, Tensor as OrtTensor, TensorConstructor } from "onnxruntime-common";
import { ClockworkError, reasonOf } from "../errors.ts";
import type { DType } from "../onnx/index.ts";
import { elementCount } from "../onnx/tensor.ts";
import type { EngineTensor, OpenOptions, Port, RunResult, StateLink, TensorData } from "./engine.ts";

/** The parts of the runtime that are needed here. */
export interface OrtRuntime {
  readonly InferenceSession: {
    create(model: Uint8Array, options?: InferenceSession.SessionOptions): Promise<InferenceSession>;
  };
  readonly Tensor: TensorConstructor;
}

const optimizationLevels = { all: "all", basic: "basic", none: "disabled" } as const;

const arrays = {
  float32: Float32Array,
  float64: Float64Array,
  float16: Uint16Array,
  uint8: Uint8Array,
  bool: Uint8Array,
  int8: Int8Array,
  uint16: Uint16Array,
  int16: Int16Array,
  uint32: Uint32Array,
  int32: Int32Array,
  int64: BigInt64Array,
  uint64: BigUint64Array,
} as const;

/** Elements of a type and shape, all zero. @throws ClockworkError `engine` for types that the runtime cannot exchange */
export function zeros(dtype: DType, dims: readonly number[]): TensorData {
  const array = arrays[dtype as keyof typeof arrays];
  if (array === undefined) throw new ClockworkError("engine", `tensor: expected a number type, got ${dtype}`);
  return new array(elementCount(dims));
}

/** One opened graph with its memory. */
export class OrtSession {
  readonly inputs: readonly Port[];
  readonly outputs: readonly Port[];
  readonly #runtime: OrtRuntime;
  readonly #session: InferenceSession;
  readonly #known: NonNullable<OpenOptions["outputs"]>;
  readonly #feedNames: readonly string[];
  readonly #fetchNames: readonly string[];
  readonly #memory: readonly Memory[];

  private constructor(runtime: OrtRuntime, session: InferenceSession, options: OpenOptions) {
    this.#runtime = runtime;
    this.#session = session;
    this.#known = options.outputs ?? [];
    this.#memory = (options.state ?? []).map((link) => new Memory(link, runtime.Tensor));
    const memory = new Set(this.#memory.flatMap(({ link }) => [link.input, link.output]));
    this.inputs = ports(session.inputMetadata);
    this.outputs = ports(session.outputMetadata);
    this.#feedNames = session.inputNames.filter((name) => !memory.has(name));
    this.#fetchNames = session.outputNames.filter((name) => !memory.has(name));
  }

  /** @param extra options of the runtime itself, such as the execution providers */
  static async open(
    runtime: OrtRuntime,
    model: Uint8Array,
    options: OpenOptions,
    extra: InferenceSession.SessionOptions = {},
  ): Promise<OrtSession> {
    try {
      const session = await runtime.InferenceSession.create(model, {
        graphOptimizationLevel: optimizationLevels[options.optimize ?? "all"],
        ...(options.threads !== undefined && { intraOpNumThreads: options.threads }),
        logSeverityLevel: 3,
        ...extra,
      });
      return new OrtSession(runtime, session, options);
    } catch (cause) {
      throw new ClockworkError(
        "engine",
        `engine: expected a graph that ONNX Runtime can load, got: ${reasonOf(cause)}`,
        {
          cause,
        },
      );
    }
  }

  async run(
    feeds: Readonly<Record<string, EngineTensor>>,
    outputs: readonly string[] = this.#fetchNames,
  ): Promise<RunResult> {
    const start = performance.now();
    expectNames("feeds", this.#feedNames, Object.keys(feeds));
    expectNames("outputs", this.#fetchNames, outputs);
    const given: Record<string, OrtTensor> = {};
    for (const [name, tensor] of Object.entries(feeds)) given[name] = this.#tensorOf(name, tensor);
    const wanted: Record<string, OrtTensor | null> = {};
    for (const name of outputs) wanted[name] = null;
    for (const { name, dtype, dims } of this.#known) {
      if (name in wanted)
        wanted[name] = new this.#runtime.Tensor(dtype as "uint8", zeros(dtype, dims) as Uint8Array, dims);
    }
    for (const memory of this.#memory) {
      given[memory.link.input] = memory.now;
      wanted[memory.link.output] = memory.next;
    }
    let results: InferenceSession.OnnxValueMapType;
    try {
      results = await this.#session.run(given, wanted);
    } catch (cause) {
      throw new ClockworkError("engine", `engine: the graph failed: ${reasonOf(cause)}`, { cause });
    }
    for (const memory of this.#memory) memory.step();
    const returned: Record<string, EngineTensor> = {};
    for (const name of outputs) {
      const tensor = results[name];
      if (tensor === undefined) throw new ClockworkError("engine", `engine: expected output "${name}", got none`);
      const { type, dims, data } = tensor;
      if (type === "string")
        throw new ClockworkError("engine", `engine: output "${name}" is text, which is not supported`);
      returned[name] = { dtype: type, dims, data: data as TensorData };
    }
    return { outputs: returned, milliseconds: performance.now() - start };
  }

  readState(): Readonly<Record<string, EngineTensor>> {
    return Object.fromEntries(this.#memory.map((memory) => [memory.link.input, memory.read()]));
  }

  writeState(tensors: Readonly<Record<string, EngineTensor>>): void {
    const names = this.#memory.map(({ link }) => link.input);
    const stranger = Object.keys(tensors).find((name) => !names.includes(name));
    if (stranger !== undefined) {
      throw new ClockworkError(
        "invalid-argument",
        `engine: expected memory among ${names.join(", ") || "none"}, got "${stranger}"; ` +
          "try what readState gives for this graph",
      );
    }
    // All of it is looked at before any of it is written.
    for (const memory of this.#memory) memory.check(tensors[memory.link.input]);
    for (const memory of this.#memory) {
      const tensor = tensors[memory.link.input];
      if (tensor !== undefined) memory.write(tensor);
    }
  }

  #tensorOf(name: string, { dtype, dims, data }: EngineTensor): OrtTensor {
    try {
      return new this.#runtime.Tensor(dtype as "uint8", data as Uint8Array, dims);
    } catch (cause) {
      const expected = `${dtype} [${dims.join(",")}]`;
      throw new ClockworkError(
        "engine",
        `engine: feed "${name}": expected elements of ${expected}: ${reasonOf(cause)}`,
        { cause },
      );
    }
  }

  endProfiling(): void {
    this.#session.endProfiling();
  }

  async release(): Promise<void> {
    await this.#session.release();
  }
}

/** The runtime passes over names that it does not know, and memory is the session's own. */
function expectNames(what: string, known: readonly string[], given: readonly string[]): void {
  const stranger = given.find((name) => !known.includes(name));
  if (stranger === undefined) return;
  throw new ClockworkError("engine", `engine: expected ${what} among ${known.join(", ") || "none"}, got "${stranger}"`);
}

/** A tensor of the runtime and the elements that it lies over. */
interface Slot {
  readonly tensor: OrtTensor;
  readonly data: TensorData;
}

/** Two buffers for one piece of memory: a run reads one and writes the other, so no node can read what is half new. */
class Memory {
  readonly link: StateLink;
  #now: Slot;
  #next: Slot;

  constructor(link: StateLink, Tensor: TensorConstructor) {
    this.link = link;
    const slot = (): Slot => {
      const data = zeros(link.dtype, link.dims);
      return { tensor: new Tensor(link.dtype as "uint8", data as Uint8Array, link.dims), data };
    };
    this.#now = slot();
    this.#next = slot();
  }

  get now(): OrtTensor {
    return this.#now.tensor;
  }

  get next(): OrtTensor {
    return this.#next.tensor;
  }

  step(): void {
    [this.#now, this.#next] = [this.#next, this.#now];
  }

  read(): EngineTensor {
    return { dtype: this.link.dtype, dims: this.link.dims, data: this.#now.data.slice() };
  }

  /** @throws ClockworkError `invalid-argument` where a tensor is not of this memory's type and shape */
  check(tensor: EngineTensor | undefined): void {
    const expected = tensorText({ ...this.link, data: this.#now.data });
    const got = tensor === undefined ? "none" : tensorText(tensor);
    if (got === expected) return;
    throw new ClockworkError(
      "invalid-argument",
      `engine: memory "${this.link.input}": expected ${expected}, got ${got}; try what readState gives for this graph`,
    );
  }

  /** Takes a tensor that was checked. */
  write({ data }: EngineTensor): void {
    bytesIn(this.#now.data).set(bytesIn(data));
  }
}

function tensorText({ dtype, dims, data }: EngineTensor): string {
  return `${dtype} [${dims.join(",")}] (${data.constructor.name} of ${data.length})`;
}

function bytesIn({ buffer, byteOffset, byteLength }: TensorData): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

function ports(metadata: readonly InferenceSession.ValueMetadata[]): readonly Port[] {
  return metadata.map((value) => ({
    name: value.name,
    dtype: value.isTensor ? (value.type as DType) : undefined,
    // A length that is not known has an empty name.
    shape: value.isTensor ? value.shape.map((length) => (length === "" ? undefined : length)) : [],
  }));
}
