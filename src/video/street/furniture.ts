// What stands along a street: trees, lamps, signs, signals, bollards, fences, hedges. Metres, the ground at y = 0.

import type { Dice } from "./dice.ts";
import { label } from "./label.ts";
import type { Materials } from "./materials.ts";
import { Mesh, type Colour, type FaceInit, type Span } from "./mesh.ts";
import type { Vector } from "./pose.ts";

/** A tree: a trunk and clumps of leaves. @returns its mesh and the radius of its crown */
export function makeTree(
  dice: Dice,
  materials: Materials,
): { readonly mesh: Mesh; readonly crown: number; readonly height: number } {
  const mesh = new Mesh();
  const height = dice.between(4.5, 10);
  const crown = height * dice.between(0.24, 0.36);
  const middle = height - crown * dice.between(0.8, 1.05);
  const isBare = dice.chance(0.3);
  const trunk: FaceInit = {
    material: materials.bark,
    label: label.tree,
    tint: dice.pick<Colour>([
      [112, 94, 76],
      [92, 84, 74],
      [126, 110, 90],
    ]),
  };
  mesh.post([0, 0], [0, middle], [0.022 * height, 0.014 * height], trunk, 6);
  const green = dice.pick<Colour>([
    [92, 122, 56],
    [76, 108, 54],
    [118, 136, 62],
    [64, 96, 58],
    [148, 132, 58],
    [98, 116, 74],
  ]);
  const branches = isBare ? 14 : 7;
  for (let i = 0; i < branches; i++) {
    const [turn, rise] = [dice.between(0, 2 * Math.PI), dice.between(0.25, 1.1)];
    const from: Vector = [0, middle * dice.between(0.6, 1), 0];
    const far = crown * dice.between(0.5, 0.95);
    const to: Vector = [
      far * Math.cos(turn) * Math.cos(rise),
      from[1] + far * Math.sin(rise) + 0.4,
      far * Math.sin(turn) * Math.cos(rise),
    ];
    const thin = 0.008 * height;
    mesh.polygon(
      [
        [from[0] - thin, from[1], from[2] + thin],
        [from[0] + thin, from[1], from[2] - thin],
        [to[0], to[1], to[2]],
      ],
      { ...trunk, twoSided: true },
    );
  }
  const clumps = isBare ? 12 : dice.whole(16, 22);
  for (let i = 0; i < clumps; i++) {
    // Evenly over the ball: the golden angle.
    const up = 1 - (2 * (i + 0.5)) / clumps;
    const turn = i * 2.39996 + dice.next();
    const out = Math.sqrt(1 - up * up);
    const far = crown * dice.between(0.35, 0.7);
    const at: Vector = [far * out * Math.cos(turn), middle + 0.9 * far * up, far * out * Math.sin(turn)];
    const shade = 0.62 + 0.38 * (0.5 + 0.5 * up) * dice.between(0.85, 1.1);
    const tint: Colour = [green[0] * shade, green[1] * shade, green[2] * shade];
    clump(mesh, at, crown * dice.between(0.5, 0.72), [dice.between(0, Math.PI), dice.between(-0.7, 0.7)], {
      material: isBare ? materials.twigs : (materials.leaves[i % 3] ?? materials.leaves[0]),
      label: label.tree,
      tint: isBare ? [96, 82, 70] : tint,
      twoSided: true,
    });
  }
  return { mesh, crown: isBare ? 0.5 * crown : crown, height };
}

/** A square card of leaves, turned. */
function clump(
  mesh: Mesh,
  [x, y, z]: Vector,
  half: number,
  [turn, tilt]: readonly [number, number],
  init: FaceInit,
): void {
  const across: Vector = [Math.cos(turn), 0, Math.sin(turn)];
  const up: Vector = [-Math.sin(turn) * Math.sin(tilt), Math.cos(tilt), Math.cos(turn) * Math.sin(tilt)];
  const corner = (a: number, b: number): Vector => [
    x + half * (a * across[0] + b * up[0]),
    y + half * (a * across[1] + b * up[1]),
    z + half * (a * across[2] + b * up[2]),
  ];
  // The texture is 3 m wide, whatever the card is: the mesh is made that large and then shrunk.
  const large = new Mesh().polygon(
    [
      [-1.5, -1.5, 0],
      [1.5, -1.5, 0],
      [1.5, 1.5, 0],
      [-1.5, 1.5, 0],
    ],
    init,
  );
  mesh.append(large, ([u, v]) => corner(u / 1.5, v / 1.5));
}

/** A lamp post; its arm leads to the south. The light hangs at (0, height, -arm). */
export function makeLamp(height: number, arm: number, materials: Materials): Mesh {
  const steel: FaceInit = { material: materials.plain, label: label.pole, tint: [92, 96, 98] };
  const mesh = new Mesh(0.15).post([0, 0], [0, height], [0.1, 0.065], steel, 6);
  mesh.box([-0.035, 0.035], [height - 0.08, height], [-arm, 0], steel);
  mesh.box([-0.11, 0.11], [height - 0.14, height + 0.02], [-arm - 0.28, -arm + 0.28], {
    ...steel,
    tint: [150, 152, 150],
  });
  const [near, far] = [-arm + 0.26, -arm - 0.26];
  return mesh.polygon(
    [
      [-0.1, height - 0.15, far],
      [0.1, height - 0.15, far],
      [0.1, height - 0.15, near],
      [-0.1, height - 0.15, near],
    ],
    { material: materials.lamp, label: label.pole, tint: [255, 226, 170], twoSided: true },
  );
}

/** A traffic sign on a post, its face to the south (to those who drive north). */
export function makeSign(dice: Dice, materials: Materials): Mesh {
  const kind = dice.pick(["limit", "warning", "direction", "parking", "no-entry", "limit"] as const);
  const height = dice.between(2.1, 2.6);
  const mesh = new Mesh(0.11).post(
    [0, 0],
    [0, height + 0.35],
    [0.055, 0.055],
    { material: materials.plain, label: label.pole, tint: [128, 130, 130] },
    5,
  );
  const face: FaceInit = { material: materials.signs[kind], label: label.sign };
  const back: FaceInit = { material: materials.plain, label: label.sign, tint: [134, 136, 138] };
  const [half, sides] = kind === "warning" ? [0.52, 3] : kind === "limit" || kind === "no-entry" ? [0.4, 12] : [0.5, 4];
  const turn = kind === "warning" ? Math.PI / 2 : sides === 4 ? Math.PI / 4 : Math.PI / 12;
  const corners = Array.from({ length: sides }, (_, i): Vector => {
    const angle = turn + (2 * Math.PI * i) / sides;
    return [half * Math.cos(angle), height + half * Math.sin(angle), -0.06];
  });
  mesh.polygon(
    corners.map(([x, y]): Vector => [x, y, -0.045]),
    back,
  );
  // Textures are 1 m wide; the first corner of a face is its origin, so the square is drawn and the outline is cut by hand.
  const first = corners.toReversed();
  return mesh.append(signMesh(first, height, half, face), (p) => p);
}

/** A face to the south whose texture's unit square is the square around the outline. */
function signMesh(corners: readonly Vector[], height: number, half: number, init: FaceInit): Mesh {
  const side = half * 1.02;
  const unitCorners = corners.map(([x, y]): Vector => [-(x / side) / 2, (y - height) / side / 2, 0]);
  // Seen from the south, x runs to the right; the face's own axis runs to the west.
  const square = new Mesh().polygon(
    [
      [-0.5, -0.5, 0],
      [0.5, -0.5, 0],
      [0.5, 0.5, 0],
      [-0.5, 0.5, 0],
    ],
    init,
  );
  square.outlines.splice(0, square.outlines.length, ...unitCorners.flatMap(([u, v]) => [u + 0.5, v + 0.5]));
  square.starts[1] = square.outlines.length;
  return new Mesh().append(square, ([u, v]) => [-u * 2 * side, height + v * 2 * side, -0.065]);
}

/** A traffic light, its lamps to the south. @param lit which lamp: 0 red, 1 amber, 2 green */
export function makeSignal(lit: 0 | 1 | 2, materials: Materials): Mesh {
  const mesh = new Mesh(0.14).post(
    [0, 0],
    [0, 2.4],
    [0.06, 0.06],
    { material: materials.plain, label: label.pole, tint: [70, 72, 74] },
    6,
  );
  mesh.box([-0.17, 0.17], [2.35, 3.25], [-0.13, 0.13], {
    material: materials.plain,
    label: label.sign,
    tint: [30, 32, 32],
  });
  const colours: readonly Colour[] = [
    [255, 60, 46],
    [255, 180, 40],
    [60, 240, 120],
  ];
  for (const [lamp, colour] of colours.entries()) {
    const y = 3.1 - 0.28 * lamp;
    const corners = Array.from({ length: 8 }, (_, i): Vector => {
      const turn = (-2 * Math.PI * (i + 0.5)) / 8;
      return [0.1 * Math.cos(turn), y + 0.1 * Math.sin(turn), -0.14];
    });
    const isLit = lamp === lit;
    mesh.polygon(corners, {
      material: isLit ? materials.signal : materials.plain,
      label: label.sign,
      tint: isLit ? colour : [colour[0] * 0.2, colour[1] * 0.2, colour[2] * 0.2],
    });
  }
  return mesh;
}

/** A bollard. */
export function makeBollard(dice: Dice, materials: Materials): Mesh {
  const tint = dice.pick<Colour>([
    [60, 62, 64],
    [190, 188, 182],
    [110, 40, 36],
  ]);
  return new Mesh(0.15).post(
    [0, 0],
    [0, 0.95],
    [0.09, 0.075],
    { material: materials.plain, label: label.pole, tint },
    6,
  );
}

/** A litter bin or a box of cables: nothing but a box. */
export function makeBin(dice: Dice, materials: Materials): Mesh {
  const tint = dice.pick<Colour>([
    [52, 70, 58],
    [96, 100, 102],
    [40, 44, 48],
  ]);
  const half = dice.between(0.2, 0.4);
  return new Mesh(0.25).box([-half, half], [0, dice.between(0.8, 1.25)], [-half, half], {
    material: materials.plain,
    label: label.pole,
    tint,
  });
}

/** Which kind of line runs along the edge of a garden. */
export type Boundary = "railing" | "boards" | "hedge" | "wall";

/** A fence, hedge or garden wall from one place to another, straight along x or z. */
export function addBoundary(
  mesh: Mesh,
  kind: Boundary,
  [x0, z0, x1, z1]: readonly [number, number, number, number],
  height: number,
  materials: Materials,
): void {
  const half = kind === "hedge" ? 0.4 : kind === "wall" ? 0.12 : 0.04;
  const isEast = Math.abs(x1 - x0) > Math.abs(z1 - z0);
  const wide = (a: number, b: number, thin: boolean): Span => [
    Math.min(a, b) - (thin ? half : 0),
    Math.max(a, b) + (thin ? half : 0),
  ];
  const [x, z] = [wide(x0, x1, !isEast), wide(z0, z1, isEast)];
  switch (kind) {
    case "railing": {
      const init: FaceInit = { material: materials.railing, label: label.fence, tint: [60, 64, 66], twoSided: true };
      // The texture is 1.2 m high.
      const flat = new Mesh().wall([0, 0], [Math.hypot(x1 - x0, z1 - z0), 0], [0, 1.2], init);
      const length = Math.hypot(x1 - x0, z1 - z0);
      mesh.append(flat, ([u, v]) => [
        x0 + ((x1 - x0) * u) / length,
        0.06 + (v / 1.2) * height,
        z0 + ((z1 - z0) * u) / length,
      ]);
      return;
    }
    case "boards":
      mesh.box(x, [0, height], z, { material: materials.boards, label: label.fence, tint: [146, 112, 82] });
      return;
    case "hedge":
      mesh.box(x, [0, height], z, { material: materials.foliage, label: label.tree, tint: [82, 108, 56] });
      return;
    case "wall":
      mesh.box(
        x,
        [0, height],
        z,
        { material: materials.bricks, label: label.building, tint: [172, 128, 106] },
        {
          material: materials.plain,
          label: label.building,
          tint: [150, 140, 132],
        },
      );
  }
}
