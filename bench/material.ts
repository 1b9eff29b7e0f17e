// What is measured: networks and frames. A real network and real footage where they lie beside the project, else
// networks of the same shape with random weights and drifting noise, which cost the same.

import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Frame } from "../src/frame.ts";
import { openModel } from "../src/models/index.ts";
import { espnet, fcn8s } from "../src/networks/index.ts";
import { readModel, type Model } from "../src/onnx/index.ts";
import { defaultPreprocessing, type Preprocessing } from "../src/preprocessing.ts";
import { openVideo } from "../src/video/index.ts";

/** A network to measure. */
export interface Subject {
  readonly name: string;
  readonly model: Model;
  readonly preprocessing: Preprocessing;
}

/** Something beside the project; `undefined` where it is not there. */
export function beside(path: string): string | undefined {
  const full = fileURLToPath(new URL(`../../shared/${path}`, import.meta.url));
  return existsSync(full) ? full : undefined;
}

/** ESPNet as trained on CamVid, or one of its shape. */
export async function espnetSubject(): Promise<Subject> {
  const folder = beside("models/espnet-camvid");
  if (folder === undefined) {
    return {
      name: "espnet (random weights)",
      model: espnet({ width: 1, classes: 12 }),
      preprocessing: defaultPreprocessing(),
    };
  }
  const source = await openModel(folder);
  return {
    name: "espnet-camvid",
    model: readModel(source.bytes, { name: source.path, external: source.readExternal }),
    preprocessing: source.preprocessing,
  };
}

/** FCN-8s in VGG layout at a quarter of its width. */
export function fcnSubject(): Subject {
  return { name: "fcn8s at 1/4 width", model: fcn8s({ width: 0.25 }), preprocessing: defaultPreprocessing() };
}

/** Frames of one size: consecutive ones of a real drive, or noise. */
export async function framesOf(widthPx: number, heightPx: number, count: number): Promise<readonly Frame[]> {
  const clip = beside("data/clips/highway-day.mp4");
  const frames: Frame[] = [];
  if (clip !== undefined) {
    for await (const frame of await openVideo(clip, { width: widthPx, height: heightPx })) {
      frames.push(frame);
      if (frames.length === count) break;
    }
    return frames;
  }
  for (let index = 0; index < count; index++) {
    const data = new Uint8Array(widthPx * heightPx * 3);
    for (let at = 0; at < data.length; at++) data[at] = 128 + 100 * Math.sin(at * 0.001 + index * 0.05);
    frames.push({ data, widthPx, heightPx, timestampSec: index / 25 });
  }
  return frames;
}
