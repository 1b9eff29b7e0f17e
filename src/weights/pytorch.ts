// Checkpoints of PyTorch: zip archives as `torch.save` writes them since 1.6, and the streams of before, which many
// published weights still are. A pickle stream says which tensors there are, records behind it have their elements. Runs
// nothing that is in a file (pickle.ts). Forms as torch/serialization.py reads them; archives of 0.1, which are tar files,
// are not read.

import { byteLength, elementCount, type DType, type Tensor } from "../onnx/index.ts";
import { isKind, nameOf, unpickle } from "./pickle.ts";
import { findStateDict } from "./state-dict.ts";
import { elementBytes, gathered, isContiguous } from "./strided.ts";
import { torchSchema, type TorchStorage, type TorchTensor, type TorchValue } from "./torch-objects.ts";
import { damaged, type ReadWeights } from "./weights.ts";
import { ZipArchive } from "./zip.ts";

/** How to read a checkpoint. */
export interface CheckpointOptions {
  /** What to call the file in errors; default `checkpoint`. */
  readonly name?: string;
  /** Which of the file's top-level entries has the weights; by default the usual ones are looked through. */
  readonly key?: string;
}

/** What a stream of before 1.6 starts with: protocol 2, and a number of 10 bytes, `0x1950a86a20f9469cfc6c`. */
export const legacyStart: readonly number[] = [
  0x80, 0x02, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19,
];

/** The version of such streams, the only one that there is. */
const legacyVersion = 1001;

/** Bytes that tensors may take beyond those of their storages, where several lie apart in one. */
const spareBytes = 2 ** 26;

/** The bytes of a storage's record, in which elements have this type. */
type RecordOf = (storage: TorchStorage, dtype: DType) => Uint8Array | undefined;

/**
 * Reads a checkpoint of PyTorch: the tensors of its state dict, contiguous and little-endian. The state dict may be at
 * the top, under a usual key or under `options.key`, or be the parameters and buffers of a whole module; `module.` in
 * front of all names is taken away.
 * @throws ClockworkError `invalid-model` for damaged files, for tensors that leave their storage or are quantised or
 *   sparse, and for streams that would run something
 */
export function readPytorch(bytes: Uint8Array, options: CheckpointOptions = {}): ReadWeights {
  const where = options.name ?? "checkpoint";
  return legacyStart.every((byte, index) => bytes[index] === byte)
    ? readStream(bytes, where, options.key)
    : readArchive(new ZipArchive(bytes, where), where, options.key);
}

/** Reads a checkpoint from its archive. @throws as {@link readPytorch} */
export function readArchive(archive: ZipArchive, where: string, key?: string): ReadWeights {
  const main = archive.names.find((name) => /(?:^|\/)data\.pkl$/.test(name));
  if (main === undefined) {
    throw damaged(where, `expected data.pkl in the archive, got ${archive.names.slice(0, 8).join(", ") || "nothing"}`);
  }
  const folder = main.slice(0, -"data.pkl".length);
  const order = `${folder}byteorder`;
  const texts = archive.read([main, order]);
  const { value } = unpickle(texts.get(main) ?? new Uint8Array(0), torchSchema(where), where);
  const { tensors, notes } = findStateDict(value, key, where);
  const recordName = (storage: TorchStorage): string => `${folder}data/${storage.key}`;
  const records = archive.read([...tensors.values()].map(({ storage }) => recordName(storage)));
  const endian = new TextDecoder().decode(texts.get(order) ?? new Uint8Array(0)).trim() || "little";
  if (endian !== "little" && endian !== "big") {
    throw damaged(where, `${order}: expected little or big, got ${JSON.stringify(endian)}`);
  }
  const turned = new Map<string, Uint8Array>();
  const recordOf: RecordOf = (storage, dtype) => {
    const record = records.get(recordName(storage));
    if (record === undefined || endian === "little") return record;
    const key = `${dtype} ${storage.key}`;
    const known = turned.get(key) ?? swapped(record, dtype);
    turned.set(key, known);
    return known;
  };
  return { weights: materialised(tensors, recordOf, where), notes };
}

/** Reads a stream of before 1.6: a number, a version, facts of the machine, the data, keys of storages, storages. */
function readStream(bytes: Uint8Array, where: string, key: string | undefined): ReadWeights {
  const schema = torchSchema(where);
  const storages = new Map<string, TorchStorage>();
  const collecting = {
    ...schema,
    persistent: (id: TorchValue): TorchValue => {
      const value = schema.persistent(id);
      if (isKind(value, "made") && value.value.kind === "storage") storages.set(value.value.key, value.value);
      return value;
    },
  };
  const version = unpickle(bytes, schema, where, unpickle(bytes, schema, where).end);
  if (version.value !== legacyVersion) {
    throw damaged(where, `expected version ${legacyVersion} of PyTorch's old format, got ${nameOf(version.value)}`);
  }
  const machine = unpickle(bytes, schema, where, version.end);
  const main = unpickle(bytes, collecting, where, machine.end);
  const keys = unpickle(bytes, schema, where, main.end);
  const records = new Map<string, Uint8Array>();
  let at = keys.end;
  for (const name of isKind(keys.value, "list") ? keys.value.items : []) {
    const storage = storages.get(typeof name === "string" ? name : nameOf(name));
    if (storage === undefined) throw damaged(where, `expected storages that tensors use, got ${nameOf(name)}`);
    // Foreign ones are quantised integers of 1 or 4 bytes.
    const size =
      storage.dtype === undefined
        ? storage.foreign?.includes("Int32") === true
          ? 4
          : 1
        : byteLength(storage.dtype, 1);
    const count =
      at + 8 <= bytes.byteLength ? new DataView(bytes.buffer, bytes.byteOffset + at).getBigInt64(0, true) : -1n;
    const end = at + 8 + Number(count) * size;
    if (count < 0n || end > bytes.byteLength) {
      throw damaged(
        where,
        `expected ${storage.count} elements of storage ${storage.key}, got fewer; the file was cut off`,
      );
    }
    records.set(storage.key, bytes.subarray(at + 8, end));
    at = end;
  }
  const { tensors, notes } = findStateDict(main.value, key, where);
  return { weights: materialised(tensors, (storage) => records.get(storage.key), where), notes };
}

/** Tensors with their elements, one behind the other. */
function materialised(
  tensors: ReadonlyMap<string, TorchTensor>,
  recordOf: RecordOf,
  where: string,
): ReadonlyMap<string, Tensor> {
  const weights = new Map<string, Tensor>();
  const seen = new Set<Uint8Array>();
  let held = 0;
  let copied = 0;
  for (const [name, tensor] of tensors) {
    const { storage, dtype, dims, strides, offset } = tensor;
    const record = recordOf(storage, dtype);
    const size = elementBytes(dtype, where);
    const stated = storage.count * (storage.dtype === undefined ? 1 : size);
    if (record === undefined || record.byteLength < stated) {
      const got = record === undefined ? "no such record" : `${record.byteLength}; the file was cut off`;
      throw damaged(where, `${name}: expected ${stated} bytes in record ${storage.key}, got ${got}`);
    }
    if (!seen.has(record)) held += record.byteLength;
    seen.add(record);
    const layout = { dims, strides, offset: offset + storage.offset };
    const last = dims.reduce((sum, dim, axis) => sum + (dim - 1) * (strides[axis] ?? 0), layout.offset);
    const count = elementCount(dims);
    if (count > 0 && (last + 1) * size > record.byteLength) {
      throw damaged(
        where,
        `${name}: expected elements within record ${storage.key}, got number ${last} of ${storage.count}`,
      );
    }
    if (isContiguous(layout)) {
      const begin = count === 0 ? 0 : layout.offset * size;
      weights.set(name, { dtype, dims, data: record.subarray(begin, begin + count * size) });
      continue;
    }
    copied += count * size;
    // Strides of 0 would let a small file ask for any amount of memory.
    if (copied > 4 * held + spareBytes) {
      throw damaged(
        where,
        `${name}: expected tensors about as large as the file, got [${dims.join(",")}] spread out of it`,
      );
    }
    weights.set(name, { dtype, dims, data: gathered(record, size, layout) });
  }
  return weights;
}

/** Elements with their bytes in the other order; of complex ones, of each part. */
function swapped(data: Uint8Array, dtype: DType): Uint8Array {
  const size = byteLength(dtype, 1) / (dtype.startsWith("complex") ? 2 : 1);
  const out = new Uint8Array(data.byteLength - (data.byteLength % size));
  for (let at = 0; at < out.length; at++) {
    const within = at % size;
    out[at] = data[at - within + (size - 1 - within)] ?? 0;
  }
  return out;
}
