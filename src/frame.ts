// What goes into a network and what comes out of it: a picture of a video, and a map of class indices.
// Plain data that any source can make and any sink can take; no decoder and no engine in here.

/** One picture of a video. */
export interface Frame {
  /** RGB, 8 bits a channel, interleaved, rows without padding: [heightPx, widthPx, 3]. */
  readonly data: Uint8Array<ArrayBuffer>;
  readonly widthPx: number;
  readonly heightPx: number;
  /** Presentation time in seconds from the start of the source. */
  readonly timestampSec: number;
  /** Where its blocks came from, as its codec says; only where it was asked for. */
  readonly motion?: BlockMotion;
}

/**
 * Blocks of a frame that were predicted from other frames. They may overlap, stick out at the right and lower edge, and
 * leave places without any: what was coded afresh has no vector, and in some frames nothing has.
 */
export interface BlockMotion {
  /**
   * {@link numbersPerBlock} numbers a block: x and y of its centre, width, height, then x and y from there to where the
   * other frame had the like, all in pixels of this frame; then how many frame steps before this frame that one is shown,
   * negative where it is shown after.
   */
  readonly blocks: Float32Array<ArrayBuffer>;
}

/** Numbers that {@link BlockMotion} has for each block. */
export const numbersPerBlock = 7;

/** The class of every pixel of a frame. */
export interface LabelMap {
  /** Class indices, 8 bits, rows without padding: [heightPx, widthPx]. */
  readonly data: Uint8Array<ArrayBuffer>;
  readonly widthPx: number;
  readonly heightPx: number;
}
