// The result of an evaluation, as data: what `--json` prints and what a report shows. Percentages where it says so, since
// that is how the field prints them; shares from 0 to 1 elsewhere.

/** Accuracy against true labels, in percent. */
export interface Accuracy {
  /** Mean over classes of intersection over union. */
  readonly mIoU: number;
  /** Share of pixels with the right label. */
  readonly accuracy: number;
  /** Mean over classes of the share of their pixels with the right label. */
  readonly meanAccuracy: number;
  /** Intersection over union, weighted by how frequent a class is. */
  readonly frequencyWeightedIoU: number;
}

/**
 * Whether what two frames show alike has the same label in both, over all pairs of frames that follow each other; places
 * without correspondence and changes of shot left out. Correspondence is found by another method than the flow that
 * labels are moved along.
 */
export interface TemporalConsistency {
  /** Percent of the pixels that have the label of what they show in the frame before. */
  readonly value: number;
  /** Mean over classes of intersection over union between the two, in percent. */
  readonly mIoU: number;
  /** Number of pixels that were compared. */
  readonly pixels: number;
}

/** What a schedule did on every frame, one entry a frame, in columns. */
export interface Timeline {
  /** Index of the frame's sequence in `Evaluation.sequences`. */
  readonly sequence: readonly number[];
  /** Index of the frame in its sequence. */
  readonly frame: readonly number[];
  /** For each stage, whether it fired. */
  readonly fired: readonly (readonly boolean[])[];
  /** Signal of an adaptive clock; `null` on frames (and schedules) without one. */
  readonly signal: readonly (number | null)[];
  /** Whether a change of shot was seen. */
  readonly shot: readonly boolean[];
  /** Percent of the pixels that have the oracle's label. */
  readonly agreement: readonly number[];
  /** Percent of the labelled pixels that have the true label; `null` on frames without labels. */
  readonly accuracy: readonly (number | null)[];
  /** Frames since the deepest stage fired. */
  readonly age: readonly number[];
  /** Time within the engine. */
  readonly ms: readonly number[];
}

/** What one schedule did. */
export interface EvaluationRun {
  /** The schedule, as text. */
  readonly clock: string;
  /** What is done with what is held. */
  readonly propagate: "still" | "flow";
  /** Stages of the plan. */
  readonly stages: number;
  /** Percent; `null` where nothing has labels. */
  readonly mIoU: number | null;
  /** Percent; `null` where nothing has labels. */
  readonly accuracy: number | null;
  readonly meanAccuracy: number | null;
  readonly frequencyWeightedIoU: number | null;
  /** The same on the pixels near an edge of the true labels. */
  readonly boundary: Accuracy | null;
  /** Percent of the pixels whose label is the oracle's. */
  readonly agreement: number;
  /** mIoU in percent with the oracle's labels as truth, over the network's classes. */
  readonly agreementMIoU: number;
  /** Percent of the pixels whose label differs from the frame before's; `null` where no two frames follow each other. */
  readonly flicker: number | null;
  /** Steadiness with motion taken out; `null` where nothing was compared. */
  readonly consistency: TemporalConsistency | null;
  /** Share of frames on which each stage fired, shallowest first. */
  readonly updateRates: readonly number[];
  /** Multiply-accumulates executed, as a share of the oracle's. */
  readonly macsRatio: number;
  /** Mean time within the engine. */
  readonly msPerFrame: number;
  /** The oracle's `msPerFrame` over this one's. */
  readonly speedup: number;
  readonly latencyMs: { readonly p50: number; readonly p95: number; readonly p99: number; readonly max: number };
  /** Frames since the deepest stage fired. */
  readonly age: { readonly mean: number; readonly max: number };
  /** IoU by class in percent; `null` where neither truth nor prediction has it. Empty where nothing has labels. */
  readonly perClass: Readonly<Record<string, number | null>>;
  /** The frame that agrees least with the oracle: its index over all frames in order, and that agreement in percent. */
  readonly worstFrame: { readonly index: number; readonly agreement: number };
}

/** How frames were chosen and scored, so that another can do the same. */
export interface EvaluationProtocol {
  readonly split: string | null;
  /** Every how many frames one was taken. */
  readonly every: number;
  /** Frames before each labelled frame; `null` where sequences were taken whole. */
  readonly before: number | null;
  /** Frames at the start of each sequence that were run but not scored. */
  readonly warmUp: number;
  /** Whether every phase of a periodic clock was run and the histograms added. */
  readonly phases: boolean;
  /** Width of the band around true edges, in pixels. */
  readonly boundaryPx: number;
  /** Name or file of the class mapping; `null` where none was needed. */
  readonly map: string | null;
}

/** An evaluation: the oracle first, then every schedule, on the same frames. */
export interface Evaluation {
  readonly dataset: string;
  readonly model: string;
  readonly frames: number;
  readonly labelled: number;
  /** That of the true labels, where frames that follow each other have them; `null` where none do. */
  readonly truthConsistency: TemporalConsistency | null;
  readonly protocol: EvaluationProtocol;
  /** Names of the sequences, in order. */
  readonly sequences: readonly string[];
  readonly runs: readonly EvaluationRun[];
  /** What a reader should know. */
  readonly notes: readonly string[];
}

/** An evaluation with what every schedule did frame by frame: `timelines[i]` is that of `runs[i]`. */
export interface DetailedEvaluation extends Evaluation {
  readonly timelines: readonly Timeline[];
}
