// The entries of a zip archive in memory. fflate reads the format (stored and deflated entries, zip64); what is here
// keeps archives that were made to harm from taking time or memory: entries that share their bytes, sizes that cannot be.
// Checksums are not compared: PyTorch does not either, and may leave them out.

import { unzipSync, type UnzipFileInfo } from "fflate";
import { reasonOf } from "../errors.ts";
import { damaged } from "./weights.ts";

/** Deflate makes at most so many bytes of one (RFC 1951: 258 of two bits). */
const mostInflation = 1032;

/** The fewest bytes that an entry has in the directory of an archive. */
const directoryEntryBytes = 46;

/** A zip archive. */
export class ZipArchive {
  readonly #bytes: Uint8Array;
  readonly #where: string;
  readonly #sizes: ReadonlyMap<string, number>;

  /** Opens an archive. @throws ClockworkError `invalid-model` where it is damaged */
  constructor(bytes: Uint8Array, where: string) {
    this.#bytes = bytes;
    this.#where = where;
    const sizes = new Map<string, number>();
    let entries = 0;
    let packed = 0;
    const entry = ({ name, size, originalSize, compression }: UnzipFileInfo): boolean => {
      entries++;
      packed += size;
      const most = compression === 0 ? size : size * mostInflation;
      if (entries * directoryEntryBytes > bytes.byteLength || packed > bytes.byteLength || originalSize > most) {
        throw damaged(where, `expected a zip archive, got one whose sizes cannot be, from ${JSON.stringify(name)} on`);
      }
      sizes.set(name, originalSize);
      return false;
    };
    this.#unzip(entry);
    this.#sizes = sizes;
  }

  /** Names of the entries. */
  get names(): readonly string[] {
    return [...this.#sizes.keys()];
  }

  /** Contents of entries by name; without those that are not there. @throws ClockworkError `invalid-model` */
  read(wanted: Iterable<string>): ReadonlyMap<string, Uint8Array> {
    const names = new Set(wanted);
    const contents = new Map(Object.entries(this.#unzip(({ name }) => names.has(name))));
    for (const [name, content] of contents) {
      const expected = this.#sizes.get(name);
      if (content.byteLength === expected) continue;
      throw damaged(
        this.#where,
        `${name}: expected ${expected} bytes, got ${content.byteLength}; the file was cut off`,
      );
    }
    return contents;
  }

  #unzip(filter: (entry: UnzipFileInfo) => boolean): Readonly<Record<string, Uint8Array>> {
    try {
      return unzipSync(this.#bytes, { filter });
    } catch (cause) {
      if (cause instanceof Error && cause.name === "ClockworkError") throw cause;
      throw damaged(
        this.#where,
        `expected a whole zip archive, got: ${reasonOf(cause)}; the file may have been cut off, try downloading it again`,
        cause,
      );
    }
  }
}
