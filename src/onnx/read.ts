// Bytes of an ONNX file -> Model. Pure: external data is asked for through a function.

import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { ClockworkError, reasonOf } from "../errors.ts";
import { byteLength, dtypeOf, type DType } from "./dtype.ts";
import type { Attribute, Graph, Model, Node, Tensor, Value, ValueType } from "./model.ts";
import {
  AttributeProtoSchema,
  ModelProtoSchema,
  type AttributeProto,
  type GraphProto,
  type NodeProto,
  type StringStringEntryProto,
  type TensorProto,
  type TypeProto,
  type ValueInfoProto,
} from "./proto/onnx_pb.ts";
import { elementCount } from "./tensor.ts";

/** Opsets of the standard domain whose models are read; ONNX Runtime supports 7 and later. */
const opsetRange = { min: 7, max: 26 } as const;

/** Numbers of attribute types in the file (ONNX standard, `AttributeProto.AttributeType`). */
export const attributeTypes = {
  float: 1,
  int: 2,
  string: 3,
  tensor: 4,
  graph: 5,
  floats: 6,
  ints: 7,
  strings: 8,
  tensors: 9,
  graphs: 10,
} as const;

/** How to read a model. */
export interface ReadOptions {
  /** What to call the file in errors; default `model`. */
  readonly name?: string;
  /**
   * The whole content of an external-data file, named as in the model (relative to it). Called once per file.
   * Without it a model with external data is refused.
   */
  readonly external?: (location: string) => Uint8Array;
}

/**
 * Reads an ONNX model.
 *
 * Tensors share the memory of `bytes` where they can; do not write to it afterwards.
 * @throws ClockworkError `invalid-model` for bytes that are no ONNX model, damaged tensors, external data that is
 *   missing or too short, and operator sets outside 7..26
 */
export function readModel(bytes: Uint8Array, options: ReadOptions = {}): Model {
  const where = options.name ?? "model";
  const proto = parse(bytes, where);
  const { graph } = proto;
  if (graph === undefined || (graph.node.length === 0 && graph.initializer.length === 0)) {
    throw new ClockworkError("invalid-model", `${where}: expected an ONNX model, got a file without a graph`);
  }
  const opsets = new Map(proto.opsetImport.map((set) => [standardDomain(set.domain), Number(set.version)]));
  const opset = opsets.get("");
  if (opset !== undefined && (opset < opsetRange.min || opset > opsetRange.max)) {
    throw new ClockworkError(
      "invalid-model",
      `${where}: expected an operator set from ${opsetRange.min} to ${opsetRange.max}, got ${opset}; ` +
        `try exporting the network with opset 17`,
    );
  }
  if (opset === undefined && graph.node.some((node) => standardDomain(node.domain) === "")) {
    throw new ClockworkError(
      "invalid-model",
      `${where}: expected an ONNX model, got a file that names no operator set`,
    );
  }
  const reader = new Reader(where, options.external);
  return {
    irVersion: Number(proto.irVersion),
    opsets,
    producerName: proto.producerName,
    producerVersion: proto.producerVersion,
    domain: proto.domain,
    modelVersion: proto.modelVersion,
    doc: proto.docString,
    metadata: entries(proto.metadataProps),
    graph: reader.graph(graph),
    ...(proto.functions.length > 0 && { functions: proto.functions }),
    ...(proto.$unknown !== undefined && { rest: proto.$unknown }),
  };
}

function parse(bytes: Uint8Array, where: string) {
  if (bytes.byteLength === 0) {
    throw new ClockworkError("invalid-model", `${where}: expected an ONNX model, got an empty file`);
  }
  try {
    const proto = fromBinary(ModelProtoSchema, bytes);
    if (proto.irVersion <= 0n && proto.graph === undefined) throw new Error("it has no IR version and no graph");
    return proto;
  } catch (cause) {
    throw new ClockworkError(
      "invalid-model",
      `${where}: expected an ONNX model, got something else or a damaged file (${reasonOf(cause)})`,
      { cause },
    );
  }
}

/** The standard domain goes by two names. */
function standardDomain(domain: string): string {
  return domain === "ai.onnx" ? "" : domain;
}

function entries(list: readonly StringStringEntryProto[]): ReadonlyMap<string, string> {
  return new Map(list.map(({ key, value }) => [key, value]));
}

/** Converts messages; holds what is the same for the whole file. */
class Reader {
  readonly #where: string;
  readonly #external: ((location: string) => Uint8Array) | undefined;
  readonly #files = new Map<string, Uint8Array>();

  constructor(where: string, external: ((location: string) => Uint8Array) | undefined) {
    this.#where = where;
    this.#external = external;
  }

  graph(proto: GraphProto): Graph {
    return {
      name: proto.name,
      nodes: proto.node.map((node) => this.#node(node)),
      inputs: proto.input.map(valueOf),
      outputs: proto.output.map(valueOf),
      initializers: new Map(proto.initializer.map((tensor) => [tensor.name, this.#tensor(tensor)])),
      values: proto.valueInfo.map(valueOf),
      ...(proto.docString !== "" && { doc: proto.docString }),
      ...(proto.metadataProps.length > 0 && { metadata: entries(proto.metadataProps) }),
      ...(proto.sparseInitializer.length > 0 && { sparseInitializers: proto.sparseInitializer }),
      ...(proto.$unknown !== undefined && { rest: proto.$unknown }),
    };
  }

  #node(proto: NodeProto): Node {
    if (proto.opType === "") this.#fail(`node "${proto.name}": expected an operator type, got none`);
    return {
      name: proto.name,
      op: proto.opType,
      domain: standardDomain(proto.domain),
      inputs: proto.input,
      outputs: proto.output,
      attributes: new Map(proto.attribute.map((attribute) => [attribute.name, this.#attribute(attribute)])),
      ...(proto.docString !== "" && { doc: proto.docString }),
      ...(proto.overload !== "" && { overload: proto.overload }),
      ...(proto.metadataProps.length > 0 && { metadata: entries(proto.metadataProps) }),
      ...(proto.$unknown !== undefined && { rest: proto.$unknown }),
    };
  }

  #attribute(proto: AttributeProto): Attribute {
    if (proto.refAttrName !== "") return { kind: "reference", value: proto.refAttrName, type: proto.type };
    switch (proto.type || guessType(proto)) {
      case attributeTypes.float:
        return { kind: "float", value: proto.f };
      case attributeTypes.int:
        return { kind: "int", value: proto.i };
      case attributeTypes.string:
        return { kind: "string", value: proto.s };
      case attributeTypes.tensor:
        if (proto.t === undefined) this.#fail(`attribute "${proto.name}": expected a tensor, got none`);
        return { kind: "tensor", value: this.#tensor(proto.t) };
      case attributeTypes.graph:
        if (proto.g === undefined) this.#fail(`attribute "${proto.name}": expected a graph, got none`);
        return { kind: "graph", value: this.graph(proto.g) };
      case attributeTypes.floats:
        return { kind: "floats", value: proto.floats };
      case attributeTypes.ints:
        return { kind: "ints", value: proto.ints };
      case attributeTypes.strings:
        return { kind: "strings", value: proto.strings };
      case attributeTypes.tensors:
        return { kind: "tensors", value: proto.tensors.map((tensor) => this.#tensor(tensor)) };
      case attributeTypes.graphs:
        return { kind: "graphs", value: proto.graphs.map((graph) => this.graph(graph)) };
      default:
        return { kind: "other", value: toBinary(AttributeProtoSchema, proto) };
    }
  }

  #tensor(proto: TensorProto): Tensor {
    const dtype = dtypeOf(proto.dataType);
    if (dtype === undefined || dtype === "undefined") {
      this.#fail(`tensor "${proto.name}": expected a known element type, got number ${proto.dataType}`);
    }
    const dims = proto.dims.map(Number);
    if (dims.some((dim) => dim < 0)) {
      this.#fail(`tensor "${proto.name}": expected axes of length 0 or more, got [${dims.join(",")}]`);
    }
    if (dtype === "string") {
      if (proto.stringData.length !== elementCount(dims)) {
        this.#fail(
          `tensor "${proto.name}": expected ${elementCount(dims)} texts for [${dims.join(",")}], got ${proto.stringData.length}`,
        );
      }
      return { dtype, dims, data: proto.stringData };
    }
    const expected = byteLength(dtype, elementCount(dims));
    const data = proto.dataLocation === 1 ? this.#externalData(proto, expected) : inlineData(proto, dtype);
    if (data.byteLength !== expected) {
      this.#fail(
        `tensor "${proto.name}": expected ${expected} bytes for ${dtype} [${dims.join(",")}], got ${data.byteLength}`,
      );
    }
    return { dtype, dims, data };
  }

  #externalData(proto: TensorProto, expected: number): Uint8Array {
    const about = entries(proto.externalData);
    const location = about.get("location");
    if (location === undefined) this.#fail(`tensor "${proto.name}": its external data has no location`);
    if (this.#external === undefined) {
      this.#fail(
        `tensor "${proto.name}": its data is in the external file "${location}", which was not given; ` +
          `try opening the model by its path, with that file beside it`,
      );
    }
    const offset = Number(about.get("offset") ?? 0);
    const length = Number(about.get("length") ?? expected);
    if (!(offset >= 0 && length >= 0)) {
      this.#fail(
        `tensor "${proto.name}": expected a place in "${location}", got offset ${about.get("offset")} and length ${about.get("length")}`,
      );
    }
    const file = this.#externalFile(location, this.#external);
    if (offset + length > file.byteLength) {
      this.#fail(
        `tensor "${proto.name}": expected ${length} bytes at ${offset} of "${location}", ` +
          `got a file of ${file.byteLength} bytes; it may be cut short`,
      );
    }
    return file.subarray(offset, offset + length);
  }

  #externalFile(location: string, read: (location: string) => Uint8Array): Uint8Array {
    const known = this.#files.get(location);
    if (known !== undefined) return known;
    try {
      const file = read(location);
      this.#files.set(location, file);
      return file;
    } catch (cause) {
      if (cause instanceof ClockworkError) throw cause;
      const problem = `expected tensor data in the external file "${location}", which cannot be read: ${reasonOf(cause)}`;
      throw new ClockworkError("invalid-model", `${this.#where}: ${problem}`, { cause });
    }
  }

  #fail(problem: string): never {
    throw new ClockworkError("invalid-model", `${this.#where}: ${problem}`);
  }
}

/** Files of IR version 1 and 2 may leave the attribute type out. */
function guessType(proto: AttributeProto): number {
  if (proto.t !== undefined) return attributeTypes.tensor;
  if (proto.g !== undefined) return attributeTypes.graph;
  if (proto.floats.length > 0) return attributeTypes.floats;
  if (proto.ints.length > 0) return attributeTypes.ints;
  if (proto.strings.length > 0) return attributeTypes.strings;
  if (proto.s.byteLength > 0) return attributeTypes.string;
  return proto.f !== 0 ? attributeTypes.float : attributeTypes.int;
}

/** Elements as raw bytes, from `raw_data` or from the typed field that holds this type. */
function inlineData(proto: TensorProto, dtype: DType): Uint8Array {
  if (proto.rawData.byteLength > 0) return proto.rawData;
  switch (dtype) {
    case "float32":
    case "complex64":
      return bytesOf(Float32Array.from(proto.floatData));
    case "float64":
    case "complex128":
      return bytesOf(Float64Array.from(proto.doubleData));
    case "int64":
      return bytesOf(BigInt64Array.from(proto.int64Data));
    case "uint64":
      return bytesOf(BigUint64Array.from(proto.uint64Data));
    case "uint32":
      return bytesOf(Uint32Array.from(proto.uint64Data, Number));
    case "int32":
      return bytesOf(Int32Array.from(proto.int32Data));
    case "int16":
    case "uint16":
    case "float16":
    case "bfloat16":
      return bytesOf(Uint16Array.from(proto.int32Data));
    default:
      return Uint8Array.from(proto.int32Data);
  }
}

function bytesOf(view: ArrayBufferView): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
}

function valueOf(proto: ValueInfoProto): Value {
  return { name: proto.name, type: valueTypeOf(proto.type) };
}

function valueTypeOf(proto: TypeProto | undefined): ValueType {
  if (proto?.value.case !== "tensorType") return { kind: "other", proto };
  const { elemType, shape } = proto.value.value;
  const dtype = dtypeOf(elemType);
  // An element type that is newer than the table of ours.
  if (dtype === undefined) return { kind: "other", proto };
  return {
    kind: "tensor",
    dtype,
    shape: shape?.dim.map(({ value }) =>
      value.case === "dimValue" ? Number(value.value) : value.case === "dimParam" ? value.value : undefined,
    ),
  };
}
