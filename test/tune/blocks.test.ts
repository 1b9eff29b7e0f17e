// Videos in blocks: every frame in one part at most, and means over blocks.

import { describe, expect, test } from "vitest";
import { blockFramesOf, divide, meansOf, seeded } from "../../src/tune/index.ts";

describe("division", () => {
  test("puts every frame into fit, a block or what is left over, and into one only", () => {
    const random = seeded(1);
    for (let round = 0; round < 200; round++) {
      const frames = Array.from({ length: 1 + Math.floor(random() * 5) }, () => Math.floor(random() * 100));
      const blockFrames = 1 + Math.floor(random() * 20);
      const { fit, calibration, blocks, leftOver } = divide(frames, { blockFrames, fitShare: random() * 0.99 });
      const seen = frames.map((count) => new Uint8Array(count));
      let covered = 0;
      for (const { video, from, to } of [...fit, ...blocks]) {
        expect(to).toBeGreaterThan(from);
        for (let frame = from; frame < to; frame++) {
          expect(seen[video]?.[frame]).toBe(0);
          seen[video]?.fill(1, frame, frame + 1);
          covered++;
        }
      }
      expect(covered + leftOver).toBe(frames.reduce((sum, count) => sum + count, 0));
      for (const { from, to } of blocks) expect(to - from).toBe(blockFrames);
      for (const { video, from } of calibration) {
        expect(fit.find((span) => span.video === video)?.to ?? 0).toBe(from);
      }
    }
  });

  test("keeps blocks within one video, in order", () => {
    expect(divide([10, 3, 9], { blockFrames: 3, fitShare: 0.25 })).toEqual({
      fit: [
        { video: 0, from: 0, to: 3 },
        { video: 1, from: 0, to: 1 },
        { video: 2, from: 0, to: 2 },
      ],
      calibration: [
        { video: 0, from: 3, to: 10 },
        { video: 1, from: 1, to: 3 },
        { video: 2, from: 2, to: 9 },
      ],
      blocks: [
        { video: 0, from: 3, to: 6 },
        { video: 0, from: 6, to: 9 },
        { video: 2, from: 2, to: 5 },
        { video: 2, from: 5, to: 8 },
      ],
      leftOver: 4,
    });
  });

  test("takes seconds as frames", () => {
    expect(blockFramesOf(2, 29.97)).toBe(60);
    expect(blockFramesOf(0.001, 25)).toBe(1);
  });

  test.each([
    [0, 0.5],
    [2.5, 0.5],
    [3, 1],
    [3, -0.1],
  ])("refuses blocks of %d frames with a share of %d", (blockFrames, fitShare) => {
    expect(() => divide([10], { blockFrames, fitShare })).toThrow("blocks: expected");
  });
});

describe("means", () => {
  test("are over the frames of each span", () => {
    const values = [[9, 1, 2, 3], Float64Array.of(5, 7)];
    const spans = [
      { video: 0, from: 1, to: 4 },
      { video: 1, from: 0, to: 2 },
      { video: 0, from: 0, to: 1 },
    ];
    expect([...meansOf(spans, values)]).toEqual([2, 6, 9]);
  });

  test("are refused where values are missing", () => {
    for (const span of [
      { video: 0, from: 2, to: 5 },
      { video: 1, from: 0, to: 1 },
      { video: 0, from: 2, to: 2 },
    ]) {
      expect(() => meansOf([span], [[1, 2, 3]])).toThrow("expected values of frames");
    }
  });
});
