// Safetensors files put together by hand as the format is described, read, and written again.

import { describe, expect, test } from "vitest";
import { byteLength, ofBytes, type DType, type Tensor } from "../../src/onnx/index.ts";
import { readSafetensors, writeSafetensors } from "../../src/weights/index.ts";
import { failureOf } from "./fixture.ts";

/** A file of a header and elements. */
function file(header: unknown, elements: readonly number[] = [], length?: number): Uint8Array {
  const text = new TextEncoder().encode(typeof header === "string" ? header : JSON.stringify(header));
  const bytes = new Uint8Array(8 + text.length + elements.length);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(length ?? text.length), true);
  bytes.set(text, 8);
  bytes.set(elements, 8 + text.length);
  return bytes;
}

const entry = (dtype: string, shape: readonly number[], begin: number, end: number): unknown => ({
  dtype,
  shape,
  data_offsets: [begin, end],
});

test("tensors, a scalar, an empty one and the metadata, in any order", () => {
  const { weights, metadata } = readSafetensors(
    file(
      {
        late: entry("F32", [2], 4, 12),
        __metadata__: { format: "pt", note: "é" },
        scalar: entry("I16", [], 2, 4),
        none: entry("F64", [0, 3], 12, 12),
        half: entry("F16", [1], 0, 2),
      },
      [0x00, 0x3c, 0xff, 0xff, 0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0],
    ),
  );
  expect(Object.fromEntries(metadata)).toEqual({ format: "pt", note: "é" });
  const read = [...weights].map(([name, { dtype, dims, data }]) => [name, dtype, dims, [...(data as Uint8Array)]]);
  expect(read).toEqual([
    ["late", "float32", [2], [0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0]],
    ["scalar", "int16", [], [0xff, 0xff]],
    ["none", "float64", [0, 3], []],
    ["half", "float16", [1], [0x00, 0x3c]],
  ]);
});

test("the writer's bytes are those of the format's own test of its writer", () => {
  // One float32 tensor `attn0` [1,1,2,3] of 0 to 5; its header is filled up with spaces to a multiple of 8.
  const bytes = writeSafetensors(
    new Map([["attn0", ofBytes("float32", [1, 1, 2, 3], Float32Array.of(0, 1, 2, 3, 4, 5))]]),
  );
  const header = '{"attn0":{"dtype":"F32","shape":[1,1,2,3],"data_offsets":[0,24]}}';
  const expected = file(header.padEnd(72), [...new Uint8Array(Float32Array.of(0, 1, 2, 3, 4, 5).buffer)]);
  expect(Buffer.compare(bytes, expected)).toBe(0);
  expect(Buffer.compare(writeSafetensors(new Map()), file("{}".padEnd(8)))).toBe(0);
});

test("every type of ONNX comes back as it was, but for those that the format does not have", () => {
  const types: readonly DType[] = [
    ...(["float64", "float32", "float16", "bfloat16", "float8e4m3fn", "float8e4m3fnuz", "float8e5m2"] as const),
    ...(["float8e5m2fnuz", "float4e2m1", "complex64", "int64", "int32", "int16", "int8"] as const),
    ...(["uint64", "uint32", "uint16", "uint8", "bool"] as const),
  ];
  const tensors = new Map<string, Tensor>(
    types.map((dtype, index) => [
      `${types.length - index}`,
      ofBytes(dtype, [2, 2], new Uint8Array(byteLength(dtype, 4)).fill(index + 1)),
    ]),
  );
  // Names that JSON or JavaScript make something special of.
  tensors.set("__proto__", ofBytes("uint8", [1], Uint8Array.of(7)));
  tensors.set('a"\\b/ü', ofBytes("uint8", [1], Uint8Array.of(8)));
  const bytes = writeSafetensors(tensors, new Map([["k", "v"]]));
  const { weights, metadata } = readSafetensors(bytes);
  expect([...metadata]).toEqual([["k", "v"]]);
  const sorted = (all: ReadonlyMap<string, Tensor>): unknown => [...all].sort(([a], [b]) => (a < b ? -1 : 1));
  expect(sorted(weights)).toEqual(sorted(tensors));
  // Aligned for whoever maps the file into memory.
  const astray = [...weights.values()].filter(({ dtype, data }) => {
    const size = Math.max(1, byteLength(dtype, 1));
    return data instanceof Uint8Array && data.byteOffset % size !== 0;
  });
  expect(astray).toEqual([]);
  for (const dtype of ["int4", "uint4", "complex128", "string"] as const) {
    const tensor: Tensor = { dtype, dims: [0], data: new Uint8Array(0) };
    expect(failureOf(() => writeSafetensors(new Map([["x", tensor]])))).toMatch(
      `x: expected a type that safetensors has`,
    );
  }
  expect(
    failureOf(() => writeSafetensors(new Map([["__metadata__", ofBytes("bool", [0], new Uint8Array(0))]]))),
  ).toMatch(/another name than __metadata__/);
});

describe("damage", () => {
  test.each<readonly [string, Uint8Array, RegExp]>([
    ["too short for a length", Uint8Array.of(1, 0, 0), /got 3 bytes/],
    ["a header longer than the file", file({}, [], 3), /header of at most 2 bytes, got 3/],
    ["a header of exabytes", file({}, [], 2 ** 62), /at most 2 bytes/],
    ["no JSON", file("{]"), /header in JSON/],
    ["no UTF-8", Uint8Array.of(2, 0, 0, 0, 0, 0, 0, 0, 0x7b, 0xff), /header in JSON/],
    ["a list", file([]), /JSON object as header/],
    ["metadata that is no text", file({ __metadata__: { a: 1 } }), /texts by name, got 1/],
    ["an unknown type", file({ a: entry("F7", [], 0, 0) }), /"a": expected a dtype of F64, F32/],
    ["a negative length", file({ a: entry("U8", [-1], 0, 0) }), /a shape of whole numbers, got \[-1\]/],
    ["no shape", file({ a: { dtype: "U8", data_offsets: [0, 0] } }), /a shape of whole numbers, got nothing/],
    ["three offsets", file({ a: { dtype: "U8", shape: [], data_offsets: [0, 1, 2] } }, [1]), /data_offsets/],
    [
      "offsets that are too far apart",
      file({ a: entry("F32", [1], 0, 8) }, new Array(8).fill(0)),
      /expected 4 bytes.*got 8/,
    ],
    ["a size beyond all numbers", file({ a: entry("F32", [2 ** 52, 2 ** 52, 2 ** 52], 0, 4) }, [0, 0, 0, 0]), /got 4/],
    ["an end before its start", file({ a: entry("U8", [1], 1, 0) }, [0]), /expected 1 bytes/],
    ["overlap", file({ a: entry("U8", [2], 0, 2), b: entry("U8", [2], 1, 3) }, [0, 0, 0]), /"b".*overlaps/],
    ["a gap", file({ a: entry("U8", [1], 0, 1), b: entry("U8", [1], 2, 3) }, [0, 0, 0]), /"b".*gap/],
    ["bytes of no tensor", file({ a: entry("U8", [1], 0, 1) }, [0, 0]), /expected 1 bytes of elements, got 2/],
    ["elements cut off", file({ a: entry("U8", [2], 0, 2) }, [0]), /got 1: the file was cut off/],
  ])("%s", (_name, bytes, message) => {
    expect(failureOf(() => readSafetensors(bytes, "x.safetensors"))).toMatch(message);
  });
});
