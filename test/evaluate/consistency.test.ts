// Temporal consistency with real matching: labels that move with what is seen are consistent, others are not, and a
// change of shot is not compared.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { sequenceOf, type Dataset } from "../../src/datasets/index.ts";
import { evaluate, type DetailedEvaluation } from "../../src/evaluate/index.ts";
import type { Frame, LabelMap } from "../../src/frame.ts";
import { BlockMatcher } from "../../src/node/block-matcher.ts";
import { localEngine } from "../support/runtime.ts";
import { Scene } from "../support/pictures.ts";
import { contendersOf } from "./rig.ts";

const size = { widthPx: 160, heightPx: 96 };
const pixels = size.widthPx * size.heightPx;
/** Pixels that the view moves by from frame to frame. */
const speed = 6;

/** Three frames of one scene and three of another, labelled by what is seen, or by where it is in the picture. */
function datasetOf(labelOf: (frame: Frame, at: number) => number): Dataset {
  const items = Array.from({ length: 6 }, (_, index) => {
    const frame = new Scene(index < 3 ? 11 : 12).at(size, { x: (index * speed) / size.widthPx });
    const labels: LabelMap = {
      ...size,
      data: Uint8Array.from({ length: pixels }, (__, at) => labelOf(frame, at)),
    };
    return { name: `${index}`, read: () => Promise.resolve(frame), readLabels: () => Promise.resolve(labels) };
  });
  return {
    name: "memory",
    split: undefined,
    classNames: ["dark", "light"],
    sequences: [sequenceOf("one", items, 25)],
    notes: [],
  };
}

async function evaluated(dataset: Dataset, matcher?: BlockMatcher): Promise<DetailedEvaluation> {
  await using contenders = contendersOf(["fixed:2"]);
  return await evaluate({ dataset, model: "small", contenders: contenders.all, networkClasses: 5, matcher });
}

describe("matched by blocks", () => {
  let matcher: BlockMatcher;
  beforeAll(() => (matcher = new BlockMatcher(localEngine)));
  afterAll(() => matcher[Symbol.asyncDispose]());

  test("labels that move with the scene are consistent; those that stay in the picture are not", async () => {
    const moving = await evaluated(
      datasetOf(({ data }, at) => (Number(data[3 * at]) > 128 ? 1 : 0)),
      matcher,
    );
    // Stripes as wide as the scene moves.
    const staying = await evaluated(
      datasetOf((_, at) => Math.floor((at % size.widthPx) / speed) % 2),
      matcher,
    );
    expect(moving.truthConsistency?.value).toBeGreaterThan(97);
    expect(staying.truthConsistency?.value).toBeLessThan(25);
    // Both scenes, less what came into view: not the change between them.
    const compared = moving.truthConsistency?.pixels ?? 0;
    expect(compared).toBeGreaterThan(0.7 * 4 * pixels);
    expect(compared).toBeLessThanOrEqual(4 * pixels);
    expect(staying.truthConsistency?.pixels).toBe(compared);
    for (const { consistency } of moving.runs) expect(consistency?.pixels).toBe(compared);
  });

  test("frames of another size, and of another scene, are not matched", async () => {
    const scene = new Scene(3);
    const frame = scene.at(size);
    expect(await matcher.match(frame, scene.at({ widthPx: 96, heightPx: 160 }))).toBeUndefined();
    expect(await matcher.match(frame, new Scene(4).at(size))).toBeUndefined();
    const same = (await matcher.match(frame, frame)) ?? [];
    // Between cells it is right to a fraction of one.
    expect([...same].filter((place, at) => place >= 0 && Math.abs(place - at) > 1 + size.widthPx)).toEqual([]);
    expect([...same].filter((place, at) => place === at).length).toBeGreaterThan(0.75 * pixels);
    // Sizes come and go.
    for (const widthPx of [64, 80, 96, 64]) {
      const other = scene.at({ widthPx, heightPx: 48 });
      expect(await matcher.match(other, other)).toHaveLength(48 * widthPx);
    }
  });
});

test("without a matcher it is not measured", async () => {
  const { runs, truthConsistency } = await evaluated(datasetOf(() => 0));
  expect([truthConsistency, ...runs.map(({ consistency }) => consistency)]).toEqual([null, null, null]);
});
