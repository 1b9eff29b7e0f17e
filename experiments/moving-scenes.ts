// Drawn scenes in which everything moves in a known way: layers one over another, each with an affine motion. Frames,
// labels and flow are exact at every pixel, and so is what was covered a frame before. No renderer of real scenes: no
// shadows, no blur of motion, no light.

import type { Frame, LabelMap } from "../src/index.ts";
import type { Paint } from "./paints.ts";

/** From the picture to a layer, both in pixels: u = a x + b y + c, v = d x + e y + f. */
export type Affine = readonly [a: number, b: number, c: number, d: number, e: number, f: number];

/** Something flat that moves as one. */
export interface Layer {
  readonly paint: Paint;
  /** Class at a point of the layer; `undefined` where one sees through it. */
  readonly label: (u: number, v: number) => number | undefined;
  /** Where on the layer the picture looks at a time, counted in frames. */
  readonly at: (time: number) => Affine;
  /** Whether it counts as an object, not as background. */
  readonly isObject: boolean;
}

/** Layers, the nearest first; the last has no holes. */
export interface Scene {
  readonly widthPx: number;
  readonly heightPx: number;
  readonly layers: readonly Layer[];
}

/** What the frame before had of a pixel: it was seen, something else covered it, or it was out of the picture. */
export const pasts = ["seen", "covered", "outside"] as const;

/** A step in time as it truly is. */
export interface ExactFlow {
  /** Pixels, [2, heightPx, widthPx]: from a pixel of this frame to where the frame before had the same point. */
  readonly flow: Float32Array;
  /** Index into {@link pasts}, [heightPx, widthPx]. */
  readonly past: Uint8Array;
  /** 1 on objects, [heightPx, widthPx]. */
  readonly onObject: Uint8Array;
}

/** Samples along each side of a pixel. */
const samples = 2;

/** The frame at a time. */
export function frameAt(scene: Scene, time: number): Frame {
  const { widthPx, heightPx, layers } = scene;
  const views = layers.map(({ at }) => at(time));
  const data = new Uint8Array(widthPx * heightPx * 3);
  const colour = new Float32Array(3);
  for (let y = 0, to = 0; y < heightPx; y++) {
    for (let x = 0; x < widthPx; x++, to += 3) {
      let red = 0;
      let green = 0;
      let blue = 0;
      for (let sample = 0; sample < samples * samples; sample++) {
        const px = x + ((sample % samples) + 0.5) / samples;
        const py = y + (Math.floor(sample / samples) + 0.5) / samples;
        const place = seenAt(layers, views, px, py);
        const view = views[place] ?? unmoved;
        layers[place]?.paint(acrossOf(view, px, py), downOf(view, px, py), colour);
        red += colour[0] ?? 0;
        green += colour[1] ?? 0;
        blue += colour[2] ?? 0;
      }
      data[to] = byte(red / (samples * samples));
      data[to + 1] = byte(green / (samples * samples));
      data[to + 2] = byte(blue / (samples * samples));
    }
  }
  return { data, widthPx, heightPx, timestampSec: time / 25 };
}

/** The labels at a time: what is at the centres of the pixels. */
export function labelsAt(scene: Scene, time: number): LabelMap {
  const { widthPx, heightPx, layers } = scene;
  const views = layers.map(({ at }) => at(time));
  const data = new Uint8Array(widthPx * heightPx);
  for (let y = 0; y < heightPx; y++) {
    for (let x = 0; x < widthPx; x++) {
      const place = seenAt(layers, views, x + 0.5, y + 0.5);
      const view = views[place] ?? unmoved;
      data[y * widthPx + x] =
        layers[place]?.label(acrossOf(view, x + 0.5, y + 0.5), downOf(view, x + 0.5, y + 0.5)) ?? 0;
    }
  }
  return { data, widthPx, heightPx };
}

/** The flow from a time back to one frame before. */
export function flowAt(scene: Scene, time: number): ExactFlow {
  const { widthPx, heightPx, layers } = scene;
  const count = widthPx * heightPx;
  const now = layers.map(({ at }) => at(time));
  const before = layers.map(({ at }) => at(time - 1));
  const back = before.map(inverse);
  const flow = new Float32Array(2 * count);
  const past = new Uint8Array(count);
  const onObject = new Uint8Array(count);
  for (let at = 0; at < count; at++) {
    const x = (at % widthPx) + 0.5;
    const y = Math.floor(at / widthPx) + 0.5;
    const place = seenAt(layers, now, x, y);
    const view = now[place] ?? unmoved;
    const [u, v] = [acrossOf(view, x, y), downOf(view, x, y)];
    const wasX = acrossOf(back[place] ?? unmoved, u, v);
    const wasY = downOf(back[place] ?? unmoved, u, v);
    flow[at] = wasX - x;
    flow[count + at] = wasY - y;
    onObject[at] = layers[place]?.isObject === true ? 1 : 0;
    const isInside = wasX >= 0 && wasX <= widthPx && wasY >= 0 && wasY <= heightPx;
    const kind = isInside ? (seenAt(layers, before, wasX, wasY) === place ? "seen" : "covered") : "outside";
    past[at] = pasts.indexOf(kind);
  }
  return { flow, past, onObject };
}

/** The view of a camera that has moved, zoomed and turned about the middle of the picture. */
export function cameraView(
  size: { readonly widthPx: number; readonly heightPx: number },
  {
    shiftX = 0,
    shiftY = 0,
    zoom = 1,
    turnRad = 0,
  }: { readonly shiftX?: number; readonly shiftY?: number; readonly zoom?: number; readonly turnRad?: number },
): Affine {
  const [middleX, middleY] = [size.widthPx / 2, size.heightPx / 2];
  const [cos, sin] = [Math.cos(turnRad) / zoom, Math.sin(turnRad) / zoom];
  return [
    cos,
    -sin,
    middleX + shiftX - cos * middleX + sin * middleY,
    sin,
    cos,
    middleY + shiftY - sin * middleX - cos * middleY,
  ];
}

/** The view of a layer whose origin is at a point of the picture. */
export function placed(x: number, y: number): Affine {
  return [1, 0, -x, 0, 1, -y];
}

/** The nearest layer at a point of the picture. */
function seenAt(layers: readonly Layer[], views: readonly Affine[], x: number, y: number): number {
  for (let place = 0; place < layers.length - 1; place++) {
    const view = views[place] ?? unmoved;
    if (layers[place]?.label(acrossOf(view, x, y), downOf(view, x, y)) !== undefined) return place;
  }
  return layers.length - 1;
}

const unmoved: Affine = [1, 0, 0, 0, 1, 0];

function acrossOf(view: Affine, x: number, y: number): number {
  return view[0] * x + view[1] * y + view[2];
}

function downOf(view: Affine, x: number, y: number): number {
  return view[3] * x + view[4] * y + view[5];
}

function inverse([a, b, c, d, e, f]: Affine): Affine {
  const determinant = a * e - b * d;
  const [ia, ib, id, ie] = [e / determinant, -b / determinant, -d / determinant, a / determinant];
  return [ia, ib, -(ia * c + ib * f), id, ie, -(id * c + ie * f)];
}

function byte(level: number): number {
  return Math.max(0, Math.min(255, Math.round(level)));
}
