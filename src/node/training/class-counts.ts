// How many pixels of each class a training set has, in the network's labels: what balanced weights of classes follow.

import { openDataset } from "../../datasets/index.ts";
import type { Sample } from "../../train/data/index.ts";

/** Pixels of each class over all samples, which are of one dataset. */
export async function classCounts(
  samples: readonly Sample[],
  lookup: readonly number[],
  classes: number,
  signal?: AbortSignal,
): Promise<readonly number[]> {
  const counts = new Array<number>(256).fill(0);
  const source = samples[0]?.source;
  if (source === undefined) return counts.slice(0, classes);
  const dataset = await openDataset(source.folder, {
    layout: source.layout,
    ...(source.split !== undefined && { split: source.split }),
  });
  for (const sequence of dataset.sequences) {
    for await (const { labels } of sequence.read(signal === undefined ? {} : { signal })) {
      if (labels === undefined) continue;
      const seen = new Uint32Array(256);
      for (const label of labels.data) seen[label] = (seen[label] ?? 0) + 1;
      for (const [label, count] of seen.entries()) {
        const own = lookup[label] ?? 255;
        counts[own] = (counts[own] ?? 0) + count;
      }
    }
  }
  return counts.slice(0, classes);
}
