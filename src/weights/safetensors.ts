// Safetensors files: eight bytes with the length of a header, the header in JSON, then the elements of all tensors.
// As its authors describe it: https://huggingface.co/docs/safetensors, "Format". Elements are not looked at.

import { ClockworkError, reasonOf } from "../errors.ts";
import { byteLength, elementCount, type DType } from "../onnx/index.ts";
import { damaged, type ReadWeights, type Weights } from "./weights.ts";

/** A safetensors file. */
export interface Safetensors extends ReadWeights {
  /** `__metadata__` of the file: free texts by name. */
  readonly metadata: ReadonlyMap<string, string>;
}

/** Longest header that the format allows. */
const longestHeaderBytes = 100_000_000;

/** Every header is a multiple of this, so that tensors are aligned where larger elements come first. */
const alignmentBytes = 8;

const metadataKey = "__metadata__";

const codes: readonly (readonly [string, DType])[] = [
  ["F64", "float64"],
  ["F32", "float32"],
  ["F16", "float16"],
  ["BF16", "bfloat16"],
  ["F8_E4M3", "float8e4m3fn"],
  ["F8_E4M3FNUZ", "float8e4m3fnuz"],
  ["F8_E5M2", "float8e5m2"],
  ["F8_E5M2FNUZ", "float8e5m2fnuz"],
  ["F4", "float4e2m1"],
  ["C64", "complex64"],
  ["I64", "int64"],
  ["I32", "int32"],
  ["I16", "int16"],
  ["I8", "int8"],
  ["U64", "uint64"],
  ["U32", "uint32"],
  ["U16", "uint16"],
  ["U8", "uint8"],
  ["BOOL", "bool"],
];
const dtypes = new Map(codes);
const names = new Map(codes.map(([code, dtype]) => [dtype, code]));

interface Entry {
  readonly name: string;
  readonly dtype: DType;
  readonly dims: readonly number[];
  readonly begin: number;
  readonly end: number;
}

/**
 * Reads a safetensors file. Tensors share the memory of `bytes`.
 * @throws ClockworkError `invalid-model` where the header is no such header, or tensors overlap, leave gaps, or are not
 *   of the size that they say
 */
export function readSafetensors(bytes: Uint8Array, where = "safetensors"): Safetensors {
  const headerEnd = endOfHeader(bytes, where);
  const header = parseHeader(bytes.subarray(8, headerEnd), where);
  const entries: Entry[] = [];
  let metadata: ReadonlyMap<string, string> = new Map();
  for (const [name, value] of Object.entries(header)) {
    if (name === metadataKey) metadata = metadataOf(value, where);
    else entries.push(entryOf(name, value, where));
  }
  const data = bytes.subarray(headerEnd);
  checkCoverage(entries, data.byteLength, where);
  const weights = new Map(
    entries.map(({ name, dtype, dims, begin, end }) => [name, { dtype, dims, data: data.subarray(begin, end) }]),
  );
  return { weights, metadata, notes: [] };
}

/**
 * Writes a safetensors file: tensors with large elements first, then by name, as the format's own writer has them.
 * @throws ClockworkError `invalid-argument` for tensors whose type the format does not have, or whose name it keeps
 */
export function writeSafetensors(weights: Weights, metadata?: ReadonlyMap<string, string>): Uint8Array<ArrayBuffer> {
  const sorted = [...weights].sort(
    ([a, { dtype: x }], [b, { dtype: y }]) => byteLength(y, 2) - byteLength(x, 2) || (a < b ? -1 : 1),
  );
  const header: [string, unknown][] =
    metadata === undefined || metadata.size === 0 ? [] : [[metadataKey, Object.fromEntries(metadata)]];
  let offset = 0;
  const parts: Uint8Array[] = [];
  for (const [name, { dtype, dims, data }] of sorted) {
    const code = names.get(dtype);
    if (code === undefined || !(data instanceof Uint8Array) || name === metadataKey) {
      const expected = name === metadataKey ? `another name than ${metadataKey}` : "a type that safetensors has";
      throw new ClockworkError("invalid-argument", `${name}: expected ${expected}, got ${dtype} [${dims.join(",")}]`);
    }
    header.push([name, { dtype: code, shape: dims, data_offsets: [offset, offset + data.byteLength] }]);
    parts.push(data);
    offset += data.byteLength;
  }
  // `Object.fromEntries` would put names that are numbers first, and take `__proto__` for what it is elsewhere.
  const text = `{${header.map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`).join(",")}}`;
  const encoded = new TextEncoder().encode(text);
  const headerBytes = Math.ceil(encoded.byteLength / alignmentBytes) * alignmentBytes;
  const file = new Uint8Array(8 + headerBytes + offset);
  file.fill(" ".charCodeAt(0), 8, 8 + headerBytes);
  new DataView(file.buffer).setBigUint64(0, BigInt(headerBytes), true);
  file.set(encoded, 8);
  let at = 8 + headerBytes;
  for (const part of parts) {
    file.set(part, at);
    at += part.byteLength;
  }
  return file;
}

function endOfHeader(bytes: Uint8Array, where: string): number {
  if (bytes.byteLength < 8) throw damaged(where, `expected a safetensors file, got ${bytes.byteLength} bytes`);
  const length = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true);
  const room = Math.min(longestHeaderBytes, bytes.byteLength - 8);
  if (length > BigInt(room)) throw damaged(where, `expected a header of at most ${room} bytes, got ${length}`);
  return 8 + Number(length);
}

function parseHeader(bytes: Uint8Array, where: string): object {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (cause) {
    throw damaged(where, `expected a header in JSON, got: ${reasonOf(cause)}`, cause);
  }
  if (isObject(value)) return value;
  throw damaged(where, `expected a JSON object as header, got ${short(value)}`);
}

function metadataOf(value: unknown, where: string): ReadonlyMap<string, string> {
  const entries: readonly (readonly [string, unknown])[] = isObject(value) ? Object.entries(value) : [["", value]];
  return new Map(
    entries.map(([key, text]) => {
      if (typeof text === "string") return [key, text];
      throw damaged(where, `${metadataKey}: expected texts by name, got ${short(text)}`);
    }),
  );
}

function entryOf(name: string, value: unknown, where: string): Entry {
  const wrong = (what: string, got: unknown): never => {
    throw damaged(where, `tensor ${JSON.stringify(name)}: expected ${what}, got ${short(got)}`);
  };
  if (!isObject(value)) return wrong("its dtype, shape and data_offsets", value);
  const read: Readonly<Record<string, unknown>> = { ...value };
  const dtype = typeof read["dtype"] === "string" ? dtypes.get(read["dtype"]) : undefined;
  const dims = wholeNumbers(read["shape"]);
  const [begin, end, ...more] = wholeNumbers(read["data_offsets"]) ?? [];
  if (dtype === undefined) return wrong(`a dtype of ${[...dtypes.keys()].join(", ")}`, read["dtype"]);
  if (dims === undefined) return wrong("a shape of whole numbers", read["shape"]);
  if (begin === undefined || end === undefined || more.length > 0) return wrong("data_offsets", read["data_offsets"]);
  const expected = byteLength(dtype, elementCount(dims));
  if (end - begin !== expected) return wrong(`${expected} bytes for ${dtype} [${dims.join(",")}]`, end - begin);
  return { name, dtype, dims, begin, end };
}

/** Every byte belongs to one tensor. */
function checkCoverage(entries: readonly Entry[], available: number, where: string): void {
  let at = 0;
  for (const { name, begin, end } of [...entries].sort((a, b) => a.begin - b.begin || a.end - b.end)) {
    if (begin !== at) {
      const what = begin < at ? "overlaps the one before" : "leaves a gap";
      throw damaged(where, `tensor ${JSON.stringify(name)}: expected it at offset ${at}, got ${begin}: it ${what}`);
    }
    at = end;
  }
  if (at === available) return;
  const hint = at > available ? "the file was cut off; try downloading it again" : "what follows is no tensor";
  throw damaged(where, `expected ${at} bytes of elements, got ${available}: ${hint}`);
}

function wholeNumbers(value: unknown): readonly number[] | undefined {
  if (!Array.isArray(value)) return undefined;
  const numbers: readonly unknown[] = value;
  const whole = (item: unknown): item is number => typeof item === "number" && Number.isSafeInteger(item) && item >= 0;
  return numbers.every(whole) ? numbers : undefined;
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function short(value: unknown): string {
  const text = JSON.stringify(value) ?? "nothing";
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}
