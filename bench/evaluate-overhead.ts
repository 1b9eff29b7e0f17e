// What evaluating costs beside the segmentation that it evaluates: scoring, checkpoints, label maps for a report.

import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseSchedule } from "../src/clocks/index.ts";
import { sequenceOf } from "../src/datasets/index.ts";
import { nodeEngine } from "../src/engine/node/engine.ts";
import { evaluate } from "../src/evaluate/index.ts";
import { FileStore } from "../src/node/file-store.ts";
import { Segmenter } from "../src/segment/index.ts";
import { espnetSubject, framesOf } from "./material.ts";
import type { Benchmark } from "./measurement.ts";
import { compare } from "./stopwatch.ts";

const size = { widthPx: 480, heightPx: 360 } as const;
const frameCount = 64;
const turns = 5;
const clocks = ["every", "skip:5", "fixed:2"] as const;

/** The same frames through the same segmenters, with and without an evaluation around them. */
export const evaluateOverhead: Benchmark = {
  name: "evaluate-overhead",
  about: "an evaluation against the segmentation in it",
  async run() {
    const { model, preprocessing, name } = await espnetSubject();
    const frames = await framesOf(size.widthPx, size.heightPx, frameCount);
    const segmenters = clocks.map(
      (clock) => new Segmenter({ model, preprocessing, engine: nodeEngine, schedule: parseSchedule(clock) }),
    );
    const [oracle] = segmenters;
    if (oracle === undefined) throw new Error("expected segmenters");
    const truths: Uint8Array<ArrayBuffer>[] = [];
    for await (const { labels } of oracle.segment(frames)) truths.push(labels.data);
    const classNames = Array.from({ length: 12 }, (_, label) => `class ${label}`);
    const items = frames.map((frame, index) => ({
      name: String(index),
      read: () => Promise.resolve(frame),
      readLabels: () => Promise.resolve({ ...size, data: truths[index] ?? new Uint8Array() }),
    }));
    const dataset = {
      name: "bench",
      split: undefined,
      classNames,
      sequences: [sequenceOf("bench", items, 25)],
      notes: [],
    };
    try {
      const { milliseconds, ratios } = await compare(
        [
          async () => {
            for (const segmenter of segmenters) for await (const result of segmenter.segment(frames)) void result;
          },
          async () => {
            await using store = await FileStore.open(await mkdtemp(join(tmpdir(), "clockwork-bench-")));
            await evaluate({
              dataset,
              model: name,
              networkClasses: classNames.length,
              contenders: segmenters.map((segmenter, at) => ({
                segmenter,
                schedule: parseSchedule(clocks[at] ?? "every"),
              })),
              store,
              keepLabels: true,
            });
            await store.remove();
          },
        ],
        turns,
      );
      return [
        {
          bench: "evaluate-overhead",
          ours: (milliseconds[1] ?? Number.NaN) / frameCount,
          reference: (milliseconds[0] ?? Number.NaN) / frameCount,
          ratio: ratios[1] ?? Number.NaN,
          unit: "ms",
          note: `a frame through ${clocks.join(", ")}; ${name}, 480x360; scores, checkpoints and label maps kept`,
        },
      ];
    } finally {
      for (const segmenter of segmenters) await segmenter[Symbol.asyncDispose]();
    }
  },
};
