// Segmenters over small networks, and streams of frames whose reading can be watched.

import { parseSchedule } from "../../src/clocks/index.ts";
import type { Frame } from "../../src/frame.ts";
import { fcn8s } from "../../src/networks/index.ts";
import type { Model } from "../../src/onnx/index.ts";
import { defaultPreprocessing } from "../../src/preprocessing.ts";
import { Segmenter, type SegmenterOptions, type SegmentResult } from "../../src/segment/index.ts";
import { localEngine } from "./runtime.ts";
import { noiseFrame } from "./noise.ts";

/** Size of the frames, which the network takes as it is. */
export const frameSize = { widthPx: 96, heightPx: 64 } as const;

let model: Model | undefined;

/** FCN-8s, thin: it can be cut into up to three stages. */
export function smallModel(): Model {
  model ??= fcn8s({ width: 1 / 16, classes: 5 });
  return model;
}

/** A segmenter of the small network on the calling thread. */
export function smallSegmenter(clock = "fixed:2", options: Partial<SegmenterOptions> = {}): Segmenter {
  return new Segmenter({
    model: smallModel(),
    engine: localEngine,
    schedule: parseSchedule(clock),
    preprocessing: defaultPreprocessing(),
    engineOptions: { threads: 1 },
    ...options,
  });
}

/** Frames that move a little from one to the next. */
export function movingFrames(count: number, size: { widthPx: number; heightPx: number } = frameSize): Frame[] {
  return Array.from({ length: count }, (_, frame) => noiseFrame(size.widthPx, size.heightPx, 2 * frame));
}

/** All results. */
export async function resultsOf(results: AsyncIterable<SegmentResult>): Promise<SegmentResult[]> {
  const all: SegmentResult[] = [];
  for await (const result of results) all.push(result);
  return all;
}

/** A text for each result: `#` for each stage that fired, `.` for each that did not. */
export function firings(results: readonly SegmentResult[]): readonly string[] {
  return results.map(({ fired }) => fired.map((flag) => (flag ? "#" : ".")).join(""));
}

/** A stream that counts what is read from it. */
export interface Watched {
  readonly frames: AsyncGenerator<Frame, void, void>;
  /** Frames that were asked for. */
  readonly read: () => number;
  readonly closed: () => boolean;
}

/**
 * Frames without end, or as many as are given.
 * @param before what happens before each frame is handed over: a wait, an error
 */
export function watched(before?: (frame: number) => Promise<void> | void, count: number = Infinity): Watched {
  let read = 0;
  let closed = false;
  const stream = async function* (): AsyncGenerator<Frame, void, void> {
    try {
      while (read < count) {
        const frame = read++;
        await before?.(frame);
        yield noiseFrame(frameSize.widthPx, frameSize.heightPx, 2 * frame);
      }
    } finally {
      closed = true;
    }
  };
  return { frames: stream(), read: () => read, closed: () => closed };
}

/** Waits. */
export function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/** Waits until something holds. @throws where it does not within five seconds */
export async function until(holds: () => boolean): Promise<void> {
  for (let tries = 0; !holds(); tries++) {
    if (tries > 500) throw new Error("expected it to hold within five seconds");
    await pause(10);
  }
}
