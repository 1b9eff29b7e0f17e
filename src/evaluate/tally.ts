// What one schedule did, added up frame by frame, as data that can be saved and taken up again: an evaluation that was
// killed goes on from its last checkpoint and must come to the same numbers to the bit.

import type { LabelMap } from "../frame.ts";
import { agreementOf, ConfusionMatrix, Consistency, type ConsistencyState } from "../metrics/index.ts";
import type { SegmentResult } from "../segment/index.ts";

/** What is known of every counted frame, in columns. */
export interface Records {
  /** Phase of the clock in which the frame was run. */
  readonly phase: number[];
  readonly sequence: number[];
  /** Index of the frame in its sequence. */
  readonly frame: number[];
  /** One character a stage, shallowest first: `1` where it fired. */
  readonly fired: string[];
  readonly signal: (number | null)[];
  readonly shot: boolean[];
  readonly pixels: number[];
  /** Share of the pixels with the oracle's label. */
  readonly agreement: number[];
  /** Share of the labelled pixels with the true label. */
  readonly accuracy: (number | null)[];
  /** Share of the pixels whose label differs from the frame before's. */
  readonly flicker: (number | null)[];
  readonly age: number[];
  readonly macs: number[];
  readonly ms: number[];
}

/** Where a frame stands. */
export interface FramePlace {
  readonly phase: number;
  readonly sequence: number;
  readonly frame: number;
  /** Whether it is the first of its stretch and phase: there is no frame before it. */
  readonly first: boolean;
  /** Whether it counts; frames of the warm-up do not. */
  readonly counts: boolean;
}

/** What a frame is held against. */
export interface FrameReference {
  /** The oracle's labels, in the network's classes. */
  readonly oracle: Uint8Array;
  /** True labels, in the dataset's classes. */
  readonly truth: LabelMap | undefined;
  /** True labels near edges; anything else ignored. */
  readonly boundary: LabelMap | undefined;
}

/** How labels of the network become those of the dataset. */
export interface Scoring {
  /** Classes of the network: labels are below it. */
  readonly networkClasses: number;
  /** Classes of the dataset; 0 without labels. */
  readonly classes: number;
  /** Label of the network -> label of the dataset; `undefined` where they are the same. */
  readonly table: Uint8Array | undefined;
}

/** A tally as plain data. */
export interface TallyState {
  readonly records: Records;
  readonly truth: readonly number[];
  readonly boundary: readonly number[];
  readonly agreement: readonly number[];
  readonly consistency: ConsistencyState;
  /** By phase. */
  readonly ages: readonly number[];
}

/** Adds up what one schedule did. */
export class Tally {
  readonly records: Records;
  readonly truth: ConfusionMatrix | undefined;
  readonly boundary: ConfusionMatrix | undefined;
  /** With the oracle's labels as truth. */
  readonly agreement: ConfusionMatrix;
  /** Over the network's classes. */
  readonly consistency: Consistency;
  /** Last labels of each phase. */
  readonly previous: (Uint8Array | undefined)[];
  readonly #scoring: Scoring;
  readonly #ages: number[];
  #mapped = new Uint8Array();

  constructor(scoring: Scoring, saved?: TallyState, previous: readonly (Uint8Array | undefined)[] = []) {
    this.#scoring = scoring;
    const { classes, networkClasses } = scoring;
    this.records = saved?.records ?? emptyRecords();
    this.#ages = [...(saved?.ages ?? [])];
    this.previous = [...previous];
    const matrix = (size: number, counts: readonly number[] | undefined): ConfusionMatrix =>
      counts === undefined || counts.length === 0
        ? new ConfusionMatrix(size)
        : ConfusionMatrix.fromCounts(size, counts);
    this.truth = classes === 0 ? undefined : matrix(classes, saved?.truth);
    this.boundary = classes === 0 ? undefined : matrix(classes, saved?.boundary);
    this.agreement = matrix(networkClasses, saved?.agreement);
    this.consistency = consistencyFrom(networkClasses, saved?.consistency);
  }

  /** Adds a frame. */
  update(result: SegmentResult, place: FramePlace, reference: FrameReference): void {
    const labels = result.labels.data;
    const { phase } = place;
    const deepest = result.fired.at(-1) === true;
    const age = deepest || place.first ? 0 : (this.#ages[phase] ?? 0) + 1;
    this.#ages[phase] = age;
    const before = place.first ? undefined : this.previous[phase];
    this.previous[phase] = labels;
    // Where the size changes, everything starts afresh: there is nothing to compare with.
    const follows = before !== undefined && before.length === labels.length;
    if (!place.counts) return;
    const { records } = this;
    records.phase.push(phase);
    records.sequence.push(place.sequence);
    records.frame.push(place.frame);
    records.fired.push(result.fired.map((fired) => (fired ? "1" : "0")).join(""));
    records.signal.push(result.signal ?? null);
    records.shot.push(result.shot);
    records.pixels.push(labels.length);
    // The oracle agrees with itself: there is nothing to count.
    const isOracle = labels === reference.oracle;
    records.agreement.push(isOracle ? 1 : agreementOf(labels, reference.oracle));
    records.flicker.push(follows ? 1 - agreementOf(labels, before) : null);
    records.age.push(age);
    records.macs.push(result.macs);
    records.ms.push(result.milliseconds.inference);
    if (!isOracle) this.agreement.update(labels, reference.oracle);
    records.accuracy.push(this.#score(labels, reference));
  }

  #score(labels: Uint8Array, { truth, boundary }: FrameReference): number | null {
    if (truth === undefined || this.truth === undefined) return null;
    const mapped = this.#map(labels);
    const frame = new ConfusionMatrix(this.#scoring.classes);
    frame.update(mapped, truth.data);
    this.truth.add(frame);
    if (boundary !== undefined) this.boundary?.update(mapped, boundary.data);
    const { pixels, accuracy } = frame.result();
    return pixels === 0 ? null : (accuracy ?? null);
  }

  #map(labels: Uint8Array): Uint8Array {
    const { table } = this.#scoring;
    if (table === undefined) return labels;
    if (this.#mapped.length !== labels.length) this.#mapped = new Uint8Array(labels.length);
    const mapped = this.#mapped;
    for (let at = 0; at < labels.length; at++) mapped[at] = table[labels[at] ?? 255] ?? 255;
    return mapped;
  }

  /** The tally as data, without the labels in `previous`. */
  state(): TallyState {
    return {
      records: this.records,
      truth: [...(this.truth?.counts ?? [])],
      boundary: [...(this.boundary?.counts ?? [])],
      agreement: [...this.agreement.counts],
      consistency: this.consistency.state,
      ages: this.#ages,
    };
  }
}

/** A meter that goes on; where classes take every byte, the last one of them is left out. */
export function consistencyFrom(classes: number, saved: ConsistencyState | undefined): Consistency {
  const counted = Math.min(classes, mostConsistencyClasses);
  return saved === undefined ? new Consistency(counted) : Consistency.from(counted, saved);
}

/** Most classes that `Consistency` takes. */
const mostConsistencyClasses = 255;

function emptyRecords(): Records {
  return {
    phase: [],
    sequence: [],
    frame: [],
    fired: [],
    signal: [],
    shot: [],
    pixels: [],
    agreement: [],
    accuracy: [],
    flicker: [],
    age: [],
    macs: [],
    ms: [],
  };
}
