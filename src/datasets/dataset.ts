// What a dataset is to the rest of the house: sequences of frames, some with labels. A reader for each layout in which
// datasets are distributed is in the file of its name; `layouts.ts` lists them.

import type { Frame, LabelMap } from "../frame.ts";

/** A frame of a sequence. */
export interface LabelledFrame {
  /** Place in its sequence, from 0. */
  readonly index: number;
  /** Name that a user finds it by, such as `0016E5_07959`. */
  readonly name: string;
  readonly frame: Frame;
  /**
   * True class of every pixel, at the size of the frame: indices of the dataset's `classNames`; anything from
   * `classNames.length` up (usually 255) is left out of scores. `undefined` for a frame without labels.
   */
  readonly labels: LabelMap | undefined;
}

/** Which frames to read, by index. */
export interface FrameRange {
  /** First frame; default 0. */
  readonly from?: number;
  /** First frame that is not read any more; default: to the end. */
  readonly to?: number;
  /** Every how many frames one is read; default 1. */
  readonly step?: number;
  readonly signal?: AbortSignal;
}

/** Frames that follow each other in time: one shot or recording. What is held does not outlive it. */
export interface Sequence {
  readonly name: string;
  /** Number of frames; `undefined` where only reading to the end tells. */
  readonly length: number | undefined;
  /** Indices of the frames that have labels, ascending. */
  readonly labelled: readonly number[];
  /** Reads frames in order; what is not consumed is not read. */
  read(range?: FrameRange): AsyncIterable<LabelledFrame>;
}

/** An opened dataset. */
export interface Dataset {
  /** Name of its layout, as `clockwork datasets` lists it. */
  readonly name: string;
  /** Split that was opened; `undefined` for layouts without splits. */
  readonly split: string | undefined;
  /** Classes by label; empty where nothing has labels. */
  readonly classNames: readonly string[];
  readonly sequences: readonly Sequence[];
  /**
   * What a user should know: frames without labels, files that were left out, with counts. What shows only in reading
   * (pictures of a video that cannot be decoded) is added then.
   */
  readonly notes: readonly string[];
}
