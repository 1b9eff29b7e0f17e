// Where an evaluation keeps what it must not lose: a checkpoint that replaces the one before, and the label maps that
// pictures are made from later. The contract only; files are in node/file-store.ts.

/** Keeps label maps that would not fit in memory. */
export interface LabelStore {
  /** Keeps the label map of a frame. @param run number of the run, or of the video */
  putLabels(run: number, index: number, labels: Uint8Array): Promise<void>;
  /** A label map that was kept; `undefined` where it was not. */
  labels(run: number, index: number): Promise<Uint8Array | undefined>;
}

/** Keeps an evaluation across interruptions. */
export interface EvaluationStore extends LabelStore {
  /** The last checkpoint; `undefined` at the start. */
  load(): Promise<Uint8Array | undefined>;
  /** Replaces the checkpoint, so that a kill at any moment leaves the old one or the new one. */
  save(checkpoint: Uint8Array): Promise<void>;
}
