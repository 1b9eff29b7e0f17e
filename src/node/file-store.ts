// An evaluation's checkpoint and label maps in a folder. Whatever moment the process dies at, what is there can be read.
// Not a cache: the folder goes when the evaluation is done. A checkpoint is a CRC-32 of its bytes, then its bytes: one that
// a crash of the machine left damaged is as none, and the evaluation starts afresh.

import { mkdir, open, readFile, rm, type FileHandle } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { crc32, deflateRaw, inflateRaw } from "node:zlib";
import { ClockworkError, reasonOf } from "../errors.ts";
import type { EvaluationStore } from "../evaluate/index.ts";
import { writeWhole } from "./whole-file.ts";

const deflate = promisify(deflateRaw);
const inflate = promisify(inflateRaw);

/** Bytes before a checkpoint: its checksum, a 32-bit integer. */
const checksumBytes = 4;

/** Bytes before each label map: its index and its length, each a 32-bit integer. */
const headBytes = 8;

/** Label maps of one run, appended one after another; a later map of an index replaces an earlier one. */
interface LabelFile {
  readonly file: FileHandle;
  /** Where the map of an index begins, and how long it is. */
  readonly places: Map<number, { readonly at: number; readonly length: number }>;
  end: number;
}

/** Keeps an evaluation in a folder. */
export class FileStore implements EvaluationStore, AsyncDisposable {
  readonly #folder: string;
  readonly #labels = new Map<number, Promise<LabelFile>>();
  #isWorthKeeping = false;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /**
   * Opens the folder, which is made if need be, for this process alone.
   * @throws ClockworkError `io` where it cannot be made, or another process that still runs has it
   */
  static async open(folder: string): Promise<FileStore> {
    try {
      await mkdir(folder, { recursive: true });
    } catch (cause) {
      throw new ClockworkError("io", `${folder}: expected a folder that can be made (${reasonOf(cause)})`, { cause });
    }
    const lock = join(folder, "process");
    const owner = Number(await readFile(lock, "utf8").catch(() => ""));
    if (owner > 0 && owner !== process.pid && isRunning(owner)) {
      throw new ClockworkError(
        "io",
        `evaluate: expected to be alone, got process ${owner} that makes the same evaluation; ` +
          `try waiting for it, or, if that is another program by now, removing ${lock}`,
      );
    }
    await writeWhole(lock, String(process.pid));
    const store = new FileStore(folder);
    store.#isWorthKeeping = (await store.load()) !== undefined;
    return store;
  }

  async load(): Promise<Uint8Array | undefined> {
    const bytes = await readFile(join(this.#folder, "checkpoint")).catch(() => undefined);
    if (bytes === undefined || bytes.length < checksumBytes) return undefined;
    const checkpoint = new Uint8Array(bytes.subarray(checksumBytes));
    return crc32(checkpoint) === bytes.readUInt32LE(0) ? checkpoint : undefined;
  }

  async save(checkpoint: Uint8Array): Promise<void> {
    const checksum = Buffer.alloc(checksumBytes);
    checksum.writeUInt32LE(crc32(checkpoint));
    await writeWhole(join(this.#folder, "checkpoint"), [checksum, checkpoint]);
    this.#isWorthKeeping = true;
  }

  async putLabels(run: number, index: number, labels: Uint8Array): Promise<void> {
    const bytes = await deflate(labels, { level: 1 });
    const labelFile = await this.#file(run);
    const head = Buffer.alloc(headBytes);
    head.writeUInt32LE(index, 0);
    head.writeUInt32LE(bytes.length, 4);
    const at = labelFile.end;
    labelFile.end += headBytes + bytes.length;
    try {
      await labelFile.file.write(Buffer.concat([head, bytes]), 0, headBytes + bytes.length, at);
    } catch (cause) {
      throw new ClockworkError("io", `${this.#folder}: expected room for label maps (${reasonOf(cause)})`, { cause });
    }
    labelFile.places.set(index, { at: at + headBytes, length: bytes.length });
  }

  async labels(run: number, index: number): Promise<Uint8Array | undefined> {
    const { file, places } = await this.#file(run);
    const place = places.get(index);
    if (place === undefined) return undefined;
    const bytes = Buffer.alloc(place.length);
    await file.read(bytes, 0, place.length, place.at);
    return new Uint8Array(await inflate(bytes));
  }

  #file(run: number): Promise<LabelFile> {
    const found = this.#labels.get(run) ?? openLabels(join(this.#folder, `labels-${run}`));
    this.#labels.set(run, found);
    return found;
  }

  /** Removes the folder: the evaluation is done, or did not begin. */
  async remove(): Promise<void> {
    await this.#close();
    this.#isWorthKeeping = false;
    await rm(this.#folder, { recursive: true, force: true });
  }

  /** Closes the store; without a checkpoint, nothing of it stays. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#isWorthKeeping) {
      await this.remove();
      return;
    }
    await this.#close();
    await rm(join(this.#folder, "process"), { force: true });
  }

  async #close(): Promise<void> {
    const files = await Promise.allSettled(this.#labels.values());
    this.#labels.clear();
    for (const file of files) if (file.status === "fulfilled") await file.value.file.close();
  }
}

/** Opens a file of label maps and finds those that are there; what a kill cut short at the end is overwritten. */
async function openLabels(path: string): Promise<LabelFile> {
  const file = await open(path, "a+").then(async (made) => {
    // Appending ignores positions, so the file is only made this way.
    await made.close();
    return await open(path, "r+");
  });
  const places = new Map<number, { at: number; length: number }>();
  const { size } = await file.stat();
  const head = Buffer.alloc(headBytes);
  let end = 0;
  while (end + headBytes <= size) {
    await file.read(head, 0, headBytes, end);
    const length = head.readUInt32LE(4);
    if (end + headBytes + length > size) break;
    places.set(head.readUInt32LE(0), { at: end + headBytes, length });
    end += headBytes + length;
  }
  return { file, places, end };
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
