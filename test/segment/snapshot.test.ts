// Snapshots: a second segmenter that takes one goes on to what the first would have given, to the bit; what does not fit
// is refused. Their bytes are written and read here by the description in snapshot.ts, without its code.

import { describe, expect, test } from "vitest";
import { nodeEngine } from "../../src/engine/node/engine.ts";
import type { EngineTensor } from "../../src/engine/engine.ts";
import type { Frame } from "../../src/frame.ts";
import { decodeSnapshot, encodeSnapshot, type SegmenterSnapshot } from "../../src/segment/index.ts";
import { Scene } from "../support/pictures.ts";
import { firings, frameSize, movingFrames, resultsOf, smallSegmenter } from "../support/segmenting.ts";
import { told } from "./told.ts";

function expectSnapshot(snapshot: SegmenterSnapshot | undefined): SegmenterSnapshot {
  if (snapshot === undefined) throw new Error("expected a snapshot");
  return snapshot;
}

describe.each(["every", "skip:3", "fixed:2", "fixed:1,2,4", "adaptive:0.05"])("clock %s", (clock) => {
  test("another segmenter goes on to the bit, wherever the snapshot was taken", async () => {
    const frames = [...movingFrames(6), new Scene(3).at(frameSize), ...movingFrames(2)];
    await using first = smallSegmenter(clock);
    await using second = smallSegmenter(clock);
    const whole = await resultsOf(first.segment(frames));
    for (const at of [1, 2, 3, 6]) {
      const before = await resultsOf(first.segment(frames.slice(0, at)));
      const bytes = encodeSnapshot(expectSnapshot(await first.snapshot()));
      // The one goes on, the other starts from elsewhere.
      const after = await resultsOf(first.segment(frames.slice(at), { continues: true }));
      await resultsOf(second.segment(movingFrames(at + 1)));
      await second.restore(decodeSnapshot(bytes));
      const restored = await resultsOf(second.segment(frames.slice(at), { continues: true }));
      expect(told(restored)).toEqual(told(after));
      expect(told([...before, ...restored])).toEqual(told(whole));
    }
  });
});

test("what worker threads hold goes from one to another", async () => {
  const frames = movingFrames(5);
  await using first = smallSegmenter("fixed:1,2,4", { engine: nodeEngine });
  await using second = first.variant({});
  const before = await resultsOf(first.segment(frames.slice(0, 3)));
  await second.restore(structuredClone(expectSnapshot(await first.snapshot())));
  const after = await resultsOf(second.segment(frames.slice(3), { continues: true }));
  expect(firings([...before, ...after])).toEqual(["###", "#..", "##.", "#..", "###"]);
  expect(told([...before, ...after])).toEqual(told(await resultsOf(first.segment(frames))));
});

test("a change of shot on the first frame after restoring is told; on one that starts afresh nobody asks", async () => {
  const [scene, other] = [new Scene(1).at(frameSize), new Scene(2).at(frameSize)];
  await using first = smallSegmenter("fixed:9");
  await resultsOf(first.segment([scene, scene]));
  const snapshot = expectSnapshot(await first.snapshot());
  const next = async (
    frame: Frame,
    continues: boolean,
  ): Promise<readonly [string | undefined, boolean | undefined]> => {
    await using second = smallSegmenter("fixed:9");
    await second.restore(snapshot);
    const results = await resultsOf(second.segment([frame], { continues }));
    return [firings(results)[0], results[0]?.shot];
  };
  expect(await next(scene, true)).toEqual(["#.", false]);
  expect(await next(other, true)).toEqual(["##", true]);
  expect(await next(other, false)).toEqual(["##", false]);
});

describe("a snapshot", () => {
  test("names its frames, its schedule and the memory of the compiled network", async () => {
    await using segmenter = smallSegmenter("fixed:2");
    const { protocol } = await segmenter.prepare(frameSize);
    await resultsOf(segmenter.segment(movingFrames(3)));
    const { frame, schedule, tensors } = expectSnapshot(await segmenter.snapshot());
    expect([frame, schedule]).toEqual([frameSize, "fixed:2"]);
    expect(
      Object.entries(tensors).map(([input, { dtype, dims, data }]) => ({ input, dtype, dims, length: data.length })),
    ).toEqual(
      protocol.state.map(({ input, dtype, dims }) => ({
        input,
        dtype,
        dims,
        length: dims.reduce((product, dim) => product * dim, 1),
      })),
    );
    // Three frames were counted.
    expect(Object.values(tensors).find(({ dtype }) => dtype === "int64")?.data).toEqual(BigInt64Array.of(3n));
  });

  test("is a copy: later frames leave it as it is", async () => {
    await using segmenter = smallSegmenter("fixed:2");
    await resultsOf(segmenter.segment(movingFrames(1)));
    const snapshot = expectSnapshot(await segmenter.snapshot());
    const bytes = encodeSnapshot(snapshot);
    await resultsOf(segmenter.segment(movingFrames(4), { continues: true }));
    expect(encodeSnapshot(snapshot)).toEqual(bytes);
    expect(encodeSnapshot(expectSnapshot(await segmenter.snapshot()))).not.toEqual(bytes);
    await segmenter.restore(snapshot);
    expect(encodeSnapshot(expectSnapshot(await segmenter.snapshot()))).toEqual(bytes);
  });

  test("is not there where nothing is held", async () => {
    await using segmenter = smallSegmenter("fixed:2");
    expect(await segmenter.snapshot()).toBeUndefined();
    await segmenter.prepare(frameSize);
    expect(await segmenter.snapshot()).toBeUndefined();
    await resultsOf(segmenter.segment(movingFrames(1)));
    expect(await segmenter.snapshot()).toBeDefined();
    segmenter.reset();
    expect(await segmenter.snapshot()).toBeUndefined();
    await resultsOf(segmenter.segment(movingFrames(1)));
    await segmenter.prepare({ widthPx: 64, heightPx: 64 });
    expect(await segmenter.snapshot()).toBeUndefined();
  });

  test("is refused while frames are worked on, after a call that was left early, and after disposal", async () => {
    const segmenter = smallSegmenter("fixed:2");
    const refused = (code: string): unknown => expect.objectContaining({ name: "ClockworkError", code });
    await resultsOf(segmenter.segment(movingFrames(1)));
    const snapshot = expectSnapshot(await segmenter.snapshot());
    for await (const _ of segmenter.segment(movingFrames(5))) {
      await expect(segmenter.snapshot()).rejects.toEqual(refused("invalid-argument"));
      await expect(segmenter.restore(snapshot)).rejects.toEqual(refused("invalid-argument"));
      break;
    }
    await expect(segmenter.snapshot()).rejects.toEqual(refused("invalid-argument"));
    await segmenter.restore(snapshot);
    expect(firings(await resultsOf(segmenter.segment(movingFrames(2), { continues: true })))).toEqual(["#.", "##"]);
    await segmenter[Symbol.asyncDispose]();
    await expect(segmenter.snapshot()).rejects.toEqual(refused("aborted"));
    await expect(segmenter.restore(snapshot)).rejects.toEqual(refused("aborted"));
  });

  test("of another schedule, plan or network is refused, and what is held stays", async () => {
    await using segmenter = smallSegmenter("fixed:3");
    await resultsOf(segmenter.segment(movingFrames(2)));
    const own = expectSnapshot(await segmenter.snapshot());
    await using others = segmenter.variant({ stages: 3 });
    await resultsOf(others.segment(movingFrames(1)));
    const ofThreeStages = expectSnapshot(await others.snapshot());
    await using smaller = segmenter.variant({ size: { widthPx: 64, heightPx: 64 } });
    await resultsOf(smaller.segment(movingFrames(1)));
    const ofSmaller = expectSnapshot(await smaller.snapshot());
    for (const [snapshot, message] of [
      [{ ...own, schedule: "fixed:2" }, /"fixed:3", got one of "fixed:2"/],
      [{ ...own, tensors: {} }, /got none/],
      [ofThreeStages, /memory/],
      [ofSmaller, /memory "/],
    ] as const) {
      await expect(segmenter.restore(snapshot)).rejects.toMatchObject({
        code: "invalid-argument",
        message: expect.stringMatching(message) as string,
      });
    }
    expect(firings(await resultsOf(segmenter.segment(movingFrames(2), { continues: true })))).toEqual(["#.", "##"]);
  });

  test("brings a segmenter to its size of frames", async () => {
    const size = { widthPx: 64, heightPx: 96 };
    await using first = smallSegmenter("fixed:3");
    await resultsOf(first.segment(movingFrames(2, size)));
    const snapshot = expectSnapshot(await first.snapshot());
    const after = await resultsOf(first.segment(movingFrames(2, size), { continues: true }));
    await using second = smallSegmenter("fixed:3");
    await resultsOf(second.segment(movingFrames(1)));
    await second.restore(snapshot);
    expect(told(await resultsOf(second.segment(movingFrames(2, size), { continues: true })))).toEqual(told(after));
    // Frames of another size have nothing to go on from.
    await second.restore(snapshot);
    expect(firings(await resultsOf(second.segment(movingFrames(1), { continues: true })))).toEqual(["##"]);
  });
});

describe("bytes", () => {
  const tensors: Readonly<Record<string, EngineTensor>> = {
    "state/float32": { dtype: "float32", dims: [2, 2], data: Float32Array.of(1.5, -0, Number.NaN, 1e-40) },
    "state/ü": { dtype: "float16", dims: [3], data: Uint16Array.of(0x3c00, 0xfe01, 1) },
    float64: { dtype: "float64", dims: [1], data: Float64Array.of(0.1) },
    frames: { dtype: "int64", dims: [], data: BigInt64Array.of(-(2n ** 63n)) },
    uint64: { dtype: "uint64", dims: [1], data: BigUint64Array.of(2n ** 64n - 1n) },
    int32: { dtype: "int32", dims: [1, 1, 2], data: Int32Array.of(-(2 ** 31), 7) },
    uint32: { dtype: "uint32", dims: [1], data: Uint32Array.of(2 ** 32 - 1) },
    int16: { dtype: "int16", dims: [1], data: Int16Array.of(-2) },
    uint16: { dtype: "uint16", dims: [1], data: Uint16Array.of(65_535) },
    int8: { dtype: "int8", dims: [3], data: Int8Array.of(-128, 0, 127) },
    uint8: { dtype: "uint8", dims: [1], data: Uint8Array.of(9) },
    bool: { dtype: "bool", dims: [2], data: Uint8Array.of(1, 0) },
    none: { dtype: "float32", dims: [0, 4], data: new Float32Array() },
    "": { dtype: "float32", dims: [2], data: Float32Array.of(9, 3, 4, 9).subarray(1, 3) },
  };
  const snapshot: SegmenterSnapshot = { frame: { widthPx: 480, heightPx: 360 }, schedule: "fixed:1,2,4", tensors };

  /** Bytes by the description: an FNV-1a in whole numbers without bound, a header, elements. */
  function written(header: string, elements: Uint8Array = new Uint8Array()): Uint8Array {
    const text = new TextEncoder().encode(header);
    const bytes = new Uint8Array(12 + text.length + elements.length);
    bytes.set([0x43, 0x57, 0x53, 0x4e]);
    bytes.set(text, 12);
    bytes.set(elements, 12 + text.length);
    const view = new DataView(bytes.buffer);
    view.setUint32(8, text.length, true);
    let hash = 2_166_136_261n;
    for (const byte of bytes.subarray(8)) hash = ((hash ^ BigInt(byte)) * 16_777_619n) % 2n ** 32n;
    view.setUint32(4, Number(hash), true);
    return bytes;
  }

  const refused = (message: RegExp): unknown =>
    expect.objectContaining({
      name: "ClockworkError",
      code: "invalid-argument",
      message: expect.stringMatching(message) as string,
    });

  function failureOf(bytes: Uint8Array): unknown {
    try {
      return decodeSnapshot(bytes);
    } catch (error) {
      return error;
    }
  }

  test("hold every type, to the bit, wherever they lie", () => {
    const bytes = encodeSnapshot(snapshot);
    expect(decodeSnapshot(bytes)).toEqual(snapshot);
    const shifted = new Uint8Array(bytes.length + 3);
    shifted.set(bytes, 3);
    const again = decodeSnapshot(shifted.subarray(3));
    expect(encodeSnapshot(again)).toEqual(bytes);
    shifted.fill(0);
    expect(again).toEqual(snapshot);
  });

  test("are as they are described", () => {
    const header = JSON.stringify({
      version: 1,
      frame: { widthPx: 8, heightPx: 6 },
      schedule: "every",
      tensors: [
        { name: "a", dtype: "int64", dims: [1] },
        { name: "b", dtype: "float32", dims: [] },
      ],
    });
    const bytes = written(header, Uint8Array.of(0xfe, 255, 255, 255, 255, 255, 255, 255, 0, 0, 0x80, 0x3f));
    const expected: SegmenterSnapshot = {
      frame: { widthPx: 8, heightPx: 6 },
      schedule: "every",
      tensors: {
        a: { dtype: "int64", dims: [1], data: BigInt64Array.of(-2n) },
        b: { dtype: "float32", dims: [], data: Float32Array.of(1) },
      },
    };
    expect(decodeSnapshot(bytes)).toEqual(expected);
    expect(encodeSnapshot(expected)).toEqual(bytes);
  });

  test("that end early, or have one bit more or less, are refused", () => {
    const bytes = encodeSnapshot(snapshot);
    for (let length = 0; length < bytes.length; length++) {
      expect(failureOf(bytes.subarray(0, length))).toEqual(refused(/^snapshot: expected/));
    }
    for (let at = 0; at < bytes.length; at++) {
      const damaged = bytes.slice();
      damaged[at] = (damaged[at] ?? 0) ^ (1 << (at % 8));
      expect(failureOf(damaged)).toEqual(refused(/^snapshot: expected/));
    }
    expect(failureOf(Uint8Array.of(...bytes, 0))).toEqual(refused(/damaged/));
  });

  test.each([
    ["no JSON", "{", /JSON/],
    ["no object", "null", /version undefined/],
    ["another version", '{"version":2}', /version 1, got version 2/],
    ["nothing but a version", '{"version":1}', /header/],
    ["a type that is none", '{"name":"a","dtype":"int5","dims":[]}', /header/],
    ["a shape that is none", '{"name":"a","dtype":"int8","dims":[-1]}', /header/],
    ["more elements than there are", '{"name":"a","dtype":"int8","dims":[1000000000000]}', /bytes by its header/],
  ])("of %s are refused", (_name, text, message) => {
    const header = text.includes("dtype")
      ? `{"version":1,"frame":{"widthPx":8,"heightPx":6},"schedule":"every","tensors":[${text}]}`
      : text;
    expect(failureOf(written(header))).toEqual(refused(message));
  });

  test("are not made of elements that do not fit their shape", () => {
    const wrong = { a: { dtype: "float32", dims: [3], data: new Float32Array(2) } } as const;
    expect(() => encodeSnapshot({ ...snapshot, tensors: wrong })).toThrow(/12 bytes for float32 \[3\], got 8/);
  });
});
