// Brightness of cells against loops over their pixels.

import { expect, test } from "vitest";
import type { EngineTensor } from "../../src/engine/engine.ts";
import { flowScale, frameLuma, imageLuma, lumaWeights } from "../../src/motion/index.ts";
import { GraphBuilder, modelOf } from "../../src/onnx/index.ts";
import { runOnce } from "../support/runtime.ts";
import { most } from "./lookups.ts";
import { MovingScene, type Extent } from "./moving-scene.ts";

async function lumaOf(frame: EngineTensor): Promise<EngineTensor | undefined> {
  const [heightPx = 0, widthPx = 0] = frame.dims;
  const b = new GraphBuilder("luma");
  b.output(
    frameLuma(b, { frame: b.input("frame", "uint8", frame.dims), scale: flowScale({ widthPx, heightPx }) }),
    "float32",
    undefined,
  );
  return Object.values(await runOnce(modelOf(b.build(), 16), { frame }))[0];
}

function meanOver(frame: EngineTensor, cellPx: number, row: number, column: number, rowStep: number): number {
  const widthPx = frame.dims[1] ?? 0;
  let sum = 0;
  let count = 0;
  for (let y = row * cellPx; y < (row + 1) * cellPx; y += rowStep) {
    for (let x = column * cellPx; x < (column + 1) * cellPx; x++, count++) {
      const [r = 0, g = 0, blue = 0] = [0, 1, 2].map((c) => Number(frame.data[(y * widthPx + x) * 3 + c]));
      sum += 0.299 * r + 0.587 * g + 0.114 * blue;
    }
  }
  return sum / count / 255;
}

test.each<[number, number, number]>([
  [50, 38, 1],
  [161, 100, 1],
  [323, 181, 1],
  [480, 360, 1],
  [485, 363, 1],
  [960, 55, 2],
  [1280, 720, 3],
])("a frame of %i x %i, every row or some", async (widthPx, heightPx, rowStep) => {
  const frame = new MovingScene(4, widthPx).frame({ widthPx, heightPx });
  const { cellPx, widthCells, heightCells } = flowScale({ widthPx, heightPx }).finest;
  const luma = await lumaOf(frame);
  expect(luma?.dims).toEqual([1, 1, heightCells, widthCells]);
  const expected = Float32Array.from({ length: heightCells * widthCells }, (_, at) =>
    meanOver(frame, cellPx, Math.floor(at / widthCells), at % widthCells, rowStep),
  );
  expect(most(luma?.data, expected)).toBeLessThan(1e-5);
});

test.each(["rgb", "bgr"] as const)("an image as a network takes it, %s, is as bright as its frame", async (order) => {
  const size: Extent = { widthPx: 323, heightPx: 181 };
  const frame = new MovingScene(5, size.widthPx).frame(size);
  const [scale, mean, std] = [1 / 255, [0.5, 0.4, 0.3], [0.2, 0.25, 0.3]];
  const count = size.widthPx * size.heightPx;
  const data = Float32Array.from({ length: 3 * count }, (_, at) => {
    const channel = Math.floor(at / count);
    const level = Number(frame.data[(at % count) * 3 + (order === "rgb" ? channel : 2 - channel)]);
    return (scale * level - (mean[channel] ?? 0)) / (std[channel] ?? 1);
  });
  const b = new GraphBuilder("luma");
  const dims = [1, 3, size.heightPx, size.widthPx];
  const image = b.input("image", "float32", dims);
  const weights = lumaWeights({ order, scale, mean, std });
  b.output(imageLuma(b, { image, ...weights, scale: flowScale(size) }), "float32", undefined);
  const [ours] = Object.values(await runOnce(modelOf(b.build(), 16), { image: { dtype: "float32", dims, data } }));
  const expected = await lumaOf(frame);
  expect(ours?.dims).toEqual(expected?.dims);
  expect(most(ours?.data, expected?.data)).toBeLessThan(1e-4);
});

test("white is 1, black is 0", async () => {
  for (const level of [0, 255]) {
    const data = new Uint8Array(60 * 100 * 3).fill(level);
    const luma = await lumaOf({ dtype: "uint8", dims: [60, 100, 3], data });
    expect(most(luma?.data, new Float32Array(60 * 100).fill(level / 255))).toBeLessThan(1e-5);
  }
});

test("an image without channels is refused", () => {
  const options = { image: "x", weights: [], offset: 0, scale: flowScale({ widthPx: 8, heightPx: 8 }) };
  expect(() => imageLuma(new GraphBuilder("g"), options)).toThrow("expected a weight for each channel");
});
