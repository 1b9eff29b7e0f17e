// The synthetic street as a dataset: the renderer's own frames and labels, in any order, by name.

import { expect, test } from "vitest";
import { openDataset, streetDataset, type LabelledFrame, type Sequence } from "../../src/datasets/index.ts";
import { parseStreet } from "../../src/datasets/street.ts";
import { Street, streetClasses } from "../../src/video/street/index.ts";

const small = { seed: 3, widthPx: 64, heightPx: 48, fps: 10 } as const;

function sequenceIn({ sequences }: { readonly sequences: readonly Sequence[] }): Sequence {
  const [sequence] = sequences;
  if (sequence === undefined) throw new Error("expected a sequence");
  return sequence;
}

async function all(frames: AsyncIterable<LabelledFrame>): Promise<LabelledFrame[]> {
  const read: LabelledFrame[] = [];
  for await (const frame of frames) read.push(frame);
  return read;
}

test("every frame has the renderer's picture and labels", async () => {
  const dataset = streetDataset(small, 4);
  expect(dataset).toMatchObject({ name: "street", split: undefined, classNames: streetClasses });
  const sequence = sequenceIn(dataset);
  expect([sequence.length, sequence.labelled]).toEqual([4, [0, 1, 2, 3]]);
  const read = await all(sequence.read());
  const street = new Street(small);
  for (const [index, { frame, labels, name, index: at }] of read.entries()) {
    const rendered = street.frame(index);
    expect([at, name, frame.timestampSec]).toEqual([index, `street_00000${index}`, index / 10]);
    expect(frame.data).toEqual(rendered.frame.data);
    expect(labels).toEqual(rendered.labels);
    expect(labels?.data.every((label) => label < streetClasses.length)).toBe(true);
  }
  // Again, from the middle: the same.
  const again = await all(sequence.read({ from: 1, to: 4, step: 2 }));
  expect(again.map(({ index, frame }) => [index, frame.data])).toEqual(
    [1, 3].map((index) => [index, read[index]?.frame.data]),
  );
});

test("sequences of other streets have other names", () => {
  const nameOf = (options: Parameters<typeof streetDataset>[0]): string => sequenceIn(streetDataset(options, 2)).name;
  const others = [
    { seed: 4 },
    { style: "night" },
    { camera: "turn" },
    { density: 2 },
    { widthPx: 96 },
    { fps: 15 },
    { noise: 9 },
    { exposure: 2 },
  ] as const;
  const names = [nameOf(small), ...others.map((other) => nameOf({ ...small, ...other }))];
  expect(new Set(names).size).toBe(names.length);
  expect(nameOf(small)).toBe(nameOf({ ...small, style: "day", camera: "drive", density: 1 }));
});

test("a street by its text", async () => {
  expect(parseStreet("street:7")).toEqual({ seed: 7 });
  expect(parseStreet("street:-7,turn,night")).toEqual({ seed: -7, style: "night", camera: "turn" });
  const dataset = await openDataset("street:7,fog,fixed");
  expect(sequenceIn(dataset).name).toMatch(/^7-fog-fixed-1-480x360-15-/);
  expect(sequenceIn(dataset).length).toBe(120);
  for (const text of ["street:", "street:x", "street:1.5", "street:1,snow", "street:1,day,night", "street:1,day,day"]) {
    await expect(openDataset(text)).rejects.toThrow(/expected street:SEED.*got "street:.*try street:7/);
  }
  expect(() => streetDataset(small, 0)).toThrow(/whole number from 1/);
  expect(() => streetDataset({ ...small, widthPx: 8 })).toThrow(/widthPx/);
});
