// Decoded frames of datasets with their labels, the latest used ones kept up to a number of bytes.

import { openDataset, type Dataset, type LabelledFrame } from "../../datasets/index.ts";
import { ClockworkError } from "../../errors.ts";
import type { DatasetSource, Sample } from "../../train/data/index.ts";

/** Reads frames of samples' sequences. */
export class FrameCache {
  readonly #mostBytes: number;
  readonly #datasets = new Map<string, Promise<Dataset>>();
  /** The one used longest ago first. */
  readonly #kept = new Map<string, LabelledFrame>();
  #bytes = 0;

  /** @param mostBytes 0 keeps nothing. */
  constructor(mostBytes: number) {
    this.#mostBytes = mostBytes;
  }

  /** Bytes of what is kept. */
  get bytes(): number {
    return this.#bytes;
  }

  /**
   * A frame of a sample's sequence.
   *
   * @throws {ClockworkError} where its file cannot be read, with its name, or the dataset has changed.
   */
  async read(sample: Sample, index: number): Promise<LabelledFrame> {
    const source = keyOf(sample.source);
    const key = `${source}/${sample.sequence}/${index}`;
    const kept = this.#kept.get(key);
    if (kept !== undefined) {
      this.#kept.delete(key);
      this.#kept.set(key, kept);
      return kept;
    }
    const frame = await this.#frameOf(await this.#opened(source, sample.source), sample, index);
    this.#keep(key, frame);
    return frame;
  }

  #opened(key: string, { folder, layout, split }: DatasetSource): Promise<Dataset> {
    let dataset = this.#datasets.get(key);
    if (dataset === undefined) {
      dataset = openDataset(folder, { layout, ...(split !== undefined && { split }) });
      this.#datasets.set(key, dataset);
    }
    return dataset;
  }

  async #frameOf({ sequences }: Dataset, sample: Sample, index: number): Promise<LabelledFrame> {
    const sequence = sequences[sample.sequence];
    if (sequence?.length === sample.length) {
      for await (const frame of sequence.read({ from: index, to: index + 1 })) return frame;
    }
    throw new ClockworkError(
      "io",
      `${sample.source.folder}: expected "${sample.name}" with ${sample.length} frames in its sequence, got ` +
        `${sequence?.length ?? "none"}; try starting again, if files were added or removed`,
    );
  }

  #keep(key: string, frame: LabelledFrame): void {
    const bytes = bytesOf(frame);
    // Reads that overlap may have brought it already.
    if (bytes > this.#mostBytes || this.#kept.has(key)) return;
    this.#kept.set(key, frame);
    this.#bytes += bytes;
    for (const [oldest, dropped] of this.#kept) {
      if (this.#bytes <= this.#mostBytes) return;
      this.#kept.delete(oldest);
      this.#bytes -= bytesOf(dropped);
    }
  }
}

function keyOf({ folder, layout, split }: DatasetSource): string {
  return JSON.stringify([folder, layout, split]);
}

function bytesOf({ frame, labels }: LabelledFrame): number {
  return frame.data.byteLength + (labels?.data.byteLength ?? 0);
}
