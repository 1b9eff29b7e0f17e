// Columns of a timeline brought down to what a plot can show. Firings keep their counts and values their extremes, so
// that a rare event stays visible however long the video is.

/** Most frames that are drawn one by one. */
export const mostFramesDrawnSingly = 1500;

/** About how many steps stand for the frames of a longer video. */
const stepsOfLongVideos = 750;

/** Values of the frames of a step. */
export interface StepRange {
  /** Middle of the step, in frames from the start; the first frame reaches from 0 to 1. */
  readonly at: number;
  /** Means and extremes of the frames that have a value; `null` where none has. */
  readonly values: { readonly low: number; readonly mean: number; readonly high: number } | null;
}

/** A piece of a stepped outline: `share` from `at` to the next piece. */
export interface OutlinePoint {
  readonly at: number;
  readonly share: number;
}

/** Frames in a step of a plot: 1 up to {@link mostFramesDrawnSingly}. */
export function framesInStep(frames: number): number {
  return frames <= mostFramesDrawnSingly ? 1 : Math.ceil(frames / stepsOfLongVideos);
}

/** How many of the flags of each step are up. The sum is that of the flags; the last step may be shorter. */
export function countsInSteps(flags: readonly boolean[], step: number): readonly number[] {
  const counts = new Array<number>(Math.ceil(flags.length / step)).fill(0);
  for (const [frame, flag] of flags.entries()) {
    const at = Math.floor(frame / step);
    if (flag) counts[at] = (counts[at] ?? 0) + 1;
  }
  return counts;
}

/** Least, mean and greatest value of each step. */
export function rangesInSteps(values: readonly (number | null)[], step: number): readonly StepRange[] {
  return Array.from({ length: Math.ceil(values.length / step) }, (_, index) => {
    const from = index * step;
    const to = Math.min(values.length, from + step);
    const known = values.slice(from, to).filter((value) => value !== null);
    const at = (from + to) / 2;
    if (known.length === 0) return { at, values: null };
    // Clamped: rounding can take the mean of equal values past them.
    const [low, high] = [Math.min(...known), Math.max(...known)];
    const mean = known.reduce((sum, value) => sum + value, 0) / known.length;
    return { at, values: { low, mean: Math.min(high, Math.max(low, mean)), high } };
  });
}

/** Share of the flags of each step that are up, as an outline that says only where it changes, up to the last frame. */
export function outlineOfFlags(flags: readonly boolean[], step: number): readonly OutlinePoint[] {
  const outline: OutlinePoint[] = [];
  for (const [index, up] of countsInSteps(flags, step).entries()) {
    const at = index * step;
    const share = up / Math.min(step, flags.length - at);
    if (outline.at(-1)?.share !== share) outline.push({ at, share });
  }
  const last = outline.at(-1);
  if (last !== undefined) outline.push({ at: flags.length, share: last.share });
  return outline;
}
