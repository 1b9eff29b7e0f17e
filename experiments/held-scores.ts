// How right held labels are, for any firings: one confusion matrix for each pair of a frame and the frame of the last
// firing. What is held depends on nothing else, as in tune/disagreement.ts, so that many clocks on one clip are scored for
// the price of a few, and exactly.

import { ConfusionMatrix, type Segmenter } from "../src/index.ts";
import { streetClasses } from "../src/video/street/index.ts";
import type { Clip } from "./clip-worker.ts";

/** A clip that the network has been through. */
export interface ScoredClip extends Clip {
  /** Labels of the network on every frame. */
  readonly fresh: readonly Uint8Array[];
  /** Label of the network -> label of the street, 256 entries. */
  readonly table: Uint8Array;
}

/** Confusion of a frame's labels with the true ones, where the stage fired last on frame `key`. */
export type PairScores = (key: number, frame: number) => ConfusionMatrix;

/** Frames of the last firing, for every frame of a clip. */
export type Keys = readonly number[];

/**
 * Scores every pair that some clocks have.
 * @param resting fires on the first frame that it gets and never again; `undefined` where labels are repeated
 * @param clocks the keys of each
 */
export async function pairScores(
  clip: ScoredClip,
  resting: Segmenter | undefined,
  clocks: readonly Keys[],
  signal?: AbortSignal,
): Promise<PairScores> {
  const count = clip.frames.length;
  const known = new Map<number, ConfusionMatrix>();
  const add = (key: number, frame: number, labels: Uint8Array): void => {
    known.set(key * count + frame, score(clip, labels, frame));
  };
  for (const [frame, labels] of clip.fresh.entries()) add(frame, frame, labels);
  for (const [key, last] of lastFrames(clocks)) {
    if (resting === undefined) {
      for (let frame = key + 1; frame <= last; frame++) add(key, frame, clip.fresh[key] ?? new Uint8Array());
      continue;
    }
    let frame = key;
    const frames = clip.frames.slice(key, last + 1);
    for await (const { labels } of resting.segment(frames, signal === undefined ? {} : { signal })) {
      if (frame > key) add(key, frame, labels.data);
      frame += 1;
    }
  }
  return (key, frame) => {
    const found = known.get(key * count + frame);
    if (found === undefined) throw new RangeError(`frame ${frame} with what frame ${key} left was not scored`);
    return found;
  };
}

/** All frames of a clip together, as a clock has them. */
export function confusionOf(keys: Keys, scores: PairScores): ConfusionMatrix {
  const sum = new ConfusionMatrix(streetClasses.length);
  for (const [frame, key] of keys.entries()) sum.add(scores(key, frame));
  return sum;
}

/** Share of frames on which a clock fires. */
export function updateRateOf(keys: Keys): number {
  return keys.filter((key, frame) => key === frame).length / Math.max(1, keys.length);
}

/** For each frame that some clock fires on, the last frame that one of them holds it for. Others have all between, too. */
function lastFrames(clocks: readonly Keys[]): ReadonlyMap<number, number> {
  const lasts = new Map<number, number>();
  for (const keys of clocks) {
    for (const [frame, key] of keys.entries()) if (frame > (lasts.get(key) ?? key)) lasts.set(key, frame);
  }
  return lasts;
}

function score({ labels: truth, table }: ScoredClip, labels: Uint8Array, frame: number): ConfusionMatrix {
  const matrix = new ConfusionMatrix(streetClasses.length);
  const mapped = new Uint8Array(labels.length);
  for (let at = 0; at < labels.length; at++) mapped[at] = table[labels[at] ?? 255] ?? 255;
  matrix.update(mapped, truth[frame]?.data ?? new Uint8Array());
  return matrix;
}
