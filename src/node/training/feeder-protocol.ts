// What a feeder and its workers say to each other. Data only.

import type { ErrorCode } from "../../errors.ts";
import type { FeederOptions } from "./feeder-options.ts";

/** What a worker is started with: all that its batches depend on, and `cacheBytes` for this worker alone. */
export type FeederStart = Required<Omit<FeederOptions, "startBatch" | "prefetch" | "workers">>;

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
