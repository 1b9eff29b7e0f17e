// The boundary band against all pairs of pixels, and against dilation and erosion by a disk, which is how Shelhamer et
// al. 2016 define it.

import { describe, expect, test } from "vitest";
import { ClockworkError } from "../../src/errors.ts";
import type { LabelMap } from "../../src/frame.ts";
import { boundaryBand, ConfusionMatrix } from "../../src/metrics/index.ts";
import { Random } from "../../src/networks/random.ts";
import { randomMap, wholeNumber } from "./label-maps.ts";

/** The label of each pixel that has a pixel of another class within the width; all pairs. */
function bandOfPairs({ data, widthPx }: LabelMap, width: number, classes: number): number[] {
  const pixels = Array.from(data, (label, at) => ({ label, x: at % widthPx, y: Math.floor(at / widthPx) }));
  return pixels.map((p) => {
    const near = pixels.some(
      (q) => q.label < classes && q.label !== p.label && (p.x - q.x) ** 2 + (p.y - q.y) ** 2 <= width ** 2,
    );
    return near && p.label < classes ? p.label : 255;
  });
}

/** Foreground that is dilated and eroded by a disk; the band is where the two differ. */
function bandOfForeground({ data, widthPx, heightPx }: LabelMap, radius: number, classes: number): number[] {
  const mask = Array.from(data, (label) => label > 0 && label < classes);
  const disk: [number, number][] = [];
  for (let dy = -Math.floor(radius); dy <= radius; dy++) {
    for (let dx = -Math.floor(radius); dx <= radius; dx++) if (dx ** 2 + dy ** 2 <= radius ** 2) disk.push([dx, dy]);
  }
  return Array.from(data, (label, at) => {
    const under = disk
      .map(([dx, dy]) => [(at % widthPx) + dx, Math.floor(at / widthPx) + dy] as const)
      .filter(([x, y]) => x >= 0 && x < widthPx && y >= 0 && y < heightPx);
    const dilated = under.some(([x, y]) => mask[y * widthPx + x] === true);
    const eroded = under.every(([x, y]) => mask[y * widthPx + x] === true);
    return dilated !== eroded && label < classes ? label : 255;
  });
}

const widths = [1, 1.5, 2, 3, 5, 5.9, 40, Infinity];

describe.each(widths)("width %d", (width) => {
  test.each(Array.from({ length: 24 }, (_, seed) => seed))("seed %i", (seed) => {
    const random = new Random(seed, "boundary");
    const classes = wholeNumber(random, 1, 5);
    const truth = randomMap(random, wholeNumber(random, 1, 26), wholeNumber(random, 1, 22), {
      classes,
      ignored: [0, 0.3, 0.7][seed % 3] ?? 0,
      noise: [0, 0.02, 0.3][Math.floor(seed / 3) % 3] ?? 0,
      patches: wholeNumber(random, 0, 8),
    });
    const before = truth.data.slice();
    const band = boundaryBand(truth, width, classes);
    expect(band).toMatchObject({ widthPx: truth.widthPx, heightPx: truth.heightPx });
    expect(Array.from(band.data)).toEqual(bandOfPairs(truth, width, classes));
    const disk = Math.min(width, 40);
    expect(Array.from(boundaryBand(truth, width, classes, "foreground").data)).toEqual(
      bandOfForeground(truth, disk, classes),
    );
    expect(truth.data).toEqual(before);
  });
});

/** A map of one row, one digit a pixel; `.` is ignored. */
function rowOf(text: string): LabelMap {
  return {
    data: Uint8Array.from(text, (digit) => (digit === "." ? 255 : Number(digit))),
    widthPx: text.length,
    heightPx: 1,
  };
}

function textOf({ data }: LabelMap): string {
  return Array.from(data, (label) => (label === 255 ? "." : String(label))).join("");
}

describe("worked by hand", () => {
  test.each([
    ["000000111111", 2, "....0011...."],
    ["000000000000", 3, "............"],
    // The border of an ignored area is no edge...
    ["0000....0000", 2, "............"],
    // ...but classes that face each other across a strip that is narrow enough meet.
    ["0000..1111", 2, ".........."],
    ["0000..1111", 3, "...0..1..."],
    ["0000..1111", 4, "..00..11.."],
    ["001122", 1, ".0112."],
  ])("%s, width %i", (truth, width, band) => {
    expect(textOf(boundaryBand(rowOf(truth), width, 3))).toBe(band);
    // The same, top to bottom.
    const { data } = rowOf(truth);
    expect(textOf(boundaryBand({ data, widthPx: 1, heightPx: data.length }, width, 3))).toBe(band);
  });

  test.each([
    // Objects that touch have no edge.
    ["000111222000", 1, "..01....20..", "..01.12.20.."],
    ["000111222000", 2, ".0011..2200.", ".0011122200."],
    // An ignored strip is outside of an object, but no class.
    ["000111..222000", 2, ".00111..22200.", ".0011....2200."],
  ])("%s, width %i, foreground and classes", (truth, width, foreground, classes) => {
    expect(textOf(boundaryBand(rowOf(truth), width, 3, "foreground"))).toBe(foreground);
    expect(textOf(boundaryBand(rowOf(truth), width, 3, "classes"))).toBe(classes);
  });
});

test("scored by the ordinary matrix: an error far from all edges does not count", () => {
  const truth = rowOf("000000001111");
  const predicted = rowOf("100000011111").data;
  const matrix = new ConfusionMatrix(2);
  matrix.update(predicted, boundaryBand(truth, 2, 2).data);
  expect(matrix.result()).toMatchObject({ pixels: 4, accuracy: 3 / 4, iou: [1 / 2, 2 / 3] });
});

describe("is refused", () => {
  const truth = rowOf("01");
  test.each<[string, () => unknown, RegExp]>([
    ["no width", () => boundaryBand(truth, 0, 2), /at least 1 pixel, got 0/],
    ["a width that is no number", () => boundaryBand(truth, NaN, 2), /got NaN/],
    ["256 classes, which leave no label for the rest", () => boundaryBand(truth, 1, 256), /1 to 255 classes, got 256/],
    ["a map of the wrong length", () => boundaryBand({ ...truth, heightPx: 2 }, 1, 2), /2x2 labels, got 2/],
  ])("%s", (_, act, message) => {
    expect(act).toThrow(ClockworkError);
    expect(act).toThrow(message);
  });
});
