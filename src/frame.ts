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
}

/** The class of every pixel of a frame. */
export interface LabelMap {
  /** Class indices, 8 bits, rows without padding: [heightPx, widthPx]. */
  readonly data: Uint8Array<ArrayBuffer>;
  readonly widthPx: number;
  readonly heightPx: number;
}
