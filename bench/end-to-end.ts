// From file to label files: the rate of the whole beside that of its slowest part alone.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseSchedule } from "../src/clocks/index.ts";
import { nodeEngine } from "../src/engine/node/engine.ts";
import type { Frame, LabelMap } from "../src/frame.ts";
import { Segmenter } from "../src/segment/index.ts";
import { openSink, openVideo } from "../src/video/index.ts";
import { rested } from "./contestants.ts";
import { beside, espnetSubject, framesOf } from "./material.ts";
import type { Benchmark } from "./measurement.ts";
import { compare } from "./stopwatch.ts";

const frameCount = 100;
const turns = 5;
const clock = "fixed:2";

/** Decode, segment and write labels at once, against the slowest of the three alone. */
export const endToEnd: Benchmark = {
  name: "end-to-end",
  about: "decode + segment + label output against the slowest of them alone",
  async run() {
    const folder = await mkdtemp(join(tmpdir(), "clockwork-bench-"));
    const subject = await espnetSubject();
    await using segmenter = new Segmenter({ ...subject, engine: nodeEngine, schedule: parseSchedule(clock) });
    try {
      const clip = await clipIn(folder);
      const source = async function* (): AsyncGenerator<Frame> {
        let count = 0;
        for await (const frame of await openVideo(clip)) {
          yield frame;
          if (++count === frameCount) return;
        }
      };
      const frames: Frame[] = [];
      for await (const frame of source()) frames.push(frame);
      const labels: LabelMap[] = [];
      for await (const result of segmenter.segment(frames)) labels.push(result.labels);

      const decode = async (): Promise<void> => {
        for await (const frame of source()) if (frame.data.length === 0) throw new Error("expected pixels");
      };
      const infer = async (): Promise<void> => {
        for await (const result of segmenter.segment(frames))
          if (result.labels.data.length === 0) throw new Error("expected labels");
      };
      const write = async (): Promise<void> => {
        const sink = await openSink(join(folder, "alone"), { frameRate: 25 });
        for (const [at, frame] of frames.entries())
          await sink.write(frame, labels[at] ?? { ...frame, data: new Uint8Array() });
        await sink.close();
      };
      const whole = async (): Promise<void> => {
        const sink = await openSink(join(folder, "whole"), { frameRate: 25 });
        let writing = Promise.resolve();
        for await (const result of segmenter.segment(source())) {
          await writing;
          writing = sink.write(result.frame, result.labels);
        }
        await writing;
        await sink.close();
      };
      const { milliseconds } = await compare([whole, decode, infer, write], turns, rested);
      const rates = milliseconds.map((time) => (1000 * frames.length) / time);
      const [ours = 0, ...parts] = rates;
      const names = ["decode", "segment", "write labels"];
      const slowest = Math.min(...parts);
      const size = `${frames[0]?.widthPx}x${frames[0]?.heightPx}`;
      return [
        {
          bench: "end-to-end",
          ours,
          reference: slowest,
          ratio: ours / slowest,
          unit: "frames/s",
          note: `${subject.name}, ${clock}, ${frames.length} frames of ${size} to label PNGs; alone: ${parts
            .map((rate, part) => `${names[part]} ${rate.toFixed(1)}`)
            .join(", ")} frames/s`,
        },
      ];
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  },
};

/** A real clip where one lies beside the project, else one that is made here. */
async function clipIn(folder: string): Promise<string> {
  const real = beside("data/clips/highway-dusk.mp4");
  if (real !== undefined) return real;
  const path = join(folder, "clip.mp4");
  const sink = await openSink(path, { frameRate: 25, opacity: 0 });
  for (const frame of await framesOf(640, 360, frameCount)) {
    await sink.write(frame, { data: new Uint8Array(640 * 360), widthPx: 640, heightPx: 360 });
  }
  await sink.close();
  return path;
}
