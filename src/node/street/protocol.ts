// What the writer of streets and its workers say to each other. Data only.

import type { ErrorCode } from "../../errors.ts";
import type { Frame } from "../../frame.ts";
import type { StreetClip } from "./clip.ts";

/** What is written of each frame besides picture and labels. */
export interface StreetMaps {
  /** flow/ and occlusion/. */
  readonly flow: boolean;
  readonly depth: boolean;
  readonly instances: boolean;
}

/** How a folder is written. */
export interface StreetFolder {
  readonly path: string;
  readonly maps: StreetMaps;
  /** Every how manieth frame is written. */
  readonly every: number;
  /** Quality of the H.264 that the frames have gone through, as x264 counts it; without, they have not. */
  readonly compress: number | undefined;
  /** Whether each clip has a subfolder of its own. */
  readonly subfolders: boolean;
}

/** What a worker is started with; without a folder it gives frames back. */
export interface StreetStart {
  readonly clips: readonly StreetClip[];
  readonly folder: StreetFolder | undefined;
}

/** Frames of a clip that one worker renders, the last of them not included. */
export interface StreetRange {
  /** Place in {@link StreetStart.clips}. */
  readonly clip: number;
  readonly from: number;
  readonly to: number;
}

/** To a worker; ranges are worked on in the order in which they come. */
export type StreetRequest = { readonly kind: "render"; readonly range: StreetRange } | { readonly kind: "close" };

/** From a worker. */
export type StreetAnswer =
  /** A frame is done; it comes along where there is no folder. */
  | { readonly kind: "frame"; readonly frame: Frame | undefined }
  /** The range is done. */
  | { readonly kind: "done" }
  | { readonly kind: "failed"; readonly code: ErrorCode; readonly message: string }
  | { readonly kind: "closed" };
