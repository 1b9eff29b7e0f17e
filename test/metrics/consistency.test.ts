// Temporal consistency against pixels that are followed one by one, and on motion whose answer is known.

import { describe, expect, test } from "vitest";
import { ClockworkError } from "../../src/errors.ts";
import type { LabelMap } from "../../src/frame.ts";
import { Consistency, type ConsistencyState } from "../../src/metrics/index.ts";
import { Random } from "../../src/networks/random.ts";
import { randomMap, wholeNumber } from "./label-maps.ts";

/** Flow that is the same everywhere. */
function constantFlow({ data }: LabelMap, u: number, v: number): Float32Array {
  const flow = new Float32Array(2 * data.length);
  flow.fill(u, 0, data.length);
  flow.fill(v, data.length);
  return flow;
}

/** A part of a map. */
function crop(map: LabelMap, left: number, top: number, widthPx: number, heightPx: number): LabelMap {
  const data = Uint8Array.from({ length: widthPx * heightPx }, (_, at) => {
    const [x, y] = [at % widthPx, Math.floor(at / widthPx)];
    return map.data[(top + y) * map.widthPx + left + x] ?? 0;
  });
  return { data, widthPx, heightPx };
}

describe.each([1, 2, 3, 4, 5, 6])("seed %i", (seed) => {
  const random = new Random(seed, "consistency");
  const classes = wholeNumber(random, 1, 6);

  test("any flow, any occlusion, several pairs", () => {
    const meter = new Consistency(classes);
    const kept: [number, number][] = [];
    for (let pair = 0; pair < 3; pair++) {
      const [width, height] = [wholeNumber(random, 1, 25), wholeNumber(random, 1, 25)];
      const before = randomMap(random, width, height, { classes });
      const after = randomMap(random, width, height, { classes, ignored: 0 });
      const flow = random.uniform(2 * width * height, -5, 5);
      flow[0] = NaN;
      flow[2 * width * height - 1] = Infinity;
      const occluded = Uint8Array.from(before.data, () => (random.next() < 0.2 ? 1 : 0));
      const mask = pair === 1 ? undefined : occluded;
      meter.update(before, after, flow, mask);
      for (let y = 0; y < height; y++) {
        for (let x = 0; x < width; x++) {
          const at = y * width + x;
          const [toX, toY] = [Math.round(x + (flow[at] ?? 0)), Math.round(y + (flow[width * height + at] ?? 0))];
          const label = before.data[at] ?? 255;
          const goneTo =
            toX >= 0 && toX < width && toY >= 0 && toY < height ? after.data[toY * width + toX] : undefined;
          if (goneTo !== undefined && mask?.[at] !== 1 && label < classes) kept.push([label, goneTo]);
        }
      }
    }
    const { pairs, pixels, share, iou, meanIou } = meter.result();
    expect({ pairs, pixels }).toEqual({ pairs: 3, pixels: kept.length });
    expect(share).toBeCloseTo(kept.filter(([a, b]) => a === b).length / kept.length, 12);
    const expected = Array.from({ length: classes }, (_, k) => {
      const either = kept.filter(([a, b]) => a === k || b === k).length;
      return either === 0 ? undefined : kept.filter(([a, b]) => a === k && b === k).length / either;
    });
    expect(iou).toEqual(expected);
    const known = expected.filter((value) => value !== undefined);
    expect(meanIou).toBeCloseTo(known.reduce((sum, value) => sum + value, 0) / known.length, 12);
  });

  test.each([
    [2, 0],
    [-3, 1],
    [0, -4],
    [1.4, -0.6],
  ])("a view that moves over a still scene by (%d, %d) is consistent along it", (u, v) => {
    const scene = randomMap(random, 40, 40, { classes: 4, ignored: 0 });
    const [dx, dy] = [Math.round(u), Math.round(v)];
    const before = crop(scene, 10, 10, 20, 15);
    // What is at (x, y) is later at (x + dx, y + dy), so the view goes the other way.
    const after = crop(scene, 10 - dx, 10 - dy, 20, 15);
    const meter = new Consistency(4);
    meter.update(before, after, constantFlow(before, u, v));
    expect(meter.result()).toMatchObject({ share: 1, meanIou: 1, pixels: (20 - Math.abs(dx)) * (15 - Math.abs(dy)) });
  });
});

describe.each([1, 2, 3])("places, seed %i", (seed) => {
  const random = new Random(seed, "places");

  test("any places, several pairs, saved and taken up again in between", () => {
    const classes = wholeNumber(random, 2, 6);
    let meter = new Consistency(classes);
    const kept: [number, number][] = [];
    for (let pair = 0; pair < 3; pair++) {
      const map = (): LabelMap => randomMap(random, 17, 12, { classes, ignored: 0.2 });
      const [labels, others] = [map().data, map().data];
      const places = Int32Array.from(labels, () => wholeNumber(random, -1, labels.length - 1));
      places[5] = -1;
      meter.updateMatched(labels, others, places);
      meter = Consistency.from(classes, JSON.parse(JSON.stringify(meter.state)) as ConsistencyState);
      for (const [at, place] of places.entries()) {
        const [label = 255, other = 255] = [labels[at], others[place]];
        if (place >= 0 && label < classes && other < classes) kept.push([label, other]);
      }
    }
    const { pairs, pixels, share, iou } = meter.result();
    expect({ pairs, pixels }).toEqual({ pairs: 3, pixels: kept.length });
    expect(share).toBeCloseTo(kept.filter(([a, b]) => a === b).length / kept.length, 12);
    for (const [k, value] of iou.entries()) {
      const either = kept.filter(([a, b]) => a === k || b === k).length;
      expect(value).toBeCloseTo(kept.filter(([a, b]) => a === k && b === k).length / either, 12);
    }
  });

  test("flow and the places that it leads to are the same", () => {
    const [width, height] = [20, 15];
    const [labels, others] = [1, 2].map(() => randomMap(random, width, height, { classes: 4, ignored: 0 }));
    if (labels === undefined || others === undefined) throw new Error("expected two maps");
    const flow = random.uniform(2 * width * height, -4, 4);
    const places = Int32Array.from(labels.data, (_, at) => {
      const x = Math.round((at % width) + (flow[at] ?? 0));
      const y = Math.round(Math.floor(at / width) + (flow[width * height + at] ?? 0));
      return x >= 0 && x < width && y >= 0 && y < height ? y * width + x : -1;
    });
    const [byFlow, byPlaces] = [new Consistency(4), new Consistency(4)];
    byFlow.update(labels, others, flow);
    byPlaces.updateMatched(labels.data, others.data, places);
    expect(byPlaces.state).toEqual(byFlow.state);
  });
});

test("worked by hand", () => {
  const before = { data: Uint8Array.of(0, 0, 1, 1), widthPx: 4, heightPx: 1 };
  const after = { data: Uint8Array.of(9, 0, 1, 1), widthPx: 4, heightPx: 1 };
  const meter = new Consistency(3);
  // Everything moves by one: 0 to 0, 0 to 1, 1 to 1, and the last leaves.
  meter.update(before, after, constantFlow(before, 1, 0));
  expect(meter.result()).toEqual({ pairs: 1, pixels: 3, share: 2 / 3, iou: [1 / 2, 1 / 2, undefined], meanIou: 1 / 2 });
  // The one that changed was occluded, so it does not count.
  meter.reset();
  meter.update(before, after, constantFlow(before, 1, 0), Uint8Array.of(0, 1, 0, 0));
  expect(meter.result()).toEqual({ pairs: 1, pixels: 2, share: 1, iou: [1, 1, undefined], meanIou: 1 });
});

test("where everything leaves the picture there is no share", () => {
  const map = { data: new Uint8Array(6), widthPx: 3, heightPx: 2 };
  const meter = new Consistency(1);
  meter.update(map, map, constantFlow(map, 3, 0));
  expect(meter.result()).toEqual({ pairs: 1, pixels: 0, share: undefined, iou: [undefined], meanIou: undefined });
});

describe("is refused", () => {
  const map = { data: new Uint8Array(6), widthPx: 3, heightPx: 2 };
  const turned = { data: new Uint8Array(6), widthPx: 2, heightPx: 3 };
  const flow = new Float32Array(12);
  test.each<[string, () => unknown, RegExp]>([
    ["a next frame of another size", () => new Consistency(2).update(map, turned, flow), /frame of 3x2, got 2x3/],
    ["flow of one direction", () => new Consistency(2).update(map, map, new Float32Array(6)), /12 values .* got 6/],
    [
      "occlusion of another size",
      () => new Consistency(2).update(map, map, flow, new Uint8Array(5)),
      /6 marks .* got 5/,
    ],
    [
      "labels of another size",
      () => new Consistency(2).updateMatched(map.data, new Uint8Array(5), new Int32Array(6)),
      /6 labels of the other frame, got 5/,
    ],
    [
      "places of another size",
      () => new Consistency(2).updateMatched(map.data, map.data, new Int32Array(7)),
      /6 places, got 7/,
    ],
    ["256 classes", () => new Consistency(256), /1 to 255 classes, got 256/],
  ])("%s", (_, act, message) => {
    expect(act).toThrow(ClockworkError);
    expect(act).toThrow(message);
  });
});
