// Matrices of MAT-files: files that SciPy 1.17 wrote (`scipy.io.savemat`), and others put together here byte by byte after
// the published format, for what SciPy does not write.

import { deflateSync } from "node:zlib";
import { expect, test } from "vitest";
import { readMatMatrix } from "../../src/datasets/mat-file.ts";
import { ClockworkError } from "../../src/errors.ts";

/** 116 characters of text, 8 bytes for nothing, version 1, written by a little-endian machine: as SciPy begins. */
const SCIPY_HEADER = Buffer.concat([Buffer.alloc(124, " "), Buffer.from([0, 1, 0x49, 0x4d])]);

/** What follows the header in a file of SciPy's. */
function scipy(base64: string): Uint8Array {
  return Buffer.concat([SCIPY_HEADER, Buffer.from(base64, "base64")]);
}

// numpy.array([[0, 1, 2, 3], [4, 5, 6, 40], [40, 9, 10, 11]]), which is stored column by column.
const COLUMNS = [0, 4, 40, 1, 5, 9, 2, 6, 10, 3, 40, 11];

const FROM_SCIPY = [
  {
    name: "uint8, compressed, after another variable",
    dims: [3, 4],
    values: COLUMNS,
    bytes:
      "DwAAADAAAAB4nONjYGAIAGI2IOaA0iDACuUzAjEzlAaJpVaUFCUCaU4glmBABx/soQwHAItVBD4PAAAAQgAAAHic42NgYAgAYjYg5gBiTgYI" +
      "YIXymYGYBYgZgZgHiItT03NT80oSSzLz80DqmKDiDCwajKycTGxczBrcIC4A4VIGNg==",
  },
  {
    name: "uint16, not compressed",
    dims: [3, 4],
    values: COLUMNS.map((value) => value * 300),
    bytes:
      "DgAAAFgAAAAGAAAACAAAAAsAAAAAAAAABQAAAAgAAAADAAAABAAAAAEAAAAMAAAAc2VnbWVudGF0aW9uAAAAAAQAAAAYAAAAAACwBOAuLAHc" +
      "BYwKWAIIB7gLhAPgLuQM",
  },
  {
    name: "double, compressed",
    dims: [3, 4],
    values: COLUMNS.map((value) => value / 8 - 1),
    bytes:
      "DwAAAFYAAAB4nONjYGBYAMRsQMwBpUGAFcpnBmIWIGYEYh4gLk5Nz03NK0ksyczPA6njBOIEBhj4sB9CP4DSAg4Q+g2UfwNKH7CH0C+g/AswGir+BE3/DXsA26UViQ==",
  },
  {
    name: "int8, within the tag",
    dims: [1, 2],
    values: [-1, 2],
    bytes: "DgAAAEAAAAAGAAAACAAAAAgAAAAAAAAABQAAAAgAAAABAAAAAgAAAAEAAAAMAAAAc2VnbWVudGF0aW9uAAAAAAEAAgD/AgAA",
  },
];

for (const { name, dims, values, bytes } of FROM_SCIPY) {
  test(`SciPy: ${name}`, () => {
    const matrix = readMatMatrix(scipy(bytes), "segmentation", "a.mat");
    expect(matrix.dims).toEqual(dims);
    expect([...matrix.values]).toEqual(values);
  });
}

/** A file put together by hand, in either order of bytes. */
class Composer {
  readonly #little: boolean;

  constructor(order: "little" | "big") {
    this.#little = order === "little";
  }

  words(...values: readonly number[]): Buffer {
    const bytes = Buffer.alloc(values.length * 4);
    const view = new DataView(bytes.buffer, bytes.byteOffset);
    for (const [index, value] of values.entries()) view.setUint32(index * 4, value, this.#little);
    return bytes;
  }

  element(type: number, data: Uint8Array): Buffer {
    const padding = type === 15 ? 0 : (8 - (data.length % 8)) % 8;
    return Buffer.concat([this.words(type, data.length), data, Buffer.alloc(padding)]);
  }

  /** A matrix of class `kind` whose numbers are stored as `stored` has them. */
  matrix(name: string, kind: number, dims: readonly number[], stored: Buffer): Buffer {
    return this.element(
      14,
      Buffer.concat([
        this.element(6, this.words(kind, 0)),
        this.element(5, this.words(...dims)),
        this.element(1, Buffer.from(name)),
        stored,
      ]),
    );
  }

  file(...elements: readonly Buffer[]): Uint8Array {
    const tail = this.#little ? [0, 1, 0x49, 0x4d] : [1, 0, 0x4d, 0x49];
    return Buffer.concat([Buffer.alloc(124, " "), Buffer.from(tail), ...elements]);
  }
}

for (const order of ["little", "big"] as const) {
  const make = new Composer(order);

  test(`${order}-endian, words and compressed`, () => {
    const plain = make.matrix("a", 13, [2, 1], make.element(6, make.words(7, 4_000_000_000)));
    const packed = make.element(15, deflateSync(make.matrix("b", 13, [1, 2], make.element(6, make.words(1, 2)))));
    const file = make.file(packed, plain);
    expect([...readMatMatrix(file, "a", "x.mat").values]).toEqual([7, 4_000_000_000]);
    expect([...readMatMatrix(file, "b", "x.mat").values]).toEqual([1, 2]);
  });

  // MATLAB keeps whole numbers of type double in the smallest type that holds them.
  test(`${order}-endian, doubles stored as bytes, in a name of four letters`, () => {
    const file = make.file(make.matrix("segm", 6, [1, 3], make.element(2, Uint8Array.of(0, 40, 7))));
    expect([...readMatMatrix(file, "segm", "x.mat").values]).toEqual([0, 40, 7]);
  });
}

test("a buffer that begins anywhere in memory", () => {
  const file = scipy(FROM_SCIPY[1]?.bytes ?? "");
  const shifted = new Uint8Array(file.length + 3).subarray(3);
  shifted.set(file);
  expect([...readMatMatrix(shifted, "segmentation", "a.mat").values]).toEqual(COLUMNS.map((value) => value * 300));
});

const STRUCTURE =
  "DwAAAEQAAAB4nONjYGDoAGI2IOYAYiYGCGCF8hmRMA8QF6em56bmlSSWZObnQdSxgPUwAslEIM0HxBZI5vHhMY8BaiYHEh8AaAIGxw==";
const COMPLEX = "DwAAADcAAAB4nONjYGCIAGI2IOYA0SACCFihfEYkzAPExanpual5JYklmfl5IHWcUHUQ8MEelc/gAAAj7gc+";
const LEVEL_4 = "MgAAAAMAAAAEAAAAAAAAAA0AAABzZWdtZW50YXRpb24AAAQoAQUJAgYKAygL";

function level73(): Uint8Array {
  const text = Buffer.from("MATLAB 7.3 MAT-file, Platform: GLNXA64".padEnd(124));
  return Buffer.concat([text, Buffer.from([0, 2, 0x49, 0x4d]), Buffer.alloc(384), Buffer.from("\u0089HDF", "latin1")]);
}

const whole = scipy(FROM_SCIPY[0]?.bytes ?? "");
const REFUSED: readonly (readonly [string, Uint8Array, RegExp])[] = [
  ["version 7.3", level73(), /version 7\.3 \(HDF5\); try save -v7/],
  ["bare HDF5", Buffer.from("\u0089HDF\r\n", "latin1"), /version 7\.3/],
  ["level 4", Buffer.from(LEVEL_4, "base64"), /got another kind of file/],
  ["an empty file", new Uint8Array(), /got another kind of file/],
  ["a structure", scipy(STRUCTURE), /"segmentation" to be a matrix of real numbers, got a structure/],
  ["complex numbers", scipy(COMPLEX), /got complex numbers/],
  ["cut short", whole.subarray(0, whole.length - 5), /damaged or cut short/],
  [
    "cut short within the compression",
    new Composer("little").file(new Composer("little").element(15, deflateSync(Buffer.alloc(64)).subarray(0, 6))),
    /expected compressed data/,
  ],
  [
    "fewer numbers than the dimensions say",
    new Composer("big").file(
      new Composer("big").matrix("segmentation", 9, [2, 2], new Composer("big").element(2, Uint8Array.of(1, 2, 3))),
    ),
    /damaged or cut short/,
  ],
];

for (const [name, bytes, message] of REFUSED) {
  test(`refuses ${name}`, () => {
    const read = (): unknown => readMatMatrix(bytes, "segmentation", "labels/a.mat");
    expect(read).toThrow(ClockworkError);
    expect(read).toThrow(message);
    expect(read).toThrow(/^labels\/a\.mat: expected /);
  });
}

test("names the variables that are there", () => {
  expect(() => readMatMatrix(whole, "groundTruth", "a.mat")).toThrow(
    'a.mat: expected a variable "groundTruth", got extra, segmentation',
  );
});
