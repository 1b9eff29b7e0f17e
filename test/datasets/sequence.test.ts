// Sequences of items: what is read when, which frames come, and how reading ends.

import { setImmediate } from "node:timers/promises";
import { expect, test } from "vitest";
import { sequenceOf, type Sequence, type SequenceItem } from "../../src/datasets/index.ts";
import type { Frame, LabelMap } from "../../src/frame.ts";
import { framesOf } from "./files.ts";

const frameOf = (value: number): Frame => ({
  data: new Uint8Array(6).fill(value),
  widthPx: 2,
  heightPx: 1,
  timestampSec: 99,
});
const labelsOf = (value: number, widthPx = 2): LabelMap => ({
  data: new Uint8Array(widthPx).fill(value),
  widthPx,
  heightPx: 1,
});

/** A sequence of ten frames, every third labelled, that keeps a record of what it reads. */
function recorded(): { sequence: Sequence; reads: number[] } {
  const reads: number[] = [];
  const items = Array.from({ length: 10 }, (_, index): SequenceItem => {
    const read = (): Promise<Frame> => {
      reads.push(index);
      return Promise.resolve(frameOf(index));
    };
    const readLabels = (): Promise<LabelMap> => Promise.resolve(labelsOf(index + 100));
    return index % 3 === 0 ? { name: `f${index}`, read, readLabels } : { name: `f${index}`, read };
  });
  return { sequence: sequenceOf("s", items, 20), reads };
}

test("frames come in order, with times by the frame rate and labels where there are any", async () => {
  const { sequence } = recorded();
  expect([sequence.name, sequence.length, sequence.labelled]).toEqual(["s", 10, [0, 3, 6, 9]]);
  const frames = await framesOf(sequence);
  expect(frames.map(({ index }) => index)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  expect(frames.map(({ name }) => name)).toEqual(frames.map(({ index }) => `f${index}`));
  expect(frames.map(({ frame }) => frame.data[0])).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  for (const { index, frame, labels } of frames) {
    expect(frame.timestampSec).toBeCloseTo(index * 0.05, 12);
    expect(labels?.data[0]).toBe(index % 3 === 0 ? index + 100 : undefined);
  }
});

test("an item's own time goes before the frame rate's", async () => {
  const items = [0, 2.5].map((timestampSec) => ({ name: "x", timestampSec, read: () => Promise.resolve(frameOf(0)) }));
  const frames = await framesOf(sequenceOf("s", items, 1));
  expect(frames.map(({ frame }) => frame.timestampSec)).toEqual([0, 2.5]);
});

test("a range is what slicing an array gives, and nothing else is read", async () => {
  const all = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];
  for (const range of [{ from: 3 }, { to: 4 }, { from: 2, to: 9, step: 3 }, { step: 4 }, { from: 10 }, { to: 50 }]) {
    const { sequence, reads } = recorded();
    const expected = all.slice(range.from ?? 0, range.to).filter((_, at) => at % (range.step ?? 1) === 0);
    const frames = await framesOf(sequence, range);
    expect(frames.map(({ index }) => index)).toEqual(expected);
    expect(reads).toEqual(expected);
  }
});

test("no more than one frame is read ahead of the one in hand", async () => {
  const { sequence, reads } = recorded();
  expect(reads).toEqual([]);
  let count = 0;
  for await (const { index } of sequence.read()) {
    await setImmediate();
    expect(reads.length).toBeLessThanOrEqual(index + 2);
    if (++count === 4) break;
  }
  await setImmediate();
  expect(reads).toEqual([0, 1, 2, 3, 4]);
});

test("the signal stops reading, before the first frame and after any", async () => {
  const { sequence, reads } = recorded();
  await expect(framesOf(sequence, { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: "aborted" });
  expect(reads).toEqual([]);
  const stop = new AbortController();
  const seen: number[] = [];
  const reading = (async () => {
    for await (const { index } of sequence.read({ signal: stop.signal })) {
      seen.push(index);
      if (index === 2) stop.abort();
    }
  })();
  await expect(reading).rejects.toMatchObject({ code: "aborted" });
  expect(seen).toEqual([0, 1, 2]);
});

test("an item that fails does so in its turn, and not at all where nobody comes that far", async () => {
  const items = [0, 1, 2].map((index) => ({
    name: `f${index}`,
    read: () => (index === 2 ? Promise.reject(new Error("broken file")) : Promise.resolve(frameOf(index))),
  }));
  const seen: number[] = [];
  const reading = (async () => {
    for await (const { index } of sequenceOf("s", items, 1).read()) seen.push(index);
  })();
  await expect(reading).rejects.toThrow("broken file");
  expect(seen).toEqual([0, 1]);
  // An unhandled rejection would fail this test.
  for await (const { index } of sequenceOf("s", items, 1).read()) if (index === 1) break;
  await setImmediate();
});

test("labels of another size than their frame are an error that names both files", async () => {
  const item = {
    name: "f",
    framePath: "frames/f.jpg",
    labelsPath: "labels/f.png",
    read: () => Promise.resolve(frameOf(0)),
    readLabels: () => Promise.resolve(labelsOf(0, 3)),
  };
  await expect(framesOf(sequenceOf("s", [item], 1))).rejects.toMatchObject({
    code: "invalid-argument",
    message: "labels/f.png: expected labels of 2x1, as frames/f.jpg, got 3x1",
  });
});

test("ranges and frame rates that make no sense are refused", async () => {
  const { sequence } = recorded();
  for (const range of [{ from: -1 }, { from: 0.5 }, { to: -1 }, { step: 0 }, { step: Number.NaN }]) {
    await expect(framesOf(sequence, range)).rejects.toMatchObject({ code: "invalid-argument" });
  }
  expect(() => sequenceOf("s", [], 0)).toThrow(/frame rate above 0/u);
});
