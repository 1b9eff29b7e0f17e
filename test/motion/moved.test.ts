// Composition and warping against plain loops.

import { describe, expect, test } from "vitest";
import type { EngineTensor } from "../../src/engine/engine.ts";
import {
  composeGraph,
  coveredPx,
  flowScale,
  gridGraph,
  labelWarpGraph,
  pathDims,
  warpGraph,
} from "../../src/motion/index.ts";
import { Random } from "../../src/networks/random.ts";
import { GraphBuilder, modelOf } from "../../src/onnx/index.ts";
import { runOnce } from "../support/runtime.ts";
import { endpointError, streamModel } from "./flow-model.ts";
import { bilinear, most, nearest, plane } from "./lookups.ts";
import { MovingScene, still, type Extent } from "./moving-scene.ts";

function floats(dims: readonly number[], values: (at: number) => number): EngineTensor {
  const count = dims.reduce((product, dim) => product * dim, 1);
  return { dtype: "float32", dims, data: Float32Array.from({ length: count }, (_, at) => values(at)) };
}

function flag(value: boolean): EngineTensor {
  return { dtype: "bool", dims: [1], data: Uint8Array.of(value ? 1 : 0) };
}

/** Flow of the finest level from pixels of motion at a place of the picture. */
function flowFrom(size: Extent, motion: (x: number, y: number) => readonly [number, number]): EngineTensor {
  const { finest } = flowScale(size);
  const { widthCells: w, heightCells: h, cellPx } = finest;
  const covered = coveredPx(finest);
  return floats([1, 2, h, w], (at) => {
    const cell = at % (h * w);
    const [dx, dy] = motion(((cell % w) + 0.5) * cellPx, (Math.floor(cell / w) + 0.5) * cellPx);
    return at < h * w ? (2 * dx) / covered.widthPx : (2 * dy) / covered.heightPx;
  });
}

/** A motion that is different everywhere, and leaves the picture in places. */
function swirl({ widthPx, heightPx }: Extent, strength = 0.06): (x: number, y: number) => readonly [number, number] {
  return (x, y) => [
    strength * widthPx * Math.sin((5 * y) / heightPx) + 0.02 * (x - widthPx / 2),
    strength * heightPx * Math.cos((4 * x) / widthPx) - 0.1 * (y - heightPx / 2),
  ];
}

describe("composition", () => {
  const size: Extent = { widthPx: 131, heightPx: 75 };
  const scale = flowScale(size);
  const { widthCells: w, heightCells: h } = scale.finest;
  const random = new Random(7, "paths");
  const inputs = {
    flow: flowFrom(size, swirl(size)),
    valid: floats([1, 1, h, w], () => random.next()),
    before: floats(pathDims(scale), () => 0.2 * random.next() - 0.1),
  };

  async function composed(reset: boolean): Promise<EngineTensor | undefined> {
    const b = new GraphBuilder("path");
    const { path } = composeGraph(b, {
      flow: b.input("flow", "float32", [1, 2, h, w]),
      valid: b.input("valid", "float32", [1, 1, h, w]),
      before: b.input("before", "float32", pathDims(scale)),
      reset: b.input("reset", "bool", [1]),
      scale,
    });
    b.output(path, "float32", undefined);
    return (await runOnce(modelOf(b.build(), 16), { ...inputs, reset: flag(reset) }))[path];
  }

  test("what was carried is looked up where the flow leads", async () => {
    const path = await composed(false);
    expect(path?.dims).toEqual([1, 3, h, w]);
    const flow = [0, 1].map((channel) => plane(inputs.flow.data, w, h, channel));
    const valid = plane(inputs.valid.data, w, h);
    const expected = new Float32Array(3 * h * w);
    for (let channel = 0; channel < 3; channel++) {
      const held = plane(inputs.before.data, w, h, channel);
      for (let row = 0; row < h; row++) {
        for (let column = 0; column < w; column++) {
          const [u = 0, v = 0] = flow.map((map) => map.at(row, column));
          const moved = bilinear(held, row + (v * h) / 2, column + (u * w) / 2);
          expected[(channel * h + row) * w + column] =
            channel < 2 ? moved + (channel === 0 ? u : v) : moved * valid.at(row, column);
        }
      }
    }
    expect(most(path?.data, expected)).toBeLessThan(1e-5);
  });

  test("a reset forgets", async () => {
    const path = await composed(true);
    expect(most(path?.data, [...new Array<number>(2 * h * w).fill(0), ...new Array<number>(h * w).fill(1)])).toBe(0);
  });

  test("over six frames a steady motion adds up", async () => {
    const frame: Extent = { widthPx: 240, heightPx: 180 };
    const own = flowScale(frame);
    const model = streamModel(frame);
    const scene = new MovingScene(6, frame.widthPx);
    const { widthCells, heightCells } = own.finest;
    const view = (time: number) => ({ ...still, shiftX: 4 * time, shiftY: -2 * time, zoom: 1.01 ** time });
    let luma = floats([1, 1, heightCells, widthCells], () => 0);
    let path = floats(pathDims(own), () => 0);
    for (let time = 0; time <= 6; time++) {
      const result = await runOnce(model, {
        frame: scene.frame(frame, view(time)),
        "luma-before": luma,
        "path-before": path,
        reset: flag(time === 0),
      });
      luma = result["luma"] ?? luma;
      path = result["path"] ?? path;
    }
    expect(endpointError(path, own, view(6))).toBeLessThan(2);
    // The right edge has come from outside the first picture; the middle has not.
    const valid = plane(path.data, widthCells, heightCells, 2);
    expect(valid.at(heightCells / 2, widthCells - 1)).toBeLessThan(0.3);
    expect(valid.at(heightCells / 2, widthCells / 2)).toBeGreaterThan(0.95);
  });
});

describe("maps", () => {
  test.each<[string, Extent, number, number]>([
    ["coarser than the flow", { widthPx: 480, heightPx: 360 }, 30, 23],
    ["finer than the flow", { widthPx: 64, heightPx: 48 }, 100, 90],
    ["over a picture that the cells do not fill", { widthPx: 485, heightPx: 363 }, 61, 46],
    ["of a single pixel across", { widthPx: 97, heightPx: 61 }, 1, 13],
  ])("%s", async (_, size, width, height) => {
    const scale = flowScale(size);
    const { widthCells, heightCells, cellPx } = scale.finest;
    const covered = coveredPx(scale.finest);
    const flow = flowFrom(size, swirl(size));
    const random = new Random(8, "features");
    const map = floats([1, 3, height, width], () => random.next() - 0.5);
    const b = new GraphBuilder("warp");
    const grid = gridGraph(b, {
      flow: b.input("flow", "float32", flow.dims),
      scale,
      to: { height, width, kind: "picture" },
    });
    const moved = warpGraph(b, { map: b.input("map", "float32", map.dims), grid, part: "moved" });
    b.output(moved, "float32", undefined);
    const result = (await runOnce(modelOf(b.build(), 16), { flow, map }))[moved];
    expect(result?.dims).toEqual(map.dims);
    const [flowX, flowY] = [plane(flow.data, widthCells, heightCells, 0), plane(flow.data, widthCells, heightCells, 1)];
    const expected = new Float32Array(3 * height * width);
    for (let row = 0; row < height; row++) {
      for (let column = 0; column < width; column++) {
        const [x, y] = [((column + 0.5) * size.widthPx) / width, ((row + 0.5) * size.heightPx) / height];
        const cell = [y / cellPx - 0.5, x / cellPx - 0.5] as const;
        const fromX = x + (bilinear(flowX, ...cell) * covered.widthPx) / 2;
        const fromY = y + (bilinear(flowY, ...cell) * covered.heightPx) / 2;
        for (let channel = 0; channel < 3; channel++) {
          expected[(channel * height + row) * width + column] = bilinear(
            plane(map.data, width, height, channel),
            (fromY / size.heightPx) * height - 0.5,
            (fromX / size.widthPx) * width - 0.5,
          );
        }
      }
    }
    expect(most(result?.data, expected)).toBeLessThan(1e-3);
  });
});

describe("labels", () => {
  async function movedLabels(
    size: Extent,
    flow: EngineTensor,
    labels: EngineTensor,
  ): Promise<EngineTensor | undefined> {
    const b = new GraphBuilder("labels");
    const moved = labelWarpGraph(b, {
      labels: b.input("labels", labels.dtype, labels.dims),
      dims: labels.dims,
      flow: b.input("flow", "float32", flow.dims),
      scale: flowScale(size),
    });
    b.output(moved, labels.dtype, undefined);
    return (await runOnce(modelOf(b.build(), 16), { flow, labels }))[moved];
  }

  function bytes(dims: readonly number[], seed: number): EngineTensor {
    const random = new Random(seed, "labels");
    const data = Uint8Array.from(
      { length: dims.reduce((product, dim) => product * dim, 1) },
      () => 256 * random.next(),
    );
    return { dtype: "uint8", dims, data };
  }

  test.each<[number, number]>([
    [240, 180],
    [64, 48],
    [333, 87],
    [1280, 126],
  ])("stay where nothing moves, and follow a shift to the pixel: %i x %i", async (widthPx, heightPx) => {
    const size = { widthPx, heightPx };
    const labels = bytes([heightPx, widthPx], 1);
    expect(
      (
        await movedLabels(
          size,
          flowFrom(size, () => [0, 0]),
          labels,
        )
      )?.data,
    ).toEqual(labels.data);
    const source = plane(labels.data, widthPx, heightPx);
    for (const [dx, dy] of [
      [3.3, -5.7],
      [-0.4, 11.6],
      [-widthPx, 2 * heightPx],
    ] as const) {
      const moved = await movedLabels(
        size,
        flowFrom(size, () => [dx, dy]),
        labels,
      );
      const expected = Uint8Array.from({ length: widthPx * heightPx }, (_, at) =>
        nearest(source, Math.floor(at / widthPx) + dy, (at % widthPx) + dx),
      );
      expect(most(moved?.data, expected)).toBe(0);
    }
  });

  test.each<[string, Extent, number, number]>([
    ["of the picture's size", { widthPx: 480, heightPx: 360 }, 480, 360],
    ["over a picture that the cells do not fill", { widthPx: 485, heightPx: 363 }, 485, 363],
    ["at another size than the picture", { widthPx: 480, heightPx: 360 }, 201, 133],
    ["larger than the picture", { widthPx: 96, heightPx: 64 }, 240, 161],
  ])("follow a motion that varies: %s", async (_, size, width, height) => {
    const { finest } = flowScale(size);
    const covered = coveredPx(finest);
    const flow = flowFrom(size, swirl(size, 0.02));
    // Labels that tell where they come from, to the pixel, along one axis and then the other.
    for (const axis of ["x", "y"] as const) {
      const labels: EngineTensor = {
        dtype: "int32",
        dims: [1, 1, height, width],
        data: Int32Array.from({ length: height * width }, (__, at) =>
          axis === "x" ? at % width : Math.floor(at / width),
        ),
      };
      const moved = await movedLabels(size, flow, labels);
      expect(moved?.dtype).toBe("int32");
      expect(moved?.dims).toEqual(labels.dims);
      const own = plane(flow.data, finest.widthCells, finest.heightCells, axis === "x" ? 0 : 1);
      const length = axis === "x" ? width : height;
      const px = axis === "x" ? size.widthPx : size.heightPx;
      const half = (axis === "x" ? covered.widthPx : covered.heightPx) / 2;
      let apart = 0;
      for (let row = 0; row < height; row++) {
        for (let column = 0; column < width; column++) {
          const [x, y] = [((column + 0.5) * size.widthPx) / width, ((row + 0.5) * size.heightPx) / height];
          const step = bilinear(own, y / finest.cellPx - 0.5, x / finest.cellPx - 0.5) * half;
          const position = ((axis === "x" ? x : y) + step) * (length / px) - 0.5;
          const inside = Math.min(Math.max(position, 0), length - 1);
          apart = Math.max(apart, Math.abs(Number(moved?.data[row * width + column]) - inside));
        }
      }
      // Half a pixel by rounding, the rest since rows move in groups.
      expect(apart).toBeLessThan(1);
    }
  });

  test("without pixels they are refused", () => {
    const inputs = { labels: "l", dims: [0, 4], flow: "f", scale: flowScale({ widthPx: 8, heightPx: 8 }) };
    expect(() => labelWarpGraph(new GraphBuilder("g"), inputs)).toThrow("height of the labels");
  });
});
