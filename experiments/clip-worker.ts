// Renders whole clips of the street away from the main thread, one after another, as they are asked for.

import { parentPort } from "node:worker_threads";
import type { Frame, LabelMap } from "../src/index.ts";
import { Street, type StreetOptions } from "../src/video/street/index.ts";

/** A clip to render. */
export interface ClipRequest {
  readonly street: StreetOptions;
  /** Frames from the first. */
  readonly frames: number;
}

/** A rendered clip: exact labels for every frame. */
export interface Clip {
  readonly frames: readonly Frame[];
  readonly labels: readonly LabelMap[];
}

const port = parentPort;
port?.on("message", ({ street: options, frames: count }: ClipRequest) => {
  const street = new Street(options);
  const frames: Frame[] = [];
  const labels: LabelMap[] = [];
  for (let index = 0; index < count; index++) {
    const still = street.still(index);
    frames.push(still.frame);
    labels.push(still.labels);
  }
  const clip: Clip = { frames, labels };
  const buffers = [...frames, ...labels].map(({ data }) => data.buffer);
  port.postMessage(clip, buffers);
});
