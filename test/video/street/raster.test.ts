// The rasteriser against rays: every sample of a small picture is shot into the scene, face by face.

import { expect, test } from "vitest";
import { Dice } from "../../../src/video/street/dice.ts";
import { cross, dot, Mesh, minus } from "../../../src/video/street/mesh.ts";
import {
  cameraPose,
  composed,
  inverted,
  moved,
  standing,
  type Pose,
  type Vector,
} from "../../../src/video/street/pose.ts";
import { numbersPerFace, Raster, sky } from "../../../src/video/street/raster.ts";
import { gapCover, painted } from "../../../src/video/street/texture.ts";

const [widthPx, heightPx, focalPx] = [48, 36, 40];

interface Placed {
  readonly mesh: Mesh;
  readonly pose: Pose;
}

/** Nearest face along a ray from the camera, as its corners say: no texture coordinates, no slopes. */
function shot(
  scene: readonly Placed[],
  camera: Pose,
  x: number,
  y: number,
): { depth: number; instance: number } | undefined {
  const eye = moved(camera, [0, 0, 0]);
  const ray = minus(moved(camera, [(x - widthPx / 2) / focalPx, (y - heightPx / 2) / focalPx, 1]), eye);
  let best: { depth: number; instance: number } | undefined;
  for (const [instance, { mesh, pose }] of scene.entries()) {
    for (let face = 0; face < mesh.length; face++) {
      const [ox = 0, oy = 0, oz = 0, ax = 0, ay = 0, az = 0, bx = 0, by = 0, bz = 0] = mesh.planes.slice(
        9 * face,
        9 * face + 9,
      );
      const corners: Vector[] = [];
      for (let at = mesh.starts[face] ?? 0; at < (mesh.starts[face + 1] ?? 0); at += 2) {
        const [u, v] = [mesh.outlines[at] ?? 0, mesh.outlines[at + 1] ?? 0];
        corners.push(moved(pose, [ox + u * ax + v * bx, oy + u * ay + v * by, oz + u * az + v * bz]));
      }
      const [p, q, r] = corners;
      if (p === undefined || q === undefined || r === undefined) throw new Error("a face has three corners");
      const normal = cross(minus(q, p), minus(r, p));
      const slope = dot(normal, ray);
      if (mesh.twoSided[face] !== true && slope >= 0) continue;
      const depth = dot(normal, minus(p, eye)) / slope;
      if (!(depth > 0.2) || (best !== undefined && depth >= best.depth)) continue;
      const hit: Vector = [eye[0] + depth * ray[0], eye[1] + depth * ray[1], eye[2] + depth * ray[2]];
      const sides = corners.map((corner, i) =>
        dot(normal, cross(minus(corners[(i + 1) % corners.length] ?? p, corner), minus(hit, corner))),
      );
      if (sides.every((side) => side >= 0) || sides.every((side) => side <= 0)) best = { depth, instance };
    }
  }
  return best;
}

test("every sample shows the face that a ray meets first, at its depth", () => {
  const dice = new Dice(11);
  let [samples, differing, worst] = [0, 0, 0];
  for (let round = 0; round < 4; round++) {
    const scene: Placed[] = [];
    for (let k = 0; k < 14; k++) {
      const mesh = new Mesh();
      const init = { material: 0, label: 0, twoSided: k % 5 === 0 };
      if (k % 3 === 0) mesh.post([0, 0], [-1, dice.between(0.5, 2)], [0.6, dice.between(0, 0.8)], init, 5);
      else mesh.box([-dice.between(0.3, 1), dice.between(0.3, 1)], [-0.5, 1], [-dice.between(0.3, 1), 0.6], init);
      const place = standing(dice.between(-4, 4), dice.between(-2, 2), dice.between(-1, 9), dice.between(0, 6));
      scene.push({ mesh, pose: place });
    }
    // A floor that begins behind the camera: it has to be cut.
    scene.push({
      mesh: new Mesh().floor([-40, 40], [-40, 40], -2, { material: 0, label: 0 }),
      pose: standing(0, 0, 0, 0),
    });
    const camera = cameraPose(
      [dice.between(-1, 1), dice.between(0, 2), -3],
      dice.between(-0.4, 0.4),
      dice.between(-0.3, 0.2),
      0.1,
    );
    const raster = new Raster(widthPx, heightPx, [{ kind: "plain" }]);
    raster.begin(inverted(camera), focalPx);
    for (const [instance, { mesh, pose }] of scene.entries()) raster.draw(mesh, pose, instance, 0);
    for (let row = 0; row < raster.rows; row++) {
      for (let column = 0; column < raster.columns; column++) {
        const at = row * raster.columns + column;
        const expected = shot(scene, camera, (column + 0.5) / 2, (row + 0.5) / 2);
        const face = raster.samples[at] ?? sky;
        samples++;
        const instance = face === sky ? undefined : raster.instances[face];
        if (instance !== expected?.instance) differing++;
        else if (expected !== undefined)
          worst = Math.max(worst, Math.abs(1 / (raster.nearness[at] ?? 0) / expected.depth - 1));
      }
    }
  }
  expect(worst).toBeLessThan(1e-4);
  // Rays through edges may fall to either side.
  expect(differing / samples).toBeLessThan(2e-4);
});

test("a ball is seen where a part of it is before the camera and within the picture", () => {
  const raster = new Raster(widthPx, heightPx, [{ kind: "plain" }]);
  raster.begin(inverted(cameraPose([0, 0, 0], 0, 0)), focalPx);
  expect(raster.isSeen(0, 0, 9, 1)).toBe(true);
  expect(raster.isSeen(0, 4.8, 9, 1)).toBe(true);
  expect(raster.isSeen(0, 6, 9, 1)).toBe(false);
  expect(raster.isSeen(30, 0, 9, 1)).toBe(false);
  expect(raster.isSeen(0, 0, -9, 1)).toBe(false);
});

test("what is kept of a face gives the place on it that is seen", () => {
  const mesh = new Mesh().polygon(
    [
      [1, 2, 6],
      [4, 2, 7],
      [4, 5, 7.5],
      [1, 5, 6.5],
    ],
    { material: 0, label: 0, twoSided: true },
  );
  const camera = cameraPose([2, 3, 0], 0.1, 0.05);
  const raster = new Raster(widthPx, heightPx, [{ kind: "plain" }]);
  raster.begin(inverted(camera), focalPx);
  raster.draw(mesh, standing(0, 0, 0, 0), 1, 0);
  expect(raster.count).toBe(1);
  const [u, v] = [1.2, 0.7];
  const plane = mesh.planes;
  const point = [0, 1, 2].map(
    (i) => (plane[i] ?? 0) + u * (plane[3 + i] ?? 0) + v * (plane[6 + i] ?? 0),
  ) as unknown as Vector;
  const seen = moved(composed(inverted(camera), standing(0, 0, 0, 0)), point);
  const [x, y] = [widthPx / 2 + (focalPx * seen[0]) / seen[2], heightPx / 2 + (focalPx * seen[1]) / seen[2]];
  const at = (row: number): number =>
    (raster.linear[row] ?? 0) * x + (raster.linear[row + 1] ?? 0) * y + (raster.linear[row + 2] ?? 0);
  expect(numbersPerFace).toBe(9);
  expect(1 / at(0)).toBeCloseTo(seen[2], 9);
  expect(at(3) / at(0)).toBeCloseTo(u, 9);
  expect(at(6) / at(0)).toBeCloseTo(v, 9);
});

test("samples that look through gaps of a face show what is behind, and know whose gaps they are", () => {
  // Thirds, more or less: solid, a gap, nothing; 4 m wide and seen from where a texel is larger than a sample.
  const texture = painted(8, 4, (u) => [255, 255, 255, u < 0.375 ? 255 : u < 0.625 ? gapCover : 0]);
  const square = (z: number, half: number, material: number, label: number, shift: number): Mesh =>
    new Mesh().polygon(
      [
        [-half, -half, z],
        [half, -half, z],
        [half, half, z],
        [-half, half, z],
      ],
      { material, label, twoSided: true, shift: [shift, 0] },
    );
  const raster = new Raster(widthPx, heightPx, [{ kind: "plain" }, { kind: "card", texture }]);
  const draw = {
    wall: () => raster.draw(square(8, 20, 0, 3, 0), standing(0, 0, 0, 0), 1, 0),
    fence: () => raster.draw(square(4, 2, 1, 7, 0), standing(0, 0, 0, 0), 2, 0),
    post: () => raster.draw(square(2, 0.1, 0, 2, 0), standing(0, 0, 0, 0), 3, 0),
  };
  for (const order of [
    ["wall", "fence", "post"],
    ["fence", "post", "wall"],
    ["post", "wall", "fence"],
  ] as const) {
    raster.begin(inverted(cameraPose([0, 0, 0], 0, 0)), focalPx);
    for (const name of order) draw[name]();
    const row = raster.rows / 2 + 10;
    // The fence is 4 m wide at 4 m: as many pixels as the focal length. What is on a border between thirds may be either.
    const seen = Array.from({ length: raster.columns }, (_, column) => {
      const at = row * raster.columns + column;
      const isGap = (raster.gapNearness[at] ?? 0) > (raster.nearness[at] ?? 0);
      return {
        u: ((column + 0.5) / 2 - widthPx / 2) / focalPx + 0.5,
        sample: [raster.instances[raster.samples[at] ?? sky], isGap, isGap ? raster.gapLabels[at] : 0],
      };
    });
    const third = (from: number, to: number): unknown => {
      const part = seen.filter(({ u }) => u > from + 0.002 && u < to - 0.002).map(({ sample }) => sample);
      return [part.length > 15, ...new Set(part.map(String))];
    };
    expect(third(0.01, 0.375)).toEqual([true, "2,false,0"]);
    expect(third(0.375, 0.625)).toEqual([true, "1,true,8"]);
    expect(third(0.625, 0.99)).toEqual([true, "1,false,0"]);
    // Before the post nothing looks through the fence.
    const middle = (raster.rows / 2) * raster.columns + raster.columns / 2;
    expect(raster.instances[raster.samples[middle] ?? sky]).toBe(3);
    expect(raster.gapNearness[middle] ?? 0).toBeLessThan(raster.nearness[middle] ?? 0);
  }
});
