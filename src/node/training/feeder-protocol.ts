// What a feeder and its workers say to each other. Data only.

import type { ErrorCode } from "../../errors.ts";
import type { Preprocessing } from "../../preprocessing.ts";
import type { Augmentation, Clip, Sample } from "../../train/data/index.ts";

/** What a worker is started with: all that its batches depend on. */
export interface FeederStart {
  readonly samples: readonly Sample[];
  readonly lookup: readonly number[];
  readonly preprocessing: Preprocessing;
  readonly augmentation: Augmentation;
  readonly batch: number;
  readonly seed: number;
  readonly clip: Clip;
  /** Bytes of decoded frames and labels that this worker may keep. */
  readonly cacheBytes: number;
}

/** From the feeder; batches are answered one each, in order. */
export type FeederRequest = { readonly kind: "make"; readonly index: number } | { readonly kind: "close" };

/** A batch without what the feeder knows itself. */
export interface MadeBatch {
  readonly index: number;
  readonly image: Float32Array<ArrayBuffer>;
  readonly labels: Uint8Array<ArrayBuffer>;
  readonly labelled: Uint8Array<ArrayBuffer>;
  readonly samples: readonly number[];
}

/** From a worker; the first answer is `opened`, or `refused` where it cannot begin. */
export type FeederAnswer =
  | { readonly kind: "opened" }
  | { readonly kind: "refused"; readonly code: ErrorCode; readonly message: string }
  | { readonly kind: "made"; readonly batch: MadeBatch }
  | { readonly kind: "failed"; readonly index: number; readonly code: ErrorCode; readonly message: string }
  | { readonly kind: "closed" };
