// Label images: a folder with one indexed PNG for each frame, its values the class indices, its palette their colours.
// The same labels give the same bytes. Each file appears whole or not at all.

import { rename, rm, writeFile } from "node:fs/promises";
import { join, parse } from "node:path";
import type { Frame, LabelMap } from "../frame.ts";
import { LabelResizer } from "./label-resizer.ts";
import { unwritable } from "./part-file.ts";
import { PngEncoder } from "./png-encoder.ts";
import { checkPixels, type LabelSink, type ResolvedSinkOptions } from "./sink.ts";

/** Writes label images; sizes may change from frame to frame. Files of the same name are replaced. */
export class LabelImagesSink implements LabelSink {
  readonly warnings: readonly string[] = [];
  readonly #folder: string;
  readonly #nameOf: ResolvedSinkOptions["nameOf"];
  readonly #encoder: PngEncoder;
  readonly #resizer: LabelResizer = new LabelResizer();
  readonly #names = new Set<string>();
  #count = 0;
  #isFreed = false;

  constructor(folder: string, options: ResolvedSinkOptions) {
    this.#folder = folder;
    this.#nameOf = options.nameOf;
    this.#encoder = new PngEncoder("indexed", { palette: options.palette });
  }

  async write(frame: Frame, labels: LabelMap): Promise<void> {
    checkPixels(frame, labels);
    const map = await this.#resizer.resize(labels, frame);
    const png = await this.#encoder.encode(map);
    const path = join(this.#folder, this.#nextName(frame.timestampSec));
    const part = join(this.#folder, `.${parse(path).name}.part-${process.pid}.png`);
    try {
      await writeFile(part, png);
      await rename(part, path);
    } catch (error) {
      await rm(part, { force: true });
      throw unwritable(path, error);
    }
  }

  async close(): Promise<void> {
    this.#free();
    await Promise.resolve();
  }

  /** Stops; the images that are written stay: each of them is whole. */
  async abort(): Promise<void> {
    await this.close();
  }

  /** The source's file name where it has one; a second file of that stem keeps its own extension too. */
  #nextName(timestampSec: number): string {
    const index = this.#count++;
    const source = this.#nameOf?.(timestampSec);
    const stem = source === undefined ? String(index).padStart(6, "0") : parse(source).name;
    const plain = `${stem}.png`;
    const name = this.#names.has(plain) ? `${parse(source ?? plain).base}.png` : plain;
    this.#names.add(name);
    return name;
  }

  #free(): void {
    if (this.#isFreed) return;
    this.#isFreed = true;
    this.#encoder.dispose();
    this.#resizer.dispose();
  }
}
