// Optical flow of OpenCV, for a second opinion: its build for WebAssembly, one thread, no SIMD. It has Farneback's method
// and pyramidal Lucas-Kanade at points; of DIS it has only the names of the presets.

import { createRequire } from "node:module";
import type * as OpenCvModule from "@techstark/opencv-js";
import type { Frame } from "../src/index.ts";
import type { FlowLevel } from "../src/motion/index.ts";

/** A grey picture of OpenCV's, to be deleted. */
export type Grey = OpenCvModule.Mat;

type OpenCv = typeof OpenCvModule;

/** Parameters of Farneback, Two-Frame Motion Estimation Based on Polynomial Expansion (SCIA 2003), as OpenCV calls them. */
export interface FarnebackOptions {
  readonly levels: number;
  readonly windowPx: number;
  readonly iterations: number;
  readonly polyN: number;
  readonly polySigma: number;
}

/** Those of OpenCV's tutorial. */
export const tutorialFarneback: FarnebackOptions = {
  levels: 3,
  windowPx: 15,
  iterations: 3,
  polyN: 5,
  polySigma: 1.2,
};

/** More levels, for larger shifts, and a wider window. */
export const widerFarneback: FarnebackOptions = { levels: 5, windowPx: 25, iterations: 3, polyN: 7, polySigma: 1.5 };

let loaded: { readonly cv: OpenCv; readonly ready: Promise<void> } | undefined;

/** Waits until OpenCV runs. */
export function loadOpenCv(): Promise<void> {
  if (loaded === undefined) {
    // Required, and never handed out by a promise: the module has a `then` that resolves to itself, without end.
    const cv = createRequire(import.meta.url)("@techstark/opencv-js") as OpenCv;
    const ready = new Promise<void>((resolve) => {
      Object.assign(cv, { onRuntimeInitialized: () => resolve() });
    });
    loaded = { cv, ready };
  }
  return loaded.ready;
}

function openCv(): OpenCv {
  if (loaded === undefined) throw new Error("OpenCV: expected it to be loaded; try loadOpenCv()");
  return loaded.cv;
}

/** Luma of ITU-R BT.601 in 8 bits. */
export function greyOf({ data, widthPx, heightPx }: Frame): Grey {
  const cv = openCv();
  const grey = new cv.Mat(heightPx, widthPx, cv.CV_8UC1);
  grey.data.set(
    Uint8Array.from({ length: widthPx * heightPx }, (_, at) =>
      Math.round(0.299 * (data[3 * at] ?? 0) + 0.587 * (data[3 * at + 1] ?? 0) + 0.114 * (data[3 * at + 2] ?? 0)),
    ),
  );
  return grey;
}

/** Flow from one picture to another, pixels, [2, height, width]. */
export function farneback(from: Grey, to: Grey, options: FarnebackOptions = tutorialFarneback): Float32Array {
  const cv = openCv();
  const flow = new cv.Mat();
  const { levels, windowPx, iterations, polyN, polySigma } = options;
  cv.calcOpticalFlowFarneback(from, to, flow, 0.5, levels, windowPx, iterations, polyN, polySigma, 0);
  const planes = planesOf(flow.data32F);
  flow.delete();
  return planes;
}

/** Flow of points in the middle of cells, pixels, [2, heightCells, widthCells]; 0 where a point is lost. */
export function pointsFlow(from: Grey, to: Grey, { widthCells, heightCells, cellPx }: FlowLevel): Float32Array {
  const cv = openCv();
  const count = widthCells * heightCells;
  const points = new cv.Mat(count, 1, cv.CV_32FC2);
  const [found, status, error] = [new cv.Mat(), new cv.Mat(), new cv.Mat()];
  // OpenCV counts from the middle of the first pixel.
  const origin = (at: number): number =>
    ((at % 2 === 0 ? (at / 2) % widthCells : Math.floor(at / 2 / widthCells)) + 0.5) * cellPx - 0.5;
  points.data32F.set(Float32Array.from({ length: 2 * count }, (_, at) => origin(at)));
  cv.calcOpticalFlowPyrLK(from, to, points, found, status, error, new cv.Size(21, 21), 4);
  const kept = status.data;
  const to32 = found.data32F;
  const planes = planesOf(
    Float32Array.from({ length: 2 * count }, (_, at) =>
      kept[Math.floor(at / 2)] === 1 ? (to32[at] ?? 0) - origin(at) : 0,
    ),
  );
  for (const mat of [points, found, status, error]) mat.delete();
  return planes;
}

/** x and y in turn as x, then y. */
function planesOf(pairs: Float32Array): Float32Array {
  const count = pairs.length / 2;
  return Float32Array.from({ length: pairs.length }, (_, at) =>
    Number(pairs[at < count ? 2 * at : 2 * (at - count) + 1]),
  );
}
