// Which frames a coded picture was predicted from, as far as it can be known from outside of a decoder: FFmpeg tells only
// whether a vector is of the first list of references or of the second, not which of the list.
//
// The first entry of the first list is nearly always the nearest reference that is shown before, that of the second list
// the nearest that is shown after (ITU-T H.264, 8.2.4.2.3; encoders put P pictures' lists into this order, too). Among
// pictures decoded before, references are those that are not B, and those that were decoded before what is shown before
// them: nothing else would be a reason to.

import { AV_NOPTS_VALUE } from "node-av/constants";

/** Pictures that are kept in mind: more than any decoder holds back. */
const remembered = 64;

/** Times of a frame and those that it leads to, in ticks of the stream; `undefined` where there is none. */
export interface References {
  readonly current: bigint;
  /** Of the frame shown before it. */
  readonly previous: bigint | undefined;
  /** Of the nearest reference shown before it, and after it. */
  readonly past: bigint | undefined;
  readonly future: bigint | undefined;
}

interface Coded {
  readonly pts: bigint;
  isReference: boolean;
}

/** Follows a stream: every coded picture as it is sent to the decoder, every frame as it comes out. */
export class ReferenceTimes {
  /** In the order of decoding. */
  readonly #coded: Coded[] = [];
  #previous: bigint | undefined;

  /** A coded picture goes into the decoder. */
  sent(pts: bigint): void {
    if (pts === AV_NOPTS_VALUE) return;
    for (const before of this.#coded) {
      if (pts < before.pts) before.isReference = true;
    }
    this.#coded.push({ pts, isReference: false });
    if (this.#coded.length > remembered) this.#coded.shift();
  }

  /** A frame comes out, in the order of showing. @param isB whether it is a picture of type B */
  came(pts: bigint, isB: boolean): References {
    const previous = this.#previous;
    this.#previous = pts === AV_NOPTS_VALUE ? undefined : pts;
    const place = this.#coded.findIndex((coded) => coded.pts === pts);
    const own = this.#coded[place];
    if (own === undefined) return { current: pts, previous, past: undefined, future: undefined };
    if (!isB) own.isReference = true;
    let past: bigint | undefined;
    let future: bigint | undefined;
    for (const { pts: at, isReference } of this.#coded.slice(0, place)) {
      if (!isReference) continue;
      if (at < pts && (past === undefined || at > past)) past = at;
      if (at > pts && (future === undefined || at < future)) future = at;
    }
    return { current: pts, previous, past, future };
  }

  /** The stream starts anew. */
  clear(): void {
    this.#coded.length = 0;
    this.#previous = undefined;
  }
}
