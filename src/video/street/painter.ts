// From samples to a picture and to all that is known of it: the colour of each pixel is that of its four samples, its
// depth and all the rest that of the face that most of them have, the nearest of those that are even. So is its label,
// unless half of the samples look through the gaps of something: then it belongs to that, as annotators have it.

import type { Firmament } from "./firmament.ts";
import { label } from "./label.ts";
import { composed, inverted, type Pose } from "./pose.ts";
import { numbersPerFace, sky, type Raster } from "./raster.ts";
import type { Canvas, Eye, Surface } from "./surface.ts";

/** How the mesh with a motion moved: from the camera now to the camera of the frame before; `undefined`: it was nowhere. */
export type Motion = Pose | undefined;

/** What is known of a picture: maps [heightPx, widthPx], new ones for each picture. */
export interface Painting {
  readonly labels: Uint8Array<ArrayBuffer>;
  readonly depth: Float32Array<ArrayBuffer>;
  readonly instances: Uint16Array<ArrayBuffer>;
}

/** What is known of how it follows from the one before. */
export interface Movement {
  /** A new map, [2, heightPx, widthPx]. */
  readonly flow: Float32Array<ArrayBuffer>;
  /** Depth in the frame before, where the point should have been; negative where it was nowhere. Holds until the next. */
  readonly depthBefore: Float32Array;
}

/** Paints what a raster has. */
export class Painter {
  /** The picture that was painted last: red, green, blue of 255 and above, [heightPx, widthPx, 3]. */
  readonly light: Float32Array;
  readonly #raster: Raster;
  readonly #surface: Surface;
  readonly #firmament: Firmament;
  readonly #canvas: Canvas;
  #isMirroring = false;
  /** One face's share of a pixel. */
  readonly #part: Canvas = { light: new Float32Array(3), mirrors: new Float32Array(1) };
  /** Face of each pixel and the place where it was looked at, of the picture that was painted last. */
  readonly #faces: Int32Array;
  readonly #places: Float32Array;
  readonly #depthBefore: Float32Array;
  readonly #four: Int32Array = new Int32Array(4);

  constructor(raster: Raster, surface: Surface, firmament: Firmament) {
    this.#raster = raster;
    this.#surface = surface;
    this.#firmament = firmament;
    const pixels = raster.widthPx * raster.heightPx;
    this.light = new Float32Array(3 * pixels);
    this.#canvas = { light: this.light, mirrors: new Float32Array(pixels) };
    this.#faces = new Int32Array(pixels);
    this.#places = new Float32Array(2 * pixels);
    this.#depthBefore = new Float32Array(pixels);
  }

  /** Paints `light`, and tells all else. */
  paint(eye: Eye, sec: number): Painting {
    const raster = this.#raster;
    const { widthPx, heightPx, columns, samples } = raster;
    const pixels = widthPx * heightPx;
    const labels = new Uint8Array(pixels);
    const painting: Painting = { labels, depth: new Float32Array(pixels), instances: new Uint16Array(pixels) };
    const faces = this.#faces;
    const places = this.#places;
    this.#isMirroring = false;
    this.#surface.begin(eye);
    for (let y = 0, at = 0; y < heightPx; y++) {
      for (let x = 0; x < widthPx;) {
        const first = 2 * (y * columns + x);
        const face = samples[first] ?? sky;
        // Pixels beside each other that show one face.
        let run = 0;
        for (let k = first; x + run < widthPx && isWhole(samples, k, columns, face); k += 2) run++;
        if (run === 0) {
          this.#mixed(eye, sec, x, y, at, first);
          run = 1;
        } else {
          this.#look(eye, sec, face, x + 0.5, y + 0.5, run, this.#canvas, at);
          for (let i = 0; i < run; i++) {
            faces[at + i] = face;
            places[2 * (at + i)] = x + i + 0.5;
            places[2 * (at + i) + 1] = y + 0.5;
          }
        }
        this.#tell(painting, at, run);
        x += run;
        at += run;
      }
      if (this.#raster.gapRows[y] === 1) this.#tellGaps(labels, y);
    }
    if (this.#isMirroring) this.#mirrorAbove(eye);
    return painting;
  }

  /** Writes down what is known of pixels beside each other that have one face. */
  #tell({ labels, depth, instances }: Painting, at: number, count: number): void {
    const raster = this.#raster;
    const face = this.#faces[at] ?? sky;
    const end = at + count;
    if (face === sky) {
      labels.fill(label.sky, at, end);
      depth.fill(Infinity, at, end);
      return;
    }
    labels.fill(raster.labels[face] ?? 0, at, end);
    instances.fill(raster.instances[face] ?? 0, at, end);
    const k = face * numbersPerFace;
    const a = raster.linear[k] ?? 0;
    const b = raster.linear[k + 1] ?? 0;
    const c = raster.linear[k + 2] ?? 0;
    const places = this.#places;
    for (let i = at; i < end; i++) depth[i] = 1 / (a * (places[2 * i] ?? 0) + b * (places[2 * i + 1] ?? 0) + c);
  }

  /** In a row of pixels, gives to things what is seen through their gaps. */
  #tellGaps(labels: Uint8Array, y: number): void {
    const { widthPx, columns, gapLabels } = this.#raster;
    for (let x = 0; x < widthPx; x++) {
      const first = 2 * (y * columns + x);
      const hasGaps =
        (gapLabels[first] ?? 0) |
        (gapLabels[first + 1] ?? 0) |
        (gapLabels[first + columns] ?? 0) |
        (gapLabels[first + columns + 1] ?? 0);
      if (hasGaps === 0) continue;
      const gap = this.#gapAt(first);
      if (gap > 0) labels[y * widthPx + x] = gap - 1;
    }
  }

  /**
   * How the picture that was painted last follows from the one before.
   * @param motions by their number @param viewBefore from the world to the camera of the frame before, for the sky
   */
  movement(eye: Eye, motions: readonly Motion[], viewBefore: Pose): Movement {
    const raster = this.#raster;
    const { widthPx, heightPx, linear } = raster;
    const { focalPx } = eye;
    const pixels = widthPx * heightPx;
    const flow = new Float32Array(2 * pixels);
    const depthBefore = this.#depthBefore;
    const faces = this.#faces;
    const places = this.#places;
    // All motions in a row; that of the sky at the end. Where something was nowhere, all is zero.
    const moves = new Float64Array(12 * (motions.length + 1));
    for (const [index, motion] of motions.entries()) if (motion !== undefined) moves.set(motion, 12 * index);
    moves.set(composed(viewBefore, eye.pose), 12 * motions.length);
    for (let at = 0; at < pixels; at++) {
      const face = faces[at] ?? sky;
      const x = places[2 * at] ?? 0;
      const y = places[2 * at + 1] ?? 0;
      const rayX = (x - widthPx / 2) / focalPx;
      const rayY = (y - heightPx / 2) / focalPx;
      let m = 12 * motions.length;
      let z = 1;
      // The sky is infinitely far: only turning shows.
      let far = 0;
      if (face !== sky) {
        const k = face * numbersPerFace;
        z = 1 / ((linear[k] ?? 0) * x + (linear[k + 1] ?? 0) * y + (linear[k + 2] ?? 0));
        m = 12 * (raster.motions[face] ?? 0);
        far = 1;
      }
      const before =
        z * ((moves[m + 8] ?? 0) * rayX + (moves[m + 9] ?? 0) * rayY + (moves[m + 10] ?? 0)) +
        far * (moves[m + 11] ?? 0);
      if (before <= 0) {
        depthBefore[at] = -1;
        continue;
      }
      const bx =
        z * ((moves[m] ?? 0) * rayX + (moves[m + 1] ?? 0) * rayY + (moves[m + 2] ?? 0)) + far * (moves[m + 3] ?? 0);
      const by =
        z * ((moves[m + 4] ?? 0) * rayX + (moves[m + 5] ?? 0) * rayY + (moves[m + 6] ?? 0)) + far * (moves[m + 7] ?? 0);
      flow[at] = widthPx / 2 + (focalPx * bx) / before - x;
      flow[pixels + at] = heightPx / 2 + (focalPx * by) / before - y;
      depthBefore[at] = face === sky ? Infinity : before;
    }
    return { flow, depthBefore };
  }

  /** Paints pixels of a face, or of the sky, beside each other. */
  #look(eye: Eye, sec: number, face: number, x: number, y: number, count: number, canvas: Canvas, at: number): void {
    if (face === sky) this.#firmament.paint(eye, sec, x, y, count, canvas, at);
    else if (this.#surface.paint(face, x, y, count, canvas, at)) this.#isMirroring = true;
  }

  /** A pixel with several faces. @param at its number @param first its first sample */
  #mixed(eye: Eye, sec: number, x: number, y: number, at: number, first: number): void {
    const { columns, samples, nearness } = this.#raster;
    const { light } = this;
    const part = this.#part.light;
    const four = this.#four;
    four[0] = samples[first] ?? sky;
    four[1] = samples[first + 1] ?? sky;
    four[2] = samples[first + columns] ?? sky;
    four[3] = samples[first + columns + 1] ?? sky;
    let red = 0;
    let green = 0;
    let blue = 0;
    let mirror = 0;
    let most = 0;
    let mostNear = -1;
    for (let k = 0; k < 4; k++) {
      const face = four[k] ?? sky;
      if (four.indexOf(face) < k) continue;
      // Where its samples have their middle: always inside the face.
      let count = 0;
      let sx = 0;
      let sy = 0;
      let nearest = 0;
      for (let n = k; n < 4; n++) {
        if (four[n] !== face) continue;
        count++;
        sx += n & 1;
        sy += n >> 1;
        nearest = Math.max(nearest, nearness[first + (n >> 1) * columns + (n & 1)] ?? 0);
      }
      const faceX = x + 0.25 + (0.5 * sx) / count;
      const faceY = y + 0.25 + (0.5 * sy) / count;
      this.#look(eye, sec, face, faceX, faceY, 1, this.#part, 0);
      red += count * (part[0] ?? 0);
      green += count * (part[1] ?? 0);
      blue += count * (part[2] ?? 0);
      mirror += count * (this.#part.mirrors[0] ?? 0);
      if (count > most || (count === most && nearest > mostNear)) {
        most = count;
        mostNear = nearest;
        this.#faces[at] = face;
        this.#places[2 * at] = faceX;
        this.#places[2 * at + 1] = faceY;
      }
    }
    light[3 * at] = red / 4;
    light[3 * at + 1] = green / 4;
    light[3 * at + 2] = blue / 4;
    this.#canvas.mirrors[at] = mirror / 4;
  }

  /** Label of the gap that half of a pixel's samples look through, plus 1; 0 for none. */
  #gapAt(first: number): number {
    const { columns, nearness, gapNearness, gapLabels } = this.#raster;
    let count = 0;
    let nearest = 0;
    let found = 0;
    for (let k = 0; k < 4; k++) {
      const at = first + (k >> 1) * columns + (k & 1);
      const gap = gapNearness[at] ?? 0;
      if (gap <= (nearness[at] ?? 0)) continue;
      count++;
      if (gap > nearest) {
        nearest = gap;
        found = gapLabels[at] ?? 0;
      }
    }
    return count >= 2 ? found : 0;
  }

  /** Wet ground shows what is above it, as far as the picture has it: the row as far over the horizon as this is under it. */
  #mirrorAbove({ pose, focalPx, widthPx, heightPx }: Eye): void {
    const { light } = this;
    const source = Float32Array.from(light);
    const horizon = heightPx / 2 + focalPx * (pose[6] / Math.max(0.2, -pose[5]));
    for (let y = Math.max(0, Math.floor(horizon) + 1); y < heightPx; y++) {
      const from = Math.max(0, Math.min(heightPx - 1, Math.round(2 * horizon - y)));
      // Three rows: the surface is rough.
      const rows = [Math.max(0, from - 4), from, Math.min(heightPx - 1, from + 4)];
      for (let x = 0; x < widthPx; x++) {
        const share = this.#canvas.mirrors[y * widthPx + x] ?? 0;
        if (share <= 0) continue;
        for (let c = 0; c < 3; c++) {
          let sum = 0;
          for (const row of rows) sum += source[3 * (row * widthPx + x) + c] ?? 0;
          const at = 3 * (y * widthPx + x) + c;
          light[at] = (light[at] ?? 0) + share * (sum / 3 - (light[at] ?? 0));
        }
      }
    }
  }
}

/** Motion of a mesh between two frames, from camera to camera. */
export function motionOf(poseNow: Pose, poseBefore: Pose, camera: Pose, viewBefore: Pose): Pose {
  return composed(composed(viewBefore, poseBefore), composed(inverted(poseNow), camera));
}

/** Whether the four samples of the pixel that begins at `k` show a face. */
function isWhole(samples: Int32Array, k: number, columns: number, face: number): boolean {
  return (
    samples[k] === face && samples[k + 1] === face && samples[k + columns] === face && samples[k + columns + 1] === face
  );
}
