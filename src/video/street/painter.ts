// From samples to a picture and to all that is known of it: the colour of each pixel is that of its four samples, its
// depth and all the rest that of the face that most of them have, the nearest of those that are even. So is its label,
// unless half of the samples look through the gaps of something: then it belongs to that, as annotators have it.

import type { Firmament } from "./firmament.ts";
import { label } from "./label.ts";
import { composed, inverted, type Pose } from "./pose.ts";
import { numbersPerFace, sky, type Raster } from "./raster.ts";
import type { Eye, Surface } from "./surface.ts";

/** How the mesh with a motion moved: from the camera now to the camera of the frame before; `undefined`: it was nowhere. */
export type Motion = Pose | undefined;

/** What is known of a picture. */
export interface Painting {
  /** Red, green, blue of 255 and above: [heightPx, widthPx, 3]. */
  readonly light: Float32Array;
  readonly labels: Uint8Array<ArrayBuffer>;
  readonly depth: Float32Array<ArrayBuffer>;
  readonly flow: Float32Array<ArrayBuffer>;
  readonly instances: Uint16Array<ArrayBuffer>;
  /** Depth in the frame before, where the point should have been; negative where it was nowhere. */
  readonly depthBefore: Float32Array<ArrayBuffer>;
}

/** @param motions by their number @param viewBefore from the world to the camera of the frame before, for the sky */
export function paint(
  raster: Raster,
  surface: Surface,
  firmament: Firmament,
  eye: Eye,
  sec: number,
  motions: readonly Motion[],
  viewBefore: Pose,
): Painting {
  const { widthPx, heightPx, columns, samples, nearness, linear, gapLabels } = raster;
  const pixels = widthPx * heightPx;
  const light = new Float32Array(3 * pixels);
  const mirrors = new Float32Array(pixels);
  const labels = new Uint8Array(pixels);
  const depth = new Float32Array(pixels);
  const flow = new Float32Array(2 * pixels);
  const instances = new Uint16Array(pixels);
  const depthBefore = new Float32Array(pixels);
  const { pose, focalPx } = eye;
  const [p0 = 0, p1 = 0, p2 = 0, , p4 = 0, p5 = 0, p6 = 0, , p8 = 0, p9 = 0, p10 = 0] = pose;
  const turned = composed(viewBefore, pose);
  const colour = { red: 0, green: 0, blue: 0, mirror: 0 };
  const look = (face: number, x: number, y: number): void => {
    if (face === sky) {
      const rx = (x - widthPx / 2) / focalPx;
      const ry = (y - heightPx / 2) / focalPx;
      firmament.look(p0 * rx + p1 * ry + p2, p4 * rx + p5 * ry + p6, p8 * rx + p9 * ry + p10, sec);
      colour.red = firmament.red;
      colour.green = firmament.green;
      colour.blue = firmament.blue;
      colour.mirror = 0;
      return;
    }
    surface.look(face, x, y);
    colour.red = surface.red;
    colour.green = surface.green;
    colour.blue = surface.blue;
    colour.mirror = surface.mirror;
  };
  const chosen = { face: sky, x: 0, y: 0 };
  const four = [0, 0, 0, 0];
  /** A pixel with several faces. */
  const mixed = (x: number, y: number, at: number, first: number): void => {
    for (let k = 0; k < 4; k++) four[k] = samples[first + (k >> 1) * columns + (k & 1)] ?? sky;
    let red = 0;
    let green = 0;
    let blue = 0;
    let mirror = 0;
    let most = 0;
    let mostNear = -1;
    for (let k = 0; k < 4; k++) {
      const one = four[k] ?? sky;
      if (four.indexOf(one) < k) continue;
      // Where its samples have their middle: always inside the face.
      let count = 0;
      let sx = 0;
      let sy = 0;
      let nearest = 0;
      for (let n = k; n < 4; n++) {
        if (four[n] !== one) continue;
        count++;
        sx += n & 1;
        sy += n >> 1;
        nearest = Math.max(nearest, nearness[first + (n >> 1) * columns + (n & 1)] ?? 0);
      }
      const faceX = x + 0.25 + (0.5 * sx) / count;
      const faceY = y + 0.25 + (0.5 * sy) / count;
      look(one, faceX, faceY);
      red += count * colour.red;
      green += count * colour.green;
      blue += count * colour.blue;
      mirror += count * colour.mirror;
      if (count > most || (count === most && nearest > mostNear)) {
        most = count;
        mostNear = nearest;
        chosen.face = one;
        chosen.x = faceX;
        chosen.y = faceY;
      }
    }
    light[3 * at] = red / 4;
    light[3 * at + 1] = green / 4;
    light[3 * at + 2] = blue / 4;
    mirrors[at] = mirror / 4;
  };
  /** Label of the gap that half of a pixel's samples look through, plus 1; 0 for none. */
  const gapAt = (first: number): number => {
    let count = 0;
    let nearest = 0;
    let found = 0;
    for (let k = 0; k < 4; k++) {
      const at = first + (k >> 1) * columns + (k & 1);
      const gap = raster.gapNearness[at] ?? 0;
      if (gap <= (nearness[at] ?? 0)) continue;
      count++;
      if (gap > nearest) {
        nearest = gap;
        found = gapLabels[at] ?? 0;
      }
    }
    return count >= 2 ? found : 0;
  };
  // All motions in a row; number 0 of the sky's own at the end.
  const moves = new Float64Array(12 * (motions.length + 1));
  for (const [index, motion] of motions.entries()) if (motion !== undefined) moves.set(motion, 12 * index);
  moves.set(turned, 12 * motions.length);
  surface.begin(eye);
  for (let y = 0, at = 0; y < heightPx; y++) {
    for (let x = 0; x < widthPx; x++, at++) {
      const first = 2 * y * columns + 2 * x;
      const second = samples[first + 1] ?? sky;
      const third = samples[first + columns] ?? sky;
      const fourth = samples[first + columns + 1] ?? sky;
      const face = samples[first] ?? sky;
      chosen.face = face;
      chosen.x = x + 0.5;
      chosen.y = y + 0.5;
      if (face === second && face === third && face === fourth) {
        look(face, x + 0.5, y + 0.5);
        light[3 * at] = colour.red;
        light[3 * at + 1] = colour.green;
        light[3 * at + 2] = colour.blue;
        mirrors[at] = colour.mirror;
      } else {
        mixed(x, y, at, first);
      }
      const lookX = chosen.x;
      const lookY = chosen.y;
      const rayX = (lookX - widthPx / 2) / focalPx;
      const rayY = (lookY - heightPx / 2) / focalPx;
      let move = motions.length;
      let z = 1;
      let far = 1;
      if (chosen.face === sky) {
        labels[at] = label.sky;
        depth[at] = Infinity;
        // Infinitely far: only turning shows.
        far = 0;
      } else {
        const k = chosen.face * numbersPerFace;
        z = 1 / ((linear[k] ?? 0) * lookX + (linear[k + 1] ?? 0) * lookY + (linear[k + 2] ?? 0));
        labels[at] = raster.labels[chosen.face] ?? 0;
        depth[at] = z;
        instances[at] = raster.instances[chosen.face] ?? 0;
        move = raster.motions[chosen.face] ?? 0;
      }
      const hasGaps =
        (gapLabels[first] ?? 0) |
        (gapLabels[first + 1] ?? 0) |
        (gapLabels[first + columns] ?? 0) |
        (gapLabels[first + columns + 1] ?? 0);
      if (hasGaps !== 0) {
        const gap = gapAt(first);
        if (gap > 0) labels[at] = gap - 1;
      }
      const m = 12 * move;
      const before =
        z * ((moves[m + 8] ?? 0) * rayX + (moves[m + 9] ?? 0) * rayY + (moves[m + 10] ?? 0)) +
        far * (moves[m + 11] ?? 0);
      // Also where it was nowhere: then all is zero.
      if (before <= 0) {
        depthBefore[at] = -1;
        continue;
      }
      const bx =
        z * ((moves[m] ?? 0) * rayX + (moves[m + 1] ?? 0) * rayY + (moves[m + 2] ?? 0)) + far * (moves[m + 3] ?? 0);
      const by =
        z * ((moves[m + 4] ?? 0) * rayX + (moves[m + 5] ?? 0) * rayY + (moves[m + 6] ?? 0)) + far * (moves[m + 7] ?? 0);
      flow[at] = widthPx / 2 + (focalPx * bx) / before - lookX;
      flow[pixels + at] = heightPx / 2 + (focalPx * by) / before - lookY;
      depthBefore[at] = chosen.face === sky ? Infinity : before;
    }
  }
  mirrorAbove(light, mirrors, raster, pose, focalPx);
  return { light, labels, depth, flow, instances, depthBefore };
}

/** Wet ground shows what is above it, as far as the picture has it: the row as far over the horizon as this is under it. */
function mirrorAbove(
  light: Float32Array,
  mirrors: Float32Array,
  { widthPx, heightPx }: Raster,
  pose: Pose,
  focalPx: number,
): void {
  if (!mirrors.some((value) => value > 0)) return;
  const source = Float32Array.from(light);
  const horizon = heightPx / 2 + focalPx * ((pose[6] ?? 0) / Math.max(0.2, -(pose[5] ?? -1)));
  for (let y = Math.max(0, Math.floor(horizon) + 1); y < heightPx; y++) {
    const from = Math.max(0, Math.min(heightPx - 1, Math.round(2 * horizon - y)));
    for (let x = 0; x < widthPx; x++) {
      const share = mirrors[y * widthPx + x] ?? 0;
      if (share <= 0) continue;
      for (let c = 0; c < 3; c++) {
        // Three rows: the surface is rough.
        let sum = 0;
        for (const row of [from - 4, from, Math.min(heightPx - 1, from + 4)])
          sum += source[3 * (Math.max(0, row) * widthPx + x) + c] ?? 0;
        const at = 3 * (y * widthPx + x) + c;
        light[at] = (light[at] ?? 0) + share * (sum / 3 - (light[at] ?? 0));
      }
    }
  }
}

/** Motion of a mesh between two frames, from camera to camera. */
export function motionOf(poseNow: Pose, poseBefore: Pose, camera: Pose, viewBefore: Pose): Pose {
  return composed(composed(viewBefore, poseBefore), composed(inverted(poseNow), camera));
}
