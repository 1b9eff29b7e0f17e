// Clips of streets to be written: which seed, style and camera each has, and its name. Data only.

import { ClockworkError } from "../../errors.ts";
import { resolveStreet, type ResolvedStreet } from "../../video/street/street-options.ts";
import type { StreetCamera, StreetOptions, StreetStyle } from "../../video/street/index.ts";

/** A street, and how much of it. */
export interface StreetClip {
  /** Names its folder: `7-dusk-drive`. */
  readonly name: string;
  readonly street: ResolvedStreet;
  /** Frames from the first. */
  readonly frames: number;
}

/** Which clips. */
export interface StreetClipsOptions extends Omit<StreetOptions, "style" | "camera"> {
  /** Clips, with seeds that follow each other; default: as many as there are styles or cameras, at least one. */
  readonly clips?: number;
  /** Gone through in turn; default `day`. */
  readonly styles?: readonly StreetStyle[];
  /** Gone through in turn, so that in time every style meets every camera; default `drive`. */
  readonly cameras?: readonly StreetCamera[];
  /** Frames of each clip. */
  readonly frames: number;
}

/**
 * The clips, by seed.
 * @throws ClockworkError `invalid-argument` for what cannot be rendered, and for styles or cameras that no clip would have
 */
export function streetClips(options: StreetClipsOptions): readonly StreetClip[] {
  const { styles = ["day"], cameras = ["drive"], clips: asked, frames, seed, ...others } = options;
  const most = Math.max(styles.length, cameras.length);
  const clips = asked ?? most;
  requireCount("clips", clips);
  requireCount("frames", frames);
  if (clips < most) {
    const what = most === styles.length ? "styles" : "cameras";
    throw new ClockworkError(
      "invalid-argument",
      `street: ${what}: expected at most one for each of ${clips} clips, got ${most}; try ${most} clips`,
    );
  }
  // After as many clips as both lists take to meet again, cameras are one further on.
  const round = leastCommonMultiple(styles.length, cameras.length);
  return Array.from({ length: clips }, (_, index) => {
    const style = styles[index % styles.length] ?? "day";
    const camera = cameras[(index + Math.floor(index / round)) % cameras.length] ?? "drive";
    const street = resolveStreet({ ...others, seed: seed + index, style, camera });
    return { name: `${street.seed}-${style}-${camera}`, street, frames };
  });
}

/** @throws {ClockworkError} `invalid-argument` for what is no whole number from 1. */
export function requireCount(name: string, value: number): void {
  if (Number.isSafeInteger(value) && value >= 1) return;
  throw new ClockworkError("invalid-argument", `street: ${name}: expected a whole number from 1, got ${value}`);
}

function leastCommonMultiple(a: number, b: number): number {
  let multiple = Math.max(a, b, 1);
  while (multiple % a !== 0 || multiple % b !== 0) multiple++;
  return multiple;
}
