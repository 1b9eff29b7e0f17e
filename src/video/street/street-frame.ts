// A frame of the synthetic street, with all that is known of it exactly. Plain data.

import type { Frame, LabelMap } from "../../frame.ts";

const names = [
  "sky",
  "building",
  "pole",
  "road",
  "pavement",
  "tree",
  "sign",
  "fence",
  "car",
  "pedestrian",
  "bicyclist",
] as const;

/** Name of a class of the street. */
export type StreetClass = (typeof names)[number];

/** Classes of the street by label: those of CamVid, in the order of the SegNet tutorial. */
export const streetClasses: readonly string[] = names;

/** A rendered frame. Maps have the size of the frame, rows without padding. */
export interface StreetStill {
  readonly frame: Frame;
  /**
   * Places in {@link streetClasses}; every pixel has one. What is seen through the gaps of a railing, a crown or a wheel has
   * their label, as annotators of photographs have it; all other maps are those of what is seen.
   */
  readonly labels: LabelMap;
  /** Metres along the optical axis, [heightPx, widthPx]; Infinity in the sky. */
  readonly depth: Float32Array<ArrayBuffer>;
  /** A number for each thing (a car, a house, a tree), 0 for sky and ground; the same in all frames. [heightPx, widthPx] */
  readonly instances: Uint16Array<ArrayBuffer>;
}

/** A rendered frame and how it follows from the one before. */
export interface StreetFrame extends StreetStill {
  /**
   * Pixels from here to where the same point was in the frame before: x of all pixels, then y, [2, heightPx, widthPx].
   * Zero in the first frame.
   */
  readonly flow: Float32Array<ArrayBuffer>;
  /** 1 where the point was not to be seen in the frame before: hidden, or outside; [heightPx, widthPx]. */
  readonly occluded: Uint8Array<ArrayBuffer>;
}
