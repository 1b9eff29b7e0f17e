// What the main thread and an inference worker say to each other. Data only.

import type { ErrorCode } from "../../errors.ts";
import type { EngineTensor, NodeTiming, OpenOptions, Port, RunResult } from "../engine.ts";

/** What the worker is started with. */
export interface WorkerStart {
  readonly model: Uint8Array;
  readonly options: OpenOptions;
}

/** From the main thread; each is answered once, in order. */
export type Request =
  | {
      readonly kind: "run";
      readonly feeds: Readonly<Record<string, EngineTensor>>;
      readonly outputs: readonly string[] | undefined;
    }
  | { readonly kind: "read-state" }
  | { readonly kind: "write-state"; readonly tensors: Readonly<Record<string, EngineTensor>> }
  | { readonly kind: "profile" }
  | { readonly kind: "close" };

/** From the worker; the first answer is `opened` or `failed`. */
export type Answer =
  | { readonly kind: "opened"; readonly inputs: readonly Port[]; readonly outputs: readonly Port[] }
  | { readonly kind: "ran"; readonly result: RunResult }
  | { readonly kind: "state-read"; readonly tensors: Readonly<Record<string, EngineTensor>> }
  | { readonly kind: "state-written" }
  | { readonly kind: "profiled"; readonly timings: readonly NodeTiming[] }
  | { readonly kind: "closed" }
  | { readonly kind: "failed"; readonly code: ErrorCode; readonly message: string };
