// Model -> bytes of an ONNX file, with its tensors inside or in a file beside it.

import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { ClockworkError } from "../errors.ts";
import { dtypeCode } from "./dtype.ts";
import type { Attribute, Graph, Model, Node, Tensor, Value } from "./model.ts";
import {
  AttributeProtoSchema,
  GraphProtoSchema,
  ModelProtoSchema,
  NodeProtoSchema,
  TensorProtoSchema,
  TypeProtoSchema,
  ValueInfoProtoSchema,
  type AttributeProto,
  type GraphProto,
  type NodeProto,
  type TensorProto,
  type ValueInfoProto,
} from "./proto/onnx_pb.ts";
import { attributeTypes } from "./read.ts";
import { tensorBytes } from "./tensor.ts";

/** A protobuf message ends at 2 GiB; this leaves room for everything that is no tensor. */
export const inlineLimitBytes: number = 2 ** 31 - 2 ** 26;

/** Tensors below this size stay in the model file. */
const externalThresholdBytes = 1024;

/** Where tensors start in an external file: a multiple that memory mapping likes. */
const externalAlignment = 4096;

/** How to write a model. */
export interface WriteOptions {
  /** Name of a file beside the model that takes its large tensors; without it they are in the model. */
  readonly external?: string;
}

/** A written model. */
export interface WrittenModel {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Pieces of the external file, in order; empty without one. */
  readonly external: readonly Uint8Array[];
}

/**
 * Writes a model.
 * @throws ClockworkError `invalid-model` where it would exceed 2 GiB without an external file
 */
export function writeModel(model: Model, options: WriteOptions = {}): WrittenModel {
  const writer = new Writer(options.external);
  const proto = create(ModelProtoSchema, {
    irVersion: BigInt(model.irVersion),
    opsetImport: [...model.opsets].map(([domain, version]) => ({ domain, version: BigInt(version) })),
    producerName: model.producerName,
    producerVersion: model.producerVersion,
    domain: model.domain,
    modelVersion: model.modelVersion,
    docString: model.doc,
    metadataProps: entries(model.metadata),
    graph: writer.graph(model.graph),
    functions: [...(model.functions ?? [])],
  });
  if (model.rest !== undefined) proto.$unknown = [...model.rest];
  if (writer.inlineBytes > inlineLimitBytes) {
    throw new ClockworkError(
      "invalid-model",
      `model: expected at most ${inlineLimitBytes} bytes of tensors in one file, got ${writer.inlineBytes}; ` +
        `try writing them to an external file`,
    );
  }
  return { bytes: toBinary(ModelProtoSchema, proto), external: writer.external };
}

function entries(map: ReadonlyMap<string, string> | undefined): { key: string; value: string }[] {
  return [...(map ?? [])].map(([key, value]) => ({ key, value }));
}

class Writer {
  readonly external: Uint8Array[] = [];
  inlineBytes = 0;
  readonly #file: string | undefined;
  #offset = 0;

  constructor(file: string | undefined) {
    this.#file = file;
  }

  graph(graph: Graph): GraphProto {
    const proto = create(GraphProtoSchema, {
      name: graph.name,
      node: graph.nodes.map((node) => this.#node(node)),
      input: graph.inputs.map(valueProto),
      output: graph.outputs.map(valueProto),
      initializer: [...graph.initializers].map(([name, tensor]) => this.#tensor(tensor, name)),
      valueInfo: graph.values.map(valueProto),
      docString: graph.doc ?? "",
      metadataProps: entries(graph.metadata),
      sparseInitializer: [...(graph.sparseInitializers ?? [])],
    });
    if (graph.rest !== undefined) proto.$unknown = [...graph.rest];
    return proto;
  }

  #node(node: Node): NodeProto {
    const proto = create(NodeProtoSchema, {
      name: node.name,
      opType: node.op,
      domain: node.domain,
      input: [...node.inputs],
      output: [...node.outputs],
      attribute: [...node.attributes].map(([name, attribute]) => this.#attribute(name, attribute)),
      docString: node.doc ?? "",
      overload: node.overload ?? "",
      metadataProps: entries(node.metadata),
    });
    if (node.rest !== undefined) proto.$unknown = [...node.rest];
    return proto;
  }

  #attribute(name: string, attribute: Attribute): AttributeProto {
    switch (attribute.kind) {
      case "float":
        return create(AttributeProtoSchema, { name, type: attributeTypes.float, f: attribute.value });
      case "int":
        return create(AttributeProtoSchema, { name, type: attributeTypes.int, i: attribute.value });
      case "string":
        return create(AttributeProtoSchema, { name, type: attributeTypes.string, s: copyable(attribute.value) });
      case "tensor":
        return create(AttributeProtoSchema, {
          name,
          type: attributeTypes.tensor,
          t: this.#tensor(attribute.value, ""),
        });
      case "graph":
        return create(AttributeProtoSchema, { name, type: attributeTypes.graph, g: this.graph(attribute.value) });
      case "floats":
        return create(AttributeProtoSchema, { name, type: attributeTypes.floats, floats: [...attribute.value] });
      case "ints":
        return create(AttributeProtoSchema, { name, type: attributeTypes.ints, ints: [...attribute.value] });
      case "strings":
        return create(AttributeProtoSchema, {
          name,
          type: attributeTypes.strings,
          strings: attribute.value.map((item) => copyable(item)),
        });
      case "tensors":
        return create(AttributeProtoSchema, {
          name,
          type: attributeTypes.tensors,
          tensors: attribute.value.map((tensor) => this.#tensor(tensor, "")),
        });
      case "graphs":
        return create(AttributeProtoSchema, {
          name,
          type: attributeTypes.graphs,
          graphs: attribute.value.map((graph) => this.graph(graph)),
        });
      case "reference":
        return create(AttributeProtoSchema, { name, type: attribute.type, refAttrName: attribute.value });
      case "other":
        return fromBinary(AttributeProtoSchema, attribute.value);
    }
  }

  #tensor(tensor: Tensor, name: string): TensorProto {
    const proto = create(TensorProtoSchema, {
      name,
      dims: tensor.dims.map(BigInt),
      dataType: dtypeCode(tensor.dtype),
    });
    const bytes = tensorBytes(tensor);
    if (!(tensor.data instanceof Uint8Array)) {
      this.inlineBytes += bytes;
      proto.stringData = tensor.data.map((item) => copyable(item));
      return proto;
    }
    // Attribute tensors ("" as a name) stay inside: not every reader looks for their data elsewhere.
    if (this.#file === undefined || bytes < externalThresholdBytes || name === "") {
      this.inlineBytes += bytes;
      proto.rawData = copyable(tensor.data);
      return proto;
    }
    const padding = (externalAlignment - (this.#offset % externalAlignment)) % externalAlignment;
    if (padding > 0) this.external.push(new Uint8Array(padding));
    this.#offset += padding;
    this.external.push(tensor.data);
    proto.dataLocation = 1;
    proto.externalData = entries(
      new Map([
        ["location", this.#file],
        ["offset", String(this.#offset)],
        ["length", String(bytes)],
      ]),
    ).map((entry) => ({ $typeName: "clockwork.onnx.StringStringEntryProto", ...entry }));
    this.#offset += bytes;
    return proto;
  }
}

/** The protobuf library wants views on unshared memory; the types of ours leave that open. */
function copyable(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return bytes.buffer instanceof ArrayBuffer
    ? new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    : Uint8Array.from(bytes);
}

function valueProto(value: Value): ValueInfoProto {
  const { type } = value;
  if (type.kind === "other") {
    return create(ValueInfoProtoSchema, { name: value.name, ...(type.proto !== undefined && { type: type.proto }) });
  }
  return create(ValueInfoProtoSchema, {
    name: value.name,
    type: create(TypeProtoSchema, {
      value: {
        case: "tensorType",
        value: {
          elemType: dtypeCode(type.dtype),
          ...(type.shape !== undefined && {
            shape: {
              dim: type.shape.map((dim) => ({
                value:
                  typeof dim === "number"
                    ? { case: "dimValue" as const, value: BigInt(dim) }
                    : typeof dim === "string"
                      ? { case: "dimParam" as const, value: dim }
                      : { case: undefined },
              })),
            },
          }),
        },
      },
    }),
  });
}
