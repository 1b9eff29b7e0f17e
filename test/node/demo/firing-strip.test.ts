// The strip of firings and the picture above it, pixel by pixel.

import { describe, expect, test } from "vitest";
import { comparison, comparisonGapPx, comparisonWidth } from "../../../src/node/demo/comparison.ts";
import { scaledDown } from "../../../src/node/demo/demo.ts";
import { firingStrip, firingStripHeight, stripColours, type Picture } from "../../../src/node/demo/firing-strip.ts";

const nameOf = new Map(Object.entries(stripColours).map(([name, colour]) => [colour.join(), name]));

/** Names of the colours along a row of pixels. */
function rowOf({ data, widthPx }: Picture, y: number): string[] {
  return Array.from({ length: widthPx }, (_, x) => {
    const at = 3 * (y * widthPx + x);
    return nameOf.get(data.slice(at, at + 3).join()) ?? "?";
  });
}

/** Every so many frames the second stage fires, the first always. */
const periodic = (frames: number, period: number): boolean[][] =>
  Array.from({ length: frames }, (_, frame) => [true, frame % period === 0]);

describe("a strip", () => {
  test("has a row for each stage and a cell for each frame, with a gap where there is room", () => {
    const strip = firingStrip({ fired: periodic(4, 3), at: 2, widthPx: 16 });
    expect([strip.widthPx, strip.heightPx, strip.data.length]).toEqual([
      16,
      firingStripHeight(2),
      48 * firingStripHeight(2),
    ]);
    // Rows of 14 with 4 around them.
    const cells = (name: string): string[] => [name, name, name, "ground"];
    expect(rowOf(strip, 4)).toEqual(["fired", "fired", "fired", "firedLater"].flatMap(cells));
    expect(rowOf(strip, 4 + 13)).toEqual(rowOf(strip, 4));
    expect(rowOf(strip, 22)).toEqual(["fired", "rested", "rested", "firedLater"].flatMap(cells));
    const cursor = Array.from({ length: 16 }, (_, x) => (x >= 8 && x < 11 ? "cursor" : "ground"));
    for (const y of [0, 3, 18, 21, 36, 39]) expect([y, rowOf(strip, y)]).toEqual([y, cursor]);
  });

  test("shows what is still to come dimly, and at the last frame nothing of it", () => {
    const fired = periodic(6, 2);
    const [first, last] = [0, 5].map((at) => rowOf(firingStrip({ fired, at, widthPx: 6 }), 22));
    expect(first).toEqual(["fired", "restedLater", "firedLater", "restedLater", "firedLater", "restedLater"]);
    expect(last).toEqual(["fired", "rested", "fired", "rested", "fired", "rested"]);
  });

  test("of more frames than pixels: a pixel is bright where any of its frames fired", () => {
    const fired = Array.from({ length: 100 }, (_, frame) => [frame === 17 || frame === 90]);
    const strip = firingStrip({ fired, at: 50, widthPx: 10 });
    expect(strip.heightPx).toBe(firingStripHeight(1));
    const row = rowOf(strip, 10);
    expect(row).toEqual([
      "rested",
      "fired",
      "rested",
      "rested",
      "rested",
      "rested",
      "restedLater",
      "restedLater",
      "restedLater",
      "firedLater",
    ]);
    expect(rowOf(strip, 0).indexOf("cursor")).toBe(5);
  });

  test("of widths that do not divide: each frame is somewhere, in order", () => {
    for (const [frames, widthPx] of [
      [7, 30],
      [105, 968],
      [13, 13],
      [31, 20],
    ] as const) {
      for (let at = 0; at < frames; at++) {
        const fired = Array.from({ length: frames }, (_, frame) => [frame === at]);
        const row = rowOf(firingStrip({ fired, at, widthPx }), 10);
        const places = row.flatMap((name, x) => (name === "fired" ? [x] : []));
        expect(places.length).toBeGreaterThan(0);
        expect(places[0]).toBe(Math.floor((at * widthPx) / frames));
      }
    }
  });
});

test("the picture: the frame twice under its colours, half and half, black between, the strip below", () => {
  const size = { widthPx: 2, heightPx: 1 };
  const palette = new Uint8Array(768);
  palette.set([0, 0, 0, 100, 200, 50], 0);
  const frame = { ...size, data: Uint8Array.of(10, 20, 30, 40, 50, 60), timestampSec: 1.5 };
  const strip = firingStrip({ fired: [[true]], at: 0, widthPx: comparisonWidth(2) });
  const picture = comparison({
    frame,
    left: { ...size, data: Uint8Array.of(0, 1) },
    right: { ...size, data: Uint8Array.of(1, 0) },
    palette,
    strip,
  });
  expect([picture.widthPx, picture.heightPx, picture.timestampSec]).toEqual([
    12,
    1 + comparisonGapPx + strip.heightPx,
    1.5,
  ]);
  expect(Array.from(picture.data.subarray(0, 6))).toEqual([5, 10, 15, 70, 125, 55]);
  expect(Array.from(picture.data.subarray(6, 30))).toEqual(Array.from({ length: 24 }, () => 0));
  expect(Array.from(picture.data.subarray(30, 36))).toEqual([55, 110, 40, 20, 25, 30]);
  expect(picture.data.slice(36, 36 * (1 + comparisonGapPx)).every((value) => value === 0)).toBe(true);
  expect(picture.data.slice(36 * (1 + comparisonGapPx))).toEqual(strip.data);
});

test("videos are scaled down to about 480x360, in sides of multiples of 16, and never up", () => {
  const sizes = [
    [480, 360],
    [500, 375],
    [64, 48],
    [1920, 1080],
    [1080, 1920],
    [4096, 64],
  ] as const;
  expect(sizes.map(([widthPx, heightPx]) => scaledDown({ widthPx, heightPx }))).toEqual([
    undefined,
    undefined,
    undefined,
    { widthPx: 560, heightPx: 304 },
    { widthPx: 304, heightPx: 560 },
    { widthPx: 3328, heightPx: 48 },
  ]);
});
