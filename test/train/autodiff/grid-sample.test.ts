// Sampling of maps at positions that are computed: gradients against measured slopes.

import { describe, expect, test } from "vitest";
import { Random } from "../../../src/networks/random.ts";
import { gridSample } from "../../../src/train/autodiff/rules/grid-sample.ts";
import { faultsOf, randomGiven, type Given } from "./smooth.ts";

const rules = { GridSample: gridSample };

/** Samples from one pixel outside the map to one outside at the other end, `off` pixels from where sampling has a kink. */
function gridOf(
  seed: number,
  [batch, height, width]: readonly [number, number, number],
  [rows, columns]: readonly [number, number],
  aligned: boolean,
  off: readonly [low: number, high: number],
): Given {
  const random = new Random(seed, "grid");
  const data: number[] = [];
  for (let at = 0; at < batch * rows * columns; at++) {
    for (const length of [width, height]) {
      const pixel = Math.floor(random.next() * (length + 3)) - 2 + off[0] + (off[1] - off[0]) * random.next();
      data.push(aligned ? (2 * pixel) / (length - 1) - 1 : (2 * pixel + 1) / length - 1);
    }
  }
  return { dims: [batch, rows, columns, 2], data: Float32Array.from(data) };
}

const paddings = ["zeros", "border", "reflection"];
const cases = paddings.flatMap((padding) => [0, 1].map((aligned) => ({ padding, aligned })));

describe("bilinear", () => {
  test.each(cases)("padding $padding, align_corners $aligned", async ({ padding, aligned }) => {
    const faults = await faultsOf({
      build: (b) => {
        const attributes = { mode: "bilinear", padding_mode: padding, align_corners: aligned };
        return b.add("y", "GridSample", ["x", "grid"], attributes);
      },
      by: {
        x: randomGiven(1, [2, 3, 4, 5]),
        grid: gridOf(2, [2, 4, 5], [3, 6], aligned === 1, [0.2, 0.8]),
      },
      rules,
    });
    expect(faults).toEqual([]);
  });

  test("under the name it has from operator set 20 on, many samples of one pixel", async () => {
    const grid = gridOf(3, [1, 2, 2], [5, 7], false, [0.2, 0.8]);
    const faults = await faultsOf({
      build: (b) => b.add("y", "GridSample", ["x", "grid"], { mode: "linear" }),
      by: { x: randomGiven(4, [1, 2, 2, 2]), grid },
      rules,
      opset: 20,
    });
    expect(faults).toEqual([]);
  });
});

describe("nearest", () => {
  test.each(cases)("padding $padding, align_corners $aligned", async ({ padding, aligned }) => {
    const grid = gridOf(5, [2, 5, 4], [4, 3], aligned === 1, [-0.3, 0.3]);
    const faults = await faultsOf({
      build: (b) => {
        const attributes = { mode: "nearest", padding_mode: padding, align_corners: aligned };
        return b.add("y", "GridSample", ["x", b.float32("grid", grid.dims, grid.data)], attributes);
      },
      by: { x: randomGiven(6, [2, 2, 5, 4]) },
      rules,
    });
    expect(faults).toEqual([]);
  });
});

describe("what has no gradient here says so", () => {
  test.each([
    { mode: "nearest", expected: /bilinear sampling where the grid is learned, got nearest/u },
    { mode: "bicubic", expected: /bilinear or nearest sampling, got bicubic/u },
  ])("$mode", async ({ mode, expected }) => {
    const looked = faultsOf({
      build: (b) => b.add("y", "GridSample", ["x", "grid"], { mode }),
      by: { x: randomGiven(1, [1, 1, 4, 4]), grid: gridOf(2, [1, 4, 4], [2, 2], false, [0.2, 0.3]) },
      rules,
    });
    await expect(looked).rejects.toThrow(expected);
  });
});
