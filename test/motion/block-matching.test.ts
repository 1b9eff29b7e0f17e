// Block matching on pictures whose motion is known, against a plain search over all shifts, and what it refuses to match.

import { describe, expect, test } from "vitest";
import type { EngineTensor } from "../../src/engine/engine.ts";
import {
  defaultMatchOptions,
  matchedPlaces,
  matchGraph,
  matchModel,
  matchScale,
  type MatchOptions,
} from "../../src/motion/index.ts";
import { Random } from "../../src/networks/random.ts";
import { GraphBuilder, modelOf } from "../../src/onnx/index.ts";
import { runOnce } from "../support/runtime.ts";
import { plane } from "./lookups.ts";
import { matchQuality, type Truth } from "./match-model.ts";
import { MovingScene, seen, still, type Extent, type View } from "./moving-scene.ts";

const size: Extent = { widthPx: 480, heightPx: 360 };
const scale = matchScale(size);
const scene = new MovingScene(1, size.widthPx);
const before = scene.frame(size);

type Outputs = Readonly<Record<string, EngineTensor>>;

async function matchesOf(now: EngineTensor, then: EngineTensor): Promise<Outputs> {
  const [heightPx = 0, widthPx = 0] = now.dims;
  return runOnce(matchModel(matchScale({ widthPx, heightPx })), { now, before: then });
}

/** Where the scene was seen before, if it was. */
function truthOf(view: View, extent: Extent = size): Truth {
  return (x, y) => {
    const was = seen(view, extent, x, y);
    return was.x >= 0 && was.y >= 0 && was.x <= extent.widthPx && was.y <= extent.heightPx ? was : undefined;
  };
}

/** A shift along a direction that no axis favours. */
function shift(px: number): View {
  return { ...still, shiftX: px * 0.8, shiftY: -px * 0.6 };
}

describe("valid cells at 480x360: mean error in px, and how many there are", () => {
  test.each<[string, View, number, number]>([
    ["nothing moves", still, 0.3, 0.99],
    ["a shift of 2 px", shift(2), 0.8, 0.95],
    ["a shift of 8 px", shift(8), 0.6, 0.9],
    ["a shift of 16 px", shift(-16), 0.8, 0.85],
    ["a shift of 32 px", shift(32), 0.9, 0.8],
    ["a shift of 32 px along the rows", { ...still, shiftX: 32 }, 0.7, 0.85],
    ["a zoom of 5 %", { ...still, zoom: 1.05 }, 0.9, 0.85],
    ["a turn by 3 degrees", { ...still, turnRad: (3 * Math.PI) / 180 }, 0.8, 0.9],
  ])("%s", async (_, view, error, found) => {
    const quality = matchQuality(await matchesOf(scene.frame(size, view), before), scale, truthOf(view));
    expect(quality.error).toBeLessThan(error);
    expect(quality.found).toBeGreaterThan(found);
  });

  test("what leads far out of the frame before is not valid", async () => {
    const view = { ...still, shiftX: 32 };
    const matches = await matchesOf(scene.frame(size, view), before);
    // A window that is partly inside is matched by that part.
    expect(matchQuality(matches, scale, truthOf(view), (x) => x > 480 - 32 + 12).invented).toBeLessThan(0.02);
  });

  test.each<[string, (level: number) => number]>([
    ["a tenth more light", (level) => 1.1 * level],
    ["all levels raised by 12", (level) => level + 12],
  ])("a shift of 8 px under %s", async (_, change) => {
    const view = shift(8);
    const quality = matchQuality(await matchesOf(scene.frame(size, view, change), before), scale, truthOf(view));
    expect(quality.error).toBeLessThan(0.8);
    expect(quality.found).toBeGreaterThan(0.85);
  });

  test("a shift of 8 px under noise", async () => {
    const view = shift(8);
    const random = new Random(3, "grain");
    const grain = (level: number): number => level + 40 * (random.next() - 0.5);
    const matches = await matchesOf(scene.frame(size, view, grain), scene.frame(size, still, grain));
    const quality = matchQuality(matches, scale, truthOf(view));
    expect(quality.error).toBeLessThan(1);
    expect(quality.found).toBeGreaterThan(0.7);
  });
});

test("a thing that crosses a scene: both are followed, and what it uncovers is not matched", async () => {
  const thing = new MovingScene(9, size.widthPx).frame(size, still, (level, at) => level + (at % 3 === 0 ? 40 : -20));
  const [movesBy, from] = [24, { left: 150, top: 120, right: 250, bottom: 240 }];
  const covers = (x: number, y: number, by: number, margin = 0): boolean =>
    x > from.left + by - margin && x < from.right + by + margin && y > from.top - margin && y < from.bottom + margin;
  const withThing = (frame: EngineTensor, by: number): EngineTensor => ({
    ...frame,
    data: Uint8Array.from(frame.data as Uint8Array, (level, at) => {
      const pixel = Math.floor(at / 3);
      return covers((pixel % 480) + 0.5, Math.floor(pixel / 480) + 0.5, by) ? Number(thing.data[at - 3 * by]) : level;
    }),
  });
  const matches = await matchesOf(withThing(before, movesBy), withThing(before, 0));
  const ofThing = matchQuality(
    matches,
    scale,
    (x, y) => ({ x: x - movesBy, y }),
    (x, y) => covers(x, y, movesBy, -12),
  );
  expect(ofThing.error).toBeLessThan(0.9);
  expect(ofThing.found).toBeGreaterThan(0.8);
  const ofScene = matchQuality(
    matches,
    scale,
    (x, y) => ({ x, y }),
    (x, y) => !covers(x, y, movesBy, 12) && !covers(x, y, 0, 12),
  );
  expect(ofScene.error).toBeLessThan(0.4);
  expect(ofScene.found).toBeGreaterThan(0.98);
  // What lies between where it was and where it is had been covered; some of it by a window that reaches out of it.
  const uncovered = matchQuality(
    matches,
    scale,
    () => undefined,
    (x, y) => covers(x, y, 0) && !covers(x, y, movesBy),
  );
  expect(uncovered.invented).toBeLessThan(0.4);
});

test.each<[number, number]>([
  [64, 32],
  [97, 61],
  [8, 6],
  [161, 240],
  [481, 359],
  [640, 352],
])("any size: %i x %i", async (widthPx, heightPx) => {
  const extent = { widthPx, heightPx };
  const longer = Math.max(widthPx, heightPx);
  const own = new MovingScene(2, longer, 16);
  const view = longer < 32 ? still : { ...still, shiftX: Math.round(longer / 60), shiftY: -Math.round(longer / 90) };
  const quality = matchQuality(
    await matchesOf(own.frame(extent, view), own.frame(extent)),
    matchScale(extent),
    truthOf(view, extent),
  );
  expect(quality.error * (widthPx / longer)).toBeLessThan(1.2);
  expect(quality.found).toBeGreaterThan(0.75);
});

test("pictures of different scenes have little in common", async () => {
  const { valid } = await matchesOf(new MovingScene(5, 480).frame(size), before);
  const sum = [...((valid?.data ?? []) as Float32Array)].reduce((total, one) => total + one, 0);
  expect(sum / (scale.finest.widthCells * scale.finest.heightCells)).toBeLessThan(0.2);
});

test.each<[string, (level: number) => number, (level: number) => number]>([
  ["two black frames", () => 0, () => 0],
  ["a frame after darkness", (level) => level, () => 0],
  ["a flash", () => 255, (level) => level],
])("finite numbers: %s", async (_, now, then) => {
  const result = await matchesOf(scene.frame(size, still, now), scene.frame(size, still, then));
  for (const { data } of Object.values(result)) {
    expect(data.length).toBeGreaterThan(0);
    expect([...data].every((value) => Number.isFinite(Number(value)))).toBe(true);
  }
});

describe.each([1, 2, 3])("one level, seed %i", (seed) => {
  const [width, height, reach] = [19, 14, 3];
  const options: MatchOptions = {
    ...defaultMatchOptions,
    finestCells: width,
    coarsestCells: width,
    reachCells: reach,
    windowCells: 3,
    meanCells: 5,
    toleranceCells: 0.75,
  };
  const small = matchScale({ widthPx: width, heightPx: height }, options);
  const random = new Random(seed, "blocks");
  const maps = [0, 1].map(() => Float32Array.from({ length: width * height }, () => 0.3 * random.next()));

  test("is what a plain search finds, there and back", async () => {
    const b = new GraphBuilder("level");
    const [now = "", then = ""] = ["now", "earlier"].map((name) => b.input(name, "float32", [1, 1, height, width]));
    const { flow, valid } = matchGraph(b, { now, before: then, scale: small, options });
    b.output(flow, "float32", undefined);
    b.output(valid, "float32", undefined);
    const [a = new Float32Array(), c = new Float32Array()] = maps;
    const tensor = (data: Float32Array): EngineTensor => ({
      dtype: "float32",
      dims: [1, 1, height, width],
      data: Float32Array.from(data),
    });
    const outputs = await runOnce(modelOf(b.build(), 16), { now: tensor(a), earlier: tensor(c) });
    const got = outputs[flow]?.data ?? [];
    const there = searched(a, c);
    const back = searched(c, a);
    for (const [at, { x, y }] of there.entries()) {
      expect(Number(got[at]) * (width / 2)).toBeCloseTo(x, 3);
      expect(Number(got[width * height + at]) * (height / 2)).toBeCloseTo(y, 3);
      const [column, row] = [(at % width) + x, Math.floor(at / width) + y];
      const apart = Math.hypot(x + linear(back, "x", column, row), y + linear(back, "y", column, row));
      // Rounding decides what is right at the edge.
      if (Math.abs(apart - 0.75) < 1e-3) continue;
      expect(Number(outputs[valid]?.data[at])).toBe(apart < 0.75 ? 1 : 0);
    }
  });

  /** Less the mean of the window, as far as it is inside. */
  function contrast(map: Float32Array): (x: number, y: number) => number | undefined {
    const { at } = plane(map, width, height);
    return (x, y) => {
      if (x < 0 || y < 0 || x >= width || y >= height) return undefined;
      return at(y, x) - meanAround(x, y, 2, (u, v) => at(v, u));
    };
  }

  function meanAround(x: number, y: number, radius: number, value: (x: number, y: number) => number): number {
    let [sum, count] = [0, 0];
    for (let v = Math.max(0, y - radius); v <= Math.min(height - 1, y + radius); v++) {
      for (let u = Math.max(0, x - radius); u <= Math.min(width - 1, x + radius); u++) {
        sum += value(u, v);
        count++;
      }
    }
    return sum / count;
  }

  function searched(from: Float32Array, to: Float32Array): { x: number; y: number }[] {
    const [ours, theirs] = [contrast(from), contrast(to)];
    return Array.from({ length: width * height }, (_, index) => {
      const [x, y] = [index % width, Math.floor(index / width)];
      const cost = (dx: number, dy: number): number =>
        options.shiftCost * Math.hypot(dx, dy) +
        meanAround(x, y, 1, (u, v) => {
          const other = theirs(u + dx, v + dy);
          return other === undefined
            ? options.differenceLimit
            : Math.min(options.differenceLimit, Math.abs((ours(u, v) ?? 0) - other));
        });
      let best = { x: 0, y: 0, cost: Infinity };
      for (let dx = -reach; dx <= reach; dx++) {
        for (let dy = -reach; dy <= reach; dy++) {
          const here = cost(dx, dy);
          if (here < best.cost) best = { x: dx, y: dy, cost: here };
        }
      }
      const between = (at: number, low: number, high: number): number =>
        Math.abs(at) === reach ? 0 : (low - high) / (2 * (low + high - 2 * best.cost + 1e-6));
      return {
        x: best.x + between(best.x, cost(best.x - 1, best.y), cost(best.x + 1, best.y)),
        y: best.y + between(best.y, cost(best.x, best.y - 1), cost(best.x, best.y + 1)),
      };
    });
  }

  function linear(shifts: readonly { x: number; y: number }[], axis: "x" | "y", column: number, row: number): number {
    const [x, y] = [Math.min(Math.max(column, 0), width - 1), Math.min(Math.max(row, 0), height - 1)];
    const value = (u: number, v: number): number =>
      shifts[Math.min(v, height - 1) * width + Math.min(u, width - 1)]?.[axis] ?? Number.NaN;
    const [u, v] = [Math.floor(x), Math.floor(y)];
    const upper = value(u, v) * (1 - (x - u)) + value(u + 1, v) * (x - u);
    const lower = value(u, v + 1) * (1 - (x - u)) + value(u + 1, v + 1) * (x - u);
    return upper * (1 - (y - v)) + lower * (y - v);
  }
});

describe("places of pixels", () => {
  const own = matchScale({ widthPx: 485, heightPx: 362 });
  const { widthCells, heightCells, cellPx } = own.finest;
  const cells = widthCells * heightCells;
  /** Flow that is linear in the place, in pixels. */
  const way = (x: number, y: number): { x: number; y: number } => ({
    x: 7.3 + 0.02 * (x - 200) - 0.01 * y,
    y: -4.2 + 0.01 * x + 0.015 * (y - 100),
  });
  const flow = Float32Array.from({ length: 2 * cells }, (_, at) => {
    const cell = at % cells;
    const to = way(((cell % widthCells) + 0.5) * cellPx, (Math.floor(cell / widthCells) + 0.5) * cellPx);
    return at < cells ? (2 * to.x) / (widthCells * cellPx) : (2 * to.y) / (heightCells * cellPx);
  });
  const valid = Float32Array.from({ length: cells }, (_, cell) => (cell % 7 === 3 ? 0 : 1));
  const places = matchedPlaces({ flow, valid, scale: own });

  test("follow the flow to the nearest pixel, where there is one", () => {
    expect(places).toHaveLength(485 * 362);
    const wrong: number[] = [];
    let [followed, dropped] = [0, 0];
    for (const [at, place] of places.entries()) {
      const [x, y] = [at % 485, Math.floor(at / 485)];
      const [column, row] = [Math.floor(x / cellPx), Math.floor(y / cellPx)];
      if (column >= widthCells || row >= heightCells || (row * widthCells + column) % 7 === 3) {
        if (place !== -1) wrong.push(at);
        continue;
      }
      // Beyond the outermost centres flow is constant.
      const centre = (px: number, count: number): number =>
        Math.min(Math.max(px + 0.5, cellPx / 2), (count - 0.5) * cellPx);
      const by = way(centre(x, widthCells), centre(y, heightCells));
      const [toX, toY] = [x + by.x, y + by.y];
      // Rounding decides between two pixels.
      if ([toX, toY].some((to) => Math.abs(to - Math.floor(to) - 0.5) < 1e-3)) continue;
      const [u, v] = [Math.round(toX), Math.round(toY)];
      const isInside = u >= 0 && u < 485 && v >= 0 && v < 362;
      if (place !== (isInside ? v * 485 + u : -1)) wrong.push(at);
      if (isInside) followed++;
      else dropped++;
    }
    expect(wrong).toEqual([]);
    expect(Math.min(followed, dropped)).toBeGreaterThan(1000);
  });
});

test.each<[string, Partial<MatchOptions>, RegExp]>([
  ["an even window", { windowCells: 4 }, /windowCells.*odd.*4/],
  ["no reach", { reachCells: 0 }, /reachCells.*0/],
  ["a negative limit", { differenceLimit: -1 }, /differenceLimit.*-1/],
])("%s is refused", (_, options, message) => {
  expect(() => matchScale(size, { ...defaultMatchOptions, ...options })).toThrow(message);
});
