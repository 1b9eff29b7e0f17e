// Balls that are asked for before what is in them is made: nothing may be outside of them.

import { expect, test } from "vitest";
import { Dice } from "../../../src/video/street/dice.ts";
import { makeMaterials } from "../../../src/video/street/materials.ts";
import type { Mesh } from "../../../src/video/street/mesh.ts";
import { makeCyclist, makePedestrian } from "../../../src/video/street/people.ts";
import { moved, type Pose, type Vector } from "../../../src/video/street/pose.ts";
import { Town } from "../../../src/video/street/town.ts";

/** All corners of a mesh, where it stands. */
function cornersOf(mesh: Mesh, pose: Pose): Vector[] {
  const corners: Vector[] = [];
  for (let face = 0; face < mesh.length; face++) {
    const [ox = 0, oy = 0, oz = 0, ax = 0, ay = 0, az = 0, bx = 0, by = 0, bz = 0] = mesh.planes.slice(
      9 * face,
      9 * face + 9,
    );
    for (let at = mesh.starts[face] ?? 0; at < (mesh.starts[face + 1] ?? 0); at += 2) {
      const [u, v] = [mesh.outlines[at] ?? 0, mesh.outlines[at + 1] ?? 0];
      corners.push(moved(pose, [ox + u * ax + v * bx, oy + u * ay + v * by, oz + u * az + v * bz]));
    }
  }
  return corners;
}

test("no limb is further from its body's place than the body says, at any phase", () => {
  const dice = new Dice(5);
  const materials = makeMaterials(5);
  for (let k = 0; k < 8; k++) {
    const body = k % 2 === 0 ? makePedestrian(dice, materials) : makeCyclist(dice, materials);
    let furthest = 0;
    for (const limb of body.limbs) {
      for (let phase = 0; phase < 6.3; phase += 0.7) {
        for (const corner of cornersOf(limb.mesh, limb.pose(phase, 1)))
          furthest = Math.max(furthest, Math.hypot(...corner));
      }
    }
    expect(furthest).toBeGreaterThan(1);
    expect(furthest).toBeLessThanOrEqual(body.reach);
  }
});

test("no part of a tile is further from its middle than the town says", () => {
  for (const seed of [1, 2]) {
    const town = new Town(seed, 1, makeMaterials(seed));
    const { east, north } = town.grid;
    let furthest = 0;
    for (let i = 0; i < 3; i++) {
      for (let j = 0; j < 2; j++) {
        for (const { mesh, pose } of town.tile(i, j).things) {
          for (const [x, y, z] of cornersOf(mesh, pose))
            furthest = Math.max(furthest, Math.hypot(x - (i + 0.5) * east, y, z - (j + 0.5) * north));
        }
      }
    }
    expect(furthest).toBeGreaterThan(Math.hypot(east, north) / 2 - town.grid.roadHalf - 5);
    expect(furthest).toBeLessThanOrEqual(town.tileReach);
  }
});
