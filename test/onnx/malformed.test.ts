// Files that are no models, damaged models and models that do not fit: every one is refused with `invalid-model` and the
// name of the file, and nothing else is ever thrown. Beside it, tensor data in other files.

import { create, toBinary, type MessageInitShape } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { ClockworkError } from "../../src/errors.ts";
import { Random } from "../../src/networks/random.ts";
import {
  GraphBuilder,
  modelOf,
  readModel,
  writeModel,
  inlineLimitBytes,
  type Model,
  type ReadOptions,
  type Tensor,
} from "../../src/onnx/index.ts";
import {
  ModelProtoSchema,
  TensorProtoSchema,
  TypeProtoSchema,
  type GraphProtoSchema,
} from "../../src/onnx/proto/onnx_pb.ts";
import { plain } from "../support/plain.ts";

/** What reading throws: its message, where it is an error of the right kind that names the file. */
function refusal(bytes: Uint8Array, options: ReadOptions = {}): string {
  try {
    readModel(bytes, { name: "street.onnx", ...options });
  } catch (error) {
    if (
      error instanceof ClockworkError &&
      error.code === "invalid-model" &&
      error.message.startsWith("street.onnx: ")
    ) {
      return error.message;
    }
    throw new Error("thrown in place of a refusal", { cause: error });
  }
  return "was read";
}

function small(): Model {
  const b = new GraphBuilder("small");
  const x = b.input("x", "float32", [1, 3, "height", "width"]);
  const weight = b.float32("weight", [8, 3, 3, 3], new Float32Array(216).fill(0.5));
  b.add("conv", "Conv", [x, weight], { pads: [1, 1, 1, 1] });
  b.output(b.add("y", "Relu", ["conv"]), "float32", [1, 8, "height", "width"]);
  return modelOf(b.build());
}

function fileOf(graph: MessageInitShape<typeof GraphProtoSchema>, opset = 17): Uint8Array<ArrayBuffer> {
  const node = [{ opType: "Relu", input: ["x"], output: ["y"] }];
  return toBinary(
    ModelProtoSchema,
    create(ModelProtoSchema, { irVersion: 8n, opsetImport: [{ version: BigInt(opset) }], graph: { node, ...graph } }),
  );
}

describe("what is no model", () => {
  const png = Buffer.from(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
    "base64",
  );
  const cases: readonly (readonly [string, Uint8Array])[] = [
    ["an empty file", new Uint8Array()],
    ["a picture", png],
    ["text", new TextEncoder().encode("version https://git-lfs.github.com/spec/v1\noid sha256:4d7a21\nsize 12345\n")],
    ["a page", new TextEncoder().encode("<!DOCTYPE html><html><body>404</body></html>")],
    ["an archive", Uint8Array.from([0x50, 0x4b, 3, 4, 20, 0, 8, 8, ...new Array<number>(64).fill(0)])],
    ["zeros", new Uint8Array(4096)],
    [
      "a tensor",
      toBinary(TensorProtoSchema, create(TensorProtoSchema, { dims: [2n], dataType: 1, floatData: [1, 2] })),
    ],
    [
      "a type",
      toBinary(TypeProtoSchema, create(TypeProtoSchema, { value: { case: "tensorType", value: { elemType: 1 } } })),
    ],
    [
      "a model without a graph",
      toBinary(ModelProtoSchema, create(ModelProtoSchema, { irVersion: 8n, opsetImport: [{ version: 17n }] })),
    ],
    ["a model of an empty graph", fileOf({ node: [] })],
  ];

  test.each(cases)("%s", (_name, bytes) => {
    expect(refusal(bytes)).toMatch(/^street\.onnx: expected an ONNX model, got/);
  });

  test("random bytes", () => {
    const random = new Random(7, "bytes");
    for (let round = 0; round < 2000; round++) {
      const bytes = Uint8Array.from({ length: 1 + (round % 300) }, () => Math.floor(random.next() * 256));
      expect(refusal(bytes)).not.toBe("was read");
    }
  });

  test("groups in groups do not exhaust the stack", () => {
    expect(refusal(new Uint8Array(200_000).fill(0x0b))).toMatch(/expected an ONNX model/);
    // Messages in messages: a graph in an attribute of a node of a graph, and so on.
    let bytes: Uint8Array = Uint8Array.of();
    const wrap = (tag: number, inner: Uint8Array): Uint8Array => {
      const length: number[] = [];
      for (let rest = inner.byteLength; ; rest >>>= 7) {
        length.push(rest < 128 ? rest : (rest & 127) | 128);
        if (rest < 128) break;
      }
      return Uint8Array.from([tag, ...length, ...inner]);
    };
    for (let depth = 0; depth < 200; depth++) bytes = wrap(0x0a, wrap(0x2a, wrap(0x32, bytes)));
    expect(refusal(wrap(0x3a, bytes))).toMatch(/damaged file/);
  });
});

describe("a model that was damaged", () => {
  const whole = writeModel(small()).bytes;

  test("is refused wherever it was cut short", () => {
    for (let length = 0; length < whole.byteLength; length++) {
      expect(refusal(whole.subarray(0, length)), `cut at ${length}`).not.toBe("was read");
    }
    expect(refusal(whole)).toBe("was read");
  });

  test("is refused, or is a model, with any one byte changed", () => {
    const random = new Random(11, "bytes");
    let refused = 0;
    for (let round = 0; round < 3000; round++) {
      const bytes = whole.slice();
      bytes[Math.floor(random.next() * bytes.length)] = Math.floor(random.next() * 256);
      if (refusal(bytes) !== "was read") refused++;
    }
    expect(refused).toBeGreaterThan(100);
  });

  test.each([
    ["too few elements", { dims: [3n], dataType: 1, floatData: [1, 2] }, /expected 12 bytes for float32 \[3\], got 8/],
    ["too many elements", { dims: [1n], dataType: 1, rawData: new Uint8Array(8) }, /expected 4 bytes/],
    ["axes of negative length", { dims: [-1n, -2n], dataType: 1, floatData: [1, 2] }, /\[-1,-2\]/],
    ["a shape beyond all memory", { dims: [2n ** 62n, 2n ** 62n], dataType: 1, floatData: [1] }, /expected .* bytes/],
    ["no element type", { dims: [1n], floatData: [1] }, /expected a known element type, got number 0/],
    ["an unknown element type", { dims: [1n], dataType: 1234, rawData: new Uint8Array(4) }, /got number 1234/],
    ["too few texts", { dims: [3n], dataType: 8, stringData: [Uint8Array.of(65)] }, /expected 3 texts .*got 1/],
  ] satisfies readonly (readonly [string, MessageInitShape<typeof TensorProtoSchema>, RegExp])[])(
    "a tensor of %s",
    (_name, tensor, message) => {
      const found = refusal(fileOf({ initializer: [{ name: "w", ...tensor }] }));
      expect(found).toMatch(message);
      expect(found).toContain('tensor "w"');
    },
  );

  test("nodes and attributes that lack what they are for", () => {
    expect(refusal(fileOf({ node: [{ name: "n", input: ["x"], output: ["y"] }] }))).toMatch(
      /node "n": expected an operator type/,
    );
    const attribute = (type: number) =>
      fileOf({ node: [{ opType: "Op", output: ["y"], attribute: [{ name: "a", type }] }] });
    expect(refusal(attribute(4))).toMatch(/attribute "a": expected a tensor/);
    expect(refusal(attribute(5))).toMatch(/attribute "a": expected a graph/);
  });
});

test.each([
  [6, /operator set from 7 to 26, got 6; try exporting/],
  [27, /operator set from 7 to 26, got 27/],
])("operator set %i", (opset, message) => {
  expect(refusal(fileOf({}, opset))).toMatch(message);
});

test("operator sets 7 and 26 are read, no operator set is not", () => {
  expect(refusal(fileOf({}, 7))).toBe("was read");
  expect(refusal(fileOf({}, 26))).toBe("was read");
  const none = create(ModelProtoSchema, {
    irVersion: 8n,
    graph: { node: [{ opType: "Relu", input: ["x"], output: ["y"] }] },
  });
  expect(refusal(toBinary(ModelProtoSchema, none))).toMatch(/names no operator set/);
});

describe("tensor data in other files", () => {
  /** Two tensors of 2,000 and 1,500 floats, and a small one that stays inside. */
  function large(): Model {
    const b = new GraphBuilder("large");
    const x = b.input("x", "float32", [1]);
    b.float32(
      "a",
      [2000],
      Float32Array.from({ length: 2000 }, (_, i) => i),
    );
    b.float32(
      "b",
      [1500],
      Float32Array.from({ length: 1500 }, (_, i) => -i),
    );
    b.float32("c", [2], [1, 2]);
    b.add("d", "Add", [x, "a"]);
    b.output("d", "float32", [2000]);
    return modelOf(b.build());
  }
  const split = writeModel(large(), { external: "large.bin" });
  const data = Buffer.concat(split.external);
  const external = (location: string, entries: Readonly<Record<string, string>> = {}, dims = [4n]) =>
    fileOf({
      initializer: [
        {
          name: "w",
          dims,
          dataType: 1,
          dataLocation: 1,
          externalData: Object.entries({ ...(location !== "" && { location }), ...entries }).map(([key, value]) => ({
            key,
            value,
          })),
        },
      ],
    });
  const floats = Uint8Array.from({ length: 64 }, (_, i) => i);

  test("are written in aligned pieces and read back, each file asked for once", () => {
    const asked: string[] = [];
    const model = readModel(split.bytes, { external: (location) => (asked.push(location), data) });
    expect(plain(model)).toEqual(plain(large()));
    expect(asked).toEqual(["large.bin"]);
    expect(data.byteLength).toBe(8192 + 6000);
    expect(
      Buffer.compare(data.subarray(8192), new Uint8Array(Float32Array.from({ length: 1500 }, (_, i) => -i).buffer)),
    ).toBe(0);
    expect(split.bytes.byteLength).toBeLessThan(1000);
  });

  test("are found by offset and length, and without them", () => {
    const read = (entries: Readonly<Record<string, string>>, file: Uint8Array): Tensor | undefined =>
      readModel(external("sub/w.bin", entries), {
        external: (location) => (location === "sub/w.bin" ? file : new Uint8Array()),
      }).graph.initializers.get("w");
    expect(read({}, floats)?.data).toEqual(floats.subarray(0, 16));
    expect(read({ offset: "8" }, floats)?.data).toEqual(floats.subarray(8, 24));
    expect(read({ offset: "48", length: "16", checksum: "x" }, floats)?.data).toEqual(floats.subarray(48));
  });

  test("are refused where they are missing, short or nonsense", () => {
    const give = { external: () => floats };
    expect(refusal(external("w.bin"))).toMatch(
      /tensor "w": its data is in the external file "w\.bin", which was not given; try/,
    );
    expect(refusal(external("", { offset: "0" }), give)).toMatch(/tensor "w": its external data has no location/);
    expect(refusal(external("w.bin", { offset: "52" }), give)).toMatch(
      /expected 16 bytes at 52 of "w\.bin", got a file of 64 bytes; it may be cut short/,
    );
    expect(refusal(external("w.bin", { length: "12" }), give)).toMatch(/expected 16 bytes for float32 \[4\], got 12/);
    expect(refusal(external("w.bin", { offset: "-16" }), give)).toMatch(/"w\.bin"/);
    expect(refusal(external("w.bin", { offset: "many" }), give)).toMatch(/"w\.bin"/);
    expect(refusal(external("w.bin", { length: "-1" }), give)).toMatch(/"w\.bin"/);
    const failing = (): never => {
      throw new Error("no such file");
    };
    expect(refusal(external("w.bin"), { external: failing })).toMatch(/w\.bin.*no such file/);
    const ours = new ClockworkError("io", "w.bin: cannot be read");
    expect(() =>
      readModel(external("w.bin"), {
        external: () => {
          throw ours;
        },
      }),
    ).toThrow(ours);
  });
});

test("tensors beyond 2 GiB are refused without an external file", () => {
  // One piece of memory under many names: only the sum is large.
  const pieceBytes = 2 ** 24;
  const piece: Tensor = { dtype: "uint8", dims: [pieceBytes], data: new Uint8Array(pieceBytes) };
  const of = (count: number): Model => {
    const names = Array.from({ length: count }, (_, index) => `w${index}`);
    const model = small();
    return { ...model, graph: { ...model.graph, initializers: new Map(names.map((name) => [name, piece])) } };
  };
  const count = Math.floor(inlineLimitBytes / pieceBytes) + 1;
  expect(() => writeModel(of(count))).toThrow(
    expect.objectContaining({
      code: "invalid-model",
      message: `model: expected at most ${inlineLimitBytes} bytes of tensors in one file, got ${count * pieceBytes}; try writing them to an external file`,
    }),
  );
  const { bytes, external } = writeModel(of(count), { external: "w.bin" });
  expect(bytes.byteLength).toBeLessThan(20_000);
  expect(external.reduce((sum, part) => sum + part.byteLength, 0)).toBe(count * pieceBytes);
  // Text counts as well.
  const text: Tensor = {
    dtype: "string",
    dims: [count],
    data: new Array<Uint8Array>(count).fill(piece.data as Uint8Array),
  };
  const model = small();
  expect(() => writeModel({ ...model, graph: { ...model.graph, initializers: new Map([["t", text]]) } })).toThrow(
    /external file/,
  );
});
