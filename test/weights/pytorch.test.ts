// Checkpoints of PyTorch, as Python's own pickle and zipfile wrote them (fixtures/make.py), against the values that the
// script wrote, read here with typed arrays of their own.

import { readdirSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { byteLength, elementCount, type Tensor } from "../../src/onnx/index.ts";
import { readPytorch, readWeights, type Weights } from "../../src/weights/index.ts";
import { legacyStart } from "../../src/weights/pytorch.ts";
import { failureOf, fixture } from "./fixture.ts";

/** The elements of a tensor, by the platform's arrays. */
function elements(tensor: Tensor | undefined): readonly (number | bigint)[] {
  if (tensor === undefined || !(tensor.data instanceof Uint8Array)) throw new Error("expected a tensor");
  const { buffer } = Uint8Array.from(tensor.data);
  const arrays = {
    float32: Float32Array,
    float64: Float64Array,
    float16: Uint16Array,
    bfloat16: Uint16Array,
    int64: BigInt64Array,
    int32: Int32Array,
    int16: Int16Array,
    int8: Int8Array,
    uint8: Uint8Array,
    bool: Uint8Array,
    complex64: Float32Array,
  };
  return Array.from(new arrays[tensor.dtype as keyof typeof arrays](buffer) as Iterable<number | bigint>);
}

const floats = (...values: readonly number[]): readonly number[] => Array.from(Float32Array.from(values));

/** What the script put into every `kinds` file: type, shape, elements. */
const kinds: Readonly<Record<string, readonly [string, readonly number[], readonly (number | bigint)[]]>> = {
  float: ["float32", [2, 3], floats(0.5, -1.5, 2, 3.25, 1e-30, 1e30)],
  double: ["float64", [2], [0.1, -2.5e300]],
  half: ["float16", [3], [0x3c00, 0xb800, 0x7bff]],
  bfloat16: ["bfloat16", [2], [0x3f80, 0xc040]],
  long: ["int64", [], [2n ** 53n + 1n]],
  int: ["int32", [1], [-7]],
  short: ["int16", [1], [-300]],
  char: ["int8", [2], [-1, 5]],
  byte: ["uint8", [2], [255, 0]],
  bool: ["bool", [2], [1, 0]],
  complex: ["complex64", [1], [1.5, -2.5]],
  empty: ["float32", [0, 4], []],
  rows: ["float32", [2, 3], [6, 7, 8, 9, 10, 11]],
  columns: ["float32", [3, 2], [1, 4, 2, 5, 3, 6]],
  channels_last: ["float32", [1, 2, 2, 3], [0, 2, 4, 6, 8, 10, 1, 3, 5, 7, 9, 11]],
  expanded: ["float32", [2, 2], [4, 5, 4, 5]],
  untyped: ["float32", [1], [8]],
  parameter: ["float32", [1], [9]],
  subclass: ["float32", [1], [4]],
};

test.each([
  ["protocol 2, as torch.save writes it", "kinds.pth"],
  ["protocol 5, under another folder", "kinds-protocol5.pth"],
  ["of a big-endian machine", "kinds-big.pth"],
  ["deflated, without byteorder", "kinds-deflated.pth"],
  ["zip64", "kinds-zip64.pth"],
  ["the stream of before 1.6", "kinds-legacy.pth"],
])("every kind of storage and layout: %s", (_name, file) => {
  const { format, weights, notes } = readWeights(fixture(file));
  expect(format).toBe("pytorch");
  expect(notes).toEqual([]);
  expect([...weights.keys()]).toEqual(Object.keys(kinds));
  const read = [...weights].map(([name, tensor]) => [name, [tensor.dtype, tensor.dims, elements(tensor)]]);
  expect(Object.fromEntries(read)).toEqual(kinds);
});

test.each(["training.pth", "training-legacy.pth"])("weights of a checkpoint of training: %s", (file) => {
  const { weights, notes } = readPytorch(fixture(file));
  expect([...weights].map(([name, tensor]) => [name, tensor.dims, elements(tensor)])).toEqual([
    ["conv.weight", [1, 1, 1, 2], [1, 2]],
    ["conv.bias", [1], [3]],
    ["bn.num_batches_tracked", [], [5n]],
  ]);
  expect(notes.join("\n")).toMatch(/under "model_state_dict"[^]*also under ema[^]*without the "module\."/);
  const { weights: averaged } = readPytorch(fixture(file), { key: "ema" });
  expect([...averaged.keys()]).toEqual(["conv.weight", "conv.bias", "bn.num_batches_tracked"]);
});

test("several sets of weights: one is to be named", () => {
  const bytes = fixture("two.pth");
  expect(failureOf(() => readPytorch(bytes))).toMatch(/generator, discriminator; say which/);
  expect(readPytorch(bytes, { key: "generator" }).weights.size).toBe(3);
  expect(failureOf(() => readPytorch(bytes, { key: "critic" }))).toMatch(/"critic".*generator, discriminator/);
});

test("a module saved whole: parameters and buffers by the names of its state dict", () => {
  const { weights } = readPytorch(fixture("whole.pth"));
  expect([...weights].map(([name, tensor]) => [name, elements(tensor)])).toEqual([
    ["steps", [4n]],
    ["0.weight", [1, 2]],
  ]);
});

describe("what cannot be brought in", () => {
  test.each<readonly [string, string, RegExp]>([
    ["a quantised tensor", "quantised.pth", /weight: expected a plain tensor, got one that is quantised/],
    ["a tensor outside of its storage", "outside.pth", /weight: expected elements within record 0/],
    ["16 GB out of four bytes", "spread.pth", /about as large as the file/],
    ["2^60 names out of 60 dicts", "doubled-dicts.pth", /at most 100000 names/],
    ["2^60 names out of 60 objects", "doubled-objects.pth", /at most 100000 names/],
    ["dicts two hundred deep", "nested.pth", /expected tensors by name/],
    ["objects of unknown classes in place of tensors", "opaque.pth", /weight \(mine\.Trainer\), bias \(1\.5\)/],
  ])("%s", (_name, file, message) => {
    expect(failureOf(() => readPytorch(fixture(file)))).toMatch(message);
  });

  test.each([
    ["os.system", "hostile-system.pth", /posix\.system.*nothing was run/],
    ["eval", "hostile-eval.pth", /__builtin__\.eval.*nothing was run/],
    ["exec", "hostile-exec.pth", /__builtin__\.exec.*nothing was run/],
  ])("a file that would run %s", (_name, file, message) => {
    const before = readdirSync(".");
    expect(failureOf(() => readPytorch(fixture(file)))).toMatch(message);
    expect(readdirSync(".")).toEqual(before);
    expect(before).not.toContain("owned");
  });

  test.each(["kinds.pth", "kinds-deflated.pth", "kinds-zip64.pth", "kinds-legacy.pth"])(
    "%s, cut off anywhere",
    (file) => {
      const bytes = fixture(file);
      // Every place in a small file, but for the last record of the old form, which is there or not.
      for (let length = 0; length < bytes.byteLength; length += 7) {
        const message = failureOf(() => readPytorch(bytes.subarray(0, length), { name: "cut.pth" }));
        expect(message, `${length} of ${bytes.byteLength}`).toMatch(/^cut\.pth: /);
      }
    },
  );

  test("damaged bytes end in an error of ours or in tensors of the right size, never otherwise", () => {
    const outcomes = ["kinds.pth", "kinds-deflated.pth", "kinds-legacy.pth"].flatMap((file) => {
      const whole = fixture(file);
      const places = Array.from({ length: Math.ceil(whole.byteLength / 11) }, (_, i) => 11 * i);
      return places.map((at) => {
        const bytes = Uint8Array.from(whole);
        bytes[at] = (bytes[at] ?? 0) ^ (at % 2 === 0 ? 0xff : 0x10);
        let read: Weights = new Map();
        const message = failureOf(() => (read = readPytorch(bytes).weights));
        const misfits = [...read.values()].filter(
          ({ dtype, dims, data }) => data.length !== byteLength(dtype, elementCount(dims)),
        );
        return misfits.length > 0 ? "misfit" : message === "" ? "read" : "refused";
      });
    });
    expect(new Set(outcomes)).toEqual(new Set(["read", "refused"]));
  });

  test("an entry that says it is 4 GB when unpacked, and entries that share their bytes", () => {
    const bytes = Uint8Array.from(fixture("kinds-deflated.pth"));
    const view = new DataView(bytes.buffer);
    // The directory is found by the signatures of its entries; sizes are at 20 (packed) and 24 (unpacked).
    const entries = Array.from(bytes.keys()).filter(
      (at) => at + 4 <= bytes.length && view.getUint32(at, true) === 0x02014b50,
    );
    expect(entries.length).toBeGreaterThan(10);
    view.setUint32((entries[0] ?? 0) + 24, 0xf000_0000, true);
    expect(failureOf(() => readPytorch(bytes))).toMatch(/sizes cannot be/);
    const shared = Uint8Array.from(fixture("kinds.pth"));
    const directory = new DataView(shared.buffer);
    for (let at = 0; at + 4 <= shared.length; at++) {
      if (directory.getUint32(at, true) !== 0x02014b50) continue;
      for (const size of [20, 24]) directory.setUint32(at + size, 2000, true);
    }
    expect(failureOf(() => readPytorch(shared))).toMatch(/sizes cannot be/);
  });

  test("an old stream of another version", () => {
    const bytes = Uint8Array.from([...legacyStart, 0x2e, 0x80, 0x02, 0x4b, 0x07, 0x2e]);
    expect(failureOf(() => readPytorch(bytes))).toMatch(/expected version 1001.*got 7/);
  });
});
