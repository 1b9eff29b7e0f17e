// The viewport against its pixels, one by one: frame k shows pixel (x, y) of the still at (x - k * shift, y).

import { expect, test } from "vitest";
import type { Dataset, LabelledFrame } from "../../src/datasets/dataset.ts";
import { sequenceOf } from "../../src/datasets/sequence.ts";
import { parseViewport, translatingViewport, type ViewportOptions } from "../../src/datasets/viewport.ts";
import { ClockworkError } from "../../src/errors.ts";
import type { Frame, LabelMap } from "../../src/frame.ts";
import { staticNoise } from "../support/pictures.ts";

function labelsFor(frame: Frame): LabelMap {
  const { widthPx, heightPx } = frame;
  return { widthPx, heightPx, data: Uint8Array.from({ length: widthPx * heightPx }, (_, i) => (i * 31) % 256) };
}

/** A dataset of stills of these sizes; counts how often one is read. */
function stills(sizes: readonly (readonly [number, number])[]): { dataset: Dataset; reads: () => number } {
  let reads = 0;
  const sequences = sizes.map(([widthPx, heightPx], index) => {
    const picture = staticNoise({ widthPx, heightPx }, index);
    const read = async (): Promise<Frame> => {
      reads++;
      return Promise.resolve(picture);
    };
    const item = { name: `still${index}`, read, readLabels: () => Promise.resolve(labelsFor(picture)) };
    return sequenceOf(`still${index}`, [item], 25);
  });
  const dataset = { name: "stills", split: undefined, classNames: ["a"], sequences, notes: ["one"] };
  return { dataset, reads: () => reads };
}

async function framesOf(dataset: Dataset, index = 0, range = {}): Promise<LabelledFrame[]> {
  const frames: LabelledFrame[] = [];
  for await (const frame of dataset.sequences[index]?.read(range) ?? []) frames.push(frame);
  return frames;
}

/** The part of a picture by asking for every pixel. */
function part(
  { data, widthPx }: { readonly data: Uint8Array; readonly widthPx: number },
  [left, top, width, height]: readonly [number, number, number, number],
  channels: number,
): number[] {
  const values: number[] = [];
  for (let y = top; y < top + height; y++) {
    for (let x = left; x < left + width; x++) {
      for (let c = 0; c < channels; c++) values.push(data[(y * widthPx + x) * channels + c] ?? -1);
    }
  }
  return values;
}

type Case = readonly [
  string,
  readonly [number, number],
  ViewportOptions,
  (frame: number) => [number, number, number, number],
];
const CASES: readonly Case[] = [
  ["along a wide picture", [40, 20], { shiftPx: 5, frames: 4 }, (k) => [5 * k, 0, 25, 20]],
  ["along a tall picture", [12, 30], { shiftPx: 3, frames: 6 }, (k) => [0, 3 * k, 12, 15]],
  // The largest side, and of equal ones the first: rows before columns.
  ["down a square", [16, 16], { shiftPx: 2, frames: 3 }, (k) => [0, 2 * k, 16, 12]],
  ["not at all", [10, 8], { shiftPx: 0, frames: 2 }, () => [0, 0, 10, 8]],
  ["one frame: the still", [10, 8], { shiftPx: 9, frames: 1 }, () => [0, 0, 10, 8]],
  // 40 - 10 - 15 leaves 15: seven before it.
  [
    "a smaller viewport through the middle",
    [40, 20],
    { shiftPx: 5, frames: 4, widthPx: 10, heightPx: 8 },
    (k) => [7 + 5 * k, 6, 10, 8],
  ],
  ["a narrower one, as high as the still", [40, 20], { shiftPx: 5, frames: 4, widthPx: 25 }, (k) => [5 * k, 0, 25, 20]],
];

for (const [name, size, options, box] of CASES) {
  test(`moves ${name}`, async () => {
    const { dataset } = stills([size]);
    const [still] = await framesOf(dataset);
    const moving = translatingViewport(dataset, options);
    const frames = await framesOf(moving);
    expect(frames.length).toBe(options.frames);
    expect(moving.sequences[0]?.length).toBe(options.frames);
    expect(moving.sequences[0]?.labelled).toEqual(frames.map(({ index }) => index));
    for (const [k, { frame, labels, index }] of frames.entries()) {
      const expected = box(k);
      expect(index).toBe(k);
      expect([frame.widthPx, frame.heightPx]).toEqual(expected.slice(2));
      expect([labels?.widthPx, labels?.heightPx]).toEqual(expected.slice(2));
      expect([...frame.data]).toEqual(part(still?.frame ?? frame, expected, 3));
      expect([...(labels?.data ?? [])]).toEqual(part(labelsFor(still?.frame ?? frame), expected, 1));
    }
  });
}

test("the paper's path ends at the last column", async () => {
  const moving = translatingViewport(stills([[500, 4]]).dataset, parseViewport("32x6"));
  const frames = await framesOf(moving);
  expect(frames.map(({ frame }) => frame.widthPx)).toEqual(Array.from({ length: 6 }, () => 500 - 32 * 5));
});

test("a range gives the same frames, and the still is read once, when it is wanted", async () => {
  const { dataset, reads } = stills([[30, 10]]);
  const moving = translatingViewport(dataset, { shiftPx: 2, frames: 6 });
  expect(reads()).toBe(0);
  const all = await framesOf(moving);
  expect(reads()).toBe(1);
  expect(await framesOf(moving, 0, { from: 1, to: 5, step: 2 })).toEqual([all[1], all[3]]);
  expect(await framesOf(moving, 0, { from: 6 })).toEqual([]);
  expect(reads()).toBe(2);
  const times = all.map(({ frame }) => frame.timestampSec);
  expect(times.slice(1).every((time, index) => time > (times[index] ?? time))).toBe(true);
  await expect(framesOf(moving, 0, { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: "aborted" });
});

test("labelled frames of a video become videos, the others are left out", async () => {
  const pictures = [0, 1, 2, 3].map((seed) => staticNoise({ widthPx: 9, heightPx: 5 }, seed));
  const items = pictures.map((picture, index) => {
    const item = { name: `f${index}`, read: () => Promise.resolve(picture) };
    return index % 2 === 0 ? item : { ...item, readLabels: () => Promise.resolve(labelsFor(picture)) };
  });
  const dataset = { ...stills([]).dataset, sequences: [sequenceOf("walk", items, 25)] };
  const moving = translatingViewport(dataset, { shiftPx: 1, frames: 2 });
  expect(moving.sequences.map(({ name }) => name)).toEqual(["walk#1", "walk#3"]);
  expect(moving.classNames).toEqual(["a"]);
  const frames = await framesOf(moving, 1);
  expect(frames.map(({ name }) => name)).toEqual(["f3_0", "f3_1"]);
  expect([...(frames[1]?.frame.data ?? [])]).toEqual(
    part(pictures[3] ?? { data: new Uint8Array(), widthPx: 0 }, [1, 0, 8, 5], 3),
  );
});

test("says what it did, after what the dataset says", () => {
  const { notes } = translatingViewport(stills([[30, 10]]).dataset, { shiftPx: 16, frames: 6 });
  expect(notes[0]).toBe("one");
  expect(notes[1]).toMatch(/1 labelled stills is a video of 6 frames.*16 px a frame/);
});

const TOO_SMALL: readonly ViewportOptions[] = [
  { shiftPx: 6, frames: 6 },
  { shiftPx: 5, frames: 4, widthPx: 16 },
  { shiftPx: 1, frames: 2, heightPx: 21 },
];
for (const options of TOO_SMALL) {
  test(`a still too small: ${JSON.stringify(options)}`, async () => {
    const reading = framesOf(translatingViewport(stills([[30, 20]]).dataset, options));
    await expect(reading).rejects.toThrow(/viewport: expected a picture with room for .*got 30x20 \(still0\)/);
    await expect(reading).rejects.toMatchObject({ code: "invalid-argument" });
  });
}

test("refuses what is no viewport", () => {
  const { dataset } = stills([[30, 10]]);
  expect(parseViewport(" 16x6 ")).toEqual({ shiftPx: 16, frames: 6 });
  for (const text of ["", "16", "16x", "x6", "1.5x6", "-1x6", "16x6x2", "16x0"]) {
    expect(() => parseViewport(text)).toThrow(ClockworkError);
  }
  expect(() => translatingViewport(dataset, { shiftPx: 0.5, frames: 6 })).toThrow(/shiftPx/);
  expect(() => translatingViewport(dataset, { shiftPx: 1, frames: 0 })).toThrow(/frames/);
  expect(() => translatingViewport(stills([]).dataset, { shiftPx: 1, frames: 2 })).toThrow(/expected labelled frames/);
});
