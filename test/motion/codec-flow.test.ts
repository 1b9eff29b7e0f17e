// Blocks spread over cells, against painting them pixel by pixel.

import { describe, expect, test } from "vitest";
import { numbersPerBlock } from "../../src/frame.ts";
import { codecFlow } from "../../src/motion/codec-flow.ts";
import { coveredPx, flowScale, type FlowScale, type PictureSize } from "../../src/motion/index.ts";
import { Random } from "../../src/networks/random.ts";
import { most } from "./lookups.ts";

/** A block by its upper left corner, in whole pixels. */
interface Block {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
  readonly dx: number;
  readonly dy: number;
  readonly steps: number;
}

function listed(blocks: readonly Block[]): { readonly blocks: Float32Array<ArrayBuffer> } {
  const numbers = blocks.flatMap(({ left, top, width, height, dx, dy, steps }) => [
    left + width / 2,
    top + height / 2,
    width,
    height,
    dx,
    dy,
    steps,
  ]);
  expect(numbers).toHaveLength(blocks.length * numbersPerBlock);
  return { blocks: Float32Array.from(numbers) };
}

/** Flow in pixels of the scale's picture. */
function inPx(flow: Float32Array, { finest }: FlowScale): { readonly x: Float32Array; readonly y: Float32Array } {
  const { widthPx, heightPx } = coveredPx(finest);
  const cells = finest.widthCells * finest.heightCells;
  return {
    x: flow.subarray(0, cells).map((value) => (value * widthPx) / 2),
    y: flow.subarray(cells).map((value) => (value * heightPx) / 2),
  };
}

/** A tiling of 16 px blocks, some of them divided, some without a vector, some with two. */
function tiling({ widthPx, heightPx }: PictureSize, seed: number): readonly Block[] {
  const random = new Random(seed, "blocks");
  const blocks: Block[] = [];
  const vector = (steps: number) => ({ dx: 8 * random.next() - 4, dy: 8 * random.next() - 4, steps });
  for (let top = 0; top < heightPx; top += 16) {
    for (let left = 0; left < widthPx; left += 16) {
      const kind = random.next();
      if (kind < 0.2) continue;
      if (kind < 0.4) {
        for (const [x, y] of [
          [0, 0],
          [8, 0],
          [0, 8],
        ] as const) {
          blocks.push({ left: left + x, top: top + y, width: 8, height: 8, ...vector(1) });
        }
        continue;
      }
      blocks.push({ left, top, width: 16, height: 16, ...vector(kind < 0.7 ? 1 : 3) });
      if (kind > 0.8) blocks.push({ left, top, width: 16, height: 16, ...vector(-2) });
    }
  }
  return blocks;
}

describe("blocks", () => {
  test.each<[string, PictureSize]>([
    ["of a picture that cells fill", { widthPx: 480, heightPx: 272 }],
    ["of one that they do not fill", { widthPx: 333, heightPx: 187 }],
    ["smaller than cells", { widthPx: 1920, heightPx: 200 }],
  ])("%s: each cell has the mean of its pixels", (_, size) => {
    const scale = flowScale(size);
    const { widthCells: w, heightCells: h, cellPx } = scale.finest;
    const blocks = tiling(size, 1);
    const { flow, valid, known } = codecFlow(listed(blocks), size, scale);
    const pixels = { x: new Float64Array(w * h), y: new Float64Array(w * h), weight: new Float64Array(w * h) };
    const area = new Float64Array(w * h);
    for (const { left, top, width, height, dx, dy, steps } of blocks) {
      for (let row = top; row < top + height && row < h * cellPx; row++) {
        for (let column = left; column < left + width && column < w * cellPx; column++) {
          const cell = Math.floor(row / cellPx) * w + Math.floor(column / cellPx);
          const weight = 1 / Math.abs(steps);
          area[cell] = (area[cell] ?? 0) + 1 / cellPx ** 2;
          pixels.weight[cell] = (pixels.weight[cell] ?? 0) + weight;
          pixels.x[cell] = (pixels.x[cell] ?? 0) + (weight * dx) / steps;
          pixels.y[cell] = (pixels.y[cell] ?? 0) + (weight * dy) / steps;
        }
      }
    }
    const seen = inPx(flow, scale);
    let cells = 0;
    let apart = 0;
    let validApart = 0;
    for (let cell = 0; cell < w * h; cell++) {
      const weight = pixels.weight[cell] ?? 0;
      if (weight === 0) {
        validApart = Math.max(validApart, valid[cell] ?? NaN);
        continue;
      }
      cells++;
      apart = Math.max(
        apart,
        Math.abs((seen.x[cell] ?? NaN) - (pixels.x[cell] ?? NaN) / weight),
        Math.abs((seen.y[cell] ?? NaN) - (pixels.y[cell] ?? NaN) / weight),
      );
      // Away from the edges, only what is not covered takes from validity.
      const [row, column] = [Math.floor(cell / w), cell % w];
      if (row > 2 && column > 2 && row < h - 3 && column < w - 3) {
        validApart = Math.max(validApart, Math.abs((valid[cell] ?? NaN) - Math.min(1, area[cell] ?? 0)));
      }
    }
    expect(apart).toBeLessThan(1e-3);
    expect(validApart).toBeLessThan(1e-4);
    expect(known).toBeCloseTo(cells / (w * h), 9);
    expect(cells).toBeGreaterThan((w * h) / 2);
    expect(cells).toBeLessThan(w * h);
  });

  test("of a frame of another size are stretched with it", () => {
    const size = { widthPx: 240, heightPx: 144 };
    const scale = flowScale(size);
    const blocks = tiling(size, 2);
    const double = blocks.map((block) => ({
      left: 2 * block.left,
      top: 3 * block.top,
      width: 2 * block.width,
      height: 3 * block.height,
      dx: 2 * block.dx,
      dy: 3 * block.dy,
      steps: block.steps,
    }));
    const one = codecFlow(listed(blocks), size, scale);
    const other = codecFlow(listed(double), { widthPx: 480, heightPx: 432 }, scale);
    expect(most(other.flow, one.flow)).toBeLessThan(1e-6);
    expect(most(other.valid, one.valid)).toBeLessThan(1e-5);
  });
});

describe("places without a vector", () => {
  const size = { widthPx: 480, heightPx: 272 };
  const scale = flowScale(size);
  const { widthCells: w, heightCells: h, cellPx } = scale.finest;

  test("take what is around them, and are not valid", () => {
    // Left of the middle things go left, right of it right; in between and in a few holes nothing is known.
    const blocks: Block[] = [];
    for (let top = 0; top < 272; top += 16) {
      for (let left = 0; left < 480; left += 16) {
        const isHole = (left >= 160 && left < 320) || (left === 64 && top > 64 && top < 160);
        if (!isHole) blocks.push({ left, top, width: 16, height: 16, dx: left < 240 ? -2 : 3, dy: 1, steps: 1 });
      }
    }
    const { flow, valid } = codecFlow(listed(blocks), size, scale);
    const { x, y } = inPx(flow, scale);
    expect(most(y, new Float32Array(w * h).fill(1))).toBeLessThan(1e-5);
    const of = (values: Float32Array, fromPx: number, toPx: number): number[] =>
      [...values].filter((_, cell) => (cell % w) * cellPx >= fromPx && ((cell % w) + 1) * cellPx <= toPx);
    const [left, right] = [of(x, 0, 228), of(x, 258, 480)];
    expect(
      most(
        left,
        left.map(() => -2),
      ),
    ).toBeLessThan(1e-4);
    expect(
      most(
        right,
        right.map(() => 3),
      ),
    ).toBeLessThan(1e-4);
    expect(most(of(valid, 162, 318))).toBe(0);
  });

  test("are all still where there is no vector at all", () => {
    const { flow, valid, known } = codecFlow({ blocks: new Float32Array() }, size, scale);
    expect(flow).toEqual(new Float32Array(2 * w * h));
    expect(valid).toEqual(new Float32Array(w * h));
    expect(known).toBe(0);
  });
});

test("vectors that lead out of the picture are not valid", () => {
  const size = { widthPx: 480, heightPx: 272 };
  const scale = flowScale(size);
  const { widthCells: w, heightCells: h, cellPx } = scale.finest;
  const whole = { left: 0, top: 0, width: 480, height: 272, dx: 40, dy: -15, steps: 2 };
  const { valid } = codecFlow(listed([whole]), size, scale);
  for (let row = 0; row < h; row++) {
    for (let column = 0; column < w; column++) {
      // Linear samples of ones between zeros: each axis gives a share.
      const share = (cell: number, count: number, by: number): number => {
        const at = cell + by / cellPx;
        const [low, part] = [Math.floor(at), at - Math.floor(at)];
        const isInside = (index: number): number => (index >= 0 && index < count ? 1 : 0);
        return (1 - part) * isInside(low) + part * isInside(low + 1);
      };
      // The last row of cells is half filled by the block.
      if (row === h - 1 && (272 / cellPx) % 1 !== 0) continue;
      expect(valid[row * w + column]).toBeCloseTo(share(column, w, 20) * share(row, h, -7.5), 4);
    }
  }
});
