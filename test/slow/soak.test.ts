// Memory over long runs: after the first thousand frames it does not grow with their number. Medians of windows are
// compared, since the resident size swings with every collection of garbage.

import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { parseSchedule } from "../../src/clocks/index.ts";
import { nodeEngine } from "../../src/engine/node/engine.ts";
import type { Frame } from "../../src/frame.ts";
import { defaultPreprocessing } from "../../src/preprocessing.ts";
import { Segmenter } from "../../src/segment/index.ts";
import { openSink, openVideo } from "../../src/video/index.ts";
import { noiseFrame } from "../support/noise.ts";
import { temporaryFolder } from "../support/model-folder.ts";
import { frameSize, smallModel } from "../support/segmenting.ts";
import { makeClip } from "../video/clips.ts";

const frames = 10_000;
const window = 1000;
const mostGrowthMb = 20;

/** Resident sizes in MB, frame by frame. */
class Memory {
  readonly #sizes: number[] = [];

  note(): void {
    // The whole process, engine and decoder included.
    this.#sizes.push(process.memoryUsage.rss() / 2 ** 20);
  }

  get count(): number {
    return this.#sizes.length;
  }

  /** Growth from the second thousand of frames to the last, in MB. */
  growth(): number {
    const median = (from: number): number =>
      this.#sizes.slice(from, from + window).sort((a, b) => a - b)[Math.floor(window / 2)] ?? Number.NaN;
    const [early, late] = [median(window), median(this.#sizes.length - window)];
    console.log(`${early.toFixed(1)} MB after the first ${window} frames, ${late.toFixed(1)} MB at the end`);
    return late - early;
  }
}

function segmenter(): Segmenter {
  return new Segmenter({
    model: smallModel(),
    engine: nodeEngine,
    schedule: parseSchedule("fixed:2"),
    preprocessing: defaultPreprocessing(),
    engineOptions: { threads: 1 },
  });
}

describe(`${frames} frames`, () => {
  let made: readonly Frame[];
  beforeAll(() => {
    made = Array.from({ length: 50 }, (_, at) => noiseFrame(frameSize.widthPx, frameSize.heightPx, at));
  });

  test("through a segmenter", async () => {
    await using segmenting = segmenter();
    const source = function* (): Generator<Frame> {
      for (let at = 0; at < frames; at++) {
        const frame = made[at % made.length];
        if (frame !== undefined) yield { ...frame, data: frame.data.slice(), timestampSec: at / 25 };
      }
    };
    const memory = new Memory();
    let wrong = 0;
    for await (const { fired } of segmenting.segment(source())) {
      // Every second frame; what `expect` itself keeps would be measured, too.
      if (fired.join() !== `true,${memory.count % 2 === 0}`) wrong += 1;
      memory.note();
    }
    expect([memory.count, wrong]).toEqual([frames, 0]);
    expect(memory.growth()).toBeLessThan(mostGrowthMb);
  });

  test.each(["labels.mkv", "overlay.mp4"])("from a video through a segmenter to %s", async (name) => {
    await using folder = await temporaryFolder();
    const clip = await makeClip(join(folder.path, "clip.mp4"), {
      graph: `testsrc2=s=96x64:d=${frames / 25}:r=25,format=yuv420p`,
    });
    await using segmenting = segmenter();
    await using video = await openVideo(clip);
    const { frameRate, timeBase } = video.info;
    const format = name.endsWith(".mkv") ? "labels" : "overlay";
    const sink = await openSink(join(folder.path, name), { frameRate, timeBase, format });
    const memory = new Memory();
    for await (const { frame, labels } of segmenting.segment(video)) {
      await sink.write(frame, labels);
      memory.note();
    }
    await sink.close();
    expect(memory.count).toBe(frames);
    expect(memory.growth()).toBeLessThan(mostGrowthMb);
  });
});
