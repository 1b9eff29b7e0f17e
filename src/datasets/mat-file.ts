// MAT-files of level 5, as MATLAB's `save -v6` and `-v7` write them: one numeric matrix by its name.
// No cells, structures, text or sparse matrices, and no level 4 or 7.3: those are named and refused.
// Source: MathWorks, "MAT-File Format", chapter 1, "Level 5 MAT-File Format".

import { inflateSync } from "node:zlib";
import { ClockworkError, reasonOf } from "../errors.ts";

/** A matrix of a MAT-file. */
export interface MatMatrix {
  /** Length of each dimension: rows, columns, ... */
  readonly dims: readonly number[];
  /** Values in column-major order: the row is the index that runs fastest. */
  readonly values: Float64Array<ArrayBuffer>;
}

const HEADER_BYTES = 128;
/** Against a small file that inflates to fill the memory. */
const MOST_INFLATED_BYTES = 2 ** 28;

const MATRIX = 14;
const COMPRESSED = 15;
const CLASSES: Readonly<Record<number, string>> = {
  1: "a cell array",
  2: "a structure",
  3: "an object",
  4: "text",
  5: "a sparse matrix",
};
const FIRST_NUMERIC_CLASS = 6;
const LAST_NUMERIC_CLASS = 15;
const COMPLEX_FLAG = 0x08_00;

/** Bytes of a number and how it is read, by the format's data type. */
const NUMBERS: Readonly<Record<number, readonly [number, (view: DataView, at: number, little: boolean) => number]>> = {
  1: [1, (view, at) => view.getInt8(at)],
  2: [1, (view, at) => view.getUint8(at)],
  3: [2, (view, at, little) => view.getInt16(at, little)],
  4: [2, (view, at, little) => view.getUint16(at, little)],
  5: [4, (view, at, little) => view.getInt32(at, little)],
  6: [4, (view, at, little) => view.getUint32(at, little)],
  7: [4, (view, at, little) => view.getFloat32(at, little)],
  9: [8, (view, at, little) => view.getFloat64(at, little)],
  12: [8, (view, at, little) => Number(view.getBigInt64(at, little))],
  13: [8, (view, at, little) => Number(view.getBigUint64(at, little))],
};

interface Element {
  readonly type: number;
  readonly data: Uint8Array;
  /** Bytes from its tag to the next one. */
  readonly length: number;
}

/** A file being read: its name for errors, and the order of its bytes. */
interface Source {
  readonly where: string;
  readonly little: boolean;
}

/**
 * Reads one matrix. Integers beyond 2^53 lose their last bits.
 *
 * @param name the variable, as in MATLAB.
 * @param where the file, for errors.
 * @throws {ClockworkError} `io` where this is no MAT-file of level 5, is damaged, or has no such matrix of real numbers.
 */
export function readMatMatrix(bytes: Uint8Array, name: string, where: string): MatMatrix {
  const source: Source = { where, little: isLittleEndian(bytes, where) };
  const others: string[] = [];
  for (const element of elementsOf(bytes.subarray(HEADER_BYTES), source)) {
    const matrix = element.type === COMPRESSED ? inflated(element.data, source) : element;
    if (matrix.type !== MATRIX) continue;
    const [flags, dims, label, ...parts] = elementsOf(matrix.data, source);
    if (flags === undefined || dims === undefined || label === undefined) throw damaged(source);
    const found = Buffer.from(label.data).toString("latin1");
    if (found === name) return matrixOf(name, flags, dims, parts[0], source);
    // Objects keep data in a variable without a name.
    if (found !== "") others.push(found);
  }
  const got = others.length === 0 ? "no variable" : others.join(", ");
  throw new ClockworkError("io", `${where}: expected a variable "${name}", got ${got}`);
}

function matrixOf(name: string, flags: Element, dims: Element, real: Element | undefined, source: Source): MatMatrix {
  const word = numbersOf(flags, source)[0] ?? 0;
  const kind = word & 0xff;
  if (kind < FIRST_NUMERIC_CLASS || kind > LAST_NUMERIC_CLASS) {
    throw wrongKind(name, CLASSES[kind] ?? `something of class ${kind}`, source);
  }
  if ((word & COMPLEX_FLAG) !== 0) throw wrongKind(name, "complex numbers", source);
  const lengths = [...numbersOf(dims, source)];
  const count = lengths.reduce((product, length) => product * length, 1);
  const values = real === undefined ? new Float64Array() : numbersOf(real, source);
  if (values.length !== count) throw damaged(source);
  return { dims: lengths, values };
}

/** Numbers may be stored in a smaller type than that of their matrix: the element's own type counts. */
function numbersOf(element: Element, { where, little }: Source): Float64Array<ArrayBuffer> {
  const number = NUMBERS[element.type];
  if (number === undefined) {
    throw new ClockworkError("io", `${where}: expected numbers, got data of type ${element.type}`);
  }
  const [width, read] = number;
  const { data } = element;
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const values = new Float64Array(Math.floor(data.length / width));
  for (let index = 0; index < values.length; index++) values[index] = read(view, index * width, little);
  return values;
}

function* elementsOf(bytes: Uint8Array, source: Source): Generator<Element, void, void> {
  // Fewer bytes than a tag are padding.
  for (let at = 0; at + 8 <= bytes.length;) {
    const element = elementAt(bytes, at, source);
    yield element;
    at += element.length;
  }
}

function elementAt(bytes: Uint8Array, at: number, source: Source): Element {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const first = view.getUint32(at, source.little);
  // Data of at most four bytes stand within the tag, their number in the upper half of the type.
  const shortLength = first >>> 16;
  if (shortLength !== 0) {
    if (shortLength > 4) throw damaged(source);
    return { type: first & 0xff_ff, data: bytes.subarray(at + 4, at + 4 + shortLength), length: 8 };
  }
  const length = view.getUint32(at + 4, source.little);
  const start = at + 8;
  if (start + length > bytes.length) throw damaged(source);
  const padding = first === COMPRESSED ? 0 : (8 - (length % 8)) % 8;
  return { type: first, data: bytes.subarray(start, start + length), length: 8 + length + padding };
}

function inflated(data: Uint8Array, source: Source): Element {
  let bytes: Uint8Array;
  try {
    bytes = inflateSync(data, { maxOutputLength: MOST_INFLATED_BYTES });
  } catch (cause) {
    throw new ClockworkError("io", `${source.where}: expected compressed data, got: ${reasonOf(cause)}`, { cause });
  }
  if (bytes.length < 8) throw damaged(source);
  return elementAt(bytes, 0, source);
}

function isLittleEndian(bytes: Uint8Array, where: string): boolean {
  const text = (from: number, to: number): string => Buffer.from(bytes.subarray(from, to)).toString("latin1");
  const order = text(126, 128);
  const version = order === "IM" ? bytes[125] : bytes[124];
  if (text(1, 4) === "HDF" || (isOrder(order) && version === 2)) {
    throw new ClockworkError(
      "io",
      `${where}: expected a MAT-file of level 5, got one of version 7.3 (HDF5); try save -v7 in MATLAB`,
    );
  }
  if (isOrder(order) && version === 1) return order === "IM";
  throw new ClockworkError("io", `${where}: expected a MAT-file of level 5, got another kind of file`);
}

/** The letters MI, written as a 16-bit number of the writing machine. */
function isOrder(text: string): boolean {
  return text === "IM" || text === "MI";
}

function damaged({ where }: Source): ClockworkError {
  return new ClockworkError("io", `${where}: expected a whole MAT-file, got one that is damaged or cut short`);
}

function wrongKind(name: string, got: string, { where }: Source): ClockworkError {
  return new ClockworkError("io", `${where}: expected "${name}" to be a matrix of real numbers, got ${got}`);
}
