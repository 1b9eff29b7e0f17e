// The street against itself: what is said to be exact has to agree with other frames, other ways of asking, and with what
// must hold of cameras that stand or only turn.

import { beforeAll, describe, expect, test } from "vitest";
import { ClockworkError } from "../../../src/errors.ts";
import {
  Street,
  streetCameras,
  streetClasses,
  streetStyles,
  type StreetFrame,
} from "../../../src/video/street/index.ts";

const size = { widthPx: 240, heightPx: 180 };
const pixels = size.widthPx * size.heightPx;
const firstMoving = 64_001;

/** Whether all eight neighbours are of the same thing and class. */
function isInside({ labels, instances }: StreetFrame, at: number): boolean {
  const [x, y] = [at % size.widthPx, Math.floor(at / size.widthPx)];
  if (x === 0 || y === 0 || x === size.widthPx - 1 || y === size.heightPx - 1) return false;
  for (const step of [
    -1,
    1,
    -size.widthPx,
    size.widthPx,
    -size.widthPx - 1,
    1 - size.widthPx,
    size.widthPx - 1,
    size.widthPx + 1,
  ]) {
    if (labels.data[at + step] !== labels.data[at] || instances[at + step] !== instances[at]) return false;
  }
  return true;
}

/** Classes with things that have gaps. */
const withGaps: ReadonlySet<number> = new Set(
  ["tree", "fence", "bicyclist"].map((name) => streetClasses.indexOf(name)),
);

/** A channel of a picture between its pixels. */
function between(data: Uint8Array, x: number, y: number, channel: number): number {
  const [left, top] = [Math.floor(x), Math.floor(y)];
  const at = (dx: number, dy: number): number => data[3 * ((top + dy) * size.widthPx + left + dx) + channel] ?? 0;
  const upper = at(0, 0) + (x - left) * (at(1, 0) - at(0, 0));
  const lower = at(0, 1) + (x - left) * (at(1, 1) - at(0, 1));
  return upper + (y - top) * (lower - upper);
}

/** Place in the frame before, to the nearest pixel. */
function before({ flow }: StreetFrame, at: number): number {
  const x = Math.round((at % size.widthPx) + (flow[at] ?? 0));
  const y = Math.round(Math.floor(at / size.widthPx) + (flow[pixels + at] ?? 0));
  return x < 0 || y < 0 || x >= size.widthPx || y >= size.heightPx ? -1 : y * size.widthPx + x;
}

describe.each([
  ["drive", 70],
  ["turn", 130],
] as const)("motion of a camera that rides: %s", (camera, index) => {
  let [earlier, now]: StreetFrame[] = [];

  beforeAll(() => {
    const street = new Street({ seed: 4, camera, ...size, noise: 0, exposure: 1 });
    [earlier, now] = [street.frame(index), street.frame(index + 1)];
  });

  test("leads back to the same thing, wherever it can be seen", () => {
    if (now === undefined || earlier === undefined) throw new Error("no frames");
    let [seen, same] = [0, 0];
    for (let at = 0; at < pixels; at++) {
      if (now.occluded[at] === 1 || !isInside(now, at)) continue;
      const there = before(now, at);
      if (there < 0 || !isInside(earlier, there)) continue;
      seen++;
      // What is seen through gaps is labelled as that which has them, and that moves otherwise.
      const labels = [earlier.labels.data[there] ?? 0, now.labels.data[at] ?? 0];
      const isAlike = labels[0] === labels[1] || labels.some((label) => withGaps.has(label));
      if (isAlike && earlier.instances[there] === now.instances[at]) same++;
    }
    expect(seen).toBeGreaterThan(0.5 * pixels);
    expect(same / seen).toBeGreaterThan(0.999);
  });

  test("and to the same colour: nearer than without motion", () => {
    if (now === undefined || earlier === undefined) throw new Error("no frames");
    let [moved, still, count] = [0, 0, 0];
    for (let at = 0; at < pixels; at++) {
      if (now.occluded[at] === 1 || !isInside(now, at)) continue;
      const x = (at % size.widthPx) + (now.flow[at] ?? 0);
      const y = Math.floor(at / size.widthPx) + (now.flow[pixels + at] ?? 0);
      if (x < 0 || y < 0 || x >= size.widthPx - 1 || y >= size.heightPx - 1) continue;
      count++;
      for (let c = 0; c < 3; c++) {
        const value = now.frame.data[3 * at + c] ?? 0;
        moved += Math.abs(value - between(earlier.frame.data, x, y, c));
        still += Math.abs(value - (earlier.frame.data[3 * at + c] ?? 0));
      }
    }
    expect(count).toBeGreaterThan(0.6 * pixels);
    expect(moved).toBeLessThan(0.5 * still);
  });
});

test("before a camera that stands, nothing that stands moves, and what is uncovered was hidden", () => {
  const street = new Street({ seed: 6, camera: "fixed", density: 2, ...size });
  let earlier = street.frame(40);
  let [uncovered, told] = [0, 0];
  for (let index = 41; index < 53; index++) {
    const now = street.frame(index);
    let most = 0;
    for (let at = 0; at < pixels; at++) {
      if ((now.instances[at] ?? 0) >= firstMoving) continue;
      most = Math.max(most, Math.hypot(now.flow[at] ?? 0, now.flow[pixels + at] ?? 0));
      if ((earlier.instances[at] ?? 0) < firstMoving || !isInside(now, at)) continue;
      uncovered++;
      told += now.occluded[at] ?? 0;
    }
    expect(most).toBeLessThan(1e-3);
    earlier = now;
  }
  expect(uncovered).toBeGreaterThan(30);
  expect(told / uncovered).toBeGreaterThan(0.9);
});

test("before a camera that turns on the spot, all that stands moves by one homography, near or far", () => {
  const street = new Street({ seed: 5, camera: "pan", ...size });
  street.frame(20);
  const { flow, instances, depth } = street.frame(21);
  // Turned by R, a point on the ray (x, y, 1) was on R (x, y, 1): three rows of three, up to scale, by least squares.
  const rows: number[][] = [];
  const sides: number[] = [];
  const places: number[] = [];
  for (let at = 0; at < pixels; at += 97) {
    if ((instances[at] ?? 0) >= firstMoving) continue;
    const [x, y] = [(at % size.widthPx) / 100 - 1.2, Math.floor(at / size.widthPx) / 100 - 0.9];
    const [bx, by] = [x + (flow[at] ?? 0) / 100, y + (flow[pixels + at] ?? 0) / 100];
    rows.push([x, y, 1, 0, 0, 0, -x * bx, -y * bx], [0, 0, 0, x, y, 1, -x * by, -y * by]);
    sides.push(bx, by);
    places.push(at);
  }
  const h = solved(rows, sides);
  let worst = 0;
  for (const [index, row] of rows.entries()) {
    const found = row.reduce((sum, value, k) => sum + value * (h[k] ?? 0), 0);
    worst = Math.max(worst, 100 * Math.abs(found - (sides[index] ?? 0)));
  }
  // Pixels with several faces take theirs a quarter of a pixel beside the middle.
  expect(worst).toBeLessThan(0.12);
  const depths = places.map((at) => depth[at] ?? 0);
  expect(Math.max(...depths)).toBeGreaterThan(4 * Math.min(...depths));
});

/** Least squares by the normal equations. */
function solved(rows: readonly number[][], sides: readonly number[]): number[] {
  const n = rows[0]?.length ?? 0;
  const system = Array.from({ length: n }, (_, i) =>
    Array.from({ length: n + 1 }, (__, j) =>
      rows.reduce((sum, row, k) => sum + (row[i] ?? 0) * (j < n ? (row[j] ?? 0) : (sides[k] ?? 0)), 0),
    ),
  );
  for (let i = 0; i < n; i++) {
    const pivot = system[i] ?? [];
    for (const [j, row] of system.entries()) {
      if (j === i) continue;
      const factor = (row[i] ?? 0) / (pivot[i] ?? 1);
      for (let k = 0; k <= n; k++) row[k] = (row[k] ?? 0) - factor * (pivot[k] ?? 0);
    }
  }
  return system.map((row, i) => (row[n] ?? 0) / (row[i] ?? 1));
}

test("a frame is the same whatever was asked before, and another for another seed", () => {
  const options = { seed: 8, widthPx: 96, heightPx: 72 };
  const [one, other] = [new Street(options), new Street(options)];
  one.frame(3);
  one.frame(30);
  const [jumped, inOrder] = [one.frame(6), [4, 5, 6].map((index) => other.frame(index)).at(-1)];
  expect(inOrder).toEqual(jumped);
  const { flow: _flow, occluded: _occluded, ...still } = jumped;
  expect(new Street(options).still(6)).toEqual(still);
  expect(new Street({ ...options, seed: 9 }).still(6).labels).not.toEqual(jumped.labels);
});

test("has all classes, and every pixel one", () => {
  const found = new Set<number>();
  for (const seed of [1, 2, 3, 4]) {
    const street = new Street({ seed, ...size, density: 1.5 });
    for (const index of [0, 30]) for (const label of street.still(index).labels.data) found.add(label);
  }
  expect([...found].toSorted((a, b) => a - b)).toEqual(streetClasses.map((_, label) => label));
});

test("styles differ in light and in nothing else", () => {
  const small = { widthPx: 96, heightPx: 72 };
  const frames = streetStyles.map((style) => new Street({ seed: 3, style, ...small }).still(10));
  const brightness = frames.map(({ frame }) => frame.data.reduce((sum, value) => sum + value, 0) / frame.data.length);
  for (const { labels, depth } of frames) {
    expect(labels).toEqual(frames[0]?.labels);
    expect(depth).toEqual(frames[0]?.depth);
  }
  const [day = 0, dusk = 0, night = 0] = brightness;
  expect(day).toBeGreaterThan(dusk);
  expect(dusk).toBeGreaterThan(1.5 * night);
});

test("stops and goes on", () => {
  const small = { widthPx: 96, heightPx: 72 };
  const street = new Street({ seed: 2, camera: "stop-and-go", ...small, fps: 5 });
  let [stands, rides] = [0, 0];
  for (let index = 1; index < 90; index++) {
    const { flow, instances } = street.frame(index);
    let [sum, count] = [0, 0];
    for (let at = 0; at < instances.length; at += 7) {
      if ((instances[at] ?? 0) >= firstMoving) continue;
      sum += Math.hypot(flow[at] ?? 0, flow[instances.length + at] ?? 0);
      count++;
    }
    if (sum / count < 0.01) stands++;
    if (sum / count > 0.5) rides++;
  }
  expect(stands).toBeGreaterThan(12);
  expect(rides).toBeGreaterThan(12);
});

test.each([
  [{ seed: 0.5 }, /seed: expected an integer, got 0.5/],
  [{ seed: 1, widthPx: 8 }, /widthPx: expected a whole number from 16 to 4096, got 8/],
  [{ seed: 1, density: 9 }, /density: expected a number from 0 to 3, got 9/],
  [{ seed: 1, fps: 0 }, /fps: expected a number above 0, up to 240, got 0/],
  [{ seed: 1, style: "noon" as never }, /style: expected one of day, dusk, night, fog, rain, got noon/],
  [{ seed: 1, camera: "crane" as never }, /camera: expected one of drive, turn, stop-and-go, pan, fixed, got crane/],
])("refuses %j", (options, message) => {
  expect(() => new Street(options)).toThrow(ClockworkError);
  expect(() => new Street(options)).toThrow(message);
  expect(streetCameras).toHaveLength(5);
});
