// Gaussian noise, as of a sensor in the dark: a long row of random numbers that is part of the graph, of which every frame
// takes a stretch of its own. Random operators of engines give other numbers at every run; a stretch is the same again.
// For `augment-graph.ts`.

import type { GraphBuilder } from "../../onnx/index.ts";
import { Random } from "../../networks/random.ts";

/** Places at which the noise of a frame may start. */
const STARTS = 2 ** 16;

/** Where in the row of noise each frame of a clip starts. */
export function drawNoise(frames: number, random: Random): readonly number[] {
  return Array.from({ length: frames }, () => Math.floor(random.next() * STARTS));
}

/**
 * Frames [T, 3, pixels] with noise added, in the same shape.
 * @param starts name of an int64 [T] @param deviation name of a float32 []
 */
export function noisy(b: GraphBuilder, frames: string, starts: string, deviation: string, pixels: number): string {
  const count = 3 * pixels;
  const row = b.float32("noise/row", [count + STARTS], noiseRow(count + STARTS));
  const places = b.int64("noise/places", [1, count], [...new Array(count).keys()]);
  const from = b.add("noise/from", "Reshape", [starts, b.int64("noise/from/shape", [2], [-1, 1])]);
  const taken = b.add("noise/taken", "Gather", [row, b.add("noise/index", "Add", [from, places])]);
  const planes = b.add("noise/planes", "Reshape", [taken, b.int64("noise/planes/shape", [3], [-1, 3, pixels])]);
  return b.add("noise/added", "Add", [frames, b.add("noise/scaled", "Mul", [planes, deviation])]);
}

/** Numbers of mean 0 and deviation 1: sums of twelve even ones, so that no machine's logarithm or cosine shows. */
function noiseRow(length: number): Float32Array<ArrayBuffer> {
  const random = new Random(0, "noise");
  return Float32Array.from({ length }, () => {
    let sum = -6;
    for (let part = 0; part < 12; part++) sum += random.next();
    return sum;
  });
}
