// Caffemodels written with a protobuf writer by the field numbers of caffe.proto, in the form of today and in that of
// before 2014.

import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { expect, test } from "vitest";
import { numbersOf } from "../../src/onnx/index.ts";
import { readCaffemodel, readWeights } from "../../src/weights/index.ts";
import { failureOf } from "./fixture.ts";

type Write = (writer: BinaryWriter) => void;

function message(...fields: readonly Write[]): Uint8Array {
  const writer = new BinaryWriter();
  for (const field of fields) field(writer);
  return writer.finish();
}

const bytes =
  (field: number, content: Uint8Array): Write =>
  (w) =>
    w.tag(field, WireType.LengthDelimited).bytes(content);
const text =
  (field: number, content: string): Write =>
  (w) =>
    w.tag(field, WireType.LengthDelimited).string(content);
const int =
  (field: number, value: number): Write =>
  (w) =>
    w.tag(field, WireType.Varint).int64(value);
const packed = (field: number, values: Float32Array | Float64Array): Write =>
  bytes(field, new Uint8Array(values.buffer));

/** A blob with a BlobShape and packed floats, as Caffe writes them. */
const blob = (dims: readonly number[], values: readonly number[]): Uint8Array =>
  message(packed(5, Float32Array.from(values)), bytes(7, message(bytes(1, Uint8Array.from(dims)))));
/** A blob with num, channels, height and width. */
const oldBlob = (dims: readonly number[], values: readonly number[]): Uint8Array =>
  message(...dims.map((dim, index) => int(index + 1, dim)), packed(5, Float32Array.from(values)));
const layer = (name: string, type: string, ...blobs: readonly Uint8Array[]): Write =>
  bytes(100, message(text(1, name), text(2, type), text(3, "bottom"), ...blobs.map((one) => bytes(7, one))));
const oldLayer = (name: string, type: number, ...blobs: readonly Uint8Array[]): Write =>
  bytes(2, message(text(2, "bottom"), text(4, name), int(5, type), ...blobs.map((one) => bytes(6, one))));

function read(file: Uint8Array): unknown {
  return [...readCaffemodel(file).weights].map(([name, tensor]) => {
    expect(tensor.dtype).toBe("float32");
    return [name, tensor.dims, numbersOf(tensor)];
  });
}

test("layers: names by type, shapes as they are", () => {
  const file = message(
    text(1, "net"),
    layer("data", "Input"),
    layer("conv1", "Convolution", blob([2, 1, 1, 2], [1, 2, 3, 4]), blob([2], [5, 6])),
    layer("bn", "BatchNorm", blob([2], [4, 8]), blob([2], [2, 6]), blob([1], [4])),
    layer("fresh", "BatchNorm", blob([1], [4]), blob([1], [2]), blob([1], [0])),
    layer("scale", "Scale", blob([2], [7, 8]), blob([2], [9, 10])),
    layer(
      "pspnet/bn",
      "BN",
      blob([1, 2, 1, 1], [1, 2]),
      oldBlob([1, 2, 1, 1], [3, 4]),
      blob([2], [5, 6]),
      blob([2], [7, 8]),
    ),
    layer("slope", "PReLU", blob([2], [0.5, 0.25])),
    layer("odd", "Python", blob([1, 2], [1, 2])),
  );
  expect(read(file)).toEqual([
    ["conv1.weight", [2, 1, 1, 2], [1, 2, 3, 4]],
    ["conv1.bias", [2], [5, 6]],
    ["bn.running_mean", [2], [1, 2]],
    ["bn.running_var", [2], [0.5, 1.5]],
    ["fresh.running_mean", [1], [0]],
    ["fresh.running_var", [1], [0]],
    ["scale.weight", [2], [7, 8]],
    ["scale.bias", [2], [9, 10]],
    ["pspnet/bn.weight", [1, 2, 1, 1], [1, 2]],
    ["pspnet/bn.bias", [2], [3, 4]],
    ["pspnet/bn.running_mean", [2], [5, 6]],
    ["pspnet/bn.running_var", [2], [7, 8]],
    ["slope.weight", [2], [0.5, 0.25]],
    ["odd.blob0", [1, 2], [1, 2]],
  ]);
  expect(readWeights(file).format).toBe("caffemodel");
});

test("layers of before 2014: types by number, four axes, ones in front taken away", () => {
  const file = message(
    oldLayer("conv", 4, oldBlob([1, 1, 1, 2], [1, 2]), oldBlob([1, 1, 1, 1], [3])),
    oldLayer("fc", 14, oldBlob([1, 1, 2, 3], [1, 2, 3, 4, 5, 6]), oldBlob([1, 1, 1, 2], [7, 8])),
    oldLayer("up", 39, oldBlob([1, 1, 2, 2], [1, 2, 3, 4])),
    oldLayer("relu", 18),
  );
  expect(read(file)).toEqual([
    ["conv.weight", [1, 1, 1, 2], [1, 2]],
    ["conv.bias", [1], [3]],
    ["fc.weight", [2, 3], [1, 2, 3, 4, 5, 6]],
    ["fc.bias", [2], [7, 8]],
    ["up.weight", [1, 1, 2, 2], [1, 2, 3, 4]],
  ]);
  expect(readWeights(file).format).toBe("caffemodel");
});

test("elements as doubles, one by one, and in several packs; shapes one by one", () => {
  const one: Write = (w) => w.tag(5, WireType.Bit32).float(2);
  const shape = bytes(7, message(int(1, 3), int(1, 1)));
  const several = message(packed(5, Float32Array.of(1)), one, packed(5, Float32Array.of(3)), shape);
  const doubles = message(packed(8, Float64Array.of(0.1, 0.2)), bytes(7, message(int(1, 2))));
  const file = message(layer("a", "Bias", several), layer("b", "InnerProduct", doubles));
  expect(read(file)).toEqual([
    ["a.bias", [3, 1], [1, 2, 3]],
    ["b.weight", [2], [Math.fround(0.1), Math.fround(0.2)]],
  ]);
});

test("a layer that is there twice: the last is taken, and said", () => {
  const file = message(layer("a", "Bias", blob([1], [1])), layer("a", "Bias", blob([1], [2])));
  expect(read(file)).toEqual([["a.bias", [1], [2]]]);
  expect(readCaffemodel(file).notes).toEqual([expect.stringContaining("a.bias is there more than once")]);
});

test.each<readonly [string, Uint8Array, RegExp]>([
  ["fewer elements than the shape", message(layer("a", "Scale", blob([3], [1, 2]))), /"a": expected 3 elements.*got 2/],
  ["no blobs", message(text(1, "net"), layer("a", "ReLU")), /expected layers with blobs/],
  ["a factor of two", message(layer("a", "BatchNorm", blob([1], [1]), blob([1], [1]), blob([2], [1, 2]))), /factor/],
  ["layers of 2013", message(bytes(2, message(bytes(1, message(text(1, "x")))))), /upgrade_net_proto_binary/],
  [
    "a file that was cut off",
    message(layer("a", "Scale", blob([64], new Array(64).fill(1)))).subarray(0, 200),
    /whole caffemodel/,
  ],
])("%s", (_name, file, expected) => {
  expect(failureOf(() => readCaffemodel(file))).toMatch(expected);
});
