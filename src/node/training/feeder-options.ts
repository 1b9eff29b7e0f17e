// What a feeder is asked for. Data only.

import type { Preprocessing } from "../../preprocessing.ts";
import type { Augmentation, Clip, Sample } from "../../train/data/index.ts";

/** What to feed, and how. */
export interface FeederOptions {
  /** As of `openTrainingSet`; at least one. */
  readonly samples: readonly Sample[];
  /** The network's label for each of 256 labels of the dataset; `ignoreLabel` where it has none, and for 255. */
  readonly lookup: readonly number[];
  /** How the network sees pictures; its sizes are not looked at. */
  readonly preprocessing: Preprocessing;
  readonly augmentation: Augmentation;
  /** Samples in a batch. */
  readonly batch: number;
  /** Any whole number; decides the order of samples and what is drawn for each. */
  readonly seed: number;
  /** Index of the first batch; default 0. */
  readonly startBatch?: number;
  /** Frames of a sample; default: its own alone. */
  readonly clip?: Clip;
  /** Bytes of decoded frames that are kept, over all workers; default a quarter of the memory, at least 1 GiB. */
  readonly cacheBytes?: number;
  /** Batches that are made ahead; default 3. */
  readonly prefetch?: number;
  /** Worker threads; default 1. Each decodes and keeps frames for itself, and makes every so manieth batch. */
  readonly workers?: number;
}
