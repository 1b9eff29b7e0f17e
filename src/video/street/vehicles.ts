// Cars, vans, buses and lorries as meshes: z ahead, the ground at y = 0, in metres.

import type { Dice } from "./dice.ts";
import { label } from "./label.ts";
import type { Materials } from "./materials.ts";
import { Mesh, type Colour, type FaceInit } from "./mesh.ts";
import type { Vector } from "./pose.ts";

/** A vehicle and how much of the street it takes. */
export interface Vehicle {
  readonly mesh: Mesh;
  readonly halfLength: number;
  readonly halfWidth: number;
}

const paintColours: readonly [Colour, ...Colour[]] = [
  [206, 208, 210],
  [236, 236, 232],
  [40, 42, 46],
  [92, 96, 102],
  [150, 154, 158],
  [28, 52, 100],
  [146, 26, 30],
  [70, 106, 150],
  [196, 44, 34],
  [34, 66, 50],
  [186, 160, 92],
  [232, 178, 28],
];

/** A shape of car, from the side: heights, and where along its length the parts begin. */
interface Profile {
  readonly length: number;
  readonly width: number;
  readonly height: number;
  /** Height of the bonnet. */
  readonly bonnet: number;
  /** Height of the boot. */
  readonly boot: number;
  /** Lower and upper edge of the windscreen and of the rear window, in metres from the middle, ahead positive. */
  readonly screen: readonly [number, number];
  readonly rear: readonly [number, number];
}

const profiles: readonly [Profile, ...Profile[]] = [
  { length: 4.0, width: 1.74, height: 1.48, bonnet: 0.92, boot: 0.98, screen: [1.05, 0.35], rear: [-1.9, -1.55] },
  { length: 4.6, width: 1.82, height: 1.45, bonnet: 0.9, boot: 1.02, screen: [1.0, 0.25], rear: [-1.6, -0.85] },
  { length: 4.7, width: 1.84, height: 1.52, bonnet: 0.94, boot: 1.0, screen: [1.1, 0.35], rear: [-2.28, -1.95] },
  { length: 4.5, width: 1.9, height: 1.76, bonnet: 1.12, boot: 1.16, screen: [0.95, 0.4], rear: [-2.15, -1.9] },
  { length: 3.6, width: 1.66, height: 1.5, bonnet: 0.92, boot: 1.0, screen: [1.15, 0.5], rear: [-1.75, -1.5] },
];

/** A vehicle; mostly a car. */
export function makeVehicle(dice: Dice, materials: Materials): Vehicle {
  const kind = dice.next();
  if (kind < 0.82) return car(dice.pick(profiles), dice.pick(paintColours), materials);
  if (kind < 0.93)
    return boxed({ length: 5.2, width: 1.98, height: 2.15, colour: dice.pick(paintColours), glazed: false }, materials);
  if (kind < 0.97)
    return boxed(
      {
        length: 10.5,
        width: 2.5,
        height: 3.1,
        colour: dice.pick([
          [190, 30, 34],
          [40, 90, 60],
          [226, 178, 40],
        ]),
        glazed: true,
      },
      materials,
    );
  return boxed({ length: 7.2, width: 2.4, height: 3.2, colour: [222, 222, 218], glazed: false }, materials);
}

function car(profile: Profile, colour: Colour, materials: Materials): Vehicle {
  const { length, width, height, bonnet, boot, screen, rear } = profile;
  const mesh = new Mesh();
  const face = (material: number, tint: Colour): FaceInit => ({ material, label: label.car, tint });
  const body = face(materials.plain, colour);
  const dark = face(materials.plain, [30, 31, 33]);
  const glass = face(materials.glass, [255, 255, 255]);
  const [half, front, back, sill] = [width / 2, length / 2, -length / 2, 0.3];
  const roof = half - 0.22;
  // Corners by side (left -1, right 1).
  const low = (side: number, z: number): Vector => [side * half, sill, z];
  const belt = (side: number, z: number, y: number): Vector => [side * (half - 0.03), y, z];
  const top = (side: number, z: number): Vector => [side * roof, height, z];
  const noseTop = bonnet - 0.16;
  const strip = (a: (side: number) => Vector, b: (side: number) => Vector, init: FaceInit): void => {
    mesh.polygon([a(-1), a(1), b(1), b(-1)].reverse(), init);
  };
  strip(
    (s) => belt(s, front, noseTop),
    (s) => low(s, front),
    body,
  );
  strip(
    (s) => belt(s, screen[0], bonnet),
    (s) => belt(s, front, noseTop),
    body,
  );
  strip(
    (s) => top(s, screen[1]),
    (s) => belt(s, screen[0], bonnet),
    glass,
  );
  strip(
    (s) => top(s, rear[1]),
    (s) => top(s, screen[1]),
    body,
  );
  strip(
    (s) => belt(s, rear[0], boot),
    (s) => top(s, rear[1]),
    glass,
  );
  strip(
    (s) => belt(s, back, boot - 0.04),
    (s) => belt(s, rear[0], boot),
    body,
  );
  strip(
    (s) => low(s, back),
    (s) => belt(s, back, boot - 0.04),
    body,
  );
  for (const side of [-1, 1]) {
    const flank = (corners: Vector[], init: FaceInit): void => {
      mesh.polygon(side > 0 ? corners : corners.reverse(), init);
    };
    flank([low(side, back), belt(side, back, boot - 0.04), belt(side, screen[0], bonnet), low(side, screen[0])], body);
    flank([low(side, screen[0]), belt(side, screen[0], bonnet), belt(side, front, noseTop), low(side, front)], body);
    flank([belt(side, rear[0], boot), top(side, rear[1]), top(side, screen[1]), belt(side, screen[0], bonnet)], body);
    const pane = (z: number, y: number): Vector => {
      const up = (y - bonnet) / (height - bonnet);
      return [side * (half - 0.03 - up * (half - 0.03 - roof) + 0.012), y, z];
    };
    const [paneLow, paneHigh] = [bonnet + 0.05, height - 0.07];
    const middle = (screen[1] + rear[1]) / 2 - 0.05;
    flank(
      [
        pane(middle + 0.05, paneLow),
        pane(middle + 0.05, paneHigh),
        pane(screen[1] - 0.02, paneHigh),
        pane(screen[0] - 0.16, paneLow),
      ],
      glass,
    );
    flank(
      [
        pane(rear[0] + 0.24, paneLow + 0.03),
        pane(rear[1] + 0.08, paneHigh),
        pane(middle - 0.05, paneHigh),
        pane(middle - 0.05, paneLow),
      ],
      glass,
    );
    flank(
      [
        [side * (half + 0.005), sill, back + 0.1],
        [side * (half + 0.005), sill + 0.12, back + 0.1],
        [side * (half + 0.005), sill + 0.12, front - 0.1],
        [side * (half + 0.005), sill, front - 0.1],
      ],
      dark,
    );
    for (const z of [front - 0.78, back + 0.76]) wheel(mesh, side * (half + 0.012), z, 0.32, materials);
    const lightY = noseTop - 0.14;
    const headlight: FaceInit = { material: materials.lamp, label: label.car, tint: [255, 250, 226] };
    const tail: FaceInit = { material: materials.lamp, label: label.car, tint: [190, 26, 22] };
    const patch = (z: number, y: number, init: FaceInit, isFront: boolean): void => {
      const corners: Vector[] = [
        [side * (half - 0.42), y - 0.08, z],
        [side * (half - 0.06), y - 0.08, z],
        [side * (half - 0.06), y + 0.08, z],
        [side * (half - 0.42), y + 0.08, z],
      ];
      mesh.polygon(side > 0 === isFront ? corners : corners.reverse(), init);
    };
    patch(front + 0.01, lightY, headlight, true);
    patch(back - 0.01, boot - 0.18, tail, false);
  }
  const plate = (z: number, isFront: boolean): void => {
    const corners: Vector[] = [
      [-0.26, 0.42, z],
      [0.26, 0.42, z],
      [0.26, 0.54, z],
      [-0.26, 0.54, z],
    ];
    mesh.polygon(isFront ? corners : corners.reverse(), face(materials.plain, [226, 222, 190]));
  };
  plate(front + 0.012, true);
  plate(back - 0.012, false);
  mesh.polygon(
    [
      [-0.5, 0.56, front + 0.008],
      [0.5, 0.56, front + 0.008],
      [0.5, 0.68, front + 0.008],
      [-0.5, 0.68, front + 0.008],
    ],
    dark,
  );
  underneath(mesh, half, front, materials);
  return { mesh, halfLength: length / 2, halfWidth: half };
}

interface Boxed {
  readonly length: number;
  readonly width: number;
  readonly height: number;
  readonly colour: Colour;
  readonly glazed: boolean;
}

/** A van, a bus or a lorry. */
function boxed({ length, width, height, colour, glazed }: Boxed, materials: Materials): Vehicle {
  const mesh = new Mesh();
  const body: FaceInit = { material: materials.plain, label: label.car, tint: colour };
  const glass: FaceInit = { material: materials.glass, label: label.car };
  const dark: FaceInit = { material: materials.plain, label: label.car, tint: [34, 35, 38] };
  const [half, front, sill] = [width / 2, length / 2, 0.38];
  mesh.box([-half, half], [sill, height], [-front, front], body);
  const pane = (low: number, high: number, z: number, isFront: boolean): void => {
    const w = half - 0.12;
    const corners: Vector[] = [
      [-w, low, z],
      [w, low, z],
      [w, high, z],
      [-w, high, z],
    ];
    mesh.polygon(isFront ? corners : corners.reverse(), glass);
  };
  pane(height * 0.52, height - 0.22, front + 0.015, true);
  pane(height * 0.56, height - 0.3, -front - 0.015, false);
  for (const side of [-1, 1]) {
    const x = side * (half + 0.015);
    const sidePane = (z0: number, z1: number): void => {
      const corners: Vector[] = [
        [x, height * 0.54, z0],
        [x, height - 0.3, z0],
        [x, height - 0.3, z1],
        [x, height * 0.54, z1],
      ];
      mesh.polygon(side > 0 ? corners : corners.reverse(), glass);
    };
    sidePane(front - 1.15, front - 0.2);
    if (glazed) for (let z = -front + 0.3; z + 1.4 < front - 1.2; z += 1.5) sidePane(z, z + 1.38);
    const skirt: Vector[] = [
      [x, sill, -front],
      [x, sill + 0.18, -front],
      [x, sill + 0.18, front],
      [x, sill, front],
    ];
    mesh.polygon(side > 0 ? skirt : skirt.reverse(), dark);
    for (const z of [front - 1.0, -front + 1.1]) wheel(mesh, side * (half + 0.02), z, 0.38, materials);
    for (const [z, isFront] of [
      [front + 0.02, true],
      [-front - 0.02, false],
    ] as const) {
      const y = sill + 0.42;
      const corners: Vector[] = [
        [side * (half - 0.4), y, z],
        [side * (half - 0.08), y, z],
        [side * (half - 0.08), y + 0.16, z],
        [side * (half - 0.4), y + 0.16, z],
      ];
      mesh.polygon(side > 0 === isFront ? corners : corners.reverse(), {
        material: materials.lamp,
        label: label.car,
        tint: isFront ? [255, 250, 226] : [190, 26, 22],
      });
    }
  }
  underneath(mesh, half, front, materials);
  return { mesh, halfLength: front, halfWidth: half };
}

/** A wheel on a flank, seen from its side. */
function wheel(mesh: Mesh, x: number, z: number, radius: number, materials: Materials): void {
  const ring = (r: number, at: number): Vector[] => {
    const corners: Vector[] = [];
    for (let i = 0; i < 10; i++) {
      const turn = (2 * Math.PI * i) / 10;
      corners.push([at, radius + r * Math.sin(turn), z + r * Math.cos(turn)]);
    }
    return x > 0 ? corners.reverse() : corners;
  };
  mesh.polygon(ring(radius, x), { material: materials.plain, label: label.car, tint: [26, 26, 28] });
  mesh.polygon(ring(radius * 0.6, x * 1.006), { material: materials.plain, label: label.car, tint: [136, 138, 142] });
}

/** What is seen below the sills, and the shade on the ground. */
function underneath(mesh: Mesh, half: number, front: number, materials: Materials): void {
  mesh.box([-half + 0.14, half - 0.14], [0.12, 0.34], [-front + 0.3, front - 0.3], {
    material: materials.plain,
    label: label.car,
    tint: [16, 16, 17],
  });
  mesh.floor([-half - 0.45, half + 0.45], [-front - 0.45, front + 0.45], 0.012, {
    material: materials.carShade,
    label: label.road,
    shift: [-(front + 0.45), -(half + 0.45)],
  });
}
