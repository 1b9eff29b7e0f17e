// The score of a validation, counted by hand: the network's labels where there is a truth, and nothing where there is none.

import { expect, test } from "vitest";
import { openDataset } from "../../../src/datasets/index.ts";
import { nodeEngine } from "../../../src/engine/node/engine.ts";
import { street } from "../../../src/networks/index.ts";
import { validate } from "../../../src/node/training/validation.ts";
import { defaultPreprocessing } from "../../../src/preprocessing.ts";
import { Segmenter } from "../../../src/segment/index.ts";
import { writeFiles, type Content } from "../../datasets/files.ts";
import { temporaryFolder } from "../../support/model-folder.ts";

const side = 32;
const noTruth = 255;

test("pixels without a truth count for nobody", async () => {
  await using home = await temporaryFolder();
  const truth = Array.from({ length: side }, (_, y) =>
    Array.from({ length: side }, (__, x) => (x < 12 ? noTruth : (x + y) % 3)),
  );
  const picture = (shift: number): Content => ({
    kind: "rgb",
    rows: truth.map((row, y) => row.map((_, x) => [(x * 8 + shift) % 256, (y * 8) % 256, (x * y + shift) % 256])),
  });
  const mask: Content = { kind: "gray", rows: truth };
  await writeFiles(home.path, {
    "classes.json": '["road", "sky", "car"]',
    "frames/1.png": picture(0),
    "frames/2.png": picture(90),
    "labels/1.png": mask,
    "labels/2.png": mask,
  });
  const dataset = await openDataset(home.path);
  const model = street({ width: 1 / 8, classes: 3, seed: 5 });
  const preprocessing = defaultPreprocessing();
  const { meanIou, accuracy } = await validate(model, { dataset, classNames: dataset.classNames, preprocessing });

  await using segmenter = new Segmenter({ model, engine: nodeEngine, schedule: { kind: "every" }, preprocessing });
  const [both, either] = [
    [0, 0, 0],
    [0, 0, 0],
  ];
  let [right, all] = [0, 0];
  for await (const { frame } of dataset.sequences[0]?.read() ?? []) {
    for await (const { labels } of segmenter.segment([frame])) {
      for (const [at, label] of labels.data.entries()) {
        const expected = truth[Math.floor(at / side)]?.[at % side] ?? noTruth;
        if (expected === noTruth) continue;
        all++;
        if (label === expected) right++;
        for (const one of [0, 1, 2]) {
          if (label === one && expected === one) both[one] = (both[one] ?? 0) + 1;
          if (label === one || expected === one) either[one] = (either[one] ?? 0) + 1;
        }
      }
    }
  }
  expect(all).toBe(2 * side * (side - 12));
  expect(accuracy).toBeCloseTo(right / all, 12);
  expect(meanIou).toBeCloseTo([0, 1, 2].reduce((sum, one) => sum + (both[one] ?? 0) / (either[one] ?? 1), 0) / 3, 12);
});
