// What an adaptive clock looks at, as data, and whether that is sound: a number per frame that grows as what is held gets
// out of date. It is computed in the compiled graph (compile/signal-graph.ts) and, from recordings, in tune/.
//
// `labels` is the clock of Shelhamer et al. 2016, section 3.3. The others are for networks without shallow score maps
// (`features`, `probe`), for clocks that know how things moved (`residual`, `arrived`, `motion`), which need nothing of the
// network and so may let all of it rest, and for thresholds that mean something by themselves (`expected`).

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

/** A number that the flow gives, over what the stage holds; only where it moves what is held. */
export type MotionSignal =
  /** Mean absolute difference of luma 0..1 between the key frame, moved here, and this one, times the frames since. */
  | { readonly kind: "residual" }
  /** Share of the picture that came into view since the last firing. */
  | { readonly kind: "arrived" }
  /** Mean length of the flow since the last firing, as a share of the picture's longer side. */
  | { readonly kind: "motion" };

/** A signal without weights of other signals. */
export type PlainSignal = ChangeSignal | MotionSignal;

/** Whether a signal comes from the flow. */
export function isMotionSignal(signal: Signal): signal is MotionSignal {
  return signal.kind === "residual" || signal.kind === "arrived" || signal.kind === "motion";
}

/**
 * Expected disagreement with the oracle, as a share of the pixels, from signals s_i and the age a of what is held,
 * in frames: max(0, bias + sum_i weights[i] s_i + ageWeight a' + sum_i productWeights[i] s_i a') where
 * a' = min(a, ageCap) / ageCap.
 */
export interface ExpectedSignal {
  readonly kind: "expected";
  readonly signals: readonly PlainSignal[];
  readonly bias: number;
  readonly weights: readonly number[];
  readonly ageWeight: number;
  readonly productWeights: readonly number[];
  readonly ageCap: number;
}

/** What an adaptive clock looks at. */
export type Signal =
  | PlainSignal
  /** Mean absolute change of the features that enter the stage, relative to their mean absolute value. */
  | { readonly kind: "features" }
  | ExpectedSignal;

/** What is wrong with a signal, as `expected X, got Y`; `undefined` where nothing is. */
export function faultOf(signal: Signal): string | undefined {
  switch (signal.kind) {
    case "labels":
    case "features":
    case "residual":
    case "arrived":
    case "motion":
      return undefined;
    case "probe":
      return faultOfProbe(signal.probe);
    case "expected": {
      const { signals, weights, productWeights, bias, ageWeight, ageCap } = signal;
      if (signals.length === 0) return "expected signals that it is computed from, got none";
      const fault = signals.map(faultOf).find((found) => found !== undefined);
      if (fault !== undefined) return fault;
      if (![bias, ageWeight].every(Number.isFinite))
        return `expected bias and ageWeight that are numbers, got ${bias} and ${ageWeight}`;
      if (!(Number.isFinite(ageCap) && ageCap > 0)) return `expected an ageCap of frames above 0, got ${ageCap}`;
      return (
        faultOfList("weights", weights, signals.length) ?? faultOfList("productWeights", productWeights, signals.length)
      );
    }
  }
}

function faultOfProbe({ channels, classes, weights, bias }: LinearProbe): string | undefined {
  if (!Number.isInteger(channels) || channels < 1) return `expected a probe of channels, got ${channels}`;
  if (!Number.isInteger(classes) || classes < 2) return `expected a probe of two classes or more, got ${classes}`;
  return faultOfList("weights", weights, classes * channels) ?? faultOfList("bias", bias, classes);
}

function faultOfList(name: string, values: readonly number[], length: number): string | undefined {
  if (values.length !== length) return `expected ${length} ${name}, got ${values.length}`;
  const odd = values.find((value) => !Number.isFinite(value));
  return odd === undefined ? undefined : `expected ${name} that are numbers, got ${odd}`;
}
