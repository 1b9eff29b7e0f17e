// Does the promise of `tune --max-loss` hold on footage that really is new? Clips of streets that have nothing to do with
// each other, of all styles and cameras: some to fit signals to, and many of which half, at random, are calibrated on and
// the others are the footage to come. What a clip loses is its disagreement with the oracle, as for `tune`.

import { Progress } from "../src/cli/progress.ts";
import type { Size } from "../src/index.ts";
import type { Sequence } from "../src/node.ts";
import { seeded } from "../src/tune/index.ts";
import { streetCameras, streetStyles, type StreetOptions } from "../src/video/street/index.ts";
import type { FootageParts } from "../src/tune/ground.ts";
import { coverageOn, type CoverageOptions, type CoverageResult } from "./coverage.ts";
import { clipSequence, renderedClips } from "./street-clips.ts";

/** What to run. */
export interface StreetPromiseOptions extends Omit<CoverageOptions, "size"> {
  /** Clips that are calibrated on or checked. */
  readonly clips: number;
  /** Further clips, which signals are fitted to and the ladder of clocks is made on. */
  readonly fitClips: number;
  /** Frames of each. */
  readonly frames: number;
  /** Size of the frames, and at which the network runs. */
  readonly size: Size;
  readonly fps: number;
  readonly firstSeed: number;
  /** Clips that are rendered at a time. */
  readonly threads: number;
}

/** Runs the experiment. All clips are kept in memory: three bytes a pixel and one for its label. */
export async function streetPromise(options: StreetPromiseOptions): Promise<CoverageResult> {
  const { clips, fitClips, frames, fps } = options;
  const spanOf = (video: number): FootageParts["fit"][number] => ({ video, from: 0, to: frames });
  const fit = Array.from({ length: fitClips }, (_, video) => spanOf(video));
  const rest = Array.from({ length: clips }, (_, clip) => spanOf(fitClips + clip));
  const parts: FootageParts = { fit, calibration: rest, blocks: rest, blockSec: frames / fps, fitShare: 0 };
  return coverageOn({ open: () => rendered(options), divide: () => parts }, options);
}

async function rendered(options: StreetPromiseOptions): Promise<readonly Sequence[]> {
  const { frames, fps, threads, signal } = options;
  const streets = streetsOf(options);
  const progress = new Progress(process.stderr);
  const videos: Sequence[] = [];
  try {
    const rendering = renderedClips(
      streets.map((street) => ({ street, frames })),
      { threads, ...(signal !== undefined && { signal }) },
    );
    for await (const clip of rendering) {
      videos.push(clipSequence(`street-${streets[videos.length]?.seed ?? 0}`, clip, fps));
      progress.update({ frames: videos.length, unit: "clips", total: streets.length, note: "rendering" });
    }
  } finally {
    progress.done();
  }
  return videos;
}

/** Streets with seeds that follow each other; style and camera of each are drawn. */
export function streetsOf({
  clips,
  fitClips,
  size,
  fps,
  firstSeed,
}: Pick<StreetPromiseOptions, "clips" | "fitClips" | "size" | "fps" | "firstSeed">): readonly StreetOptions[] {
  const random = seeded(firstSeed);
  const oneOf = <T>(choices: readonly T[], otherwise: T): T =>
    choices[Math.floor(random() * choices.length)] ?? otherwise;
  return Array.from({ length: fitClips + clips }, (_, index) => ({
    ...size,
    fps,
    seed: firstSeed + index,
    style: oneOf(streetStyles, "day"),
    camera: oneOf(streetCameras, "drive"),
  }));
}
