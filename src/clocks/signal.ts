// What an adaptive clock looks at: a number per frame that grows as what is held gets out of date. Data only; it is
// computed in the compiled graph (compile/clock-graph.ts) and, from recordings, in tune/.
//
// `labels` is the clock of Shelhamer et al. 2016, section 3.3. The others are for networks without shallow score maps
// (`features`, `probe`) and for thresholds that mean something by themselves (`expected`).

/** A linear classifier of feature vectors: a 1x1 convolution. */
export interface LinearProbe {
  /** Feature map [1, channels, H, W] that it reads: one that the stage around the adaptive one computes. */
  readonly tensor: string;
  readonly channels: number;
  /** Number of classes; its label is the class with the highest score. */
  readonly classes: number;
  /** [classes, channels], row-major. */
  readonly weights: readonly number[];
  /** [classes]. */
  readonly bias: readonly number[];
}

/** A signal that is a share of changed labels, from 0 to 1. */
export type ChangeSignal =
  /** Labels of a shallow score map of the network. */
  | { readonly kind: "labels" }
  /** Labels of a probe on the features that enter the stage. */
  | { readonly kind: "probe"; readonly probe: LinearProbe };

/**
 * Expected disagreement with the oracle, as a share of the pixels, from changed labels s_i and the age a of what is held,
 * in frames: max(0, bias + sum_i weights[i] s_i + ageWeight a' + sum_i productWeights[i] s_i a') where
 * a' = min(a, ageCap) / ageCap.
 */
export interface ExpectedSignal {
  readonly kind: "expected";
  readonly signals: readonly ChangeSignal[];
  readonly bias: number;
  readonly weights: readonly number[];
  readonly ageWeight: number;
  readonly productWeights: readonly number[];
  readonly ageCap: number;
}

/** What an adaptive clock looks at. */
export type Signal =
  | ChangeSignal
  /** Mean absolute change of the features that enter the stage, relative to their mean absolute value. */
  | { readonly kind: "features" }
  | ExpectedSignal;
