// How many pixels of each class a training set has, in the network's labels: what balanced weights of classes follow.

import { openDataset } from "../../datasets/index.ts";
import type { Sample } from "../../train/data/index.ts";

/** Pixels of each class over the datasets of all samples. */
export async function classCounts(
  samples: readonly Sample[],
  lookup: readonly number[],
  classes: number,
  signal?: AbortSignal,
): Promise<readonly number[]> {
  const counts = new Array<number>(256).fill(0);
  const sources = new Map(samples.map(({ source }) => [JSON.stringify(source), source]));
  for (const { folder, layout, split } of sources.values()) {
    const dataset = await openDataset(folder, { layout, ...(split !== undefined && { split }) });
    for (const sequence of dataset.sequences) {
      for await (const { labels } of sequence.read(signal === undefined ? {} : { signal })) {
        if (labels !== undefined) count(labels.data, lookup, counts);
      }
    }
  }
  return counts.slice(0, classes);
}

/** Adds the pixels of a label map. */
function count(labels: Uint8Array, lookup: readonly number[], counts: number[]): void {
  const seen = new Uint32Array(256);
  for (const label of labels) seen[label] = (seen[label] ?? 0) + 1;
  for (const [label, pixels] of seen.entries()) {
    const own = lookup[label] ?? 255;
    counts[own] = (counts[own] ?? 0) + pixels;
  }
}
