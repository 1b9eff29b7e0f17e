// How to segment: what a segmenter is made from.

import type { Schedule } from "../clocks/index.ts";
import type { MotionOrigin } from "../compile/index.ts";
import type { Engine, OpenOptions } from "../engine/engine.ts";
import type { Network, Size } from "../network/index.ts";
import type { Model } from "../onnx/index.ts";
import type { Preprocessing } from "../preprocessing.ts";
import type { Cut } from "../stages/cut.ts";
import type { Plan } from "../stages/plan.ts";

/** How to segment. */
export interface SegmenterOptions {
  /** A segmentation network, or a compiled network with `io` frames, which brings its own schedule. */
  readonly model: Model;
  readonly engine: Engine;
  readonly schedule: Schedule;
  readonly preprocessing: Preprocessing;
  readonly classNames?: readonly string[] | undefined;
  /** Wanted number of stages; default 2. */
  readonly stages?: number | undefined;
  /** Explicit cuts, in place of `stages`. */
  readonly cuts?: readonly Cut[] | undefined;
  /** A plan that was made before, applied at every size. */
  readonly planFor?: ((network: Network) => Plan) | undefined;
  /** Size at which the network runs; default: what `preprocessing` says. */
  readonly size?: Size | "native" | undefined;
  /** Name of the network's output that has the result. */
  readonly output?: string | undefined;
  /** Whether everything fires at a change of shot; default true. */
  readonly shots?: boolean | undefined;
  /**
   * Where a schedule that flows takes motion from; default `graph`, which looks for it in the pictures. `codec` takes it
   * from `Frame.motion`: frames must then follow each other as they do in their video.
   */
  readonly motion?: MotionOrigin | undefined;
  /** Tensors of the network or of its clock that come with every result; see `CompileOptions.taps`. */
  readonly taps?: readonly string[] | undefined;
  /** What is to be said of the model itself; comes first among the notes. */
  readonly warnings?: readonly string[] | undefined;
  /** Graph optimisations, threads and execution providers of the engine. */
  readonly engineOptions?: Pick<OpenOptions, "optimize" | "threads" | "providers">;
}

/** What may differ between segmenters of one model that share what was found out about it. */
export type SegmenterVariant = Partial<Omit<SegmenterOptions, "model" | "engine" | "output">>;
