// Flow next to that of OpenCV (Farneback's method), on drawn scenes whose motion is known. On soft textures, where
// Farneback falls far behind, flow must be the closer one; on rough ones, where Farneback is exact to a tenth of a pixel,
// it must be within a tenth of a cell of it.

import { expect, test } from "vitest";
import { FlowChain } from "../../experiments/flow-chain.ts";
import { endpointError } from "../../experiments/flow-quality.ts";
import { cameraView, flowAt, frameAt, pasts, type Scene } from "../../experiments/moving-scenes.ts";
import { farneback, greyOf, loadOpenCv } from "../../experiments/opencv-flow.ts";
import { roughNoise, smoothNoise, type Paint } from "../../experiments/paints.ts";

const size = { widthPx: 320, heightPx: 240 } as const;

interface Errors {
  readonly ours: number;
  readonly farnebacks: number;
}

/** Mean endpoint errors, in pixels, of flow back from a view to the one before. */
async function errorsOn(paint: Paint, view: Parameters<typeof cameraView>[1]): Promise<Errors> {
  const scene: Scene = {
    ...size,
    layers: [{ paint, label: () => 0, at: (time) => cameraView(size, time === 0 ? {} : view), isObject: false }],
  };
  const [before, now] = [frameAt(scene, 0), frameAt(scene, 1)];
  await using chain = await FlowChain.open(size);
  await chain.next(before, true);
  const ours = chain.dense(await chain.next(now));
  await loadOpenCv();
  const [greyBefore, greyNow] = [greyOf(before), greyOf(now)];
  const theirs = farneback(greyNow, greyBefore);
  greyBefore.delete();
  greyNow.delete();
  const { flow, past } = flowAt(scene, 1);
  const isSeen = (at: number): boolean => past[at] === pasts.indexOf("seen");
  return { ours: endpointError(ours, flow, isSeen), farnebacks: endpointError(theirs, flow, isSeen) };
}

const views: [string, Parameters<typeof cameraView>[1]][] = [
  ["a shift of 4 px", { shiftX: 3.2, shiftY: -2.4 }],
  ["a shift of 12 px", { shiftX: -9.6, shiftY: 7.2 }],
  ["a zoom of 5 %", { zoom: 1.05 }],
  ["a turn by 3 degrees", { turnRad: (3 * Math.PI) / 180 }],
];

const [soft, rough] = [smoothNoise(4), roughNoise(4)];

test.each(views)("closer than Farneback on a soft texture: %s", async (_, view) => {
  const { ours, farnebacks } = await errorsOn(soft, view);
  expect(ours).toBeLessThan(farnebacks);
});

test.each(views)("close to Farneback on a rough texture: %s", async (_, view) => {
  const { ours, farnebacks } = await errorsOn(rough, view);
  // That it is exact here shows that the truth is drawn right, and that both are read the right way round.
  expect(farnebacks).toBeLessThan(0.25);
  const cellPx = 4;
  expect(ours).toBeLessThan(farnebacks + 0.1 * cellPx);
});
