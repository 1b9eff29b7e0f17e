// Weights of a file of any known form. The form is told by what is in the file, since endings say little: `.pth` may be an
// archive, an old stream or a safetensors file. Files of other forms are refused with what to do about them.

import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";
import { readModel, widened } from "../onnx/index.ts";
import { readCaffemodel } from "./caffemodel.ts";
import { legacyStart, readArchive, readPytorch, type CheckpointOptions } from "./pytorch.ts";
import { readSafetensors } from "./safetensors.ts";
import { damaged, type ReadWeights } from "./weights.ts";
import { ZipArchive } from "./zip.ts";

/** Forms of weight files that are read. */
export type WeightFormat = "safetensors" | "pytorch" | "caffemodel" | "onnx";

/** How to read a file of weights. */
export interface ReadWeightsOptions extends CheckpointOptions {
  /** Content of a file of external data, for ONNX models that have some. */
  readonly external?: (location: string) => Uint8Array;
}

/** The weights of a file, and which form it has. */
export interface WeightFile extends ReadWeights {
  readonly format: WeightFormat;
}

/** Openings of files that people have in place of weights, and what to do. */
const otherForms: readonly (readonly [RegExp, string])[] = [
  [/^version https:\/\/git-lfs/, "a pointer of Git LFS; try `git lfs pull` where it is from"],
  [/^\s*<(?:!doctype|html)/i, "a web page; the download needs a login, or another address"],
  [/^\x89HDF\r\n/, "an HDF5 file of Keras or Caffe; try converting it to safetensors or ONNX"],
  // oxlint-disable-next-line no-control-regex -- the signature of the format
  [/^\x1f\x8b/, "a gzip file; try unpacking it"],
  [/^\x93NUMPY/, "an array of NumPy; try saving all of them as safetensors"],
  [/^\s*(?:name|layer|layers|input)\s*[:{]/, "a network of Caffe as text; its weights are in the .caffemodel"],
];

/** Where a tar file says that it is one. */
const tarMagic = { offset: 257, text: "ustar" } as const;

/**
 * Reads a file of weights: safetensors, a checkpoint of PyTorch, a caffemodel, or the constants of an ONNX model.
 *
 * @example
 * ```ts
 * const { format, weights, notes } = readWeights(await readFile("espnet_p_2_q_8.pth"));
 * for (const [name, { dtype, dims }] of weights) console.log(name, dtype, dims);
 * ```
 * @throws ClockworkError `invalid-model` for other files, and for damaged ones
 */
export function readWeights(bytes: Uint8Array, options: ReadWeightsOptions = {}): WeightFile {
  const where = options.name ?? "weights";
  const format = formatOf(bytes, where);
  switch (format) {
    case "safetensors":
      return { format, ...readSafetensors(bytes, where) };
    case "pytorch":
      return { format, ...(bytes[0] === 0x50 ? fromZip(bytes, where, options) : readPytorch(bytes, options)) };
    case "caffemodel":
      return { format, ...readCaffemodel(bytes, where) };
    case "onnx": {
      const { external } = options;
      const model = widened(readModel(bytes, { name: where, ...(external !== undefined && { external }) }));
      const numeric = [...model.graph.initializers].filter(([, { data }]) => data instanceof Uint8Array);
      if (numeric.length === 0) throw damaged(where, "expected a model with constant tensors, got none");
      return { format, weights: new Map(numeric), notes: [] };
    }
  }
}

function formatOf(bytes: Uint8Array, where: string): WeightFormat {
  const opening = Array.from(bytes.subarray(0, 64), (byte) => String.fromCharCode(byte)).join("");
  if (opening.startsWith("PK\x03\x04")) return "pytorch";
  if (legacyStart.every((byte, index) => bytes[index] === byte)) return "pytorch";
  if (startsLikeSafetensors(bytes)) return "safetensors";
  const magic = new TextDecoder().decode(bytes.subarray(tarMagic.offset, tarMagic.offset + tarMagic.text.length));
  if (magic === tarMagic.text) {
    throw damaged(
      where,
      "expected weights, got a tar file; try unpacking it, or, if it is a checkpoint of PyTorch 0.1, saving it again: " +
        "python -c \"import torch; torch.save(torch.load('OLD', map_location='cpu'), 'NEW')\"",
    );
  }
  for (const [pattern, what] of otherForms)
    if (pattern.test(opening)) throw damaged(where, `expected weights, got ${what}`);
  if (opening.startsWith("\x80") && opening.charCodeAt(1) <= 5) {
    throw damaged(where, "expected a checkpoint of PyTorch, got another pickle; try saving its arrays as safetensors");
  }
  const message = protobufForm(bytes);
  if (message !== undefined) return message;
  throw damaged(
    where,
    "expected safetensors, a checkpoint of PyTorch, a caffemodel or an ONNX model, got another file",
  );
}

function startsLikeSafetensors(bytes: Uint8Array): boolean {
  if (bytes.byteLength < 10 || bytes[8] !== 0x7b) return false;
  const length = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true);
  // A file that was cut off within its header is still one.
  return length < 2n ** 32n;
}

function fromZip(bytes: Uint8Array, where: string, { key }: CheckpointOptions): ReadWeights {
  const archive = new ZipArchive(bytes, where);
  if (archive.names.some((name) => name.endsWith("data.pkl"))) return readArchive(archive, where, key);
  const arrays = archive.names.some((name) => name.endsWith(".npy"));
  const inside = archive.names.find((name) => /\.(?:pth?|ckpt|safetensors|caffemodel|onnx)$/.test(name));
  const hint = arrays
    ? "arrays of NumPy; try saving them as safetensors"
    : inside === undefined
      ? archive.names.slice(0, 8).join(", ") || "nothing"
      : `${inside}; try unpacking it`;
  throw damaged(where, `expected an archive of PyTorch, got a zip file with ${hint}`);
}

/** Told by the fields at the top: a graph in field 7 of ONNX, layers in fields 2 and 100 of Caffe. */
function protobufForm(bytes: Uint8Array): "onnx" | "caffemodel" | undefined {
  const reader = new BinaryReader(bytes);
  let layers = false;
  try {
    while (reader.pos < reader.len) {
      const [field, wire] = reader.tag();
      const isMessage = wire === WireType.LengthDelimited;
      if (field === 7 && isMessage) return "onnx";
      if ((field === 100 || field === 2) && isMessage) layers = true;
      if (field === 100 && isMessage) return "caffemodel";
      reader.skip(wire, field);
    }
  } catch {
    // Damaged, or cut off: the reader of the format says how.
  }
  return layers ? "caffemodel" : undefined;
}
