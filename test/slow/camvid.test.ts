// Accuracy on the validation set of CamVid under several clocks, against the figures of docs/results.md: the published
// ESPNet, mean IoU over all classes but void. Frames of CamVid are a second apart, so what is held is old.

import { readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { ConfusionMatrix } from "../../src/metrics/index.ts";
import { openSegmenter } from "../../src/node/open-segmenter.ts";
import { openVideo, readLabelImage } from "../../src/video/index.ts";
import { besideProject } from "../support/shared.ts";

const data = besideProject("data/camvid/val");
const model = besideProject("models/espnet-camvid");
const missing = data === undefined || model === undefined;

describe.skipIf(missing)(
  `CamVid${missing ? ": neither its frames nor the network lie beside the project" : ""}`,
  () => {
    test.each([
      ["every", 70.1],
      ["skip:2", 67.1],
      ["fixed:2", 67.93],
      ["skip:5", 59.91],
      ["fixed:5", 61.74],
    ])("clock %s: mean IoU of %d in a hundred", async (clock, expected) => {
      const annotations = `${data ?? ""}annot`;
      const names = readdirSync(annotations)
        .filter((name) => name.endsWith(".png"))
        .sort();
      await using segmenter = await openSegmenter({ model: model ?? "", clock, stages: 2 });
      await using video = await openVideo(data ?? "");
      const matrix = new ConfusionMatrix((segmenter.classNames ?? []).filter((name) => name !== "void").length);
      let frame = 0;
      for await (const { labels } of segmenter.segment(video)) {
        const truth = await readLabelImage(join(annotations, names[frame] ?? ""));
        matrix.update(labels.data, truth.data);
        frame += 1;
      }
      expect(frame).toBe(names.length);
      expect(Math.abs(100 * (matrix.result().meanIou ?? 0) - expected)).toBeLessThan(0.05);
    });
  },
);
