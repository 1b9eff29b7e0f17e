// The one contract for running graphs. An engine opens ONNX files; a session runs one of them and keeps its memory:
// tensors that come out of one run and go into the next never leave the engine.
// Implementations are in folders beside this file; nothing here knows any of them.

import type { Dim, DType } from "../onnx/index.ts";

/** Arrays that hold the elements of a tensor. float16 travels as its bits. */
export type TensorData =
  | Float32Array<ArrayBuffer>
  | Float64Array<ArrayBuffer>
  | Uint8Array<ArrayBuffer>
  | Int8Array<ArrayBuffer>
  | Uint16Array<ArrayBuffer>
  | Int16Array<ArrayBuffer>
  | Uint32Array<ArrayBuffer>
  | Int32Array<ArrayBuffer>
  | BigInt64Array<ArrayBuffer>
  | BigUint64Array<ArrayBuffer>;

/** A tensor that goes into a session or comes out of it. */
export interface EngineTensor {
  readonly dtype: DType;
  readonly dims: readonly number[];
  /** Elements in row-major order. */
  readonly data: TensorData;
}

/** An in- or output of a session. */
export interface Port {
  readonly name: string;
  /** `undefined` for what is no tensor. */
  readonly dtype: DType | undefined;
  /** As far as the engine can tell without a run: empty for a scalar, and where it cannot even tell the rank. */
  readonly shape: readonly Dim[];
}

/** Memory of a graph: what `output` gave in one run is `input` of the next. It starts as zeros. */
export interface StateLink {
  readonly input: string;
  readonly output: string;
  readonly dtype: DType;
  readonly dims: readonly number[];
}

/** How to open a graph. */
export interface OpenOptions {
  /** Graph optimisations of the engine; default `all`. `none` computes exactly what the file says. */
  readonly optimize?: "all" | "basic" | "none";
  /** Threads within one operator; default: as many as the machine has cores. */
  readonly threads?: number;
  /** Execution providers by their ONNX Runtime names, the preferred first; default: the CPU. */
  readonly providers?: readonly string[];
  /** In- and outputs that are memory: fed and fetched by the session itself. */
  readonly state?: readonly StateLink[];
  /** Outputs of known type and shape, which the engine can write without an extra copy. */
  readonly outputs?: readonly { readonly name: string; readonly dtype: DType; readonly dims: readonly number[] }[];
  /** Record the time of every node, for {@link EngineSession.profile}. */
  readonly profile?: boolean;
}

/** What a run gave. */
export interface RunResult {
  /** By name; the session's memory is not among them. */
  readonly outputs: Readonly<Record<string, EngineTensor>>;
  /** Time within the engine, without waiting for earlier runs. */
  readonly milliseconds: number;
}

/** Time that one node took, over all runs of a session. */
export interface NodeTiming {
  /** As named in the file; nodes that the engine merged go by the name of one of them. */
  readonly node: string;
  readonly op: string;
  readonly runs: number;
  readonly milliseconds: number;
}

/** An opened graph. Runs are executed one at a time, in the order of the calls. */
export interface EngineSession extends AsyncDisposable {
  readonly inputs: readonly Port[];
  readonly outputs: readonly Port[];
  /**
   * Runs the graph once. The feeds are copied or used before the promise settles, and stay the caller's.
   * @param outputs names to return; default all
   * @throws ClockworkError `engine` where the graph refuses its inputs, `aborted` after disposal
   */
  run(feeds: Readonly<Record<string, EngineTensor>>, outputs?: readonly string[]): Promise<RunResult>;
  /** Copies of the memory, by the input that each goes into, after the runs that were asked for before. */
  readState(): Promise<Readonly<Record<string, EngineTensor>>>;
  /**
   * Replaces the memory, after the runs that were asked for before; all of it or, where it is refused, nothing. The
   * tensors are copied before the promise settles, and stay the caller's.
   * @param tensors what {@link readState} gave, of this session or of another one of the same graph
   * @throws ClockworkError `invalid-argument` where names, types or shapes are not those of the memory
   */
  writeState(tensors: Readonly<Record<string, EngineTensor>>): Promise<void>;
  /** Ends profiling and returns what was recorded, in the order of first execution; needs `profile`. */
  profile(): Promise<readonly NodeTiming[]>;
  /** Frees the graph and its memory, after the runs that were asked for before. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** Opens graphs. */
export interface Engine {
  /** @throws ClockworkError `engine` where the file cannot be run */
  open(model: Uint8Array, options?: OpenOptions): Promise<EngineSession>;
}
