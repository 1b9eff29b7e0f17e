// Which form a file has is told by its content; what is no file of weights is refused with what to do about it.

import { describe, expect, test } from "vitest";
import { GraphBuilder, modelOf, writeModel } from "../../src/onnx/index.ts";
import { readWeights, writeSafetensors } from "../../src/weights/index.ts";
import { failureOf, fixture } from "./fixture.ts";

const ascii = (text: string): Uint8Array => Uint8Array.from(text, (char) => char.charCodeAt(0));

test("constants of an ONNX model", () => {
  const b = new GraphBuilder("g");
  const x = b.input("x", "float32", [1]);
  b.output(b.add("y", "Mul", [x, b.float32("two", [1], [2])]), "float32", [1]);
  const { format, weights } = readWeights(writeModel(modelOf(b.build())).bytes);
  expect([format, [...weights.keys()]]).toEqual(["onnx", ["two"]]);
});

test("safetensors and checkpoints", () => {
  const { weights } = readWeights(fixture("kinds.pth"));
  const file = writeSafetensors(weights);
  const again = readWeights(file);
  expect(again.format).toBe("safetensors");
  expect(Object.fromEntries(again.weights)).toEqual(Object.fromEntries(weights));
});

describe("other files", () => {
  const tar = new Uint8Array(512);
  tar.set(ascii("ustar"), 257);
  // A zip archive without entries, and one with an empty entry.
  const emptyZip = ascii("PK\x05\x06".padEnd(22, "\0"));
  test.each<readonly [string, Uint8Array, RegExp]>([
    ["nothing", new Uint8Array(0), /got another file/],
    ["a tar file", tar, /got a tar file; .*torch\.save/],
    ["HDF5", ascii("\x89HDF\r\n\x1a\n"), /HDF5/],
    ["gzip", ascii("\x1f\x8b\x08"), /gzip/],
    ["a pointer of Git LFS", ascii("version https://git-lfs.github.com/spec/v1\noid sha256:0"), /git lfs pull/],
    ["a web page", ascii("\n<!DOCTYPE html><html>"), /web page/],
    ["a prototxt", ascii('name: "net"\nlayer {\n}'), /as text; its weights are in the \.caffemodel/],
    ["a pickle of something else", ascii("\x80\x04N."), /another pickle/],
    ["random bytes", Uint8Array.from({ length: 100 }, (_, i) => (i * 77 + 13) & 0xff), /got another file/],
    ["an empty zip file", emptyZip, /got another file/],
    ["a zip file cut off", fixture("kinds.pth").subarray(0, 100), /whole zip archive/],
  ])("%s", (_name, bytes, message) => {
    expect(failureOf(() => readWeights(bytes, { name: "w.bin" }))).toMatch(message);
    expect(failureOf(() => readWeights(bytes, { name: "w.bin" }))).toMatch(/^w\.bin: /);
  });
});
