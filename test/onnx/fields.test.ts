// Every kind of content that a file may have, from files that are put together field by field with the wire schemas:
// what the model holds of it, and that it is in the file again after writing.

import { create, fromBinary, toBinary, type MessageInitShape } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import type { EngineTensor } from "../../src/engine/engine.ts";
import { nodeOf, readModel, writeModel, type Model, type Tensor } from "../../src/onnx/index.ts";
import {
  AttributeProtoSchema,
  GraphProtoSchema,
  ModelProtoSchema,
  TypeProtoSchema,
  type ModelProto,
  type TensorProtoSchema,
} from "../../src/onnx/proto/onnx_pb.ts";
import { plain } from "../support/plain.ts";
import { digestOf, runOnce } from "../support/runtime.ts";

const utf8 = new TextEncoder();
const int64 = { min: -(2n ** 63n), max: 2n ** 63n - 1n };

/** Bytes of a file around a graph, of operator set 21. */
function fileOf(
  graph: MessageInitShape<typeof GraphProtoSchema>,
  rest: MessageInitShape<typeof ModelProtoSchema> = {},
): Uint8Array<ArrayBuffer> {
  const defaults = create(ModelProtoSchema, { irVersion: 10n, opsetImport: [{ domain: "", version: 21n }] });
  return toBinary(
    ModelProtoSchema,
    create(ModelProtoSchema, {
      irVersion: 10n,
      opsetImport: defaults.opsetImport,
      ...rest,
      graph: create(GraphProtoSchema, { name: "g", ...graph }),
    }),
  );
}

function again(model: Model): Model {
  const { bytes } = writeModel(model);
  return readModel(bytes);
}

function protoOf(model: Model): ModelProto {
  return fromBinary(ModelProtoSchema, writeModel(model).bytes);
}

function tensorType(elemType: number, dims: readonly number[]) {
  const dim = dims.map((length) => ({ value: { case: "dimValue" as const, value: BigInt(length) } }));
  return { value: { case: "tensorType" as const, value: { elemType, shape: { dim } } } };
}

/** A graph of initializers, each of which is an output, too. */
function constants(tensors: readonly MessageInitShape<typeof TensorProtoSchema>[]): Uint8Array {
  return fileOf({
    initializer: [...tensors],
    output: tensors.map(({ name, dataType, dims }) => ({
      name: name ?? "",
      type: tensorType(dataType ?? 0, (dims ?? []).map(Number)),
    })),
  });
}

function bytesOf(view: ArrayBufferView): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
}

describe("tensors", () => {
  // Element type, the typed field that the standard gives it, and the same elements as raw bytes.
  const f16 = [0x3c00, 0xfbff, 0x8000];
  const typed: readonly (readonly [string, number, MessageInitShape<typeof TensorProtoSchema>, ArrayBufferView])[] = [
    ["float32", 1, { floatData: [1.5, -0, Infinity] }, Float32Array.of(1.5, -0, Infinity)],
    ["uint8", 2, { int32Data: [0, 128, 255] }, Uint8Array.of(0, 128, 255)],
    ["int8", 3, { int32Data: [-128, -1, 127] }, Int8Array.of(-128, -1, 127)],
    ["uint16", 4, { int32Data: [0, 40_000, 65_535] }, Uint16Array.of(0, 40_000, 65_535)],
    ["int16", 5, { int32Data: [-32_768, -1, 32_767] }, Int16Array.of(-32_768, -1, 32_767)],
    ["int32", 6, { int32Data: [-(2 ** 31), -1, 2 ** 31 - 1] }, Int32Array.of(-(2 ** 31), -1, 2 ** 31 - 1)],
    ["int64", 7, { int64Data: [int64.min, -1n, int64.max] }, BigInt64Array.of(int64.min, -1n, int64.max)],
    ["bool", 9, { int32Data: [1, 0, 1] }, Uint8Array.of(1, 0, 1)],
    ["float16", 10, { int32Data: f16 }, Uint16Array.from(f16)],
    ["float64", 11, { doubleData: [1e300, -0, 0.1] }, Float64Array.of(1e300, -0, 0.1)],
    ["uint32", 12, { uint64Data: [0n, 1n, 4_294_967_295n] }, Uint32Array.of(0, 1, 4_294_967_295)],
    ["uint64", 13, { uint64Data: [0n, 1n, 2n ** 64n - 1n] }, BigUint64Array.of(0n, 1n, 2n ** 64n - 1n)],
  ];

  test.each(typed)(
    "%s in its typed field is the same as in raw bytes, also to the engine",
    async (dtype, dataType, field, raw) => {
      const typedFile = constants([{ name: "t", dataType, dims: [3n], ...field }]);
      const rawFile = constants([{ name: "t", dataType, dims: [3n], rawData: Uint8Array.from(bytesOf(raw)) }]);
      const model = readModel(typedFile);
      expect(plain(model.graph.initializers.get("t"))).toEqual(plain({ dtype, dims: [3], data: bytesOf(raw) }));
      expect(plain(again(model))).toEqual(plain(model));
      expect(plain(readModel(rawFile))).toEqual(plain(model));
      const source = digestOf((await runOnce(typedFile, {}))["t"]);
      expect(digestOf((await runOnce(model, {}))["t"])).toEqual(source);
      expect(source).toMatchObject({ dtype, dims: [3] });
    },
  );

  // Types that the runtime does not give out: packed as the standard says.
  test.each([
    ["bfloat16", 16, { int32Data: [0x3f80, 0xbf80, 0x7f80] }, [0x80, 0x3f, 0x80, 0xbf, 0x80, 0x7f]],
    ["complex64", 14, { floatData: [1, 2, 3, 4, 5, 6] }, [...bytesOf(Float32Array.of(1, 2, 3, 4, 5, 6))]],
    ["complex128", 15, { doubleData: [1, 2, 3, 4, 5, 6] }, [...bytesOf(Float64Array.of(1, 2, 3, 4, 5, 6))]],
    ["float8e4m3fn", 17, { int32Data: [1, 128, 255] }, [1, 128, 255]],
    ["float8e5m2", 19, { int32Data: [1, 128, 255] }, [1, 128, 255]],
    ["int4", 22, { int32Data: [0x21, 0x0f] }, [0x21, 0x0f]],
    ["uint4", 21, { int32Data: [0xfe, 0x01] }, [0xfe, 0x01]],
    ["float4e2m1", 23, { int32Data: [0x43, 0x02] }, [0x43, 0x02]],
  ])("%s in its typed field and in raw bytes", (dtype, dataType, field, raw) => {
    const model = readModel(constants([{ name: "t", dataType, dims: [3n], ...field }]));
    const expected = { dtype, dims: [3], data: Uint8Array.from(raw) };
    expect(plain(model.graph.initializers.get("t"))).toEqual(plain(expected));
    const file = constants([{ name: "t", dataType, dims: [3n], rawData: Uint8Array.from(raw) }]);
    expect(plain(readModel(file).graph.initializers.get("t"))).toEqual(plain(expected));
    expect(plain(again(model))).toEqual(plain(model));
  });

  test("text, scalars and tensors without elements", async () => {
    const file = constants([
      { name: "text", dataType: 8, dims: [2n], stringData: [utf8.encode("grüße"), Uint8Array.of(0xff, 0x00)] },
      { name: "scalar", dataType: 1, dims: [], floatData: [2.5] },
      { name: "empty", dataType: 7, dims: [0n] },
      { name: "empty map", dataType: 1, dims: [1n, 0n, 3n], rawData: new Uint8Array() },
    ]);
    const model = readModel(file);
    expect(plain(Object.fromEntries(model.graph.initializers))).toEqual(
      plain({
        text: { dtype: "string", dims: [2], data: [utf8.encode("grüße"), Uint8Array.of(0xff, 0x00)] },
        scalar: { dtype: "float32", dims: [], data: bytesOf(Float32Array.of(2.5)) },
        empty: { dtype: "int64", dims: [0], data: new Uint8Array() },
        "empty map": { dtype: "float32", dims: [1, 0, 3], data: new Uint8Array() },
      }),
    );
    expect(plain(again(model))).toEqual(plain(model));
    // The text has bytes that are no UTF-8 and stays out of this.
    const initializers = new Map([...model.graph.initializers].slice(1));
    const numbers = { ...model.graph, initializers, outputs: model.graph.outputs.slice(1) };
    const outputs = await runOnce(writeModel({ ...model, graph: numbers }).bytes, {});
    expect(outputs["scalar"]).toMatchObject({ dims: [], data: Float32Array.of(2.5) });
    expect(outputs["empty map"]?.dims).toEqual([1, 0, 3]);
  });

  test("sparse initializers compute the same", async () => {
    const file = fileOf({
      sparseInitializer: [
        {
          dims: [2n, 3n],
          values: { name: "sparse", dataType: 1, dims: [2n], floatData: [5, 7] },
          indices: { dataType: 7, dims: [2n], int64Data: [1n, 5n] },
        },
      ],
      node: [{ opType: "Add", input: ["sparse", "x"], output: ["y"] }],
      input: [{ name: "x", type: tensorType(1, [2, 3]) }],
      output: [{ name: "y", type: tensorType(1, [2, 3]) }],
    });
    const model = readModel(file);
    const x: EngineTensor = { dtype: "float32", dims: [2, 3], data: Float32Array.of(1, 2, 3, 4, 5, 6) };
    expect((await runOnce(again(model), { x }))["y"]?.data).toEqual(Float32Array.of(1, 7, 3, 4, 5, 13));
    expect(plain(again(model))).toEqual(plain(model));
  });
});

describe("attributes", () => {
  const tensor = { dataType: 7, dims: [2n], int64Data: [int64.min, int64.max] };
  const read: Tensor = { dtype: "int64", dims: [2], data: bytesOf(BigInt64Array.of(int64.min, int64.max)) };
  const graph = {
    name: "body",
    node: [{ opType: "Identity", input: ["x"], output: ["body/y"] }],
    output: [{ name: "body/y" }],
  };
  const body = {
    name: "body",
    nodes: [{ ...nodeOf("Identity", ["x"], ["body/y"]), name: "" }],
    inputs: [],
    outputs: [{ name: "body/y", type: { kind: "other", proto: undefined } }],
    initializers: new Map(),
    values: [],
  };

  const kinds: readonly (readonly [string, MessageInitShape<typeof AttributeProtoSchema>, unknown])[] = [
    ["float", { type: 1, f: 0.1 }, { kind: "float", value: 0.1 }],
    ["a float that is zero", { type: 1, f: 0 }, { kind: "float", value: 0 }],
    ["int", { type: 2, i: int64.max }, { kind: "int", value: int64.max }],
    ["the least int", { type: 2, i: int64.min }, { kind: "int", value: int64.min }],
    ["string", { type: 3, s: Uint8Array.of(0xff, 0) }, { kind: "string", value: Uint8Array.of(0xff, 0) }],
    ["an empty string", { type: 3 }, { kind: "string", value: new Uint8Array() }],
    ["tensor", { type: 4, t: tensor }, { kind: "tensor", value: read }],
    ["graph", { type: 5, g: graph }, { kind: "graph", value: body }],
    ["floats", { type: 6, floats: [0.1, -0, 3] }, { kind: "floats", value: [0.1, -0, 3] }],
    ["no floats", { type: 6 }, { kind: "floats", value: [] }],
    ["ints", { type: 7, ints: [int64.min, 0n, int64.max] }, { kind: "ints", value: [int64.min, 0n, int64.max] }],
    ["no ints", { type: 7 }, { kind: "ints", value: [] }],
    [
      "strings",
      { type: 8, strings: [utf8.encode("a"), Uint8Array.of(0xff)] },
      { kind: "strings", value: [utf8.encode("a"), Uint8Array.of(0xff)] },
    ],
    ["tensors", { type: 9, tensors: [tensor, tensor] }, { kind: "tensors", value: [read, read] }],
    ["graphs", { type: 10, graphs: [graph, graph] }, { kind: "graphs", value: [body, body] }],
    ["a reference", { type: 2, refAttrName: "axis" }, { kind: "reference", value: "axis", type: 2 }],
    // Files of IR version 1 tell the kind by the field alone.
    ["floats without a kind", { floats: [1] }, { kind: "floats", value: [1] }],
    ["an int without a kind", { i: 3n }, { kind: "int", value: 3n }],
    ["text without a kind", { s: utf8.encode("same") }, { kind: "string", value: utf8.encode("same") }],
  ];

  test.each(kinds)("%s", (_kind, attribute, expected) => {
    const model = readModel(
      fileOf({ node: [{ opType: "Op", output: ["y"], attribute: [{ name: "a", ...attribute }] }] }),
    );
    expect(plain(model.graph.nodes[0]?.attributes.get("a"))).toEqual(plain(expected));
    expect(plain(again(model))).toEqual(plain(model));
  });

  test.each([
    ["a type", { type: 13, tp: tensorType(1, [2]) }],
    ["types", { type: 14, typeProtos: [tensorType(1, [2]), tensorType(7, [])] }],
    ["a sparse tensor", { type: 11, sparseTensor: { dims: [4n], values: tensor, indices: tensor } }],
    ["sparse tensors", { type: 12, sparseTensors: [{ dims: [4n], values: tensor, indices: tensor }] }],
    ["a kind of a later standard", { type: 99, s: utf8.encode("later") }],
  ] satisfies readonly (readonly [string, MessageInitShape<typeof AttributeProtoSchema>])[])(
    "%s passes through",
    (_kind, attribute) => {
      const proto = create(AttributeProtoSchema, { name: "a", docString: "kept", ...attribute });
      const model = readModel(fileOf({ node: [{ opType: "Op", output: ["y"], attribute: [proto] }] }));
      expect(model.graph.nodes[0]?.attributes.get("a")?.kind).toBe("other");
      const written = protoOf(model).graph?.node[0]?.attribute[0];
      expect(written && toBinary(AttributeProtoSchema, written)).toEqual(toBinary(AttributeProtoSchema, proto));
    },
  );
});

describe("what the model's types do not name", () => {
  test("operators, domains, descriptions and fields of later standards are in the file again", () => {
    // Field 1000, length-delimited, in the model, its graph and a node.
    const later = { no: 1000, wireType: 2 as const, data: Uint8Array.of(3, 1, 2, 3) };
    const proto = fromBinary(
      ModelProtoSchema,
      fileOf(
        {
          docString: "graph doc",
          metadataProps: [{ key: "graph", value: "1" }],
          node: [
            {
              name: "n",
              opType: "Unheard",
              domain: "com.example.ops",
              overload: "v2",
              docString: "node doc",
              input: ["x", "", "x"],
              output: ["y", "", "z"],
              metadataProps: [{ key: "node", value: "2" }],
            },
          ],
          input: [{ name: "x", type: tensorType(1, [1, 3]) }],
          valueInfo: [{ name: "z", type: tensorType(10, [4]) }],
          output: [{ name: "y" }],
        },
        {
          producerName: "someone",
          producerVersion: "1.2",
          domain: "com.example",
          modelVersion: int64.max,
          docString: "model doc",
          metadataProps: [
            { key: "b", value: "2" },
            { key: "a", value: "" },
          ],
          opsetImport: [
            { domain: "", version: 17n },
            { domain: "com.example.ops", version: 3n },
          ],
        },
      ),
    );
    proto.$unknown = [later];
    if (proto.graph !== undefined) proto.graph.$unknown = [later];
    if (proto.graph?.node[0] !== undefined) proto.graph.node[0].$unknown = [later];
    const bytes = toBinary(ModelProtoSchema, proto);
    const model = readModel(bytes);
    expect(model).toMatchObject({ domain: "com.example", modelVersion: int64.max, irVersion: 10, doc: "model doc" });
    expect([...model.metadata]).toEqual([
      ["b", "2"],
      ["a", ""],
    ]);
    expect([...model.opsets]).toEqual([
      ["", 17],
      ["com.example.ops", 3],
    ]);
    expect(fromBinary(ModelProtoSchema, writeModel(model).bytes)).toEqual(fromBinary(ModelProtoSchema, bytes));
  });

  test("the standard domain goes by its short name", () => {
    const file = fileOf(
      { node: [{ opType: "Relu", domain: "ai.onnx", input: ["x"], output: ["y"] }] },
      { opsetImport: [{ domain: "ai.onnx", version: 13n }] },
    );
    const model = readModel(file);
    expect([...model.opsets]).toEqual([["", 13]]);
    expect(model.graph.nodes[0]?.domain).toBe("");
  });

  test("types that are no tensors, and element types of later standards, pass through", () => {
    // A sequence of tensors: field 4 of TypeProto.
    const sequence = create(TypeProtoSchema);
    sequence.$unknown = [{ no: 4, wireType: 2 as const, data: Uint8Array.of(4, 10, 2, 10, 0) }];
    const file = fileOf({
      node: [{ opType: "Op", input: ["x"], output: ["s", "t"] }],
      output: [
        { name: "s", type: sequence },
        { name: "t", type: create(TypeProtoSchema, tensorType(77, [2])) },
      ],
    });
    const model = readModel(file);
    expect(model.graph.outputs.map(({ type }) => type.kind)).toEqual(["other", "other"]);
    expect(protoOf(model).graph?.output).toEqual(fromBinary(ModelProtoSchema, file).graph?.output);
  });

  test("model-local functions compute the same", async () => {
    const file = fileOf(
      {
        node: [
          {
            opType: "Scaled",
            domain: "local",
            input: ["x"],
            output: ["y"],
            attribute: [{ name: "by", type: 1, f: 3 }],
          },
        ],
        input: [{ name: "x", type: tensorType(1, [2]) }],
        output: [{ name: "y", type: tensorType(1, [2]) }],
      },
      {
        opsetImport: [
          { domain: "", version: 17n },
          { domain: "local", version: 1n },
        ],
        functions: [
          {
            name: "Scaled",
            domain: "local",
            input: ["a"],
            output: ["b"],
            attribute: ["by"],
            opsetImport: [{ domain: "", version: 17n }],
            node: [
              { opType: "Constant", output: ["c"], attribute: [{ name: "value_float", type: 1, refAttrName: "by" }] },
              { opType: "Mul", input: ["a", "c"], output: ["b"] },
            ],
          },
        ],
      },
    );
    const model = readModel(file);
    const x: EngineTensor = { dtype: "float32", dims: [2], data: Float32Array.of(2, -4) };
    const source = (await runOnce(file, { x }))["y"];
    expect(source?.data).toEqual(Float32Array.of(6, -12));
    expect(digestOf((await runOnce(model, { x }))["y"])).toEqual(digestOf(source));
    expect(fromBinary(ModelProtoSchema, writeModel(model).bytes).functions).toEqual(
      fromBinary(ModelProtoSchema, file).functions,
    );
  });

  test("text that is no UTF-8, as in comments of some exporters, does not keep a model from being read", () => {
    const file = fileOf({ docString: "????", node: [{ opType: "Relu", input: ["x"], output: ["y"] }] });
    const at = Buffer.from(file).indexOf("????");
    file.set([0xb3, 0xc9, 0xb9, 0xa6], at);
    expect(readModel(file).graph.nodes).toHaveLength(1);
  });
});
