// The numbers and texts of a pickle stream, each read within the bounds of its bytes. Knows no opcode.

import { damaged } from "./weights.ts";

/** No integer of a checkpoint comes near this; longer ones would only cost time. */
const longestIntegerBytes = 256;

/** Reads a stream from front to back. All methods throw ClockworkError `invalid-model` where it ends too early. */
export class PickleReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #where: string;
  #at: number;

  constructor(bytes: Uint8Array, offset: number, where: string) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#at = offset;
    this.#where = where;
  }

  /** Offset of what comes next. */
  get at(): number {
    return this.#at;
  }

  skip(length: number): number {
    const at = this.#at;
    if (length > this.#bytes.byteLength - at) {
      throw damaged(
        this.#where,
        `pickle: expected ${length} bytes at ${at}, got the end of the stream; the file was cut off`,
      );
    }
    this.#at = at + length;
    return at;
  }

  uint8(): number {
    return this.#view.getUint8(this.skip(1));
  }

  uint16(): number {
    return this.#view.getUint16(this.skip(2), true);
  }

  int32(): number {
    return this.#view.getInt32(this.skip(4), true);
  }

  uint32(): number {
    return this.#view.getUint32(this.skip(4), true);
  }

  float64(): number {
    // Big-endian, other than all else.
    return this.#view.getFloat64(this.skip(8), false);
  }

  /** A length of 8 bytes. */
  length(): number {
    return Number(this.#view.getBigUint64(this.skip(8), true));
  }

  bytes(length: number): Uint8Array {
    const at = this.skip(length);
    return this.#bytes.subarray(at, at + length);
  }

  utf8(length: number): string {
    return new TextDecoder().decode(this.bytes(length));
  }

  latin1(length: number): string {
    return Array.from(this.bytes(length), (byte) => String.fromCharCode(byte)).join("");
  }

  /** Text up to the end of its line. */
  line(): string {
    const end = this.#bytes.indexOf(0x0a, this.#at);
    if (end < 0) throw damaged(this.#where, `pickle: expected a line at byte ${this.#at}, got the end of the stream`);
    const text = this.utf8(end - this.#at);
    this.skip(1);
    return text;
  }

  /** An integer in two's complement; a bigint only where a number would not be exact. */
  integer(length: number): number | bigint {
    if (length > longestIntegerBytes) {
      throw damaged(this.#where, `pickle: expected an integer of at most ${longestIntegerBytes} bytes, got ${length}`);
    }
    let value = 0n;
    for (const byte of this.bytes(length).toReversed()) value = (value << 8n) | BigInt(byte);
    const signed = BigInt.asIntN(Math.max(1, 8 * length), value);
    return Number.isSafeInteger(Number(signed)) ? Number(signed) : signed;
  }
}
