// An ONNX file as a typed graph. Plain immutable data: rewriting a graph makes a new one.
// What the types do not name (functions, sparse initializers, fields of later ONNX versions in models, graphs and nodes)
// is carried along untouched in `rest`. Reading and writing are in read.ts and write.ts, construction is in build.ts.

import type { UnknownField } from "@bufbuild/protobuf";
import type { DType } from "./dtype.ts";
import type { FunctionProto, SparseTensorProto, TypeProto } from "./proto/onnx_pb.ts";

/** Fields of the file that this project does not interpret; written back as they were read. */
export type Rest = readonly UnknownField[];

/** A constant tensor. */
export interface Tensor {
  readonly dtype: DType;
  readonly dims: readonly number[];
  /** Elements in row-major order, little-endian, as in ONNX `raw_data`; for dtype `string` the UTF-8 bytes of each. */
  readonly data: Uint8Array | readonly Uint8Array[];
}

/** An axis of a shape: its length, the name it is known by, or neither. */
export type Dim = number | string | undefined;

/** What a graph's in- and outputs and annotated intermediates are. */
export type ValueType =
  | { readonly kind: "tensor"; readonly dtype: DType; readonly shape: readonly Dim[] | undefined }
  /** A sequence, map, optional or sparse tensor, or elements of a later standard: passes through. */
  | { readonly kind: "other"; readonly proto: TypeProto | undefined };

/** A named value with its type. */
export interface Value {
  readonly name: string;
  readonly type: ValueType;
}

/** An attribute of a node. Integers are bigint, since ONNX uses the whole range of int64. */
export type Attribute =
  | { readonly kind: "float"; readonly value: number }
  | { readonly kind: "int"; readonly value: bigint }
  | { readonly kind: "string"; readonly value: Uint8Array }
  | { readonly kind: "tensor"; readonly value: Tensor }
  | { readonly kind: "graph"; readonly value: Graph }
  | { readonly kind: "floats"; readonly value: readonly number[] }
  | { readonly kind: "ints"; readonly value: readonly bigint[] }
  | { readonly kind: "strings"; readonly value: readonly Uint8Array[] }
  | { readonly kind: "tensors"; readonly value: readonly Tensor[] }
  | { readonly kind: "graphs"; readonly value: readonly Graph[] }
  /** A reference to an attribute of the enclosing function. */
  | { readonly kind: "reference"; readonly value: string; readonly type: number }
  /** Types and sparse tensors: pass through as the bytes of their `AttributeProto`. */
  | { readonly kind: "other"; readonly value: Uint8Array };

/** One operation. */
export interface Node {
  /** May be empty and need not be unique: see {@link nodeLabel}. */
  readonly name: string;
  /** Operator type, such as `Conv`. */
  readonly op: string;
  /** Operator set it comes from; "" is the ONNX standard. */
  readonly domain: string;
  /** Names of tensors; "" stands for an optional input that is left out. */
  readonly inputs: readonly string[];
  /** Names of tensors; "" stands for an output that is not wanted. Every other name is unique in its graph. */
  readonly outputs: readonly string[];
  readonly attributes: ReadonlyMap<string, Attribute>;
  readonly doc?: string;
  readonly overload?: string;
  readonly metadata?: ReadonlyMap<string, string>;
  readonly rest?: Rest;
}

/** A graph: the model's own, or the body of a control-flow operator. */
export interface Graph {
  readonly name: string;
  /** In an order in which every tensor is produced before it is used. */
  readonly nodes: readonly Node[];
  readonly inputs: readonly Value[];
  readonly outputs: readonly Value[];
  /** Constant tensors by name. */
  readonly initializers: ReadonlyMap<string, Tensor>;
  /** What the file says of intermediate tensors. */
  readonly values: readonly Value[];
  readonly doc?: string;
  readonly metadata?: ReadonlyMap<string, string>;
  readonly sparseInitializers?: readonly SparseTensorProto[];
  readonly rest?: Rest;
}

/** An ONNX model. */
export interface Model {
  readonly irVersion: number;
  /** Version of each operator set by domain; "" is the ONNX standard. */
  readonly opsets: ReadonlyMap<string, number>;
  readonly producerName: string;
  readonly producerVersion: string;
  readonly domain: string;
  readonly modelVersion: bigint;
  readonly doc: string;
  readonly metadata: ReadonlyMap<string, string>;
  readonly graph: Graph;
  readonly functions?: readonly FunctionProto[];
  readonly rest?: Rest;
}

/** What to call a node: its name, else its first output. */
export function nodeLabel(node: Node): string {
  return node.name || node.outputs.find((output) => output !== "") || node.op;
}
