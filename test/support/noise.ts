// Pictures without a file: smooth noise that drifts, the same for the same seed.

import type { Frame } from "../../src/frame.ts";
import type { EngineTensor } from "../../src/engine/engine.ts";

/** An image tensor of smooth values around zero that move by about a pixel a frame. */
export function noiseImage(dims: readonly number[], frame: number): EngineTensor {
  const [, channels = 3, height = 1, width = 1] = dims;
  const data = new Float32Array(channels * height * width);
  let at = 0;
  for (let c = 0; c < channels; c++) {
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const u = x + frame;
        data[at++] = Math.sin(u * 0.11 + c) + Math.cos(y * 0.07 - c * 2 + u * 0.03) + 0.3 * Math.sin(u * y * 0.01);
      }
    }
  }
  return { dtype: "float32", dims, data };
}

/** A frame of smooth colours that move by about a pixel a frame. */
export function noiseFrame(widthPx: number, heightPx: number, frame: number): Frame {
  const data = new Uint8Array(widthPx * heightPx * 3);
  let at = 0;
  for (let y = 0; y < heightPx; y++) {
    for (let x = 0; x < widthPx; x++) {
      for (let c = 0; c < 3; c++) {
        data[at++] = 128 + 60 * Math.sin((x + frame) * 0.05 + c) + 50 * Math.cos(y * 0.04 + c * 2 + frame * 0.01);
      }
    }
  }
  return { data, widthPx, heightPx, timestampSec: frame / 25 };
}
